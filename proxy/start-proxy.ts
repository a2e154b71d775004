/** Wiring of one proxy replica: parts in order, replay before ready, drain in reverse. */
import type { LookupFunction } from 'node:net';
import { Lifecycle, type Stoppable } from '#base/lifecycle.js';
import type { Clock } from '#base/time.js';
import type { Ids, TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { SealKey } from '#base/sealing.js';
import { SESSIONS_CHANNEL } from '#base/postgres/channels.js';
import type { Database } from '#base/postgres/pool.js';
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import { approvalsDecided, askForWaiting, withdrawWaiting } from '#billing/approvals.js';
import { lastingPasses, usePasses } from '#billing/passes.js';
import { APPROVALS_CHANNEL } from '#billing/requests.js';
import { openBreakGlass, reserveByBreakGlass } from '#billing/break-glass.js';
import type { BreakGlassUse } from '#billing/break-glass.js';
import { FREEZES_CHANNEL, freezesInForce } from '#billing/freezes.js';
import { KILLS_CHANNEL, killsAsked, killTaken } from '#billing/kills.js';
import type { BatchLimits } from '#billing/batches.js';
import type { Ledger } from '#billing/ledger.js';
import { createAnalyser } from '#policies/sql/analyser.js';
import { LANES_CHANNEL } from '#billing/postgres/lanes.js';
import { Freezes } from './freezes.js';
import { Gate } from './admission/gate.js';
import { laneStore } from './admission/lane-store.js';
import { waitsOf } from './admission/waits.js';
import { Vigil } from './admission/vigil.js';
import { CANCELS_CHANNEL } from '#billing/postgres/follow.js';
import { LEASES_CHANNEL } from '#billing/postgres/lease-rows.js';
import { startControlRefresher, type ControlRefresher } from './control/refresher.js';
import { ExplainBounds } from './estimates/explain-bounds.js';
import { HistoryCache } from './estimates/history.js';
import { StatisticsCache } from './estimates/statistics.js';
import { startBudgetUpkeep } from './budget-upkeep.js';
import { createEvents } from './events.js';
import { WaitLog } from './admission/wait-log.js';
import { exposeGauges } from './gauges.js';
import { exposeLimits } from './occupancies.js';
import { createIdentity } from './identity/create-identity.js';
import { newestIdentity } from './identity/newest.js';
import { SHARED_SESSIONS_CHANNEL } from './identity/sessions.js';
import type { ProvisionServiceUser } from './identity/terminated.js';
import { Judgements } from './judgements/judgements.js';
import type { LeaseKeeper } from './leases.js';
import { openLedger } from './open-ledger.js';
import { OwnStatements } from './own/own-statements.js';
import { DEFAULT_PATIENCE } from './parts.js';
import type { Parts, Patience, ProxyLimits } from './parts.js';
import { problemsOf } from './readiness.js';
import { startReplica, type Replica } from './replica.js';
import { LastingPasses } from './passes.js';
import { RequestRegistry } from './requests.js';
import type { CertificateFiles } from './listener/certificate.js';
import type { ListenerLimits } from './listener/limits.js';
import { startServer } from './listener/server.js';
import { startMeter } from './running/meter.js';
import { Interventions } from './running/kills.js';
import { Uses } from './running/uses.js';
import { RunRates } from './running/run-rates.js';
import { RunningStatements } from './running/running.js';
import { Doubts } from './settlement/doubts.js';
import { TicketLog } from './settlement/ticket-log.js';
import { Storms } from './storms.js';
import { createSurface } from './surface/surface.js';
import { createTierParts, type TierParts } from './tier-parts.js';
import { StatementTraces, type TraceOptions } from './traces.js';
import { createUpstreamEngine } from './upstream/engine.js';
import { Upstreams } from './upstream/upstreams.js';
import type { ConfiguredUpstream } from './upstream/upstreams.js';
import { Slices } from './wire/slices.js';

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
  /** Where accounts live; which of them are fronted, the control document says. */
  readonly accounts: readonly ConfiguredUpstream[];
  /** Host names that stand for no account: the login's ACCOUNT_NAME decides there. */
  readonly sharedHosts?: readonly string[];
  /** Signs in as the service user of an account; for evidence. */
  readonly connectService: (account: string) => Promise<ServiceConnection>;
  /** Networks of balancers whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly limits: ProxyLimits;
  readonly sessionsCachedMax: number;
  readonly upstreamConnectionsMax: number;
  readonly upstreamConnectTimeoutMs: number;
  /** How names of upstreams become addresses; unless given, names of local addresses are refused. */
  readonly lookup?: LookupFunction;
  readonly meterIntervalMs: number;
  /** Caps of the batches in which statements are held and settled; the ledger's own unless given. */
  readonly ledgerLimits?: BatchLimits;
  /** From how many statements a second on budgets are leased; the ledger's own unless given. */
  readonly leaseFromPerSecond?: number;
  /** Parser workers kept warm beside the one that works; 1 unless given. */
  readonly parserSpareCount?: number;
  /** Makes service users where nobody else would (embedded warehouse); absent: administrators do. */
  readonly provisionServiceUser?: ProvisionServiceUser | undefined;
  /** Writes a use of break-glass to the audit log, which belongs to the control plane; absent: its row is all. */
  readonly auditBreakGlass?: (use: BreakGlassUse) => Promise<void>;
  /** Age from which a session is read again, and so how late a revocation is seen; 5 s unless a test waits for it. */
  readonly sessionFreshMs?: number;
  /** How long clients wait and are waited for, where a test does not want to. */
  readonly patience?: Partial<Patience>;
  /** Where people reach the console, for links in refusals. */
  readonly consoleUrl?: string | null;
  /** Certificate and key of the listener; absent: plain HTTP. */
  readonly tls?: CertificateFiles | undefined;
  /** Who collects traces of statements; absent: nobody. */
  readonly traces?: TraceOptions | null;
  /** Caps of the listener that are not its own. */
  readonly listener?: Partial<ListenerLimits> | undefined;
}

export interface Proxy {
  readonly port: number;
  /** Why this replica would not serve correctly now; empty: ready. */
  problems(): readonly string[];
  /** What statements are priced by, for questions about statements that do not run. */
  readonly pricing: Pick<Parts, 'analyser' | 'history' | 'statistics'>;
  stop(signal: AbortSignal): Promise<void>;
}

const UPSTREAM_SILENCE_MS = 300_000;
/** Half of the second within which every replica has a new version, should a notification be lost. */
const CONTROL_POLL_MS = 500;
const STATISTICS_POLL_MS = 2000;
const SESSION_FRESH_MS = 5000;
const REQUESTS_REMEMBERED_MAX = 10_000;
const REQUEST_REMEMBERED_MS = 15 * 60_000;

const realNow = (): number => performance.now();

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
  exposeGauges(options.metrics, () => parts);
  exposeLimits(options.metrics, () => parts);
  const replayed = await parts.settler.replay();
  if (replayed > 0)
    log.info({ replayed }, 'outcomes of an earlier life are settled from the journal');
  parts.doubts.start();
  life.add('budgets', startBudgetUpkeep(options));
  const meter = startMeter(parts, options.meterIntervalMs);
  life.add('meter', { stop: () => Promise.resolve(meter.stop()) });
  const server = life.add('listener', await startServer(parts, options));
  return {
    port: server.port,
    problems: () => problemsOf(parts),
    pricing: parts,
    async stop(signal) {
      signal.addEventListener('abort', () => life.abort(), { once: true });
      parts.vigil.giveUp();
      const failures = await life.drain();
      for (const failure of failures) log.error({ err: failure }, failure.message);
    },
  };
}

/** Parts in the order they depend on each other; they are stopped in reverse. */
async function createParts(options: ProxyOptions, life: Lifecycle): Promise<Parts> {
  const { log, db, clock, ids, limits, metrics } = options;
  const replica = life.add('replica', await startReplica(options, ids.ticket(Date.now())));
  const { traces: collected = null } = options;
  const traces = collected === null ? null : new StatementTraces(collected);
  const events = createEvents(options.metrics, log, traces);
  const settling = await openLedger({ ...options, replica: replica.id, events }, life);
  const { ledger, leaseKeeper, offline, settler } = settling;
  const ticketLog = life.add('ticket log', new TicketLog(ledger, log));
  const identity = await createIdentity({
    ...options,
    events,
    replica: replica.id,
    sessionFreshMs: options.sessionFreshMs ?? SESSION_FRESH_MS,
  });
  life.add('claims', identity.claims);
  const waiting = createWaiting(options, ledger, replica, life, identity);
  life.add('vigil', waiting.vigil);
  life.add('gate', waiting.gate);
  life.add('passes', await startPasses(waiting.approvals));
  const running = new RunningStatements();
  const guards = createGuards(options, replica, running, life);
  await guards.freezes.refresh();
  const control = life.add(
    'control',
    await startControl(options, replica, identity, waiting, { ...guards, leaseKeeper }),
  );
  const statistics = life.add('statistics', new StatisticsCache(db, log, STATISTICS_POLL_MS));
  await statistics.refresh();
  const history = life.add('history', new HistoryCache({ db, log, metrics, replica: replica.id }));
  await history.load();
  const connect = options.connectService;
  const inHand = new Set<TicketId>();
  const isInHand = (ticketId: TicketId): boolean =>
    inHand.has(ticketId) || running.get(ticketId) !== undefined || settler.isPending(ticketId);
  return {
    log,
    clock,
    ids,
    limits,
    slices: new Slices(),
    replica: replica.id,
    consoleUrl: options.consoleUrl ?? null,
    events,
    traces,
    control,
    ...identity,
    upstreams: life.add('upstreams', openUpstreams(options, control)),
    analyser: life.add('analyser', openAnalyser(options)),
    history,
    statistics,
    ledger,
    offline,
    ...waiting,
    waitLog: life.add('waits', new WaitLog(options)),
    running,
    ...guards,
    inHand,
    settler,
    doubts: life.add(
      'doubts',
      new Doubts({ db, ledger, settler, control, replica, clock, log, connect, isInHand, realNow }),
    ),
    ticketLog,
    surface: createSurface({ db, clock, running, waits: waitsOf(db, control) }),
  };
}

/** What looks at repeating shapes, loops and emergencies, and at what people end. */
function createGuards(
  { db, log, clock, auditBreakGlass }: ProxyOptions,
  replica: Replica,
  running: RunningStatements,
  life: Lifecycle,
): Pick<Parts, 'breakGlass' | 'freezes' | 'interventions' | 'runRates' | 'storms'> {
  life.add('uses', new Uses({ db, log, clock, replica: replica.id, running }));
  return {
    interventions: new Interventions({
      asked: () => killsAsked(db, replica.id),
      taken: (ticketId) => killTaken(db, ticketId),
    }),
    breakGlass: {
      open: (by, at, minutes) => openBreakGlass(db, by, at, minutes),
      reserve: (request, by) => reserveByBreakGlass(db, request, by),
      tell: (use) => auditBreakGlass?.(use) ?? Promise.resolve(),
    },
    freezes: life.add(
      'freezes',
      new Freezes({ read: () => freezesInForce(db, clock.now()), clock, log }),
    ),
    storms: new Storms(log, clock, () => performance.now()),
    runRates: life.add('run rates', new RunRates({ db, log, clock })),
  };
}

/** What statements wait in and for, and who looks after those that do. */
function createWaiting(
  options: ProxyOptions,
  ledger: Ledger,
  { id: replica, isHeard }: Replica,
  life: Lifecycle,
  identity: Pick<Parts, 'sealer' | 'sessions'>,
): Pick<
  Parts,
  | 'approvals'
  | 'explainBounds'
  | 'gate'
  | 'judgements'
  | 'ownStatements'
  | 'patience'
  | 'requests'
  | 'vigil'
> &
  TierParts {
  const patience = { ...DEFAULT_PATIENCE, ...options.patience };
  const { abandonedAfterMs } = patience;
  const { db, clock, log } = options;
  return {
    ...createTierParts({ db, ledger, log, replica, realNow }),
    gate: new Gate({ store: laneStore(db), replica, isHeard, log, now: realNow }),
    patience,
    explainBounds: new ExplainBounds(),
    judgements: life.add('judgements', new Judgements(db, log, clock)),
    ownStatements: new OwnStatements(db),
    requests: new RequestRegistry({
      now: realNow,
      rememberedMax: REQUESTS_REMEMBERED_MAX,
      rememberMs: REQUEST_REMEMBERED_MS,
    }),
    vigil: new Vigil({
      ledger,
      decided: (ticketIds) => approvalsDecided(db, ticketIds),
      log,
      abandonedAfterMs,
      newest: (of) => newestIdentity(identity, of),
      realTime: Date.now,
    }),
    approvals: {
      lasting: new LastingPasses({ read: () => lastingPasses(db, clock.now()), clock, log }),
      use: (use) => usePasses(db, { ...use, at: clock.now() }),
      ask: (ask) => askForWaiting(db, { ...ask, at: clock.now() }),
      withdraw: (ticketId, reason) => withdrawWaiting(db, ticketId, reason, clock.now()),
    },
  };
}

async function startPasses({
  lasting,
}: Parts['approvals']): Promise<Parts['approvals']['lasting']> {
  await lasting.refresh();
  return lasting;
}

function startControl(
  options: ProxyOptions,
  replica: Replica,
  { sessions }: Pick<Parts, 'sessions'>,
  { approvals, gate, vigil }: Pick<Parts, 'approvals' | 'gate' | 'vigil'>,
  {
    freezes,
    interventions,
    leaseKeeper,
  }: Pick<Parts, 'freezes' | 'interventions'> & {
    readonly leaseKeeper: LeaseKeeper;
  },
): Promise<ControlRefresher> {
  const { db, log } = options;
  return startControlRefresher({
    db,
    log,
    pollIntervalMs: CONTROL_POLL_MS,
    onChange: (change) => replica.note(change),
    onHearing: (isHearing) => sessions.hear(isHearing),
    onNotify: {
      [SESSIONS_CHANNEL]: () => {
        sessions.doubtAll();
        interventions.wake();
      },
      [SHARED_SESSIONS_CHANNEL]: () => sessions.doubtAll(),
      [KILLS_CHANNEL]: () => interventions.wake(),
      [FREEZES_CHANNEL]: () => void freezes.refresh(),
      [LANES_CHANNEL]: (payload) => gate.onNotify(payload),
      [LEASES_CHANNEL]: (periodId) => leaseKeeper.onAsked(periodId),
      [CANCELS_CHANNEL]: () => interventions.wake(),
      [APPROVALS_CHANNEL]: () => {
        void approvals.lasting.refresh();
        void vigil.round();
      },
    },
  });
}

function openAnalyser({ parserSpareCount }: ProxyOptions): Parts['analyser'] & Stoppable {
  return createAnalyser(
    parserSpareCount === undefined ? {} : { parser: { spareCount: parserSpareCount } },
  );
}

function openUpstreams(options: ProxyOptions, control: ControlRefresher): Upstreams {
  return new Upstreams({
    configured: options.accounts,
    accounts: () => control.current()?.document.accounts,
    sharedHosts: options.sharedHosts ?? [],
    log: options.log,
    openEngine: (origin) =>
      createUpstreamEngine({
        origin,
        connectionsMax: options.upstreamConnectionsMax,
        silenceTimeoutMs: UPSTREAM_SILENCE_MS,
        connectTimeoutMs: options.upstreamConnectTimeoutMs,
        ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      }),
  });
}
