/**
 * `reserve`: decisions and settlements a second of one hot team on four replicas (ledgers with pools and leases of their
 * own, in this process), beside two peers in the same run and on the same server: an UPDATE of one row in a loop over as
 * many connections, and COPY of charges (copied-charges.ts). A decision counts when its ticket and its hold are in the
 * ledger. Every run ends with the ledger's invariants and the amounts; a wrong one has no figure.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemIds, type TicketId } from '../base/ids.js';
import { silentLog } from '../base/log.js';
import { startEmbeddedPostgres } from '../base/postgres/launcher.js';
import { openDatabase, type Database } from '../base/postgres/pool.js';
import { systemClock } from '../base/time.js';
import { parseCredits, parseMoney } from '../base/units.js';
import { createLedger } from '../billing/create-ledger.js';
import type { Ledger, TicketFacts } from '../billing/ledger.js';
import { Leases } from '../billing/leases.js';
import { LEASES_CHANNEL } from '../billing/postgres/lease-rows.js';
import { beat } from '../billing/postgres/replicas.js';
import { migrate } from '../migrations/migrate.js';
import { prepareCopies, type CopiedCharges } from './copied-charges.js';
import { descendantsCpuMs, machineBusyMs, voidForOthers } from './processes.js';
import { ascending, median, quantile } from './statistics.js';

const REPLICAS = 4;
const CONNECTIONS_EACH = 4;
/** Statements of each replica under way at once. */
const CLIENTS_EACH = 250;
const BEAT_MS = 2_000;
const HOLD = parseCredits('0.001');

export interface ReserveOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export const RESERVE_WORKS = [
  'UPDATE of one row',
  'decisions on the period',
  'decisions under leases',
  'settlements',
  'COPY into charge',
  'COPY into a bare table',
] as const;
export type ReserveWork = (typeof RESERVE_WORKS)[number];

export interface ReserveRow {
  readonly work: ReserveWork;
  /** Medians of the rounds. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ReserveReport {
  readonly rows: readonly ReserveRow[];
  readonly rounds: number;
  readonly seconds: number;
  /** Names of invariants that do not hold, and amounts that differ; empty: none. */
  readonly failures: readonly string[];
  readonly voidReasons: readonly string[];
}

export interface Replica {
  readonly id: string;
  readonly db: Database;
  readonly exact: Ledger;
  readonly leased: Ledger;
  readonly leases: Leases;
  readonly held: TicketId[];
  stop(): Promise<void>;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const ids = systemIds();

export async function runReserve(options: ReserveOptions): Promise<ReserveReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog, durable: true });
  const stops: (() => Promise<void>)[] = [() => server.stop(AbortSignal.abort())];
  try {
    await migrate(server.ownerUrl, { log: silentLog });
    const owner = open(server.ownerUrl, REPLICAS);
    stops.push(() => owner.stop());
    await prepare(owner);
    const copies = await prepareCopies(owner, server.ownerUrl, open, dataDir, REPLICAS);
    stops.push(() => copies.stop());
    const replicas: Replica[] = [];
    for (let index = 0; index < REPLICAS; index += 1) {
      const replica = await startReplica(server.appUrl, `bench-${index}`);
      stops.push(() => replica.stop());
      replicas.push(replica);
    }
    const busyBefore = othersBusyMs();
    const startedAt = performance.now();
    const results = new Map<ReserveWork, Measured[]>(RESERVE_WORKS.map((work) => [work, []]));
    for (let round = 0; round < options.rounds; round += 1) {
      options.log(`round ${round + 1} of ${options.rounds}`);
      await measureRound(copies, replicas, options.seconds, results);
    }
    const others = (othersBusyMs() - busyBefore) / (performance.now() - startedAt);
    for (const { leases } of replicas) await leases.stop();
    const { rounds, seconds } = options;
    return {
      rows: RESERVE_WORKS.map((work) => rowOf(work, results.get(work) ?? [])),
      rounds,
      seconds,
      failures: await failuresOf(owner),
      voidReasons: voidForOthers(others),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function othersBusyMs(): number {
  return machineBusyMs() - descendantsCpuMs([0, process.pid]);
}

export function open(url: string, connectionsMax: number): Database {
  return openDatabase(
    {
      url,
      connectionsMax,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
      applicationName: 'tollgate-bench',
    },
    () => undefined,
  );
}

export async function prepare(owner: Database): Promise<void> {
  await owner.query(
    `INSERT INTO org_node (id, parent_id, kind, name) VALUES ('hot', NULL, 'team', 'hot')`,
  );
  await owner.query(
    `INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind, time_zone, week_starts_on)
     VALUES ('hot', 'hot', 'limited', 1000000, true, 'month', 'UTC', 1)`,
  );
  await owner.query(
    'CREATE TABLE hot_row (id integer PRIMARY KEY, credits numeric(38, 12) NOT NULL)',
  );
  await owner.query('INSERT INTO hot_row VALUES (1, 0)');
  await owner.query('GRANT SELECT, UPDATE ON hot_row TO PUBLIC');
}

export async function startReplica(url: string, id: string): Promise<Replica> {
  const db = open(url, CONNECTIONS_EACH);
  const realNow = (): number => performance.now();
  const leases = new Leases({ db, clock: systemClock, replica: id, realNow, onProblem: warn });
  const exact = createLedger(db, systemClock);
  const leased = createLedger(db, systemClock, { leases });
  const note = (): Promise<void> =>
    beat(db, id, { version: null, problem: null }).then(() => undefined);
  await note();
  const listening = await db.listen(
    [LEASES_CHANNEL],
    (_, periodId) => void leases.askedBack(periodId).catch(warn),
    () => undefined,
  );
  let beating = Promise.resolve();
  const timer = setInterval(() => {
    beating = beating
      .then(note)
      .then(() => leases.beat())
      .catch(warn);
  }, BEAT_MS);
  return {
    id,
    db,
    exact,
    leased,
    leases,
    held: [],
    async stop() {
      clearInterval(timer);
      // One that is under way needs the pool.
      await beating;
      await listening.stop();
      await db.stop();
    },
  };
}

function warn(cause: unknown): void {
  console.error(cause);
}

async function measureRound(
  copies: CopiedCharges,
  replicas: readonly Replica[],
  seconds: number,
  results: ReadonlyMap<ReserveWork, Measured[]>,
): Promise<void> {
  const note = (work: ReserveWork, measured: Measured): void => {
    results.get(work)?.push(measured);
  };
  const hotRow = async ({ db }: Replica): Promise<void> => {
    await db.query(
      '/* prepared: bench.hot_row */ UPDATE hot_row SET credits = credits + 0.001 WHERE id = 1',
    );
  };
  note('UPDATE of one row', await loop(replicas, CONNECTIONS_EACH, seconds, hotRow));
  const decide =
    (way: 'exact' | 'leased') =>
    async (replica: Replica): Promise<void> => {
      const ticket = ticketOf(replica.id);
      const request = { ticket, budgetIds: ['hot'], holdCredits: HOLD };
      const { kind } = await replica[way].reserve(request);
      if (kind !== 'held') throw new Error(`a statement that fits was ${kind}`);
      replica.held.push(ticket.ticketId);
    };
  note('decisions on the period', await loop(replicas, CLIENTS_EACH, seconds, decide('exact')));
  note('decisions under leases', await loop(replicas, CLIENTS_EACH, seconds, decide('leased')));
  note('settlements', await settleAll(replicas));
  const copied = (perSecond: number): Measured => ({ perSecond, p50Ms: NaN, p99Ms: NaN });
  note('COPY into charge', copied(await copies.intoCharge()));
  note('COPY into a bare table', copied(await copies.intoBareTable()));
}

/** As many as come in the time, by `clients` callers on each replica. */
async function loop(
  replicas: readonly Replica[],
  clients: number,
  seconds: number,
  work: (replica: Replica) => Promise<void>,
): Promise<Measured> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  await Promise.all(
    replicas.flatMap((replica) =>
      Array.from({ length: clients }, async () => {
        while (performance.now() < until) {
          const before = performance.now();
          await work(replica);
          latencies.push(performance.now() - before);
        }
      }),
    ),
  );
  return measuredOf(latencies, performance.now() - startedAt);
}

/** Throws where it is not charged. */
export async function settleOne(replica: Replica, id: TicketId): Promise<void> {
  const { kind } = await replica.exact.settle({
    ticketId: id,
    ending: 'succeeded',
    endCode: null,
    snowflakeQueryId: `query-${id}`,
    usedCredits: parseCredits('0.0007'),
    warehouseMs: 2520,
    bytesScanned: 1_000_000,
    rowsProduced: 10,
    startedAt: Date.now() - 2520,
    endedAt: Date.now(),
  });
  if (kind !== 'charged') throw new Error(`a settlement was ${kind}`);
}

/** Everything that is held, by as many callers, in the order in which it was: statements end about as they came. */
export async function settleAll(replicas: readonly Replica[]): Promise<Measured> {
  const latencies: number[] = [];
  for (const { held } of replicas) held.reverse();
  const startedAt = performance.now();
  await Promise.all(
    replicas.flatMap((replica) =>
      Array.from({ length: CLIENTS_EACH }, async () => {
        for (let id = replica.held.pop(); id !== undefined; id = replica.held.pop()) {
          const before = performance.now();
          await settleOne(replica, id);
          latencies.push(performance.now() - before);
        }
      }),
    ),
  );
  return measuredOf(latencies, performance.now() - startedAt);
}

function measuredOf(latencies: readonly number[], elapsedMs: number): Measured {
  const sorted = ascending(latencies);
  return {
    perSecond: (sorted.length * 1000) / elapsedMs,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

function rowOf(work: ReserveWork, measured: readonly Measured[]): ReserveRow {
  return {
    work,
    perSecond: median(measured.map(({ perSecond }) => perSecond)),
    p50Ms: median(measured.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
  };
}

export async function failuresOf(owner: Database): Promise<readonly string[]> {
  const { rows: views } = await owner.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.views
      WHERE table_schema = 'tollgate' AND starts_with(table_name, 'invariant_') ORDER BY table_name`,
  );
  const failures: string[] = [];
  for (const { name } of views) {
    const { rows } = await owner.query<{ count: string }>(`SELECT count(*) AS count FROM ${name}`);
    if (rows[0]?.count !== '0') failures.push(`${name} has ${rows[0]?.count ?? '?'} rows`);
  }
  const { rows } = await owner.query<{ differs: boolean }>(
    `SELECT p.held_credits <> 0 OR p.leased_credits <> 0 OR p.spent_credits <> c.credits AS differs
       FROM budget_period p, (SELECT coalesce(sum(credits), 0) AS credits FROM charge) c WHERE p.budget_id = 'hot'`,
  );
  if (rows[0]?.differs !== false)
    failures.push('the period does not stand at the sum of the charges');
  return failures;
}

export function ticketOf(replica: string): TicketFacts {
  const occurredAt = Date.now();
  const ticketId = ids.ticket(occurredAt);
  return {
    ticketId,
    account: 'demo',
    sessionId: '101',
    requestId: `request-${ticketId}`,
    requestHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    principalId: 'hot_analyst',
    viaPrincipalId: null,
    teamId: 'hot',
    workload: null,
    snowflakeUser: 'HOT_ANALYST',
    roleName: 'ANALYST',
    tier: 'standard',
    warehouse: 'STANDARD_WH',
    warehouseSize: 'MEDIUM',
    statementClass: 'select',
    fingerprint: '2c26b46b68ffc68ff99b453c1d304134',
    statementShape:
      'SELECT c.region, sum(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.day >= ? GROUP BY c.region',
    basis: 'HISTORY',
    lowCredits: parseCredits('0.0004'),
    expectedCredits: parseCredits('0.0007'),
    highCredits: HOLD,
    expectedSeconds: 0.63,
    estimatedBytes: 1_000_000,
    pricePerCredit: parseMoney('3'),
    currency: 'USD',
    controlVersion: 1,
    replica,
    occurredAt,
  };
}
