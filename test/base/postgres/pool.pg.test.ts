import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertTakesWrites, isReadOnly } from '../../../base/postgres/pool.js';
import { keepsSession } from '../../../base/postgres/session.js';
import { createTestDatabase, openTestPool } from '../../support/database.js';
import { eventually } from '../../e2e/support/eventually.js';
import type { TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 2 });
});
afterAll(() => database.drop());

test('amounts and big integers come back as exact text', async () => {
  const { rows } = await database.db.query(
    `SELECT 0.000000000001::numeric(38,12) AS n, 9007199254740993::bigint AS b`,
  );
  expect(rows).toEqual([{ n: '0.000000000001', b: '9007199254740993' }]);
});

test('a statement marked as prepared is prepared once, in a transaction and outside', async () => {
  const db = openTestPool(database.url, 1);
  const text = '/* prepared: test.sum */ SELECT $1::int + 1 AS n';
  expect((await db.query(text, [1])).rows).toEqual([{ n: 2 }]);
  expect(await db.transaction(async (tx) => (await tx.query(text, [2])).rows)).toEqual([{ n: 3 }]);
  await db.query('SELECT 1', []);
  const { rows } = await db.query('SELECT name FROM pg_prepared_statements');
  expect(rows).toEqual([{ name: 'test.sum' }]);
  await db.stop();
});

test('a connection is what we mean, whatever its role and its address say', async () => {
  for (const setting of [
    'default_transaction_isolation = serializable',
    'search_path = pg_catalog',
    `datestyle = 'SQL, DMY'`,
    'lock_timeout = 20',
    'synchronous_commit = off',
  ])
    await database.db.query(
      `DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET ${setting.replaceAll("'", "''")}', current_database()); END $$`,
    );
  const address = new URL(database.url);
  address.searchParams.set('options', '-c search_path=public -c timezone=Asia/Kathmandu');
  const db = openTestPool(address.href, 1);
  const names = ['search_path', 'timezone', 'datestyle', 'lock_timeout', 'synchronous_commit'];
  const { rows } = await db.transaction((tx) =>
    tx.query(
      `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}, current_setting('transaction_isolation') AS isolation`,
    ),
  );
  expect(rows).toEqual([
    {
      search_path: 'tollgate,public',
      timezone: 'UTC',
      datestyle: 'ISO, MDY',
      lock_timeout: '0',
      synchronous_commit: 'on',
      isolation: 'read committed',
    },
  ]);
  expect(await keepsSession(db)).toBe(true);
  // As behind a pooler, which gives another connection.
  await db.query('SET search_path = public');
  expect(await keepsSession(db)).toBe(false);
  // One that tracks the search path, or a role that has ours, looks right without keeping anything else.
  await db.query('SET search_path = tollgate, public');
  expect(await keepsSession(db)).toBe(true);
  await db.query(`SET tollgate.session = ''`);
  expect(await keepsSession(db)).toBe(false);
  await db.stop();
});

test('a transaction commits whole, or not at all when its work throws', async () => {
  const insert = `INSERT INTO replica (id) VALUES ($1)`;
  await database.db.transaction((tx) => tx.query(insert, ['committed']));
  const failing = database.db.transaction(async (tx) => {
    await tx.query(insert, ['rolled-back']);
    throw new Error('halfway');
  });
  await expect(failing).rejects.toThrow('halfway');
  expect((await database.db.query('SELECT id FROM replica')).rows).toEqual([{ id: 'committed' }]);
});

test('a server that takes no writes is told from one that does, and its connection is not kept', async () => {
  const db = openTestPool(database.url, 1);
  const insert = (): Promise<unknown> =>
    db.transaction((tx) => tx.query(`INSERT INTO replica (id) VALUES ('written')`));
  // The one connection of the pool is another one after each refusal, as to the new primary after a failover.
  await db.query('SET default_transaction_read_only = on');
  await expect(assertTakesWrites(db)).rejects.toMatchObject({
    code: 'ledgerUnavailable',
    message: expect.stringContaining('takes no writes'),
  });
  await assertTakesWrites(db);
  await db.query('SET default_transaction_read_only = on');
  const thrown: unknown = await insert().catch((error: unknown) => error);
  expect(isReadOnly(thrown)).toBe(true);
  await insert();
  await db.stop();
});

test('a deadlock is run again and both transactions commit', async () => {
  for (const id of ['left', 'right'])
    await database.db.query('INSERT INTO replica (id) VALUES ($1)', [id]);
  const touch = 'UPDATE replica SET seen_at = now() WHERE id = $1';
  let attempts = 0;
  let arrived: () => void = () => undefined;
  const met = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let here = 0;
  const cross = (first: string, second: string): Promise<void> =>
    database.db.transaction(async (tx) => {
      attempts += 1;
      await tx.query(touch, [first]);
      here += 1;
      if (here >= 2) arrived();
      await met;
      await tx.query(touch, [second]);
    });
  await Promise.all([cross('left', 'right'), cross('right', 'left')]);
  expect(attempts).toBe(3);
});

test('a single statement that loses a deadlock is run again', async () => {
  for (const id of ['north', 'south'])
    await database.db.query('INSERT INTO replica (id) VALUES ($1)', [id]);
  const touch = 'UPDATE replica SET seen_at = now() WHERE id = $1';
  const both = `WITH south AS (UPDATE replica SET seen_at = now() WHERE id = 'south' RETURNING id)
    UPDATE replica SET seen_at = now() WHERE id = 'north' AND (SELECT count(*) = 1 FROM south)`;
  const onlooker = openTestPool(database.url, 1);
  try {
    const single = await database.db.transaction(async (tx) => {
      // Whoever waits first looks first, and is the one that is ended.
      await tx.query(touch, ['north']);
      const waiting = Promise.allSettled([database.db.query(both)]);
      await eventually(async () => {
        const { rows } = await onlooker.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        expect(rows).toHaveLength(1);
      });
      await tx.query(touch, ['south']);
      // Wrapped, because the commit that follows is what lets it go.
      return () => waiting;
    });
    expect(await single()).toMatchObject([{ status: 'fulfilled', value: { rowCount: 1 } }]);
  } finally {
    await onlooker.stop();
  }
});

test('notifications arrive, and a lost listening connection is told once', async () => {
  let lost = 0;
  const heard: string[] = [];
  let wake: () => void = () => undefined;
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const listener = await database.db.listen(
    ['changes'],
    (_channel, payload) => {
      heard.push(payload);
      wake();
    },
    () => {
      lost += 1;
      wake();
    },
  );
  const arrival = next();
  await database.db.query(`SELECT pg_notify('changes', 'v2')`);
  await arrival;
  expect(heard).toEqual(['v2']);
  const loss = next();
  await database.db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
  );
  await loss;
  await listener.stop();
  expect(lost).toBe(1);
});

test('a connection that breaks between two statements of a transaction fails it, and nothing else', async () => {
  const broken = database.db.transaction(async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await database.db.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    // The event of the loss, which nobody heard would end the process, comes before the next statement.
    for (;;) {
      const { rows: left } = await database.db.query(
        'SELECT 1 FROM pg_stat_activity WHERE pid = $1',
        [rows[0]?.pid],
      );
      if (left.length === 0) break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    await tx.query('SELECT 1');
  });
  await expect(broken).rejects.toThrow(/terminat|not queryable|ended/i);
  expect((await database.db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
