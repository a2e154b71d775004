/**
 * What finance's books take in of a billed month: one balanced journal for each legal entity and currency of its bills,
 * debits of cost centres against the clearing account to which Snowflake's invoice was booked. Closed months are
 * posted; of a month that is not closed the same is an accrual that reverses itself on the first day of the next.
 *
 * Only teams in chargeback are posted. What showback teams used stays on the clearing account, as cost of whoever owns that:
 * to post it anywhere would charge somebody whom the control document says is only to be told.
 */
import { createHash } from 'node:crypto';
import { assert } from '#base/assert.js';
import {
  type Money,
  NO_MONEY,
  addMoney,
  sumMoney,
  compareAmounts,
  subtractMoney,
} from '#base/units.js';
import type { BilledMonth, TeamBill } from '../billed-month.js';
import { owedOn } from '../convert-bills.js';
import { firstDayAfter, lastDayOf } from '../days.js';

export interface Posting {
  readonly account: string;
  /** null: of the clearing account, which has none. */
  readonly costCentre: string | null;
  readonly side: 'debit' | 'credit';
  /** Above zero. */
  readonly amount: Money;
  /** null: the clearing side. */
  readonly bill: TeamBill | null;
}

export interface GeneralJournal {
  /** The same for the same month, version, entity and currency: importing it again changes what is there, or nothing. */
  readonly externalId: string;
  readonly kind: 'chargeback' | 'accrual' | 'reversal';
  readonly legalEntity: string;
  readonly currency: string;
  /** `YYYY-MM`. */
  readonly month: string;
  /** `YYYY-MM-DD`: last day of the month. */
  readonly date: string;
  /** On which an accrual is taken back by itself; null: it stays. */
  readonly reversesOn: string | null;
  /** Teams by id, then the clearing account; debits = credits. */
  readonly postings: readonly Posting[];
}

/** Whether a month is posted for good. */
export function isPosted({ state }: BilledMonth): boolean {
  return state === 'closed' || state === 'superseded';
}

/**
 * The journals of `month` by legal entity; none of an entity that nothing is owed in.
 * @param isReversal takes the journals of a closed version back, before those of its successor are imported.
 */
export function generalJournals(
  month: BilledMonth,
  { isReversal = false }: { readonly isReversal?: boolean } = {},
): readonly GeneralJournal[] {
  assert(!isReversal || isPosted(month), 'only what was posted is taken back');
  const books = new Map<string, TeamBill[]>();
  for (const bill of month.bills) {
    const { amount, currency } = owedOn(bill, month);
    if (bill.booking.mode !== 'chargeback' || amount === NO_MONEY) continue;
    const key = JSON.stringify([bill.booking.legalEntity, currency]);
    books.set(key, [...(books.get(key) ?? []), bill]);
  }
  return [...books]
    .map(([key, bills]) => [JSON.parse(key) as [string, string], bills] as const)
    .sort(([a], [b]) => compareText(a[0], b[0]) || compareText(a[1], b[1]))
    .map(([[legalEntity, currency], bills]) =>
      journalOf(month, { legalEntity, currency }, bills, isReversal),
    );
}

/** What no journal has: the bills of showback teams. */
export function notPosted(month: BilledMonth): Money {
  const told = month.bills.filter(({ booking }) => booking.mode === 'showback');
  return sumMoney(told.map(({ totalAmount }) => totalAmount));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function journalOf(
  month: BilledMonth,
  { legalEntity, currency }: Pick<GeneralJournal, 'legalEntity' | 'currency'>,
  bills: readonly TeamBill[],
  isReversal: boolean,
): GeneralJournal {
  const direction = isReversal ? 'credit' : 'debit';
  const owed = sumMoney(bills.map((bill) => owedOn(bill, month).amount));
  const clearing = { account: month.clearingAccount, costCentre: null, bill: null };
  const postings = [
    ...bills.map((bill) => {
      const { glAccount: account, costCentre } = bill.booking;
      return posting({ account, costCentre, bill }, owedOn(bill, month).amount, direction);
    }),
    ...(owed === NO_MONEY ? [] : [posting(clearing, owed, opposite(direction))]),
  ];
  assert(balanceOf(postings) === NO_MONEY, `the journal of ${legalEntity} is not balanced`);
  const isFinal = isPosted(month);
  return {
    externalId: externalIdOf(month, { legalEntity, currency }, isReversal),
    kind: isReversal ? 'reversal' : isFinal ? 'chargeback' : 'accrual',
    legalEntity,
    currency,
    month: month.month,
    date: lastDayOf(month.month),
    reversesOn: isFinal ? null : firstDayAfter(month.month),
    postings,
  };
}

/** What is below zero, such as the bill of a credit note, stands on the other side. */
function posting(
  where: Pick<Posting, 'account' | 'costCentre' | 'bill'>,
  amount: Money,
  side: Posting['side'],
): Posting {
  const isNegative = compareAmounts(amount, NO_MONEY) < 0;
  return isNegative
    ? { ...where, side: opposite(side), amount: subtractMoney(NO_MONEY, amount) }
    : { ...where, side, amount };
}

function opposite(side: Posting['side']): Posting['side'] {
  return side === 'debit' ? 'credit' : 'debit';
}

/** Debits less credits. */
function balanceOf(postings: readonly Posting[]): Money {
  return postings.reduce(
    (sum, { side, amount }) =>
      side === 'debit' ? addMoney(sum, amount) : subtractMoney(sum, amount),
    NO_MONEY,
  );
}

/**
 * An accrual has no version: what is imported later takes its place. Entities are told apart by a hash, as names that
 * differ by a blank would look alike.
 */
function externalIdOf(
  month: BilledMonth,
  { legalEntity, currency }: Pick<GeneralJournal, 'legalEntity' | 'currency'>,
  isReversal: boolean,
): string {
  const hash = createHash('sha256').update(legalEntity).digest('hex').slice(0, 8);
  const stage = isPosted(month) ? `v${month.version}` : 'accrual';
  const end = isReversal ? '-reversal' : '';
  const other = currency === month.currency ? '' : `-${currency}`;
  return `${month.organisation.id}-${month.month}-${stage}-${hash}${other}${end}`;
}
