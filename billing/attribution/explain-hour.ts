/** Why an hour of a warehouse cost whom what: its lines down to statements, and how those of nobody were moved. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, addCredits, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { ledgerCall } from '../postgres/availability.js';
import type { Bucket } from './warehouse-hour.js';

export interface HourQuestion {
  /** Name of the warehouse, case does not matter, or its id. */
  readonly warehouse: string;
  readonly startsAt: EpochMs;
  /** null: whichever has such a warehouse; the first by name. */
  readonly account: string | null;
  /** Only what this team bears; null: everything. */
  readonly teamId: string | null;
  readonly linesMax: number;
}

export interface HourShare {
  /** null: it stays of nobody. */
  readonly teamId: string | null;
  readonly basis: string;
  /** The team's own statement that caused it. */
  readonly queryId: string | null;
  readonly credits: Credits;
}

export interface HourLine {
  readonly bucket: Bucket;
  readonly reason: string | null;
  /** The statement of the line; of idle time the one beside it. null: none, or one of another team. */
  readonly queryId: string | null;
  readonly ticketId: string | null;
  readonly snowflakeUser: string | null;
  readonly executedAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
  readonly teamId: string | null;
  readonly credits: Credits;
  readonly shares: readonly HourShare[];
}

export interface HourExplanation {
  readonly account: string;
  readonly warehouse: string;
  readonly warehouseId: string;
  readonly startsAt: EpochMs;
  readonly meteredCredits: Credits;
  readonly allocatedCredits: Credits;
  readonly method: string | null;
  readonly methodVersion: number | null;
  /** Figures of it have changed, or came, since it was allocated. */
  readonly isStale: boolean;
  readonly problem: string | null;
  readonly idlePolicy: {
    readonly entry: string;
    readonly policy: string;
    readonly version: number;
    /** How far direct credits had to be looked for. */
    readonly reach: string;
  } | null;
  /** What teams ran there within that reach, by which pro rata goes. */
  readonly ran: readonly { readonly teamId: string | null; readonly credits: Credits }[];
  /** The dearest first. */
  readonly lines: readonly HourLine[];
  /** Beyond `linesMax`. */
  readonly others: { readonly lines: number; readonly credits: Credits };
}

interface HourRow {
  readonly account: string;
  readonly warehouse: string;
  readonly warehouse_id: string;
  readonly starts_at: Date;
  readonly metered_credits: string;
  readonly allocated_credits: string;
  readonly method: string | null;
  readonly method_version: number | null;
  readonly is_stale: boolean;
  readonly problem: string | null;
  readonly idle_entry: string | null;
  readonly idle_policy: string | null;
  readonly idle_policy_version: number | null;
  readonly idle_reach: string | null;
}

interface LineRow {
  readonly bucket: Bucket;
  readonly reason: string | null;
  readonly query_id: string | null;
  readonly ticket_id: string | null;
  readonly snowflake_user: string | null;
  readonly executed_at: Date | null;
  readonly ended_at: Date | null;
  readonly team_id: string | null;
  readonly credits: string;
  readonly shares: readonly Readonly<
    Record<'team_id' | 'basis' | 'query_id' | 'credits', string | null>
  >[];
}

/** The hour; undefined where it was not metered, or the team bears nothing of it. Fault `ledgerUnavailable`. */
export async function explainHour(
  db: Queryable,
  question: HourQuestion,
): Promise<HourExplanation | undefined> {
  const { teamId, linesMax } = question;
  const asked = [question.warehouse, new Date(question.startsAt), question.account];
  const { rows } = await ledgerCall(() => db.query<HourRow>(HOUR, asked));
  const [row] = rows;
  if (row === undefined) return undefined;
  const key = [row.account, row.warehouse_id, row.starts_at];
  const { rows: lines } = await ledgerCall(() => db.query<LineRow>(LINES, [...key, teamId]));
  if (teamId !== null && lines.length === 0) return undefined;
  const ran = await ledgerCall(() =>
    db.query<{ team_id: string | null; credits: string }>(RAN, [
      ...key,
      row.idle_reach ?? 'hour',
      teamId,
    ]),
  );
  const read = lines.map(toLine);
  return {
    ...toHour(row),
    ran: ran.rows.map((each) => ({ teamId: each.team_id, credits: parseCredits(each.credits) })),
    lines: read.slice(0, linesMax),
    others: {
      lines: Math.max(0, read.length - linesMax),
      credits: addCredits(NO_CREDITS, ...read.slice(linesMax).map(({ credits }) => credits)),
    },
  };
}

function toHour(row: HourRow): Omit<HourExplanation, 'ran' | 'lines' | 'others'> {
  const { idle_entry: entry, idle_policy: policy } = row;
  return {
    account: row.account,
    warehouse: row.warehouse,
    warehouseId: row.warehouse_id,
    startsAt: row.starts_at.getTime(),
    meteredCredits: parseCredits(row.metered_credits),
    allocatedCredits: parseCredits(row.allocated_credits),
    method: row.method,
    methodVersion: row.method_version,
    isStale: row.is_stale,
    problem: row.problem,
    idlePolicy:
      entry === null || policy === null
        ? null
        : {
            entry,
            policy,
            version: row.idle_policy_version ?? 0,
            reach: row.idle_reach ?? 'hour',
          },
  };
}

function toLine(row: LineRow): HourLine {
  return {
    bucket: row.bucket,
    reason: row.reason,
    queryId: row.query_id,
    ticketId: row.ticket_id,
    snowflakeUser: row.snowflake_user,
    executedAt: row.executed_at?.getTime() ?? null,
    endedAt: row.ended_at?.getTime() ?? null,
    teamId: row.team_id,
    credits: parseCredits(row.credits),
    shares: row.shares.map((share) => ({
      teamId: share.team_id,
      basis: share.basis ?? '',
      queryId: share.query_id,
      credits: parseCredits(share.credits ?? '0'),
    })),
  };
}

const HOUR = `/* prepared: billing.explained_hour */
SELECT h.account, h.warehouse, h.warehouse_id, h.starts_at, h.metered_credits, h.method, h.method_version, h.is_stale, h.problem,
  h.idle_entry, h.idle_policy, h.idle_policy_version, h.idle_reach, coalesce((
    SELECT sum(credits) FROM allocation_borne b
    WHERE (b.account, b.warehouse_id, b.starts_at) = (h.account, h.warehouse_id, h.starts_at)), 0) AS allocated_credits
FROM usage_warehouse_hour h
WHERE (upper(h.warehouse) = upper($1) OR h.warehouse_id = $1) AND h.starts_at = $2 AND ($3::text IS NULL OR h.account = $3)
ORDER BY h.account, h.warehouse_id LIMIT 1`;

// A team is told of a line what it bears of it, and its own statements.
const LINES = `/* prepared: billing.explained_lines */
WITH line AS (
  SELECT l.*, s.shares, s.own FROM allocation_line l
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('team_id', s.team_id, 'basis', s.basis, 'query_id', s.query_id,
      'credits', s.credits::text) ORDER BY s.credits DESC, s.team_id COLLATE "C") AS shares, sum(s.credits) AS own
    FROM allocation_share s
    WHERE (s.starts_at, s.account, s.warehouse_id, s.ordinal) = (l.starts_at, l.account, l.warehouse_id, l.ordinal)
      AND ($4::text IS NULL OR s.team_id = $4)
  ) s ON true
  WHERE l.account = $1 AND l.warehouse_id = $2 AND l.starts_at = $3 AND ($4::text IS NULL OR l.team_id = $4 OR s.own IS NOT NULL)
)
SELECT l.bucket, l.reason, q.query_id, l.ticket_id, q.snowflake_user, q.executed_at, q.ended_at, l.team_id,
  CASE WHEN $4::text IS NULL OR l.own IS NULL THEN l.credits ELSE l.own END AS credits, coalesce(l.shares, '[]') AS shares
FROM line l
LEFT JOIN LATERAL (
  SELECT l.query_id, u.snowflake_user, u.executed_at, u.ended_at FROM (SELECT) AS one
  LEFT JOIN usage_query u ON u.account = l.account AND u.query_id = l.query_id
  WHERE $4::text IS NULL OR l.statement_team_id = $4
) q ON true
ORDER BY 9 DESC, l.ordinal`;

const RAN = `/* prepared: billing.explained_ran */
SELECT team_id, sum(credits) AS credits FROM allocation_line
WHERE account = $1 AND warehouse_id = $2 AND bucket IN ('direct', 'bypass')
  AND starts_at >= date_trunc(CASE WHEN $4 = 'none' THEN 'month' ELSE $4 END, $3::timestamptz, 'UTC')
  AND starts_at < date_trunc(CASE WHEN $4 = 'none' THEN 'month' ELSE $4 END, $3::timestamptz, 'UTC')
    + CASE $4 WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END
  AND ($5::text IS NULL OR team_id = $5)
GROUP BY 1 ORDER BY 2 DESC, 1`;
