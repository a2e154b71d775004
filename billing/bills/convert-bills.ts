/**
 * Bills in their teams' own currencies: what is owed, in whole smallest units of the currency of the invoice, is converted
 * once. All bills of one currency are converted together and rounded from the top down, bills and then lines, each to the sum
 * above it by largest remainder: so lines sum to bills, bills to the total of their currency, and no figure is more than one
 * smallest unit away from its own product. By how much a bill is, is said on it. Pure.
 */
import { convert } from '#base/currency.js';
import { type Money, NO_MONEY, addMoney, sumMoney, subtractMoney } from '#base/units.js';
import type { BillConversion, BilledMonth, BillLine, TeamBill } from './billed-month.js';
import type { UnsealedBill } from './bill-hash.js';
import { roundLines } from './round-month.js';

/** An exchange rate that is in force for a month. */
export interface MonthRate {
  /** Units of the other currency for one of the invoice's. */
  readonly rate: Money;
  readonly source: string;
  /** `YYYY-MM-DD`: the first day on which it holds. */
  readonly day: string;
}

export interface ConvertedBills {
  readonly bills: readonly UnsealedBill[];
  /** Currencies that bills are to be in and no rate is in force for; those bills stay in the currency of the invoice. */
  readonly missing: readonly string[];
}

/**
 * @param currency of the invoice.
 * @param currencyOf the currency that a team's bill is to be in.
 * @param rates in force, by currency.
 */
export function convertBills(
  bills: readonly UnsealedBill[],
  currency: string,
  currencyOf: (teamId: string) => string,
  rates: ReadonlyMap<string, MonthRate>,
): ConvertedBills {
  const byCurrency = new Map<string, UnsealedBill[]>();
  for (const bill of bills) {
    const into = currencyOf(bill.teamId);
    if (into === currency || bill.lines.length === 0) continue;
    byCurrency.set(into, [...(byCurrency.get(into) ?? []), bill]);
  }
  const conversions = new Map<string, BillConversion>();
  const missing: string[] = [];
  for (const [into, own] of byCurrency) {
    const rate = rates.get(into);
    if (rate === undefined) missing.push(into);
    else
      for (const [teamId, conversion] of conversionsOf(own, into, rate))
        conversions.set(teamId, conversion);
  }
  return {
    bills: bills.map((bill) => ({ ...bill, conversion: conversions.get(bill.teamId) ?? null })),
    missing: missing.sort(),
  };
}

function conversionsOf(
  bills: readonly UnsealedBill[],
  into: string,
  rate: MonthRate,
): ReadonlyMap<string, BillConversion> {
  const exact = (amount: Money): Money => convert(amount, rate.rate);
  const amounts = roundLines(
    bills.flatMap(({ teamId, lines }) =>
      lines.map(({ id, amount }) => ({
        id,
        teamId,
        group: '',
        effectiveMoney: exact(amount),
      })),
    ),
    into,
  );
  return new Map(
    bills.map(({ teamId, lines, totalAmount }) => {
      const own = new Map(lines.map(({ id }) => [id, amounts.get(id) ?? NO_MONEY]));
      const amount = sumMoney(own.values());
      const roundingMoney = conversionRounding(amount, totalAmount, rate.rate);
      return [teamId, { currency: into, ...rate, amount, roundingMoney, lineAmounts: own }];
    }),
  );
}

/** What the amount of a bill has more than its own product, at twelve decimals. */
export function conversionRounding(amount: Money, original: Money, rate: Money): Money {
  return subtractMoney(amount, convert(original, rate));
}

/** What a line is in the currency of its bill; null: the bill is in that of the invoice. */
export function convertedAmount(
  { conversion }: Pick<TeamBill, 'conversion'>,
  { id }: Pick<BillLine, 'id'>,
): Money | null {
  return conversion === null ? null : (conversion.lineAmounts.get(id) ?? NO_MONEY);
}

/** What a bill is paid in, and how much that is. */
export function owedOn(
  { conversion, totalAmount }: TeamBill,
  { currency }: Pick<BilledMonth, 'currency'>,
): { readonly amount: Money; readonly currency: string } {
  return conversion ?? { amount: totalAmount, currency };
}

/** What the bills of one currency, that is not the invoice's, come to. */
export interface ConvertedTotal {
  readonly currency: string;
  readonly amount: Money;
  /** The same bills in the currency of the invoice. */
  readonly invoiced: Money;
}

/** Sums of the bills that are not in the currency of the invoice, by their currency. */
export function convertedTotals(
  bills: readonly Pick<TeamBill, 'conversion' | 'totalAmount'>[],
): readonly ConvertedTotal[] {
  const currencies = new Set(bills.flatMap(({ conversion }) => conversion?.currency ?? []));
  return [...currencies].sort().map((currency) => {
    const own = bills.filter(({ conversion }) => conversion?.currency === currency);
    return {
      currency,
      amount: sumMoney(own.map(({ conversion }) => conversion?.amount ?? NO_MONEY)),
      invoiced: sumMoney(own.map(({ totalAmount }) => totalAmount)),
    };
  });
}

/** What each kind of charge is in the currency of the bill; null: it is in that of the invoice. */
export function convertedByKind(
  bill: Pick<TeamBill, 'conversion' | 'lines'>,
): ReadonlyMap<BillLine['kind'], Money> | null {
  const { conversion } = bill;
  if (conversion === null) return null;
  const sums = new Map<BillLine['kind'], Money>();
  for (const { id, kind } of bill.lines)
    sums.set(
      kind,
      addMoney(sums.get(kind) ?? NO_MONEY, conversion.lineAmounts.get(id) ?? NO_MONEY),
    );
  return sums;
}
