-- Deliveries of bills: what of a month went to which address or object store, and what did not arrive.
-- older binaries: may run

CREATE TABLE bill_delivery (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  month text NOT NULL CHECK (month ~ '^\d{4}-\d{2}$'),
  -- 0: of an open month.
  version integer NOT NULL CHECK (version >= 0),
  -- How final it was, as the files say it.
  status text NOT NULL CHECK (length(status) BETWEEN 1 AND 40),
  kind text NOT NULL CHECK (kind IN ('email', 'object-store')),
  -- An e-mail address, or s3://<bucket>/<prefix>.
  target text NOT NULL CHECK (length(target) BETWEEN 1 AND 500),
  -- A bill by its id, or a file by its name.
  item text NOT NULL CHECK (length(item) BETWEEN 1 AND 300),
  -- NULL: of no single team.
  team_id text,
  -- What was attached, in order; of an object store nothing.
  forms text[] NOT NULL DEFAULT '{}',
  -- Of a bill that of its lines, of a file that of its bytes.
  content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
  state text NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'sent', 'failed')),
  attempts integer NOT NULL DEFAULT 1 CHECK (attempts > 0),
  -- What the receiver said last.
  problem text CHECK (length(problem) <= 300),
  -- Who asked for it last.
  actor text NOT NULL,
  -- Times are the database's: an attempt that never ended is taken over in real time.
  tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  CONSTRAINT bill_delivery_ended CHECK ((state = 'sending') = (ended_at IS NULL)),
  -- The same thing is delivered once.
  CONSTRAINT bill_delivery_once UNIQUE (target, item, content_hash, status, forms)
);
CREATE INDEX bill_delivery_month ON bill_delivery (month, id);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE DELETE, TRUNCATE ON bill_delivery FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0035_bill_deliveries', true);
