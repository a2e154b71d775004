/**
 * Runs once before all tests: brings dist up to date (tests start child processes from it) and starts one Postgres
 * with a migrated template database that test files clone, and makes the demo's warehouse data that they copy. TEST_DATABASE_URL names a server to use instead; its
 * role must be allowed to create databases.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { silentLog } from '../../base/log.js';
import { startEmbeddedPostgres } from '../../base/postgres/launcher.js';
import { migrate } from '../../migrations/migrate.js';
import { createEngine } from '../../warehouse/engine/create-engine.js';
import { buildIfStale } from './build.js';
import { useMemoryFolder } from './memory-folder.js';
import { onDatabase } from './urls.js';

/** What test files need to clone a database; handed over by vitest's provide and inject. */
export interface TestServer {
  /** May create databases and owns what is in them. */
  readonly ownerUrl: string;
  /** The application's role; the same as the owner on a server given by TEST_DATABASE_URL. */
  readonly appUrl: string;
  readonly templateDatabase: string;
  /** Every database of this run begins with it. */
  readonly databasePrefix: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
    /** A directory with the data of the demo's warehouse, to be copied. */
    demoData: string;
  }
}

/** Of the clocks that tests set. */
const LAST_MONTH = '2026-12-01Z';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  buildIfStale();
  // A long run writes for hours, and what a disk takes of it is part of what it is about.
  if (process.env['TOLLGATE_LONG_RUN'] === undefined) useMemoryFolder();
  const demoData = mkdtempSync(path.join(os.tmpdir(), 'tollgate-test-demo-'));
  const made = makeDemoData(demoData);
  const given = process.env['TEST_DATABASE_URL'];
  const server =
    given === undefined
      ? await startOwnServer()
      : { ownerUrl: given, appUrl: given, stop: dropNothing };
  const databasePrefix = `tollgate_test_${randomBytes(4).toString('hex')}_`;
  const templateDatabase = `${databasePrefix}template`;
  try {
    await onServer(server.ownerUrl, (client) =>
      client.query(`CREATE DATABASE ${templateDatabase}`),
    );
    const template = onDatabase(server.ownerUrl, templateDatabase);
    await migrate(template, { log: silentLog });
    // The clocks of tests are their own: their months are open, whatever the day is.
    await onServer(template, (client) =>
      client.query(`SELECT tollgate.open_months('${LAST_MONTH}', 0)`),
    );
  } catch (thrown) {
    await server.stop();
    throw thrown;
  }
  await made;
  project.provide('demoData', demoData);
  project.provide('testServer', {
    ownerUrl: server.ownerUrl,
    appUrl: server.appUrl,
    templateDatabase,
    databasePrefix,
  });
  return async () => {
    if (given !== undefined)
      await onServer(given, (client) => dropDatabases(client, databasePrefix));
    await server.stop();
    rmSync(demoData, { recursive: true, force: true });
  };
}

async function makeDemoData(dataDir: string): Promise<void> {
  const engine = await createEngine({ dataDir, log: silentLog, demoWorld: true });
  await engine.stop();
}

interface OwnServer {
  readonly ownerUrl: string;
  readonly appUrl: string;
  stop(): Promise<void>;
}

async function startOwnServer(): Promise<OwnServer> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'tollgate-test-'));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  try {
    const server = await startEmbeddedPostgres({ dataDir, log: silentLog, durable: false });
    return {
      ownerUrl: server.ownerUrl,
      appUrl: server.appUrl,
      stop: async () => {
        // Test files are over: connections they forgot need no farewell.
        await server.stop(AbortSignal.abort());
        remove();
      },
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

function dropNothing(): Promise<void> {
  return Promise.resolve();
}

async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function dropDatabases(client: pg.Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
    [prefix],
  );
  for (const { name } of rows)
    await client.query(`DROP DATABASE ${client.escapeIdentifier(name)} WITH (FORCE)`);
}
