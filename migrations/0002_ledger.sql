-- Ledger: tickets, holds, the journal with its entries, charges.
-- older binaries: must not run

-- Half to even at twelve decimals: how charges are rounded. PostgreSQL's own round() goes away from zero.
CREATE FUNCTION round_half_even(amount numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(amount - trunc(amount, 12)) = 0.0000000000005 AND mod(trunc(amount, 12) * 1000000000000, 2) = 0
    THEN trunc(amount, 12)
  ELSE round(amount, 12)
END;

-- One governed statement.
CREATE TABLE ticket (
  id uuid PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('NEW', 'RESERVED', 'SENT', 'RUNNING', 'SETTLED', 'VOID', 'IN_DOUBT')),
  account text NOT NULL,
  session_id text NOT NULL,
  request_id text NOT NULL,
  request_hash text NOT NULL,
  principal_id text NOT NULL,
  team_id text NOT NULL,
  workload text,
  snowflake_user text NOT NULL,
  role_name text,
  tier text NOT NULL,
  warehouse text,
  warehouse_size text,
  statement_class text NOT NULL,
  fingerprint text NOT NULL,
  statement_shape text NOT NULL CHECK (length(statement_shape) <= 2000),
  basis text NOT NULL,
  low_credits numeric(38, 12) NOT NULL,
  expected_credits numeric(38, 12) NOT NULL,
  high_credits numeric(38, 12) NOT NULL,
  expected_seconds double precision NOT NULL,
  estimated_bytes bigint,
  price_per_credit numeric(38, 12) NOT NULL CHECK (price_per_credit >= 0),
  currency text NOT NULL,
  control_version bigint NOT NULL,
  replica text NOT NULL,
  -- What is held in all while open, what was held at last afterwards.
  hold_credits numeric(38, 12) NOT NULL CHECK (hold_credits >= 0),
  refusal_code text,
  refusal_message text,
  refusal_detail jsonb,
  occurred_at timestamptz NOT NULL,
  sent_at timestamptz,
  running_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  ending text CHECK (ending IN ('succeeded', 'failed', 'cancelled', 'stopped')),
  end_code text,
  snowflake_query_id text,
  bytes_scanned bigint,
  rows_produced bigint,
  created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX ticket_open ON ticket (id) WHERE state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT');
CREATE INDEX ticket_team ON ticket (team_id, occurred_at);
CREATE INDEX ticket_request ON ticket (account, session_id, request_id);
CREATE INDEX ticket_query ON ticket (account, snowflake_query_id) WHERE snowflake_query_id IS NOT NULL;

-- The life cycle, for every writer there will ever be. An end is an end.
CREATE FUNCTION check_ticket_transition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) IN (
    ('NEW', 'RESERVED'), ('NEW', 'VOID'), ('NEW', 'SETTLED'),
    ('RESERVED', 'SENT'), ('RESERVED', 'VOID'), ('RESERVED', 'SETTLED'),
    ('SENT', 'RUNNING'), ('SENT', 'SETTLED'), ('SENT', 'IN_DOUBT'), ('SENT', 'VOID'),
    ('RUNNING', 'SETTLED'), ('RUNNING', 'IN_DOUBT'), ('RUNNING', 'VOID'),
    ('IN_DOUBT', 'SETTLED'), ('IN_DOUBT', 'VOID')
  ) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ticket %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER ticket_transition BEFORE UPDATE ON ticket
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION check_ticket_transition();

-- One period of one budget. The amounts repeat what the entries say, for one row to lock and compare.
CREATE TABLE budget_period (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  budget_id text NOT NULL REFERENCES budget (id),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
  limit_kind text NOT NULL CHECK (limit_kind IN ('limited', 'unlimited')),
  limit_credits numeric(38, 12) CHECK (limit_credits >= 0),
  granted_credits numeric(38, 12) NOT NULL DEFAULT 0,
  carried_credits numeric(38, 12) NOT NULL DEFAULT 0,
  spent_credits numeric(38, 12) NOT NULL DEFAULT 0,
  held_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (held_credits >= 0),
  leased_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (leased_credits >= 0),
  overrun_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (overrun_credits >= 0),
  UNIQUE (budget_id, starts_at),
  CONSTRAINT budget_period_limit CHECK ((limit_kind = 'limited') = (limit_credits IS NOT NULL))
) WITH (fillfactor = 30);

-- What one ticket holds of one period.
CREATE TABLE hold (
  ticket_id uuid NOT NULL REFERENCES ticket (id),
  budget_period_id bigint NOT NULL REFERENCES budget_period (id),
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0),
  closed_at timestamptz,
  PRIMARY KEY (ticket_id, budget_period_id)
) WITH (fillfactor = 80);
CREATE INDEX hold_open ON hold (budget_period_id) WHERE closed_at IS NULL;

-- Every move, once. `key` makes a repeated call find what it did before.
CREATE TABLE journal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('hold', 'top_up', 'settle', 'release', 'grant', 'limit', 'adjustment')),
  ticket_id uuid REFERENCES ticket (id),
  key text NOT NULL UNIQUE,
  author text NOT NULL,
  reason text NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX journal_ticket ON journal (ticket_id) WHERE ticket_id IS NOT NULL;

-- Double entry inside a budget period: `limit` gives to `available`, `available` to `held` and `spent`.
-- No foreign key to the period: its row is locked by the same statement, and invariant_entries names strangers.
CREATE TABLE entry (
  journal_id bigint NOT NULL REFERENCES journal (id),
  ordinal smallint NOT NULL,
  budget_period_id bigint NOT NULL,
  account text NOT NULL CHECK (account IN ('limit', 'available', 'held', 'spent')),
  credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (journal_id, ordinal)
);
CREATE INDEX entry_period ON entry (budget_period_id);

CREATE FUNCTION check_entries_balance() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY journal_id, budget_period_id HAVING sum(credits) <> 0) THEN
    RAISE EXCEPTION 'entries of a journal do not sum to zero' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER entry_balance AFTER INSERT ON entry
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_entries_balance();

-- The one settling charge of a ticket, and what it stands for.
CREATE TABLE charge (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  journal_id bigint NOT NULL REFERENCES journal (id),
  account text NOT NULL,
  team_id text NOT NULL,
  principal_id text NOT NULL,
  tier text NOT NULL,
  warehouse text,
  snowflake_query_id text,
  occurred_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0),
  money numeric(38, 12) NOT NULL CHECK (money >= 0),
  currency text NOT NULL,
  price_per_credit numeric(38, 12) NOT NULL,
  warehouse_ms bigint NOT NULL CHECK (warehouse_ms >= 0),
  bytes_scanned bigint,
  basis text NOT NULL DEFAULT 'provisional' CHECK (basis = 'provisional')
);
CREATE UNIQUE INDEX charge_query_once ON charge (account, snowflake_query_id) WHERE snowflake_query_id IS NOT NULL;
CREATE INDEX charge_team ON charge (team_id, occurred_at);

-- Credits given to one period on top of its limit, until they expire or for all of it.
CREATE TABLE budget_grant (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  budget_period_id bigint NOT NULL REFERENCES budget_period (id),
  journal_id bigint NOT NULL UNIQUE REFERENCES journal (id),
  credits numeric(38, 12) NOT NULL CHECK (credits > 0),
  author text NOT NULL,
  reason text NOT NULL,
  granted_at timestamptz NOT NULL,
  expires_at timestamptz CHECK (expires_at > granted_at),
  expired_at timestamptz
);
CREATE INDEX budget_grant_running ON budget_grant (expires_at) WHERE expired_at IS NULL AND expires_at IS NOT NULL;

-- Append-only for everybody, the owner included; corrections are new rows.
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON journal, entry, charge FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON ticket, hold, budget_period, budget_grant FROM tollgate_app;
    REVOKE INSERT, UPDATE, DELETE ON schema_release FROM tollgate_app;
    REVOKE UPDATE, DELETE ON control_version FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0002_ledger', false);
