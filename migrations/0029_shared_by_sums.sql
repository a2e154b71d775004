-- What each team ran in an hour, kept beside its statements, so that sharing idle time reads sums and no statement.
-- older binaries: may run

-- Sums of the direct and bypass lines of an hour by team; NULL: of nobody that is known. Triggers keep it, whoever writes.
CREATE TABLE allocation_team_hour (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  team_id text,
  lines bigint NOT NULL CHECK (lines >= 0),
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX allocation_team_hour_once ON allocation_team_hour (account, warehouse_id, starts_at, team_id)
  NULLS NOT DISTINCT;

CREATE FUNCTION add_team_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO allocation_team_hour AS t (account, warehouse_id, starts_at, team_id, lines, credits)
  SELECT account, warehouse_id, starts_at, team_id, count(*), sum(credits) FROM written
  WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (account, warehouse_id, starts_at, team_id)
    DO UPDATE SET lines = t.lines + excluded.lines, credits = t.credits + excluded.credits;
  RETURN NULL;
END
$$;
CREATE FUNCTION take_team_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  WITH taken_away AS (
    SELECT account, warehouse_id, starts_at, team_id, count(*) AS lines, sum(credits) AS credits FROM taken
    WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4
  )
  UPDATE allocation_team_hour t SET lines = t.lines - r.lines, credits = t.credits - r.credits
  FROM taken_away r
  WHERE t.account = r.account AND t.warehouse_id = r.warehouse_id AND t.starts_at = r.starts_at
    AND t.team_id IS NOT DISTINCT FROM r.team_id;
  DELETE FROM allocation_team_hour t
  USING (SELECT DISTINCT account, warehouse_id, starts_at FROM taken WHERE bucket IN ('direct', 'bypass')) AS r
  WHERE t.account = r.account AND t.warehouse_id = r.warehouse_id AND t.starts_at = r.starts_at AND t.lines = 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER allocation_line_written AFTER INSERT ON allocation_line REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION add_team_hours();
CREATE TRIGGER allocation_line_taken AFTER DELETE ON allocation_line REFERENCING OLD TABLE AS taken
  FOR EACH STATEMENT EXECUTE FUNCTION take_team_hours();
-- Nobody rewrites a line; should somebody, the sums follow.
CREATE TRIGGER allocation_line_rewritten_from AFTER UPDATE ON allocation_line REFERENCING OLD TABLE AS taken
  FOR EACH STATEMENT EXECUTE FUNCTION take_team_hours();
CREATE TRIGGER allocation_line_rewritten_to AFTER UPDATE ON allocation_line REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION add_team_hours();
INSERT INTO allocation_team_hour (account, warehouse_id, starts_at, team_id, lines, credits)
SELECT account, warehouse_id, starts_at, team_id, count(*), sum(credits) FROM allocation_line
WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- The lines that a policy moves, without the statements among which they stand.
CREATE INDEX allocation_line_of_nobody ON allocation_line (account, warehouse_id, starts_at)
  WHERE bucket IN ('idle', 'resumeMinute', 'shortQuery');

CREATE VIEW invariant_team_hour AS
SELECT coalesce(t.account, l.account) AS account, coalesce(t.warehouse_id, l.warehouse_id) AS warehouse_id,
  coalesce(t.starts_at, l.starts_at) AS starts_at, coalesce(t.team_id, l.team_id) AS team_id, t.credits, l.credits AS line_credits
FROM (
  SELECT account, warehouse_id, starts_at, team_id, coalesce(team_id, '') AS team, lines, credits FROM allocation_team_hour
) t FULL JOIN (
  SELECT account, warehouse_id, starts_at, team_id, coalesce(team_id, '') AS team, count(*) AS lines, sum(credits) AS credits
  FROM allocation_line WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4
) l USING (account, warehouse_id, starts_at, team)
WHERE (t.lines, t.credits) IS DISTINCT FROM (l.lines, l.credits);

INSERT INTO schema_release (name, older_may_run) VALUES ('0029_shared_by_sums', true);
