-- The history of estimates: averages at three paces, spreads and breaks, shared by replicas.
-- older binaries: may run

-- `shape_history` stays for binaries that still write it; it is not read any more.
CREATE TABLE estimate_history (
  kind text NOT NULL,
  key text NOT NULL,
  samples bigint NOT NULL CHECK (samples >= 1),
  -- ln of what the key counts, and of seconds from dispatch to end: three means, quick to slow, then their errors.
  work double precision[] NOT NULL CHECK (cardinality(work) = 6),
  elapsed double precision[] NOT NULL CHECK (cardinality(elapsed) = 6),
  log_variance double precision NOT NULL CHECK (log_variance >= 0),
  -- How far values have lain above and below of late.
  above double precision NOT NULL,
  below double precision NOT NULL,
  -- Who wrote it last: the others read it.
  replica text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (kind, key)
) WITH (fillfactor = 70);
CREATE INDEX estimate_history_updated ON estimate_history (updated_at);

-- How far the holds of a level reach in a tier, in spreads, after how many outcomes.
CREATE TABLE estimate_calibration (
  level text NOT NULL,
  tier text NOT NULL,
  quantile double precision NOT NULL,
  outcomes bigint NOT NULL CHECK (outcomes >= 0),
  replica text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (level, tier)
);

INSERT INTO schema_release (name, older_may_run) VALUES ('0007_estimate_history', true);
