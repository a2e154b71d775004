import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { createMetrics } from '#base/metrics.js';
import type { ServiceConnection, ServiceRow } from '#base/snowflake/service-connection.js';
import type { TicketId } from '#base/ids.js';
import { createLedger } from '#billing/create-ledger.js';
import type { Ledger } from '#billing/ledger.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEvents } from '../../proxy/events.js';
import { Doubts } from '../../proxy/settlement/doubts.js';
import { openJournal } from '../../proxy/settlement/journal.js';
import { Settler } from '../../proxy/settlement/settler.js';
import { eventually } from '../e2e/support/eventually.js';
import { buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

const REPLICA = 'this#1';
let database: TestDatabase;
let ledger: Ledger;
let settler: Settler;
const directory = mkdtempSync(join(tmpdir(), 'tollgate-doubts-'));
const clock = manualClock(NOON);

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, clock);
  await insertBudget(database.db, { id: 'b', limit: credits('100') });
  const journal = await openJournal({ directory, bytesMax: 1e6, log: silentLog });
  const events = createEvents(createMetrics(), silentLog);
  settler = new Settler({ ledger, journal, log: silentLog, events });
});

afterAll(async () => {
  await settler.drain(AbortSignal.timeout(5000));
  await expectInvariants(database.db);
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

interface World {
  realMs: number;
  inHand: Set<TicketId>;
  rows: ServiceRow[];
  /** Rows of the whole history, and the start of its oldest one in epoch seconds. */
  span: { n: number; firstSeconds: number };
}

function doubtsOver(world: World, of: Ledger = ledger): Doubts {
  const connection: ServiceConnection = {
    query: (sql) =>
      Promise.resolve(
        sql.includes('COUNT(*)')
          ? [{ N: String(world.span.n), FIRST_S: String(world.span.firstSeconds) }]
          : world.rows,
      ),
    close: () => Promise.resolve(),
  };
  return new Doubts({
    db: database.db,
    ledger: of,
    settler,
    control: {
      current: () => undefined,
      rejectedVersion: () => 0,
      refresh: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
    replica: {
      id: REPLICA,
      live: () => Promise.resolve([REPLICA]),
      isHeard: () => true,
      note: () => undefined,
      stop: () => Promise.resolve(),
    },
    clock,
    log: silentLog,
    realNow: () => world.realMs,
    isInHand: (ticketId) => world.inHand.has(ticketId),
    connect: () => Promise.resolve(connection),
  });
}

const quiet = (): World => ({
  realMs: 0,
  inHand: new Set(),
  rows: [],
  span: { n: 1, firstSeconds: 0 },
});

async function reserved(budgetId = 'b'): Promise<TicketId> {
  const ticket = buildTicket({ replica: REPLICA, account: 'demo', occurredAt: clock.now() });
  const outcome = await ledger.reserve({
    ticket,
    budgetIds: [budgetId],
    holdCredits: credits('1'),
  });
  expect(outcome.kind).toBe('held');
  return ticket.ticketId;
}

async function stateOf(ticketId: TicketId): Promise<string> {
  const { rows } = await database.db.query<{ state: string }>(
    'SELECT state FROM ticket WHERE id = $1',
    [ticketId],
  );
  return rows[0]?.state ?? '';
}

/** The history's row of a ticket that ran for a second. */
function rowOf(ticketId: TicketId): ServiceRow {
  return {
    QUERY_ID: `q-${ticketId}`,
    QUERY_TAG: `{"tg":"${ticketId}"}`,
    EXECUTION_STATUS: 'SUCCESS',
    ERROR_CODE: null,
    EXECUTION_TIME: '1000',
    BYTES_SCANNED: '5',
    ROWS_PRODUCED: '1',
    STARTED_S: '0',
    ENDED_S: '1',
  };
}

test('a ticket whose reserve was answered to nobody gives its hold back after a while, one in hand does not', async () => {
  const world = quiet();
  const doubts = doubtsOver(world);
  const lost = await reserved();
  const inHand = await reserved();
  world.inHand.add(inHand);
  await doubts.sweep();
  expect(await stateOf(lost)).toBe('RESERVED');
  world.realMs = 16_000;
  await doubts.sweep();
  expect(await stateOf(lost)).toBe('VOID');
  expect(await stateOf(inHand)).toBe('RESERVED');
  await ledger.release(inHand, { kind: 'failed', reason: 'end of the test' });
});

test('a sent ticket that nobody knows is settled by what the history says of its tag', async () => {
  const world = quiet();
  const doubts = doubtsOver(world);
  const ticketId = await reserved();
  await ledger.markSent(ticketId, clock.now());
  await doubts.sweep();
  world.realMs = 16_000;
  await doubts.sweep();
  world.rows = [rowOf(ticketId)];
  await doubts.sweep();
  await eventually(async () => expect(await stateOf(ticketId)).toBe('SETTLED'));
});

test('of more tickets than one question names, all are looked at in one sweep', async () => {
  await insertBudget(database.db, { id: 'many', limit: credits('1000') });
  const world = quiet();
  const doubts = doubtsOver(world);
  const ticketIds = await Promise.all(Array.from({ length: 130 }, () => reserved('many')));
  for (const ticketId of ticketIds) {
    await ledger.markSent(ticketId, clock.now());
    await doubts.add(ticketId);
  }
  world.rows = ticketIds.map(rowOf);
  await doubts.sweep();
  await eventually(async () => {
    const states = await Promise.all(ticketIds.map(stateOf));
    expect(states.filter((state) => state === 'SETTLED')).toHaveLength(130);
  });
});

test('absence is no evidence while the history does not reach back to the ticket', async () => {
  const world = quiet();
  world.span = { n: 10_000, firstSeconds: clock.now() / 1000 + 60 };
  const doubts = doubtsOver(world);
  const ticketId = await reserved();
  await ledger.markSent(ticketId, clock.now());
  await doubts.add(ticketId);
  await doubts.sweep();
  world.realMs = 120_000;
  await doubts.sweep();
  expect(await stateOf(ticketId)).toBe('IN_DOUBT');
  world.span = { n: 9_999, firstSeconds: 0 };
  await doubts.sweep();
  world.realMs = 240_000;
  await doubts.sweep();
  expect(await stateOf(ticketId)).toBe('VOID');
});

test('evidence of a multi-statement is that of its statements: their time, each its share, the parent none', async () => {
  const world = quiet();
  const doubts = doubtsOver(world);
  const ticketId = await reserved();
  await ledger.markSent(ticketId, clock.now());
  await doubts.add(ticketId);
  const row = (id: string, changes: Partial<ServiceRow>): ServiceRow => ({
    ...rowOf(ticketId),
    QUERY_ID: `${id}-${ticketId}`,
    QUERY_TYPE: 'INSERT',
    ENDED_S: '2',
    ...changes,
  });
  const second = row('second', { EXECUTION_STATUS: 'RUNNING' });
  const parent = row('parent', { QUERY_TYPE: 'MULTI_STATEMENT', EXECUTION_TIME: '2000' });
  world.rows = [second, row('first', {}), parent];
  await doubts.sweep();
  expect(await stateOf(ticketId)).toBe('IN_DOUBT');
  world.rows = [row('second', {}), row('first', {}), parent];
  await doubts.sweep();
  await eventually(async () => expect(await stateOf(ticketId)).toBe('SETTLED'));
  const { rows } = await database.db.query<{ id: string; credits: string }>(
    `SELECT snowflake_query_id AS id, credits FROM charge_part WHERE ticket_id = $1 ORDER BY ordinal`,
    [ticketId],
  );
  expect(rows.map(({ id }) => id)).toEqual([`first-${ticketId}`, `second-${ticketId}`]);
  await expectInvariants(database.db);
});

test('a sweep beside a mark that is under way marks nothing again: the ticket may be sent anew by then', async () => {
  const ticketId = await reserved();
  await ledger.markSent(ticketId, clock.now());
  let marks = 0;
  let go: () => void = () => undefined;
  const written = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow: Ledger = {
    ...ledger,
    async markInDoubt(id, replica) {
      marks += 1;
      await written;
      await ledger.markInDoubt(id, replica);
    },
  };
  const doubts = doubtsOver(quiet(), slow);
  const added = doubts.add(ticketId);
  const swept = doubts.sweep();
  go();
  await Promise.all([added, swept]);
  expect(marks).toBe(1);
  expect(await ledger.takeOver(ticketId, REPLICA, clock.now())).toBeDefined();
  await doubts.sweep();
  expect(await stateOf(ticketId)).toBe('SENT');
  await ledger.markInDoubt(ticketId, REPLICA);
  await ledger.voidOnEvidence(ticketId, 'the test has ended');
});
