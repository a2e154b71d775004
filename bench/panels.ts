/**
 * `panels`: every SQL panel of the dashboards over many charges, at the time range that it opens with. The charges are those
 * of `report`; statements of the last week have their tickets, which are all that these ranges read.
 */
import pg from 'pg';
import { SCHEMA } from '../base/postgres/pool.js';
import { renderDashboards } from '../dashboards/catalogue.js';
import { expand, type TimeRange } from '../test/dashboards/macros.js';
import { type LedgerUrls, withEmptyLedger, writeCharges } from './month.js';
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
  /** The slowest first. */
  readonly panels: readonly PanelTime[];
}

interface Board {
  readonly title: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly rawSql?: string }[];
  }[];
}

const END = new Date('2026-10-31T23:59:59Z');
const WEEK_FROM = '2026-10-25';
const TEAMS = { team: ['team-3'] };
const DAY_MS = 86_400_000;
/** A panel that takes longer is told as such and waited for no longer. */
const PATIENCE_MS = 60_000;

/** Runs it; about ten minutes for ten million charges. Throws for a query that fails. */
export async function runPanels(options: PanelsOptions): Promise<PanelsReport> {
  return withEmptyLedger((urls) => measure(urls, options));
}

async function measure(urls: LedgerUrls, options: PanelsOptions): Promise<PanelsReport> {
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  try {
    await owner.query(`SET search_path = ${SCHEMA}`);
    await writeCharges(owner, options.charges, options.log);
    const tickets = await writeTickets(owner, options.log);
    const panels: PanelTime[] = [];
    await owner.query(`SET statement_timeout = ${PATIENCE_MS}`);
    for (const { text } of renderDashboards()) {
      const board = JSON.parse(text) as Board;
      for (const panel of board.panels)
        for (const { rawSql } of panel.targets ?? [])
          if (rawSql !== undefined)
            panels.push(await timed(owner, board, panel.title, rawSql, options));
    }
    panels.sort((one, other) => other.medianMs - one.medianMs);
    return { charges: options.charges, tickets, panels };
  } finally {
    await owner.end();
  }
}

async function timed(
  owner: pg.Client,
  board: Board,
  panel: string,
  rawSql: string,
  { rounds, log }: PanelsOptions,
): Promise<PanelTime> {
  const sql = expand(rawSql, rangeOf(board), TEAMS);
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    ({ length: rows } = (await owner.query(sql)).rows);
    times.push(performance.now() - startedAt);
  }
  const medianMs = median(ascending(times));
  log(`${medianMs.toFixed(0)} ms  ${board.title}: ${panel}`);
  return { board: board.title, panel, rows, medianMs };
}

/** `now-24h`, `now-7d` and the like, ending with the month; `now/M` is the whole month. */
function rangeOf({ time }: Board): TimeRange {
  const [, count = '', unit = ''] = /^now-(\d+)([hd])$/.exec(time.from) ?? [];
  if (unit === '') return { from: new Date('2026-10-01T00:00:00Z'), to: END };
  const spanMs = Number(count) * (unit === 'h' ? DAY_MS / 24 : DAY_MS);
  return { from: new Date(END.getTime() - spanMs), to: END };
}

/** What a ledger in use has beside charges: tickets, teams, hours, and the indexes that writing did without. */
async function writeTickets(owner: pg.Client, log: (line: string) => void): Promise<number> {
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
  await owner.query('VACUUM ANALYZE');
  return rowCount ?? 0;
}

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
export function panelsText({ charges, tickets, panels }: PanelsReport): string {
  const slow = panels.filter(({ medianMs }) => medianMs >= 1000);
  return [
    `${panels.length} queries of panels at the range that their dashboard opens with, over ${charges.toLocaleString('en')} charges of a month, ${tickets.toLocaleString('en')} of them of its last week with their tickets; median of the rounds. ${slow.length === 0 ? 'None takes a second.' : `**${slow.length} take a second or more.**`}`,
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
