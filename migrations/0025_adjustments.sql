-- What people say of closed months: adjustments in the open one, disputes; and what a frozen month was worked out of.
-- older binaries: may run

-- What usage and money of the month were when it was frozen, as one hash: while it is the same nothing is found late.
ALTER TABLE month_freeze ADD COLUMN usage_fingerprint text NOT NULL DEFAULT '';

-- Money moved from the bill of one team to that of another: it takes nothing from the month and adds nothing to it.
CREATE TABLE bill_adjustment (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  credited_team text NOT NULL,
  debited_team text NOT NULL CHECK (debited_team <> credited_team),
  amount numeric(38, 12) NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  -- What it mends; NULL: nothing that was billed before.
  corrects_month text,
  corrects_line_id text CHECK (corrects_line_id IS NULL OR corrects_month IS NOT NULL),
  charge_day date NOT NULL,
  account text NOT NULL,
  reason text NOT NULL,
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL
);

-- The word on an adjustment, once; an approved one is booked in the month that is open then.
CREATE TABLE bill_adjustment_decision (
  adjustment_id bigint PRIMARY KEY REFERENCES bill_adjustment (id),
  decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
  month text CHECK ((month IS NOT NULL) = (decision = 'approved')),
  decided_by text NOT NULL,
  decided_at timestamptz NOT NULL,
  reason text NOT NULL
);
CREATE INDEX bill_adjustment_decision_month ON bill_adjustment_decision (month) WHERE month IS NOT NULL;

CREATE TABLE bill_dispute (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  month text NOT NULL,
  team_id text NOT NULL,
  -- NULL: of the bill as a whole.
  line_id text,
  amount numeric(38, 12) NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  reason text NOT NULL,
  raised_by text NOT NULL,
  raised_at timestamptz NOT NULL,
  -- Who decides it, and until when.
  owner text NOT NULL,
  due_on date NOT NULL
);
CREATE INDEX bill_dispute_team ON bill_dispute (team_id, id);

CREATE TABLE bill_dispute_end (
  dispute_id bigint PRIMARY KEY REFERENCES bill_dispute (id),
  outcome text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'withdrawn')),
  ended_by text NOT NULL,
  ended_at timestamptz NOT NULL,
  reason text NOT NULL,
  adjustment_id bigint REFERENCES bill_adjustment (id) CHECK ((adjustment_id IS NOT NULL) = (outcome = 'accepted'))
);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['bill_adjustment', 'bill_adjustment_decision', 'bill_dispute', 'bill_dispute_end'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON bill_adjustment, bill_adjustment_decision, bill_dispute, bill_dispute_end
      FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0025_adjustments', true);
