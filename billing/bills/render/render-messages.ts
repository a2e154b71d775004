/** What the host and the thread that renders bills say to each other. */
import type { CsvOptions } from '../bill-csv.js';
import type { BillFile, BillForm } from '../bill-files.js';
import type { MonthHead, TeamBill } from '../billed-month.js';

export type RenderTask =
  | { readonly kind: 'month' }
  | { readonly kind: 'bill'; readonly form: BillForm; readonly options: CsvOptions };

/** Bills come one by one, so that copying a large month never stops the process that serves. */
export type RenderRequest =
  | { readonly kind: 'head'; readonly month: MonthHead; readonly task: RenderTask }
  | { readonly kind: 'bill'; readonly bill: TeamBill }
  | { readonly kind: 'render' };

export type RenderMessage =
  | { readonly kind: 'file'; readonly file: BillFile }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly why: string };
