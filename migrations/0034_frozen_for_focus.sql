-- Accounts, measured quantities and prepaid money of frozen months, for files in the FOCUS format.
-- older binaries: may run

ALTER TABLE month_freeze ADD COLUMN accounts jsonb NOT NULL DEFAULT '[]';
ALTER TABLE month_bill_line
  ADD COLUMN measured_quantity numeric(38, 12),
  ADD COLUMN measured_unit text,
  ADD COLUMN prepaid_money numeric(38, 12) NOT NULL DEFAULT 0,
  ADD CONSTRAINT month_bill_line_measured CHECK ((measured_quantity IS NULL) = (measured_unit IS NULL));

INSERT INTO schema_release (name, older_may_run) VALUES ('0034_frozen_for_focus', true);
