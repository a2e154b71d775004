/**
 * Leases of several replicas on one budget: each replica here has its own pool, its own leases and hears when it is
 * asked, as in a deployment; only their clocks are set by hand.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { NO_CREDITS, addCredits, subtractCredits } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { silentLog } from '../../base/log.js';
import type { Database } from '../../base/postgres/pool.js';
import { setBudgetLimit } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger, ReserveOutcome, TicketFacts } from '../../billing/ledger.js';
import { Leases } from '../../billing/leases.js';
import { LEASES_CHANNEL, refillLeases } from '../../billing/postgres/lease-rows.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { beat } from '../../billing/postgres/replicas.js';
import { reserveLeased } from '../../billing/postgres/reserve-leased.js';
import { transfer } from '../../billing/transfer.js';
import { hardCeiling } from '../../proxy/hard-ceiling.js';
import { BudgetUses } from '../../proxy/ladder-standings.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, openTestPool } from '../support/database.js';
import { longRun } from '../support/long-run.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 6 });
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await database.drop();
});
afterEach(() => expectInvariants(database.db));

interface Replica {
  readonly id: string;
  readonly ledger: Ledger;
  readonly leases: Leases;
  readonly db: Database;
  /** Seconds of its monotonic clock. */
  passes(seconds: number): void;
}

interface ReplicaTraits {
  /** It stands still: it does not hear that it is asked. */
  readonly isDeaf?: boolean;
  /** What its clock goes on by whenever it is read. */
  readonly readingMs?: number;
  readonly calmMs?: number;
}

async function replica(
  id: string,
  { isDeaf = false, readingMs = 0, calmMs = 0 }: ReplicaTraits = {},
): Promise<Replica> {
  const db = openTestPool(database.url, 4);
  let now = 1_000_000;
  const leases = new Leases({
    db,
    clock: manualClock(),
    replica: id,
    realNow: () => (now += readingMs),
    calmMs,
    onProblem: (cause) => {
      throw cause;
    },
  });
  await beat(db, id, { version: null, problem: null });
  const listening = await db.listen(
    [LEASES_CHANNEL],
    (_, periodId) => {
      if (!isDeaf) void leases.askedBack(periodId);
    },
    () => undefined,
  );
  stops.push(async () => {
    await listening.stop();
    await db.stop();
  });
  return {
    id,
    db,
    leases,
    ledger: createLedger(db, manualClock(), { leases }),
    passes: (seconds) => {
      now += seconds * 1000;
    },
  };
}

async function hold(
  { id, ledger }: Pick<Replica, 'id' | 'ledger'>,
  budgetIds: readonly string[],
  amount: string,
): Promise<{ readonly ticket: TicketFacts; readonly outcome: ReserveOutcome }> {
  const ticket = buildTicket({ replica: id });
  const outcome = await ledger.reserve({ ticket, budgetIds, holdCredits: credits(amount) });
  return { ticket, outcome };
}

/** Sixty statements in one second of the replica's clock, then as long as it takes to lease. */
async function busy(
  on: Replica,
  budgetIds: readonly string[],
  amount: string,
): Promise<readonly TicketFacts[]> {
  const held = await Promise.all(Array.from({ length: 60 }, () => hold(on, budgetIds, amount)));
  const more: (typeof held)[number][] = [];
  while (on.leases.size < budgetIds.length) more.push(await hold(on, budgetIds, amount));
  const all = [...held, ...more];
  for (const { outcome } of all) expect(outcome.kind).toBe('held');
  return all.map(({ ticket }) => ticket);
}

async function period(budgetId: string): Promise<{
  readonly held: string;
  readonly leased: string;
  readonly idle: string;
}> {
  const { rows } = await database.db.query<{ held: string; leased: string; idle: string }>(
    `SELECT trim_scale(held_credits)::text AS held, trim_scale(leased_credits)::text AS leased,
       (SELECT trim_scale(coalesce(sum(idle_credits), 0))::text FROM lease l WHERE l.budget_period_id = p.id) AS idle
     FROM budget_period p WHERE budget_id = $1`,
    [budgetId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the period is open');
  return row;
}

async function settleAll(ledger: Ledger, tickets: readonly TicketFacts[]): Promise<void> {
  await Promise.all(
    tickets.map(({ ticketId }) =>
      ledger.settle(buildSettlement(ticketId, { usedCredits: credits('0.1') })),
    ),
  );
}

test('a busy path is leased, and then holds without the row of its budgets', async () => {
  await insertBudget(database.db, { id: 'busy', limit: credits('1000') });
  await insertBudget(database.db, { id: 'busy-free' });
  const path = ['busy', 'busy-free'];
  const one = await replica('busy#1');
  const tickets = await busy(one, path, '1');
  const leased = await database.db.transaction(async (tx) => {
    await tx.query(
      `SELECT id FROM budget_period WHERE budget_id = ANY($1) ORDER BY id FOR UPDATE`,
      [path],
    );
    return hold(one, path, '1');
  });
  expect(leased.outcome).toMatchObject({ kind: 'held', budgets: [{ budgetId: 'busy' }, {}] });
  await one.ledger.markSent(leased.ticket.ticketId, NOON);
  await settleAll(one.ledger, [...tickets, leased.ticket]);
  const used = (tickets.length + 1) * 0.1;
  const [standing] = await one.ledger.standing(['busy'], NOON);
  expect(Number(standing?.spentCredits) / 1e12).toBeCloseTo(used, 9);
  const { held, leased: whole, idle } = await period('busy');
  expect({ held, whole }).toEqual({ held: '0', whole: idle });
  one.passes(3);
  await one.leases.beat();
  expect(await period('busy')).toEqual({ held: '0', leased: '0', idle: '0' });
});

test('at one barrier exactly as many are held as fit, though replicas have leases', async () => {
  const run = longRun('leases', 1);
  const replicas = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => replica(`${name}#${run.seed}`)),
  );
  const figures = { rounds: 0, held: 0, refused: 0, leasedAtBarrier: 0 };
  for (let round = 0; round < run.count; round += 1) {
    const id = `barrier-${run.seed}-${round}`;
    const result = await barrier(replicas, id, run.isLong ? 500 : 60);
    figures.rounds += 1;
    figures.held += result.held;
    figures.refused += result.refused;
    figures.leasedAtBarrier += result.leased;
    for (const each of replicas) each.passes(10);
    await expectInvariants(database.db);
  }
  expect(figures.leasedAtBarrier).toBeGreaterThan(0);
  run.report(figures);
});

/**
 * Traffic until every replica has a lease, then `clients` statements on each at once with room for half of them and
 * one of half the size: what is left when all are answered, and nothing else.
 */
async function barrier(
  replicas: readonly Replica[],
  id: string,
  clients: number,
): Promise<{ readonly held: number; readonly refused: number; readonly leased: number }> {
  const room = clients * 2;
  await insertBudget(database.db, { id, limit: credits('100000') });
  const before = (await Promise.all(replicas.map((each) => busy(each, [id], '1')))).flat();
  await database.db.transaction((tx) =>
    setBudgetLimit(tx, {
      budgetId: id,
      limitCredits: credits(`${before.length + room}.5`),
      author: 'admin',
      reason: 'room for so many',
      at: NOON,
    }),
  );
  const leased = Number((await period(id)).idle);
  const outcomes = await Promise.all(
    replicas.flatMap((each) => Array.from({ length: clients }, () => hold(each, [id], '1'))),
  );
  const held = outcomes.filter(({ outcome }) => outcome.kind === 'held');
  const refused = outcomes.filter(({ outcome }) => outcome.kind === 'refused');
  expect({ held: held.length, refused: refused.length }).toEqual({
    held: room,
    refused: clients * 4 - room,
  });
  const [one, other] = replicas;
  if (one === undefined || other === undefined) throw new Error('there are four replicas');
  const last = await hold(one, [id], '0.5');
  expect(last.outcome.kind).toBe('held');
  expect((await hold(other, [id], '0.000000000001')).outcome).toMatchObject({
    kind: 'refused',
    budget: { availableCredits: 0n },
  });
  await settleAll(one.ledger, [...before, ...held.map(({ ticket }) => ticket), last.ticket]);
  expect(await period(id)).toEqual({ held: '0', leased: '0', idle: '0' });
  return { held: held.length, refused: refused.length, leased };
}

test('a dead replica keeps counting until its lease has ended and each hold is void or settled', async () => {
  await insertBudget(database.db, { id: 'dead', limit: credits('500') });
  const [dead, living] = [await replica('dead#1', { isDeaf: true }), await replica('living#1')];
  const tickets = await busy(dead, ['dead'], '1');
  const under = await Promise.all([hold(dead, ['dead'], '2'), hold(dead, ['dead'], '3')]);
  const [unsent, sent] = under.map(({ ticket }) => ticket);
  if (unsent === undefined || sent === undefined) throw new Error('two were held');
  await dead.ledger.markSent(sent.ticketId, NOON);
  await settleAll(living.ledger, tickets);
  const whole = await period('dead');
  expect(Number(whole.leased)).toBe(Number(whole.idle) + 5);
  // Alive by the database's clock: nothing of it is touched.
  await living.leases.beat();
  expect(await period('dead')).toEqual(whole);
  await database.db.query(
    `UPDATE lease SET expires_at = now() - interval '1 second' WHERE replica = 'dead#1'`,
  );
  await living.leases.beat();
  expect(await period('dead')).toEqual({ held: '0', leased: '5', idle: '0' });
  await living.ledger.adoptOrphans(['living#1'], NOON);
  expect(await period('dead')).toMatchObject({ leased: '3' });
  dead.passes(10);
  // It was only slow: what it believes to have is not there, and its statement is judged on the period.
  const late = await hold(dead, ['dead'], '1');
  expect(late.outcome.kind).toBe('held');
  expect(await period('dead')).toMatchObject({ held: '1', leased: '3' });
  await living.ledger.settle(buildSettlement(sent.ticketId, { usedCredits: credits('7') }));
  await living.ledger.voidOnEvidence(late.ticket.ticketId, 'over');
  expect(await period('dead')).toEqual({ held: '0', leased: '0', idle: '0' });
  const { rows } = await database.db.query(
    `SELECT trim_scale(overrun_credits)::text AS overrun FROM budget_period WHERE budget_id = 'dead'`,
  );
  expect(rows).toEqual([{ overrun: '4' }]);
});

test('a limit that is lowered below what is taken stops admissions under leases too', async () => {
  await insertBudget(database.db, { id: 'lowered', limit: credits('1000') });
  const one = await replica('lowered#1');
  const tickets = await busy(one, ['lowered'], '1');
  await database.db.transaction((tx) =>
    setBudgetLimit(tx, {
      budgetId: 'lowered',
      limitCredits: credits('10'),
      author: 'admin',
      reason: 'less',
      at: NOON,
    }),
  );
  expect((await hold(one, ['lowered'], '1')).outcome.kind).toBe('refused');
  await settleAll(one.ledger, tickets);
});

test('a top-up takes what another replica has leased and does not use', async () => {
  await insertBudget(database.db, { id: 'raised', limit: credits('400') });
  const [one, other] = [await replica('raised#1'), await replica('raised#2')];
  const ticket = (await hold(one, ['raised'], '1')).ticket;
  const tickets = await busy(other, ['raised'], '1');
  const most = 400 - tickets.length;
  expect(await one.ledger.topUp(ticket.ticketId, credits(String(most)))).toMatchObject({
    kind: 'held',
  });
  expect(await one.ledger.topUp(ticket.ticketId, credits(String(most + 1)))).toMatchObject({
    kind: 'refused',
    shortByCredits: credits('1'),
  });
  // Held under a lease, it grows from the period and stays counted with what is leased.
  await settleAll(one.ledger, [ticket]);
  other.passes(5);
  const more = await busy(other, ['raised'], '1');
  const under = await hold(other, ['raised'], '1');
  expect(await other.ledger.topUp(under.ticket.ticketId, credits('1.5'))).toMatchObject({
    kind: 'held',
  });
  await expectInvariants(database.db);
  await settleAll(other.ledger, [...tickets, ...more, under.ticket]);
  await other.leases.stop();
  expect(await period('raised')).toEqual({ held: '0', leased: '0', idle: '0' });
});

// Without waiting for its refills, stop() has given back before this one leases.
test('a replica that stops while a lease is being filled leaves nothing leased', async () => {
  await insertBudget(database.db, { id: 'leaving', limit: credits('1000') });
  const one = await replica('leaving#1');
  const opening = (await hold(one, ['leaving'], '1')).ticket;
  const { tickets, stopping } = await database.db.transaction(async (tx) => {
    // Holds read leases; only who fills one has to wait.
    await tx.query('LOCK TABLE lease IN SHARE MODE');
    const held = await Promise.all(Array.from({ length: 60 }, () => hold(one, ['leaving'], '1')));
    expect(one.leases.size).toBe(0);
    return { tickets: held.map(({ ticket }) => ticket), stopping: one.leases.stop() };
  });
  await stopping;
  expect((await period('leaving')).leased).toBe('0');
  await settleAll(one.ledger, [opening, ...tickets]);
});

test('the repeat of a refill gives nothing, and the last twentieth is not leased', async () => {
  await insertBudget(database.db, { id: 'filled', limit: credits('100') });
  await openPeriods(database.db, ['filled'], NOON);
  await beat(database.db, 'filled#1', { version: null, problem: null });
  const refill = { budgetId: 'filled', wantedCredits: credits('3'), sequence: 1n };
  const [first] = await refillLeases(database.db, 'filled#1', [refill], NOON);
  expect(first).toMatchObject({ idleCredits: credits('3'), sequence: 1n });
  expect(await refillLeases(database.db, 'filled#1', [refill], NOON)).toEqual([]);
  expect(await period('filled')).toMatchObject({ leased: '3', idle: '3' });
  for (let sequence = 2n; sequence < 60n; sequence += 1n) {
    await refillLeases(
      database.db,
      'filled#1',
      [{ ...refill, wantedCredits: credits('90'), sequence }],
      NOON,
    );
  }
  const { leased } = await period('filled');
  expect(Number(leased)).toBeGreaterThan(90);
  expect(Number(leased)).toBeLessThan(97.5);
});

test('a lease carries statements of its own replica only, and only while it lasts', async () => {
  await insertBudget(database.db, { id: 'fenced', limit: credits('100') });
  await openPeriods(database.db, ['fenced'], NOON);
  await beat(database.db, 'fenced#1', { version: null, problem: null });
  const refill = { budgetId: 'fenced', wantedCredits: credits('3'), sequence: 1n };
  const [lease] = await refillLeases(database.db, 'fenced#1', [refill], NOON);
  const leaseIds = [lease?.id ?? ''];
  const under = async (replicaId: string): Promise<string | undefined> => {
    const ticket = buildTicket({ replica: replicaId });
    const request = { ticket, budgetIds: ['fenced'], holdCredits: credits('1') };
    const [outcome] = await reserveLeased(database.db, replicaId, [{ request, leaseIds }]);
    return outcome?.kind;
  };
  // A restart is another incarnation.
  expect(await under('fenced#2')).toBe('unleased');
  expect(await under('fenced#1')).toBe('held');
  await database.db.query(
    `UPDATE lease SET expires_at = now() - interval '1 second' WHERE replica = 'fenced#1'`,
  );
  expect(await under('fenced#1')).toBe('unleased');
  expect(await period('fenced')).toEqual({ held: '0', leased: '3', idle: '2' });
});

/** One who asks, and one who stands still with a lease on the same budget, of which `rest` credits are left. */
async function standstill(
  id: string,
  rest: number,
  traits: ReplicaTraits,
): Promise<{ readonly asks: Replica; readonly stands: Replica; readonly idle: number }> {
  await insertBudget(database.db, { id, limit: credits('100000') });
  const [asks, stands] = [
    await replica(`${id}-asks#1`, traits),
    await replica(`${id}-stands#1`, { isDeaf: true }),
  ];
  const { length } = await busy(stands, [id], '1');
  await stands.leases.filled();
  const idle = Number((await period(id)).idle);
  await database.db.transaction((tx) =>
    setBudgetLimit(tx, {
      budgetId: id,
      limitCredits: credits(String(length + idle + rest)),
      author: 'admin',
      reason: 'so much is left',
      at: NOON,
    }),
  );
  return { asks, stands, idle };
}

test('a replica that stands still with what it has leased keeps nobody out, and has nothing when it goes on', async () => {
  const { asks, stands, idle } = await standstill('still', 2, { readingMs: 100 });
  expect(idle).toBeGreaterThan(0);
  // All there is, to the last unit: what is available, and what the other one has idle.
  expect((await hold(asks, ['still'], String(idle + 2))).outcome.kind).toBe('held');
  expect(stands.leases.idleCredits).toBeGreaterThan(0n);
  const late = await hold(stands, ['still'], '0.000000000001');
  expect(late.outcome).toMatchObject({ kind: 'refused', budget: { availableCredits: 0n } });
});

test('what others have leased is not taken from them while they may have promised it for an outage', async () => {
  // A server that is up for less than this may have been away.
  const { asks, idle } = await standstill('calm', 0, { readingMs: 100, calmMs: 1e12 });
  expect((await hold(asks, ['calm'], String(idle))).outcome.kind).toBe('refused');
  expect(Number((await period('calm')).idle)).toBe(idle);
  // Nor by a replica that has seen the ledger away.
  const other = await standstill('seen', 0, { readingMs: 100 });
  other.asks.leases.sawAway();
  expect((await hold(other.asks, ['seen'], String(other.idle))).outcome.kind).toBe('refused');
  expect(Number((await period('seen')).idle)).toBe(other.idle);
});

// With all that is leased counted as held, every number here is off by what is idle (planted by hand, seen here).
test('what is leased and held by no statement is available, wherever a standing is shown or decided on', async () => {
  await insertBudget(database.db, { id: 'shown', limit: credits('100') });
  const one = await replica('shown#1');
  const tickets = await busy(one, ['shown'], '0.5');
  const { idle } = await period('shown');
  expect(Number(idle)).toBeGreaterThan(0);
  const [standing] = await one.ledger.standing(['shown'], NOON);
  const heldCredits = (BigInt(tickets.length) * credits('0.5')) as Credits;
  expect(standing).toMatchObject({
    heldCredits,
    availableCredits: subtractCredits(credits('100'), heldCredits),
  });
  const uses = new BudgetUses({ ledger: one.ledger, log: silentLog, realNow: () => 0 });
  const { usedPercent, leastLeft } = await uses.of(['shown'], NOON);
  expect(usedPercent.get('shown')).toBe(Math.floor(tickets.length / 2));
  expect(leastLeft).toBe(standing?.availableCredits);
  // The ceiling of a statement on another replica is not cut by it either.
  const other = await replica('shown#2');
  const { outcome } = await hold(other, ['shown'], '1');
  if (outcome.kind !== 'held') throw new Error('there was room');
  const ceiling = await hardCeiling(
    new BudgetUses({ ledger: other.ledger, log: silentLog, realNow: () => 0 }),
    { ceilingCredits: credits('1000'), at: NOON, ...outcome },
  );
  expect(ceiling).toBe(standing?.availableCredits);
  await settleAll(one.ledger, tickets);
});

test('a transfer takes what is leased and not used, and leaves what statements hold', async () => {
  await insertBudget(database.db, { id: 'giver', limit: credits('100') });
  await insertBudget(database.db, { id: 'taker', limit: credits('1') });
  const one = await replica('giver#1', { isDeaf: true });
  const tickets = await busy(one, ['giver'], '0.5');
  const [before] = await one.ledger.standing(['giver'], NOON);
  const left = before?.availableCredits ?? NO_CREDITS;
  const move = (amount: Credits, idempotencyKey: string): Promise<unknown> =>
    database.db.transaction((tx) =>
      transfer(
        tx,
        {
          giverId: 'giver',
          takerId: 'taker',
          credits: amount,
          idempotencyKey,
          author: 'ann',
          reason: 'moved work',
          at: NOON,
        },
        0,
      ),
    );
  expect(await move(addCredits(left, 1n as Credits), 'too-much')).toEqual({
    kind: 'short',
    giverAvailableCredits: left,
  });
  expect(await move(left, 'all')).toMatchObject({ giverAvailableCredits: NO_CREDITS });
  expect(await period('giver')).toMatchObject({ idle: '0' });
  expect((await hold(one, ['giver'], '0.5')).outcome.kind).toBe('refused');
  await settleAll(one.ledger, tickets);
});
