import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fault } from '#base/errors.js';
import { createLedger } from '#billing/create-ledger.js';
import { SessionStore } from '../../../proxy/identity/sessions.js';
import { OWN_IDS_MAX, OwnStatements } from '../../../proxy/own/own-statements.js';
import type { TransactionMark } from '../../../proxy/own/own-statements.js';
import { buildTicket, credits, insertBudget, NOON } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let store: SessionStore;
let own: OwnStatements;
let key: { account: string; sessionId: string };
let opened = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  store = new SessionStore(database.db, { replica: 'here', cachedMax: 10, freshMs: 0 });
  own = new OwnStatements(database.db);
});
afterAll(() => database.drop());
beforeEach(async () => {
  key = await open(true);
});

async function open(isAutocommit?: boolean): Promise<typeof key> {
  opened += 1;
  const session = { account: 'demo', sessionId: `own-${opened}` };
  await store.open({
    ...session,
    principalId: 'marketing_analyst',
    snowflakeUser: 'MARKETING_ANALYST',
    role: null,
    warehouse: null,
    database: null,
    schema: null,
    queryTag: null,
    statementTimeoutSeconds: null,
    timeZone: null,
    isEnded: false,
    ...(isAutocommit === undefined ? {} : { isAutocommit }),
  });
  return session;
}

test('a statement of ours is announced, then known by its query id, to every replica', async () => {
  expect(await own.beginExplain(key, 'r1')).toBe(true);
  const other = new OwnStatements(database.db);
  expect(await other.read(key)).toEqual({ queryIds: new Set(), pending: ['r1'], isFull: false });
  await own.end(key, 'r1', 'q1');
  expect(await other.read(key)).toEqual({ queryIds: new Set(['q1']), pending: [], isFull: false });
});

test('a request that became no query leaves nothing behind', async () => {
  await own.beginExplain(key, 'r1');
  await own.end(key, 'r1', null);
  expect(await own.read(key)).toEqual({ queryIds: new Set(), pending: [], isFull: false });
});

test('no plan is asked for while one of ours is not known, and an id may be looked up all the same', async () => {
  await own.beginExplain(key, 'r1');
  expect(await own.beginExplain(key, 'r2')).toBe(false);
  expect(await own.beginLookUp(key, 'r3')).toBe(true);
});

test('of sessions that asked before at once, one sends', async () => {
  const asked = await Promise.all(['a', 'b', 'c', 'd'].map((id) => own.beginExplain(key, id)));
  expect(asked.filter(Boolean)).toHaveLength(1);
});

const MARKS: readonly [readonly TransactionMark[], boolean][] = [
  [[], true],
  [['opened'], false],
  [['opened', 'closed'], true],
  [['opened', 'opened', 'closed'], true],
  [['manual'], false],
  [['manual', 'closed'], false],
  [['manual', 'automatic'], false],
  [['automatic'], true],
  [['unclear', 'closed', 'automatic'], false],
];
test.each(MARKS)('after %j a plan is asked for: %j', async (marks, isAsked) => {
  for (const mark of marks) await own.markTransaction(key, mark);
  expect(await own.beginExplain(key, 'r')).toBe(isAsked);
});

test('none is asked for where AUTOCOMMIT is off at login or not told, in a closed session, or an unknown one', async () => {
  for (const session of [await open(false), await open(), { account: 'demo', sessionId: 'none' }])
    expect(await own.beginExplain(session, 'r')).toBe(false);
  await store.close(key);
  expect(await own.beginExplain(key, 'r')).toBe(false);
});

test('none is asked for while a ticket of the session is open, on whichever replica', async () => {
  const clock = manualClock(NOON);
  const ledger = createLedger(database.db, clock);
  await insertBudget(database.db, { id: 'b', limit: credits('100') });
  const ticket = buildTicket({ sessionId: key.sessionId, account: key.account });
  await ledger.reserve({ ticket, budgetIds: ['b'], holdCredits: credits('1') });
  expect(await own.beginExplain(key, 'r')).toBe(false);
  await ledger.release(ticket.ticketId, { kind: 'failed', reason: 'not sent' });
  expect(await own.beginExplain(key, 'r')).toBe(true);
});

test('the oldest ids are forgotten, and it is known that some may be', async () => {
  for (let n = 1; n <= OWN_IDS_MAX + 3; n += 1) {
    await own.beginLookUp(key, `r${n}`);
    await own.end(key, `r${n}`, `q${n}`);
  }
  const { queryIds, isFull } = await own.read(key);
  expect(isFull).toBe(true);
  expect([...queryIds]).toEqual(Array.from({ length: OWN_IDS_MAX }, (_, at) => `q${at + 4}`));
  expect(await own.beginExplain(key, 'r')).toBe(false);
});

test('a login under an id that was there before begins anew', async () => {
  await own.beginExplain(key, 'r1');
  opened -= 1;
  key = await open(false);
  expect(await own.read(key)).toEqual({ queryIds: new Set(), pending: [], isFull: false });
  expect(await own.beginExplain(key, 'r2')).toBe(false);
});

test('without Postgres it is a fault', async () => {
  const pool = openTestPool(database.url, 1);
  await pool.stop();
  await expect(new OwnStatements(pool).read(key)).rejects.toBeInstanceOf(Fault);
});
