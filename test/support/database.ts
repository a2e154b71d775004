/** A database of its own for a test file: a clone of the migrated template. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, inject } from 'vitest';
import { openDatabase } from '../../base/postgres/pool.js';
import type { Database } from '../../base/postgres/pool.js';
import { onDatabase } from './urls.js';

export interface TestDatabase {
  /** A pool of the application's role. */
  readonly db: Database;
  /** Connection of the application's role. */
  readonly url: string;
  /** Connection of the role that owns the tables. */
  readonly ownerUrl: string;
  /** Ends the pool and drops the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  readonly connectionsMax?: number;
  /** True: an empty database without our schema. */
  readonly empty?: boolean;
}

/** Clones the template (14 to 60 ms). Call in `beforeAll`, `drop()` in `afterAll`. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = inject('testServer');
  const name = `${server.databasePrefix}${randomBytes(6).toString('hex')}`;
  const source =
    options.empty === true ? '' : ` TEMPLATE ${server.templateDatabase} STRATEGY FILE_COPY`;
  await asOwner(server.ownerUrl, `CREATE DATABASE ${name}${source}`);
  const url = onDatabase(server.appUrl, name);
  const db = openTestPool(url, options.connectionsMax ?? 10);
  return {
    db,
    url,
    ownerUrl: onDatabase(server.ownerUrl, name),
    drop: async () => {
      await db.stop();
      await untilLeft(server.ownerUrl, name);
      await asOwner(server.ownerUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** A pool for tests: short waits, and a broken idle connection is not an event worth a word. */
export function openTestPool(url: string, connectionsMax: number): Database {
  return openDatabase(
    {
      url,
      connectionsMax,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 15_000,
      applicationName: 'tollgate-test',
    },
    () => undefined,
  );
}

/** For `afterEach`: fails when a test left a ticket open, and with it its holds (I2). */
export async function expectNoOpenHolds(db: Database): Promise<void> {
  const { rows } = await db.query<{ ticket_id: string }>('SELECT ticket_id FROM open_ticket');
  expect(rows.map((row) => row.ticket_id)).toEqual([]);
}

/** Fails when one of the ledger's invariants does not hold: every `invariant_…` view must be empty. */
export async function expectInvariants(db: Database): Promise<void> {
  const { rows: views } = await db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.views
      WHERE table_schema = 'tollgate' AND starts_with(table_name, 'invariant_') ORDER BY table_name`,
  );
  expect(views.length).toBeGreaterThan(0);
  for (const { name } of views) {
    const { rows } = await db.query(`SELECT * FROM ${name}`);
    expect({ [name]: rows }).toEqual({ [name]: [] });
  }
}

const LEAVE_MS = 2_000;

/**
 * Waits for connections that are being closed: a pool has ended before its sockets have, and one that is cut in that
 * moment reports an error to nobody. What does not leave in time is cut.
 */
async function untilLeft(ownerUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const deadline = performance.now() + LEAVE_MS;
    for (;;) {
      const { rows } = await client.query<{ open: string }>(
        'SELECT count(*) AS open FROM pg_stat_activity WHERE datname = $1',
        [name],
      );
      if (rows[0]?.open === '0' || performance.now() > deadline) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    await client.end();
  }
}

async function asOwner(ownerUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
