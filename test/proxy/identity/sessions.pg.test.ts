import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import { beat, replicaStopped } from '#billing/postgres/replicas.js';
import { revokeCredential } from '../../../admin/stores/credential-store.js';
import {
  SessionStore,
  SHARED_SESSIONS_CHANNEL,
  type SessionState,
} from '../../../proxy/identity/sessions.js';
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
  timeZone: null,
  isEnded: false,
};
const ALWAYS_READ_AGAIN = { replica: 'here', cachedMax: 10, freshMs: 0 };
const REMEMBERS = { replica: 'here', cachedMax: 10, freshMs: 60_000 };

test('what one replica changes, another one reads', async () => {
  const first = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  const second = new SessionStore(database.db, ALWAYS_READ_AGAIN);
  await first.open(session);
  expect(await second.read(session)).toEqual(session);
  await first.change(session, { warehouse: 'BATCH_WH', timeZone: 'Asia/Tokyo' });
  expect(await second.read(session)).toMatchObject({
    warehouse: 'BATCH_WH',
    timeZone: 'Asia/Tokyo',
  });
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
    const store = new SessionStore(database.db, { ...REMEMBERS, cachedMax });
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
  const store = new SessionStore(database.db, REMEMBERS);
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
  const store = new SessionStore(db, REMEMBERS);
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

async function startReplicas(...ids: readonly string[]): Promise<void> {
  for (const id of ids) await beat(database.db, id, { version: null, problem: null });
}

/** A replica that remembers what it has read, and hears the others once `hear` is called. */
function startStore(replica: string): SessionStore {
  return new SessionStore(database.db, { ...REMEMBERS, replica });
}

test('a session that two replicas serve is read by both for every request, and one of a single replica is not', async () => {
  await startReplicas('a', 'b');
  const [a, b] = [startStore('a'), startStore('b')];
  const heard: string[] = [];
  const listening = await database.db.listen(
    [SHARED_SESSIONS_CHANNEL],
    (channel) => {
      heard.push(channel);
      a.doubtAll();
      b.doubtAll();
    },
    () => undefined,
  );
  try {
    const key = { account: 'demo', sessionId: 'two' };
    await a.open({ ...session, ...key });
    // Nobody else has it: what is written past this replica is not looked for.
    await database.db.query(
      "UPDATE session_state SET schema_name = 'TPCH' WHERE session_id = 'two'",
    );
    expect((await a.read(key))?.schema).toBe('PUBLIC');
    expect(heard).toEqual([]);
    const atB = must(await b.read(key), 'it was opened');
    expect(atB.schema).toBe('TPCH');
    await vi.waitFor(() => expect(heard).toEqual([SHARED_SESSIONS_CHANNEL]));
    await b.change(atB, { warehouse: 'BATCH_WH', role: 'OTHER_ROLE' });
    const atA = must(await a.read(key), 'it is known');
    expect(atA).toMatchObject({ warehouse: 'BATCH_WH', role: 'OTHER_ROLE', schema: 'TPCH' });
    await a.change(atA, { warehouse: 'INTERACTIVE_WH' });
    expect((await b.read(key))?.warehouse).toBe('INTERACTIVE_WH');
    // Each is told of once, whoever reads it how often.
    expect(heard).toHaveLength(1);
  } finally {
    await listening.stop();
  }
});

test('a replica gets a session to itself when the one before it is dead, and never one that it may still share', async () => {
  await startReplicas('old', 'new', 'gone');
  await replicaStopped(database.db, 'gone');
  const { rows: before } = await database.db.query<{ id: string }>(
    "SELECT id FROM replica WHERE stopped_at IS NULL AND id IN ('old', 'new', 'gone') ORDER BY id",
  );
  expect(before.map(({ id }) => id)).toEqual(['new', 'old']);
  const isShared = async (sessionId: string): Promise<unknown> => {
    await startStore('new').read({ account: 'demo', sessionId });
    const { rows } = await database.db.query(
      'SELECT home_replica, is_shared FROM session_state WHERE session_id = $1',
      [sessionId],
    );
    return rows[0];
  };
  await startStore('gone').open({ ...session, sessionId: 'of-gone' });
  await startStore('old').open({ ...session, sessionId: 'of-old' });
  await startStore('old').open({ ...session, sessionId: 'of-older-binary' });
  await database.db.query(
    "UPDATE session_state SET home_replica = NULL WHERE session_id = 'of-older-binary'",
  );
  expect(await isShared('of-gone')).toEqual({ home_replica: 'new', is_shared: false });
  expect(await isShared('of-old')).toEqual({ home_replica: 'old', is_shared: true });
  expect(await isShared('of-older-binary')).toEqual({ home_replica: 'new', is_shared: true });
  // A login of the same id is another session.
  await startStore('old').open({ ...session, sessionId: 'of-old' });
  const { rows } = await database.db.query(
    "SELECT home_replica, is_shared FROM session_state WHERE session_id = 'of-old'",
  );
  expect(rows).toEqual([{ home_replica: 'old', is_shared: false }]);
});

test('while a replica does not hear the others it believes no session without reading it', async () => {
  await startReplicas('deaf');
  const store = startStore('deaf');
  const key = { account: 'demo', sessionId: 'deaf' };
  await store.open({ ...session, ...key });
  const set = (schema: string) =>
    database.db.query("UPDATE session_state SET schema_name = $1 WHERE session_id = 'deaf'", [
      schema,
    ]);
  await set('ONE');
  expect((await store.read(key))?.schema).toBe('PUBLIC');
  store.hear(false);
  expect((await store.read(key))?.schema).toBe('ONE');
  await set('TWO');
  expect((await store.read(key))?.schema).toBe('TWO');
  await set('THREE');
  store.hear(true);
  expect((await store.read(key))?.schema).toBe('THREE');
  await set('FOUR');
  expect((await store.read(key))?.schema).toBe('THREE');
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
