import { describe, expect, test } from 'vitest';
import { NO_MONEY, addMoney, parseMoney } from '#base/units.js';
import { splitByteMoney } from '#billing/bills/byte-money.js';
import { prepaidBy } from '#billing/bills/prepaid.js';

const of = { account: 'demo', serviceType: 'WAREHOUSE_METERING', chargeDay: '2026-10-05' };

function drawn(amount: string, money: string) {
  const { account, serviceType, chargeDay: day } = of;
  return prepaidBy([
    { account, serviceType, day, drawn: parseMoney(amount), money: parseMoney(money) },
  ]);
}

describe('what was drawn from a balance', () => {
  test('is all of a line on a day that was drawn, to the last decimal, and nothing on other days', () => {
    const money = parseMoney('0.333333333333');
    expect(drawn('10', '10')(of, money)).toBe(money);
    expect(drawn('0', '10')(of, money)).toBe(NO_MONEY);
    expect(drawn('10', '10')({ ...of, chargeDay: '2026-10-06' }, money)).toBe(NO_MONEY);
    expect(drawn('10', '10')({ ...of, account: 'second' }, money)).toBe(NO_MONEY);
  });

  test('is the same part of every line on the day on which the balance ran out', () => {
    expect(drawn('4', '10')(of, parseMoney('5'))).toBe(parseMoney('2'));
    expect(drawn('4', '10')(of, parseMoney('-5'))).toBe(parseMoney('-2'));
  });
});

describe('money of bytes', () => {
  const part = {
    kind: 'storage' as const,
    account: 'demo',
    resource: 'ANALYTICS',
    serviceType: 'STORAGE',
    chargeDay: '2026-10-05',
    usedMs: 0,
    statements: 0,
    credits: 0n as never,
    money: null,
    measured: null,
    method: 'services/1',
  };
  const money = { account: 'demo', day: '2026-10-05', ratingType: 'STORAGE' };
  const parts = [
    { ...part, teamId: 'growth', bytes: 1_500_000_000_000n },
    { ...part, teamId: 'sales', bytes: 500_000_000_000n },
  ];

  test('has quantities in terabytes at one price for all of the day', () => {
    const made = splitByteMoney([{ ...money, money: parseMoney('46') }], parts);
    expect(made.map(({ measured }) => measured)).toEqual([
      { quantity: parseMoney('1.5'), unit: 'Terabytes', unitPrice: parseMoney('23') },
      { quantity: parseMoney('0.5'), unit: 'Terabytes', unitPrice: parseMoney('23') },
    ]);
    expect(addMoney(...made.map((each) => each.money ?? NO_MONEY))).toBe(parseMoney('46'));
  });

  test('that is given back is money alone', () => {
    const made = splitByteMoney([{ ...money, money: parseMoney('-1') }], parts);
    expect(made.map(({ measured }) => measured)).toEqual([null, null]);
  });
});
