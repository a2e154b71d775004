/** The rows of the page of months. */
import type { ListedClose } from './finance-types.js';
import { monthOf } from './times.js';

/** Where nothing was ever frozen, as many months are shown as open. */
const OPEN_MONTHS = 3;

/** A version of a month; null: nothing of the month is frozen. */
export interface MonthRow {
  readonly month: string;
  readonly close: ListedClose | null;
}

/**
 * The newest first: the months since the last that was frozen (or the last few) as open ones, then every version.
 * @param closes the newest first, as the API gives them.
 */
export function monthRows(closes: readonly ListedClose[], now: number): readonly MonthRow[] {
  const last = closes[0]?.month ?? monthOf(now, -OPEN_MONTHS);
  const open: MonthRow[] = [];
  for (let back = 0, month = monthOf(now); month > last; back -= 1, month = monthOf(now, back))
    open.push({ month, close: null });
  return [...open, ...closes.map((close) => ({ month: close.month, close }))];
}
