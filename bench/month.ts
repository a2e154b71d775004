/**
 * `report`: what every team was charged in a month, over many charges, as the bills of an open month read it (from hours) and from
 * the charges themselves, which must be equal.
 * Charges are written set-based into an embedded Postgres of its own, without tickets behind them; they are sealed as one
 * batch, as a follower only needs places in the chain. The directory is deleted at the end.
 */
import type pg from 'pg';
import { must } from '../base/assert.js';
import type { Database } from '../base/postgres/pool.js';
import { tryParseMonth } from '../base/time.js';
import { addCredits, formatAmount } from '../base/units.js';
import { readUnmeteredParts } from '../billing/bills/unmetered.js';
import { rebuildHours } from '../billing/rollup/charge-hours.js';
import { type LedgerConnections, withConnections, withOwnLedger } from './own-ledger.js';
import { ascending, median } from './statistics.js';

export interface MonthOptions {
  readonly charges: number;
  readonly rounds: number;
  readonly log: (line: string) => void;
}

export interface MonthReport {
  readonly charges: number;
  readonly hourRows: number;
  readonly writeSeconds: number;
  readonly rollUpSeconds: number;
  readonly rawSeconds: number;
  /** Milliseconds of the report of all teams from hours, in the order of the rounds. */
  readonly reportMs: readonly number[];
  readonly medianMs: number;
  /** What differs; empty: nothing. */
  readonly problems: readonly string[];
}

const MONTH = '2026-10';
const TEAMS = 15;
const CHUNK = 1_000_000;

/** Runs it; several minutes for ten million charges, an hour for a hundred. */
export async function runMonth(options: MonthOptions): Promise<MonthReport> {
  return withOwnLedger({ isDurable: false }, (urls) =>
    withConnections(urls, (connections) => measure(connections, options)),
  );
}

async function measure(
  { owner, db }: LedgerConnections,
  { charges, rounds, log }: MonthOptions,
): Promise<MonthReport> {
  const writeSeconds = await timed(() => writeCharges(owner, charges, log));
  log('hours are made');
  const rollUpSeconds = await timed(() => rebuildHours(db));
  await owner.query('ANALYZE charge_hour');
  const reportMs: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    reportMs.push(1000 * (await timed(() => report(db))));
  log('the charges are summed');
  const problems: string[] = [];
  const rawSeconds = await timed(async () => problems.push(...(await compare(owner, db))));
  const { rows } = await owner.query<{ n: string }>('SELECT count(*) AS n FROM charge_hour');
  return {
    charges,
    hourRows: Number(rows[0]?.n ?? 0),
    writeSeconds,
    rollUpSeconds,
    rawSeconds,
    reportMs,
    medianMs: median(ascending(reportMs)),
    problems,
  };
}

/** Nothing is metered here, so that all of it is read. */
const report = (db: Database): ReturnType<typeof readUnmeteredParts> =>
  readUnmeteredParts(db, must(tryParseMonth(MONTH), 'a month'), {
    currency: 'USD',
    accounts: [{ id: 'demo', cloud: null, region: null, edition: null }],
  });

/** Every team's report from hours against the sum of its charges. */
async function compare(owner: pg.Client, db: Database): Promise<readonly string[]> {
  const { rows } = await owner.query<{
    team_id: string;
    n: string;
    credits: string;
  }>(
    `SELECT team_id, count(*) AS n, sum(credits)::text AS credits FROM charge
     WHERE currency = 'USD' AND occurred_at >= '2026-10-01Z' AND occurred_at < '2026-11-01Z' GROUP BY team_id ORDER BY team_id`,
  );
  const problems: string[] = rows.length === TEAMS ? [] : [`${rows.length} teams have charges`];
  const parts = await report(db);
  for (const row of rows) {
    const lines = parts.filter(({ teamId }) => teamId === row.team_id);
    const credits = formatAmount(addCredits(...lines.map((line) => line.credits)));
    const statements = lines.reduce((sum, line) => sum + line.statements, 0);
    if (credits !== row.credits || String(statements) !== row.n)
      problems.push(`${row.team_id}: ${credits} of ${row.credits} credits`);
  }
  return problems;
}

/** What is made when the rows are there: indexes grow faster so, and a hundred million charges need 32 GB. */
const INDEXES = [
  'ALTER TABLE ledger_seal ADD PRIMARY KEY (sequence)',
  'ALTER TABLE ledger_seal ADD UNIQUE (journal_id)',
  'CREATE INDEX charge_journal ON charge (journal_id)',
  'CREATE INDEX journal_recorded ON journal (recorded_xid, id)',
];

/** Charges of all hours, teams, warehouses and tiers, with odd amounts, a journal and a place in the chain each. */
export async function writeCharges(
  owner: pg.Client,
  charges: number,
  log: (line: string) => void,
): Promise<void> {
  // Foreign keys, triggers, the log of writes and what no step here reads by are not what is measured.
  await owner.query('SET session_replication_role = replica');
  await owner.query("SET maintenance_work_mem = '512MB'");
  for (const name of ['charge_team', 'charge_journal', 'journal_recorded'])
    await owner.query(`DROP INDEX ${name}`);
  await owner.query('ALTER TABLE charge DROP CONSTRAINT charge_pkey CASCADE');
  await owner.query(
    'ALTER TABLE ledger_seal DROP CONSTRAINT ledger_seal_journal_id_key, DROP CONSTRAINT ledger_seal_pkey CASCADE',
  );
  for (const partition of await partitionsOf(owner, 'charge'))
    await owner.query(`ALTER TABLE ${partition} SET UNLOGGED`);
  await owner.query('ALTER TABLE ledger_seal SET UNLOGGED');
  for (let from = 0; from < charges; from += CHUNK) {
    const to = Math.min(charges, from + CHUNK);
    await owner.query(WRITE_CHARGES, [from + 1, to]);
    await owner.query(
      `INSERT INTO ledger_seal SELECT n, n, '\\x${'00'.repeat(32)}' FROM generate_series($1::bigint, $2::bigint) AS n`,
      [from + 1, to],
    );
    log(`${to} charges`);
  }
  for (const index of INDEXES) await owner.query(index);
  await owner.query(
    `INSERT INTO ledger_seal_batch SELECT 1, 1, $1, '1', $1, h, h, h, 'bench', h, now()
     FROM (SELECT '\\x${'00'.repeat(32)}'::bytea AS h) AS x`,
    [charges],
  );
  await owner.query("INSERT INTO ledger_follower VALUES ('hours', $1)", [charges]);
  // Index-only and merge plans need the map of visible pages.
  await owner.query('VACUUM (ANALYZE) charge');
  await owner.query('VACUUM (ANALYZE) ledger_seal');
  await owner.query('ANALYZE');
}

async function partitionsOf(owner: pg.Client, table: string): Promise<readonly string[]> {
  const { rows } = await owner.query<{ name: string }>(
    'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass',
    [table],
  );
  return rows.map(({ name }) => name);
}

// Ids rise with the time of their statements, as those of tickets do (UUIDv7); 1790812800000 is the first of October 2026.
const WRITE_CHARGES = `
INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, occurred_at, ended_at, credits, money,
  currency, price_per_credit, warehouse_ms)
SELECT (lpad(to_hex(1790812800000 + (n % 2678400) * 1000), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid, n, 'demo', 'team-' || n % ${TEAMS}, 'p', 'tier-' || (n / ${TEAMS}) % 3, 'WH_' || (n / ${3 * TEAMS}) % 5,
  '2026-10-01Z'::timestamptz + n % 2678400 * interval '1 second', '2026-10-01Z'::timestamptz + n % 2678400 * interval '1 second',
  (n % 1000003) * 0.000000000001 + 0.01, ((n % 1000003) * 0.000000000001 + 0.01) * 3, 'USD', 3, n % 60000
FROM generate_series($1::bigint, $2::bigint) AS n`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** The report as a table. */
export function monthText(result: MonthReport): string {
  const { charges, hourRows, writeSeconds, rollUpSeconds, rawSeconds, medianMs, reportMs } = result;
  const worst = must(ascending(reportMs).at(-1), 'a round');
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  return [
    `${charges.toLocaleString('en')} charges of one month, ${TEAMS} teams, 5 warehouses, 3 tiers: ${hourRows.toLocaleString('en')} hours of charges.`,
    '',
    '| what | takes |',
    '| --- | --- |',
    `| the month report of all teams from hours, median of ${reportMs.length} | ${medianMs.toFixed(1)} ms |`,
    `| the same, slowest | ${worst.toFixed(1)} ms |`,
    `| all teams from the charges themselves, and compared | ${seconds(rawSeconds)} |`,
    `| all hours dropped and made anew | ${seconds(rollUpSeconds)} |`,
    `| writing the charges | ${seconds(writeSeconds)} |`,
    '',
    result.problems.length === 0
      ? 'Every team: the report is the sum of its charges, to the last decimal.'
      : `**Not equal**: ${result.problems.join('; ')}`,
  ].join('\n');
}
