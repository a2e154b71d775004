-- What a day's statements sum to, by hour and by driver, so that a month of ten million is read from some hundred thousand rows.
-- older binaries: may run

-- Days that have lines of statements. Stale: a line of the day was written or taken since it was summed, so that it is read
-- from its lines. A day is always summed as a whole: a sum that is added to drifts when what it counts changes under it.
CREATE TABLE allocation_summed_day (
  account text NOT NULL,
  day date NOT NULL,
  is_stale boolean NOT NULL DEFAULT true,
  PRIMARY KEY (account, day)
) WITH (fillfactor = 50);

-- The direct and bypass lines of a summed day by hour, bucket and team; NULL: of nobody that is known.
CREATE TABLE allocation_hour_sum (
  account text NOT NULL,
  day date NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  bucket text NOT NULL CHECK (bucket IN ('direct', 'bypass')),
  team_id text,
  credits numeric(38, 12) NOT NULL,
  -- That began in the hour.
  statements bigint NOT NULL,
  -- How long they ran in it; NULL: none of them is known.
  used interval
);
CREATE INDEX allocation_hour_sum_day ON allocation_hour_sum (day, account);

-- The same lines of a summed day by team and driver (docs/close.md). No unique index: names are as long as a tool makes them.
CREATE TABLE allocation_driver_sum (
  account text NOT NULL,
  day date NOT NULL,
  team_id text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  credits numeric(38, 12) NOT NULL,
  statements bigint NOT NULL
);
CREATE INDEX allocation_driver_sum_day ON allocation_driver_sum (day, account);

-- The row is locked also where it is stale already: who sums the day waits for whoever is writing it, and the other way round.
CREATE FUNCTION mark_summed_days() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO allocation_summed_day AS d (account, day)
  SELECT DISTINCT account, (starts_at AT TIME ZONE 'UTC')::date FROM touched
  WHERE bucket IN ('direct', 'bypass') ORDER BY 1, 2
  ON CONFLICT (account, day) DO UPDATE SET is_stale = true WHERE NOT d.is_stale;
  RETURN NULL;
END
$$;
CREATE TRIGGER allocation_line_written_day AFTER INSERT ON allocation_line REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION mark_summed_days();
CREATE TRIGGER allocation_line_taken_day AFTER DELETE ON allocation_line REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION mark_summed_days();
CREATE TRIGGER allocation_line_rewritten_from_day AFTER UPDATE ON allocation_line REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION mark_summed_days();
CREATE TRIGGER allocation_line_rewritten_to_day AFTER UPDATE ON allocation_line REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION mark_summed_days();

-- Days of before are summed by the importer, one at a time.
INSERT INTO allocation_summed_day (account, day)
SELECT DISTINCT account, (starts_at AT TIME ZONE 'UTC')::date FROM allocation_team_hour;

-- Days whose sums are not what their lines are, and days with lines that nobody would read.
CREATE VIEW invariant_day_sum AS
WITH line AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE team_id IS NOT NULL), 0) AS team_credits
  FROM allocation_line WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2
), hour AS (
  SELECT account, day, sum(credits) AS credits FROM allocation_hour_sum GROUP BY 1, 2
), driver AS (
  SELECT account, day, sum(credits) AS credits FROM allocation_driver_sum GROUP BY 1, 2
)
SELECT account, day, line.credits AS line_credits, hour.credits AS hour_credits, driver.credits AS driver_credits
FROM line FULL JOIN allocation_summed_day d USING (account, day)
LEFT JOIN hour USING (account, day) LEFT JOIN driver USING (account, day)
WHERE d.is_stale IS NULL OR (NOT d.is_stale AND (coalesce(line.credits, 0), coalesce(line.team_credits, 0))
  IS DISTINCT FROM (coalesce(hour.credits, 0), coalesce(driver.credits, 0)));

INSERT INTO schema_release (name, older_may_run) VALUES ('0036_day_sums', true);
