-- Hours of charges that are not followed yet are read by keys.
-- older binaries: may run

-- The same columns as before. What hours have not followed is mostly a few charges, and how few the planner does not know:
-- joined, it read the whole table of charges for them, once for each part of a range. Row by row by their keys (hence the
-- offset), as in `charge_behind_panels`.
CREATE OR REPLACE VIEW dash_charge_hour AS
WITH tail AS MATERIALIZED (
  SELECT s.journal_id FROM ledger_seal s
  WHERE s.sequence > coalesce((SELECT sequence FROM ledger_follower WHERE name = 'hours'), 0)
  UNION ALL
  SELECT j.id FROM journal j
  WHERE (j.recorded_xid, j.id) > (
    coalesce((SELECT last_xid FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), '0'::xid8),
    coalesce((SELECT last_journal_id FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), 0))
    AND j.kind IN ('settle', 'adjustment')
)
SELECT hour_at, team_id, nullif(warehouse, '') AS warehouse, tier, currency, statements, credits, money AS amount
FROM charge_hour WHERE stage = 'provisional'
UNION ALL
SELECT date_trunc('hour', c.occurred_at, 'UTC'), c.team_id, c.warehouse, c.tier, c.currency, 1, c.credits, c.money
FROM tail CROSS JOIN LATERAL (SELECT * FROM charge WHERE journal_id = tail.journal_id OFFSET 0) c;

INSERT INTO schema_release (name, older_may_run) VALUES ('0041_hours_of_the_tail', true);
