/** What is read for less, the bill of one team or lines alone, is byte for byte what is read among everything. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCredits, parseMoney } from '../../../base/units.js';
import { type BillForm, renderBill } from '../../../billing/bills/bill-files.js';
import { type BilledMonth, billOf } from '../../../billing/bills/billed-month.js';
import { sumStaleDays } from '../../../billing/bills/day-sums.js';
import { FOCUS_VERSIONS } from '../../../billing/bills/focus/versions.js';
import { focusCsv } from '../../../billing/bills/focus/export.js';
import { generalJournalCsv } from '../../../billing/bills/general-journal/layouts.js';
import {
  readBill,
  readBilledLines,
  readBilledMonth,
} from '../../../billing/bills/read-billed-month.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { buildSettlement, buildTicket, credits } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { closeMonth } from '../../support/closing.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { invoice, meter, serve, team, terms } from '../../support/metered-month.js';

const TERMS = terms({
  teams: [
    team('idle'),
    team('marketing', { budgetCredits: parseCredits('10') }),
    team('platform'),
    team('sales', { budgetCredits: parseCredits('3') }),
  ],
  priceAt: (_of, at) => ({
    // Another price a day, so that drivers are not in proportion to their credits.
    pricePerCredit: parseMoney(`2.${new Date(at).getUTCDate()}7`),
    listPricePerCredit: parseMoney('4'),
    currency: 'USD',
  }),
  now: Date.UTC(2026, 10, 5),
});
const FORMS: readonly BillForm[] = ['json', 'csv'];
const AUTUMN = ['2026-08', '2026-09', '2026-10', '2026-11'] as const;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await meter(
    db,
    AUTUMN.flatMap((month, index) =>
      ['02', '03'].map((day, second) => ({
        at: `${month}-${day}T08:00:00Z`,
        lines: [
          { bucket: 'direct', team: 'marketing', credits: `${index + 1}.333333333333` },
          // Sales began in October.
          ...(index < 2
            ? []
            : [{ bucket: 'bypass', team: 'sales', credits: `0.00${second}700000001` }]),
          { bucket: 'bypass', team: 'marketing', credits: '0.125' },
          { bucket: 'bypass', team: null, credits: '0.015000000007' },
        ],
      })),
    ),
  );
  await db.query(
    "UPDATE allocation_line SET query_id = 'q' || ordinal WHERE bucket IN ('direct', 'bypass')",
  );
  await db.query(
    `INSERT INTO usage_query (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user,
       query_type, executed_at, ended_at, cloud_services_credits)
     SELECT 'demo', 'q' || n, 'BATCH_WH', 1, 'Medium', 'STANDARD', 'USER_' || n, 'SELECT', '2026-11-02T08:00Z',
       '2026-11-02T08:10Z', 0 FROM generate_series(0, 3) AS n`,
  );
  await serve(
    db,
    ['marketing', 'sales', null].map((of, index) => ({
      day: '2026-11-02',
      serviceType: 'STORAGE',
      kind: 'storage',
      team: of,
      amount: `${index * 1_000_003 + 7}`,
      unit: 'bytes' as const,
    })),
  );
  await invoice(db, [
    { day: '2026-11-02', serviceType: 'STORAGE', ratingType: 'STORAGE', money: '0.1' },
  ]);
  const ledger = createLedger(db, manualClock());
  for (const [teamId, used] of [
    ['sales', '0.7'],
    ['strange', '0.1'],
  ] as const) {
    const ticket = buildTicket({ warehouse: 'NEW_WH', teamId, pricePerCredit: parseMoney('2.99') });
    await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
    const startedAt = Date.UTC(2026, 10, 4);
    const settled = { startedAt, endedAt: startedAt + 10, usedCredits: credits(used) };
    await ledger.settle(buildSettlement(ticket.ticketId, settled));
  }
});
afterAll(() => database.drop());

/** How many bills the month has, how many of them with drivers, with a month before, and with something in that month. */
async function compared(month: string): Promise<readonly [number, number, number, number]> {
  const { db } = database;
  const whole = await readBilledMonth(db, month, TERMS);
  for (const { teamId } of whole.bills) {
    const [expected, found] = [billOf(whole, teamId), await readBill(db, month, teamId, TERMS)];
    expect(found, teamId).toEqual(expected);
    for (const form of FORMS) {
      const [one, other] = await Promise.all(
        [expected, found].map(async (each) => {
          if (each === undefined) throw new Error(`${teamId} has a bill`);
          return Buffer.from((await renderBill(each.month, each.bill, form)).bytes).toString();
        }),
      );
      expect(one, `${teamId}.${form}`).toBe(other);
    }
  }
  expect(await readBill(db, month, 'nobody-knows', TERMS)).toBeUndefined();
  const { bills } = whole;
  const before = bills.map(({ comparison }) => comparison.previousMoney);
  return [
    bills.length,
    bills.filter(({ drivers }) => drivers.length > 0).length,
    before.filter((money) => money !== null).length,
    before.filter((money) => money !== null && money !== 0n).length,
  ];
}

test('of an open month, by its lines and by its sums, beside months that are open too', async () => {
  // idle, marketing, platform, sales, strange, unallocated; the month before is of marketing, sales and nobody.
  expect(await compared('2026-11')).toEqual([6, 2, 6, 3]);
  await sumStaleDays(database.db, 'demo', TERMS.now);
  expect(await compared('2026-11')).toEqual([6, 2, 6, 3]);
  // Sales has nothing of September, the others have; before August nothing is known.
  expect(await compared('2026-10')).toEqual([5, 2, 5, 2]);
  expect(await compared('2026-08')).toEqual([5, 1, 0, 0]);
});

test('of a closed month, and of the open one behind it', async () => {
  await closeMonth(database.db, '2026-10', { terms: TERMS });
  expect(await compared('2026-10')).toEqual([5, 2, 5, 2]);
  // Closed, what sales had of October is rounded together with the others, to no cent.
  expect(await compared('2026-11')).toEqual([6, 2, 6, 2]);
});

/** What a month comes as without drivers and comparisons. */
function linesOf(month: BilledMonth): readonly string[] {
  return [
    month.merkleRoot,
    ...FOCUS_VERSIONS.flatMap((version) => [...focusCsv(month, { version, teamId: null })]),
    generalJournalCsv(month, { layout: 'netsuite', isReversal: false }),
  ];
}

test('lines alone make the same files, and nobody reads drivers for them', async () => {
  const asked: string[] = [];
  const query: typeof database.db.query = (text, values) => {
    asked.push(text);
    return database.db.query(text, values);
  };
  const spied = { ...database.db, query };
  const isOfDrivers = (text: string): boolean => text.includes('billing.month_drivers');
  const whole = await readBilledMonth(spied, '2026-11', TERMS);
  expect(asked.filter(isOfDrivers)).toHaveLength(1);
  expect(whole.bills.some(({ drivers }) => drivers.length > 0)).toBe(true);
  asked.length = 0;
  const alone = await readBilledLines(spied, '2026-11', TERMS);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter(isOfDrivers)).toEqual([]);
  expect(linesOf(alone)).toEqual(linesOf(whole));
  // Of a closed month everything is frozen, and read with it.
  expect(await readBilledLines(spied, '2026-10', TERMS)).toEqual(
    await readBilledMonth(spied, '2026-10', TERMS),
  );
});
