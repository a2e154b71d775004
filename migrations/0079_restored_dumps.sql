-- A ledger that was loaded from a dump goes on to be sealed.
-- older binaries: may run

-- Numbers the journals of a restored dump anew: transactions are counted anew where it was loaded, and new journals would stand
-- before the head of the chain, unsealed and unseen by what reads behind it. Everything a dump has was committed. These numbers are
-- in no hash, so that what the chain says stays as it is. True: it was one; false: the chain is of this count, and nothing is changed.
--
-- What was sealed, and what was passed over before, stands before the new head; what is to be sealed behind it. A journal that
-- was written here since has an id above all that are sealed. Writers of journals wait meanwhile.
CREATE FUNCTION renumber_restored_ledger() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tollgate, pg_temp AS $$
DECLARE
  head ledger_seal_batch%ROWTYPE;
  sealed_to bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('tollgate.seal', 0));
  SELECT * INTO head FROM ledger_seal_batch ORDER BY id DESC LIMIT 1;
  IF NOT FOUND OR head.last_xid < pg_snapshot_xmax(pg_current_snapshot()) THEN
    RETURN false;
  END IF;
  ALTER TABLE journal DISABLE TRIGGER journal_append_only;
  ALTER TABLE ledger_seal_batch DISABLE TRIGGER ledger_seal_batch_append_only;
  sealed_to := (SELECT max(journal_id) FROM ledger_seal);
  UPDATE journal j SET recorded_xid = CASE
    WHEN NOT EXISTS (SELECT FROM ledger_seal s WHERE s.journal_id = j.id)
      AND ((j.recorded_xid, j.id) > (head.last_xid, head.last_journal_id) OR j.id > sealed_to) THEN '1'::xid8
    ELSE '0'::xid8 END;
  UPDATE ledger_seal_batch SET last_xid = '0', last_journal_id = 9223372036854775807 WHERE id = head.id;
  ALTER TABLE journal ENABLE TRIGGER journal_append_only;
  ALTER TABLE ledger_seal_batch ENABLE TRIGGER ledger_seal_batch_append_only;
  RETURN true;
END
$$;

DO $$
BEGIN
  REVOKE EXECUTE ON FUNCTION renumber_restored_ledger FROM PUBLIC;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    GRANT EXECUTE ON FUNCTION renumber_restored_ledger TO tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0079_restored_dumps', true);
