/** Bills as XLSX: summary, charges, detail, drivers, reconciliation, control. The same month gives the same bytes. */
import type { Sheet } from 'write-excel-file/node';
import type { BilledMonth, MonthHead, TeamBill } from '../billed-month.js';
import { dateEntries } from '../zip-times.js';
import { chargesSheet, detailSheet, driversSheet, summarySheet } from './bill-sheets.js';
import { controlSheet, monthReconciliationSheet, teamReconciliationSheet } from './proof-sheets.js';

/** One team's bill; nothing of it tells what others were charged. */
export function renderBillXlsx(month: MonthHead, bill: TeamBill): Promise<Uint8Array> {
  return render(month, [bill], teamReconciliationSheet(month));
}

/** All bills of the month, for finance. */
export function renderMonthXlsx(month: BilledMonth): Promise<Uint8Array> {
  return render(month, month.bills, monthReconciliationSheet(month));
}

async function render(
  month: MonthHead,
  bills: readonly TeamBill[],
  reconciliation: Sheet<Buffer>,
): Promise<Uint8Array> {
  const { default: writeXlsxFile } = await import('write-excel-file/node');
  const sheets = [
    summarySheet(month, bills),
    chargesSheet(month, bills),
    detailSheet(month, bills),
    driversSheet(month, bills),
    reconciliation,
  ];
  const all = [...sheets, controlSheet(month, bills, sheets)];
  const bytes = await writeXlsxFile(all, { fontFamily: 'Calibri', fontSize: 10 }).toBuffer();
  dateEntries(bytes, month.asOf);
  return bytes;
}
