/**
 * I7 after a kill -9, in simulated time: statements whose replica died run on upstream, and cost on. Shown to fail with
 * nothing counted of the time since a statement was sent.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '#base/ids.js';
import { silentLog } from '#base/log.js';
import { createMetrics } from '#base/metrics.js';
import type { ServiceConnection, ServiceRow } from '#base/snowflake/service-connection.js';
import { type Credits, creditsForMillis } from '#base/units.js';
import { createLedger } from '#billing/create-ledger.js';
import { askKill } from '#billing/kills.js';
import type { Ledger } from '#billing/ledger.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { driverFront } from '../../proxy/driver-front.js';
import { createEvents } from '../../proxy/events.js';
import { Meter } from '../../proxy/running/meter.js';
import { usedBeforeMs } from '../../proxy/running/used-before.js';
import { writeUses } from '../../proxy/running/uses.js';
import { Doubts } from '../../proxy/settlement/doubts.js';
import { openJournal } from '../../proxy/settlement/journal.js';
import { Settler } from '../../proxy/settlement/settler.js';
import { eventually } from '../e2e/support/eventually.js';
import { buildSettlement, buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  expectNoOpenHolds,
  type TestDatabase,
} from '../support/database.js';
import { aRunningStatement, stopParts } from './running/running-statement.js';

const DEAD = 'dead#1';
const ALIVE = 'alive#1';
/** A credit a second. */
const RATE = credits('3600');
const SECOND_MS = 1_000;
/** From a kill until the others see that a replica is silent: its last heartbeat was just before. */
const UNSEEN_SECONDS = 11;
/** What a guard may be late by. */
const LATE_MS = 15_000;

const clock = manualClock(NOON);
const directory = mkdtempSync(join(tmpdir(), 'tollgate-doubt-guard-'));
let database: TestDatabase;
let ledger: Ledger;
let settler: Settler;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, clock);
  const journal = await openJournal({ directory, bytesMax: 1e6, log: silentLog });
  const events = createEvents(createMetrics(), silentLog);
  settler = new Settler({ ledger, journal, log: silentLog, events });
});

afterAll(async () => {
  await settler.drain(AbortSignal.timeout(5000));
  await expectNoOpenHolds(database.db);
  await expectInvariants(database.db);
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

/** One statement upstream, as the history of its account shows it. */
class Upstream {
  endedAt: number | null = null;
  cancels = 0;
  readonly startedAt = clock.now();

  readonly ticketId: TicketId;
  readonly #runsMs: number;

  constructor(ticketId: TicketId, runsMs: number) {
    this.ticketId = ticketId;
    this.#runsMs = runsMs;
  }

  get queryId(): string {
    return `q-${this.ticketId}`;
  }

  readonly service: ServiceConnection = {
    query: (sql) => Promise.resolve(this.#answer(sql)),
    close: () => Promise.resolve(),
  };

  #answer(sql: string): readonly ServiceRow[] {
    const now = clock.now();
    if (sql.includes('CANCEL_QUERY')) {
      expect(sql).toBe(`SELECT SYSTEM$CANCEL_QUERY('${this.queryId}')`);
      this.cancels += 1;
      this.endedAt ??= now;
      return [];
    }
    if (sql.includes('COUNT(*)')) return [{ N: '1', FIRST_S: '0' }];
    if (this.endedAt === null && now - this.startedAt >= this.#runsMs)
      this.endedAt = this.startedAt + this.#runsMs;
    const isCancelled = this.cancels > 0;
    return [
      {
        QUERY_ID: this.queryId,
        QUERY_TAG: `{"tg":"${this.ticketId}"}`,
        QUERY_TYPE: 'SELECT',
        EXECUTION_STATUS: this.endedAt === null ? 'RUNNING' : isCancelled ? 'FAILED' : 'SUCCESS',
        ERROR_CODE: isCancelled ? '000604' : null,
        EXECUTION_TIME: this.endedAt === null ? '0' : String(this.endedAt - this.startedAt),
        BYTES_SCANNED: '5',
        ROWS_PRODUCED: '1',
        STARTED_S: String(Math.floor(this.startedAt / 1000)),
        ENDED_S: this.endedAt === null ? '0' : String(this.endedAt / 1000),
      },
    ];
  }
}

function doubtsOver(upstream: Upstream, rate: Credits | null = RATE): Doubts {
  return new Doubts({
    db: database.db,
    ledger,
    settler,
    control: {
      current: () => ({ rateOfWarehouse: () => rate ?? undefined }) as unknown as ControlSnapshot,
      rejectedVersion: () => 0,
      refresh: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
    replica: {
      id: ALIVE,
      live: () => Promise.resolve([ALIVE]),
      isHeard: () => true,
      note: () => undefined,
      stop: () => Promise.resolve(),
    },
    clock,
    log: silentLog,
    realNow: () => clock.now(),
    isInHand: () => false,
    connect: () => Promise.resolve(upstream.service),
  });
}

interface Plan {
  readonly budgetId: string;
  readonly hold: string;
  readonly ceiling: string;
  readonly runsMs: number;
  /** The replica died this long after it sent the statement. */
  readonly diedAfterMs: number;
  /** It had said what was used by then; false: it died before it said anything. */
  readonly hasSaid: boolean;
}

/** Sent by a replica that has died since, and nobody has seen that yet. */
async function ofTheDead(plan: Plan): Promise<Upstream> {
  const ticket = buildTicket({ replica: DEAD, occurredAt: clock.now() });
  const { ticketId } = ticket;
  const holdCredits = credits(plan.hold);
  const ceilingCredits = credits(plan.ceiling);
  const request = { ticket, budgetIds: [plan.budgetId], holdCredits };
  expect((await ledger.reserve(request)).kind).toBe('held');
  expect(await ledger.markSent(ticketId, clock.now(), ceilingCredits)).toBe(true);
  const upstream = new Upstream(ticketId, plan.runsMs);
  clock.advance(plan.diedAfterMs);
  const usedCredits = creditsForMillis(RATE, plan.diedAfterMs, 'up');
  const use = { ticketId, usedCredits, holdCredits, ceilingCredits };
  if (plan.hasSaid) await writeUses(database.db, DEAD, [use], clock.now());
  clock.advance(UNSEEN_SECONDS * SECOND_MS);
  return upstream;
}

interface Charged {
  readonly ending: string;
  readonly credits: Credits;
  readonly code: string | null;
}

async function chargeOf(ticketId: TicketId): Promise<Charged> {
  const { rows } = await database.db.query<{ ending: string; used: string; code: string | null }>(
    `SELECT t.ending, c.credits AS used, t.stop_told ->> 'code' AS code
       FROM ticket t JOIN charge c ON c.ticket_id = t.id WHERE t.id = $1`,
    [ticketId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('not charged yet');
  return { ending: row.ending, credits: credits(row.used), code: row.code };
}

async function swept(upstream: Upstream): Promise<Charged> {
  const doubts = doubtsOver(upstream);
  for (let second = 0; second < 1_000 && upstream.endedAt === null; second += 1) {
    await doubts.sweep();
    clock.advance(SECOND_MS);
  }
  await doubts.sweep();
  await eventually(async () => {
    await chargeOf(upstream.ticketId);
  });
  return chargeOf(upstream.ticketId);
}

const LATE = creditsForMillis(RATE, LATE_MS, 'up');

test.each([
  { when: 'long before', ceiling: '85', diedAfterMs: 60_000, hasSaid: true },
  { when: 'shortly before', ceiling: '65', diedAfterMs: 60_000, hasSaid: true },
  {
    when: 'before it had said anything, shortly before',
    ceiling: '3',
    diedAfterMs: 1_500,
    hasSaid: false,
  },
])(
  'a statement whose replica died $when it reached its ceiling is stopped there, counted from when it was sent',
  async ({ ceiling, diedAfterMs, hasSaid }) => {
    const budgetId = `ceiling-${ceiling}`;
    await insertBudget(database.db, { id: budgetId, limit: credits('1000') });
    const plan = { budgetId, hold: '2', ceiling, runsMs: Infinity, diedAfterMs, hasSaid };
    const upstream = await ofTheDead(plan);
    const { ending, credits: charged, code } = await swept(upstream);
    expect({ ending, code, cancels: upstream.cancels }).toEqual({
      ending: 'stopped',
      code: 'TG4001',
      cancels: 1,
    });
    expect(charged).toBeGreaterThanOrEqual(credits(ceiling));
    expect(charged - credits(ceiling)).toBeLessThanOrEqual(LATE);
  },
);

test('in doubt a hold is topped up from its budget, and what has used it up is stopped', async () => {
  const budgetId = 'exhausted';
  await insertBudget(database.db, { id: budgetId, limit: credits('50') });
  const upstream = await ofTheDead({
    budgetId,
    hold: '20',
    ceiling: '1000',
    runsMs: Infinity,
    diedAfterMs: 10_000,
    hasSaid: true,
  });
  const { ending, credits: charged, code } = await swept(upstream);
  expect({ ending, code }).toEqual({ ending: 'stopped', code: 'TG4002' });
  // Nobody was stopped while there was something to be had.
  expect(charged).toBeGreaterThan(credits('40'));
  expect(charged).toBeLessThanOrEqual(credits('50'));
});

test.each([
  { when: 'before anybody saw that its replica died', isAskedInDoubt: false },
  { when: 'while it is in doubt', isAskedInDoubt: true },
])(
  'one that somebody wants ended $when is cancelled, and its client is told who and why',
  async ({ isAskedInDoubt }) => {
    const budgetId = `killed-${String(isAskedInDoubt)}`;
    await insertBudget(database.db, { id: budgetId, limit: credits('1000') });
    const plan = { budgetId, hold: '60', ceiling: '500', runsMs: Infinity, hasSaid: true };
    const upstream = await ofTheDead({ ...plan, diedAfterMs: 10_000 });
    const { ticketId } = upstream;
    if (isAskedInDoubt) await doubtsOver(upstream).sweep();
    const wish = { ticketId, askedBy: 'ann', reason: 'it reads ten years', at: clock.now() };
    expect(await database.db.transaction((tx) => askKill(tx, wish))).toEqual({
      kind: 'asked',
      isReplayed: false,
      isInDoubt: isAskedInDoubt,
    });
    const { ending, credits: charged, code } = await swept(upstream);
    expect({ ending, code, cancels: upstream.cancels }).toEqual({
      ending: 'stopped',
      code: 'TG4003',
      cancels: 1,
    });
    expect(charged).toBeLessThanOrEqual(credits('22'));
    const { rows } = await database.db.query(
      `SELECT t.stop_told ->> 'message' AS told, k.taken_at IS NOT NULL AS is_taken
       FROM ticket t JOIN kill_request k ON k.ticket_id = t.id WHERE t.id = $1`,
      [ticketId],
    );
    expect(rows).toEqual([
      { told: expect.stringContaining('ann: it reads ten years') as string, is_taken: true },
    ]);
  },
);

test('one whose warehouse has no known rate is not metered, and can be ended all the same', async () => {
  const budgetId = 'no-rate';
  await insertBudget(database.db, { id: budgetId, limit: credits('1000') });
  const plan = { budgetId, hold: '3', ceiling: '5', runsMs: 60_000, hasSaid: true };
  const upstream = await ofTheDead({ ...plan, diedAfterMs: 10_000 });
  const { ticketId } = upstream;
  const doubts = doubtsOver(upstream, null);
  await doubts.sweep();
  expect(upstream.cancels).toBe(0);
  const wish = { ticketId, askedBy: 'ann', reason: 'enough', at: clock.now() };
  await database.db.transaction((tx) => askKill(tx, wish));
  await doubts.sweep();
  expect(upstream.cancels).toBe(1);
  clock.advance(SECOND_MS);
  await doubts.sweep();
  await eventually(async () => {
    expect(await chargeOf(ticketId)).toEqual({
      ending: 'stopped',
      code: 'TG4003',
      credits: credits('3'),
    });
  });
});

test('what ends by itself within its budget is not cancelled, and is covered by what was held', async () => {
  const budgetId = 'ample';
  await insertBudget(database.db, { id: budgetId, limit: credits('1000') });
  const upstream = await ofTheDead({
    budgetId,
    hold: '30',
    ceiling: '500',
    runsMs: 60_000,
    diedAfterMs: 10_000,
    hasSaid: true,
  });
  const { rows } = await database.db.query<{ used_credits: string }>(
    'SELECT used_credits FROM running_use',
  );
  expect(rows).toHaveLength(1);
  expect(await swept(upstream)).toEqual({
    ending: 'succeeded',
    code: null,
    credits: credits('60'),
  });
  expect(upstream.cancels).toBe(0);
  const [standing] = await ledger.standing([budgetId], clock.now());
  expect(standing).toMatchObject({ spentCredits: credits('60'), heldCredits: 0n });
  const overrun = await database.db.query<{ overrun: string }>(
    `SELECT overrun_credits AS overrun FROM budget_period p WHERE budget_id = $1`,
    [budgetId],
  );
  expect(credits(overrun.rows[0]?.overrun ?? '')).toBe(0n);
  // What was said of it while it was in doubt is gone with it.
  await doubtsOver(upstream).sweep();
  expect(await database.db.query('SELECT FROM running_use')).toMatchObject({ rowCount: 0 });
});

test('one that is repeated elsewhere goes on with what it had used, under the ceiling it was sent with', async () => {
  const budgetId = 'repeated';
  await insertBudget(database.db, { id: budgetId, limit: credits('1000') });
  const ceiling = credits('100');
  const upstream = await ofTheDead({
    budgetId,
    hold: '60',
    ceiling: '100',
    runsMs: Infinity,
    diedAfterMs: 70_000,
    hasSaid: true,
  });
  const { ticketId } = upstream;
  await doubtsOver(upstream).sweep();
  const sent = await ledger.takeOver(ticketId, ALIVE, clock.now());
  expect(sent).toMatchObject({ firstSentAt: upstream.startedAt, ceilingCredits: ceiling });
  if (sent === undefined) return;
  const parts = stopParts(clock, ledger);
  let isCancelled = false;
  const abort = (): Promise<void> => {
    isCancelled = true;
    return Promise.resolve();
  };
  parts.running.begin(
    aRunningStatement({
      ticketId,
      holdCredits: credits('60'),
      ceilingCredits: ceiling,
      creditsPerHour: RATE,
      startedAt: sent.firstSentAt,
      usedBeforeMs: usedBeforeMs(sent, RATE, clock.now()),
      front: { ...driverFront, abort },
    }),
    clock.now(),
  );
  const meter = new Meter(parts, 3 * SECOND_MS);
  for (let look = 0; look < 100 && !isCancelled; look += 1) {
    clock.advance(3 * SECOND_MS);
    meter.look();
    await meter.settled();
  }
  const usedMs = parts.running.end(ticketId, clock.now())?.usedMs ?? 0;
  // What it has used is what upstream has run.
  expect(usedMs).toBe(clock.now() - upstream.startedAt);
  const usedCredits = creditsForMillis(RATE, usedMs, 'up');
  expect(usedCredits).toBeGreaterThanOrEqual(ceiling);
  expect(usedCredits - ceiling).toBeLessThanOrEqual(LATE);
  await ledger.settle(
    buildSettlement(ticketId, { usedCredits, warehouseMs: usedMs, ending: 'stopped' }),
  );
});
