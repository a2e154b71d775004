import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../../base/assert.js';
import { tryParseMonth } from '../../../base/time.js';
import { addCredits, formatAmount, parseMoney } from '../../../base/units.js';
import type { MonthPart } from '../../../billing/bills/month-part.js';
import { readUnmeteredParts } from '../../../billing/bills/unmetered.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { buildSettlement, buildTicket, credits } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';
import { terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const ledger = createLedger(database.db, manualClock());
  const charges = [
    { startedAt: Date.UTC(2026, 6, 31, 23, 59, 59), used: '0.1', warehouse: 'A_WH' },
    { startedAt: Date.UTC(2026, 7, 1), used: '0.3', warehouse: 'A_WH' },
    { startedAt: Date.UTC(2026, 7, 1, 5), used: '0.000000000001', warehouse: 'A_WH' },
    { startedAt: Date.UTC(2026, 7, 1, 6), used: '1', warehouse: null },
    { startedAt: Date.UTC(2026, 7, 31, 23, 59, 59), used: '2.5', warehouse: '=cmd|x' },
    { startedAt: Date.UTC(2026, 8, 1), used: '5', warehouse: 'A_WH' },
    { startedAt: Date.UTC(2026, 7, 2), used: '7', warehouse: 'A_WH', teamId: 'sales' },
    { startedAt: Date.UTC(2026, 7, 2), used: '9', warehouse: 'A_WH', currency: 'EUR' },
  ];
  for (const { startedAt, used, warehouse, teamId = 'marketing', currency = 'USD' } of charges) {
    const ticket = buildTicket({ warehouse, teamId, currency, pricePerCredit: parseMoney('2.99') });
    await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
    await ledger.settle(
      buildSettlement(ticket.ticketId, {
        startedAt,
        endedAt: startedAt + 10,
        usedCredits: credits(used),
      }),
    );
  }
});
afterAll(() => database.drop());

async function charged(month: string): Promise<readonly MonthPart[]> {
  const period = must(tryParseMonth(month), 'a month');
  const parts = await readUnmeteredParts(database.db, period, terms());
  return parts.filter(({ teamId }) => teamId === 'marketing');
}

test('what was charged and is not metered has the days of its month, and sums to the charges to the last decimal', async () => {
  const found = await charged('2026-08');
  expect(
    found.map((part) => [
      part.chargeDay,
      part.resource,
      part.statements,
      formatAmount(part.credits),
    ]),
  ).toEqual([
    ['2026-08-31', '=cmd|x', 1, '2.500000000000'],
    ['2026-08-01', 'A_WH', 2, '0.300000000001'],
    ['2026-08-01', null, 1, '1.000000000000'],
  ]);
  const { rows } = await database.db.query(
    `SELECT sum(credits) AS credits FROM charge WHERE team_id = 'marketing' AND currency = 'USD'
      AND occurred_at >= '2026-08-01Z' AND occurred_at < '2026-09-01Z'`,
  );
  const sum = formatAmount(addCredits(...found.map(({ credits: each }) => each)));
  expect(rows).toEqual([{ credits: sum }]);
});

test('a month without charges has none', async () => {
  expect(await charged('2020-01')).toEqual([]);
});

test('the daily view agrees with what was charged', async () => {
  const { rows } = await database.db.query(
    `SELECT day::text, warehouse, statements::integer, credits FROM daily_charge
      WHERE team_id = 'marketing' AND currency = 'USD' AND day >= '2026-08-01' AND day < '2026-09-01'
      ORDER BY day, warehouse NULLS LAST`,
  );
  expect(rows).toEqual([
    { day: '2026-08-01', warehouse: 'A_WH', statements: 2, credits: '0.300000000001' },
    { day: '2026-08-01', warehouse: null, statements: 1, credits: '1.000000000000' },
    { day: '2026-08-31', warehouse: '=cmd|x', statements: 1, credits: '2.500000000000' },
  ]);
});
