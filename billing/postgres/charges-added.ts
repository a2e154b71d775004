/** Everything that was charged in a time, wherever it stands by now. */

/**
 * Common table `added`: charges and their deltas in currency `$1` from `$2` to before `$3`. From hours as far as they are
 * kept, and from the charges and deltas behind them: those that are sealed and not followed yet, and those that are not
 * sealed. A journal is on one side of the two places, never on both.
 */
export const CHARGES_ADDED: string = `tail AS MATERIALIZED (
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
  FROM charge_hour h WHERE h.currency = $1 AND h.hour_at >= $2 AND h.hour_at < $3
  UNION ALL
  SELECT c.occurred_at, c.team_id, c.warehouse, c.tier, 'provisional', 1, c.credits, c.money, c.warehouse_ms
  FROM tail JOIN charge c USING (journal_id)
  WHERE c.currency = $1 AND c.occurred_at >= $2 AND c.occurred_at < $3
  UNION ALL
  SELECT c.occurred_at, c.team_id, c.warehouse, c.tier, d.stage, 0, d.delta_credits, d.delta_money, 0
  FROM tail JOIN charge_delta d USING (journal_id) JOIN charge c USING (ticket_id)
  WHERE c.currency = $1 AND c.occurred_at >= $2 AND c.occurred_at < $3
)`;
