import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatAmount, parseMoney, priceCredits } from '../../../base/units.js';
import { type BilledMonth, UNALLOCATED } from '../../../billing/bills/billed-month.js';
import type { MonthTerms } from '../../../billing/bills/month-terms.js';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import { closeMonth } from '../../support/closing.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { OCTOBER, invoice, meter, serve, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await meter(database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '3' },
        { bucket: 'direct', team: 'sales', credits: '1' },
      ],
    },
    {
      at: '2026-11-03T08:00:00Z',
      lines: [{ bucket: 'direct', team: 'sales', credits: '2' }],
    },
    {
      at: '2026-12-03T08:00:00Z',
      lines: [{ bucket: 'direct', team: 'sales', credits: '1' }],
    },
  ]);
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

const LATER = Date.UTC(2027, 1, 10);
const later = (more: Partial<MonthTerms> = {}): MonthTerms => terms({ now: LATER, ...more });

async function read(month: string, by = later()): Promise<BilledMonth> {
  return readBilledMonth(database.db, month, by);
}

/** What is corrected on a month, as `team day credits at price: amount`. */
function corrections(month: BilledMonth): readonly string[] {
  return month.bills.flatMap(({ teamId, lines }) =>
    lines
      .filter(({ kind }) => kind === 'correction')
      .map((line) => {
        if (line.credits !== 0n)
          expect(line.effectiveMoney).toBe(
            priceCredits(line.credits, line.effectivePrice, 'half-even'),
          );
        return `${teamId} ${line.chargeDay} ${formatAmount(line.credits).slice(0, -11)} at ${formatAmount(line.effectivePrice).slice(0, -10)}: ${formatAmount(line.amount).slice(0, -10)} of ${line.corrects?.month ?? ''}`;
      }),
  );
}

/** Marketing ran one credit less and Sales two more than was thought; and a day came late. */
async function amendOctober(): Promise<void> {
  await meter(database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2' },
        { bucket: 'direct', team: 'sales', credits: '3' },
      ],
    },
    { at: '2026-10-20T08:00:00Z', lines: [{ bucket: 'idle', team: null, credits: '0.5' }] },
  ]);
}
const AMENDED = [
  'marketing 2026-10-01 -1.0 at 2.00: -2.00 of 2026-10',
  'sales 2026-10-01 2.0 at 2.00: 4.00 of 2026-10',
  `${UNALLOCATED} 2026-10-20 0.5 at 2.00: 1.00 of 2026-10`,
];

test('criterion 15: what comes late of a closed month stands in the open one, with its own day, and only there', async () => {
  await closeMonth(database.db, OCTOBER);
  const closed = await read(OCTOBER);
  expect(corrections(await read('2026-11'))).toEqual([]);
  await amendOctober();
  expect(await read(OCTOBER)).toEqual(closed);
  const november = await read('2026-11');
  expect(corrections(november)).toEqual(AMENDED);
  expect(formatAmount(november.totalAmount)).toBe('7.000000000000');
  // They are not November's use, and nothing that it has to be reconciled with.
  expect(november.reconciliation.differenceCredits).toBe(0n);
  expect(corrections(await read('2026-12'))).toEqual([]);
});

test('a correction is booked once, however many months are closed after it, and what comes later still is another one', async () => {
  const { db } = database;
  await closeMonth(db, OCTOBER);
  await amendOctober();
  await closeMonth(db, '2026-11', { terms: later() });
  expect(corrections(await read('2026-11'))).toEqual(AMENDED);
  expect(corrections(await read('2026-12'))).toEqual([]);
  await meter(db, [
    { at: '2026-10-20T08:00:00Z', lines: [{ bucket: 'idle', team: null, credits: '0.25' }] },
  ]);
  expect(corrections(await read('2026-12'))).toEqual([
    `${UNALLOCATED} 2026-10-20 -0.2 at 2.00: -0.50 of 2026-10`,
  ]);
  await closeMonth(db, '2026-12', { terms: later() });
  expect(corrections(await read('2027-01'))).toEqual([]);
});

test('a price that is corrected later takes the credits back at the old one and books them at the new one', async () => {
  await closeMonth(database.db, OCTOBER);
  const repriced = later({
    priceAt: ({ serviceType }, at) => ({
      pricePerCredit: parseMoney(
        at < Date.UTC(2026, 10, 1) && serviceType === 'WAREHOUSE_METERING' ? '1.8' : '2',
      ),
      listPricePerCredit: null,
      currency: 'USD',
    }),
  });
  const november = await read('2026-11', repriced);
  expect(corrections(november)).toEqual(
    expect.arrayContaining([
      'marketing 2026-10-01 -3.0 at 2.00: -6.00 of 2026-10',
      'marketing 2026-10-01 3.0 at 1.80: 5.40 of 2026-10',
      'sales 2026-10-01 -1.0 at 2.00: -2.00 of 2026-10',
      'sales 2026-10-01 1.0 at 1.80: 1.80 of 2026-10',
    ]),
  );
  expect(corrections(november)).toHaveLength(4);
  await closeMonth(database.db, '2026-11', { terms: repriced });
  expect(corrections(await read('2026-12', repriced))).toEqual([]);
});

test('late use of a service without a price is named and keeps the next month open; what else came late is corrected all the same', async () => {
  const { db } = database;
  await closeMonth(db, OCTOBER);
  await amendOctober();
  await serve(db, [
    { day: '2026-10-20', serviceType: 'BRAND_NEW', kind: 'service', team: 'sales', amount: '4' },
  ]);
  const unpriced = later({
    priceAt: ({ serviceType }) =>
      serviceType === 'BRAND_NEW'
        ? undefined
        : { pricePerCredit: parseMoney('2'), listPricePerCredit: null, currency: 'USD' },
  });
  expect(corrections(await read('2026-11', unpriced))).toEqual(AMENDED);
  await expect(closeMonth(db, '2026-11', { terms: unpriced })).rejects.toThrow(
    'demo BRAND_NEW 2026-10-20',
  );
  await closeMonth(db, '2026-11', { terms: later() });
  expect([...corrections(await read('2026-11'))].sort()).toEqual(
    [...AMENDED, 'sales 2026-10-20 4.0 at 2.00: 8.00 of 2026-10'].sort(),
  );
});

test('a price that is gone takes nothing back, and what comes late of its day has the price that was billed', async () => {
  const { db } = database;
  await closeMonth(db, OCTOBER);
  const gone = later({
    priceAt: (_of, at) =>
      at < Date.UTC(2026, 10, 1)
        ? undefined
        : { pricePerCredit: parseMoney('2'), listPricePerCredit: null, currency: 'USD' },
  });
  expect(corrections(await read('2026-11', gone))).toEqual([]);
  await amendOctober();
  expect(corrections(await read('2026-11', gone))).toEqual(AMENDED.slice(0, 2));
  await expect(closeMonth(db, '2026-11', { terms: gone })).rejects.toThrow(
    'demo WAREHOUSE_METERING 2026-10-20',
  );
});

test('together with its corrections a closed month is what Snowflake invoices for it now', async () => {
  const { db } = database;
  const of = (usage: string, money: string): Promise<void> =>
    invoice(db, [{ day: '2026-10-01', serviceType: 'WAREHOUSE_METERING', usage, money }]);
  await of('4', '8.01');
  await closeMonth(db, OCTOBER);
  expect(formatAmount((await read(OCTOBER)).totalAmount)).toBe('8.010000000000');
  await meter(db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '3' },
        { bucket: 'direct', team: 'sales', credits: '1.125' },
      ],
    },
  ]);
  await of('4.125', '8.25');
  const november = await read('2026-11');
  expect(corrections(november)).toEqual([
    // The cent that was rounded up is not owed any more.
    'platform 2026-10-31 0.0 at 0.00: -0.01 of 2026-10',
    'sales 2026-10-01 0.1 at 2.00: 0.25 of 2026-10',
  ]);
  expect(formatAmount(november.totalAmount)).toBe('4.240000000000');
});

test('money that Snowflake moves from one service to another is corrected, though the month comes to the same', async () => {
  const { db } = database;
  await serve(db, [
    { day: '2026-10-01', serviceType: 'SNOWPIPE', kind: 'service', team: 'sales', amount: '1.5' },
  ]);
  await db.query(
    `WITH hour AS (
       INSERT INTO usage_service_hour VALUES ('demo', 'SNOWPIPE', 'e', '2026-10-01T08:00Z', NULL, NULL, 1.5, 0, 1.5)
     )
     INSERT INTO usage_day VALUES ('demo', 'SNOWPIPE', '2026-10-01', 1.5, 0, 0, 1.5)`,
  );
  await db.query('UPDATE service_day SET is_stale = false');
  const invoiced = (warehouses: string, pipes: string): Promise<void> =>
    invoice(db, [
      { day: '2026-10-01', serviceType: 'WAREHOUSE_METERING', usage: '4', money: warehouses },
      { day: '2026-10-01', serviceType: 'SNOWPIPE', usage: '1.5', money: pipes },
    ]);
  await invoiced('8', '3');
  await closeMonth(db, OCTOBER);
  await invoiced('7.99', '3.01');
  expect([...corrections(await read('2026-11'))].sort()).toEqual([
    'platform 2026-10-31 0.0 at 0.00: -0.01 of 2026-10',
    'platform 2026-10-31 0.0 at 0.00: 0.01 of 2026-10',
  ]);
});

test('a reopened month takes no correction of itself, and the month after it none of what the new version has', async () => {
  const { db } = database;
  await closeMonth(db, OCTOBER);
  await amendOctober();
  await closeMonth(db, OCTOBER, { step: 'reopen' });
  const second = await read(OCTOBER);
  expect([second.version, corrections(second)]).toEqual([2, []]);
  expect(corrections(await read('2026-11'))).toEqual([]);
});
