import { afterAll, beforeAll, expect, test } from 'vitest';
import { alone } from '../../../base/postgres/alone.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('one at a time works, for longer than the server lets transactions be idle', async () => {
  const address = new URL(database.url);
  address.searchParams.set('options', '-c idle_in_transaction_session_timeout=20ms');
  const db = openTestPool(address.href, 2);
  let others: boolean | undefined;
  const worked = await alone(db, 1, async () => {
    await database.db.query('SELECT pg_sleep(0.1)');
    others = await alone(db, 1, () => Promise.reject(new Error('not alone')));
  });
  expect({ worked, others }).toEqual({ worked: true, others: false });
  // Who ends gives it back, and so does one whose work failed.
  await expect(alone(db, 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await alone(db, 1, () => Promise.resolve())).toBe(true);
  await db.stop();
});
