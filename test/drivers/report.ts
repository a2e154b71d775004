/** The outcomes as lines for the terminal and as docs/compatibility.md. */
import type { Cell, Outcome } from './outcome.js';
import { WAYS, WAY_TEXTS, type Way } from './sides.js';

/** Counts of cells; what differs has failed, unless it is meant to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totals(outcomes: readonly Outcome[]): Totals {
  const cells = outcomes.flatMap(({ direct, proxied, ways }) => [
    direct,
    proxied,
    ...ways.values(),
  ]);
  const count = (wanted: (cell: Cell) => boolean): number => cells.filter(wanted).length;
  const failed = count(isFailure);
  const skipped = count(({ kind }) => kind === 'skipped');
  return { passed: cells.length - failed - skipped, failed, skipped };
}

function isFailure(cell: Cell): boolean {
  return cell.kind === 'fail' || (cell.kind === 'differs' && !cell.isKnown);
}

/** Rows of the table, aligned for a terminal, each failure followed by what was seen. */
export function terminalLines(outcomes: readonly Outcome[]): readonly string[] {
  const width = Math.max(0, ...outcomes.map(({ title }) => title.length));
  return outcomes.flatMap(({ title, direct, proxied, ways }) => {
    const cells: readonly [string, Cell][] = [['direct', direct], ['proxied', proxied], ...ways];
    return [
      `  ${title.padEnd(width)}  ${cells.map(([, cell]) => text(cell)).join('  ')}`,
      ...cells.flatMap(([side, cell]) => reasons(side, cell)),
    ];
  });
}

function reasons(side: string, cell: Cell): readonly string[] {
  if (!('why' in cell) || cell.kind === 'skipped') return [];
  return cell.why.split('\n').map((line) => `      ${side}: ${line}`);
}

/**
 * docs/compatibility.md: the same bytes for the same outcomes, wherever it was run. A run of fewer ways than all keeps
 * the section about the ways as it stands in `written`.
 */
export function compatibilityDocument(outcomes: readonly Outcome[], written = ''): string {
  const rows = outcomes
    .filter(({ isOfTable }) => isOfTable)
    .map(
      ({ client, title, direct, proxied }) =>
        `| ${client.name} | ${client.version} | ${title} | ${text(direct)} | ${text(proxied)} |`,
    );
  const isComplete = outcomes.every(({ ways }) => ways.size === WAYS.length);
  const start = written.indexOf(SECTION);
  const kept = start < 0 ? [] : written.slice(start).trimEnd().split('\n');
  const section = isComplete && outcomes.length > 0 ? waysSection(outcomes) : kept;
  return `${[...HEAD, ...rows, ...(section.length > 0 ? ['', ...section] : [])].join('\n')}\n`;
}

function waysSection(outcomes: readonly Outcome[]): readonly string[] {
  return [...SECTION_HEAD, ...WAYS.flatMap((way) => ['', ...wayTables(outcomes, way)])];
}

function wayTables(outcomes: readonly Outcome[], way: Way): readonly string[] {
  const cellOf = (outcome: Outcome): Cell =>
    outcome.ways.get(way) ?? { kind: 'skipped', why: 'it was not run' };
  const counted = [...new Set(outcomes.map(({ client }) => client))].map((client) => {
    const cells = outcomes.filter((each) => each.client === client).map(cellOf);
    const count = (kind: Cell['kind']): number => cells.filter((cell) => cell.kind === kind).length;
    const counts = [count('pass'), count('differs'), count('fail'), count('skipped')];
    return `| ${client.name} | ${client.version} | ${counts.join(' | ')} |`;
  });
  const unequal = outcomes.flatMap((outcome) => {
    const cell = cellOf(outcome);
    // What no side runs is told by the first table.
    if (cell.kind === 'pass') return [];
    if (cell.kind === 'skipped' && (outcome.proxied.kind === 'skipped' || !outcome.isOfTable))
      return [];
    const why = (cell.why.split('\n', 1)[0] ?? '').slice(0, 200).replaceAll('|', '\\|');
    const { name, version } = outcome.client;
    return [`| ${name} | ${version} | ${outcome.title} | ${cell.kind} | ${why} |`];
  });
  const rest = ['', '| client | version | case | cell | why |', '| --- | --- | --- | --- | --- |'];
  return [
    `### ${way}`,
    '',
    `${WAY_TEXTS[way]}.`,
    '',
    '| client | version | equal | differing | failing | skipped |',
    '| --- | --- | --- | --- | --- | --- |',
    ...counted,
    ...(unequal.length > 0 ? [...rest, ...unequal] : []),
  ];
}

function text(cell: Cell): string {
  return cell.kind === 'skipped' ? `skipped: ${cell.why}` : cell.kind;
}

const HEAD = `# Compatibility

Written by \`npm run test:drivers\`: the real drivers, each asked the same by its own small program in \`test/drivers\`, once
connected to the embedded warehouse directly and once through Tollgate, with nothing changed but the port. Further ways
through Tollgate stand [below](#more-ways).

- \`pass\`: what the client saw is right, and through the proxy it is equal to what it saw directly, values and types.
- \`differs\`: right on its own terms, but not equal to the direct answer.
- \`fail\`: the case failed; the run prints what was seen and ends with exit code 1.
- \`skipped\`: it did not run, and why.

The Python connector below 5, SQLAlchemy and Snowpark over it, and Go are answered in Arrow, all others in JSON. Not in this table
are these clients: the ODBC and .NET drivers, Snowpark, and BI tools. \`snow\` logs in for each command, so that what it
runs after an error is another session. Between program and system a balancer counts statements: a refusal, a stop and
a wait are one request each.

| client | version | case | direct | proxied |
| --- | --- | --- | --- | --- |`.split('\n');

const SECTION = '## More ways';
const SECTION_HEAD = `${SECTION}

The same cases by other ways through Tollgate, each against the direct answers above; written by \`npm run test:drivers -- --ways all\`.
\`equal\`: right, and equal to the direct answer where there is one. A case that is not equal has a row with what was seen.
Plain \`npm run test:drivers\` runs the way *combined* beside the table above.`.split('\n');
