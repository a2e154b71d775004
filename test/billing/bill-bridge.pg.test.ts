/** What a budget has spent, and the bill of its team: one after the other, line by line, through a close and what comes after it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { addCredits, formatAmount, parseMoney } from '../../base/units.js';
import { readBill } from '../../billing/bills/read-billed-month.js';
import { createLedger } from '../../billing/create-ledger.js';
import { keepPeriods } from '../../billing/keep-periods.js';
import {
  type BillBridge,
  monthOfPeriod,
  readBillBridge,
} from '../../billing/true-up/bill-bridge.js';
import { billPeriods } from '../../billing/true-up/bill-periods.js';
import { readBridges } from '../../billing/true-up/bridge.js';
import { tryPeriodAt } from '../../billing/period.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { closeMonth } from '../support/closing.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';
import { OCTOBER, meter, serve, terms } from '../support/metered-month.js';

const TEAMS = ['marketing', 'sales'] as const;
const MID_OCTOBER = Date.UTC(2026, 9, 15);
const MID_NOVEMBER = Date.UTC(2026, 10, 15);
const DECEMBER = Date.UTC(2026, 11, 5);
const by = terms({ now: DECEMBER });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  for (const nodeId of TEAMS) {
    await insertBudget(db, { id: `${nodeId}-utc`, nodeId, limit: credits('100') });
    await insertBudget(db, { id: `${nodeId}-berlin`, nodeId, timeZone: 'Europe/Berlin' });
    await insertBudget(db, { id: `${nodeId}-day`, nodeId, periodKind: 'day' });
  }
  await db.query("UPDATE budget SET counts = 'billed'");
  const direct = (at: string, team: string, used: string) => ({
    at,
    lines: [
      { bucket: 'direct', team, credits: used },
      { bucket: 'idle', team: null, credits: '0.25' },
    ],
  });
  await meter(db, [
    // Of October in Berlin, and of September's bill.
    direct('2026-09-30T22:00:00Z', 'marketing', '1'),
    direct('2026-10-15T08:00:00Z', 'marketing', '3'),
    // Of November in Berlin, where the clock has been set back, and of October's bill.
    direct('2026-10-31T23:00:00Z', 'marketing', '5'),
    direct('2026-11-03T08:00:00Z', 'marketing', '7'),
  ]);
  // Sales run nothing through Tollgate, and bear a service.
  await serve(db, [
    { day: '2026-10-15', serviceType: 'SNOWPIPE', kind: 'service', team: 'sales', amount: '0.5' },
  ]);
  for (const at of [MID_OCTOBER, MID_NOVEMBER]) await keepPeriods(db, at);
  await db.query(
    `INSERT INTO usage_import VALUES ('demo', 'WAREHOUSE_METERING_HISTORY', '2026-12-05Z', now(), now())`,
  );
});
afterAll(() => database.drop());

const LINES = ['otherHours', 'notMetered', 'foundLater', 'earlierMonths'] as const;
const shown = (amount: Parameters<typeof formatAmount>[0]): string =>
  formatAmount(amount).replace(/\.?0+$/, '');

/** `budget: spent, what is not nothing of the lines behind, bill`; that they sum is seen here. */
async function bridges(at: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (const teamId of TEAMS)
    for (const bridge of await readBridges(database.db, teamId, at)) {
      const month = monthOfPeriod(bridge.period);
      if (month === undefined) continue;
      const billed = must(await readBill(database.db, month, teamId, by), 'every team has one');
      const last: BillBridge = await readBillBridge(database.db, bridge, billed);
      expect(last.billCredits).toBe(billed.bill.totalCredits);
      expect(
        addCredits(bridge.teamBilledCredits, ...LINES.map((line) => last[`${line}Credits`])),
      ).toBe(last.billCredits);
      const named = LINES.filter((line) => last[`${line}Credits`] !== 0n);
      found.push(
        [
          `${bridge.budgetId}: ${shown(bridge.spentCredits)}`,
          ...named.map((line) => `${line} ${shown(last[`${line}Credits`])}`),
          shown(last.billCredits),
        ].join(', '),
      );
    }
  return found;
}

test('a billed budget of every team and month is its bill, after the lines that are named, before and after a close', async () => {
  const { db } = database;
  await billPeriods(db, DECEMBER);
  expect(await bridges(MID_OCTOBER)).toEqual([
    'marketing-berlin: 4, otherHours 4, 8',
    'marketing-utc: 8, 8',
    'sales-berlin: 0.5, 0.5',
    // Nothing of sales came through Tollgate: the period opened by itself.
    'sales-utc: 0.5, 0.5',
  ]);
  await closeMonth(db, OCTOBER);
  await meter(db, [
    {
      at: '2026-10-15T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2' },
        { bucket: 'direct', team: 'sales', credits: '1.5' },
      ],
    },
  ]);
  await billPeriods(db, DECEMBER);
  expect(await bridges(MID_OCTOBER)).toEqual([
    'marketing-berlin: 3, otherHours 4, foundLater 1, 8',
    'marketing-utc: 7, foundLater 1, 8',
    'sales-berlin: 2, foundLater -1.5, 0.5',
    'sales-utc: 2, foundLater -1.5, 0.5',
  ]);
  expect(await bridges(MID_NOVEMBER)).toEqual([
    'marketing-berlin: 12, otherHours -5, earlierMonths -1, 6',
    'marketing-utc: 7, earlierMonths -1, 6',
    'sales-berlin: 0, earlierMonths 1.5, 1.5',
    'sales-utc: 0, earlierMonths 1.5, 1.5',
  ]);
  await closeMonth(db, '2026-11', { terms: by });
  expect((await bridges(MID_NOVEMBER))[1]).toBe('marketing-utc: 7, earlierMonths -1, 6');
  await expectInvariants(db);
});

test('what is on a bill as it was charged is named until it is metered', async () => {
  const { db } = database;
  const ledger = createLedger(db, manualClock(DECEMBER));
  const ticket = buildTicket({ occurredAt: DECEMBER, pricePerCredit: parseMoney('2') });
  await ledger.reserve({ ticket, budgetIds: ['marketing-utc'], holdCredits: credits('5') });
  await ledger.markSent(ticket.ticketId, DECEMBER);
  await ledger.settle(
    buildSettlement(ticket.ticketId, {
      usedCredits: credits('2.5'),
      startedAt: DECEMBER,
      endedAt: DECEMBER + 60_000,
    }),
  );
  expect(await bridges(DECEMBER)).toEqual(['marketing-utc: 2.5, notMetered 2.5, 2.5']);
});

test.each([
  ['month', 'UTC', '2026-10'],
  ['month', 'Pacific/Kiritimati', '2026-10'],
  ['month', 'America/Los_Angeles', '2026-10'],
  ['day', 'UTC', undefined],
  ['week', 'UTC', undefined],
  ['quarter', 'UTC', undefined],
] as const)('the bill of a %s in %s is that of %s', (kind, timeZone, month) => {
  const rule = { periodKind: kind, timeZone, weekStartsOn: 1 };
  const period = must(tryPeriodAt(rule, MID_OCTOBER), 'a period');
  expect(monthOfPeriod(period)).toBe(month);
});
