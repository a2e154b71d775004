/** Notices of thresholds are written once whoever looks, and forecasts learn from the hours before. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setBudgetLimit } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { readPeriodDetails } from '../../billing/read-forecasts.js';
import { forecastBudgets, writeNotices } from '../../billing/watch-budgets.js';
import type { BudgetNotice } from '../../billing/watch-budgets.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

const HOUR_MS = 3_600_000;
const clock = manualClock(NOON);
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
});
afterAll(() => database.drop());

async function spend(budgetId: string, amount: string, at = NOON): Promise<void> {
  const ledger = createLedger(database.db, clock);
  const ticket = buildTicket({ occurredAt: at });
  const holdCredits = credits('0');
  await ledger.reserve({ ticket, budgetIds: [budgetId], holdCredits });
  await ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: credits(amount) }));
}

function look(at = NOON): Promise<readonly BudgetNotice[]> {
  return database.db.transaction((tx) => writeNotices(tx, at));
}

async function told(budgetId: string, at = NOON): Promise<readonly string[]> {
  const notices = (await look(at)).filter((notice) => notice.budgetId === budgetId);
  return notices.map(({ measure, threshold }) => `${measure} ${threshold}`);
}

function setLimit(budgetId: string, amount: string | null): Promise<void> {
  const change = { budgetId, author: 'ann', reason: 'x', at: NOON };
  const limitCredits = amount === null ? null : credits(amount);
  return database.db.transaction((tx) => setBudgetLimit(tx, { ...change, limitCredits }));
}

test('a threshold is told once by any number of replicas, from the unit on that reaches it', async () => {
  await insertBudget(database.db, { id: 'soft', isHard: false, limit: credits('10') });
  await spend('soft', '4.999999999999');
  expect(await told('soft')).toEqual([]);
  await spend('soft', '0.000000000001');
  const looks = await Promise.all(Array.from({ length: 8 }, () => told('soft')));
  expect(looks.flat()).toEqual(['use 50']);
  await spend('soft', '6');
  const later = await Promise.all(Array.from({ length: 8 }, () => told('soft')));
  expect(later.flat().sort()).toEqual(['use 100', 'use 80']);
  expect(await told('soft')).toEqual([]);
});

test('a raised limit re-arms what is no longer passed, a lowered one tells at once', async () => {
  await insertBudget(database.db, { id: 'moved', limit: credits('10') });
  await spend('moved', '9');
  expect(await told('moved')).toEqual(['use 50', 'use 80']);
  await setLimit('moved', '11');
  expect(await told('moved')).toEqual([]);
  await setLimit('moved', '15');
  expect(await told('moved')).toEqual([]);
  // 80 % of fifteen are twelve: armed again, and 50 % is still passed.
  await spend('moved', '3');
  expect(await told('moved')).toEqual(['use 80']);
  await setLimit('moved', '12');
  expect(await told('moved')).toEqual(['use 100']);
  await setLimit('moved', null);
  expect(await told('moved')).toEqual([]);
  await setLimit('moved', '12');
  expect(await told('moved')).toEqual(['use 50', 'use 80', 'use 100']);
});

test('a limit of nothing is passed by the first unit, none by nothing, and an unlimited budget never', async () => {
  await insertBudget(database.db, { id: 'nothing', isHard: false, limit: credits('0') });
  await insertBudget(database.db, { id: 'endless' });
  await openPeriods(database.db, ['nothing', 'endless'], NOON);
  expect(await told('nothing')).toEqual([]);
  await spend('nothing', '0.000000000001');
  await spend('endless', '1000000');
  expect(await told('nothing')).toEqual(['use 50', 'use 80', 'use 100']);
  expect(await told('endless')).toEqual([]);
});

test('without a history the forecast is the run rate, and tells nothing in the first tenth of a period', async () => {
  await insertBudget(database.db, { id: 'early', limit: credits('10'), periodKind: 'day' });
  const midnight = NOON - (NOON % (24 * HOUR_MS));
  const [two, six] = [midnight + 2 * HOUR_MS, midnight + 6 * HOUR_MS];
  await spend('early', '3', two);
  await forecastBudgets(database.db, two);
  expect((await readPeriodDetails(database.db, ['early'], two)).get('early')?.forecast).toEqual({
    forecastAt: two,
    lowCredits: credits('36'),
    expectedCredits: credits('36'),
    highCredits: credits('36'),
    // Seven left at one and a half an hour.
    exhaustedAt: two + Math.ceil((7 / 1.5) * HOUR_MS),
  });
  expect(await told('early', two)).toEqual([]);
  await forecastBudgets(database.db, six);
  expect(await told('early', six)).toEqual(['forecast 100']);
  expect(await told('early', six)).toEqual([]);
});

test('hours of the weeks before shape the forecast of a new period', async () => {
  await insertBudget(database.db, { id: 'weekly', limit: credits('30'), periodKind: 'week' });
  // Noon in the weeks from Monday 3 August on; every Monday at noon seven are spent, and nothing else.
  const monday = Date.UTC(2026, 7, 3, 12);
  for (const week of [0, 1, 2]) {
    const at = monday + week * 7 * 24 * HOUR_MS;
    await openPeriods(database.db, ['weekly'], at - 12 * HOUR_MS);
    await forecastBudgets(database.db, at - 12 * HOUR_MS);
    await spend('weekly', '7', at);
    await forecastBudgets(database.db, at + HOUR_MS / 2);
  }
  const tuesday = monday + 15 * 24 * HOUR_MS;
  await forecastBudgets(database.db, tuesday);
  const detail = (await readPeriodDetails(database.db, ['weekly'], tuesday)).get('weekly');
  // By the run rate it would be seven of one and a half days: 32.
  expect(detail?.forecast?.highCredits).toBeGreaterThan(credits('30'));
  expect(detail?.forecast?.expectedCredits).toBe(credits('7'));
  expect(detail?.forecast?.exhaustedAt).toBeNull();
});
