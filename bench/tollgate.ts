/**
 * Tollgate as a target: `bin/tollgate.js serve --role proxy` over the demo's control document, on an embedded Postgres
 * with full durability. The proxy process gets the core of the subject; Postgres stays with the load, and its CPU time
 * is reported beside.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureControl } from '../admin/stores/control-store.js';
import { silentLog } from '../base/log.js';
import { startEmbeddedPostgres } from '../base/postgres/launcher.js';
import { openDatabase } from '../base/postgres/pool.js';
import { migrate } from '../migrations/migrate.js';
import { demoControlDocument } from '../policies/control/demo.js';
import { CORES, freePort, pin, startChild, type Child } from './processes.js';
import { isAnswering, program, type TargetStart, type Watching } from './targets.js';

export interface LedgerServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** A migrated database with the control document of the demo. */
export async function startLedger(dataDir: string): Promise<LedgerServer> {
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog, durable: true });
  await migrate(server.ownerUrl, { log: silentLog });
  const db = openDatabase(
    {
      url: server.ownerUrl,
      connectionsMax: 1,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
      applicationName: 'tollgate-bench',
    },
    () => undefined,
  );
  await ensureControl(db, demoControlDocument(), Date.now());
  await db.stop();
  const pid = Number(
    readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  return { url: server.ownerUrl, pid, stop: () => server.stop(AbortSignal.timeout(10_000)) };
}

/** A proxy on a ledger that runs; it is not ready yet. */
export interface Launched {
  readonly child: Child;
  readonly proxyPort: number;
  readonly readyUrl: string;
}

/** Starts the process of the proxy. */
export async function launchProxy(
  ledger: LedgerServer,
  dataDir: string,
  originPort: number,
  isPinned: boolean,
  watching: Watching = { isWatched: false },
): Promise<Launched> {
  const [proxyPort, adminPort] = [await freePort(), await freePort()];
  const settings = [
    `TOLLGATE_DATABASE_URL=${ledger.url}`,
    `TOLLGATE_UPSTREAM=http://127.0.0.1:${originPort}`,
    'TOLLGATE_ACCOUNT=demo',
    `TOLLGATE_PROXY_PORT=${proxyPort}`,
    `TOLLGATE_ADMIN_PORT=${adminPort}`,
    `TOLLGATE_DATA_DIR=${dataDir}`,
    'TOLLGATE_LOG_LEVEL=error',
  ];
  const child = startChild({
    command: 'env',
    args: [
      ...settings,
      process.execPath,
      ...(watching.isWatched ? ['--import', program('./load/loop-watch.js')] : []),
      program('../../bin/tollgate.js'),
      'serve',
      '--role',
      'proxy',
    ],
    core: isPinned ? CORES.subject : null,
    hasChannel: watching.isWatched,
  });
  return { child, proxyPort, readyUrl: `http://127.0.0.1:${adminPort}/readyz` };
}

/** Starts it and logs in as an analyst of the demo; `missing` says at which step that ended. */
export async function tollgate(
  originPort: number,
  isPinned: boolean,
  watching: Watching = { isWatched: false },
): Promise<TargetStart> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-bench-data-'));
  const ledger = await startLedger(dataDir);
  if (isPinned) pin(ledger.pid, CORES.load);
  const { child, proxyPort, readyUrl } = await launchProxy(
    ledger,
    join(dataDir, 'proxy'),
    originPort,
    isPinned,
    watching,
  );
  const stop = async (): Promise<void> => {
    await child.stop();
    await ledger.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  const missing = async (why: string): Promise<TargetStart> => {
    await stop();
    return { kind: 'missing', name: 'tollgate', why };
  };
  if (!(await isAnswering(readyUrl, child, 60_000, 200))) {
    return missing(`it did not become ready: ${child.output().slice(-600)}`);
  }
  const token = await login(proxyPort);
  if ('why' in token) return missing(`the login through it failed: ${token.why}`);
  const authorization = `Snowflake Token="${token.token}"`;
  return {
    kind: 'started',
    target: {
      name: 'tollgate',
      port: proxyPort,
      authorization,
      pid: child.pid,
      helperRoots: [child.pid, ledger.pid],
      ask: (message) => child.ask(message),
      stop,
    },
  };
}

/** A session of an analyst of the demo. */
export async function login(
  port: number,
): Promise<{ readonly token: string } | { readonly why: string }> {
  const response = await fetch(
    `http://127.0.0.1:${port}/session/v1/login-request?requestId=${randomUUID()}&warehouse=INTERACTIVE_WH`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        data: {
          ACCOUNT_NAME: 'demo',
          LOGIN_NAME: 'marketing_analyst',
          PASSWORD: 'demo',
          CLIENT_APP_ID: 'bench',
          CLIENT_APP_VERSION: '1.0.0',
          SESSION_PARAMETERS: {},
        },
      }),
    },
  );
  const text = await response.text();
  const token = /"token":"([^"]+)"/.exec(text)?.[1];
  return token === undefined ? { why: `${response.status} ${text.slice(0, 300)}` } : { token };
}
