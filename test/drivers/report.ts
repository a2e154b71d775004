/** The outcomes as lines for the terminal and as the table of docs/compatibility.md. */
import type { Cell, Outcome } from './outcome.js';

/** Counts of cells; what differs has failed. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totals(outcomes: readonly Outcome[]): Totals {
  const cells = outcomes.flatMap(({ direct, proxied }) => [direct, proxied]);
  const count = (...kinds: Cell['kind'][]): number =>
    cells.filter(({ kind }) => kinds.includes(kind)).length;
  return { passed: count('pass'), failed: count('fail', 'differs'), skipped: count('skipped') };
}

/** Rows of the table, aligned for a terminal, each failure followed by what was seen. */
export function terminalLines(outcomes: readonly Outcome[]): readonly string[] {
  const width = Math.max(0, ...outcomes.map(({ title }) => title.length));
  return outcomes.flatMap(({ title, direct, proxied }) => [
    `  ${title.padEnd(width)}  ${text(direct)}  ${text(proxied)}`,
    ...reasons('direct', direct),
    ...reasons('proxied', proxied),
  ]);
}

function reasons(side: string, cell: Cell): readonly string[] {
  if (cell.kind !== 'fail' && cell.kind !== 'differs') return [];
  return cell.why.split('\n').map((line) => `      ${side}: ${line}`);
}

/** docs/compatibility.md: the same bytes for the same outcomes, wherever it was run. */
export function compatibilityDocument(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(
    ({ client, title, direct, proxied }) =>
      `| ${client.name} | ${client.version} | ${title} | ${text(direct)} | ${text(proxied)} |`,
  );
  return `${[...HEAD, ...rows].join('\n')}\n`;
}

function text(cell: Cell): string {
  return cell.kind === 'skipped' ? `skipped: ${cell.why}` : cell.kind;
}

const HEAD = `# Compatibility

Written by \`npm run test:drivers\`: the real drivers, each asked the same by its own small program in \`test/drivers\`, once
connected to the embedded warehouse directly and once through Tollgate, with nothing changed but the port.

- \`pass\`: what the client saw is right, and through the proxy it is equal to what it saw directly, values and types.
- \`differs\`: right on its own terms, but not equal to the direct answer.
- \`fail\`: the case failed; the run prints what was seen and ends with exit code 1.
- \`skipped\`: it did not run, and why.

The Python connector below 5 and Go are answered in Arrow, all others in JSON. Not in this table are these clients: the ODBC and
.NET drivers, Snowpark, and BI tools. \`snow\` logs in for each command, so that what it
runs after an error is another session.

| client | version | case | direct | proxied |
| --- | --- | --- | --- | --- |`.split('\n');
