-- Sealing looks no journal up a second time.
-- older binaries: may run

-- Each seal's reference to its journal was a query, a row lock and a write of the journal's row, half of what writing a seal took.
-- Whoever seals has just read the journal, no journal can be removed, and the chain tells one that was. What refers to
-- nothing is named by a view, as with the other references of the ledger; it names those of deltas and parts too (0050).
ALTER TABLE ledger_seal DROP CONSTRAINT ledger_seal_journal_id_fkey;

CREATE OR REPLACE VIEW invariant_references AS
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
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.id = c.journal_id)
UNION ALL
SELECT 'charge_delta', d.ticket_id::text FROM charge_delta d
WHERE NOT EXISTS (SELECT FROM charge c WHERE c.ticket_id = d.ticket_id)
UNION ALL
SELECT 'charge_delta', d.journal_id::text FROM charge_delta d
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.id = d.journal_id)
UNION ALL
SELECT 'charge_part', p.ticket_id::text FROM charge_part p
WHERE NOT EXISTS (SELECT FROM charge c WHERE c.ticket_id = p.ticket_id)
UNION ALL
SELECT 'ledger_seal', s.journal_id::text FROM ledger_seal s
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.id = s.journal_id);

INSERT INTO schema_release (name, older_may_run) VALUES ('0053_seals_name_journals', true);
