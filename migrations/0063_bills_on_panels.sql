-- Months that are frozen stand in the view of bills as they are billed.
-- older binaries: may run

-- Of a month that nothing is frozen of what was charged in it, provisionally, as before; else every kind of charge of the version
-- in force, as its bills have it: the closed one, before that the one on its way. Status is the state of that version.
CREATE OR REPLACE VIEW dash_bill_line AS
SELECT g.month_at, g.team_id, 'direct'::text AS line, 'provisional'::text AS status, g.currency, g.statements, g.credits, g.amount
FROM (
  SELECT date_trunc('month', hour_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month_at, team_id, currency,
    sum(statements)::bigint AS statements, sum(credits) AS credits, sum(amount) AS amount
  FROM dash_charge_hour
  GROUP BY date_trunc('month', hour_at AT TIME ZONE 'UTC'), team_id, currency
) g
WHERE NOT EXISTS (SELECT FROM month_close c WHERE c.month = to_char(g.month_at AT TIME ZONE 'UTC', 'YYYY-MM'))
UNION ALL
SELECT v.month_at, l.team_id, l.kind, v.state, f.currency, sum(l.statements)::bigint, sum(l.credits), sum(l.amount)
FROM (
  SELECT DISTINCT ON (month) (month || '-01')::timestamp AT TIME ZONE 'UTC' AS month_at, state, freeze_id
  FROM month_close ORDER BY month, state = 'closed' DESC, version DESC
) v
JOIN month_freeze f ON f.id = v.freeze_id
JOIN month_bill_line l ON l.freeze_id = v.freeze_id
GROUP BY v.month_at, l.team_id, l.kind, v.state, f.currency;

INSERT INTO schema_release (name, older_may_run) VALUES ('0063_bills_on_panels', true);
