/** How well analysis meets the corpus: per case, which kinds of fact are right, and the table of all of them. */
import type { CorpusCase } from './sql-corpus.js';

/** Kinds of fact that are told apart. */
export const FACT_KINDS = [
  'class',
  'tables',
  'columns',
  'filters',
  'joins',
  'functions',
  'others',
] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/** One case against what analysis said. */
export interface Score {
  readonly place: string;
  /** Class of its first statement. */
  readonly class: string;
  readonly right: Readonly<Record<FactKind, boolean>>;
}

/** The score of the lines `actual`, statement by statement. */
export function scoreOf(one: CorpusCase, actual: readonly (readonly string[])[]): Score {
  const isRight = (kind: FactKind): boolean =>
    JSON.stringify(one.expected.map((lines) => linesOfKind(lines, kind))) ===
    JSON.stringify(actual.map((lines) => linesOfKind(lines, kind)));
  return {
    place: one.place,
    class: one.expected[0]?.[0]?.split(' ')[0] ?? 'none',
    right: {
      class: isRight('class'),
      tables: isRight('tables'),
      columns: isRight('columns'),
      filters: isRight('filters'),
      joins: isRight('joins'),
      functions: isRight('functions'),
      others: isRight('others'),
    },
  };
}

function linesOfKind(lines: readonly string[], kind: FactKind): readonly string[] {
  return lines.filter((line, at) => kindOf(line, at) === kind);
}

function kindOf(line: string, at: number): FactKind {
  if (at === 0) return 'class';
  if (/^(?:read|written): /.test(line)) return 'tables';
  if (line.startsWith('columns ')) return 'columns';
  if (line.startsWith('filter ')) return 'filters';
  if (line.startsWith('join ')) return 'joins';
  return line.startsWith('functions: ') ? 'functions' : 'others';
}

/** Right cases per class and kind of fact, as a table in Markdown. */
export function ratesTable(scores: readonly Score[]): string {
  const classes = [...new Set(scores.map((score) => score.class))].toSorted();
  const rows = [...classes, 'all'].map((name) => {
    const own = scores.filter((score) => name === 'all' || score.class === name);
    const cells = FACT_KINDS.map((kind) => {
      const right = own.filter((score) => score.right[kind]).length;
      return right === own.length
        ? 'all'
        : `${right} (${((100 * right) / own.length).toFixed(1)} %)`;
    });
    return `| ${[name, String(own.length), ...cells].join(' | ')} |`;
  });
  const wrong = scores.flatMap((score) =>
    FACT_KINDS.filter((kind) => !score.right[kind]).map((kind) => `- \`${score.place}\`: ${kind}`),
  );
  return [
    `| class of the first statement | cases | ${FACT_KINDS.join(' | ')} |`,
    `| --- | --- | ${FACT_KINDS.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
    ...(wrong.length === 0
      ? ['Nothing differs.']
      : ['What differs, by file and line:', '', ...wrong]),
    '',
  ].join('\n');
}
