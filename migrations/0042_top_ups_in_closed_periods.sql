-- A top-up in a period that has ended takes back what was carried out of it, or is refused (docs/budgets.md).
-- older binaries: may run

-- True once a period has opened that carries from this one. It is written with this row locked: whoever waits for the lock
-- to top up reads it as it is then.
ALTER TABLE budget_period ADD COLUMN is_carried_on boolean NOT NULL DEFAULT false;
UPDATE budget_period p SET is_carried_on = true
WHERE EXISTS (SELECT FROM budget_period n WHERE n.carried_from = p.id);

CREATE INDEX budget_period_carried_from ON budget_period (carried_from) WHERE carried_from IS NOT NULL;

INSERT INTO schema_release (name, older_may_run) VALUES ('0042_top_ups_in_closed_periods', true);
