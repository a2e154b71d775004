/**
 * A billed month as a FOCUS Cost and Usage file: CSV, the same bytes for the same month whenever it is asked for, in
 * chunks, so that nobody holds the whole file.
 */
import { csvRecord } from '#base/csv.js';
import type { BilledMonth } from '../billed-month.js';
import { chargesOf } from './charges.js';
import { columnsOf } from './columns.js';
import { type FocusRow, type Span, dayOf, periodOf } from './row.js';
import { ratiosOf } from './shares.js';
import type { FocusVersion } from './versions.js';

const CHUNK_CHARACTERS = 64 * 1024;

export interface FocusRequest {
  readonly version: FocusVersion;
  /** null: every team. The shares of one team are those that it has in the file of all. */
  readonly teamId: string | null;
}

/**
 * Rows in the order of the bills and their lines, each bill with its rounding rows behind it. undefined: no row, but a
 * place to stop at, while the sums are made.
 */
function* focusRows(month: BilledMonth, request: FocusRequest): Generator<FocusRow | undefined> {
  const accounts = new Map(month.accounts.map((account) => [account.id, account]));
  const ratioOf = yield* ratiosOf(month);
  const billingPeriod = periodOf(month);
  // Each day once: a month has some thousand rows of each.
  const days = new Map<string, Span>();
  for (const bill of month.bills)
    for (const charge of chargesOf(bill, month)) {
      // Asked for others' rows too: a ratio is what is cumulated up to its row.
      const ratio = ratioOf(charge);
      if (request.teamId !== null && request.teamId !== bill.teamId) continue;
      const account = accounts.get(charge.line.account) ?? null;
      const { chargeDay } = charge.line;
      const day = days.get(chargeDay) ?? dayOf(chargeDay);
      days.set(chargeDay, day);
      const chargePeriod = charge.isRounding ? billingPeriod : day;
      yield {
        ...charge,
        month,
        account,
        ratio,
        version: request.version,
        billingPeriod,
        chargePeriod,
      };
    }
}

/**
 * The file: a header, then the rows of the bills; empty fields are FOCUS's nulls, line ends CRLF, no byte order mark. Some
 * chunks are empty: places to stop at.
 */
export function* focusCsv(month: BilledMonth, request: FocusRequest): Generator<string> {
  const columns = columnsOf(request.version);
  let chunk = csvRecord(columns.map(({ name }) => name));
  for (const row of focusRows(month, request)) {
    if (row === undefined) {
      yield '';
      continue;
    }
    chunk += csvRecord(columns.map(({ value }) => value(row) ?? ''));
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}
