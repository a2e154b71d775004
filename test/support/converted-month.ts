/** The made-up month with its odd teams' bills in another currency, sealed. */
import { parseMoney } from '#base/units.js';
import { sealBills } from '#billing/bills/bill-hash.js';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { type MonthRate, convertBills } from '#billing/bills/convert-bills.js';
import { type MadeUpMonth, madeUpMonth } from './billed-month.js';

export interface ConvertedMonth extends MadeUpMonth {
  readonly into?: string;
  readonly rate?: string;
}

/** Every second team by its place, from the second on, is billed in `into`. */
export function convertedMonth({
  into = 'EUR',
  rate = '0.9213',
  ...made
}: ConvertedMonth = {}): BilledMonth {
  const month = madeUpMonth(made);
  const monthRate: MonthRate = {
    rate: parseMoney(rate),
    source: 'ECB, 30 October 2026',
    day: '2026-10-01',
  };
  const places = new Map(month.bills.map(({ teamId }, index) => [teamId, index]));
  const currencyOf = (teamId: string): string =>
    (places.get(teamId) ?? 0) % 2 === 1 ? into : month.currency;
  const { bills } = convertBills(
    month.bills,
    month.currency,
    currencyOf,
    new Map([[into, monthRate]]),
  );
  return { ...month, ...sealBills(bills, month.currency) };
}
