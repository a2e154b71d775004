-- Exchange rates, each believed once a second person accepts it; and what a frozen bill is in its team's own currency.
-- older binaries: may run

CREATE TABLE exchange_rate (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- ISO 4217: units of `to_currency` for one of `from_currency`.
  from_currency text NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
  to_currency text NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$' AND to_currency <> from_currency),
  rate numeric(38, 12) NOT NULL CHECK (rate > 0),
  -- The UTC days on which it holds, both included.
  from_day date NOT NULL,
  to_day date NOT NULL CHECK (to_day >= from_day),
  -- Where it was read, such as a central bank and its day.
  source text NOT NULL CHECK (length(source) BETWEEN 1 AND 200),
  entered_by text NOT NULL,
  entered_at timestamptz NOT NULL
);
CREATE INDEX exchange_rate_pair ON exchange_rate (from_currency, to_day, to_currency);

-- The word of a second person on it, once; an accepted one is in force.
CREATE TABLE exchange_rate_decision (
  rate_id bigint PRIMARY KEY REFERENCES exchange_rate (id),
  decision text NOT NULL CHECK (decision IN ('accepted', 'declined')),
  decided_by text NOT NULL,
  decided_at timestamptz NOT NULL,
  reason text NOT NULL
);

-- NULL: the bill is in the currency of the invoice. Rate, source and days as they were when the month was frozen.
ALTER TABLE month_bill
  ADD COLUMN converted_currency text,
  ADD COLUMN converted_amount numeric(38, 12),
  ADD COLUMN exchange_rate numeric(38, 12),
  ADD COLUMN exchange_source text,
  ADD COLUMN exchange_day date,
  ADD CONSTRAINT month_bill_converted CHECK (
    num_nulls(converted_currency, converted_amount, exchange_rate, exchange_source, exchange_day) IN (0, 5));
ALTER TABLE month_bill_line ADD COLUMN converted_amount numeric(38, 12);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['exchange_rate', 'exchange_rate_decision'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON exchange_rate, exchange_rate_decision FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0043_exchange_rates', true);
