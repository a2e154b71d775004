-- Shapes whose pace somebody has lifted: run rates let them run as they like until then. What they take counts on.
-- older binaries: may run

CREATE TABLE lifted_pace (
  team_id text NOT NULL,
  fingerprint text NOT NULL,
  lifted_by text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  lifted_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL CHECK (until_at > lifted_at),
  PRIMARY KEY (team_id, fingerprint)
);
CREATE INDEX lifted_pace_until ON lifted_pace (until_at);

INSERT INTO schema_release (name, older_may_run) VALUES ('0028_lifted_paces', true);
