/** What `EXPLAIN COST` is answered from, and the sums over the statements of a text. */
import { sumCredits, compareAmounts, type Credits, type Money } from '#base/units.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { BASES, type Basis, type Estimate } from '#policies/estimate/estimate.js';
import type { Decision } from '#policies/rules/decision.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import type { QueueOutlook } from '../admission/gate.js';

/** What would become of the statement if it came now. */
export interface Outlook {
  /** What rules and tier say of it. */
  readonly decision: Decision;
  /** What would be set aside on every budget of the path. */
  readonly holdCredits: Credits;
  /** Where it would be stopped: the least of tier, rules and what hard budgets have left. */
  readonly ceilingCredits: Credits;
  /** `decision` for tier and rules, otherwise a budget. */
  readonly ceilingSource: string;
  /** The hard budget with the least left; null: none has a limit. */
  readonly bindingBudgetId: string | null;
  /** null: a statement that uses no warehouse waits for nothing. */
  readonly queue:
    | (QueueOutlook & {
        readonly queueTimeoutMs: number;
        /** Whose queue. */ readonly tier: string;
      })
    | null;
  /** First line of what the driver would show in place of a result; null: it would run. */
  readonly refusal: string | null;
  /** What guards tell of it while it still runs: the pace of its shape. */
  readonly notes: readonly string[];
}

/** What the columns that `SELECT *` reads and perhaps nobody needs cost. */
export interface ColumnAdvice {
  readonly table: string;
  /** The column with the largest share of the table's bytes. */
  readonly column: string;
  readonly share: number;
  readonly columnCount: number;
  /** Price of the statement without that column. */
  readonly creditsAfter: Credits;
}

/** The caller's own text with the missing filters added, and the price of that. */
export interface SuggestedRewrite {
  readonly sqlText: string;
  readonly expectedCredits: Credits;
  readonly highCredits: Credits;
}

/** Ways to pay less that are sure, beside the advice of the estimates. */
export interface CheaperWays {
  readonly columns: readonly ColumnAdvice[];
  readonly rewrite: SuggestedRewrite | null;
}

export interface ExplainCostInput {
  /** One entry a statement of the text, in order; at least one. */
  readonly statements: readonly { readonly facts: StatementFacts; readonly estimate: Estimate }[];
  readonly tier: string;
  /** null: the session has no warehouse. */
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly pricePerCredit: Money;
  readonly currency: string;
  /** Every budget of the path, as it stands now. */
  readonly budgets: readonly BudgetStanding[];
  readonly outlook: Outlook;
  readonly cheaper: CheaperWays;
}

export interface Total {
  readonly low: Credits;
  readonly expected: Credits;
  readonly high: Credits;
  readonly seconds: number;
  /** null when it is not known for some statement that uses a warehouse. */
  readonly bytes: number | null;
  readonly partitions: { readonly assigned: number; readonly total: number } | null;
  /** The weakest basis of the statements. */
  readonly basis: Basis;
}

/** Sums over all statements; free ones have no bytes to know of. */
export function totalOf(estimates: readonly Estimate[]): Total {
  const paid = estimates.filter((estimate) => estimate.basis !== 'FREE');
  return {
    low: sumCredits(estimates.map((estimate) => estimate.lowCredits)),
    expected: sumCredits(estimates.map((estimate) => estimate.expectedCredits)),
    high: sumCredits(estimates.map((estimate) => estimate.highCredits)),
    seconds: estimates.reduce((sum, estimate) => sum + estimate.expectedSeconds, 0),
    bytes: sumOrNull(paid.map((estimate) => estimate.bytes)),
    partitions: partitionsOf(paid),
    basis: weakestOf(estimates),
  };
}

/** A loop: a text may have more statements than a call may have arguments. */
function weakestOf(estimates: readonly Estimate[]): Basis {
  let weakest = 0;
  for (const { basis } of estimates) weakest = Math.max(weakest, BASES.indexOf(basis));
  return BASES[weakest] ?? 'GUESS';
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

function partitionsOf(estimates: readonly Estimate[]): Total['partitions'] {
  const assigned = sumOrNull(estimates.map((estimate) => estimate.partitions?.assigned ?? null));
  const total = sumOrNull(estimates.map((estimate) => estimate.partitions?.total ?? null));
  return assigned === null || total === null || total === 0 ? null : { assigned, total };
}

/** A budget that would not take the hold. */
export function isShort({ availableCredits }: BudgetStanding, holdCredits: Credits): boolean {
  return availableCredits !== null && compareAmounts(availableCredits, holdCredits) < 0;
}
