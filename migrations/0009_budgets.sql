-- Budgets: fiscal and custom periods, clients, what is carried into the next period, transfers, forecasts, thresholds.
-- older binaries: may run

ALTER TABLE budget DROP CONSTRAINT budget_period_kind_check;
ALTER TABLE budget ADD CONSTRAINT budget_period_kind_check
  CHECK (period_kind IN ('day', 'week', 'month', 'quarter', 'fiscal', 'custom'));
-- What the kinds fiscal and custom need beside their names: `FiscalRule` and `CustomRule` of billing/period.ts.
ALTER TABLE budget ADD COLUMN period_fiscal jsonb;
ALTER TABLE budget ADD COLUMN period_custom jsonb;
ALTER TABLE budget ADD COLUMN client text;
-- Percent of what is left that goes into the next period, at most so many credits; null: nothing, and no cap.
ALTER TABLE budget ADD COLUMN carry_percent smallint CHECK (carry_percent BETWEEN 1 AND 100);
ALTER TABLE budget ADD COLUMN carry_max_credits numeric(38, 12) CHECK (carry_max_credits > 0);
ALTER TABLE budget ADD COLUMN carry_debt boolean NOT NULL DEFAULT false;
-- Percent of use and of forecast at which a notice is written, once a period.
ALTER TABLE budget ADD COLUMN thresholds smallint[] NOT NULL DEFAULT '{50,80,100}';
ALTER TABLE budget ADD COLUMN forecast_thresholds smallint[] NOT NULL DEFAULT '{100}';

-- The period that its `carried_credits` come from, and by which terms: those of its budget when it opened. Null: it is
-- the first, or nothing is carried.
ALTER TABLE budget_period ADD COLUMN carried_from bigint REFERENCES budget_period (id);
ALTER TABLE budget_period ADD COLUMN carry_percent smallint;
ALTER TABLE budget_period ADD COLUMN carry_max_credits numeric(38, 12);
ALTER TABLE budget_period ADD COLUMN carry_debt boolean;
CREATE INDEX budget_period_carried ON budget_period (ends_at) WHERE carried_from IS NOT NULL;

ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN
  ('hold', 'top_up', 'settle', 'release', 'grant', 'limit', 'adjustment', 'carry', 'transfer'));

-- What a period has for the next one. A grant is used first, and what is left of it ends with its period. What is held
-- counts as used until its end is known. What is missing is taken from the next period where the budget says so.
CREATE FUNCTION credits_to_carry(p budget_period, percent smallint, max_credits numeric, debt boolean) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p.limit_credits IS NULL THEN 0
  WHEN p.limit_credits + p.granted_credits + p.carried_credits
    < p.spent_credits + p.held_credits + p.leased_credits
    THEN CASE WHEN debt THEN p.limit_credits + p.granted_credits + p.carried_credits
      - p.spent_credits - p.held_credits - p.leased_credits ELSE 0 END
  WHEN percent IS NULL THEN 0
  ELSE least(max_credits, trunc(percent * greatest(0, least(p.limit_credits + p.carried_credits,
    p.limit_credits + p.granted_credits + p.carried_credits - p.spent_credits - p.held_credits - p.leased_credits
  )) / 100, 12))
END;

-- Credits moved from the open period of one budget to that of another.
CREATE TABLE budget_transfer (
  journal_id bigint PRIMARY KEY REFERENCES journal (id),
  key text NOT NULL UNIQUE,
  giver_period_id bigint NOT NULL REFERENCES budget_period (id),
  taker_period_id bigint NOT NULL REFERENCES budget_period (id) CHECK (taker_period_id <> giver_period_id),
  credits numeric(38, 12) NOT NULL CHECK (credits > 0),
  author text NOT NULL,
  reason text NOT NULL,
  transferred_at timestamptz NOT NULL
);
CREATE TRIGGER budget_transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was spent in which hour, found by comparing; the profile of a forecast. Kept for eight weeks.
CREATE TABLE budget_hour (
  budget_id text NOT NULL REFERENCES budget (id),
  hour_at timestamptz NOT NULL,
  credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (budget_id, hour_at)
);
CREATE TABLE budget_counted (
  budget_period_id bigint PRIMARY KEY REFERENCES budget_period (id),
  spent_credits numeric(38, 12) NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE budget_forecast (
  budget_period_id bigint PRIMARY KEY REFERENCES budget_period (id),
  forecast_at timestamptz NOT NULL,
  -- Spent at the end of the period, and between which amounts.
  low_credits numeric(38, 12) NOT NULL,
  expected_credits numeric(38, 12) NOT NULL,
  high_credits numeric(38, 12) NOT NULL,
  -- When nothing is left, inside the period; null: not in this period.
  exhausted_at timestamptz,
  -- Whether weeks of history stand behind it; without them the first tenth of a period says little.
  has_profile boolean NOT NULL
) WITH (fillfactor = 50);

-- A threshold that was passed: once a budget period and threshold, until a raised limit re-arms it.
CREATE TABLE budget_notice (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  budget_period_id bigint NOT NULL REFERENCES budget_period (id),
  measure text NOT NULL CHECK (measure IN ('use', 'forecast')),
  threshold smallint NOT NULL CHECK (threshold BETWEEN 1 AND 1000),
  fired_at timestamptz NOT NULL,
  limit_credits numeric(38, 12) NOT NULL,
  spent_credits numeric(38, 12) NOT NULL,
  forecast_credits numeric(38, 12),
  exhausted_at timestamptz,
  rearmed_at timestamptz
);
CREATE UNIQUE INDEX budget_notice_once ON budget_notice (budget_period_id, measure, threshold) WHERE rearmed_at IS NULL;

-- I1, as before; a transfer and what is carried move limits too, but a transfer never below what is spent and held.
CREATE OR REPLACE VIEW invariant_limit AS
SELECT p.id AS budget_period_id, p.budget_id, p.spent_credits, p.held_credits, p.leased_credits, p.overrun_credits,
  p.limit_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE b.is_hard AND p.limit_kind = 'limited'
  AND NOT EXISTS (
    -- A limit lowered below what is spent and held, a grant that ended, or a debt that was carried, is no admission.
    SELECT FROM entry e JOIN journal j ON j.id = e.journal_id
    WHERE e.budget_period_id = p.id AND e.account = 'limit' AND e.credits > 0 AND j.kind <> 'transfer'
  )
  AND p.spent_credits - p.overrun_credits + p.held_credits + p.leased_credits
    > p.limit_credits + p.granted_credits + p.carried_credits;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON budget_transfer FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON budget_notice FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0009_budgets', true);
