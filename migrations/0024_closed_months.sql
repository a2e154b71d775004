-- Months that are closed: what was frozen of them, whole and in versions, and every step that led there.
-- older binaries: may run

-- What was frozen of a month at once. It never changes: a soft-closed month that takes in what came late is frozen anew.
CREATE TABLE month_freeze (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  month text NOT NULL CHECK (month ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
  version integer NOT NULL CHECK (version > 0),
  frozen_at timestamptz NOT NULL,
  frozen_by text NOT NULL,
  -- Bills and lines are written by the transaction that freezes, and by no later one.
  frozen_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  organisation_id text NOT NULL,
  organisation_name text NOT NULL,
  currency text NOT NULL,
  clearing_account text NOT NULL,
  rounding_team_id text NOT NULL,
  reconciliation jsonb NOT NULL,
  total_credits numeric(38, 12) NOT NULL,
  total_amount numeric(38, 12) NOT NULL,
  merkle_root text NOT NULL CHECK (merkle_root ~ '^[0-9a-f]{64}$')
);
CREATE INDEX month_freeze_month ON month_freeze (month, version);

CREATE TABLE month_bill (
  freeze_id bigint NOT NULL REFERENCES month_freeze (id),
  team_id text NOT NULL,
  team_name text NOT NULL,
  department_name text NOT NULL,
  owner text NOT NULL,
  legal_entity text NOT NULL,
  cost_centre text NOT NULL,
  gl_account text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('showback', 'chargeback')),
  total_credits numeric(38, 12) NOT NULL,
  total_amount numeric(38, 12) NOT NULL,
  budget_money numeric(38, 12),
  previous_money numeric(38, 12),
  trailing_money numeric(38, 12),
  drivers jsonb NOT NULL,
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  PRIMARY KEY (freeze_id, team_id)
);

CREATE TABLE month_bill_line (
  freeze_id bigint NOT NULL,
  team_id text NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 0),
  line_id text NOT NULL,
  kind text NOT NULL,
  account text NOT NULL,
  resource text,
  service_type text NOT NULL,
  charge_day date NOT NULL,
  used_ms bigint NOT NULL,
  statements bigint NOT NULL,
  credits numeric(38, 12) NOT NULL,
  list_price numeric(38, 12) NOT NULL,
  contracted_price numeric(38, 12) NOT NULL,
  effective_price numeric(38, 12) NOT NULL,
  effective_money numeric(38, 12) NOT NULL,
  amount numeric(38, 12) NOT NULL,
  method text NOT NULL,
  note text NOT NULL,
  corrects_month text,
  corrects_line_id text,
  PRIMARY KEY (freeze_id, team_id, ordinal),
  UNIQUE (freeze_id, line_id),
  FOREIGN KEY (freeze_id, team_id) REFERENCES month_bill
);
CREATE INDEX month_bill_line_corrects ON month_bill_line (corrects_month, corrects_line_id) WHERE corrects_month IS NOT NULL;

-- How far each version of a month is. One version at most is on its way, and one at most is the closed one.
CREATE TABLE month_close (
  month text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  state text NOT NULL CHECK (state IN ('softClosed', 'inReview', 'approved', 'closed', 'superseded')),
  freeze_id bigint NOT NULL UNIQUE REFERENCES month_freeze (id),
  closed_at timestamptz CHECK ((closed_at IS NOT NULL) = (state IN ('closed', 'superseded'))),
  PRIMARY KEY (month, version)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX month_close_one_on_its_way ON month_close (month) WHERE state IN ('softClosed', 'inReview', 'approved');
CREATE UNIQUE INDEX month_close_one_closed ON month_close (month) WHERE state = 'closed';

-- Who did what with a version, and why.
CREATE TABLE month_step (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  month text NOT NULL,
  version integer NOT NULL,
  freeze_id bigint NOT NULL REFERENCES month_freeze (id),
  step text NOT NULL CHECK (step IN ('freeze', 'propose', 'signOff', 'approve', 'return', 'close', 'reopen')),
  taken_by text NOT NULL,
  taken_at timestamptz NOT NULL,
  reason text,
  FOREIGN KEY (month, version) REFERENCES month_close
);
CREATE INDEX month_step_version ON month_step (month, version, id);

-- An end is an end, whoever writes; what is frozen changes only while a version is soft-closed.
CREATE FUNCTION check_month_close() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'softClosed' THEN
      RAISE EXCEPTION 'a version of a month begins soft-closed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.month, NEW.version) <> (OLD.month, OLD.version) OR OLD.state || '>' || NEW.state NOT IN (
      'softClosed>softClosed', 'softClosed>inReview', 'inReview>approved', 'inReview>softClosed', 'approved>softClosed',
      'approved>closed', 'closed>superseded') THEN
    RAISE EXCEPTION 'month % version % is % and does not become %', OLD.month, OLD.version, OLD.state, NEW.state
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.freeze_id <> OLD.freeze_id AND OLD.state || '>' || NEW.state <> 'softClosed>softClosed' THEN
    RAISE EXCEPTION 'month % version % is frozen', OLD.month, OLD.version USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN
    RAISE EXCEPTION 'month % version % is closed', OLD.month, OLD.version USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER month_close_checked BEFORE INSERT OR UPDATE ON month_close
  FOR EACH ROW EXECUTE FUNCTION check_month_close();
CREATE TRIGGER month_close_kept BEFORE DELETE OR TRUNCATE ON month_close
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nobody adds a line to a bill that is frozen.
CREATE FUNCTION check_frozen_at_once() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added a JOIN month_freeze f ON f.id = a.freeze_id WHERE f.frozen_xid <> pg_current_xact_id()) THEN
    RAISE EXCEPTION '% of a frozen month is complete: INSERT refused', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END
$$;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['month_bill', 'month_bill_line'] LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION check_frozen_at_once()', name || '_at_once', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['month_freeze', 'month_bill', 'month_bill_line', 'month_step'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON month_freeze, month_bill, month_bill_line, month_step FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON month_close FROM tollgate_app;
  END IF;
END
$$;

-- What a frozen month says of itself, summed: empty, always.
CREATE VIEW invariant_closed_months AS
SELECT f.id AS freeze_id, f.month, f.version, f.total_amount, b.total_amount AS bills_amount, l.amount AS lines_amount
FROM month_freeze f
CROSS JOIN LATERAL (
  SELECT coalesce(sum(total_amount), 0) AS total_amount, coalesce(sum(total_credits), 0) AS total_credits
  FROM month_bill WHERE freeze_id = f.id
) b
CROSS JOIN LATERAL (
  SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(credits), 0) AS credits FROM month_bill_line WHERE freeze_id = f.id
) l
WHERE (f.total_amount, f.total_credits) <> (b.total_amount, b.total_credits)
  OR (f.total_amount, f.total_credits) <> (l.amount, l.credits);

INSERT INTO schema_release (name, older_may_run) VALUES ('0024_closed_months', true);
