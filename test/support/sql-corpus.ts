/**
 * The corpus of statements under `test/fixtures/sql`: reads its files, and writes facts in their form. A case is notes
 * (`#`), the text, a line `=>`, and the facts of each statement, one a line, statements divided by `;`; cases are
 * divided by `==`. Sessions of all cases are in `DB.S`, without a catalogue.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { StatementFacts } from '#policies/sql/facts.js';

const FOLDER = new URL('../fixtures/sql/', import.meta.url);

/** A text and what is true of it, statement by statement. */
export interface CorpusCase {
  /** File and line, for people. */
  readonly place: string;
  readonly sql: string;
  /** Per statement its lines; the first is the class with its marks, the others are sorted. */
  readonly expected: readonly (readonly string[])[];
}

/** Every case of every file, in order. Throws for a case without its `=>`. */
export function readCorpus(): readonly CorpusCase[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.facts'));
  return files
    .toSorted()
    .flatMap((name) => casesOf(name, readFileSync(new URL(name, FOLDER), 'utf8')));
}

function casesOf(name: string, text: string): readonly CorpusCase[] {
  const cases: CorpusCase[] = [];
  let line = 1;
  for (const part of text.split(/^==\n/mu)) {
    const place = `${name}:${line}`;
    line += part.split('\n').length;
    const lines = part.split('\n');
    const firstOfText = lines.findIndex((one) => !one.startsWith('#'));
    const arrow = lines.indexOf('=>');
    if (part.trim() === '') continue;
    if (arrow === -1) throw new Error(`${place}: a case without a line =>`);
    cases.push({
      place,
      sql: lines.slice(firstOfText, arrow).join('\n'),
      expected: expectedOf(lines.slice(arrow + 1)),
    });
  }
  return cases;
}

function expectedOf(lines: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [[]];
  for (const line of lines) {
    if (line === ';') groups.push([]);
    else if (line.trim() !== '') groups.at(-1)?.push(line.trim());
  }
  return groups.filter((group) => group.length > 0).map(inOrder);
}

function inOrder([first = '', ...others]: readonly string[]): readonly string[] {
  return [first, ...others.toSorted()];
}

/** The lines of the facts of one statement, as a case states them. */
export function linesOf(facts: StatementFacts): readonly string[] {
  const marks = [facts.opaque ? 'opaque' : '', facts.isFree ? 'free' : ''].filter(Boolean);
  const flags = [
    facts.hasSelectStar ? 'star' : '',
    facts.hasCrossJoin ? 'cross join' : '',
    facts.hasAggregation ? 'aggregation' : '',
    facts.hasWindowFunction ? 'window' : '',
    facts.hasTimeTravel ? 'time travel' : '',
    facts.hasSample ? 'sample' : '',
  ].filter(Boolean);
  const listed = (label: string, values: readonly string[]): readonly string[] =>
    values.length === 0 ? [] : [`${label}: ${values.join(', ')}`];
  return inOrder([
    [facts.class, ...marks].join(' '),
    ...listed('read', facts.tablesRead),
    ...listed('written', facts.tablesWritten),
    ...facts.areas.map(
      ({ action, database, schema }) =>
        `area: ${action} ${database}${schema === null ? '' : `.${schema}`}`,
    ),
    ...Object.entries(facts.columns).map(
      ([table, columns]) => `columns ${table}: ${columns.join(', ')}`,
    ),
    ...facts.filters.map(
      ({ table, column, operator, low, high }) =>
        `filter ${table}.${column} ${operator} ${low ?? ''}..${high ?? ''}`,
    ),
    ...facts.joins.map(
      (join) =>
        `join ${join.leftTable}.${join.leftColumn} ${join.operator} ${join.rightTable}.${join.rightColumn}`,
    ),
    ...listed('functions', facts.functions),
    ...listed('stages', facts.stages),
    ...listed('inner', facts.innerClasses),
    ...listed('flags', flags),
    ...(facts.limit === null ? [] : [`limit: ${facts.limit}`]),
    ...listed('unknown', facts.unknown.toSorted()),
  ]);
}
