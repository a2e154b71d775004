/** The datasets of FOCUS beside Cost and Usage as files. They came with 1.4. */
import { csvRecord } from '#base/csv.js';
import type { BilledMonth } from '../billed-month.js';
import { BILLING_PERIOD_COLUMNS } from './billing-period.js';
import type { Column } from './column.js';
import { INVOICE_DETAIL_COLUMNS, invoiceDetails } from './invoice-detail.js';

/** By the id that FOCUS gives them. */
export const FOCUS_DATASETS = ['CostAndUsage', 'InvoiceDetail', 'BillingPeriod'] as const;

/** A header and its records; empty is null, line ends CRLF, no byte order mark; the same month gives the same bytes. */
export function invoiceDetailCsv(month: BilledMonth): string {
  return fileOf(INVOICE_DETAIL_COLUMNS, invoiceDetails(month));
}

/** A header and the one record of the month. */
export function billingPeriodCsv(month: BilledMonth): string {
  return fileOf(BILLING_PERIOD_COLUMNS, [month]);
}

function fileOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return [
    csvRecord(columns.map(({ name }) => name)),
    ...rows.map((row) => csvRecord(columns.map(({ value }) => value(row) ?? ''))),
  ].join('');
}
