-- One ticket a request: what any replica must know to answer, follow or cancel a statement that another one has.
-- older binaries: may run

-- The ticket that answers repeats of its request. Not the tickets of statements that were given up before they were
-- sent and told nobody anything: a repeat of those is a new statement.
ALTER TABLE ticket ADD COLUMN stands_for_request boolean NOT NULL DEFAULT false;
DROP INDEX ticket_request;
CREATE UNIQUE INDEX ticket_request_once ON ticket (account, session_id, request_id) WHERE stands_for_request;

-- When a replica other than its own last answered somebody who waits for it.
ALTER TABLE ticket ADD COLUMN seen_at timestamptz;
-- Somebody cancelled it on another replica while it waited.
ALTER TABLE ticket ADD COLUMN cancel_asked_at timestamptz;
-- What the client is told in place of upstream's "canceled": code, message, detail.
ALTER TABLE ticket ADD COLUMN stop_told jsonb;

-- A statement in doubt whose driver repeats the request goes on under the same hold, perhaps on another replica.
CREATE OR REPLACE FUNCTION check_ticket_transition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) IN (
    ('NEW', 'RESERVED'), ('NEW', 'VOID'), ('NEW', 'SETTLED'),
    ('RESERVED', 'SENT'), ('RESERVED', 'VOID'), ('RESERVED', 'SETTLED'),
    ('SENT', 'RUNNING'), ('SENT', 'SETTLED'), ('SENT', 'IN_DOUBT'), ('SENT', 'VOID'),
    ('RUNNING', 'SETTLED'), ('RUNNING', 'IN_DOUBT'), ('RUNNING', 'VOID'),
    ('IN_DOUBT', 'SETTLED'), ('IN_DOUBT', 'VOID'), ('IN_DOUBT', 'SENT')
  ) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ticket %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END
$$;

-- The queries of a multi-statement, which Snowflake meters one by one: their shares of the ticket's one charge. The
-- parent, which only contains them, has none.
CREATE TABLE charge_part (
  account text NOT NULL,
  snowflake_query_id text NOT NULL,
  ticket_id uuid NOT NULL REFERENCES charge (ticket_id),
  ordinal smallint NOT NULL,
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0),
  money numeric(38, 12) NOT NULL CHECK (money >= 0),
  PRIMARY KEY (account, snowflake_query_id)
);
CREATE INDEX charge_part_ticket ON charge_part (ticket_id);
CREATE TRIGGER charge_part_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge_part
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The parts of a charge are the charge, and no query is charged twice.
CREATE VIEW invariant_charge_parts AS
SELECT c.ticket_id, c.credits, sum(p.credits) AS part_credits, c.money, sum(p.money) AS part_money
FROM charge c JOIN charge_part p ON p.ticket_id = c.ticket_id
GROUP BY c.ticket_id, c.credits, c.money
HAVING c.credits <> sum(p.credits) OR c.money <> sum(p.money);

CREATE VIEW invariant_query_charges AS
SELECT account, snowflake_query_id, count(*) AS charges
FROM (
  SELECT account, snowflake_query_id FROM charge WHERE snowflake_query_id IS NOT NULL
  UNION ALL
  SELECT account, snowflake_query_id FROM charge_part
) AS charged
GROUP BY account, snowflake_query_id HAVING count(*) > 1;

-- The session's token after its latest renewal, sealed: replicas that did not see the renewal need it.
ALTER TABLE session_state ADD COLUMN sealed_token text;

-- What is asked for: credits on the budget that refused, or that one statement may run, which a rule or the tier lets
-- nobody but a second person decide. A statement that was granted runs once: `used_by` is the ticket that did.
ALTER TABLE approval_request ADD COLUMN wants text NOT NULL DEFAULT 'credits' CHECK (wants IN ('credits', 'statement'));
ALTER TABLE approval_request ADD COLUMN used_by uuid;
ALTER TABLE approval_request DROP CONSTRAINT approval_request_granted;
ALTER TABLE approval_request ADD CONSTRAINT approval_request_granted CHECK (
  CASE wants
    WHEN 'statement' THEN granted_credits IS NULL AND budget_id IS NULL
    ELSE (state = 'granted') = (granted_credits IS NOT NULL) AND (state <> 'granted' OR budget_id IS NOT NULL)
  END
);
CREATE OR REPLACE FUNCTION check_approval_request_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.ticket_id, OLD.principal_id, OLD.reason, OLD.wants, OLD.budget_id, OLD.short_credits, OLD.asked_at)
      IS NOT DISTINCT FROM
      (NEW.ticket_id, NEW.principal_id, NEW.reason, NEW.wants, NEW.budget_id, NEW.short_credits, NEW.asked_at)
    AND (
      OLD.state = 'waiting' AND NEW.state IN ('granted', 'declined')
      OR OLD.wants = 'statement' AND OLD.state = 'granted' AND NEW.state = 'granted'
        AND (OLD.decided_at, OLD.decided_by, OLD.decision_reason)
          IS NOT DISTINCT FROM (NEW.decided_at, NEW.decided_by, NEW.decision_reason)
    )
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'approval request %: % does not become %', OLD.ticket_id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END
$$;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON charge_part FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0006_one_request', true);
