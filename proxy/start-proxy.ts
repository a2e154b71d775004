/** Wiring of one proxy replica: parts in order, replay before ready, drain in reverse. */
import { join } from 'node:path';
import { must } from '#base/assert.js';
import { Lifecycle } from '#base/lifecycle.js';
import type { Clock } from '#base/time.js';
import type { Ids, TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { SealKey } from '#base/sealing.js';
import type { Database } from '#base/postgres/pool.js';
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import { createLedger } from '#billing/create-ledger.js';
import { createAnalyser } from '#policies/sql/analyser.js';
import { Gate } from './admission/gate.js';
import { startControlRefresher, type ControlRefresher } from './control/refresher.js';
import { HistoryCache } from './estimates/history.js';
import { StatisticsCache } from './estimates/statistics.js';
import { createEvents } from './events.js';
import { SESSIONS_CHANNEL, SessionStore } from './identity/sessions.js';
import { TokenSealer } from './identity/tokens.js';
import type { Parts, ProxyLimits } from './parts.js';
import { startReplica, type Replica } from './replica.js';
import { RequestRegistry } from './requests.js';
import { startMeter } from './running/meter.js';
import { RunningStatements } from './running/running.js';
import { startServer } from './server.js';
import { Doubts } from './settlement/doubts.js';
import { openJournal } from './settlement/journal.js';
import { Settler } from './settlement/settler.js';
import { TicketLog } from './settlement/ticket-log.js';
import { createSurface } from './surface/surface.js';
import { createUpstreamEngine } from './upstream/engine.js';
import { Upstreams } from './upstream/upstreams.js';
import type { Upstream } from './upstream/upstreams.js';

export interface ProxyOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly replicaName: string;
  readonly sealKeys: readonly SealKey[];
  /** Fronted accounts and the origins they live at. */
  readonly accounts: readonly { readonly account: string; readonly origin: string }[];
  /** Signs in as the service user of an account; for evidence. */
  readonly connectService: (account: string) => Promise<ServiceConnection>;
  readonly limits: ProxyLimits;
  readonly sessionsCachedMax: number;
  readonly upstreamConnectionsMax: number;
  readonly upstreamConnectTimeoutMs: number;
  readonly meterIntervalMs: number;
}

export interface Proxy {
  readonly port: number;
  /** Why this replica would not serve correctly now; empty: ready. */
  problems(): readonly string[];
  stop(signal: AbortSignal): Promise<void>;
}

const UPSTREAM_SILENCE_MS = 300_000;
/** Half of the second within which every replica has a new version, should a notification be lost. */
const CONTROL_POLL_MS = 500;
const STATISTICS_POLL_MS = 2000;
const SESSION_FRESH_MS = 5000;
const JOURNAL_BYTES_MAX = 1024 ** 3;
const REQUESTS_REMEMBERED_MAX = 10_000;
const REQUEST_REMEMBERED_MS = 15 * 60_000;

/** Starts everything and listens last. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const life = new Lifecycle();
  try {
    return await assemble(options, life);
  } catch (thrown) {
    await life.drain();
    throw thrown;
  }
}

async function assemble(options: ProxyOptions, life: Lifecycle): Promise<Proxy> {
  const { log } = options;
  const parts = await createParts(options, life);
  exposeGauges(options.metrics, parts);
  const replayed = await parts.settler.replay();
  if (replayed > 0)
    log.info({ replayed }, 'outcomes of an earlier life are settled from the journal');
  parts.doubts.start();
  const meter = startMeter(parts, options.meterIntervalMs);
  life.add('meter', { stop: () => Promise.resolve(meter.stop()) });
  const server = life.add('listener', await startServer(parts, options));
  return {
    port: server.port,
    problems: () => problemsOf(parts),
    async stop(signal) {
      signal.addEventListener('abort', () => life.abort(), { once: true });
      const failures = await life.drain();
      for (const failure of failures) log.error({ err: failure }, failure.message);
    },
  };
}

/** Parts in the order they depend on each other; they are stopped in reverse. */
async function createParts(options: ProxyOptions, life: Lifecycle): Promise<Parts> {
  const { log, db, clock, ids, limits } = options;
  const replica = life.add(
    'replica',
    await startReplica(db, log, options.replicaName, ids.ticket(Date.now())),
  );
  const events = createEvents(options.metrics, log);
  const ledger = createLedger(db, clock);
  const directory = join(options.dataDir, 'journal');
  const journal = await openJournal({ directory, bytesMax: JOURNAL_BYTES_MAX, log });
  const settler = new Settler({ ledger, journal, log, events });
  life.add('settler', { stop: (signal) => settler.drain(signal) });
  const ticketLog = life.add('ticket log', new TicketLog(ledger, log));
  const sessions = new SessionStore(db, {
    cachedMax: options.sessionsCachedMax,
    freshMs: SESSION_FRESH_MS,
  });
  const control = life.add('control', await startControl(options, replica, sessions));
  const statistics = life.add('statistics', new StatisticsCache(db, log, STATISTICS_POLL_MS));
  await statistics.refresh();
  const history = life.add('history', new HistoryCache(db, log));
  await history.load();
  const accounts = options.accounts.map((each) => openUpstream(options, each));
  const connect = options.connectService;
  const running = new RunningStatements();
  const realNow = (): number => performance.now();
  const inHand = new Set<TicketId>();
  const isInHand = (ticketId: TicketId): boolean =>
    inHand.has(ticketId) || running.get(ticketId) !== undefined || settler.isPending(ticketId);
  return {
    log,
    clock,
    ids,
    limits,
    replica: replica.id,
    events,
    control,
    sealer: await createTokenSealer(options),
    sessions,
    upstreams: life.add('upstreams', new Upstreams(accounts)),
    analyser: life.add('analyser', createAnalyser()),
    history,
    statistics,
    ledger,
    gate: new Gate(realNow),
    requests: new RequestRegistry({
      rememberedMax: REQUESTS_REMEMBERED_MAX,
      rememberMs: REQUEST_REMEMBERED_MS,
    }),
    running,
    inHand,
    settler,
    doubts: life.add(
      'doubts',
      new Doubts({ db, ledger, settler, control, replica, clock, log, connect, isInHand, realNow }),
    ),
    ticketLog,
    surface: createSurface({ db, clock }),
  };
}

function startControl(
  options: ProxyOptions,
  replica: Replica,
  sessions: SessionStore,
): Promise<ControlRefresher> {
  const { db, log } = options;
  return startControlRefresher({
    db,
    log,
    pollIntervalMs: CONTROL_POLL_MS,
    onChange: (change) => replica.note(change),
    onNotify: { [SESSIONS_CHANNEL]: () => sessions.doubtAll() },
  });
}

async function createTokenSealer(options: ProxyOptions): Promise<TokenSealer> {
  const { rows } = await options.db.query<{ id: string }>('SELECT id FROM deployment');
  return new TokenSealer({
    keys: options.sealKeys,
    randomBytes: (size) => options.ids.randomBytes(size),
    cachedMax: options.sessionsCachedMax * 2,
    audience: must(rows[0], 'the migration makes one deployment').id,
    now: Date.now,
  });
}

function openUpstream(
  options: ProxyOptions,
  each: { readonly account: string; readonly origin: string },
): Upstream {
  return {
    account: each.account,
    host: new URL(each.origin).host,
    engine: createUpstreamEngine({
      origin: each.origin,
      connectionsMax: options.upstreamConnectionsMax,
      silenceTimeoutMs: UPSTREAM_SILENCE_MS,
      connectTimeoutMs: options.upstreamConnectTimeoutMs,
    }),
  };
}

function problemsOf(parts: Parts): readonly string[] {
  return [
    ...(parts.control.current() === undefined ? ['no control document is in force'] : []),
    ...(parts.settler.isJournalHealthy ? [] : ['the local journal cannot be written']),
  ];
}

function exposeGauges(metrics: Metrics, parts: Parts): void {
  metrics.gaugeFrom(
    'tollgate_running_statements',
    'Statements upstream now',
    () => parts.running.size,
  );
  metrics.gaugeFrom(
    'tollgate_settlement_backlog',
    'Settlements the ledger does not have yet',
    () => parts.settler.backlog,
  );
  metrics.gaugeFrom(
    'tollgate_tickets_in_doubt',
    'Tickets whose end was not seen',
    () => parts.doubts.size,
  );
  metrics.gaugeFrom(
    'tollgate_tickets_dropped',
    'Tickets without holds that could not be written',
    () => parts.ticketLog.dropped,
  );
  metrics.gaugeFrom(
    'tollgate_control_version',
    'Version of the control document in force',
    () => parts.control.current()?.version ?? 0,
  );
  metrics.gaugeFrom(
    'tollgate_control_version_rejected',
    'Newest version of the control document that is not valid to this replica; 0: none',
    () => parts.control.rejectedVersion(),
  );
}
