/** The whole system in this process on the test Postgres: embedded warehouse, proxy and admin API on free ports. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemIds } from '../../../base/ids.js';
import { Lifecycle, type Stoppable } from '../../../base/lifecycle.js';
import { silentLog } from '../../../base/log.js';
import { createMetrics } from '../../../base/metrics.js';
import type { Database } from '../../../base/postgres/pool.js';
import type { SealKey } from '../../../base/sealing.js';
import {
  connectService,
  type ServiceConnection,
} from '../../../base/snowflake/service-connection.js';
import { linearClock, systemClock, type Clock } from '../../../base/time.js';
import { startAdmin } from '../../../admin/server.js';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { breakGlassAudit } from '../../../cli/break-glass-audit.js';
import { embeddedServiceUsers, upstreamProbe } from '../../../cli/service-users.js';
import { importTableStatistics } from '../../../billing/import-table-statistics.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { Patience } from '../../../proxy/parts.js';
import { startProxy } from '../../../proxy/start-proxy.js';
import type { TraceOptions } from '../../../proxy/traces.js';
import { startWarehouse, type RunningWarehouse } from '../../../warehouse/start-warehouse.js';
import { testBillsApi } from '../../support/bills-api.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';
import { startDemoEngine } from '../../support/demo-engine.js';

export const ADMIN_TOKEN = 'a-token-for-tests';

export interface System {
  readonly database: TestDatabase;
  readonly warehouse: RunningWarehouse;
  readonly warehouseUrl: string;
  readonly proxyUrl: string;
  /** One a replica; the first is `proxyUrl`. */
  readonly proxyUrls: readonly string[];
  readonly adminUrl: string;
  readonly dataDir: string;
  readonly service: { readonly user: string; readonly password: string };
  /** Calls the admin API; the status and the parsed body. */
  admin(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }>;
  stop(): Promise<void>;
}

export interface SystemOptions {
  /** Changes to the demo world's control document. */
  readonly control?: (document: ControlDocument) => ControlDocument;
  /** False: a test starts the proxy itself, e.g. in a process of its own. */
  readonly withProxy?: boolean;
  /** Proxies on the same database and warehouse; 1 unless given. */
  readonly replicas?: number;
  /** Seal keys by replica; one and the same for all unless given. */
  readonly sealKeys?: readonly (readonly SealKey[])[];
  /** Puts something between the proxies and the warehouse: its port → the port that the proxies are given. */
  readonly upstreamVia?: (warehousePort: number) => Promise<Stoppable & { readonly port: number }>;
  /** Puts something between the proxies and Postgres: its port → the port that they connect to. */
  readonly databaseVia?: (databasePort: number) => Promise<{ readonly port: number }>;
  /** Age from which the proxy reads a session again. */
  readonly sessionFreshMs?: number;
  /** How late the account's views are, times what is documented; 1 unless given. */
  readonly latencyScale?: number;
  /** How long clients wait and are waited for; what production does unless given. */
  readonly patience?: Partial<Patience>;
  /** Who collects traces; nobody unless given. */
  readonly traces?: TraceOptions;
  /** Business seconds in a second; 1 unless given. */
  readonly timeScale?: number;
}

const SEAL_KEYS = [{ id: 'test', key: Buffer.alloc(32, 7) }];

/** Starts everything; about two seconds, most of it the demo data. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-e2e-'));
  const life = new Lifecycle();
  const database = await createTestDatabase({ connectionsMax: 20 });
  const { db } = database;
  const log = silentLog;
  const clock = clockOf(options);
  const engine = life.add('engine', await startDemoEngine(dataDir));
  const warehouse = life.add(
    'warehouse',
    await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock,
      engine,
      log,
      ...(options.latencyScale === undefined ? {} : { latencyScale: options.latencyScale }),
    }),
  );
  const warehouseUrl = `http://127.0.0.1:${warehouse.port}`;
  const service = {
    user: 'TOLLGATE_SERVICE',
    password: (await readFile(join(dataDir, 'service-user-password'), 'utf8')).trim(),
  };
  const connect = (account: string): Promise<ServiceConnection> =>
    connectService({ origin: warehouseUrl, account, application: 'Tollgate', ...service });
  const change = options.control ?? ((document) => document);
  await ensureControl(db, change(demoControlDocument()), Date.now());
  const connection = await connect('demo');
  await importTableStatistics(db, connection, 'demo', log);
  await connection.close();
  const metrics = createMetrics();
  const via = await options.upstreamVia?.(warehouse.port);
  if (via !== undefined) life.add('between proxies and warehouse', via);
  const upstreamUrl = via === undefined ? warehouseUrl : `http://127.0.0.1:${via.port}`;
  const proxyDb = await openProxyDatabase(database, options, life);
  const proxyUrls: string[] = [];
  const replicas = options.withProxy === false ? 0 : (options.replicas ?? 1);
  for (let index = 0; index < replicas; index += 1) {
    const replicaName = `test-${index}`;
    const proxy = await startTestProxy({
      db: proxyDb,
      dataDir: join(dataDir, replicaName),
      replicaName,
      sealKeys: options.sealKeys?.[index] ?? SEAL_KEYS,
      upstreamUrl,
      connect,
      // The gauges of one replica are enough, and two would have one name.
      metrics: index === 0 ? metrics : createMetrics(),
      clock,
      options,
    });
    life.add(replicaName, proxy);
    proxyUrls.push(`http://127.0.0.1:${proxy.port}`);
  }
  const admin = life.add(
    'admin',
    await startAdmin({
      host: '127.0.0.1',
      port: 0,
      log,
      metrics,
      readiness: () => [],
      listeners: () => [],
      api: {
        db,
        clock,
        ledger: createLedger(db, clock),
        token: ADMIN_TOKEN,
        ids: systemIds(),
        sealKeys: SEAL_KEYS,
        bills: testBillsApi(db, clock),
        signIn: {
          sealKeys: SEAL_KEYS,
          randomBytes,
          probe: upstreamProbe({
            connectAs: (account, user, privateKeyPem) =>
              connectService({ origin: warehouseUrl, account, user, privateKeyPem }),
          }),
        },
      },
    }),
  );
  return {
    database,
    warehouse,
    warehouseUrl,
    proxyUrl: proxyUrls[0] ?? 'http://127.0.0.1:0',
    proxyUrls,
    adminUrl: admin.url,
    dataDir,
    service,
    admin: (method, path, body) => callAdmin(admin.url, method, path, body),
    async stop() {
      const failures = await life.drain();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
      const [failure] = failures;
      if (failure !== undefined) throw failure;
    },
  };
}

/** The pool of the test, or one of the proxies' own that goes through something. */
async function openProxyDatabase(
  database: TestDatabase,
  { databaseVia }: SystemOptions,
  life: Lifecycle,
): Promise<Database> {
  if (databaseVia === undefined) return database.db;
  const url = new URL(database.url);
  url.port = String((await databaseVia(Number(url.port))).port);
  return life.add('database of the proxies', openTestPool(url.href, 20));
}

function clockOf({ timeScale = 1 }: SystemOptions): Clock {
  return timeScale === 1 ? systemClock : linearClock(Date.now(), Date.now(), timeScale);
}

interface TestProxyOptions {
  readonly db: Database;
  readonly dataDir: string;
  readonly replicaName: string;
  readonly sealKeys: readonly SealKey[];
  readonly upstreamUrl: string;
  readonly connect: (account: string) => Promise<ServiceConnection>;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly clock: Clock;
  readonly options: SystemOptions;
}

function startTestProxy(options: TestProxyOptions): ReturnType<typeof startProxy> {
  return startProxy({
    log: silentLog,
    clock: options.clock,
    ids: systemIds(),
    metrics: options.metrics,
    db: options.db,
    host: '127.0.0.1',
    port: 0,
    dataDir: options.dataDir,
    replicaName: options.replicaName,
    sealKeys: options.sealKeys,
    accounts: [{ account: 'demo', origin: options.upstreamUrl }],
    connectService: options.connect,
    trustedProxies: [],
    limits: {
      requestBytesMax: 64 * 1024 * 1024,
      inflatedBytesMax: 100 * 1024 * 1024,
      statementBytesMax: 1024 * 1024,
      bodyTimeoutMs: 10_000,
    },
    sessionsCachedMax: 1000,
    upstreamConnectionsMax: 128,
    upstreamConnectTimeoutMs: 2000,
    meterIntervalMs: 500,
    auditBreakGlass: breakGlassAudit(options.db),
    parserSpareCount: 0,
    traces: options.options.traces ?? null,
    provisionServiceUser: embeddedServiceUsers({
      db: options.db,
      clock: options.clock,
      log: silentLog,
      sealKeys: SEAL_KEYS,
      randomBytes,
      connect: options.connect,
    }),
    ...(options.options.sessionFreshMs === undefined
      ? {}
      : { sessionFreshMs: options.options.sessionFreshMs }),
    ...(options.options.patience === undefined ? {} : { patience: options.options.patience }),
  });
}

async function callAdmin(
  adminUrl: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${adminUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}
