/**
 * The guards of I1, I2 and I5 turned on ledgers with known faults: each guard finds nothing wrong with the real statements
 * and something with each mutant, so that a guard which looks at nothing fails here.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../base/postgres/pool.js';
import { addCredits, NO_CREDITS } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { Leases } from '../../billing/leases.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../support/database.js';
import { mutantOf, type Mutations } from '../support/mutant-database.js';

const RACERS = 32;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: RACERS + 2 });
});
afterAll(() => database.drop());

/** What is wrong, in words; empty: nothing that the guard can see. */
type Guard = (db: Database, budgetId: string) => Promise<readonly string[]>;

let budgets = 0;

async function complaintsOf(guard: Guard, mutations?: Mutations): Promise<readonly string[]> {
  budgets += 1;
  const id = `mutant-${budgets}`;
  await insertBudget(database.db, { id, limit: credits('10.5') });
  await openPeriods(database.db, [id], NOON);
  if (mutations === undefined) return guard(database.db, id);
  const db = mutantOf(database.db, mutations);
  const complaints = await guard(db, id);
  expect([...db.changed].toSorted(), 'the mutant ran').toEqual(Object.keys(mutations).toSorted());
  return complaints;
}

/** Every racer is a replica of its own, and all of them wait for the row of the period before one may go. */
const raceToReserve: Guard = async (db, id) => {
  const gate = openTestPool(database.url, 2);
  try {
    const running = await gate.transaction(async (tx) => {
      await tx.query('SELECT id FROM budget_period WHERE budget_id = $1 FOR UPDATE', [id]);
      const race = Promise.all(
        Array.from({ length: RACERS }, () =>
          createLedger(db, manualClock()).reserve({
            ticket: buildTicket(),
            budgetIds: [id],
            holdCredits: credits('1'),
          }),
        ),
      );
      // A race that ends before anybody waits has failed.
      await Promise.race([untilWaiting(gate, RACERS), race]);
      return () => race;
    });
    const held = (await running()).filter(({ kind }) => kind === 'held').length;
    return [...(held === 10 ? [] : [`${held} held, there was room for 10`]), ...(await sumsOf(id))];
  } finally {
    await gate.stop();
  }
};

async function untilWaiting(gate: Database, count: number): Promise<void> {
  for (;;) {
    const { rows } = await gate.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.n ?? 0) >= count) return;
  }
}

/** I2 of one budget: its amounts against the holds, leases and entries they stand for. */
async function sumsOf(id: string): Promise<readonly string[]> {
  const { rows } = await database.db.query<{ name: string }>(
    `SELECT 'holds' AS name FROM invariant_holds v JOIN budget_period p ON p.id = v.budget_period_id WHERE p.budget_id = $1
     UNION ALL
     SELECT 'entries' FROM invariant_entries v JOIN budget_period p ON p.id = v.budget_period_id WHERE p.budget_id = $1`,
    [id],
  );
  return rows.map(({ name }) => `${name} do not sum`);
}

/** A lease expires while a statement that holds under it runs: what it holds stays counted. */
const expireALease: Guard = async (db, id) => {
  let nowMs = 0;
  const leases = new Leases({
    db,
    clock: manualClock(),
    replica: `replica-${id}`,
    fromPerSecond: 1,
    realNow: () => nowMs,
    onProblem: (cause) => {
      throw cause;
    },
  });
  const ledger = createLedger(db, manualClock(), { leases });
  const hold = (): ReturnType<Ledger['reserve']> =>
    ledger.reserve({
      ticket: buildTicket({ replica: `replica-${id}` }),
      budgetIds: [id],
      holdCredits: credits('1'),
    });
  await hold();
  await expect.poll(() => leases.size).toBe(1);
  await hold();
  const { rows } = await database.db.query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM hold h JOIN budget_period p ON p.id = h.budget_period_id
      WHERE p.budget_id = $1 AND h.lease_id IS NOT NULL`,
    [id],
  );
  expect(rows[0]?.n, 'one holds under the lease').toBe(1);
  const other = new Leases({
    db,
    clock: manualClock(),
    replica: 'another',
    realNow: () => nowMs,
    onProblem: (cause) => {
      throw cause;
    },
  });
  // What the replica had on its way may prolong the lease once more: then it expires once more.
  await expect
    .poll(async () => {
      await database.db.query(
        `UPDATE lease SET expires_at = now() - interval '1 second' WHERE replica = $1 AND ended_at IS NULL`,
        [`replica-${id}`],
      );
      nowMs += 20_000;
      await other.beat();
      const { rows: open } = await database.db.query(
        'SELECT 1 FROM lease WHERE replica = $1 AND ended_at IS NULL',
        [`replica-${id}`],
      );
      return open.length;
    })
    .toBe(0);
  const [standing] = await createLedger(database.db, manualClock()).standing([id], NOON);
  const counted = addCredits(credits('10.5')) - (standing?.availableCredits ?? NO_CREDITS);
  const lost = counted === credits('2') ? [] : [`2 credits are held, ${counted} units count`];
  return [...lost, ...(await sumsOf(id))];
};

/** A replica dies with a statement that was sent: it may run, so its hold stays and its charge is taken. */
const loseAReplica: Guard = async (db, id) => {
  const ledger = createLedger(db, manualClock());
  const ticket = buildTicket({ replica: 'dead' });
  await ledger.reserve({ ticket, budgetIds: [id], holdCredits: credits('1') });
  await ledger.markSent(ticket.ticketId, NOON);
  await ledger.adoptOrphans(['alive'], NOON);
  const found = await ledger.ticket(ticket.ticketId);
  const settled = await ledger.settle(buildSettlement(ticket.ticketId));
  return [
    ...(found?.state === 'IN_DOUBT' ? [] : [`what was sent is ${found?.state ?? 'gone'}`]),
    ...(settled.kind === 'charged' ? [] : ['what it used is not charged']),
    ...(await sumsOf(id)),
  ];
};

test('the real statements give no guard anything to say', async () => {
  expect(await complaintsOf(raceToReserve)).toEqual([]);
  expect(await complaintsOf(expireALease)).toEqual([]);
  expect(await complaintsOf(loseAReplica)).toEqual([]);
});

// Before those that leave a ledger that does not add up.
test('a sent statement that is given up after a time, without evidence, is seen', async () => {
  const complaints = await complaintsOf(loseAReplica, {
    'billing.adopt_sent': [{ text: "state IN ('SENT', 'RUNNING')", becomes: "state = 'RUNNING'" }],
    'billing.orphans_unsent': [
      { text: "state = 'RESERVED'", becomes: "state IN ('RESERVED', 'SENT')" },
    ],
    'billing.release_batch': [
      { text: 'k.state = ANY(m.states)', becomes: "k.state NOT IN ('SETTLED', 'VOID')" },
    ],
  });
  expect(complaints).toEqual(['what was sent is VOID', 'what it used is not charged']);
});

test('without the lock of the period more is held than there is', async () => {
  const complaints = await complaintsOf(raceToReserve, {
    'billing.reserve_batch': [
      { text: 'ORDER BY p.id FOR NO KEY UPDATE OF p', becomes: 'ORDER BY p.id' },
    ],
  });
  expect(complaints.join()).toMatch(/^\d\d held, there was room for 10/);
});

test('a total that is read, added to and written back forgets holds', async () => {
  const complaints = await complaintsOf(raceToReserve, {
    'billing.reserve_batch': [
      { text: 'ORDER BY p.id FOR NO KEY UPDATE OF p', becomes: 'ORDER BY p.id' },
      {
        text: 'SET held_credits = b.held_credits + r.added',
        becomes:
          'SET held_credits = (SELECT l.held_credits FROM locked l WHERE l.id = b.id) + r.added',
      },
    ],
  });
  expect(complaints).toContain('holds do not sum');
});

test('a lease whose time is over and that takes what statements hold along is seen', async () => {
  const complaints = await complaintsOf(expireALease, {
    'billing.lease_reclaim': [
      { text: 'SET leased_credits = k.leased_credits - s.idle', becomes: 'SET leased_credits = 0' },
    ],
  });
  expect(complaints).toEqual(
    expect.arrayContaining([expect.stringMatching(/units count/), 'holds do not sum']),
  );
});
