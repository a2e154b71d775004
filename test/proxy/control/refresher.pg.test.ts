import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { applyControl, ensureControl } from '../../../admin/stores/control-store.js';
import { silentLog } from '../../../base/log.js';
import type { Database } from '../../../base/postgres/pool.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import {
  type ControlChange,
  type ControlRefresher,
  startControlRefresher,
} from '../../../proxy/control/refresher.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../e2e/support/eventually.js';

/** Long enough that only a notification can be the reason for a change. */
const NEVER_MS = 3_600_000;

let database: TestDatabase;
const running: ControlRefresher[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  await ensureControl(database.db, demoControlDocument(), Date.now());
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((refresher) => refresher.stop()));
});
afterAll(() => database.drop());

async function start(
  options: { readonly db?: Database; readonly pollIntervalMs?: number } = {},
): Promise<{ readonly refresher: ControlRefresher; readonly told: ControlChange[] }> {
  const told: ControlChange[] = [];
  const refresher = await startControlRefresher({
    db: database.db,
    log: silentLog,
    pollIntervalMs: NEVER_MS,
    onChange: (change) => told.push(change),
    ...options,
  });
  running.push(refresher);
  return { refresher, told };
}

async function applyName(name: string): Promise<number> {
  const document = demoControlDocument();
  const outcome = await applyControl(database.db, {
    document: { ...document, organisation: { ...document.organisation, name } },
    actor: { id: 'test', role: 'platform' },
    reason: 'test',
    at: Date.now(),
  });
  if (outcome.kind !== 'applied') throw new Error(`not applied: ${outcome.kind}`);
  return outcome.version;
}

/** As a newer program, or a hand in the database, would: nobody checked it and nobody was told. */
async function insertUnchecked(document: unknown): Promise<number> {
  const { rows } = await database.db.query<{ version: string }>(
    `INSERT INTO control_version (author, reason, created_at, document, document_hash)
     VALUES ('somebody', 'by hand', now(), $1, 'unknown') RETURNING version`,
    [JSON.stringify(document)],
  );
  return Number(rows[0]?.version);
}

test('a version is in force on every replica by its notification alone', async () => {
  const replicas = await Promise.all([start(), start(), start()]);
  const version = await applyName('Notified');
  for (const { refresher } of replicas)
    await eventually(() => expect(refresher.current()?.version).toBe(version));
});

test('a version whose notification is lost is in force after a poll', async () => {
  const deaf: Database = {
    ...database.db,
    query: database.db.query.bind(database.db),
    transaction: database.db.transaction.bind(database.db),
    listen: () => Promise.reject(new Error('no notifications here')),
  };
  const { refresher } = await start({ db: deaf, pollIntervalMs: 50 });
  const version = await applyName('Polled');
  await eventually(() => expect(refresher.current()?.version).toBe(version));
});

test('an invalid version leaves the last good one in force and says what is wrong', async () => {
  const { refresher, told } = await start();
  const good = refresher.current()?.version;
  const bad = await insertUnchecked({ ...demoControlDocument(), defaultTier: 'nowhere' });
  await refresher.refresh();
  expect(refresher.current()?.version).toBe(good);
  expect(refresher.rejectedVersion()).toBe(bad);
  expect(told.at(-1)).toEqual({
    version: good,
    problem: `version ${bad} is not valid to this replica: defaultTier "nowhere" is no tier of this document`,
  });
  const next = await applyName('Mended');
  await eventually(() => expect(refresher.current()?.version).toBe(next));
  expect(refresher.rejectedVersion()).toBe(0);
  expect(told.at(-1)).toEqual({ version: next, problem: null });
});

test('a replica that starts on an invalid version has none in force, and takes the first valid one', async () => {
  const bad = await insertUnchecked({ defaultTier: 7 });
  const { refresher, told } = await start();
  expect(refresher.current()).toBeUndefined();
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ version: null });
  expect(told[0]?.problem).toContain(`version ${bad} is not valid to this replica`);
  const next = await applyName('Started');
  await eventually(() => expect(refresher.current()?.version).toBe(next));
});

test('reads at the same time are one read, and what was written during it is read too', async () => {
  let reads = 0;
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const { refresher } = await start({
    db: {
      ...database.db,
      transaction: database.db.transaction.bind(database.db),
      listen: () => Promise.reject(new Error('no notifications here')),
      query: async (text: string, values?: readonly unknown[]) => {
        // Prices are read beside it.
        const isControl = text.includes('control_version');
        if (isControl) reads += 1;
        const found = await database.db.query(text, values);
        if (isControl && reads === 2) await held;
        return found;
      },
    } as Database,
  });
  expect(reads).toBe(1);
  const first = refresher.refresh();
  const version = await applyName('Meanwhile');
  const others = Array.from({ length: 50 }, () => refresher.refresh());
  letGo();
  await Promise.all([first, ...others]);
  expect(reads).toBe(3);
  expect(refresher.current()?.version).toBe(version);
});
