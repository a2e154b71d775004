/**
 * The answer to `EXPLAIN COST`: what a statement would cost, where it would run, what would stand in its way and what
 * would be cheaper, one row an item, with the same facts as JSON. Pure: nothing is held and nothing runs.
 */
import { grouped, trimmed } from '#base/decimal-text.js';
import { formatInstant } from '#base/time.js';
import {
  approximate,
  compareAmounts,
  formatAmount,
  formatAmountTo,
  priceCredits,
  subtractCredits,
  type Amount,
  type Credits,
} from '#base/units.js';
import { columnType, type Cell, type RowType } from '#base/wire/row-type.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { spanText } from '#policies/rules/amount-text.js';
import { isShort, totalOf, type ExplainCostInput, type Total } from './explain-input.js';
import { twinOf } from './explain-twin.js';
import type { SurfaceResult } from './result.js';

export interface ExplainCost {
  readonly result: SurfaceResult;
  /** For `data.tollgate` and `--json`: amounts as exact decimal strings. */
  readonly twin: Readonly<Record<string, unknown>>;
}

const COLUMNS: readonly RowType[] = ['ITEM', 'VALUE', 'DETAIL'].map((name) =>
  columnType(name, 'text'),
);

/** Sums the statements of the text and lays the answer out: what would happen, the price, the way, what is cheaper. */
export function explainCost(input: ExplainCostInput): ExplainCost {
  const total = totalOf(input.statements.map(({ estimate }) => estimate));
  const rows = [
    decisionRow(input),
    ...costRows(input, total),
    ...placeRows(input),
    ...budgetRows(input),
    ...adviceRows(input, total),
    ...rewriteRows(input, total),
  ];
  return { result: { columns: COLUMNS, rows }, twin: twinOf(input, total) };
}

type Row = readonly Cell[];

function decisionRow({ outlook: { decision, refusal, notes: told } }: ExplainCostInput): Row {
  const ruled = [...decision.reasons, ...decision.warnings].map(
    ({ source, message }) => `${source}: ${message}`,
  );
  const notes = [...ruled, ...told];
  // The text of a refusal says why; what rules only warned of stands beside an allowance.
  const why = refusal === null ? notes : [refusal];
  const kind = refusal !== null && decision.kind === 'allow' ? 'refuse' : decision.kind;
  return ['decision', kind, why.length === 0 ? 'it would run' : why.join('; ')];
}

function costRows(input: ExplainCostInput, total: Total): Row[] {
  const { currency, pricePerCredit, outlook } = input;
  const money = moneyOf(input);
  const { low, expected, high, partitions, bytes } = total;
  return [
    ['credits', readable(expected), range([low, expected, high].map(readable))],
    [
      'money',
      `${money(expected)} ${currency}`,
      `${range([low, expected, high].map(money))} ${currency}, at ${readable(pricePerCredit)} a credit`,
    ],
    [
      'hold',
      `${readable(outlook.holdCredits)} credits`,
      `${money(outlook.holdCredits)} ${currency} set aside while it runs; what it does not use comes back`,
    ],
    ['basis', total.basis, BASIS_TEXT[total.basis] ?? null],
    [
      'bytes',
      bytes === null ? 'unknown' : readableBytes(bytes),
      bytes === null ? null : `${grouped(String(bytes))} bytes to scan`,
    ],
    [
      'partitions',
      partitions === null ? 'unknown' : `${partitions.assigned} of ${partitions.total}`,
      partitions === null
        ? null
        : `${percent(partitions.assigned, partitions.total)} of the tables it reads`,
    ],
    ['time', seconds(total.seconds), timeDetail(total.seconds)],
    queueRow(input),
    ...statementRows(input),
  ];
}

const range = (amounts: readonly string[]): string =>
  `${amounts.join(' – ')} (low – expected – high)`;

function queueRow({ outlook: { queue } }: ExplainCostInput): Row {
  if (queue === null) return ['queue wait', '0 s', 'it uses no warehouse and waits for no permit'];
  const { tier, running, waiting, concurrencyMax, queueMax, ahead, expectedWaitMs } = queue;
  const { queueTimeoutMs, full } = queue;
  const now = `${running} of ${concurrencyMax} permits of tier ${tier} are taken, ${waiting} of at most ${queueMax} wait`;
  if (expectedWaitMs === 0 && ahead === 0 && running < concurrencyMax)
    return ['queue wait', '0 s', `a permit is free: ${now}`];
  if (full !== null)
    return [
      'queue wait',
      'full',
      `${now}; ${full.waiting} of at most ${full.queueMax} of its queue wait, so one more is refused`,
    ];
  const turn = `${ahead} would have their turn before it`;
  const late =
    expectedWaitMs > queueTimeoutMs
      ? `; that is longer than the ${seconds(queueTimeoutMs / 1000)} that it may wait, then it is refused`
      : '';
  return ['queue wait', seconds(expectedWaitMs / 1000), `${now}; ${turn}${late}`];
}

function statementRows(input: ExplainCostInput): Row[] {
  return input.statements.map(({ facts, estimate }, index) => [
    input.statements.length === 1 ? 'statement' : `statement ${index + 1}`,
    facts.opaque && facts.class !== 'opaque' ? `${facts.class}, opaque` : facts.class,
    [
      facts.tablesRead.length === 0 ? null : `reads ${facts.tablesRead.join(', ')}`,
      facts.tablesWritten.length === 0 ? null : `writes ${facts.tablesWritten.join(', ')}`,
      facts.unknown.length === 0 ? null : `not known: ${facts.unknown.join(', ')}`,
      input.statements.length === 1 ? null : `${readable(estimate.expectedCredits)} credits`,
    ]
      .filter((part) => part !== null)
      .join('; ') || null,
  ]);
}

/** What each basis means, in words. */
export const BASIS_TEXT: Readonly<Record<string, string>> = {
  FREE: 'uses no warehouse',
  HISTORY: 'what statements of this shape have used',
  EXPLAIN_BOUND: "partitions and bytes of Snowflake's own EXPLAIN",
  TABLE_STATS: 'sizes of the tables and the filters on their clustering columns',
  GUESS: 'nothing is known of it: the default of the tier',
};

function placeRows(input: ExplainCostInput): Row[] {
  const { ceilingCredits, ceilingSource } = input.outlook;
  const size = input.warehouseSize === null ? '' : ` (${input.warehouseSize})`;
  const by =
    ceilingSource === 'decision' ? 'by tier and rules' : `by what ${ceilingSource} has left`;
  return [
    ['tier', input.tier, null],
    ['warehouse', input.warehouse === null ? 'none' : `${input.warehouse}${size}`, null],
    ['ceiling', `${readable(ceilingCredits)} credits`, `where it would be stopped, ${by}`],
  ];
}

/** The budget that binds first, then every budget of the path. */
function budgetRows(input: ExplainCostInput): Row[] {
  const { bindingBudgetId, holdCredits } = input.outlook;
  const binding = input.budgets.find(({ budgetId }) => budgetId === bindingBudgetId);
  const unbound =
    input.outlook.queue === null
      ? 'it uses no warehouse, and no budget is asked'
      : 'no hard budget of the path has a limit';
  const first: Row =
    binding === undefined
      ? ['binds first', 'no budget', unbound]
      : [
          'binds first',
          binding.budgetId,
          `of the hard budgets it has the least left: ${readable(binding.availableCredits ?? holdCredits)} credits for a hold of ${readable(holdCredits)}`,
        ];
  return [first, ...input.budgets.map((standing) => budgetRow(standing, holdCredits))];
}

function budgetRow(standing: BudgetStanding, holdCredits: Credits): Row {
  const kind = standing.isHard ? 'hard' : 'soft';
  const until = `period ends ${formatInstant(standing.periodEndsAt).slice(0, 16).replace('T', ' ')} UTC`;
  const item = `budget ${standing.budgetId}`;
  if (standing.availableCredits === null) return [item, 'unlimited', `${kind}; ${until}`];
  const value = `${readable(standing.availableCredits)} credits available`;
  if (!isShort(standing, holdCredits)) return [item, value, `${kind}; enough; ${until}`];
  const missing = readable(subtractCredits(holdCredits, standing.availableCredits));
  return [
    item,
    value,
    `${kind}; ${missing} short of the hold${standing.isHard ? ': it would be refused' : ''}; ${until}`,
  ];
}

function adviceRows(input: ExplainCostInput, total: Total): Row[] {
  const advice = (what: string, creditsAfter: Credits): Row => [
    'advice',
    `${readable(creditsAfter)} credits`,
    `${what}: ${priceAfter(creditsAfter, input, total)}`,
  ];
  return [
    ...input.statements.flatMap(({ estimate }) =>
      estimate.advice.map(({ table, column, range: kept, creditsAfter }) =>
        advice(`filter ${column} of ${table} to ${kept}`, creditsAfter),
      ),
    ),
    ...input.cheaper.columns.map(({ table, column, share, columnCount, creditsAfter }) =>
      advice(
        `name the columns: * reads all ${columnCount} of ${table}, and ${column} alone is ${percent(share, 1)} of its bytes; without it`,
        creditsAfter,
      ),
    ),
  ];
}

function rewriteRows(input: ExplainCostInput, total: Total): Row[] {
  const { rewrite } = input.cheaper;
  return rewrite === null
    ? []
    : [
        [
          'suggested rewrite',
          rewrite.sqlText,
          `the last day of the data; put yours in its place: ${priceAfter(rewrite.expectedCredits, input, total)}`,
        ],
      ];
}

/** `0.02 credits, 0.06 USD instead of 40.50 credits, 99.9 % less`. */
function priceAfter(creditsAfter: Credits, input: ExplainCostInput, { expected }: Total): string {
  const price = `${readable(creditsAfter)} credits, ${moneyOf(input)(creditsAfter)} ${input.currency}`;
  if (compareAmounts(creditsAfter, expected) >= 0) return price;
  const saved = approximate(subtractCredits(expected, creditsAfter));
  return `${price} instead of ${readable(expected)} credits, ${percent(saved, approximate(expected))} less`;
}

function moneyOf({ pricePerCredit }: ExplainCostInput): (credits: Credits) => string {
  return (credits) => readable(priceCredits(credits, pricePerCredit, 'half-even'));
}

/** At least two decimals, then as many as show three digits of a small amount; the twin has the exact value. */
export function readable(value: Amount): string {
  const digits = formatAmount(value);
  const firstDigit = /^-?0\.(0*)[1-9]/.exec(digits)?.[1]?.length;
  const decimals = firstDigit === undefined ? 2 : Math.min(12, Math.max(2, firstDigit + 3));
  return trimmed(formatAmountTo(value, decimals), 2);
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

function readableBytes(bytes: number): string {
  const step = Math.min(
    BYTE_UNITS.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)),
  );
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toPrecision(3)} ${BYTE_UNITS[step] ?? 'B'}`;
}

/** From two minutes on also as people say it. */
function timeDetail(value: number): string {
  const span = value < 120 ? '' : `${spanText(value * 1_000)}, `;
  return `${span}expected on one cluster of the warehouse, once it has begun`;
}

function seconds(value: number): string {
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} s`;
}

/** Below a hundred never shown as all: `99.9 %` of a scan is not `100.0 %`. */
function percent(part: number, whole: number): string {
  const value = (part / whole) * 100;
  const shown = value < 100 ? Math.min(value, 99.9) : value;
  return `${shown.toFixed(1)} %`;
}
