/** The files of a month: what finance gets of it, one after another, the manifest last. */
import { hashOfBytes } from '#base/hash-chain.js';
import type { BilledMonth, MonthHead, TeamBill } from './billed-month.js';
import { linesToCsv, summaryToCsv, type CsvOptions } from './bill-csv.js';
import { billToJson } from './bill-json.js';
import { billingPeriodCsv, invoiceDetailCsv } from './focus/datasets.js';
import { focusCsv } from './focus/export.js';
import { NEWEST_FOCUS_VERSION } from './focus/versions.js';
import { JOURNAL_LAYOUTS, generalJournalCsv } from './general-journal/layouts.js';
import { type ManifestFile, manifestOf } from './manifest.js';
import { renderBillPdf } from './pdf/render-bill.js';
import { renderBillXlsx, renderMonthXlsx } from './xlsx/render-workbook.js';

/** Forms of one team's bill, each with its media type. */
export const BILL_FORMS = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  pdf: 'application/pdf',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const;
export type BillForm = keyof typeof BILL_FORMS;

export interface BillFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Id of the bill that the file is, null: of the month. */
  readonly bill: string | null;
}

export const MANIFEST_NAME = 'manifest.json';
/** Every team's own files in a set; a workbook of a team is made when it is asked for. */
const SET_FORMS: readonly BillForm[] = ['pdf', 'csv', 'json'];

/** Whether a form is laid out on pages or sheets, which takes a tenth of a second and more. */
export function isDrawn(form: BillForm): boolean {
  return form === 'pdf' || form === 'xlsx';
}

/** One bill in one form. */
export async function renderBill(
  month: MonthHead,
  bill: TeamBill,
  form: BillForm,
  options: CsvOptions = {},
): Promise<BillFile> {
  return {
    name: fileName(bill.id, form),
    mediaType: BILL_FORMS[form],
    bytes: await bytesOf(month, bill, form, options),
    bill: bill.id,
  };
}

function bytesOf(
  month: MonthHead,
  bill: TeamBill,
  form: BillForm,
  options: CsvOptions,
): Promise<Uint8Array> {
  switch (form) {
    case 'json':
      return Promise.resolve(jsonBytes(billToJson(month, bill)));
    case 'csv':
      return Promise.resolve(Buffer.from(linesToCsv(month, [bill], options)));
    case 'pdf':
      return renderBillPdf(month, bill);
    case 'xlsx':
      return renderBillXlsx(month, bill);
  }
}

/** A file of the month alone, by the end of its name. */
async function* monthFiles(month: BilledMonth): AsyncGenerator<BillFile> {
  const of = (what: string, form: BillForm, bytes: Uint8Array): BillFile => ({
    name: fileName(`${month.month}-v${month.version}-${what}`, form),
    mediaType: BILL_FORMS[form],
    bytes,
    bill: null,
  });
  yield of('all', 'xlsx', await renderMonthXlsx(month));
  yield of('lines', 'csv', Buffer.from(linesToCsv(month, month.bills)));
  yield of('summary', 'csv', Buffer.from(summaryToCsv(month, month.bills)));
  yield of('focus-billing-period', 'csv', Buffer.from(billingPeriodCsv(month)));
  // Of a month without lines there is nothing to import.
  if (month.bills.every(({ lines }) => lines.length === 0)) return;
  yield of(`focus-${NEWEST_FOCUS_VERSION}`, 'csv', focusBytes(month));
  yield of('focus-invoice-detail', 'csv', Buffer.from(invoiceDetailCsv(month)));
  for (const layout of JOURNAL_LAYOUTS) {
    const journal = generalJournalCsv(month, { layout, isReversal: false });
    yield of(`journal-${layout}`, 'csv', Buffer.from(journal));
  }
}

/** Chunk by chunk, as the text of a large month is hundreds of megabytes. */
function focusBytes(month: BilledMonth): Uint8Array {
  const chunks = focusCsv(month, { version: NEWEST_FOCUS_VERSION, teamId: null });
  return Buffer.concat(Array.from(chunks, (chunk) => Buffer.from(chunk)));
}

/** All files of the month: each team's, those of the month, those for other programs, and the manifest over all of them. */
export async function* renderMonth(month: BilledMonth): AsyncGenerator<BillFile> {
  const files: ManifestFile[] = [];
  const kept = (file: BillFile): BillFile => {
    const { name, bill, bytes } = file;
    files.push({ name, bill, bytes: bytes.length, sha256: hashOfBytes(bytes) });
    return file;
  };
  for (const bill of month.bills)
    for (const form of SET_FORMS) yield kept(await renderBill(month, bill, form));
  for await (const file of monthFiles(month)) yield kept(file);
  yield manifestFile(month, files);
}

/** The manifest as a file: it comes after those that it lists. */
function manifestFile(month: BilledMonth, files: readonly ManifestFile[]): BillFile {
  return {
    name: MANIFEST_NAME,
    mediaType: BILL_FORMS.json,
    bytes: jsonBytes(manifestOf(month, files)),
    bill: null,
  };
}

/** Whatever a team is called, a name in one folder. */
function fileName(name: string, form: BillForm): string {
  return `${name.replace(/[^\w.-]/g, '_')}.${form}`;
}

function jsonBytes(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
