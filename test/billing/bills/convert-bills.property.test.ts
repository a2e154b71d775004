import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convert, minorUnit, roundToMinor } from '../../../base/currency.js';
import { type Money, addMoney, parseMoney } from '../../../base/units.js';
import { billHash } from '../../../billing/bills/bill-hash.js';
import type { TeamBill } from '../../../billing/bills/billed-month.js';
import {
  convertBills,
  convertedAmount,
  convertedByKind,
  convertedTotals,
  owedOn,
} from '../../../billing/bills/convert-bills.js';
import { madeUpMonth } from '../../support/billed-month.js';

const CURRENCIES = ['JPY', 'USD', 'KWD'] as const;
/** From a millionth to a million. */
const rate = fc.bigInt({ min: 10n ** 6n, max: 10n ** 18n }).map((amount) => amount as Money);
/** Whole smallest units, below zero too. */
const units = fc.array(fc.array(fc.bigInt({ min: -100_000n, max: 100_000n }), { maxLength: 6 }), {
  minLength: 1,
  maxLength: 5,
});

/** Bills of these amounts, in smallest units of the currency. */
function billsOf(currency: string, amounts: readonly (readonly bigint[])[]): readonly TeamBill[] {
  const [model] = madeUpMonth({ currency, days: 1 }).bills;
  const [line] = model?.lines ?? [];
  if (model === undefined || line === undefined) throw new Error('a month has bills');
  return amounts.map((own, index) => {
    const lines = own.map((count, at) => ({
      ...line,
      id: `${index}-${at}`,
      amount: (count * minorUnit(currency)) as Money,
    }));
    const totalAmount = addMoney(...lines.map(({ amount }) => amount));
    return { ...model, id: `b-${index}`, teamId: `team-${index}`, lines, totalAmount };
  });
}

test('criterion 19: converted lines sum to bills and bills to the converted total, in 0, 2 and 3 decimals', () => {
  let converted = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...CURRENCIES),
      fc.constantFrom('EUR', 'KRW', 'TND'),
      rate,
      units,
      (from, into, by, amounts) => {
        const bills = billsOf(from, amounts);
        const rates = new Map([[into, { rate: by, source: 'x', day: '2026-10-01' }]]);
        const made = convertBills(bills, from, () => into, rates);
        expect(made.missing).toEqual([]);
        const step = minorUnit(into);
        const own = made.bills as readonly TeamBill[];
        const whole = addMoney(
          ...bills.flatMap(({ lines }) => lines.map(({ amount }) => convert(amount, by))),
        );
        const total = convertedTotals(own)[0];
        expect(total?.amount ?? 0n).toBe(roundToMinor(whole, into));
        if (total !== undefined) converted += 1;
        for (const bill of own) {
          if (bill.conversion === null) continue;
          const lineAmounts = bill.lines.map((line) => convertedAmount(bill, line) as Money);
          expect(addMoney(...lineAmounts)).toBe(bill.conversion.amount);
          expect(addMoney(...(convertedByKind(bill)?.values() ?? []))).toBe(bill.conversion.amount);
          for (const [at, line] of bill.lines.entries()) {
            const moved = (lineAmounts[at] as Money) - convert(line.amount, by);
            expect((lineAmounts[at] as Money) % step).toBe(0n);
            expect(moved < step && moved + step > 0n).toBe(true);
          }
          const { amount, roundingMoney } = bill.conversion;
          expect(amount - convert(bill.totalAmount, by)).toBe(roundingMoney);
        }
      },
    ),
  );
  expect(converted).toBeGreaterThan(50);
});

test('bills of the invoice’s currency stay as they are, and so does their hash', () => {
  const { bills, currency } = madeUpMonth({ days: 1 });
  const made = convertBills(bills, currency, () => currency, new Map());
  expect(made).toEqual({ bills, missing: [] });
  const [bill] = bills;
  const eur = { rate: parseMoney('0.9213'), source: 'ECB', day: '2026-10-01' };
  const [other] = convertBills(bills, currency, () => 'EUR', new Map([['EUR', eur]])).bills;
  if (bill === undefined || other === undefined || other.conversion === null)
    throw new Error('a bill is converted');
  const hashes = [
    bill,
    other,
    { ...other, conversion: { ...other.conversion, source: 'other' } },
    { ...other, conversion: { ...other.conversion, rate: parseMoney('0.9214') } },
  ].map((each) => billHash(each, currency));
  expect(new Set(hashes).size).toBe(4);
  expect(owedOn(bill, { currency })).toEqual({ amount: bill.totalAmount, currency });
  expect(owedOn({ ...other, hash: '', proof: [] }, { currency }).currency).toBe('EUR');
});

test('currencies without a rate are named once, and their bills stay in the invoice’s', () => {
  const { bills, currency } = madeUpMonth({ days: 1 });
  const currencyOf = (team: string): string => (team < 'm' ? 'JPY' : 'EUR');
  const made = convertBills(bills, currency, currencyOf, new Map());
  expect(made).toEqual({ bills, missing: ['EUR', 'JPY'] });
});
