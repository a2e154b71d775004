/** A Postgres of a benchmark's own, with the ledger in it and nothing else; its directory is deleted afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { silentLog } from '../base/log.js';
import { startEmbeddedPostgres } from '../base/postgres/launcher.js';
import { openDatabase, type Database } from '../base/postgres/pool.js';
import { SCHEMA } from '../base/postgres/session.js';
import { migrate } from '../migrations/migrate.js';

/** Where an owner and the application connect to. */
export interface LedgerUrls {
  readonly ownerUrl: string;
  readonly appUrl: string;
}

/** Making millions of rows takes one statement minutes. */
const STATEMENT_MS = 3_600_000;

/** @param isDurable whether commits wait for the disk, as in production. */
export async function withOwnLedger<T>(
  { isDurable }: { readonly isDurable: boolean },
  use: (urls: LedgerUrls) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  try {
    const server = await startEmbeddedPostgres({ dataDir, log: silentLog, durable: isDurable });
    try {
      await migrate(server.ownerUrl, { log: silentLog });
      return await use(server);
    } finally {
      await server.stop(AbortSignal.abort());
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** One of an owner who makes the rows, and the application's pool. */
export interface LedgerConnections {
  readonly owner: pg.Client;
  readonly db: Database;
}

/** Both connections for as long as `use` takes. */
export async function withConnections<T>(
  urls: LedgerUrls,
  use: (connections: LedgerConnections) => Promise<T>,
): Promise<T> {
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  const db = openOwn(urls.appUrl, 4, STATEMENT_MS);
  try {
    await owner.query(`SET search_path = ${SCHEMA}`);
    return await use({ owner, db });
  } finally {
    await db.stop();
    await owner.end();
  }
}

/** A pool that tells nobody of lost connections: the work that lost one fails. */
export function openOwn(url: string, connectionsMax: number, statementTimeoutMs: number): Database {
  return openDatabase(
    {
      url,
      connectionsMax,
      connectTimeoutMs: 10_000,
      statementTimeoutMs,
      applicationName: 'tollgate-bench',
    },
    () => undefined,
  );
}
