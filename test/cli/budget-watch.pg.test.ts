import { afterAll, beforeAll, expect, test } from 'vitest';
import { budgetWatch } from '../../cli/budget-watch.js';
import { createLedger } from '../../billing/create-ledger.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a threshold that is passed is an audit event, once, with its amounts', async () => {
  const clock = manualClock(NOON);
  const { db } = database;
  const watch = budgetWatch({ db, clock });
  await insertBudget(db, { id: 'sales-monthly', limit: credits('10'), isHard: false });
  const ledger = createLedger(db, clock);
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['sales-monthly'], holdCredits: credits('6') });
  await watch();
  await ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: credits('6') }));
  await watch();
  await watch();
  const { rows } = await db.query(
    'SELECT actor, action, subject, reason, after FROM audit_event ORDER BY sequence',
  );
  expect(rows).toEqual([
    {
      actor: 'tollgate',
      action: 'budget.threshold',
      subject: 'budget/sales-monthly',
      reason: '50 % of the limit is spent',
      after: {
        measure: 'use',
        thresholdPercent: 50,
        limitCredits: '10.000000000000',
        spentCredits: '6.000000000000',
        forecastCredits: '0.000000000000',
        exhaustedAt: null,
        periodEndsAt: '2026-08-01T00:00:00.000Z',
      },
    },
  ]);
  // The forecast follows a minute later: six in half a month are twelve.
  clock.set(NOON + 60_000);
  await watch();
  const { rows: later } = await db.query(
    `SELECT reason FROM audit_event WHERE sequence > 1 ORDER BY sequence`,
  );
  expect(later).toEqual([{ reason: '100 % of the limit is what the forecast comes to' }]);
});
