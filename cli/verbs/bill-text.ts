/** A bill for people: on a terminal a row a kind and resource, in a pipe every line that the bill has. */
import { z } from 'zod';
import {
  sumCredits,
  sumMoney,
  formatAmount,
  formatAmountTo,
  parseCredits,
  parseMoney,
} from '../../base/units.js';
import { MONTH_STATES } from '../../billing/bills/billed-month.js';
import { STATE_WORDS, statusOf } from '../../billing/bills/charge-words.js';
import { detail, type Header, table } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { shortAmount } from './amount.js';

// Only what is printed; the API may say more.
const LINE = z.record(z.string(), z.unknown());
type Line = z.infer<typeof LINE>;
const BILL = z.object({
  status: z.string(),
  totalAmount: z.string(),
  currency: z.string().optional(),
  conversion: z.object({ amount: z.string(), currency: z.string() }).optional(),
  lines: z.array(LINE),
});

/** What a line says for programs and auditors; people read it in the files. */
const IN_FILES_ONLY: ReadonlySet<string> = new Set(
  'id account serviceType usedMs listPrice contractedPrice effectivePrice effectiveAmount prepaidAmount method note'.split(
    ' ',
  ),
);
/** What of a line goes first where the terminal is narrow: what is owed, for what and on which day stays. */
const DETAILS = ['statements', 'corrects', 'credits', 'resource'];
/** More lines than a screen has are summed up on it. */
const LINES_ON_SCREEN = 24;

/**
 * The bill for people: its status, its lines, their sum, what is owed where that is another currency, and that it is not
 * final while it is not. Where lines are days and more than a screen has, those of one kind and resource are one row.
 * @param answer JSON of the bill. @throws VerbError where it is none.
 * @param columns of the terminal; infinite for a pipe, which gets every line.
 */
export function billText(answer: string, team: string, month: string, columns: number): string {
  const parsed = BILL.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError('The admin API answered with something that is not a bill.');
  const { status, totalAmount, currency, conversion, lines } = parsed.data;
  const unit = currency === undefined ? '' : ` ${currency}`;
  const isSummed = Number.isFinite(columns) && lines.length > LINES_ON_SCREEN;
  const owed =
    conversion === undefined ? '' : `, owed as ${conversion.amount} ${conversion.currency}`;
  const warning = warningOf(status);
  return [
    `Bill of ${team} for ${month} (${status})\n\n${linesText(isSummed ? summedUp(lines) : lines, columns)}\n\nTotal ${totalAmount}${unit}${owed}`,
    ...(isSummed
      ? [
          `Days are summed up: each of the ${lines.length} lines is in --pdf, --csv, --json and in a pipe.`,
        ]
      : []),
    ...(warning === null ? [] : [warning]),
  ].join('\n');
}

function linesText(lines: readonly Line[], columns: number): string {
  if (lines.length === 0) return 'No charges.';
  const names = [
    ...new Set(
      lines.flatMap((line) =>
        Object.keys(line).filter((key) => isShown(line[key]) && !IN_FILES_ONLY.has(key)),
      ),
    ),
  ];
  return table(
    names.map(headerOf),
    lines.map((line) => names.map((name) => shown(name, line[name]))),
    columns,
  );
}

function headerOf(name: string): Header {
  const goesAs = DETAILS.indexOf(name);
  return goesAs === -1 ? name : detail(name, goesAs);
}

/** One line for all of a kind and resource, in the order of the first of each; what they correct stays apart. */
function summedUp(lines: readonly Line[]): readonly Line[] {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const { kind, account, resource, serviceType, corrects } = line;
    const key = JSON.stringify([kind, account, resource, serviceType, corrects]);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].map(([first = {}, ...others]) => {
    const all = [first, ...others];
    return {
      kind: first['kind'],
      resource: first['resource'],
      days: others.length === 0 ? first['day'] : `${new Set(all.map(({ day }) => day)).size} days`,
      statements: all.reduce((sum, { statements }) => sum + Number(statements ?? 0), 0),
      credits: formatAmount(sumCredits(textsOf(all, 'credits').map(parseCredits))),
      amount: moneySum(textsOf(all, 'amount')),
      ...('convertedAmount' in first
        ? { convertedAmount: moneySum(textsOf(all, 'convertedAmount')) }
        : {}),
    };
  });
}

function textsOf(lines: readonly Line[], name: string): readonly string[] {
  return lines.map((line) => {
    const value = line[name];
    return isShown(value) ? String(value) : '0';
  });
}

/** Of amounts of one currency, with as many decimals as they have. */
function moneySum(amounts: readonly string[]): string {
  const decimals = Math.max(...amounts.map((each) => (each.split('.')[1] ?? '').length));
  return formatAmountTo(sumMoney(amounts.map(parseMoney)), decimals);
}

/** The sentence that the pages of the bill bear too; null: its figures are final. */
function warningOf(status: string): string | null {
  const state = MONTH_STATES.find((each) => statusOf(each) === status);
  return state === undefined ? null : STATE_WORDS[state].warning;
}

function isShown(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** Credits without zeros that say nothing; amounts come with the decimals of their currency. */
function shown(name: string, value: unknown): string {
  if (!isShown(value)) return '';
  return name === 'credits' ? shortAmount(String(value)) : String(value);
}
