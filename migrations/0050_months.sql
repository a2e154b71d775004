-- Charges and their deltas are kept by months.
-- older binaries: may run

-- A ticket id is a UUIDv7, which begins with its milliseconds. So a month is a range of ids, and one charge a ticket stays one
-- primary key. The id of no ticket that began before `at` is as high.
CREATE FUNCTION first_ticket_id(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- The start in UTC of the month in which `at` is, `months` later.
CREATE FUNCTION month_start(at timestamptz, months integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (date_trunc('month', at AT TIME ZONE 'UTC') + make_interval(months => months)) AT TIME ZONE 'UTC';

-- Partitions of a table by months of ticket ids, from `starts_at` (NULL: from the beginning) to before `ends_at`.
CREATE TABLE month_partition (
  name text PRIMARY KEY,
  of_table text NOT NULL,
  starts_at timestamptz CHECK (starts_at < ends_at),
  ends_at timestamptz NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (of_table, ends_at)
);

-- Rows whose id is of no month that is open: a clock is wrong, or nobody opens months.
CREATE FUNCTION move_to_month(of_table text, name text, first_id uuid, end_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = tollgate, pg_temp AS $$
DECLARE
  outside text := of_table || '_outside_months';
  any_row boolean;
BEGIN
  EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', outside);
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE ticket_id >= $1 AND ticket_id < $2)', outside) INTO any_row USING first_id, end_id;
  IF NOT any_row THEN
    RETURN;
  END IF;
  -- The same rows elsewhere: nobody sees the table between the two statements.
  EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', outside);
  EXECUTE format('WITH moved AS (DELETE FROM %I WHERE ticket_id >= $1 AND ticket_id < $2 RETURNING *) INSERT INTO %I SELECT * FROM moved',
    outside, name) USING first_id, end_id;
  EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', outside);
END
$$;

-- Opens the months up to `ahead` after the one in which `at` is, for every table that is kept by months; how many were made.
-- Settling goes on meanwhile. Who reads all of a table is waited for, at most two seconds (55P03: call it again). As the owner,
-- because the application makes no tables.
CREATE FUNCTION open_months(at timestamptz, ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tollgate, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  parent text;
  next_at timestamptz;
  end_at timestamptz;
  name text;
  made integer := 0;
BEGIN
  IF ahead NOT BETWEEN 0 AND 24 THEN
    RAISE EXCEPTION 'months ahead: % is not between 0 and 24', ahead USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('tollgate.months', 0));
  FOR parent IN SELECT DISTINCT of_table FROM month_partition ORDER BY of_table LOOP
    SELECT max(ends_at) INTO next_at FROM month_partition WHERE of_table = parent;
    IF month_start(at, ahead) >= month_start(next_at, 60) THEN
      RAISE EXCEPTION '% is more than five years after the last month of %', at, parent USING ERRCODE = 'invalid_parameter_value',
        HINT = 'Look at the clock of this process.';
    END IF;
    WHILE next_at <= month_start(at, ahead) LOOP
      end_at := month_start(next_at, 1);
      name := parent || to_char(next_at AT TIME ZONE 'UTC', '_YYYY_MM');
      -- Made beside the table and attached then: a partition that is made in place waits for everybody who writes.
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
      EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
        parent || '_append_only', name);
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
        EXECUTE format('REVOKE ALL ON %I FROM tollgate_app', name);
      END IF;
      PERFORM move_to_month(parent, name, first_ticket_id(next_at), first_ticket_id(end_at));
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name,
        first_ticket_id(next_at), first_ticket_id(end_at));
      INSERT INTO month_partition (name, of_table, starts_at, ends_at) VALUES (name, parent, next_at, end_at);
      made := made + 1;
      next_at := end_at;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;

-- Statistics of the tables as wholes, which nothing else makes: autovacuum looks at partitions only.
CREATE FUNCTION analyse_months() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tollgate, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  -- Before Postgres 18 it cannot leave out the partitions, which it then looks at once more.
  only_whole constant text := CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN 'ONLY' ELSE '' END;
  parent text;
BEGIN
  FOR parent IN SELECT DISTINCT of_table FROM month_partition ORDER BY of_table LOOP
    EXECUTE format('ANALYZE %s %I', only_whole, parent);
  END LOOP;
END
$$;

-- Nothing refers to a charge that could go: charges are append-only for everybody, and a month that leaves takes its deltas
-- along. `invariant_references` (0053) names what refers to nothing, as of the references that settling writes.
ALTER TABLE charge_delta DROP CONSTRAINT charge_delta_ticket_id_fkey, DROP CONSTRAINT charge_delta_journal_id_fkey;
ALTER TABLE charge_part DROP CONSTRAINT charge_part_ticket_id_fkey;

-- The tables become the first partitions of themselves, as they are: no row moves. What is bound to a table and not to its name,
-- which are views, triggers, indexes and grants, is made anew on the whole. Those who write wait for one reading of the table.
CREATE FUNCTION keep_by_months(parent text, end_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  before text := parent || '_before_months';
  outside text := parent || '_outside_months';
  again text[];
  each record;
BEGIN
  SELECT array_agg(made.statement ORDER BY made.step, made.statement) INTO again FROM (
    SELECT 1 AS step, format('ALTER TABLE %I ADD CONSTRAINT %I %s', parent, conname, pg_get_constraintdef(oid)) AS statement
    FROM pg_constraint WHERE conrelid = parent::regclass AND contype = 'p'
    UNION ALL
    SELECT 2, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = parent::regclass AND NOT indisprimary
    UNION ALL
    SELECT 3, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = parent::regclass AND NOT tgisinternal
    UNION ALL
    SELECT 4, format('GRANT %s ON %I TO %s', a.privilege_type, parent,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = parent::regclass AND a.grantee <> c.relowner
  ) made;
  FOR each IN SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = parent::regclass LOOP
    EXECUTE format('ALTER INDEX %I RENAME TO %I', each.relname, before || substr(each.relname, length(parent) + 1));
  END LOOP;
  EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, before);
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) PARTITION BY RANGE (ticket_id)',
    parent, before);
  -- Rows are written to the whole only: its triggers see them, and those of a partition do not.
  FOR each IN
    SELECT c.relname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid IN (parent::regclass, before::regclass) AND a.grantee <> c.relowner
    GROUP BY c.relname, a.grantee
  LOOP
    EXECUTE format('REVOKE ALL ON %I FROM %s', each.relname, each.grantee);
  END LOOP;
  FOR each IN SELECT tgname FROM pg_trigger WHERE tgrelid = before::regclass AND tgnewtable IS NOT NULL LOOP
    EXECUTE format('DROP TRIGGER %I ON %I', each.tgname, before);
  END LOOP;
  FOR each IN SELECT unnest(again) AS statement LOOP
    EXECUTE each.statement;
  END LOOP;
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', parent, before, first_ticket_id(end_at));
  INSERT INTO month_partition (name, of_table, ends_at) VALUES (before, parent, end_at);
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', outside, parent);
  EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
    parent || '_append_only', outside);
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT', parent, outside);
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    EXECUTE format('REVOKE ALL ON %I FROM tollgate_app', outside);
  END IF;
END
$$;

DO $do$
DECLARE
  newest uuid;
  end_at timestamptz;
  views text[];
  each record;
BEGIN
  LOCK TABLE charge, charge_delta IN ACCESS EXCLUSIVE MODE;
  SELECT array_agg(format('CREATE OR REPLACE VIEW %I.%I%s AS %s', n.nspname, c.relname,
    ' WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid))) INTO views
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'v' AND c.oid IN (
    SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid IN ('charge'::regclass, 'charge_delta'::regclass));
  -- A delta has the ticket of a charge, so that none is newer.
  SELECT ticket_id INTO newest FROM charge ORDER BY ticket_id DESC LIMIT 1;
  end_at := month_start(greatest(now(),
    to_timestamp(('x' || left(replace(newest::text, '-', ''), 12))::bit(48)::bigint / 1000.0)), 1);
  PERFORM keep_by_months('charge', end_at);
  PERFORM keep_by_months('charge_delta', end_at);
  FOR each IN SELECT unnest(views) AS statement LOOP
    EXECUTE each.statement;
  END LOOP;
  -- What is bound to the tables otherwise would go on reading the first partition only.
  FOR each IN
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what
    FROM pg_depend d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid IN ('charge_before_months'::regclass, 'charge_delta_before_months'::regclass)
      AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass)
  LOOP
    RAISE EXCEPTION '% is bound to charges or their deltas', each.what USING HINT = 'Drop it, migrate, and make it anew.';
  END LOOP;
END
$do$;
DROP FUNCTION keep_by_months;

-- Charges and deltas that stand in no month: a clock was wrong, or nobody opened months.
CREATE VIEW invariant_months AS
SELECT 'charge' AS of_table, ticket_id::text AS ticket_id FROM charge_outside_months
UNION ALL
SELECT 'charge_delta', ticket_id::text FROM charge_delta_outside_months;

DO $$
BEGIN
  REVOKE EXECUTE ON FUNCTION open_months, analyse_months, move_to_month FROM PUBLIC;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON month_partition FROM tollgate_app;
    GRANT EXECUTE ON FUNCTION open_months, analyse_months TO tollgate_app;
  END IF;
END
$$;

SELECT open_months(now(), 2);

INSERT INTO schema_release (name, older_may_run) VALUES ('0050_months', true);
