/** How a budget stands, read from the joined rows of its period and its definition. */
import { addCredits, formatAmount, parseCredits, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { BudgetStanding } from '../ledger.js';
import { availableOf } from '../standing.js';

export interface StandingRow {
  readonly budget_id: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly is_hard: boolean;
  readonly limit_credits: string | null;
  readonly spent_credits: string;
  readonly held_credits: string;
  readonly leased_credits: string;
  /** What of the leased is idle, where that was read: no statement holds it, and whoever is short is given it. */
  readonly idle_credits?: string;
}

/** The columns of {@link StandingRow} from `budget_period p` joined with `budget b`. */
export const STANDING_COLUMNS: string = `p.budget_id, p.starts_at, p.ends_at, b.is_hard,
  p.limit_credits + p.granted_credits + p.carried_credits AS limit_credits,
  p.spent_credits, p.held_credits, p.leased_credits`;

/**
 * SQL: whether `amount` more may be admitted against the row `alias` with the columns of {@link StandingRow} (I1).
 * A soft or unlimited budget admits anything. It says what `tightest` in `../standing.ts` says, where the row is locked.
 */
export function fitsSql(alias: string, amount: string): string {
  const row = alias;
  return `(NOT ${row}.is_hard OR ${row}.limit_credits IS NULL OR
    ${row}.spent_credits + ${row}.held_credits + ${row}.leased_credits + ${amount} <= ${row}.limit_credits)`;
}

/** The row as a standing. Where what is idle was not read, all that is leased counts as held: that is how the ledger judges. */
export function standingOf(row: StandingRow): BudgetStanding {
  const limitCredits = row.limit_credits === null ? null : parseCredits(row.limit_credits);
  const spentCredits = parseCredits(row.spent_credits);
  const leased = parseCredits(row.leased_credits);
  const inLeases = subtractCredits(leased, parseCredits(row.idle_credits ?? '0'));
  const heldCredits = addCredits(parseCredits(row.held_credits), inLeases);
  return {
    budgetId: row.budget_id,
    periodStartsAt: row.starts_at.getTime(),
    periodEndsAt: row.ends_at.getTime(),
    isHard: row.is_hard,
    limitCredits,
    spentCredits,
    heldCredits,
    availableCredits: availableOf({ limitCredits, spentCredits, heldCredits }),
  };
}

/**
 * SQL: the order of the rows `alias`, and so which budget a refusal names where several lack the same: by id, whatever
 * the collation of the database.
 */
export function byBudgetSql(alias: string): string {
  return `${alias}.budget_id COLLATE "C"`;
}

/** An amount as a parameter of a statement. */
export function amountParameter(credits: Credits): string {
  return formatAmount(credits);
}
