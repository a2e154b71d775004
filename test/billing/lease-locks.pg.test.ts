/**
 * Whoever locks leases of one replica locks them in the order of their ids, whatever the order of their rows and of their
 * periods: a replica reserves under its leases while it refills and renews them, and two orders end in deadlocks.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../base/postgres/pool.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { refillLeases, renewLeases, returnIdle } from '../../billing/postgres/lease-rows.js';
import { beat } from '../../billing/postgres/replicas.js';
import { reserveLeased } from '../../billing/postgres/reserve-leased.js';
import { eventually } from '../e2e/support/eventually.js';
import { NOON, buildTicket, credits, insertBudget } from '../support/builders.js';
import { createTestDatabase, expectInvariants, openTestPool } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

const REPLICA = 'ours';
let database: TestDatabase;
let onlooker: Database;
let sequence = 0n;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 3 });
  onlooker = openTestPool(database.url, 1);
  await beat(database.db, REPLICA, { version: null, problem: null });
});
afterAll(async () => {
  await onlooker.stop();
  await database.drop();
});

function refill(db: Database, budgetIds: readonly string[]): Promise<unknown> {
  sequence += 1n;
  const wanted = budgetIds.map((budgetId) => ({
    budgetId,
    wantedCredits: credits('1'),
    sequence,
  }));
  return refillLeases(db, REPLICA, wanted, NOON);
}

interface TwoLeases {
  readonly budgetIds: readonly string[];
  /** By id; the row of the first stands behind that of the second, and its period after the other's. */
  readonly leaseIds: readonly [string, string];
}

let made = 0;
async function twoLeases(): Promise<TwoLeases> {
  made += 1;
  const budgetIds = [`a-${made}`, `b-${made}`];
  for (const id of budgetIds) {
    await insertBudget(database.db, { id, limit: credits('1000') });
    await openPeriods(database.db, [id], NOON);
  }
  for (const id of budgetIds.toReversed()) await refill(database.db, [id]);
  const { rows } = await database.db.query<{ id: string; budget_id: string }>(
    `SELECT l.id, p.budget_id FROM lease l JOIN budget_period p ON p.id = l.budget_period_id
     WHERE p.budget_id = ANY($1) ORDER BY l.id`,
    [budgetIds],
  );
  expect(rows.map((row) => row.budget_id)).toEqual(budgetIds.toReversed());
  const [first, second] = rows.map(({ id }) => id);
  if (first === undefined || second === undefined) throw new Error('two leases');
  await putBehind(`b-${made}`, first, second);
  return { budgetIds, leaseIds: [first, second] };
}

/** A lease that is given back and begins anew takes another place in its table and in the index of those that last. */
async function putBehind(budgetId: string, first: string, second: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { rows } = await database.db.query<{ period_id: string; is_behind: boolean }>(
      `SELECT a.budget_period_id AS period_id, a.ctid > b.ctid AS is_behind FROM lease a, lease b
       WHERE a.id = $1 AND b.id = $2`,
      [first, second],
    );
    const [row] = rows;
    if (row === undefined || row.is_behind) return;
    await returnIdle(database.db, REPLICA, [row.period_id], NOON);
    await refill(database.db, [budgetId]);
  }
  throw new Error('the first lease stands before the second');
}

test.each<[string, (db: Database, leases: TwoLeases) => Promise<unknown>]>([
  ['refilling', (db, { budgetIds }) => refill(db, budgetIds)],
  ['renewing', (db) => renewLeases(db, REPLICA)],
  [
    'reserving',
    (db, { budgetIds, leaseIds }) => {
      const request = {
        ticket: buildTicket({ replica: REPLICA }),
        budgetIds,
        holdCredits: credits('0.1'),
      };
      return reserveLeased(db, REPLICA, [{ request, leaseIds: leaseIds.toReversed() }]);
    },
  ],
])('%s waits for the first lease without having locked the second', async (_what, move) => {
  const leases = await twoLeases();
  let moving: Promise<unknown> | undefined;
  await database.db.transaction(async (tx) => {
    await tx.query('SELECT FROM lease WHERE id = $1 FOR UPDATE', [leases.leaseIds[0]]);
    moving = move(database.db, leases);
    await eventually(async () => {
      const { rows } = await onlooker.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      expect(rows).toHaveLength(1);
    });
    const { rows } = await onlooker.query(
      'SELECT id FROM lease WHERE id = $1 FOR UPDATE SKIP LOCKED',
      [leases.leaseIds[1]],
    );
    expect(rows).toEqual([{ id: leases.leaseIds[1] }]);
  });
  await moving;
  await expectInvariants(database.db);
});
