import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatAmount, parseCredits } from '../../../base/units.js';
import type { TeamBill } from '../../../billing/bills/billed-month.js';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import { closeMonth } from '../../support/closing.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, meter, team, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await meter(
    db,
    [
      ['2026-07', '5'],
      ['2026-08', '1'],
      ['2026-09', '2'],
      ['2026-10', '4'],
      ['2026-11', '0.5'],
    ].map(([month, credits = '0']) => ({
      at: `${month ?? ''}-02T08:00:00Z`,
      lines: [{ bucket: 'direct', team: 'marketing', credits }],
    })),
  );
  // Twelve people of October, one of whom ran a dashboard through Tollgate.
  for (let index = 0; index < 12; index += 1) {
    const name = `USER_${String(index).padStart(2, '0')}`;
    await db.query(
      `INSERT INTO usage_query (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user,
         query_type, executed_at, ended_at, cloud_services_credits)
       VALUES ('demo', $1, 'BATCH_WH', 1, 'Medium', 'STANDARD', $1, 'SELECT', '2026-10-02T09:00Z', '2026-10-02T09:30Z', 0)`,
      [name],
    );
  }
  await meter(db, [
    {
      at: '2026-10-02T09:00:00Z',
      lines: Array.from({ length: 12 }, (_, index) => ({
        bucket: 'bypass',
        team: 'sales',
        credits: `${index + 1}`,
      })),
    },
  ]);
  await db.query(
    `UPDATE allocation_line SET query_id = 'USER_' || lpad(ordinal::text, 2, '0')
     WHERE starts_at = '2026-10-02T09:00Z' AND team_id = 'sales'`,
  );
  await db.query(
    'UPDATE service_day SET is_stale = false, method_version = 1, allocated_at = now()',
  );
});
afterAll(() => database.drop());

const TERMS = terms({
  teams: [
    team('marketing', { budgetCredits: parseCredits('10') }),
    team('platform'),
    team('sales'),
  ],
});

function said(bill: TeamBill | undefined): readonly (string | null)[] {
  if (bill === undefined) throw new Error('the team has a bill');
  const { budgetMoney, previousMoney, trailingMoney, forecastMoney } = bill.comparison;
  return [budgetMoney, previousMoney, trailingMoney, forecastMoney].map((money) =>
    money === null ? null : formatAmount(money).slice(0, -10),
  );
}

test('a bill says the budget in money, the month before, the mean of three, and of an open month where it ends', async () => {
  const { db } = database;
  const october = await readBilledMonth(db, '2026-10', TERMS);
  expect(said(october.bills[0])).toEqual(['20.00', '4.00', '5.33', null]);
  expect(said(october.bills.find(({ teamId }) => teamId === 'sales'))).toEqual([
    null,
    '0.00',
    '0.00',
    null,
  ]);
  // Four days of thirty have passed.
  const november = await readBilledMonth(db, '2026-11', TERMS);
  expect(said(november.bills[0])).toEqual(['20.00', '8.00', '4.67', '7.50']);
  const first = await readBilledMonth(db, '2026-07', TERMS);
  expect(said(first.bills[0])).toEqual(['20.00', null, null, null]);
});

test('its ten dearest drivers are named, and are frozen with it', async () => {
  const { db } = database;
  const sales = (month: Awaited<ReturnType<typeof readBilledMonth>>): TeamBill | undefined =>
    month.bills.find(({ teamId }) => teamId === 'sales');
  const before = sales(await readBilledMonth(db, '2026-10', TERMS));
  expect(before?.drivers).toHaveLength(10);
  expect(before?.drivers[0]).toEqual({
    kind: 'user',
    name: 'USER_11',
    statements: 1,
    credits: parseCredits('12'),
    effectiveMoney: 24_000_000_000_000n,
  });
  expect(before?.lines[0]).toMatchObject({
    kind: 'bypass',
    statements: 12,
    usedMs: 12 * 1_800_000,
  });
  await closeMonth(db, '2026-10', { terms: { ...TERMS, now: NOVEMBER_5 } });
  const after = sales(await readBilledMonth(db, '2026-10', TERMS));
  expect(after?.drivers).toEqual(before?.drivers);
  expect(after?.comparison).toEqual(before?.comparison);
  // What follows compares with what was closed.
  await db.query("DELETE FROM allocation_line WHERE starts_at = '2026-10-02T09:00Z'");
  const november = await readBilledMonth(db, '2026-11', TERMS);
  expect(said(sales(november))[1]).toBe('156.00');
  // What mends October is on the bill of November once: the forecast does not go on as if it came every few days.
  await meter(db, [
    {
      at: '2026-10-02T09:00:00Z',
      lines: [{ bucket: 'bypass', team: 'platform', credits: '78' }],
    },
  ]);
  const mended = sales(await readBilledMonth(db, '2026-11', TERMS));
  expect(mended?.lines.map(({ kind }) => kind)).toEqual(['correction']);
  expect(said(mended)[3]).toBe('-156.00');
});
