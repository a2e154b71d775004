/**
 * The composition root: which parts a process is made of, in the order they start. Everything is handed its clock,
 * its database and its secrets here; nothing below reads the environment.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config, Secrets } from '../base/config.js';
import { systemIds } from '../base/ids.js';
import { Lifecycle } from '../base/lifecycle.js';
import { createLog } from '../base/log.js';
import { createMetrics } from '../base/metrics.js';
import { followOutages } from '../base/postgres/outages.js';
import type { Database } from '../base/postgres/pool.js';
import type { SealKey } from '../base/sealing.js';
import { systemClock, type Clock } from '../base/time.js';
import { ensureControl } from '../admin/stores/control-store.js';
import { readConsoleFiles } from '../admin/console/console-files.js';
import { startAdmin } from '../admin/server.js';
import type { AdminApi, ConsoleOptions } from '../admin/admin-api.js';
import { createLedger } from '../billing/create-ledger.js';
import { DEFAULT_BATCH_LIMITS } from '../billing/ledger-batches.js';
import { demoControlDocument } from '../policies/control/demo.js';
import { startProxy, type Proxy } from '../proxy/start-proxy.js';
import { openWarehouseClock } from '../warehouse/clock.js';
import { SERVICE_USER, type UserInput } from '../warehouse/identity/users.js';
import { breakGlassAudit } from './break-glass-audit.js';
import {
  checkKeyFiles,
  configuredUpstreams,
  lookupOf,
  serviceAccounts,
  type Configured,
  type ServiceAccounts,
} from './accounts.js';
import { certificateFiles, checkCertificate } from './listener-certificate.js';
import { listenersOf, readiness } from './health.js';
import { keptAdminToken, keptSealKeys, prepareDataDir } from './secret-files.js';
import { embeddedServiceUsers, upstreamProbe } from './service-users.js';
import { billsApi } from './bills.js';
import { usageFiles } from './usage-files/spool.js';
import { howToConnect } from './welcome.js';
import { oidcOf } from './console-sign-in.js';
import { openLedgerDatabase, replicaNameOf, startFailure } from './ledger-database.js';
import type { LedgerDatabaseOptions } from './ledger-database.js';
import { ledgerKeeper } from './ledger-keeper.js';
import { monthKeeper } from './month-keeper.js';
import { configuredSenders, startNotifier } from './notifier.js';
import { createStatementPricing } from './statement-pricing.js';
import { tracesOf } from './tracing.js';
import { untilStopped } from './until-stopped.js';
import { startWorker } from './worker.js';
import { startLedgerGauges } from './ledger-gauges.js';

export interface ServeOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Standard output, a line at a time. */
  readonly print: (line: string) => void;
}

/** What the parts of a process share: all that the first of them, the ledger's database, is opened with. */
type World = LedgerDatabaseOptions;

/** What is listening, for the welcome. */
interface Listening {
  readonly proxyPort: number | null;
  readonly adminPort: number;
  readonly warehousePort: number | null;
}

/** Starts the roles of the configuration and runs until a signal; the exit code. A start that fails ends as a Fault. */
export async function serve(options: ServeOptions): Promise<number> {
  const startedAt = performance.now();
  const { config, secrets } = options;
  const life = new Lifecycle();
  const outages = followOutages(createLog(config.logLevel), () => performance.now());
  const { log } = outages;
  const stopped = untilStopped(life, log, config.drainTimeoutSeconds);
  try {
    const dataDir = prepareDataDir(config.dataDir);
    const metrics = createMetrics();
    const world: World = { config, secrets, dataDir, log, outages, metrics, life };
    const listening = await stopped.started(() => startRoles(world));
    if (listening === undefined) return await stopped.exitCode;
    for (const line of howToConnect(config, listening, performance.now() - startedAt))
      options.print(line);
  } catch (thrown) {
    await life.drain();
    throw startFailure(thrown);
  }
  return stopped.exitCode;
}

async function startRoles(world: World): Promise<Listening> {
  const { config, life, log } = world;
  const has = (role: Config['roles'][number]): boolean => config.roles.includes(role);
  checkKeyFiles(world, configuredUpstreams(config, null));
  checkCertificate(config);
  // What is missing is told before anything starts.
  oidcOf(config, world.secrets, log);
  const clock = await openClock(world);
  const warehousePort = has('warehouse') ? await startEmbeddedWarehouse(world, clock) : null;
  const needsDatabase = has('proxy') || has('admin') || has('worker');
  const db = needsDatabase ? await openLedgerDatabase(world) : null;
  if (db !== null && config.upstream.kind === 'embedded') {
    await ensureControl(db, demoControlDocument(), clock.now());
  }
  const upstreams = configuredUpstreams(config, warehousePort);
  const accounts = serviceAccounts(world, upstreams, db);
  if (db !== null && has('worker')) {
    const { metrics } = world;
    const keepLedger = ledgerKeeper({ db, clock, log, metrics, sealKeys: sealKeysOf(world) });
    const keepMonths = monthKeeper({ db, clock, log, metrics });
    const kept = { keepLedger, keepMonths };
    const worker = life.add('worker', startWorker({ db, clock, log, accounts, ...kept }));
    // Nothing is known yet of a warehouse that has just been made: its first statements would be guesses, which refuse nothing.
    if (config.upstream.kind === 'embedded' && has('proxy')) await worker.firstStatistics;
    const { administratorChannels } = config;
    const senders = configuredSenders({ ...config, ...world.secrets });
    const notifier = { db, clock, log, metrics, administratorChannels, senders };
    life.add('notifier', startNotifier(notifier));
    life.add('ledger gauges', startLedgerGauges({ db, clock, log, metrics }));
  }
  const proxy =
    db !== null && has('proxy')
      ? await startProxyRole(world, db, clock, upstreams, accounts)
      : null;
  const admin = await startAdmin({
    host: config.host,
    port: config.adminPort,
    log,
    metrics: world.metrics,
    listeners: () => listenersOf(config, proxy?.port ?? null, warehousePort),
    readiness: () => readiness(db, world.outages, proxy),
    api: db !== null && has('admin') ? apiOf(world, { db, clock, accounts, proxy }) : null,
  });
  life.add('admin', admin);
  return { proxyPort: proxy?.port ?? null, adminPort: admin.port, warehousePort };
}

function apiOf(
  world: World,
  {
    db,
    clock,
    accounts,
    proxy,
  }: {
    readonly db: Database;
    readonly clock: Clock;
    readonly accounts: ServiceAccounts;
    readonly proxy: Proxy | null;
  },
): AdminApi {
  const { config, secrets, dataDir, life, log, metrics } = world;
  const ledger = createLedger(db, clock);
  const sealKeys = sealKeysOf(world);
  const pricing = life.add(
    'pricing',
    createStatementPricing({ db, log, metrics, clock, ledger, pricing: proxy?.pricing ?? null }),
  );
  return {
    db,
    clock,
    ledger,
    token: secrets.adminToken ?? keptAdminToken(dataDir),
    ids: systemIds(),
    sealKeys,
    bills: billsApi(db, clock, { ...config, ...secrets }),
    usageFiles: usageFiles(dataDir),
    eventFollowersMax: config.eventFollowersMax,
    price: pricing.price,
    ...consoleOf(world),
    signIn: { sealKeys, randomBytes, probe: upstreamProbe(accounts) },
  };
}

/** The console where it was built, beside this file's folder in dist. */
function consoleOf({ config, secrets, log }: World): { readonly console?: ConsoleOptions } {
  const files = readConsoleFiles(fileURLToPath(new URL('../console/', import.meta.url)));
  const isSecure = config.consolePublicUrl?.startsWith('https:') ?? false;
  const oidc = oidcOf(config, secrets, log);
  const { signInsMax, confirmAfterMinutes: minutes } = config;
  const confirmAfterMs = minutes === 0 ? Infinity : minutes * 60_000;
  const options = { isSecure, confirmAfterMs, signInsMax, ...(oidc && { oidc }) };
  return files === null ? {} : { console: { files, ...options } };
}

function openClock(world: World): Promise<Clock> {
  const { config } = world;
  if (config.upstream.kind !== 'embedded') return Promise.resolve(systemClock);
  return openWarehouseClock(path.join(world.dataDir, 'warehouse'), config.timeScale);
}

async function startEmbeddedWarehouse(world: World, clock: Clock): Promise<number> {
  const { config, life, log } = world;
  const dataDir = path.join(world.dataDir, 'warehouse');
  // Loaded here only: in front of a real account no process has them.
  const [{ createEngine }, { startWarehouse }] = await Promise.all([
    import('../warehouse/engine/create-engine.js'),
    import('../warehouse/start-warehouse.js'),
  ]);
  const engine = life.add('engine', await createEngine({ dataDir, log, demoWorld: true }));
  const warehouse = await startWarehouse({
    host: config.host,
    port: config.warehousePort,
    dataDir,
    clock,
    engine,
    log,
    latencyScale: config.latencyScale,
    users: givenServiceUser(world),
    ...(config.warehousePublicUrl === null ? {} : { publicUrl: config.warehousePublicUrl }),
  });
  life.add('warehouse', warehouse);
  return warehouse.port;
}

/** Processes that share nothing but settings sign in at the warehouse of another by what these say. */
function givenServiceUser({ config, secrets }: World): readonly UserInput[] {
  const { servicePassword: password } = secrets;
  if (password === null) return [];
  return [{ name: config.serviceUser ?? SERVICE_USER, password, roles: ['ACCOUNTADMIN'] }];
}

async function startProxyRole(
  world: World,
  db: Database,
  clock: Clock,
  upstreams: readonly Configured[],
  accounts: ServiceAccounts,
): Promise<Proxy> {
  const { config, log, metrics, dataDir } = world;
  const sealKeys = sealKeysOf(world);
  const replicaName = replicaNameOf(dataDir);
  const traces = await tracesOf({ ...config, ...world.secrets }, metrics, replicaName);
  if (traces !== null) world.life.add('traces', traces.tracer);
  const proxy = await startProxy({
    log,
    traces,
    clock,
    ids: systemIds(),
    metrics,
    db,
    host: config.host,
    port: config.proxyPort,
    tls: certificateFiles(config),
    listener: { connectionsMax: config.connectionsMax },
    dataDir,
    replicaName,
    sealKeys,
    accounts: upstreams,
    sharedHosts: config.sharedHosts,
    ...lookupOf(config),
    connectService: (account) => accounts.connect(account),
    trustedProxies: config.trustedProxies,
    consoleUrl: config.consolePublicUrl,
    limits: {
      requestBytesMax: config.requestBytesMax,
      inflatedBytesMax: config.inflatedBytesMax,
      statementBytesMax: config.statementBytesMax,
      bodyTimeoutMs: 60_000,
    },
    sessionsCachedMax: config.sessionsCachedMax,
    upstreamConnectionsMax: config.upstreamConnectionsMax,
    upstreamConnectTimeoutMs: config.upstreamConnectTimeoutMs,
    meterIntervalMs: config.meterIntervalMs,
    auditBreakGlass: breakGlassAudit(db),
    ledgerLimits: {
      ...DEFAULT_BATCH_LIMITS,
      sizeMax: config.ledgerBatchMax,
      waitingMax: config.ledgerWaitingMax,
    },
    leaseFromPerSecond: config.leaseFromPerSecond,
    provisionServiceUser:
      config.upstream.kind === 'embedded'
        ? embeddedServiceUsers({
            db,
            clock,
            log,
            sealKeys,
            randomBytes,
            connect: (account) => accounts.connect(account),
          })
        : undefined,
  });
  return world.life.add('proxy', proxy);
}

function sealKeysOf({ secrets, dataDir }: World): readonly SealKey[] {
  return secrets.sealKeys ?? keptSealKeys(dataDir);
}
