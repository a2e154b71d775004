import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { Credits, Money } from '#base/units.js';

/** Charges of one team on one UTC day, warehouse and tier, with what their deltas made of them. */
export interface ChargedRow {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  /** null: the statement named none. */
  readonly warehouse: string | null;
  readonly tier: string;
  readonly statements: number;
  /** The newest that is known: provisional until it is metered. */
  readonly credits: Credits;
  readonly money: Money;
  /** What was charged when the statements ended. */
  readonly provisionalCredits: Credits;
  readonly provisionalMoney: Money;
}

/**
 * Common table `added`: charges and their deltas in currency `$1` from `$2` to before `$3`. From hours as far as they are
 * kept, and from the charges and deltas behind them: those that are sealed and not followed yet, and those that are not
 * sealed. A journal is on one side of the two places, never on both.
 * @param condition on the rows `h` of hours and `c` of charges, which both have a `team_id`.
 */
export function chargesAdded(condition: (row: 'h' | 'c') => string): string {
  return `tail AS MATERIALIZED (
  SELECT s.journal_id FROM ledger_seal s
  WHERE s.sequence > coalesce((SELECT sequence FROM ledger_follower WHERE name = 'hours'), 0)
  UNION ALL
  SELECT j.id FROM journal j
  WHERE (j.recorded_xid, j.id) > (
    coalesce((SELECT last_xid FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), '0'::xid8),
    coalesce((SELECT last_journal_id FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), 0))
    AND j.kind IN ('settle', 'adjustment')
), added AS (
  SELECT h.hour_at, h.team_id, nullif(h.warehouse, '') AS warehouse, h.tier, h.stage, h.statements, h.credits, h.money,
    h.warehouse_ms
  FROM charge_hour h WHERE ${condition('h')} AND h.currency = $1 AND h.hour_at >= $2 AND h.hour_at < $3
  UNION ALL
  SELECT c.occurred_at, c.team_id, c.warehouse, c.tier, 'provisional', 1, c.credits, c.money, c.warehouse_ms
  FROM tail JOIN charge c USING (journal_id)
  WHERE ${condition('c')} AND c.currency = $1 AND c.occurred_at >= $2 AND c.occurred_at < $3
  UNION ALL
  SELECT c.occurred_at, c.team_id, c.warehouse, c.tier, d.stage, 0, d.delta_credits, d.delta_money, 0
  FROM tail JOIN charge_delta d USING (journal_id) JOIN charge c USING (ticket_id)
  WHERE ${condition('c')} AND c.currency = $1 AND c.occurred_at >= $2 AND c.occurred_at < $3
)`;
}

const ROWS = `/* prepared: billing.charged_rows */
WITH ${chargesAdded((row) => `${row}.team_id = $4`)}
SELECT to_char(hour_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, warehouse, tier, sum(statements)::integer AS statements,
  sum(credits) AS credits, sum(money) AS money,
  coalesce(sum(credits) FILTER (WHERE stage = 'provisional'), 0) AS provisional_credits,
  coalesce(sum(money) FILTER (WHERE stage = 'provisional'), 0) AS provisional_money
FROM added GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS LAST, 3`;

interface Row {
  readonly day: string;
  readonly warehouse: string | null;
  readonly tier: string;
  readonly statements: number;
  readonly credits: string;
  readonly money: string;
  readonly provisional_credits: string;
  readonly provisional_money: string;
}

/**
 * The charges of `teamId` in `currency` that began in `period`, in the order of day, warehouse, tier: what the ledger has, to
 * the last decimal. What is owed for them is the bill (`billing/bills/`). Faults of Postgres propagate.
 */
export async function chargedRows(
  db: Queryable,
  teamId: string,
  period: Period,
  currency: string,
): Promise<readonly ChargedRow[]> {
  const values = [currency, new Date(period.startsAt), new Date(period.endsAt), teamId];
  const { rows } = await db.query<Row>(ROWS, values);
  return rows.map((row) => ({
    day: row.day,
    warehouse: row.warehouse,
    tier: row.tier,
    statements: row.statements,
    credits: parseCredits(row.credits),
    money: parseMoney(row.money),
    provisionalCredits: parseCredits(row.provisional_credits),
    provisionalMoney: parseMoney(row.provisional_money),
  }));
}
