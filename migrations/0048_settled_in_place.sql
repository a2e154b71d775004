-- Ending a ticket writes as little as it can: what is open is a table of its own, and no index speaks of what an end changes.
-- older binaries: must not run

-- One row a ticket in flight (RESERVED, SENT, RUNNING, IN_DOUBT), written with the ticket and removed by what ends it. A
-- partial index of tickets said the same, but then no change of a ticket's state could stay in its place: each wrote the row's
-- entry in every index of the ticket anew.
CREATE TABLE open_ticket (
  ticket_id uuid PRIMARY KEY
-- It is read whole, and all of it is new every few seconds.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
INSERT INTO open_ticket SELECT id FROM ticket WHERE state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT');
DROP INDEX ticket_open;

-- Queries of tickets that no charge names: of what still runs, of what held nothing, and the parents of multi-statements.
DROP INDEX ticket_query;
CREATE TABLE ticket_query (
  account text NOT NULL,
  snowflake_query_id text NOT NULL,
  ticket_id uuid NOT NULL,
  PRIMARY KEY (account, snowflake_query_id, ticket_id)
);
INSERT INTO ticket_query (account, snowflake_query_id, ticket_id)
SELECT t.account, t.snowflake_query_id, t.id FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id
WHERE t.snowflake_query_id IS NOT NULL AND c.snowflake_query_id IS DISTINCT FROM t.snowflake_query_id;

-- Whose a query of Snowflake is. By account and query id each branch reads a unique index; one that still ran when its id
-- became known is there twice.
CREATE VIEW ticket_of_query AS
SELECT account, snowflake_query_id, ticket_id FROM charge WHERE snowflake_query_id IS NOT NULL
UNION ALL
SELECT account, snowflake_query_id, ticket_id FROM charge_part
UNION ALL
SELECT account, snowflake_query_id, ticket_id FROM ticket_query;

-- A hold is written once and ends with its ticket. It stays: what is metered later moves the same budgets.
DROP VIEW invariant_holds, invariant_hold_states;
DROP INDEX hold_open;
ALTER TABLE hold DROP COLUMN closed_at;

-- I2: open holds are what the period says is held, on itself and under leases, with what leases have idle.
CREATE VIEW invariant_holds AS
SELECT p.id AS budget_period_id, p.held_credits, coalesce(h.held, 0) AS open_credits, p.leased_credits,
  coalesce(h.leased, 0) AS open_leased_credits, coalesce(l.idle, 0) AS idle_credits
FROM budget_period p
LEFT JOIN (
  SELECT h.budget_period_id, sum(h.credits) FILTER (WHERE h.lease_id IS NULL) AS held,
    sum(h.credits) FILTER (WHERE h.lease_id IS NOT NULL) AS leased
  FROM open_ticket o JOIN hold h ON h.ticket_id = o.ticket_id GROUP BY h.budget_period_id
) h ON h.budget_period_id = p.id
LEFT JOIN (SELECT budget_period_id, sum(idle_credits) AS idle FROM lease GROUP BY budget_period_id) l
  ON l.budget_period_id = p.id
WHERE p.held_credits <> coalesce(h.held, 0)
  OR p.leased_credits <> coalesce(h.leased, 0) + coalesce(l.idle, 0);

-- I2: what is said to be open is, and nothing else.
CREATE VIEW invariant_open_tickets AS
SELECT coalesce(t.id, o.ticket_id) AS ticket_id, t.state, o.ticket_id IS NOT NULL AS is_open
FROM ticket t FULL JOIN open_ticket o ON o.ticket_id = t.id
WHERE (o.ticket_id IS NOT NULL) <> coalesce(t.state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT'), false);

CREATE OR REPLACE VIEW dash_open_ticket AS
SELECT t.id AS ticket_id, t.state, t.team_id, t.principal_id, t.tier, t.warehouse, t.statement_shape, t.fingerprint,
  t.occurred_at, t.sent_at, t.expected_credits, t.hold_credits, u.used_credits, u.ceiling_credits, u.used_at,
  t.price_per_credit, t.currency
FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id LEFT JOIN running_use u ON u.ticket_id = t.id;

-- I3, as before, by keys that are unique anyway: the index of journals by ticket had no other reader.
CREATE OR REPLACE VIEW invariant_charges AS
SELECT t.id AS ticket_id, t.state, count(c.ticket_id) AS charges
FROM ticket t
LEFT JOIN charge c ON c.ticket_id = t.id
WHERE t.state = 'SETTLED' OR c.ticket_id IS NOT NULL
GROUP BY t.id, t.state
HAVING (t.state <> 'SETTLED' AND count(c.ticket_id) > 0)
  OR (count(c.ticket_id) <> 1 AND (EXISTS (SELECT FROM hold h WHERE h.ticket_id = t.id)
    OR EXISTS (SELECT FROM journal j WHERE j.key IN ('hold:' || t.id, 'settle:' || t.id))));
DROP INDEX journal_ticket;

-- Of the entries of a period only those of its limit are looked for; the others are read together or by their journal.
CREATE INDEX entry_limit ON entry (budget_period_id) WHERE account = 'limit';
DROP INDEX entry_period;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, TRUNCATE ON open_ticket FROM tollgate_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON ticket_query FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0048_settled_in_place', false);
