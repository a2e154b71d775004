import { expect, test } from 'vitest';
import { formatAmount, parseCredits, parseMoney } from '../../base/units.js';
import { reconcileDay, roundingBound } from '../../billing/reconcile-money.js';
import type { MoneyDay } from '../../billing/reconcile-money.js';

const DAY: MoneyDay = {
  day: '2026-10-01',
  serviceType: 'WAREHOUSE_METERING',
  isAdjustment: false,
  credits: parseCredits('100.0004'),
  price: { pricePerCredit: parseMoney('3'), currency: 'USD' },
  sheetPrice: parseMoney('3'),
  isPriceHeld: false,
  billed: {
    usage: parseCredits('100'),
    money: parseMoney('300'),
    currency: 'USD',
    otherMoney: parseMoney('0'),
  },
  isSettled: true,
};
const billed = (more: object): MoneyDay['billed'] =>
  DAY.billed === null ? null : { ...DAY.billed, ...more };

test('the bound is what three roundings can make: money, usage and price', () => {
  // 0.005 + 0.0005 × 3 + 100 × 0.005
  expect(formatAmount(roundingBound(parseCredits('100'), parseMoney('3'), 'USD'))).toBe(
    '0.506500000000',
  );
  expect(formatAmount(roundingBound(parseCredits('-100'), parseMoney('3'), 'USD'))).toBe(
    '0.506500000000',
  );
  expect(formatAmount(roundingBound(parseCredits('0'), parseMoney('0'), 'JPY'))).toBe(
    '0.500000000000',
  );
});

test('criterion 20: within the bound there is no cause, one unit beyond it there is', () => {
  expect(reconcileDay(DAY)).toMatchObject({ cause: null, difference: parseMoney('0.0012') });
  const bound = reconcileDay(DAY).bound ?? 0n;
  const exact = parseMoney('300.0012');
  const at = (money: bigint): MoneyDay => ({ ...DAY, billed: billed({ money }) });
  expect(reconcileDay(at(exact - bound)).cause).toBeNull();
  expect(reconcileDay(at(exact - bound - 1n)).cause).toBe('unexplained');
  expect(reconcileDay(at(exact + bound + 1n)).cause).toBe('unexplained');
});

test.each([
  ['noPrice', { price: null }],
  ['notMetered', { credits: null }],
  ['otherCurrency', { billed: billed({ currency: 'EUR' }) }],
  ['priceHeld', { isPriceHeld: true, billed: billed({ money: parseMoney('900') }) }],
  ['rateAmended', { sheetPrice: parseMoney('2.5'), billed: billed({ money: parseMoney('250') }) }],
  // One credit more in the money than was metered.
  ['quantityDiffers', { billed: billed({ usage: parseCredits('101'), money: parseMoney('303') }) }],
  [
    'lateData',
    { isSettled: false, billed: billed({ usage: parseCredits('60'), money: parseMoney('180') }) },
  ],
  ['lateData', { isSettled: false, billed: null }],
  ['unexplained', { billed: null }],
  ['otherCharges', { billed: billed({ money: parseMoney('290'), otherMoney: parseMoney('-10') }) }],
  [
    'otherCharges',
    { credits: null, billed: billed({ money: parseMoney('-5'), otherMoney: parseMoney('-5') }) },
  ],
  [null, { credits: null, billed: null }],
  [null, { credits: parseCredits('0'), billed: null }],
] as const)('a day has the cause %s, case %#', (cause, more) => {
  expect(reconcileDay({ ...DAY, ...more }).cause).toBe(cause);
});
