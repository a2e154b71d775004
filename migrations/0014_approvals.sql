-- Approvals: passes for a shape of statements, requests that say what they want, and their end without a decision.
-- older binaries: must not run

-- An older binary would send a statement by a pass that was revoked or used up here.

-- What a granted request lets go past what refused it: statements of one shape, or of one text, of one principal or a
-- whole team, for an amount or a number of runs, until an instant.
CREATE TABLE statement_pass (
  ticket_id uuid PRIMARY KEY REFERENCES approval_request (ticket_id),
  account text NOT NULL,
  team_id text NOT NULL,
  -- NULL: the whole team.
  principal_id text,
  -- One of the two: the shape, or the one text.
  fingerprint text,
  request_hash text,
  -- Role, database and schema in which the text means what was approved; NULL: any.
  place text,
  -- `rule:<id>`, `ceiling`, `opaque`, `external-location`.
  passes text[] NOT NULL CHECK (cardinality(passes) BETWEEN 1 AND 20),
  amount_credits numeric(38, 12) CHECK (amount_credits > 0),
  runs_max integer CHECK (runs_max > 0),
  -- Of statements that have ended; those under way are in pass_use.
  used_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (used_credits >= 0),
  used_runs integer NOT NULL DEFAULT 0 CHECK (used_runs >= 0),
  granted_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > granted_at),
  revoked_at timestamptz,
  revoked_by text,
  revoke_reason text CHECK (length(revoke_reason) BETWEEN 1 AND 500),
  CONSTRAINT statement_pass_of CHECK ((fingerprint IS NULL) <> (request_hash IS NULL)),
  CONSTRAINT statement_pass_bounded CHECK (amount_credits IS NOT NULL OR runs_max IS NOT NULL),
  CONSTRAINT statement_pass_revoked CHECK (
    (revoked_at IS NULL) = (revoked_by IS NULL) AND (revoked_at IS NULL) = (revoke_reason IS NULL)
  )
) WITH (fillfactor = 70);
CREATE INDEX statement_pass_lasting ON statement_pass (team_id, expires_at) WHERE revoked_at IS NULL;

-- One statement that went by a pass, and what it may take of the amount. A ticket that became void took nothing.
CREATE TABLE pass_use (
  pass_ticket_id uuid NOT NULL REFERENCES statement_pass (ticket_id),
  ticket_id uuid NOT NULL REFERENCES ticket (id),
  taken_credits numeric(38, 12) NOT NULL CHECK (taken_credits >= 0),
  used_at timestamptz NOT NULL,
  -- It has ended, and the pass has counted it.
  is_counted boolean NOT NULL DEFAULT false,
  PRIMARY KEY (pass_ticket_id, ticket_id)
) WITH (fillfactor = 80);
CREATE INDEX pass_use_open ON pass_use (pass_ticket_id) WHERE NOT is_counted;

CREATE TRIGGER statement_pass_kept BEFORE DELETE OR TRUNCATE ON statement_pass
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER pass_use_kept BEFORE DELETE OR TRUNCATE ON pass_use
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE approval_request DROP CONSTRAINT approval_request_state_check;
ALTER TABLE approval_request ADD CONSTRAINT approval_request_state_check
  CHECK (state IN ('waiting', 'granted', 'declined', 'withdrawn', 'expired'));
ALTER TABLE approval_request
  -- What refused it and a pass would lift; empty where a budget did.
  ADD COLUMN passes text[] NOT NULL DEFAULT '{}',
  ADD COLUMN place text,
  -- Actor of the API who asked; NULL: asked in SQL, or the statement waits.
  ADD COLUMN asked_by text,
  -- What was asked for beyond one run of this statement; NULL: nothing was said.
  ADD COLUMN asked_credits numeric(38, 12) CHECK (asked_credits > 0),
  ADD COLUMN asked_runs integer CHECK (asked_runs > 0),
  ADD COLUMN asked_hours integer CHECK (asked_hours > 0),
  ADD COLUMN asked_shape boolean NOT NULL DEFAULT false,
  -- When it ends undecided; NULL: before requests ended by themselves.
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN decided_role text,
  -- What the decision may cost: for the limit of team leads.
  ADD COLUMN worth_credits numeric(38, 12) CHECK (worth_credits >= 0),
  -- The state that the audit log tells of last; NULL: not even the asking yet.
  ADD COLUMN audited_state text;
ALTER TABLE approval_request DROP CONSTRAINT approval_request_granted;
ALTER TABLE approval_request ADD CONSTRAINT approval_request_granted CHECK (
  (granted_credits IS NULL OR state = 'granted')
  AND (state <> 'granted' OR budget_id IS NULL OR granted_credits IS NOT NULL)
);
CREATE INDEX approval_request_unaudited ON approval_request (asked_at) WHERE audited_state IS DISTINCT FROM state;
CREATE INDEX approval_request_lead ON approval_request (decided_at) WHERE decided_role = 'team-lead';

CREATE OR REPLACE FUNCTION check_approval_request_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.ticket_id, OLD.principal_id, OLD.reason, OLD.wants, OLD.budget_id, OLD.short_credits, OLD.asked_at,
      OLD.passes, OLD.place, OLD.asked_by, OLD.asked_credits, OLD.asked_runs, OLD.asked_hours, OLD.asked_shape, OLD.expires_at)
      IS NOT DISTINCT FROM
      (NEW.ticket_id, NEW.principal_id, NEW.reason, NEW.wants, NEW.budget_id, NEW.short_credits, NEW.asked_at,
      NEW.passes, NEW.place, NEW.asked_by, NEW.asked_credits, NEW.asked_runs, NEW.asked_hours, NEW.asked_shape, NEW.expires_at)
    AND (
      OLD.state = 'waiting' AND NEW.state <> 'waiting'
      OR OLD.state = NEW.state
        AND (OLD.decided_at, OLD.decided_by, OLD.decided_role, OLD.decision_reason, OLD.granted_credits, OLD.worth_credits)
          IS NOT DISTINCT FROM
          (NEW.decided_at, NEW.decided_by, NEW.decided_role, NEW.decision_reason, NEW.granted_credits, NEW.worth_credits)
        AND (OLD.audited_state, OLD.used_by) IS DISTINCT FROM (NEW.audited_state, NEW.used_by)
    )
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'approval request %: % does not become %', OLD.ticket_id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END
$$;

-- Requests of before: told of already, and what a pass would lift is read from the refusal. What was granted to a
-- statement within its day is a pass for one run of it.
ALTER TABLE approval_request DISABLE TRIGGER approval_request_change;
UPDATE approval_request r SET audited_state = r.state, passes = CASE
  WHEN r.budget_id IS NOT NULL OR t.refusal_code = 'TG2001' THEN '{}'
  WHEN t.refusal_code = 'TG2201' THEN ARRAY['ceiling']
  WHEN t.refusal_detail ->> 'rule' = 'external-location' THEN ARRAY['external-location']
  WHEN t.refusal_detail ? 'rule' THEN ARRAY['rule:' || (t.refusal_detail ->> 'rule')]
  WHEN r.reason LIKE 'rule %:%' AND t.refusal_code IS NULL THEN ARRAY['rule:' || split_part(substr(r.reason, 6), ':', 1)]
  ELSE ARRAY['opaque'] END
FROM ticket t WHERE t.id = r.ticket_id;
ALTER TABLE approval_request ENABLE TRIGGER approval_request_change;
INSERT INTO statement_pass (ticket_id, account, team_id, principal_id, request_hash, passes, runs_max, granted_at, expires_at)
SELECT r.ticket_id, t.account, t.team_id, t.principal_id, t.request_hash, r.passes, 1, r.decided_at,
  r.decided_at + interval '24 hours'
FROM approval_request r JOIN ticket t ON t.id = r.ticket_id
WHERE r.wants = 'statement' AND r.state = 'granted';
INSERT INTO pass_use (pass_ticket_id, ticket_id, taken_credits, used_at)
SELECT r.ticket_id, r.used_by, 0, r.decided_at
FROM approval_request r JOIN statement_pass p ON p.ticket_id = r.ticket_id JOIN ticket u ON u.id = r.used_by;

-- A lead's own principal, so that nobody decides what was asked for in its name.
ALTER TABLE api_token DROP CONSTRAINT api_token_scope;
ALTER TABLE api_token ADD CONSTRAINT api_token_scope CHECK (
  (role IN ('team-lead', 'analyst')) = (team_id IS NOT NULL)
  AND CASE role WHEN 'analyst' THEN principal_id IS NOT NULL WHEN 'team-lead' THEN true ELSE principal_id IS NULL END
);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE DELETE, TRUNCATE ON statement_pass, pass_use FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0014_approvals', false);
