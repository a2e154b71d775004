/**
 * `panels`: every SQL panel of the dashboards over many charges, at the time range and with the teams that it opens with. The
 * charges are those of `report`, each with a line of its warehouse-hour; statements of the last week have their tickets, which
 * are all that these ranges read. What the worker and the importer keep is made by their own code.
 */
import type pg from 'pg';
import type { Database } from '../base/postgres/pool.js';
import { sumStaleDays } from '../billing/bills/day-sums.js';
import { sumCharges } from '../billing/rollup/charge-sums.js';
import { expand } from '../test/dashboards/macros.js';
import { openingRange, type PanelQuery, panelQueries } from '../test/dashboards/panel-queries.js';
import { writeCharges } from './month.js';
import { type LedgerConnections, withConnections, withOwnLedger } from './own-ledger.js';
import { ascending, median } from './statistics.js';

export interface PanelsOptions {
  readonly charges: number;
  readonly rounds: number;
  readonly log: (line: string) => void;
}

/** One query of a panel. */
export interface PanelTime {
  readonly board: string;
  readonly panel: string;
  readonly rows: number;
  readonly medianMs: number;
}

export interface PanelsReport {
  readonly charges: number;
  readonly tickets: number;
  /** Making the charge sums, and the sums of days. */
  readonly chargeSumSeconds: number;
  readonly daySumSeconds: number;
  /** The slowest first. */
  readonly panels: readonly PanelTime[];
}

const END = new Date('2026-10-31T23:59:59Z');
const WEEK_FROM = '2026-10-25';
const TEAMS = 15;
const ACCOUNT = 'demo';
const AFTER = Date.UTC(2026, 10, 10);
/** A panel that takes longer is told as such and waited for no longer. */
const PATIENCE_MS = 60_000;

/** Runs it; about ten minutes for ten million charges. Throws for a query that fails. */
export async function runPanels(options: PanelsOptions): Promise<PanelsReport> {
  return withOwnLedger({ isDurable: false }, (urls) =>
    withConnections(urls, (connections) => measure(connections, options)),
  );
}

async function measure(
  { owner, db }: LedgerConnections,
  options: PanelsOptions,
): Promise<PanelsReport> {
  await writeCharges(owner, options.charges, options.log);
  const tickets = await writeTickets(owner, options.log);
  await writeLines(owner, options.log);
  const seconds = await keepSums(db, options.log);
  await owner.query('VACUUM ANALYZE');
  const panels: PanelTime[] = [];
  await owner.query(`SET statement_timeout = ${PATIENCE_MS}`);
  for (const query of panelQueries()) panels.push(await timed(owner, query, options));
  panels.sort((one, other) => other.medianMs - one.medianMs);
  return { charges: options.charges, tickets, ...seconds, panels };
}

async function timed(
  owner: pg.Client,
  { board, panel, rawSql, opensAt, isOfTeams }: PanelQuery,
  { rounds, log }: PanelsOptions,
): Promise<PanelTime> {
  const team = Array.from({ length: isOfTeams ? TEAMS : 1 }, (_, index) => `team-${index}`);
  const sql = expand(rawSql, openingRange(opensAt, END), { team });
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    ({ length: rows } = (await owner.query(sql)).rows);
    times.push(performance.now() - startedAt);
  }
  const medianMs = median(ascending(times));
  log(`${medianMs.toFixed(0)} ms  ${board}: ${panel}`);
  return { board, panel, rows, medianMs };
}

/** What a ledger in use has beside charges: tickets, teams, hours, and the indexes that writing did without. */
export async function writeTickets(owner: pg.Client, log: (line: string) => void): Promise<number> {
  log('tickets of the last week');
  const { rowCount } = await owner.query(WRITE_TICKETS);
  log('indexes');
  await owner.query('CREATE UNIQUE INDEX charge_of_ticket ON charge (ticket_id)');
  await owner.query('CREATE INDEX charge_team ON charge (team_id, occurred_at)');
  await owner.query(
    `INSERT INTO org_node (id, kind, name) SELECT 'team-' || n, 'team', 'Team ' || n FROM generate_series(0, 14) AS n`,
  );
  await owner.query(
    `INSERT INTO charge_hour (hour_at, team_id, warehouse, tier, currency, stage, statements, credits, money, warehouse_ms)
     SELECT date_trunc('hour', occurred_at, 'UTC'), team_id, coalesce(warehouse, ''), tier, currency, 'provisional', count(*),
       sum(credits), sum(money), sum(warehouse_ms) FROM charge GROUP BY 1, 2, 3, 4, 5`,
  );
  return rowCount ?? 0;
}

/** A line for each charge, one in twenty of them around Tollgate, idle time in every hour, and Snowflake's own figures. */
async function writeLines(owner: pg.Client, log: (line: string) => void): Promise<void> {
  log('lines of warehouse-hours');
  await owner.query('ALTER TABLE allocation_line DROP CONSTRAINT allocation_line_pkey CASCADE');
  await owner.query('ALTER TABLE allocation_line SET UNLOGGED');
  for (const text of WRITE_LINES) await owner.query(text);
  await owner.query('VACUUM ANALYZE allocation_line');
}

/** What the worker and the importer do as charges and hours come, here for all of them; how long each takes. */
async function keepSums(
  db: Database,
  log: (line: string) => void,
): Promise<Pick<PanelsReport, 'chargeSumSeconds' | 'daySumSeconds'>> {
  log('charge sums');
  const startedAt = performance.now();
  let followed = 0;
  for (let more = -1; more !== 0; followed += more) {
    more = await sumCharges(db);
    log(`${followed + more} charges are summed`);
  }
  log('sums of days');
  const daysAt = performance.now();
  await sumStaleDays(db, ACCOUNT, AFTER);
  return {
    chargeSumSeconds: (daysAt - startedAt) / 1000,
    daySumSeconds: (performance.now() - daysAt) / 1000,
  };
}

const WRITE_LINES: readonly string[] = [
  `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, query_id, ticket_id, team_id, principal_id, credits)
   SELECT account, warehouse, date_trunc('hour', occurred_at, 'UTC'), journal_id,
     CASE WHEN journal_id % 20 = 0 THEN 'bypass' ELSE 'direct' END, '01b2c3d4-0000-' || journal_id,
     CASE WHEN journal_id % 20 > 0 THEN ticket_id END, team_id, team_id || '-p' || journal_id % 20, credits FROM charge`,
  `INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits,
     is_stale, method, method_version, allocated_at)
   SELECT account, warehouse_id, starts_at, warehouse_id, sum(credits) + 3, 0, false, 'time', 1, now()
   FROM allocation_line GROUP BY 1, 2, 3`,
  `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, credits)
   SELECT account, warehouse_id, starts_at, 0, 'idle', 3 FROM usage_warehouse_hour`,
  'ALTER TABLE allocation_line ADD PRIMARY KEY (account, warehouse_id, starts_at, ordinal)',
  `INSERT INTO usage_day (account, day, service_type, compute_credits, cloud_services_credits, adjustment_credits, billed_credits)
   SELECT account, (starts_at AT TIME ZONE 'UTC')::date, 'WAREHOUSE_METERING', sum(metered_credits), 0, 0, sum(metered_credits)
   FROM usage_warehouse_hour GROUP BY 1, 2`,
  'INSERT INTO allocation_summed_day (account, day) SELECT account, day FROM usage_day',
];

// Five thousand shapes; one statement in fifty fails, and each is dearer in the last day than before.
const WRITE_TICKETS = `
INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, workload, snowflake_user,
  tier, warehouse, warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
  high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits, occurred_at, sent_at,
  ended_at, ending)
SELECT ticket_id, 'SETTLED', account, 's', journal_id::text, 'h', team_id || '-p' || journal_id % 20, team_id,
  'dbt/model-' || journal_id % 200, 'U', tier, warehouse, 'MEDIUM', 'query', 'fingerprint-' || journal_id % 5000,
  'SELECT ? FROM t' || journal_id % 5000, 'HISTORY', credits * 0.8, credits, credits * 1.3, 10, 3, currency, 1, 'r', credits * 1.3,
  occurred_at, occurred_at, occurred_at, CASE WHEN journal_id % 50 = 0 THEN 'failed' ELSE 'succeeded' END
FROM charge WHERE occurred_at >= '${WEEK_FROM}Z'`;

/** The slowest panels as a table. */
export function panelsText(report: PanelsReport): string {
  const { charges, tickets, chargeSumSeconds, daySumSeconds, panels } = report;
  const slow = panels.filter(({ medianMs }) => medianMs >= 1000);
  return [
    `${panels.length} queries of panels at the range that their dashboard opens with, over ${charges.toLocaleString('en')} charges of a month, ${tickets.toLocaleString('en')} of them of its last week with their tickets, and as many lines of warehouse-hours; all teams, where several may be chosen; median of the rounds. Charge sums took the worker ${chargeSumSeconds.toFixed(0)} s, sums of days the importer ${daySumSeconds.toFixed(0)} s. ${slow.length === 0 ? 'None takes a second.' : `**${slow.length} take a second or more.**`}`,
    '',
    '| dashboard | panel | rows | ms |',
    '| --- | --- | --- | --- |',
    ...panels
      .slice(0, 12)
      .map(
        ({ board, panel, rows, medianMs }) =>
          `| ${board} | ${panel} | ${rows} | ${medianMs.toFixed(0)} |`,
      ),
  ].join('\n');
}
