import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '#base/errors.js';
import { SessionStore, type SessionState } from '../../../proxy/identity/sessions.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const session: SessionState = {
  account: 'demo',
  sessionId: '1',
  principalId: 'marketing_analyst',
  snowflakeUser: 'MARKETING_ANALYST',
  role: 'MARKETING_ROLE',
  warehouse: 'STANDARD_WH',
  database: 'ANALYTICS',
  schema: 'PUBLIC',
  queryTag: null,
  statementTimeoutSeconds: null,
  isEnded: false,
};
const ALWAYS_READ_AGAIN = { cachedMax: 10, freshMs: 0 };

test('what one replica changes, another one reads', async () => {
  const first = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  const second = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  await first.open(session);
  expect(await second.read(session)).toEqual(session);
  await first.change(session, { warehouse: 'BATCH_WH' });
  expect((await second.read(session))?.warehouse).toBe('BATCH_WH');
});

test('a session that was closed, or never opened, is not in force', async () => {
  const store = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  await store.open({ ...session, sessionId: '2' });
  await store.close({ account: 'demo', sessionId: '2' });
  expect((await store.read({ account: 'demo', sessionId: '2' }))?.isEnded).toBe(true);
  expect(await store.read({ account: 'demo', sessionId: 'never' })).toBeUndefined();
});

test('while Postgres is away a known session goes on as it was last seen, and an unknown one is a fault', async () => {
  const pool = openTestPool(database.url, 2);
  const store = new SessionStore(pool, ALWAYS_READ_AGAIN);
  await store.open({ ...session, sessionId: '3' });
  await pool.stop();
  expect((await store.read({ account: 'demo', sessionId: '3' }))?.warehouse).toBe('STANDARD_WH');
  await expect(store.read({ account: 'demo', sessionId: '1' })).rejects.toBeInstanceOf(Fault);
});

test('a revoked session that changes all the time is read again like any other', async () => {
  const store = new SessionStore(database.db, { cachedMax: 10, freshMs: 60_000 });
  const key = { account: 'demo', sessionId: 'busy' };
  await store.open({ ...session, ...key });
  await database.db.query("UPDATE session_state SET revoked_at = now() WHERE session_id = 'busy'");
  // Nobody was told yet, and what is remembered is fresh.
  const before = await store.read(key);
  expect(before?.isEnded).toBe(false);
  store.doubtAll();
  if (before !== undefined) await store.change(before, { warehouse: 'BATCH_WH' });
  expect(await store.read(key)).toMatchObject({ isEnded: true, warehouse: 'BATCH_WH' });
});

test('what is opened after a revocation was heard is believed without being read again', async () => {
  let reads = 0;
  const db = {
    ...database.db,
    transaction: database.db.transaction.bind(database.db),
    query: (text: string, values?: readonly unknown[]) => {
      if (text.startsWith('SELECT')) reads += 1;
      return database.db.query(text, values);
    },
  } as TestDatabase['db'];
  const store = new SessionStore(db, { cachedMax: 10, freshMs: 60_000 });
  const key = { account: 'demo', sessionId: 'later' };
  store.doubtAll();
  await store.open({ ...session, ...key });
  await store.read(key);
  expect(reads).toBe(0);
  store.doubtAll();
  await store.read(key);
  await store.read(key);
  expect(reads).toBe(1);
});
