/** Columns of our own in Cost and Usage: what finance books by, and how a row is found again in bill and ledger. */
import { createHash } from 'node:crypto';
import { formatPlain } from '#base/exact.js';
import { type Column, filled, nullable } from './column.js';
import type { FocusRow } from './row.js';

const TEXT = { feature: 'Custom', type: 'String' } as const;
const DECIMAL = { feature: 'Custom', type: 'Decimal' } as const;

export const CUSTOM_COLUMNS: readonly Column<FocusRow>[] = [
  filled('x_BillId', TEXT, 'bill of the team', (of) => of.bill.id),
  filled('x_BillState', TEXT, 'how far the month is: `open`, `closed`, …', (of) => of.month.state),
  filled('x_TeamId', TEXT, 'team; `unallocated` stands for nobody', (of) => of.bill.teamId),
  filled('x_TeamName', TEXT, 'team', (of) => of.bill.teamName),
  filled('x_DepartmentName', TEXT, 'department', (of) => of.bill.departmentName),
  filled('x_LegalEntityName', TEXT, 'booking', (of) => of.bill.booking.legalEntity),
  filled('x_CostCenter', TEXT, 'booking', (of) => of.bill.booking.costCentre),
  filled('x_GeneralLedgerAccount', TEXT, 'booking', (of) => of.bill.booking.glAccount),
  filled('x_ChargebackMode', TEXT, '`showback` or `chargeback`', (of) => of.bill.booking.mode),
  filled('x_BucketKind', TEXT, 'kind of charge; `rounding` of rounding rows', (of) =>
    of.isRounding ? 'rounding' : of.line.kind,
  ),
  nullable('x_LineId', TEXT, 'line of the bill; empty: a rounding row', (of) =>
    of.isRounding && of.line.kind !== 'rounding' ? null : of.line.id,
  ),
  nullable(
    'x_AdjustmentLineId',
    TEXT,
    'line of the adjustment of cloud services that is within this row',
    (of) => of.adjustment?.id ?? null,
  ),
  filled(
    'x_AmountOwed',
    DECIMAL,
    'whole smallest units of the currency: what the line is on the bill; 0 of rounding rows',
    (of) => formatPlain(of.amount),
  ),
  filled('x_StatementCount', DECIMAL, 'statements', (of) =>
    of.isRounding ? '0' : String(of.line.statements),
  ),
  filled('x_UsedMilliseconds', DECIMAL, "warehouse time of the team's own statements", (of) =>
    of.isRounding ? '0' : String(of.line.usedMs),
  ),
  nullable('x_OriginChargeId', TEXT, 'the metered charge that this is a share of', (of) =>
    of.ratio === null || of.originId === null ? null : shortHash(of.originId),
  ),
  nullable('x_CorrectsMonth', TEXT, 'month that is mended', (of) =>
    of.isRounding ? null : (of.line.corrects?.month ?? null),
  ),
  nullable('x_CorrectsLineId', TEXT, 'line that is mended', (of) =>
    of.isRounding ? null : (of.line.corrects?.lineId ?? null),
  ),
  nullable('x_Note', TEXT, 'why it is here', (of) => (of.isRounding ? null : of.line.note)),
];

/** An id that says nothing of names, which may have any character. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
