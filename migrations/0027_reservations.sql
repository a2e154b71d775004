-- Waits beyond the cap of a queue until it is known what others have at hand; references without a look-up for each row.
-- older binaries: may run

ALTER TABLE lane_waiting
  -- It is judged again by every decision of its replica, until it has a place, a permit, or is refused.
  ADD COLUMN is_provisional boolean NOT NULL DEFAULT false;

ALTER TABLE lane_permit
  -- The replica asks for every permit and tells of each that ends: what it said is what it has. False: it may have given
  -- what was at hand, and have at hand again what ran.
  ADD COLUMN is_exact boolean NOT NULL DEFAULT false;

-- A settlement wrote six references, and each was looked up and locked by a query of its own: a fifth of what a settlement
-- took of Postgres, and a seventh of a hold under a lease. The statements that write them take the ids from rows that they
-- have locked or made. What refers to nothing is named by a view, and what is referred to cannot be removed by anybody.
ALTER TABLE hold DROP CONSTRAINT hold_ticket_id_fkey, DROP CONSTRAINT hold_lease_id_fkey;
ALTER TABLE journal DROP CONSTRAINT journal_ticket_id_fkey;
ALTER TABLE entry DROP CONSTRAINT entry_journal_id_fkey;
ALTER TABLE charge DROP CONSTRAINT charge_ticket_id_fkey, DROP CONSTRAINT charge_journal_id_fkey;

CREATE TRIGGER ticket_kept BEFORE DELETE OR TRUNCATE ON ticket FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lease_kept BEFORE DELETE OR TRUNCATE ON lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nothing refers to a ticket, journal or lease that is not there.
CREATE VIEW invariant_references AS
SELECT 'hold' AS of_table, h.ticket_id::text AS reference FROM hold h
WHERE NOT EXISTS (SELECT FROM ticket t WHERE t.id = h.ticket_id)
UNION ALL
SELECT 'hold', h.lease_id::text FROM hold h
WHERE h.lease_id IS NOT NULL AND NOT EXISTS (SELECT FROM lease l WHERE l.id = h.lease_id)
UNION ALL
SELECT 'journal', j.ticket_id::text FROM journal j
WHERE j.ticket_id IS NOT NULL AND NOT EXISTS (SELECT FROM ticket t WHERE t.id = j.ticket_id)
UNION ALL
SELECT 'entry', e.journal_id::text FROM entry e
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.id = e.journal_id)
UNION ALL
SELECT 'charge', c.ticket_id::text FROM charge c
WHERE NOT EXISTS (SELECT FROM ticket t WHERE t.id = c.ticket_id)
UNION ALL
SELECT 'charge', c.journal_id::text FROM charge c
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.id = c.journal_id);

INSERT INTO schema_release (name, older_may_run) VALUES ('0027_reservations', true);
