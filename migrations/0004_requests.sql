-- Requests: what a team asks for after a refusal, and what was decided.
-- older binaries: may run

-- One a refused ticket. The budget and what it was short of are those of the refusal; both are null where no budget
-- refused, and then there are no credits to grant.
CREATE TABLE approval_request (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'granted', 'declined')),
  principal_id text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  budget_id text REFERENCES budget (id),
  short_credits numeric(38, 12) CHECK (short_credits > 0),
  asked_at timestamptz NOT NULL,
  granted_credits numeric(38, 12) CHECK (granted_credits > 0),
  decided_at timestamptz,
  decided_by text,
  decision_reason text CHECK (length(decision_reason) BETWEEN 1 AND 500),
  CONSTRAINT approval_request_budget CHECK ((budget_id IS NULL) = (short_credits IS NULL)),
  CONSTRAINT approval_request_decided CHECK (
    (state <> 'waiting') = (decided_at IS NOT NULL)
    AND (state <> 'waiting') = (decided_by IS NOT NULL)
    AND (state <> 'waiting') = (decision_reason IS NOT NULL)
  ),
  CONSTRAINT approval_request_granted CHECK (
    (state = 'granted') = (granted_credits IS NOT NULL) AND (state <> 'granted' OR budget_id IS NOT NULL)
  )
);
CREATE INDEX approval_request_state ON approval_request (state, asked_at);

-- What was asked stays as it was asked; a decision is made once.
CREATE FUNCTION check_approval_request_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'waiting' AND NEW.state IN ('granted', 'declined')
    AND (OLD.ticket_id, OLD.principal_id, OLD.reason, OLD.budget_id, OLD.short_credits, OLD.asked_at)
      IS NOT DISTINCT FROM
      (NEW.ticket_id, NEW.principal_id, NEW.reason, NEW.budget_id, NEW.short_credits, NEW.asked_at)
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'approval request %: % does not become %', OLD.ticket_id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER approval_request_change BEFORE UPDATE ON approval_request
  FOR EACH ROW EXECUTE FUNCTION check_approval_request_change();
CREATE TRIGGER approval_request_kept BEFORE DELETE OR TRUNCATE ON approval_request
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE DELETE, TRUNCATE ON approval_request FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0004_requests', true);
