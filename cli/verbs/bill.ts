/** `tollgate bill`: a team's bill of a month, as a table, JSON or CSV. */
import type { Command } from 'commander';
import { z } from 'zod';
import { tryParseMonth } from '../../base/time.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { type ExportOptions, hasExports, saveExports, withExportOptions } from './bill-exports.js';

interface BillOptions extends ExportOptions {
  readonly csv?: boolean;
  readonly all?: string;
}

// Only what is printed; the API may say more.
const BILL = z.object({
  status: z.string(),
  totalAmount: z.string(),
  provisionalAmount: z.string().optional(),
  currency: z.string().optional(),
  lines: z.array(z.record(z.string(), z.unknown())),
});

export function registerBill(program: Command, terminal: Terminal): void {
  const command = program
    .command('bill [team] [month]')
    .description("a team's bill of a month (yyyy-mm); an open month is provisional")
    .option('--json', 'as JSON')
    .option('--csv', 'as CSV')
    .option('--all <month>', 'every team of the month: with --focus or --journal');
  withExportOptions(command).action(
    (team: string | undefined, month: string | undefined, options: BillOptions) =>
      billOrExports(terminal, team, month, options),
  );
}

async function billOrExports(
  terminal: Terminal,
  team: string | undefined,
  month: string | undefined,
  options: BillOptions,
): Promise<void> {
  if (options.all !== undefined && team !== undefined)
    throw new VerbError('--all is every team: leave the team out, or leave out --all.', 2);
  const asked = options.all ?? month;
  if (asked === undefined || (options.all === undefined && team === undefined))
    throw new VerbError(
      'Name a team and a month, as in: tollgate bill marketing 2026-10; or --all 2026-10.',
      2,
    );
  if (tryParseMonth(asked) === undefined)
    throw new VerbError(`${asked} is not a month; write for example 2026-10.`, 2);
  if (hasExports(options)) return saveExports(terminal, asked, team, options);
  if (team === undefined)
    throw new VerbError('--all writes files: name one by --focus or --journal.', 2);
  return bill(terminal, team, asked, options);
}

async function bill(
  terminal: Terminal,
  team: string,
  month: string,
  options: BillOptions,
): Promise<void> {
  const { config, secrets } = configuration();
  const form = options.csv === true ? 'csv' : 'json';
  const path = `/api/v1/bills/${encodeURIComponent(team)}/${month}.${form}`;
  const answer = await adminClient(config, secrets).call(path);
  terminal.print(
    options.json === true || options.csv === true
      ? answer.trim()
      : layOut(answer, team, month, terminal.columns),
  );
}

/** The bill for people: its status, its lines and their sum. */
export function layOut(answer: string, team: string, month: string, columns: number): string {
  const parsed = BILL.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError('The admin API answered with something that is not a bill.');
  const { status, totalAmount, provisionalAmount, currency, lines } = parsed.data;
  const unit = currency === undefined ? '' : ` ${currency}`;
  const names = [
    ...new Set(lines.flatMap((line) => Object.keys(line).filter((key) => isShown(line[key])))),
  ];
  const body =
    lines.length === 0
      ? 'No charges.'
      : table(
          names,
          lines.map((line) => names.map((name) => shown(line[name]))),
          columns,
        );
  const before =
    provisionalAmount === undefined || provisionalAmount === totalAmount
      ? ''
      : ` (charged at first: ${provisionalAmount}; the rest came with Snowflake's metering)`;
  return `Bill of ${team} for ${month} (${status})\n\n${body}\n\nTotal ${totalAmount}${unit}${before}`;
}

function isShown(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
