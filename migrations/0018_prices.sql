-- Prices and money as Snowflake's organization views tell them; clients of sessions; imports of files; problems of views.
-- older binaries: may run

-- SESSIONS: which program a statement came from, by the session it ran in.
ALTER TABLE usage_query ADD COLUMN session_id text;
CREATE TABLE usage_session (
  account text NOT NULL,
  session_id text NOT NULL,
  snowflake_user text NOT NULL,
  -- What the driver called itself; NULL where it did not.
  client text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (account, session_id)
);

-- Why a view is not imported, until it is. The others are imported all the same.
CREATE TABLE usage_import_problem (
  account text NOT NULL,
  view_name text NOT NULL,
  problem text NOT NULL,
  way_out text NOT NULL,
  occurred_at timestamptz NOT NULL,
  PRIMARY KEY (account, view_name)
);

-- A file that somebody uploaded in place of a view: its rows are in, the worker allocates them.
ALTER TABLE usage_import_request ADD COLUMN file_view text;
ALTER TABLE usage_import_request ADD COLUMN file_name text;
ALTER TABLE usage_import_request ADD COLUMN file_sha256 text;
ALTER TABLE usage_import_request ADD COLUMN file_rows bigint;

-- ORGANIZATION_USAGE.RATE_SHEET_DAILY, of the accounts of the control document.
CREATE TABLE usage_rate_day (
  account text NOT NULL,
  day date NOT NULL,
  -- The legacy name; its prefix `overage` alone tells what holds when the contract's balance is used up.
  usage_type text NOT NULL,
  rating_type text NOT NULL,
  service_type text NOT NULL,
  billing_type text NOT NULL,
  is_adjustment boolean NOT NULL,
  currency text NOT NULL,
  effective_rate numeric(38, 12),
  region text,
  edition text,
  -- Who asked for the import or uploaded the file; NULL: the schedule. That one cannot accept the price.
  imported_by text,
  PRIMARY KEY (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment)
);

-- ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY: the money that Snowflake says was used.
CREATE TABLE usage_money_day (
  account text NOT NULL,
  day date NOT NULL,
  usage_type text NOT NULL,
  rating_type text NOT NULL,
  service_type text NOT NULL,
  billing_type text NOT NULL,
  is_adjustment boolean NOT NULL,
  -- `capacity`, `rollover`, `free usage`, `overage`, …: what paid for it. NULL in the view is empty here.
  balance_source text NOT NULL,
  currency text NOT NULL,
  usage_amount numeric(38, 12) NOT NULL,
  money numeric(38, 12) NOT NULL,
  PRIMARY KEY (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source, currency)
);

-- ORGANIZATION_USAGE.REMAINING_BALANCE_DAILY: what is left of the contract; below zero, overage prices hold.
CREATE TABLE usage_balance_day (
  account text NOT NULL,
  contract text NOT NULL,
  day date NOT NULL,
  currency text NOT NULL,
  balance numeric(38, 12) NOT NULL,
  PRIMARY KEY (account, contract, day, currency)
);

-- What somebody said of a price that was held. The row is the say; what follows is worked out again from the rate sheet.
CREATE TABLE price_decision (
  account text NOT NULL,
  rating_type text NOT NULL,
  service_type text NOT NULL,
  from_day date NOT NULL,
  currency text NOT NULL,
  -- NULL: a day without a price.
  price text NOT NULL,
  decision text NOT NULL CHECK (decision IN ('accepted', 'declined')),
  decided_by text NOT NULL,
  decided_at timestamptz NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (account, rating_type, service_type, from_day, currency, price)
);

-- Prices of the rate sheet from the day on which they changed: in force, or held until a second person accepts them.
CREATE TABLE imported_price (
  account text NOT NULL,
  rating_type text NOT NULL,
  service_type text NOT NULL,
  from_day date NOT NULL,
  to_day date,
  currency text NOT NULL,
  -- As the rate sheet has it; empty where the day has none.
  price text NOT NULL,
  state text NOT NULL CHECK (state IN ('inForce', 'held', 'declined')),
  -- Why it is held, and what stays in force meanwhile.
  why text,
  former text,
  imported_by text,
  PRIMARY KEY (account, rating_type, service_type, from_day)
);
-- One row: rises with every change of imported_price, so that whoever holds prices in memory knows.
CREATE TABLE imported_price_version (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL
);
INSERT INTO imported_price_version (version) VALUES (0);

-- The price book of the control document by its wider keys.
ALTER TABLE price ADD COLUMN account text NOT NULL DEFAULT '';
ALTER TABLE price ADD COLUMN service_type text NOT NULL DEFAULT '';
ALTER TABLE price DROP CONSTRAINT price_credit_kind_currency_effective_from_key;
ALTER TABLE price ADD UNIQUE (credit_kind, currency, account, service_type, effective_from);
ALTER TABLE warehouse_rate ADD COLUMN resource_constraint text NOT NULL DEFAULT '';
ALTER TABLE warehouse_rate ADD COLUMN cloud text NOT NULL DEFAULT '';
ALTER TABLE warehouse_rate DROP CONSTRAINT warehouse_rate_pkey;
ALTER TABLE warehouse_rate ADD PRIMARY KEY (kind, generation, size, resource_constraint, cloud, effective_from);

INSERT INTO schema_release (name, older_may_run) VALUES ('0018_prices', true);
