-- A ticket has room for the version that settles it beside the one that was made.
-- older binaries: may run

-- A page takes new tickets up to half of it. Where a batch settles all tickets of a page at once, which pages filled to 70 % had
-- room for three of seven only, the others moved to other pages and wrote their entry in every index anew. Pages that are full
-- stay as they are.
ALTER TABLE ticket SET (fillfactor = 50);

INSERT INTO schema_release (name, older_may_run) VALUES ('0059_room_beside_tickets', true);
