/** Everything that was charged in a time, wherever it stands by now. */

/**
 * Common table `added`: charges and their deltas in currency `$1` from `$2` to before `$3`. From hours as far as they are
 * kept, and from the charges and deltas behind them (`charges_behind`, migration 0057).
 */
export const CHARGES_ADDED: string = `added AS (
  SELECT h.hour_at, h.team_id, nullif(h.warehouse, '') AS warehouse, h.tier, h.stage, h.statements, h.credits, h.money,
    h.warehouse_ms
  FROM charge_hour h WHERE h.currency = $1 AND h.hour_at >= $2 AND h.hour_at < $3
  UNION ALL
  SELECT b.occurred_at, b.team_id, b.warehouse, b.tier, b.stage, b.statements, b.credits, b.money, b.warehouse_ms
  FROM charges_behind('hours') b WHERE b.currency = $1 AND b.occurred_at >= $2 AND b.occurred_at < $3
)`;
