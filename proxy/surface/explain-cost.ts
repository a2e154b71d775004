/**
 * The answer to `EXPLAIN COST`: what a statement would cost, where it would run and what would stand in its way, one
 * row an item, with the same facts as JSON. Pure: nothing is held and nothing runs.
 */
import { formatInstant } from '#base/time.js';
import {
  addCredits,
  compareAmounts,
  formatAmount,
  formatAmountTo,
  priceCredits,
  subtractCredits,
  type Amount,
  type Credits,
  type Money,
} from '#base/units.js';
import { columnType, type Cell, type RowType } from '#base/wire/row-type.js';
import type { BudgetStanding } from '#billing/ledger.js';
import type { Decision } from '#policies/rules/decision.js';
import type { Advice, Estimate } from '#policies/estimate/estimate.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import type { SurfaceResult } from './result.js';

export interface ExplainCostInput {
  /** One entry a statement of the text, in order; at least one. */
  readonly statements: readonly { readonly facts: StatementFacts; readonly estimate: Estimate }[];
  readonly tier: string;
  /** null: the session has no warehouse. */
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly decision: Decision;
  /** Every budget of the path, as it stands now. */
  readonly budgets: readonly BudgetStanding[];
}

export interface ExplainCost {
  readonly result: SurfaceResult;
  /** For `data.tollgate` and `--json`: amounts as exact decimal strings. */
  readonly twin: Readonly<Record<string, unknown>>;
}

const COLUMNS: readonly RowType[] = ['ITEM', 'VALUE', 'DETAIL'].map((name) =>
  columnType(name, 'text'),
);

/** Sums the statements of the text and lays the answer out. */
export function explainCost(input: ExplainCostInput): ExplainCost {
  const total = totalOf(input.statements.map(({ estimate }) => estimate));
  const rows = [
    ...costRows(input, total),
    ...placeRows(input),
    ...input.budgets.map((standing) => budgetRow(standing, total.high)),
    ...input.statements.flatMap(({ estimate }) =>
      estimate.advice.map((advice) => adviceRow(advice, input)),
    ),
  ];
  return { result: { columns: COLUMNS, rows }, twin: twinOf(input, total) };
}

interface Total {
  readonly low: Credits;
  readonly expected: Credits;
  readonly high: Credits;
  readonly seconds: number;
  /** null when it is not known for some statement that uses a warehouse. */
  readonly bytes: number | null;
  readonly partitions: { readonly assigned: number; readonly total: number } | null;
  /** The weakest basis of the statements. */
  readonly basis: string;
}

const BASIS_ORDER = ['FREE', 'HISTORY', 'EXPLAIN_BOUND', 'TABLE_STATS', 'GUESS'];

function totalOf(estimates: readonly Estimate[]): Total {
  const paid = estimates.filter((estimate) => estimate.basis !== 'FREE');
  return {
    low: addCredits(...estimates.map((estimate) => estimate.lowCredits)),
    expected: addCredits(...estimates.map((estimate) => estimate.expectedCredits)),
    high: addCredits(...estimates.map((estimate) => estimate.highCredits)),
    seconds: estimates.reduce((sum, estimate) => sum + estimate.expectedSeconds, 0),
    bytes: sumOrNull(paid.map((estimate) => estimate.bytes)),
    partitions: partitionsOf(paid),
    basis:
      BASIS_ORDER[Math.max(0, ...estimates.map((each) => BASIS_ORDER.indexOf(each.basis)))] ??
      'GUESS',
  };
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0 as number | null,
  );
}

function partitionsOf(estimates: readonly Estimate[]): Total['partitions'] {
  const assigned = sumOrNull(estimates.map((estimate) => estimate.partitions?.assigned ?? null));
  const total = sumOrNull(estimates.map((estimate) => estimate.partitions?.total ?? null));
  return assigned === null || total === null || total === 0 ? null : { assigned, total };
}

type Row = readonly Cell[];

function costRows(input: ExplainCostInput, total: Total): Row[] {
  const money = (credits: Credits): string =>
    readable(priceCredits(credits, input.pricePerCredit, 'half-even'));
  const { partitions } = total;
  return [
    [
      'credits',
      readable(total.expected),
      `${readable(total.low)} to ${readable(total.high)}; the upper end is what would be held`,
    ],
    [
      'money',
      `${money(total.expected)} ${input.currency}`,
      `${money(total.low)} to ${money(total.high)} ${input.currency} at ${readable(input.pricePerCredit)} a credit`,
    ],
    ['basis', total.basis, BASIS_TEXT[total.basis] ?? null],
    [
      'bytes',
      total.bytes === null ? 'unknown' : readableBytes(total.bytes),
      total.bytes === null ? null : `${total.bytes} bytes to scan`,
    ],
    [
      'partitions',
      partitions === null ? 'unknown' : `${partitions.assigned} of ${partitions.total}`,
      partitions === null
        ? null
        : `${percent(partitions.assigned, partitions.total)} of the tables it reads`,
    ],
    [
      'time',
      `${total.seconds.toFixed(total.seconds < 10 ? 1 : 0)} s`,
      'expected on one cluster of the warehouse, without waiting',
    ],
    ...statementRows(input),
  ];
}

function statementRows(input: ExplainCostInput): Row[] {
  return input.statements.map(({ facts, estimate }, index) => [
    input.statements.length === 1 ? 'statement' : `statement ${index + 1}`,
    facts.opaque ? `${facts.class}, opaque` : facts.class,
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
  const { decision } = input;
  const why = [...decision.reasons, ...decision.warnings].map(
    (reason) => `${reason.source}: ${reason.message}`,
  );
  const size = input.warehouseSize === null ? '' : ` (${input.warehouseSize})`;
  return [
    ['tier', input.tier, null],
    ['warehouse', input.warehouse === null ? 'none' : `${input.warehouse}${size}`, null],
    ['decision', decision.kind, why.length === 0 ? null : why.join('; ')],
    [
      'ceiling',
      readable(decision.ceilingCredits),
      'credits at which it would be stopped, by tier and rules',
    ],
  ];
}

function budgetRow(standing: BudgetStanding, high: Credits): Row {
  const kind = standing.isHard ? 'hard' : 'soft';
  const until = `period ends ${formatInstant(standing.periodEndsAt).slice(0, 16).replace('T', ' ')} UTC`;
  const item = `budget ${standing.budgetId}`;
  if (standing.availableCredits === null) return [item, 'unlimited', `${kind}; ${until}`];
  const value = `${readable(standing.availableCredits)} credits available`;
  if (!isShort(standing, high)) return [item, value, `${kind}; enough; ${until}`];
  const missing = readable(subtractCredits(high, standing.availableCredits));
  return [
    item,
    value,
    `${kind}; ${missing} short of the hold${standing.isHard ? ': it would be refused' : ''}; ${until}`,
  ];
}

function isShort(standing: BudgetStanding, high: Credits): boolean {
  return standing.availableCredits !== null && compareAmounts(standing.availableCredits, high) < 0;
}

function adviceRow(advice: Advice, input: ExplainCostInput): Row {
  const after = priceCredits(advice.creditsAfter, input.pricePerCredit, 'half-even');
  return [
    'advice',
    `${readable(advice.creditsAfter)} credits`,
    `filter ${advice.column} of ${advice.table} to ${advice.range}: ${readable(advice.creditsAfter)} credits, ${readable(after)} ${input.currency}`,
  ];
}

/** At least two decimals, then as many as show three digits of a small amount; the twin has the exact value. */
export function readable(value: Amount): string {
  const digits = formatAmount(value);
  const firstDigit = /^-?0\.(0*)[1-9]/.exec(digits)?.[1]?.length;
  const decimals = firstDigit === undefined ? 2 : Math.min(12, Math.max(2, firstDigit + 3));
  return formatAmountTo(value, decimals).replace(/(\.\d{2,}?)0+$/, '$1');
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

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(1)} %`;
}

function twinOf(input: ExplainCostInput, total: Total): Readonly<Record<string, unknown>> {
  const money = (credits: Credits): string =>
    formatAmount(priceCredits(credits, input.pricePerCredit, 'half-even'));
  return {
    kind: 'explain-cost',
    basis: total.basis,
    lowCredits: formatAmount(total.low),
    expectedCredits: formatAmount(total.expected),
    highCredits: formatAmount(total.high),
    lowAmount: money(total.low),
    expectedAmount: money(total.expected),
    highAmount: money(total.high),
    currency: input.currency,
    pricePerCredit: formatAmount(input.pricePerCredit),
    expectedSeconds: total.seconds,
    bytes: total.bytes,
    partitions: total.partitions,
    tier: input.tier,
    warehouse: input.warehouse,
    warehouseSize: input.warehouseSize,
    decision: {
      kind: input.decision.kind,
      ceilingCredits: formatAmount(input.decision.ceilingCredits),
      reasons: input.decision.reasons,
      warnings: input.decision.warnings,
    },
    budgets: input.budgets.map((standing) => ({
      budget: standing.budgetId,
      isHard: standing.isHard,
      availableCredits:
        standing.availableCredits === null ? null : formatAmount(standing.availableCredits),
      isShort: isShort(standing, total.high),
      periodEndsAt: formatInstant(standing.periodEndsAt),
    })),
    advice: input.statements.flatMap(({ estimate }) =>
      estimate.advice.map((advice) => ({
        table: advice.table,
        column: advice.column,
        range: advice.range,
        creditsAfter: formatAmount(advice.creditsAfter),
        amountAfter: money(advice.creditsAfter),
      })),
    ),
    statements: input.statements.map(({ facts, estimate }) => ({
      class: facts.class,
      opaque: facts.opaque,
      fingerprint: facts.fingerprint,
      tablesRead: facts.tablesRead,
      tablesWritten: facts.tablesWritten,
      basis: estimate.basis,
      expectedCredits: formatAmount(estimate.expectedCredits),
      highCredits: formatAmount(estimate.highCredits),
    })),
  };
}
