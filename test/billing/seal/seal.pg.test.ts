import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { must } from '../../../base/assert.js';
import type { Database } from '../../../base/postgres/pool.js';
import { runUnhurried } from '../../../base/postgres/unhurried.js';
import { createLedger } from '../../../billing/create-ledger.js';
import type { Ledger } from '../../../billing/ledger.js';
import { ledgerLines } from '../../../billing/seal/export-lines.js';
import {
  isRestored,
  readPassedOver,
  readSealBacklog,
  readSealHead,
  RENUMBER_RESTORED,
  sealLedger,
} from '../../../billing/seal/seal.js';
import { verifyLedger } from '../../../billing/seal/verify.js';
import {
  NOON,
  buildSettlement,
  buildTicket,
  credits,
  insertBudget,
} from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';
import { sealAll, TEST_SEAL_KEYS } from '../../support/sealing.js';

const KEYS = TEST_SEAL_KEYS;
const ALL = { from: null, to: null };

let database: TestDatabase;
let owner: Database;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = openTestPool(database.ownerUrl, 2);
  ledger = createLedger(database.db, manualClock());
  await insertBudget(database.db, { id: 'kept', limit: credits('1000') });
});
afterAll(async () => {
  await owner.stop();
  await database.drop();
});
beforeEach(async () => {
  await statement();
  await seal();
});

async function statement(): Promise<void> {
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['kept'], holdCredits: credits('1') });
  await ledger.settle(buildSettlement(ticket.ticketId));
}

/** As the role of the application, which may call it and no more. */
async function renumbered({ url }: TestDatabase): Promise<boolean | undefined> {
  const rows = await runUnhurried<{ renumbered: boolean }>(url, RENUMBER_RESTORED);
  return rows[0]?.renumbered;
}

const seal = (batchMax = 1000): Promise<number> => sealAll(database.db, { batchMax });
const sealNow = (): Promise<number> => sealLedger(database.db, { keys: KEYS, now: NOON });

async function exported(): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of ledgerLines(database.db, ALL)) lines.push(line);
  return lines;
}

/** Changes rows as an owner of the database can: with the triggers off, and back as it was afterwards. */
async function tampered(change: string, look: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query('SET search_path = tollgate');
  const tables = ['journal', 'entry', 'charge', 'ledger_seal', 'ledger_seal_batch'];
  const all = async (action: string): Promise<void> => {
    for (const table of tables) await client.query(`ALTER TABLE ${table} ${action} TRIGGER ALL`);
  };
  const copies = tables.map((table) => `CREATE TEMP TABLE kept_${table} AS TABLE ${table}`);
  for (const copy of copies) await client.query(copy);
  try {
    await all('DISABLE');
    await client.query(change);
    await look();
  } finally {
    for (const table of tables) await client.query(`DELETE FROM ${table}`);
    for (const table of tables)
      await client.query(
        `INSERT INTO ${table} ${table === 'journal' ? 'OVERRIDING SYSTEM VALUE ' : ''}TABLE kept_${table}`,
      );
    await all('ENABLE');
    await client.end();
  }
}

describe('sealing', () => {
  test('every journal gets one place in the chain, and doing it again changes nothing', async () => {
    for (let n = 0; n < 5; n += 1) await statement();
    expect(await seal(3)).toBe(10);
    expect(await seal(3)).toBe(0);
    const { rows } = await database.db.query(
      `SELECT (SELECT count(*) FROM journal) AS journals, count(*) AS seals, max(sequence) AS last,
         (SELECT count(*) FROM journal j WHERE NOT EXISTS (SELECT FROM ledger_seal s WHERE s.journal_id = j.id)) AS unsealed
       FROM ledger_seal`,
    );
    const { journals } = rows[0] as { journals: string };
    expect(rows).toEqual([{ journals, seals: journals, last: journals, unsealed: '0' }]);
    expect(await verifyLedger(await exported(), { keys: KEYS })).toMatchObject({
      kind: 'intact',
      records: Number(journals),
      anchors: { unchecked: 0 },
    });
  });

  test('two that seal at once seal each journal once', async () => {
    for (let n = 0; n < 10; n += 1) await statement();
    const all = await Promise.all([seal(2), seal(2), seal(3)]);
    expect(all.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect((await verifyLedger(await exported())).kind).toBe('intact');
  });

  /** Runs `during` while a transaction that has written a journal is open; its id. */
  async function whileOpen(during: () => Promise<void>): Promise<string> {
    const late = new pg.Client({ connectionString: database.url });
    await late.connect();
    try {
      await late.query('SET search_path = tollgate');
      await late.query('BEGIN');
      const { rows } = await late.query<{ id: string }>(
        `INSERT INTO journal (kind, key, author, reason, occurred_at)
         VALUES ('limit', 'late:' || gen_random_uuid(), 'a', 'b', now()) RETURNING id`,
      );
      await during();
      await late.query('COMMIT');
      return rows[0]?.id ?? '';
    } finally {
      await late.end();
    }
  }

  test('criterion 17: a journal that commits late with a low id is sealed after it commits, and never passed over', async () => {
    const before = await readSealHead(database.db);
    const late = await whileOpen(async () => {
      await statement();
      // What is later than the open transaction waits for it: by id alone, the head would pass the low id.
      expect(await sealNow()).toBe(0);
      expect(await readSealBacklog(database.db)).toMatchObject({ waiting: 2 });
    });
    expect(await seal()).toBe(3);
    const { rows } = await database.db.query<{ sequence: string }>(
      'SELECT sequence FROM ledger_seal WHERE journal_id = $1',
      [late],
    );
    expect(Number(rows[0]?.sequence)).toBeGreaterThan(before.sequence);
    expect(await readPassedOver(database.db, { limit: 10 })).toEqual([]);
  });

  test('a head that passes the horizon, as one that goes by ids does, loses the late journal, and that is found', async () => {
    const other = await createTestDatabase();
    const kept = database;
    database = other;
    try {
      await database.db.query(
        `INSERT INTO journal (kind, key, author, reason, occurred_at) VALUES ('limit', 'first', 'a', 'b', now())`,
      );
      await sealAll(database.db);
      const late = await whileOpen(async () => {
        await database.db.query(
          `INSERT INTO journal (kind, key, author, reason, occurred_at) VALUES ('limit', 'second', 'a', 'b', now())`,
        );
        // The mutant takes what it sees, whoever is still writing.
        await database.db.query(
          `WITH seen AS (SELECT id, recorded_xid FROM journal WHERE key = 'second'), sealed AS (
             INSERT INTO ledger_seal SELECT 2, id, sha256('x') FROM seen)
           INSERT INTO ledger_seal_batch
           SELECT 2, 2, 2, seen.recorded_xid, seen.id, head_hash, head_hash, root, key_id, anchor, sealed_at
           FROM ledger_seal_batch, seen`,
        );
      });
      expect(await sealAll(database.db)).toBe(0);
      expect(await readPassedOver(database.db, { limit: 10 })).toEqual([late]);
    } finally {
      database = kept;
      await other.drop();
    }
  });

  test('a dump that was restored elsewhere is not sealed past itself, and goes on once a start has numbered it anew', async () => {
    const restored = await createTestDatabase();
    const restorer = openTestPool(restored.ownerUrl, 1);
    const write = (key: string): Promise<unknown> =>
      restored.db.query(
        `INSERT INTO journal (kind, key, author, reason, occurred_at) VALUES ('limit', $1, 'a', 'b', now())`,
        [key],
      );
    try {
      await write('sealed');
      await restorer.query(`SELECT nextval(pg_get_serial_sequence('journal', 'id'))`);
      await write('sealed too');
      await sealAll(restored.db);
      // Written past Tollgate: a restore makes nothing right that was not.
      await restorer.query(
        `INSERT INTO journal (id, kind, key, author, reason, occurred_at, recorded_xid) OVERRIDING SYSTEM VALUE
         VALUES (2, 'limit', 'forged', 'a', 'b', now(), '1')`,
      );
      await write('not sealed');
      // As a load of the dump leaves it: transactions of another count, far above this one.
      const off = 'DISABLE TRIGGER USER';
      const on = 'ENABLE TRIGGER USER';
      await restorer.query(
        `ALTER TABLE journal ${off}; ALTER TABLE ledger_seal_batch ${off};
         UPDATE journal SET recorded_xid = (recorded_xid::text::bigint + 4000000000)::text::xid8;
         UPDATE ledger_seal_batch SET last_xid = (last_xid::text::bigint + 4000000000)::text::xid8;
         ALTER TABLE journal ${on}; ALTER TABLE ledger_seal_batch ${on}`,
      );
      await write('after');
      const keys = { keys: KEYS, now: NOON };
      await expect(sealLedger(restored.db, keys)).rejects.toThrow('a dump was restored');
      expect(await isRestored(restored.db)).toBe(true);
      expect(await renumbered(restored)).toBe(true);
      expect(await isRestored(restored.db)).toBe(false);
      // Once is enough, and a ledger of this count is left alone.
      expect(await renumbered(restored)).toBe(false);
      expect(await sealAll(restored.db)).toBe(2);
      await write('later');
      expect(await sealAll(restored.db)).toBe(1);
      expect(await readPassedOver(restored.db, { limit: 10 })).toEqual(['2']);
    } finally {
      await restorer.stop();
      await restored.drop();
    }
  });

  test('the application may neither change nor remove what is sealed', async () => {
    for (const table of ['ledger_seal', 'ledger_seal_batch', 'charge_delta', 'budget_true_up'])
      for (const change of [`DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]) {
        await expect(database.db.query(change)).rejects.toMatchObject({ code: '42501' });
        await expect(owner.query(change)).rejects.toMatchObject({ code: '42501' });
      }
  });
});

describe('criterion 17: what an owner of the database changes in the ledger is found', () => {
  // Of a charge in the middle and of the record behind it; a journal without a seal has no sequence.
  test.each([
    [
      'an amount',
      'UPDATE charge SET credits = credits + 0.000000000001 WHERE journal_id = $picked',
      /changed/,
    ],
    ['an entry', 'UPDATE entry SET credits = credits * 2 WHERE journal_id = $picked', /changed/],
    ['a reason', "UPDATE journal SET reason = 'other' WHERE id = $picked", /changed/],
    [
      'an instant, by a microsecond',
      "UPDATE journal SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = $picked",
      /changed/,
    ],
    ['a charge removed', 'DELETE FROM charge WHERE journal_id = $picked', /changed/],
    ['a journal removed', 'DELETE FROM journal WHERE id = $picked', /removed from the ledger/],
    ['an entry added', "INSERT INTO entry VALUES ($picked, 90, 1, 'spent', 0)", /changed/],
    [
      'a seal that names another journal',
      'UPDATE ledger_seal SET journal_id = -1 WHERE journal_id = $picked',
      /was removed/,
    ],
    [
      'a seal removed',
      'DELETE FROM ledger_seal WHERE journal_id = $picked',
      /one was removed, inserted or moved|does not end here/,
    ],
    [
      'a journal inserted below the head',
      "INSERT INTO journal (kind, key, author, reason, occurred_at, recorded_xid) VALUES ('limit', 'forged', 'a', 'b', now(), '1')",
      /has no seal/,
    ],
    [
      'two seals swapped',
      `UPDATE ledger_seal SET journal_id = -journal_id WHERE journal_id IN ($picked, $next);
       UPDATE ledger_seal SET journal_id = $next WHERE journal_id = -$picked;
       UPDATE ledger_seal SET journal_id = $picked WHERE journal_id = -$next`,
      /does not have its hash/,
    ],
  ])('%s', async (what, change, why) => {
    const { rows } = await database.db.query<{ sequence: number; picked: string; next: string }>(
      `SELECT s.sequence::integer AS sequence, s.journal_id AS picked, n.journal_id AS next
       FROM ledger_seal s JOIN ledger_seal n ON n.sequence = s.sequence + 1 JOIN charge c ON c.journal_id = s.journal_id
       ORDER BY abs(s.sequence - (SELECT max(sequence) / 2 FROM ledger_seal)), s.sequence LIMIT 1`,
    );
    const { sequence, picked, next } = must(rows[0], 'two records');
    const text = change.replaceAll('$picked', picked).replaceAll('$next', next);
    await tampered(text, async () => {
      const outcome = await verifyLedger(await exported(), { keys: KEYS });
      expect(outcome).toMatchObject({
        kind: 'broken',
        why: expect.stringMatching(why) as string,
        sequence: what === 'a journal inserted below the head' ? null : sequence,
      });
    });
    expect((await verifyLedger(await exported(), { keys: KEYS })).kind).toBe('intact');
  });
});
