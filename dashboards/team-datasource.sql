-- A database role a team, for those who give each team a Grafana data source of its own. Run it as the owner of
-- Tollgate's tables, with the right to make roles, and again whenever teams come or go; the second run changes nothing:
--
--   psql "$TOLLGATE_DATABASE_URL" --set=ON_ERROR_STOP=1 --file dashboards/team-datasource.sql
--
-- It makes the schema `tollgate_team` with the views of the dashboard "team", each filtered by who asks, and for every
-- team a role `tollgate_team_<id>` that may read them and nothing else. Roles have no password until you give one
-- (ALTER ROLE "tollgate_team_sales" PASSWORD …), and none can sign in without. Roles of teams that are not there any
-- more keep existing and see nothing. In Grafana the search path finds the views: write FROM dash_charge.

BEGIN;

CREATE SCHEMA IF NOT EXISTS tollgate_team;
REVOKE ALL ON SCHEMA tollgate_team FROM PUBLIC;

-- Who is which team. The roles cannot read it; the views do, as their owner.
CREATE TABLE IF NOT EXISTS tollgate_team.member (role_name name PRIMARY KEY, team_id text NOT NULL);
REVOKE ALL ON tollgate_team.member FROM PUBLIC;

-- `security_barrier`: no function of the reader's sees a row before the filter has passed it. The role that asks is
-- `current_user` in a view too, and rights to what the view reads are its owner's.
CREATE OR REPLACE VIEW tollgate_team.dash_team WITH (security_barrier) AS
SELECT t.* FROM tollgate.dash_team t
WHERE t.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_charge WITH (security_barrier) AS
SELECT c.* FROM tollgate.dash_charge c
WHERE c.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_open_ticket WITH (security_barrier) AS
SELECT o.* FROM tollgate.dash_open_ticket o
WHERE o.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_refusal WITH (security_barrier) AS
SELECT r.* FROM tollgate.dash_refusal r
WHERE r.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

-- Its own budgets; what is above it is other teams' too.
CREATE OR REPLACE VIEW tollgate_team.dash_budget WITH (security_barrier) AS
SELECT b.* FROM tollgate.dash_budget b
WHERE b.node_kind = 'team'
  AND b.node_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_budget_notice WITH (security_barrier) AS
SELECT n.* FROM tollgate.dash_budget_notice n
WHERE n.node_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_estimate WITH (security_barrier) AS
SELECT e.* FROM tollgate.dash_estimate e
WHERE e.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

-- What it bears, whoever caused it.
CREATE OR REPLACE VIEW tollgate_team.dash_allocation WITH (security_barrier) AS
SELECT a.* FROM tollgate.dash_allocation a
WHERE a.paying_team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_bill_line WITH (security_barrier) AS
SELECT l.* FROM tollgate.dash_bill_line l
WHERE l.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_shape WITH (security_barrier) AS
SELECT s.* FROM tollgate.dash_shape s
WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_shape_sum WITH (security_barrier) AS
SELECT s.* FROM tollgate.dash_shape_sum s
WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_user_sum WITH (security_barrier) AS
SELECT s.* FROM tollgate.dash_user_sum s
WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_estimate_sum WITH (security_barrier) AS
SELECT s.* FROM tollgate.dash_estimate_sum s
WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

CREATE OR REPLACE VIEW tollgate_team.dash_spend_sum WITH (security_barrier) AS
SELECT s.* FROM tollgate.dash_spend_sum s
WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user);

-- What those four are made of, which the functions below read.
DO $$
DECLARE
  part text;
BEGIN
  FOREACH part IN ARRAY ARRAY['dash_shape', 'dash_user', 'dash_estimate', 'dash_spend'] LOOP
    EXECUTE format('CREATE OR REPLACE VIEW tollgate_team.%1$s_whole WITH (security_barrier) AS SELECT s.* FROM tollgate.%1$s_whole s '
      'WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user)', part);
    EXECUTE format('CREATE OR REPLACE VIEW tollgate_team.%1$s_end WITH (security_barrier) AS SELECT s.* FROM tollgate.%1$s_end s '
      'WHERE s.team_id = (SELECT m.team_id FROM tollgate_team.member m WHERE m.role_name = current_user)', part);
  END LOOP;
END
$$;

-- The functions of ranges as they are, but on the views here. They have the rights of who calls them.
DO $$
DECLARE
  definition text;
BEGIN
  FOR definition IN
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'tollgate'::regnamespace
      AND proname IN ('dash_first_full', 'dash_shapes', 'dash_users', 'dash_user_hours', 'dash_estimates', 'dash_spend_hours')
    ORDER BY proname <> 'dash_first_full'
  LOOP
    EXECUTE replace(definition, 'tollgate.', 'tollgate_team.');
  END LOOP;
END
$$;

DO $$
DECLARE
  team record;
  role_of name;
BEGIN
  -- Teams that are gone, or set aside: their roles see nothing.
  DELETE FROM tollgate_team.member m
  WHERE NOT EXISTS (SELECT FROM tollgate.dash_team t WHERE t.team_id = m.team_id AND t.is_active);
  FOR team IN SELECT team_id FROM tollgate.dash_team WHERE is_active ORDER BY team_id LOOP
    IF length('tollgate_team_' || team.team_id) > 63 THEN
      RAISE EXCEPTION 'team %: the name of its role would be longer than 63 bytes; give the team a shorter id', team.team_id;
    END IF;
    role_of := 'tollgate_team_' || team.team_id;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_of) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT 5', role_of);
    END IF;
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', role_of);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', role_of, '30s');
    EXECUTE format('ALTER ROLE %I SET search_path = tollgate_team', role_of);
    EXECUTE format('GRANT USAGE ON SCHEMA tollgate_team TO %I', role_of);
    EXECUTE format(
      'GRANT SELECT ON tollgate_team.dash_team, tollgate_team.dash_charge, tollgate_team.dash_open_ticket, '
      'tollgate_team.dash_refusal, tollgate_team.dash_budget, tollgate_team.dash_budget_notice, '
      'tollgate_team.dash_estimate, tollgate_team.dash_allocation, tollgate_team.dash_bill_line, '
      'tollgate_team.dash_shape, tollgate_team.dash_shape_sum, tollgate_team.dash_user_sum, '
      'tollgate_team.dash_estimate_sum, tollgate_team.dash_spend_sum, '
      'tollgate_team.dash_shape_whole, tollgate_team.dash_user_whole, tollgate_team.dash_estimate_whole, '
      'tollgate_team.dash_spend_whole, tollgate_team.dash_shape_end, tollgate_team.dash_user_end, '
      'tollgate_team.dash_estimate_end, tollgate_team.dash_spend_end TO %I', role_of);
    INSERT INTO tollgate_team.member (role_name, team_id) VALUES (role_of, team.team_id)
    ON CONFLICT (role_name) DO UPDATE SET team_id = excluded.team_id;
  END LOOP;
END
$$;

COMMIT;
