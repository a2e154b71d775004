import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '#base/errors.js';
import { revokeCredential } from '../../../admin/stores/credential-store.js';
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

test('sessions of one id at two accounts are two sessions', async () => {
  for (const cachedMax of [1, 10]) {
    const store = new SessionStore(database.db, { cachedMax, freshMs: 60_000 });
    const alpha = { ...session, account: `alpha${cachedMax}`, sessionId: '7' };
    const beta = { ...alpha, account: `beta${cachedMax}`, snowflakeUser: 'SALES_ANALYST' };
    await store.open(alpha);
    await store.open(beta);
    await store.change(alpha, { warehouse: 'BATCH_WH' });
    await store.close(beta);
    expect(await store.read(alpha)).toEqual({ ...alpha, warehouse: 'BATCH_WH' });
    expect((await store.read(beta))?.isEnded).toBe(true);
  }
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

test('a terminated session is known as one on every replica, and ends with its credential', async () => {
  const [first, second] = [ALWAYS_READ_AGAIN, ALWAYS_READ_AGAIN].map(
    (options) => new SessionStore(database.db, options),
  );
  await database.db.query(
    `INSERT INTO credential (id, account, principal_id, kind, name, secret_hash, created_at, created_by)
     VALUES ('c1', 'demo', 'marketing_analyst', 'password', 'x', 'x', now(), 'test')`,
  );
  const terminated: SessionState = {
    ...session,
    sessionId: '4',
    snowflakeUser: 'TOLLGATE_MARKETING',
    signIn: 'terminated',
    credentialId: 'c1',
  };
  expect(await first?.open(terminated)).toBe(true);
  expect(await second?.read(terminated)).toEqual(terminated);
  const by = { actor: { id: 'test', role: 'platform' }, at: Date.now(), reason: 'left' } as const;
  const revoked = await database.db.transaction((tx) =>
    revokeCredential(tx, { account: 'demo', id: 'c1' }, by),
  );
  expect(revoked).toMatchObject({ kind: 'revoked', sessionsEnded: 1 });
  expect((await second?.read(terminated))?.isEnded).toBe(true);
  expect(await first?.open({ ...terminated, sessionId: '5' })).toBe(false);
  expect(await second?.read({ account: 'demo', sessionId: '5' })).toBeUndefined();
});

test('a session that is being recorded while its credential is revoked is seen by the revocation', async () => {
  await database.db.query(
    `INSERT INTO credential (id, account, principal_id, kind, name, secret_hash, created_at, created_by)
     VALUES ('c2', 'demo', 'marketing_analyst', 'password', 'x', 'x', now(), 'test')`,
  );
  const by = { actor: { id: 'test', role: 'platform' }, at: Date.now(), reason: 'left' } as const;
  const store = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  const state = (id: number): SessionState => ({
    ...session,
    sessionId: `race-${id}`,
    signIn: 'terminated',
    credentialId: 'c2',
  });
  const ids = Array.from({ length: 8 }, (_, id) => id);
  const [opened] = await Promise.all([
    Promise.all(ids.map((id) => store.open(state(id)))),
    database.db.transaction((tx) => revokeCredential(tx, { account: 'demo', id: 'c2' }, by)),
  ]);
  for (const id of ids)
    expect((await store.read(state(id)))?.isEnded, String(id)).toBe(
      opened[id] === true ? true : undefined,
    );
});
