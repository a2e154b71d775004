-- One charge a query by a key of its own, so that charges can be kept by months.
-- older binaries: may run

-- The unique index of charges over their queries asked for one table of all of them. Whoever writes a charge writes its key here,
-- by the trigger below; the constraint has the name of that index, by which the ledger knows that a query is charged already.
CREATE TABLE charge_query (
  account text NOT NULL,
  snowflake_query_id text NOT NULL,
  ticket_id uuid NOT NULL
);

CREATE FUNCTION key_charged_queries() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO charge_query (account, snowflake_query_id, ticket_id)
  SELECT account, snowflake_query_id, ticket_id FROM added WHERE snowflake_query_id IS NOT NULL;
  RETURN NULL;
END
$$;
-- From here to the end of the migration no charge is written.
CREATE TRIGGER charge_queries_keyed AFTER INSERT ON charge
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION key_charged_queries();

INSERT INTO charge_query (account, snowflake_query_id, ticket_id)
SELECT account, snowflake_query_id, ticket_id FROM charge WHERE snowflake_query_id IS NOT NULL;
-- Whose a query is, is read by its key.
CREATE OR REPLACE VIEW ticket_of_query AS
SELECT account, snowflake_query_id, ticket_id FROM charge_query
UNION ALL
SELECT account, snowflake_query_id, ticket_id FROM charge_part
UNION ALL
SELECT account, snowflake_query_id, ticket_id FROM ticket_query;
DROP INDEX charge_query_once;
ALTER TABLE charge_query ADD CONSTRAINT charge_query_once PRIMARY KEY (account, snowflake_query_id);
CREATE TRIGGER charge_query_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge_query
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Charges whose query has no key, or the key of another ticket.
CREATE VIEW invariant_charged_queries AS
SELECT c.ticket_id, c.account, c.snowflake_query_id, q.ticket_id AS keyed_ticket_id
FROM charge c LEFT JOIN charge_query q USING (account, snowflake_query_id)
WHERE c.snowflake_query_id IS NOT NULL AND q.ticket_id IS DISTINCT FROM c.ticket_id;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON charge_query FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0049_charged_queries', true);
