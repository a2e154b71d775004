-- Which statement a statement ran inside of, so that a procedure takes what its statements took; what of a team hour is bypass.
-- older binaries: may run

-- The topmost statement of the chain that it ran in, by QUERY_ATTRIBUTION_HISTORY and QUERY_METERING_HISTORY; NULL: none, or
-- not told yet.
ALTER TABLE usage_query ADD COLUMN root_query_id text CHECK (root_query_id <> query_id);
CREATE INDEX usage_query_root ON usage_query (account, root_query_id) WHERE root_query_id IS NOT NULL;

-- What of a team hour ran past Tollgate, so that coverage is read from sums too.
ALTER TABLE allocation_team_hour ADD COLUMN bypass_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (bypass_credits >= 0);
CREATE OR REPLACE FUNCTION add_team_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO allocation_team_hour AS t (account, warehouse_id, starts_at, team_id, lines, credits, bypass_credits)
  SELECT account, warehouse_id, starts_at, team_id, count(*), sum(credits),
    coalesce(sum(credits) FILTER (WHERE bucket = 'bypass'), 0)
  FROM written WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (account, warehouse_id, starts_at, team_id)
    DO UPDATE SET lines = t.lines + excluded.lines, credits = t.credits + excluded.credits,
      bypass_credits = t.bypass_credits + excluded.bypass_credits;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION take_team_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  WITH taken_away AS (
    SELECT account, warehouse_id, starts_at, team_id, count(*) AS lines, sum(credits) AS credits,
      coalesce(sum(credits) FILTER (WHERE bucket = 'bypass'), 0) AS bypass_credits
    FROM taken WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4
  )
  UPDATE allocation_team_hour t SET lines = t.lines - r.lines, credits = t.credits - r.credits,
    bypass_credits = t.bypass_credits - r.bypass_credits
  FROM taken_away r
  WHERE t.account = r.account AND t.warehouse_id = r.warehouse_id AND t.starts_at = r.starts_at
    AND t.team_id IS NOT DISTINCT FROM r.team_id;
  DELETE FROM allocation_team_hour t
  USING (SELECT DISTINCT account, warehouse_id, starts_at FROM taken WHERE bucket IN ('direct', 'bypass')) AS r
  WHERE t.account = r.account AND t.warehouse_id = r.warehouse_id AND t.starts_at = r.starts_at AND t.lines = 0;
  RETURN NULL;
END
$$;
UPDATE allocation_team_hour t SET bypass_credits = l.credits
FROM (
  SELECT account, warehouse_id, starts_at, team_id, sum(credits) AS credits FROM allocation_line
  WHERE bucket = 'bypass' GROUP BY 1, 2, 3, 4
) l
WHERE t.account = l.account AND t.warehouse_id = l.warehouse_id AND t.starts_at = l.starts_at
  AND t.team_id IS NOT DISTINCT FROM l.team_id;
CREATE INDEX allocation_team_hour_time ON allocation_team_hour (starts_at);

-- All lines that are of no statement, also by time alone.
DROP INDEX allocation_line_of_nobody;
CREATE INDEX allocation_line_of_nobody ON allocation_line (starts_at, account, warehouse_id)
  WHERE bucket IN ('idle', 'resumeMinute', 'shortQuery', 'unexplained');

CREATE OR REPLACE VIEW invariant_team_hour AS
SELECT coalesce(t.account, l.account) AS account, coalesce(t.warehouse_id, l.warehouse_id) AS warehouse_id,
  coalesce(t.starts_at, l.starts_at) AS starts_at, coalesce(t.team_id, l.team_id) AS team_id, t.credits, l.credits AS line_credits
FROM (
  SELECT account, warehouse_id, starts_at, team_id, coalesce(team_id, '') AS team, lines, credits, bypass_credits
  FROM allocation_team_hour
) t FULL JOIN (
  SELECT account, warehouse_id, starts_at, team_id, coalesce(team_id, '') AS team, count(*) AS lines, sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE bucket = 'bypass'), 0) AS bypass_credits
  FROM allocation_line WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2, 3, 4
) l USING (account, warehouse_id, starts_at, team)
WHERE (t.lines, t.credits, t.bypass_credits) IS DISTINCT FROM (l.lines, l.credits, l.bypass_credits);

INSERT INTO schema_release (name, older_may_run) VALUES ('0030_procedures', true);
