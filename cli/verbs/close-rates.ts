/** `tollgate close rate`, `rates`, `decide-rate`: exchange rates that bills in other currencies are converted at. */
import type { Command } from 'commander';
import { z } from 'zod';
import { BYTE_ORDER_MARK } from '../../base/csv.js';
import { trimmed } from '../../base/decimal-text.js';
import { UsageFileError } from '../../billing/usage/usage-files.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { listJson } from '../list-options.js';
import { readLimited } from '../read-limited.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { CsvRecords } from '../usage-files/csv-records.js';
import { VerbError } from '../verb-error.js';

interface RateOptions {
  readonly from?: string;
  readonly to?: string;
  readonly source?: string;
  readonly file?: string;
  readonly accept?: boolean;
  readonly decline?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

// Only what is printed; the API says more.
const RATE = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  rate: z.string(),
  fromDay: z.string(),
  toDay: z.string(),
  source: z.string(),
  state: z.string(),
  enteredBy: z.string(),
});
type Rate = z.infer<typeof RATE>;

const FILE_BYTES_MAX = 1_048_576;
/** The columns of a file of rates; `to_day` may be left out or empty. */
const COLUMNS = ['currency', 'rate', 'from_day', 'to_day', 'source'] as const;
const NEEDED = COLUMNS.filter((name) => name !== 'to_day');

export function registerRateVerbs(close: Command, terminal: Terminal): void {
  close
    .command('rate <currency> <rate>')
    .description('enter an exchange rate: units of the currency for one of the billing currency')
    .requiredOption('--from <day>', 'first UTC day on which it holds')
    .option('--to <day>', 'the last; absent: the end of the month')
    .requiredOption('--source <text>', 'where it was read; it stands on every bill')
    .option('--reason <text>', 'why', 'exchange rate')
    .option('--json', 'print the answer of the API')
    .action((currency: string, rate: string, options: RateOptions) => {
      const { from: fromDay, to: toDay, source } = options;
      const days = { fromDay, ...(toDay === undefined ? {} : { toDay }) };
      return enter(terminal, [{ to: currency, rate, ...days, source }], options);
    });
  close
    .command('rates')
    .description('the exchange rates, the latest first; or enter those of a file')
    .option('--file <csv>', `enter those of a file with the columns ${COLUMNS.join(', ')}`)
    .option('--reason <text>', 'of --file: why', 'exchange rates of a file')
    .option('--json', 'print the answer of the API')
    .action(async (options: RateOptions) => {
      if (options.file === undefined) return list(terminal, options);
      const text = await readLimited(options.file, FILE_BYTES_MAX, 'exchange rates');
      return enter(terminal, ratesOf(text, options.file), options);
    });
  close
    .command('decide-rate <id>')
    .description('accept or decline an exchange rate that somebody else entered')
    .option('--accept', 'bills of its days are converted at it')
    .option('--decline', 'they are not')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: RateOptions) => decide(terminal, id, options));
}

async function enter(
  terminal: Terminal,
  rates: readonly object[],
  { reason, json }: RateOptions,
): Promise<void> {
  const answer = await client().call('/api/v1/exchange-rates', { rates, reason });
  if (json === true) return terminal.print(answer.trim());
  const entered = z.object({ rates: z.array(RATE) }).parse(JSON.parse(answer)).rates;
  terminal.print(
    [
      ...entered.map((rate) => `Exchange rate ${rate.id}: ${rateText(rate)}; it is held.`),
      'Another person accepts it: tollgate close decide-rate <id> --accept --reason "<why>"',
    ].join('\n'),
  );
}

async function decide(terminal: Terminal, id: string, options: RateOptions): Promise<void> {
  const { accept = false, decline = false, reason, json } = options;
  if (accept === decline) throw new VerbError('Say one of --accept, --decline.', 2);
  const answer = await client().call(`/api/v1/exchange-rates/${encodeURIComponent(id)}/decision`, {
    decision: accept ? 'accepted' : 'declined',
    reason,
  });
  if (json === true) return terminal.print(answer.trim());
  const { rate } = z.object({ rate: RATE }).parse(JSON.parse(answer));
  terminal.print(`Exchange rate ${rate.id}: ${rateText(rate)}; it is ${rate.state}.`);
}

async function list(terminal: Terminal, { json }: RateOptions): Promise<void> {
  const read = await client().list('/api/v1/exchange-rates', 'rates', z.unknown());
  if (json === true) return terminal.print(listJson('rates', read));
  const rates = z.array(RATE).parse(read.rows);
  terminal.print(
    rates.length === 0
      ? 'No exchange rate is entered; `tollgate close rate` enters one.'
      : table(
          ['id', 'state', 'from', 'to', 'rate', 'days', 'by', freeText('source')],
          rates.map((rate) => [
            rate.id,
            rate.state,
            rate.from,
            rate.to,
            trimmed(rate.rate),
            `${rate.fromDay} – ${rate.toDay}`,
            rate.enteredBy,
            rate.source,
          ]),
          terminal.columns,
        ),
  );
}

/** The records of a file, each as the API takes it. @throws VerbError (usage) that names the line. */
export function ratesOf(text: string, file: string): readonly object[] {
  const records = recordsOf(text, file);
  const names = (records[0] ?? []).map((name) => name.trim().toLowerCase());
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new VerbError(
      `${file} has no column ${missing.join(', ')}; its first line names ${COLUMNS.join(', ')}.`,
      2,
    );
  return records.slice(1).map((record) => {
    const field = (name: (typeof COLUMNS)[number]): string =>
      record[names.indexOf(name)]?.trim() ?? '';
    const toDay = field('to_day');
    return {
      to: field('currency'),
      rate: field('rate'),
      fromDay: field('from_day'),
      ...(toDay === '' ? {} : { toDay }),
      source: field('source'),
    };
  });
}

function recordsOf(text: string, file: string): readonly (readonly string[])[] {
  const records = new CsvRecords(',');
  const whole = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  try {
    const found = records.push(/[\r\n]$/.test(whole) ? whole : `${whole}\n`);
    records.end();
    return found;
  } catch (thrown) {
    if (!(thrown instanceof UsageFileError)) throw thrown;
    throw new VerbError(`${file}: ${thrown.message}`, 2);
  }
}

function rateText(rate: Rate): string {
  const { from, to, fromDay, toDay, source } = rate;
  return `${trimmed(rate.rate)} ${to} for one ${from}, ${fromDay} – ${toDay} (${source})`;
}

function client(): ReturnType<typeof adminClient> {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}
