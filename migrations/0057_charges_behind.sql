-- What stands behind a follower of the chain is written once, and planned once a connection.
-- older binaries: may run

-- Charges and deltas that `follower` has not read, which are all until it has read for the first time: of journals that are sealed
-- and not followed yet, and of those that are not sealed. A journal is on one side of the two places, never on both.
--
-- It is a function that Postgres plans by itself and once a connection, because a statement that reads tables kept by months
-- is planned for each of them wherever it names them, and panels name this a dozen times. Journals are asked for by the
-- first and the last of them, so that a month is read once and not for each; by keys, as how few they are the planner does
-- not know (hence the offset). As the owner, because the views on it are read by roles that may read no table: who may call
-- it by name has the right to the schema.
CREATE FUNCTION charges_behind(of_follower text) RETURNS TABLE (
  ticket_id uuid, stage text, statements integer, credits numeric, money numeric, warehouse_ms bigint, account text,
  occurred_at timestamptz, ended_at timestamptz, team_id text, principal_id text, tier text, warehouse text, currency text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 1000
SET search_path = tollgate, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  read_to bigint := coalesce((SELECT f.sequence FROM ledger_follower f WHERE f.name = of_follower), 0);
  sealed_xid xid8 := '0';
  sealed_id bigint := 0;
  first_id bigint;
  last_id bigint;
BEGIN
  SELECT b.last_xid, b.last_journal_id INTO sealed_xid, sealed_id FROM ledger_seal_batch b ORDER BY b.id DESC LIMIT 1;
  IF NOT FOUND THEN
    sealed_xid := '0';
    sealed_id := 0;
  END IF;
  SELECT min(t.journal_id), max(t.journal_id) INTO first_id, last_id FROM (
    SELECT s.journal_id FROM ledger_seal s WHERE s.sequence > read_to
    UNION ALL
    SELECT j.id FROM journal j WHERE (j.recorded_xid, j.id) > (sealed_xid, sealed_id) AND j.kind IN ('settle', 'adjustment')
  ) t;
  IF first_id IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH tail AS MATERIALIZED (
    SELECT s.journal_id FROM ledger_seal s WHERE s.sequence > read_to
    UNION ALL
    SELECT j.id FROM journal j WHERE (j.recorded_xid, j.id) > (sealed_xid, sealed_id) AND j.kind IN ('settle', 'adjustment')
  )
  SELECT c.ticket_id, 'provisional', 1, c.credits, c.money, c.warehouse_ms, c.account, c.occurred_at, c.ended_at, c.team_id,
    c.principal_id, c.tier, c.warehouse, c.currency
  FROM tail JOIN charge c USING (journal_id) WHERE c.journal_id BETWEEN first_id AND last_id
  UNION ALL
  SELECT d.ticket_id, d.stage, 0, d.delta_credits, d.delta_money, 0, c.account, c.occurred_at, c.ended_at, c.team_id,
    c.principal_id, c.tier, c.warehouse, c.currency
  FROM tail JOIN charge_delta d USING (journal_id)
  CROSS JOIN LATERAL (SELECT * FROM charge WHERE charge.ticket_id = d.ticket_id OFFSET 0) c
  WHERE d.journal_id BETWEEN first_id AND last_id;
END
$$;

-- The same columns as before.
CREATE OR REPLACE VIEW dash_charge_hour AS
SELECT hour_at, team_id, nullif(warehouse, '') AS warehouse, tier, currency, statements, credits, money AS amount
FROM charge_hour WHERE stage = 'provisional'
UNION ALL
SELECT date_trunc('hour', b.occurred_at, 'UTC'), b.team_id, b.warehouse, b.tier, b.currency, 1::bigint, b.credits::numeric(38, 12),
  b.money::numeric(38, 12)
FROM charges_behind('hours') b WHERE b.statements > 0;

CREATE OR REPLACE VIEW charge_behind_panels AS
SELECT b.statements, CASE b.statements WHEN 0 THEN 0 ELSE b.credits END AS credits,
  CASE b.statements WHEN 0 THEN 0 ELSE b.money END AS money, CASE b.statements WHEN 0 THEN b.credits ELSE 0 END AS delta_credits,
  CASE b.statements WHEN 0 THEN b.money ELSE 0 END AS delta_money, CASE b.statements WHEN 0 THEN NULL ELSE b.credits END AS most_credits,
  b.account, b.occurred_at, b.ended_at, b.team_id, b.principal_id, b.tier, b.currency, t.fingerprint, t.statement_shape,
  t.statement_class, t.ending, t.workload, t.warehouse_size, t.basis, t.expected_credits, t.high_credits
FROM charges_behind('panels') b
LEFT JOIN LATERAL (SELECT * FROM ticket WHERE id = b.ticket_id OFFSET 0) t ON true;

INSERT INTO schema_release (name, older_may_run) VALUES ('0057_charges_behind', true);
