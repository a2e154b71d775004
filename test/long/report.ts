import type { LongRunEntry } from './runs.js';

export type Figures = Readonly<Record<string, number>>;

export interface RunResult {
  readonly run: LongRunEntry;
  /** Chunks that ended well. */
  readonly chunks: number;
  readonly seconds: number;
  readonly figures: Figures;
}

/** Sums by name; of names that end in `Max` the greater one. */
export function addFigures(a: Figures, b: Figures): Figures {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [one, other] = [a[name] ?? 0, b[name] ?? 0];
      return [name, name.endsWith('Max') ? Math.max(one, other) : one + other];
    }),
  );
}

const HEAD = `# Tests at full count

Written by \`npm run test:long [-- <name>]\`; seeded, so that a chunk can be repeated. The same tests run in \`npm test\` at small counts.

| run | what | chunks | seconds | figures |
| --- | --- | --- | --- | --- |
`;

/** The document with the rows of `results`; rows of runs that this machine has not done are kept as they were. */
export function longRunsDocument(results: readonly RunResult[], earlier: string): string {
  const rows = new Map(
    earlier
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => [/^\| `([^`]+)`/.exec(line)?.[1] ?? '', line]),
  );
  for (const { run, chunks, seconds, figures } of results) {
    const shown = Object.entries(figures)
      .map(
        ([name, value]) => `${name} ${value.toLocaleString('en-GB', { maximumFractionDigits: 1 })}`,
      )
      .join(', ');
    const part = chunks === run.chunks ? String(chunks) : `${chunks} of ${run.chunks}`;
    rows.set(
      run.name,
      `| \`${run.name}\` | ${run.shows} | ${part} | ${Math.round(seconds)} | ${shown} |`,
    );
  }
  return (
    HEAD +
    [...rows.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => row)
      .join('\n') +
    '\n'
  );
}
