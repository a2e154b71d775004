-- Every ticket of a page has room for the version that settles it.
-- older binaries: may run

-- A ticket grows by what is known at its end: the query, the instants, what was read. Pages filled to half (0059) held that of nine
-- tickets of ten; the tenth moved and wrote its entry in every index anew, which had to look for old entries to take away first.
-- Pages that are full stay as they are.
ALTER TABLE ticket SET (fillfactor = 45);

INSERT INTO schema_release (name, older_may_run) VALUES ('0072_room_for_whole_pages', true);
