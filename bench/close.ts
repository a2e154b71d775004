/**
 * `close`: a month of many statements read as it would be billed, frozen, read back, and made into all of its files. Hours, lines and statements are
 * written set-based into an embedded Postgres of its own; the directory is deleted at the end.
 */
import type pg from 'pg';
import type { Database } from '../base/postgres/pool.js';
import { formatAmount, parseMoney } from '../base/units.js';
import { MANIFEST_NAME, renderMonth } from '../billing/bills/bill-files.js';
import type { BilledMonth } from '../billing/bills/billed-month.js';
import { verifyFiles } from '../billing/bills/manifest.js';
import type { BilledTeam, MonthTerms } from '../billing/bills/month-terms.js';
import { sumStaleDays } from '../billing/bills/day-sums.js';
import { readBilledMonth } from '../billing/bills/read-billed-month.js';
import { freezeMonth } from '../billing/close/freeze.js';
import { type LedgerConnections, withConnections, withOwnLedger } from './own-ledger.js';
import { machine } from './report.js';

export interface CloseOptions {
  readonly statements: number;
  readonly log: (line: string) => void;
}

export interface CloseFigures {
  readonly statements: number;
  readonly lines: number;
  readonly writeSeconds: number;
  /** All days summed, as the importer does it day by day. */
  readonly sumSeconds: number;
  readonly openSeconds: number;
  readonly freezeSeconds: number;
  readonly frozenSeconds: number;
  /** Every file of the month, from the frozen one in memory to the manifest, in this thread. */
  readonly filesSeconds: number;
  readonly files: number;
  /** What reading, freezing and making files took of this process. */
  readonly cpuSeconds: number;
  /** What differs; empty: nothing. */
  readonly problems: readonly string[];
}

const MONTH = '2026-10';
const TEAMS = 15;
const WAREHOUSES = 5;
const HOURS = 744;
const CHUNK = 1_000_000;
const NOW = Date.UTC(2026, 10, 10);

/** Runs it; several minutes for ten million statements. */
export async function runClose(options: CloseOptions): Promise<CloseFigures> {
  return withOwnLedger({ isDurable: false }, (urls) =>
    withConnections(urls, (connections) => measure(connections, options)),
  );
}

async function measure(
  { owner, db }: LedgerConnections,
  { statements, log }: CloseOptions,
): Promise<CloseFigures> {
  const [writeSeconds] = await timed(() => write(owner, statements, log));
  const [sumSeconds, days] = await timed(() => sumStaleDays(db, 'demo', NOW));
  log(`${days} days are summed in ${sumSeconds.toFixed(2)} s`);
  const cpu = process.cpuUsage();
  const [openSeconds, open] = await timed(() => readBilledMonth(db, MONTH, terms()));
  log(`the open month is read in ${openSeconds.toFixed(2)} s`);
  const [freezeSeconds, frozen] = await timed(() => freeze(db));
  const [frozenSeconds, closed] = await timed(() => readBilledMonth(db, MONTH, terms()));
  log(`the month is frozen in ${freezeSeconds.toFixed(2)} s`);
  const [filesSeconds, made] = await timed(() => makeFiles(closed));
  const used = process.cpuUsage(cpu);
  return {
    statements,
    filesSeconds,
    files: made.files,
    cpuSeconds: (used.user + used.system) / 1e6,
    lines: open.bills.reduce((sum, { lines }) => sum + lines.length, 0),
    writeSeconds,
    sumSeconds,
    openSeconds,
    freezeSeconds,
    frozenSeconds,
    problems: [
      ...(frozen === 'taken' ? [] : [`freezing ended ${frozen}`]),
      ...differences(open, closed),
      ...made.problems,
    ],
  };
}

async function freeze(db: Database): Promise<string> {
  const of = { month: MONTH, by: 'bench', at: NOW, reason: null, audit: () => Promise.resolve() };
  return (await freezeMonth(db, { ...of, step: 'freeze', terms: terms() })).kind;
}

/** Every file, held against the manifest. */
async function makeFiles(
  month: BilledMonth,
): Promise<{ readonly files: number; readonly problems: readonly string[] }> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, bytes } of renderMonth(month)) files.set(name, bytes);
  const manifest = Buffer.from(files.get(MANIFEST_NAME) ?? []).toString();
  const outcome = await verifyFiles(manifest, (name) => Promise.resolve(files.get(name)));
  return {
    files: files.size,
    problems: outcome.kind === 'intact' ? [] : [`${outcome.place} ${outcome.why}`],
  };
}

function differences(open: BilledMonth, closed: BilledMonth): readonly string[] {
  const same = [open, closed].map((month) =>
    JSON.stringify([
      formatAmount(month.totalAmount),
      month.bills.map(({ teamId, totalAmount }) => [teamId, formatAmount(totalAmount)]),
    ]),
  );
  return same[0] === same[1] ? [] : ['what is frozen is not what was open'];
}

function terms(): MonthTerms {
  const booking = {
    legalEntity: 'Bench',
    costCentre: 'CC',
    glAccount: '1',
    mode: 'chargeback',
  } as const;
  const team = (index: number): BilledTeam => ({
    id: `team-${index}`,
    name: `team-${index}`,
    departmentName: '',
    owner: '',
    booking,
    budgetCredits: null,
  });
  return {
    organisation: { id: 'bench', name: 'Bench' },
    currency: 'USD',
    accounts: [{ id: 'demo', cloud: null, region: null, edition: null }],
    teams: Array.from({ length: TEAMS }, (_, index) => team(index)),
    nobodysBooking: booking,
    clearingAccount: '2',
    roundingTeamId: 'team-0',
    currencyOf: () => 'USD',
    priceAt: () => ({
      pricePerCredit: parseMoney('2.4'),
      listPricePerCredit: parseMoney('3'),
      currency: 'USD',
    }),
    now: NOW,
  };
}

/** Statements over all hours, warehouses and teams, each with a line, and a hundredth of its credits as idle time shared out. */
async function write(
  owner: pg.Client,
  statements: number,
  log: (line: string) => void,
): Promise<void> {
  // Foreign keys and triggers are not what is measured.
  await owner.query('SET session_replication_role = replica');
  await owner.query('SET synchronous_commit = off');
  for (let from = 0; from < statements; from += CHUNK) {
    const to = Math.min(statements, from + CHUNK);
    await owner.query(WRITE_STATEMENTS, [from + 1, to]);
    await owner.query(WRITE_LINES, [from + 1, to]);
    log(`${to} statements`);
  }
  await owner.query(WRITE_IDLE);
  await owner.query(WRITE_HOURS);
  await owner.query(WRITE_STALE_DAYS);
  await owner.query(WRITE_DAYS);
  await owner.query('ANALYZE');
}

const AT = `'2026-10-01T00:00Z'::timestamptz + interval '1 hour' * (n % ${HOURS})`;
const WAREHOUSE = `'WH_' || (n / ${HOURS} % ${WAREHOUSES})`;

const WRITE_STATEMENTS = `
INSERT INTO usage_query (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user, query_type,
  executed_at, ended_at, cloud_services_credits)
SELECT 'demo', n::text, ${WAREHOUSE}, 1, 'Medium', 'STANDARD', 'USER_' || (n % 997), 'SELECT',
  ${AT} + interval '10 seconds', ${AT} + interval '40 seconds', 0
FROM generate_series($1::bigint, $2::bigint) AS n`;

const WRITE_LINES = `
INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, query_id, team_id, credits)
SELECT 'demo', ${WAREHOUSE}, ${AT}, n, 'bypass', n::text, 'team-' || (n % ${TEAMS}), 0.000833333333 + (n % 7) * 0.000000000001
FROM generate_series($1::bigint, $2::bigint) AS n`;

const WRITE_IDLE = `
WITH idle AS (
  INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, credits)
  SELECT 'demo', ${WAREHOUSE}, ${AT}, 0, 'idle', 'suspendTail', 0.015
  FROM generate_series(0, ${HOURS * WAREHOUSES - 1}) AS n RETURNING account, warehouse_id, starts_at, ordinal
)
INSERT INTO allocation_share (account, warehouse_id, starts_at, ordinal, team_id, basis, credits)
SELECT i.account, i.warehouse_id, i.starts_at, i.ordinal, 'team-' || t, 'hour', 0.001
FROM idle i, generate_series(0, ${TEAMS - 1}) AS t`;

const WRITE_HOURS = `
INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits, is_stale,
  method, method_version, allocated_at, idle_policy, idle_policy_version, idle_key)
SELECT account, warehouse_id, starts_at, warehouse_id, sum(credits), 0, false, 'attributed', 2, now(), 'proRata', 1, 'k'
FROM allocation_line GROUP BY 1, 2, 3`;

// As the trigger does it.
const WRITE_STALE_DAYS = `
INSERT INTO allocation_summed_day (account, day)
SELECT DISTINCT account, (starts_at AT TIME ZONE 'UTC')::date FROM usage_warehouse_hour`;

const WRITE_DAYS = `
INSERT INTO usage_day (account, service_type, day, compute_credits, cloud_services_credits, adjustment_credits, billed_credits)
SELECT account, 'WAREHOUSE_METERING', (starts_at AT TIME ZONE 'UTC')::date, sum(metered_credits), 0, 0, sum(metered_credits)
FROM usage_warehouse_hour GROUP BY 1, 3`;

/** Seconds that it takes, and what comes of it. */
async function timed<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const startedAt = performance.now();
  const made = await work();
  return [(performance.now() - startedAt) / 1000, made];
}

/** The figures as a table of `docs/benchmarks.md`. */
export function closeText(figures: CloseFigures): string {
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  return [
    `Every statement has a line of an hour, of ${TEAMS} teams on ${WAREHOUSES} warehouses; ${machine()}. What is frozen is what was open, every file was held against the manifest.`,
    '',
    '| statements of the month | data written | lines of all bills | days summed | open month read | frozen | read back | all files | CPU of the last four |',
    '| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    `| ${figures.statements.toLocaleString('en')} | ${seconds(figures.writeSeconds)} | ${figures.lines.toLocaleString('en')} | ${seconds(figures.sumSeconds)} | ${seconds(figures.openSeconds)} | ${seconds(figures.freezeSeconds)} | ${seconds(figures.frozenSeconds)} | ${seconds(figures.filesSeconds)} (${figures.files}) | ${seconds(figures.cpuSeconds)} |`,
    ...figures.problems.map((problem) => `\n**FAIL**: ${problem}`),
  ].join('\n');
}
