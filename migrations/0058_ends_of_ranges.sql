-- Panels over ranges of time name the ledger's charges at the ends of the range only.
-- older binaries: may run

-- Each view `dash_…_sum` in two: sums of full hours and days with what is behind them (`whole`), and charges themselves, for the
-- ends of a range that are no full hour (`end`). A statement is planned for every month of the ledger wherever it names
-- charges, also where a condition on `grain` leaves nothing of them; so who asks for full hours reads what does not name them.
-- What a charge became stands in expressions of their own, and not in a join: where no panel asks for it, it is not planned.
-- Columns of all parts are of the same types, or Postgres would plan each part by itself, with every column.
CREATE VIEW dash_shape_whole AS
SELECT grain, starts_at, team_id, nullif(fingerprint, '') AS fingerprint, currency,
  nullif(statement_class, '') AS statement_class, nullif(ending, '') AS ending, statements, credits, money AS amount,
  credits + delta_credits AS final_credits, money + delta_money AS final_amount, most_credits, first_at, workload,
  warehouse_size
FROM charge_shape_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.fingerprint, b.currency, b.statement_class, b.ending,
  b.statements::bigint, b.credits, b.money, b.credits + b.delta_credits, b.money + b.delta_money, b.most_credits, b.occurred_at,
  b.workload, b.warehouse_size
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain);

CREATE VIEW dash_shape_end AS
SELECT 'charge'::text AS grain, c.occurred_at AS starts_at, c.team_id, t.fingerprint, c.currency, t.statement_class, t.ending,
  1::bigint AS statements, c.credits, c.money AS amount,
  coalesce((SELECT d.credits FROM charge_delta d WHERE d.ticket_id = c.ticket_id ORDER BY d.ordinal DESC LIMIT 1), c.credits) AS final_credits,
  coalesce((SELECT d.money FROM charge_delta d WHERE d.ticket_id = c.ticket_id ORDER BY d.ordinal DESC LIMIT 1), c.money) AS final_amount,
  c.credits AS most_credits, c.occurred_at AS first_at, t.workload, t.warehouse_size
FROM charge c LEFT JOIN ticket t ON t.id = c.ticket_id;

CREATE VIEW dash_user_whole AS
SELECT grain, starts_at, team_id, principal_id, nullif(workload, '') AS workload, tier,
  nullif(statement_class, '') AS statement_class, currency, statements, credits, money AS amount,
  credits + delta_credits AS final_credits, money + delta_money AS final_amount
FROM charge_user_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.principal_id, b.workload, b.tier, b.statement_class,
  b.currency, b.statements::bigint, b.credits, b.money, b.credits + b.delta_credits, b.money + b.delta_money
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain);

CREATE VIEW dash_user_end AS
SELECT 'charge'::text AS grain, c.occurred_at AS starts_at, c.team_id, c.principal_id, t.workload, c.tier, t.statement_class,
  c.currency, 1::bigint AS statements, c.credits, c.money AS amount,
  coalesce((SELECT d.credits FROM charge_delta d WHERE d.ticket_id = c.ticket_id ORDER BY d.ordinal DESC LIMIT 1), c.credits) AS final_credits,
  coalesce((SELECT d.money FROM charge_delta d WHERE d.ticket_id = c.ticket_id ORDER BY d.ordinal DESC LIMIT 1), c.money) AS final_amount
FROM charge c LEFT JOIN ticket t ON t.id = c.ticket_id;

CREATE VIEW dash_estimate_whole AS
SELECT grain, starts_at, team_id, tier, basis, exp(error_step / 50.0::double precision) AS q_error, statements, covered
FROM charge_error_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.tier, b.basis,
  greatest(b.expected_credits / b.credits, b.credits / b.expected_credits)::double precision, b.statements::bigint,
  (b.credits <= b.high_credits)::integer::bigint
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
WHERE b.statements > 0 AND b.credits > 0 AND b.expected_credits > 0;

CREATE VIEW dash_estimate_end AS
SELECT 'charge'::text AS grain, occurred_at AS starts_at, team_id, tier, basis, q_error, 1::bigint AS statements,
  is_covered::integer::bigint AS covered
FROM dash_estimate;

CREATE VIEW dash_spend_whole AS
SELECT 'hour'::text AS grain, hour_at AS starts_at, team_id, warehouse, tier, currency, statements, credits, amount
FROM dash_charge_hour;

CREATE VIEW dash_spend_end AS
SELECT 'charge'::text AS grain, occurred_at AS starts_at, team_id, warehouse, tier, currency, 1::bigint AS statements, credits,
  money AS amount
FROM charge;

-- The same rows as before: functions of ranges that are kept in schemas of their own (dashboards/team-datasource.sql) go on
-- reading these until they are made anew.
CREATE OR REPLACE VIEW dash_shape_sum AS SELECT * FROM dash_shape_whole UNION ALL SELECT * FROM dash_shape_end;
CREATE OR REPLACE VIEW dash_user_sum AS SELECT * FROM dash_user_whole UNION ALL SELECT * FROM dash_user_end;
CREATE OR REPLACE VIEW dash_estimate_sum AS SELECT * FROM dash_estimate_whole UNION ALL SELECT * FROM dash_estimate_end;
CREATE OR REPLACE VIEW dash_spend_sum AS SELECT * FROM dash_spend_whole UNION ALL SELECT * FROM dash_spend_end;

-- As in 0040 in all but which of the two views each part of a range reads.
DO $do$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT * FROM (VALUES ('dash_shapes', 'dash_shape', 'day'), ('dash_user_hours', 'dash_user', 'hour'),
      ('dash_users', 'dash_user', 'day'), ('dash_estimates', 'dash_estimate', 'day'),
      ('dash_spend_hours', 'dash_spend', 'hour')) AS v (name, kind, longest)
  LOOP
    EXECUTE format($format$
CREATE OR REPLACE FUNCTION tollgate.%1$I(from_at timestamptz, to_at timestamptz) RETURNS SETOF tollgate.%2$s_sum
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
AS $body$
SELECT * FROM tollgate.%2$s_whole WHERE grain = %3$L
  AND starts_at >= tollgate.dash_first_full('day', from_at) AND starts_at < date_trunc('day', to_at, 'UTC')
UNION ALL
SELECT * FROM tollgate.%2$s_whole WHERE grain = 'hour' AND starts_at >= tollgate.dash_first_full('hour', from_at)
  AND starts_at < least(tollgate.dash_first_full('day', from_at), date_trunc('hour', to_at, 'UTC'))
UNION ALL
SELECT * FROM tollgate.%2$s_whole WHERE grain = 'hour' AND starts_at < date_trunc('hour', to_at, 'UTC')
  AND starts_at >= greatest(date_trunc('day', to_at, 'UTC'), tollgate.dash_first_full('day', from_at))
UNION ALL
SELECT * FROM tollgate.%2$s_end WHERE starts_at >= from_at AND starts_at <= to_at
  AND starts_at < tollgate.dash_first_full('hour', from_at)
UNION ALL
SELECT * FROM tollgate.%2$s_end WHERE starts_at <= to_at
  AND starts_at >= greatest(date_trunc('hour', to_at, 'UTC'), tollgate.dash_first_full('hour', from_at))
$body$ $format$, made.name, made.kind, made.longest);
  END LOOP;
END
$do$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0058_ends_of_ranges', true);
