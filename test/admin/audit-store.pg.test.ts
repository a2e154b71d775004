import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  appendAudit,
  AUDIT_GENESIS,
  type AuditEntry,
  hashOfEvent,
  readAudit,
} from '../../admin/stores/audit-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let world: TestDatabase;
beforeAll(async () => {
  world = await createTestDatabase();
});
afterAll(() => world.drop());

function entry(subject: string): AuditEntry {
  return {
    actor: { id: 'admin-token', role: 'platform' },
    action: 'budget.limit',
    subject,
    reason: 'launch',
    before: { limitCredits: '40', z: undefined },
    after: { limitCredits: '250.000000000001', a: [1, { b: null }] },
    at: Date.UTC(2026, 10, 25, 12, 0, 0, 123),
  };
}

test('events at the same time stand in one chain, and what is read back has the hash it was given', async () => {
  const written = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      world.db.transaction((tx) => appendAudit(tx, entry(`budget/${index}`))),
    ),
  );
  expect(written).toHaveLength(20);
  const events = await readAudit(world.db, { afterSequence: 0, limit: 100 });
  expect(events.map((event) => event.sequence)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  let previous = AUDIT_GENESIS;
  for (const { hash, ...event } of events) {
    expect(event.previousHash).toBe(previous);
    expect(hashOfEvent(event)).toBe(hash);
    previous = hash;
  }
});

test('an event of a write that did not happen does not stand either', async () => {
  const before = await readAudit(world.db, { afterSequence: 0, limit: 100 });
  await expect(
    world.db.transaction(async (tx) => {
      await appendAudit(tx, entry('budget/lost'));
      throw new Error('the write failed');
    }),
  ).rejects.toThrow('the write failed');
  expect(await readAudit(world.db, { afterSequence: 0, limit: 100 })).toEqual(before);
});

test('the log takes no change: neither UPDATE nor DELETE nor TRUNCATE, by the application or its owner', async () => {
  await world.db.transaction((tx) => appendAudit(tx, entry('budget/kept')));
  const owner = new pg.Client({ connectionString: world.ownerUrl });
  await owner.connect();
  try {
    for (const sql of [
      "UPDATE tollgate.audit_event SET actor = 'nobody'",
      'DELETE FROM tollgate.audit_event',
      'TRUNCATE tollgate.audit_event',
    ]) {
      await expect(world.db.query(sql)).rejects.toThrow(/permission denied/);
      await expect(owner.query(sql)).rejects.toThrow(/audit_event/);
    }
  } finally {
    await owner.end();
  }
});
