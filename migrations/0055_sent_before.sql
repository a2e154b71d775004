-- What whoever goes on with a statement must know of it: what it may use at most, and since when it may be running.
-- older binaries: may run

-- Written with the mark that it is sent. Null: as much as is held, or as its replica said in running_use.
ALTER TABLE ticket ADD COLUMN ceiling_credits numeric(38, 12) CHECK (ceiling_credits >= 0);

-- When it was first sent, once another replica has sent it again; sent_at is then of the latest sending. Null: it was sent once.
ALTER TABLE ticket ADD COLUMN first_sent_at timestamptz;

INSERT INTO schema_release (name, older_may_run) VALUES ('0055_sent_before', true);
