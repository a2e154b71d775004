/**
 * `tollgate bill`: a team's bill of a month, as a table, JSON, CSV, PDF or XLSX; or every bill of a month. Beside it, or
 * alone, the files for other programs: FOCUS and the general journal.
 */
import type { Command } from 'commander';
import { tryParseMonth } from '../../base/time.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { queryText } from '../query-text.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { type ExportOptions, hasExports, saveExports, withExportOptions } from './bill-exports.js';
import { type DeliveryOptions, deliverMonth, withDeliveryOptions } from './bill-deliveries.js';
import { saveBill, saveMonth } from './bill-files.js';
import { billText } from './bill-text.js';

interface BillOptions extends ExportOptions, DeliveryOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly pdf?: boolean;
  readonly xlsx?: boolean;
  readonly bom?: boolean;
  readonly out?: string;
  readonly all?: string;
  readonly asOf?: string;
}

const FORMS = ['pdf', 'xlsx', 'csv', 'json'] as const;

export function registerBill(program: Command, terminal: Terminal): void {
  const command = program
    .command('bill [team] [month]')
    .description("a team's bill of a month (yyyy-mm); an open month is provisional")
    .option('--json', 'as JSON')
    .option('--csv', 'as CSV')
    .option('--pdf', 'as PDF, into a file')
    .option('--xlsx', 'as XLSX, into a file')
    .option('--bom', 'with --csv: begin with a byte order mark, which some spreadsheets need')
    .option('--out <file>', 'write there; with --all, the folder')
    .option('--as-of <instant>', 'of a closed month: as it stood then (UTC), to the byte')
    .option('--all <month>', 'every bill of the month with workbook, CSV and manifest, into --out');
  withDeliveryOptions(withExportOptions(command)).action(
    (team: string | undefined, month: string | undefined, options: BillOptions) =>
      billsAndExports(terminal, team, month, options),
  );
}

async function billsAndExports(
  terminal: Terminal,
  team: string | undefined,
  asked: string | undefined,
  options: BillOptions,
): Promise<void> {
  const isAll = options.all !== undefined;
  if (isAll && team !== undefined)
    throw new VerbError('--all is every team: leave the team out, or leave out --all.', 2);
  const of = options.all ?? asked;
  if (of === undefined)
    throw new VerbError(
      'Name a team and a month, as in: tollgate bill marketing 2026-10; or --all 2026-10.',
      2,
    );
  checkDelivery(options);
  const month = monthOf(of);
  const forms = FORMS.filter((form) => options[form] === true && form !== 'json');
  const isExport = hasExports(options);
  if (isExport) await saveExports(terminal, month, team, options);
  if (options.deliver === true) await deliverMonth(terminal, month, options);
  const isFile = options.out !== undefined || (forms.length > 0 && options.deliver !== true);
  if ((isExport || options.deliver === true) && !isFile) return;
  if (team === undefined) await allBills(terminal, month, options);
  else await bill(terminal, team, month, options);
}

function checkDelivery({ deliver, all, to, provisional }: BillOptions): void {
  if (deliver === true && all === undefined)
    throw new VerbError('--deliver is of every team: write --all and the month for it.', 2);
  if (deliver !== true && (to !== undefined || provisional === true))
    throw new VerbError('--to and --provisional say how to deliver: write --deliver too.', 2);
  if (to !== undefined && to !== 'email' && to !== 'object-store')
    throw new VerbError(`--to is email or object-store, not ${to}.`, 2);
}

async function allBills(terminal: Terminal, month: string, options: BillOptions): Promise<void> {
  if (options.out === undefined)
    throw new VerbError(
      '--all writes many files: name their folder by --out, or one file by --focus or --journal, or send them by --deliver.',
      2,
    );
  const query = queryText({ asOf: options.asOf });
  await saveMonth(terminal, month, options.out, { query, json: options.json === true });
}

async function bill(
  terminal: Terminal,
  team: string,
  month: string,
  options: BillOptions,
): Promise<void> {
  const forms = FORMS.filter((form) => options[form] === true);
  if (forms.length > 1 && !(forms.length === 2 && options.json === true))
    throw new VerbError(`A bill is one of ${FORMS.map((form) => `--${form}`).join(', ')}.`, 2);
  const form = forms.find((each) => each !== 'json') ?? 'json';
  const bom = options.bom === true && form === 'csv' ? 'true' : undefined;
  const query = queryText({ bom, asOf: options.asOf });
  if (form === 'pdf' || form === 'xlsx' || options.out !== undefined) {
    const said = { out: options.out, query, json: options.json === true };
    return saveBill(terminal, { team, month, form }, said);
  }
  const { config, secrets } = configuration();
  const path = `/api/v1/bills/${encodeURIComponent(team)}/${month}.${form}${query}`;
  const answer = await adminClient(config, secrets).call(path);
  terminal.print(
    options.json === true || options.csv === true
      ? answer.trim()
      : billText(answer, team, month, terminal.columns),
  );
}

function monthOf(month: string): string {
  if (tryParseMonth(month) === undefined)
    throw new VerbError(`${month} is not a month; write for example 2026-10.`, 2);
  return month;
}
