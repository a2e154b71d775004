/** How a budget stands, read from the joined rows of its period and its definition. */
import { formatAmount, parseCredits, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { BudgetStanding } from '../ledger.js';

export interface StandingRow {
  readonly budget_id: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly is_hard: boolean;
  readonly limit_credits: string | null;
  readonly spent_credits: string;
  readonly held_credits: string;
  readonly leased_credits: string;
}

/** The columns of {@link StandingRow} from `budget_period p` joined with `budget b`. */
export const STANDING_COLUMNS: string = `p.budget_id, p.starts_at, p.ends_at, b.is_hard,
  p.limit_credits + p.granted_credits + p.carried_credits AS limit_credits,
  p.spent_credits, p.held_credits, p.leased_credits`;

/**
 * SQL: whether `amount` more may be admitted against the row `alias` with the columns of {@link StandingRow} (I1).
 * A soft or unlimited budget admits anything.
 */
export function fitsSql(alias: string, amount: string): string {
  const row = alias;
  return `(NOT ${row}.is_hard OR ${row}.limit_credits IS NULL OR
    ${row}.spent_credits + ${row}.held_credits + ${row}.leased_credits + ${amount} <= ${row}.limit_credits)`;
}

/** The row as a standing, with `addedCredits` that were held after it was read. */
export function standingOf(row: StandingRow, addedCredits: Credits): BudgetStanding {
  const limitCredits = row.limit_credits === null ? null : parseCredits(row.limit_credits);
  const spentCredits = parseCredits(row.spent_credits);
  const heldCredits = (parseCredits(row.held_credits) + addedCredits) as Credits;
  const taken = (spentCredits + heldCredits + parseCredits(row.leased_credits)) as Credits;
  return {
    budgetId: row.budget_id,
    periodStartsAt: row.starts_at.getTime(),
    periodEndsAt: row.ends_at.getTime(),
    isHard: row.is_hard,
    limitCredits,
    spentCredits,
    heldCredits,
    availableCredits: limitCredits === null ? null : subtractCredits(limitCredits, taken),
  };
}

export interface Shortage {
  readonly budget: BudgetStanding;
  readonly shortByCredits: Credits;
}

/** The hard budget that lacks the most of `wantedCredits`; undefined when none lacks anything. */
export function tightest(
  rows: readonly StandingRow[],
  wantedCredits: Credits,
): Shortage | undefined {
  let found: Shortage | undefined;
  for (const row of rows) {
    const budget = standingOf(row, 0n as Credits);
    if (!budget.isHard || budget.availableCredits === null) continue;
    const shortByCredits = subtractCredits(wantedCredits, budget.availableCredits);
    if (shortByCredits > 0n && (found === undefined || shortByCredits > found.shortByCredits)) {
      found = { budget, shortByCredits };
    }
  }
  return found;
}

/** An amount as a parameter of a statement. */
export function amountParameter(credits: Credits): string {
  return formatAmount(credits);
}
