/** The embedded warehouse: puts its parts together, listens, and stops in order. */
import { assert } from '#base/assert.js';
import type { Stoppable } from '#base/lifecycle.js';
import type { Log } from '#base/log.js';
import type { Clock } from '#base/time.js';
import { createViews } from './account-usage/views.js';
import type { Engine } from './engine/engine.js';
import { EventLog } from './metering/event-log.js';
import type { LoggedStatement } from './metering/events.js';
import { createExecutor } from './statement/executor.js';
import { WarehouseFaults } from './protocol/faults.js';
import { Fleet } from './fleet/fleet.js';
import { openListener } from './protocol/listener.js';
import type { PageParts } from './protocol/result-pages.js';
import { meterHours } from './metering/metering.js';
import type { WarehouseHour } from './metering/metering.js';
import type { RouteWorld } from './protocol/routes.js';
import { PageReader } from './results/documents.js';
import { ResultLinks } from './results/links.js';
import { openIdentity } from './identity/open-identity.js';
import { Sessions } from './identity/sessions.js';
import { ApiRequests } from './sql-api/requests.js';
import type { Validity } from './identity/sessions.js';
import { importSeededMonth } from './seed-month/import-month.js';
import type { SeedOutcome } from './seed-month/import-month.js';
import type { SeedOptions } from './seed-month/seed-month.js';
import { Statements } from './statement/statements.js';
import { sweepSessions } from './statement/sweep.js';
import type { UserInput } from './identity/users.js';

const DEFAULT_VALIDITY: Validity = { sessionSeconds: 3600, masterSeconds: 14_400 };
const DEFAULT_LONG_POLL_MS = 45_000;
const DEFAULT_KEPT_RESULT_BYTES = 256 * 1024 * 1024;
/** The addresses of Snowflake's result pages are valid for six hours. */
const DEFAULT_PAGE_LINK_MS = 6 * 3_600_000;
const SWEEP_EVERY_MS = 60_000;
/** How long a stop waits for statements to end by themselves before it cancels them. */
const DRAIN_MS = 5_000;

export interface WarehouseOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Users, warehouses and the event log live here. */
  readonly dataDir: string;
  /** The warehouse clock; everything billed, suspended and timed out is counted in it. */
  readonly clock: Clock;
  /** Stays the caller's to stop. */
  readonly engine: Engine;
  readonly log: Log;
  /** Added to the users of the data directory. */
  readonly users?: readonly UserInput[];
  readonly validity?: Validity;
  /** Real milliseconds that a request waits for a running statement; 45 s unless a test wants less. */
  readonly longPollMs?: number;
  /** Most bytes of memory that the first rows of results are kept in. */
  readonly keptResultBytes?: number;
  /** How long the address of a result page is valid, in milliseconds of real time. */
  readonly pageLinkMs?: number;
  /** Where clients reach this listener, such as `https://warehouse.example`; the host they named when left out. */
  readonly publicUrl?: string;
  /** Modelled milliseconds that a cluster takes to start; none unless a test wants to see them. */
  readonly provisioningMs?: number;
  /** Of the documented latencies of the account's views: 0 (unless set) shows rows at once, 1 as late as Snowflake may be. */
  readonly latencyScale?: number;
  /** How many bytes of the event log stay in memory; 128 MiB unless set. */
  readonly keptEventBytes?: number;
}

export interface RunningWarehouse extends Stoppable {
  readonly port: number;
  /** Misbehaviour on request. */
  readonly faults: WarehouseFaults;
  /** The statements of the event log that are in memory, in order of arrival. */
  queryHistory(): readonly LoggedStatement[];
  /** Credits by warehouse and hour up to now, from the event log alone. */
  metering(): readonly WarehouseHour[];
  /** Writes a past month of the demo's teams into the log, once; see {@link importSeededMonth}. */
  seedMonth(options: SeedOptions): Promise<SeedOutcome>;
}

/**
 * Starts the warehouse and listens.
 *
 * @returns after the listener accepts; `stop` ends running statements, suspends the warehouses and closes the log.
 * @throws Fault when the port is taken or the data directory cannot be used.
 */
export async function startWarehouse(options: WarehouseOptions): Promise<RunningWarehouse> {
  const { clock, dataDir, engine, log } = options;
  const identity = await openIdentity(dataDir, options.users);
  const events = await EventLog.open(dataDir, options.keptEventBytes);
  const fleet = await Fleet.open(dataDir, clock, events, log, {
    provisioningMs: options.provisioningMs ?? 0,
  });
  const sessions = new Sessions(engine, options.validity ?? DEFAULT_VALIDITY, log, Date.now);
  const faults = new WarehouseFaults((only) => sessions.expireTokens(only));
  const { latencyScale = 0 } = options;
  assert(latencyScale >= 0 && latencyScale <= 1, 'the scale of latencies is from 0 to 1');
  const views = createViews({ clock, engine, events, fleet, latencyScale });
  await views.create();
  const executor = createExecutor({
    clock,
    engine,
    fleet,
    sessions,
    ...identity,
    statements: () => statements,
    views,
    operations: { faults, seedMonth: (wanted) => importSeededMonth(events, clock, wanted) },
  });
  const keptBytes = options.keptResultBytes ?? DEFAULT_KEPT_RESULT_BYTES;
  const drop = (id: string): void => engine.dropResult(id);
  const statements = new Statements(clock, events, log, keptBytes, executor, drop);
  const world: RouteWorld = {
    ...identity,
    sessions,
    clock,
    events,
    statements,
    ...resultParts(options),
    apiRequests: new ApiRequests(),
    longPollMs: options.longPollMs ?? DEFAULT_LONG_POLL_MS,
    hasWarehouse: (name) => fleet.get(name) !== undefined,
    async hasSchema(database, schema) {
      if (schema === null) return (await engine.databases()).includes(database);
      return (await engine.schemas(database)).some((one) => one.name === schema);
    },
  };
  const listener = await openListener(world, faults, log, options.host, options.port).catch(
    async (cause: unknown) => {
      await events.close();
      throw cause;
    },
  );
  const sweep = setInterval(() => void sweepSessions(sessions, statements), SWEEP_EVERY_MS);
  sweep.unref();
  log.info({ port: listener.port, scale: clock.scale }, 'warehouse listening');
  return {
    port: listener.port,
    faults,
    queryHistory: () => [...events.statements()],
    metering() {
      fleet.settle();
      return meterHours(events.warehouseEvents(), clock.now());
    },
    seedMonth: (wanted) => importSeededMonth(events, clock, wanted),
    async stop(signal) {
      clearInterval(sweep);
      const closeConnections = listener.close();
      await drain(statements, signal);
      fleet.close();
      await closeConnections();
      await sessions.closeAll();
      await events.close();
    },
  };
}

function resultParts({ pageLinkMs, publicUrl }: WarehouseOptions): PageParts {
  const links = new ResultLinks(pageLinkMs ?? DEFAULT_PAGE_LINK_MS, Date.now, publicUrl);
  return { links, pages: new PageReader() };
}

async function drain(statements: Statements, signal: AbortSignal): Promise<void> {
  const running = statements.running();
  const cancel = (): void => {
    for (const statement of running) statements.abort(statement);
  };
  const timer = setTimeout(cancel, DRAIN_MS);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  await Promise.all(running.map((statement) => statement.done));
  clearTimeout(timer);
  signal.removeEventListener('abort', cancel);
}
