-- Settling touches each ticket once, and locks the periods last and alone.
-- older binaries: may run

-- What settlements move in the periods that admitted them, all at the end: a period is locked from here to the commit. As a
-- statement of its own it sees what others have committed since, so that a period that was waited for is not judged a second
-- time with all of the statement that settles. `written` is not used: whoever calls gives what it has written, which so comes first.
-- How many periods were moved; each is there, in the order of their ids.
CREATE FUNCTION move_settled(period_ids bigint[], held numeric[], leased numeric[], used numeric[], overrun numeric[], written bigint)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  moved integer := coalesce(cardinality(period_ids), 0);
BEGIN
  FOR place IN 1 .. moved LOOP
    UPDATE budget_period SET held_credits = held_credits - held[place], leased_credits = leased_credits - leased[place],
      spent_credits = spent_credits + used[place], overrun_credits = overrun_credits + overrun[place]
    WHERE id = period_ids[place];
    IF NOT FOUND THEN
      RAISE EXCEPTION 'there is no budget period %', period_ids[place] USING ERRCODE = 'foreign_key_violation';
    END IF;
  END LOOP;
  RETURN moved;
END
$$;

-- The life cycle as before (0006). What is allowed is a condition of the trigger: no function is called for it.
CREATE OR REPLACE FUNCTION check_ticket_transition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ticket %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END
$$;
CREATE OR REPLACE TRIGGER ticket_transition BEFORE UPDATE ON ticket
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND OLD.state || ' ' || NEW.state NOT IN (
    'RESERVED SENT', 'SENT SETTLED', 'SENT RUNNING', 'RUNNING SETTLED', 'RESERVED VOID', 'RESERVED SETTLED',
    'SENT IN_DOUBT', 'SENT VOID', 'RUNNING IN_DOUBT', 'RUNNING VOID',
    'IN_DOUBT SETTLED', 'IN_DOUBT VOID', 'IN_DOUBT SENT', 'NEW RESERVED', 'NEW VOID', 'NEW SETTLED'
  )) EXECUTE FUNCTION check_ticket_transition();

INSERT INTO schema_release (name, older_may_run) VALUES ('0064_settled_in_one_pass', true);
