import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatAmount, parseMoney } from '../../../base/units.js';
import { billHash } from '../../../billing/bills/bill-hash.js';
import { billToJson } from '../../../billing/bills/bill-json.js';
import type { BilledMonth } from '../../../billing/bills/billed-month.js';
import type { MonthTerms } from '../../../billing/bills/month-terms.js';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import { freezeMonth } from '../../../billing/close/freeze.js';
import type { CloseOutcome } from '../../../billing/close/outcome.js';
import {
  decideExchangeRate,
  enterExchangeRate,
  readExchangeRates,
} from '../../../billing/exchange/exchange-rates.js';
import { closeMonth } from '../../support/closing.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, OCTOBER, meter, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await meter(database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2.3' },
        { bucket: 'direct', team: 'sales', credits: '1.2' },
        { bucket: 'idle', team: 'marketing', credits: '0.7' },
      ],
    },
  ]);
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

const IN_YEN: Partial<MonthTerms> = {
  currencyOf: (team) => (team === 'marketing' ? 'JPY' : 'USD'),
};

async function rate(
  amount: string,
  days: readonly [string, string] = ['2026-10-01', '2026-10-31'],
  word: 'accepted' | 'declined' | null = 'accepted',
): Promise<void> {
  await database.db.transaction(async (tx) => {
    const entered = await enterExchangeRate(
      tx,
      {
        fromCurrency: 'USD',
        toCurrency: 'JPY',
        rate: parseMoney(amount),
        fromDay: days[0],
        toDay: days[1],
        source: `BOJ ${amount}`,
      },
      { by: 'ann', at: NOVEMBER_5 },
    );
    if (word !== null)
      await decideExchangeRate(tx, {
        id: entered.id,
        decision: word,
        by: 'ben',
        at: NOVEMBER_5,
        reason: 'seen',
      });
  });
}

function freeze(): Promise<CloseOutcome> {
  return freezeMonth(database.db, {
    month: OCTOBER,
    step: 'freeze',
    terms: terms(IN_YEN),
    by: 'ann',
    at: NOVEMBER_5,
    reason: null,
    audit: () => Promise.resolve(),
  });
}

function read(): Promise<BilledMonth> {
  return readBilledMonth(database.db, OCTOBER, terms(IN_YEN));
}

test('without a rate in force the month is not frozen: month, currency and way out are named', async () => {
  await rate('150', ['2026-09-01', '2026-09-30']);
  await rate('151', ['2026-10-01', '2026-10-31'], null);
  await rate('152', ['2026-10-01', '2026-10-31'], 'declined');
  expect(await freeze()).toEqual({
    kind: 'notReady',
    problems: [
      {
        what: 'exchangeRate',
        subject: 'USD to JPY, 2026-10',
        why: 'bills are in JPY, and no exchange rate is in force on 2026-10-31',
        wayOut:
          'enter one (tollgate close rate JPY <rate> --from 2026-10-01) and let another person accept it',
      },
    ],
  });
  const open = await read();
  expect(open.bills.map(({ conversion }) => conversion)).toEqual([null, null, null]);
});

test('a closed month keeps its rate, whatever is accepted later, and is read back to the byte', async () => {
  await rate('149.505');
  const open = await read();
  await closeMonth(database.db, OCTOBER, { terms: terms(IN_YEN) });
  const closed = await read();
  const [bill, platform] = closed.bills;
  if (bill === undefined || bill.conversion === null)
    throw new Error('the bill of marketing is converted');
  expect(platform?.conversion).toBeNull();
  // 6.00 dollars at 149.505 are 897.03 yen: 687.72 and 209.31 by line.
  expect(formatAmount(bill.conversion.amount)).toBe('897.000000000000');
  expect([...bill.conversion.lineAmounts.values()].map((each) => formatAmount(each))).toEqual([
    '688.000000000000',
    '209.000000000000',
  ]);
  expect(bill.conversion).toMatchObject({
    currency: 'JPY',
    source: 'BOJ 149.505',
    day: '2026-10-01',
  });
  expect(formatAmount(bill.conversion.roundingMoney)).toBe('-0.030000000000');
  expect(bill.conversion).toEqual(open.bills[0]?.conversion);
  expect(billHash(bill, 'USD')).toBe(bill.hash);
  expect(billToJson(closed, bill)).toMatchObject({
    totalAmount: '6.00',
    currency: 'USD',
    conversion: { currency: 'JPY', amount: '897', rate: '149.505000000000' },
  });
  await rate('160');
  expect(await read()).toEqual(closed);
});

test('of several rates of a day the one that begins last holds, then the one entered last', async () => {
  await rate('140', ['2026-01-01', '2026-12-31']);
  await rate('150');
  await rate('151');
  await rate('170', ['2026-10-01', '2026-10-30']);
  const rates = await readExchangeRates(database.db, 'USD', '2026-10-31');
  expect([...rates.values()].map((each) => formatAmount(each.rate))).toEqual(['151.000000000000']);
  const later = await readExchangeRates(database.db, 'USD', '2026-11-30');
  expect([...later.values()].map((each) => each.source)).toEqual(['BOJ 140']);
});

test('rates and words on them are never changed', async () => {
  await rate('150');
  for (const text of [
    'UPDATE exchange_rate SET rate = 1',
    'DELETE FROM exchange_rate_decision',
    'TRUNCATE exchange_rate CASCADE',
  ])
    await expect(database.db.query(text), text).rejects.toThrow();
});
