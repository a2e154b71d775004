-- Rules: how often they fired, what they warned of, and the literal-free facts that a plan judges past statements by.
-- older binaries: may run

-- Days are UTC days of business time. `enforce` counts what was refused or moved; the others what would have been.
CREATE TABLE rule_hit (
  day date NOT NULL,
  rule_id text NOT NULL,
  team_id text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('shadow', 'warn', 'enforce')),
  hits bigint NOT NULL CHECK (hits > 0),
  -- Expected credits of the statements.
  expected_credits numeric(38, 12) NOT NULL CHECK (expected_credits >= 0),
  PRIMARY KEY (day, rule_id, team_id, mode)
);

-- Facts of texts without their literals, by the hash of the record; statements of one shape in one place share one.
CREATE TABLE judged_facts (
  key text PRIMARY KEY,
  record jsonb NOT NULL,
  used_on date NOT NULL
);
CREATE INDEX judged_facts_used ON judged_facts (used_on);

-- What a ticket was judged by. No foreign key: rows are written in batches and may come before their ticket.
CREATE TABLE ticket_judgement (
  ticket_id uuid PRIMARY KEY,
  -- NULL: the facts were too large, or there are too many to keep.
  facts_key text,
  -- Client, places of files, filters that were missing, sizes of tables; NULL beside no facts.
  context jsonb,
  -- What rules in warn mode said: a list of {source, message}.
  warnings jsonb,
  occurred_at timestamptz NOT NULL
);
CREATE INDEX ticket_judgement_at ON ticket_judgement (occurred_at);

INSERT INTO schema_release (name, older_may_run) VALUES ('0012_rules', true);
