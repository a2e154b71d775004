/** Rows of `shape_spend`: what replicas add to them, and what each reads of the others. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { formatAmount, parseCredits, type Credits } from '#base/units.js';
import type { TicketId } from '#base/ids.js';
import { HOURS_KEPT_MS, HOUR_MS, MONTH_MS, DAY_MS } from '#policies/rules/run-rate.js';

export const GRAINS = ['minute', 'hour', 'day'] as const;
export type Grain = (typeof GRAINS)[number];

export interface ShapeKey {
  readonly teamId: string;
  readonly fingerprint: string;
}

/** One span of one shape: a total when it is read, what is added when it is written. */
export interface SpendRow extends ShapeKey {
  readonly grain: Grain;
  readonly startsAt: EpochMs;
  readonly firstAt: EpochMs;
  readonly runs: number;
  readonly credits: Credits;
  readonly lastTicketId: TicketId;
}

interface Row {
  readonly team_id: string;
  readonly fingerprint: string;
  readonly grain: Grain;
  readonly starts_at: Date;
  readonly first_at: Date;
  readonly runs: string;
  readonly credits: string;
  readonly last_ticket_id: TicketId;
}

const COLUMNS = 'team_id, fingerprint, grain, starts_at, first_at, runs, credits, last_ticket_id';
const KEPT_MS: Readonly<Record<Grain, number>> = {
  minute: 2 * HOUR_MS,
  hour: HOURS_KEPT_MS + HOUR_MS,
  day: MONTH_MS + DAY_MS,
};

/** Adds to the rows, in one order for all replicas; the totals that stand then. */
export async function addSpend(
  db: Queryable,
  rows: readonly SpendRow[],
): Promise<readonly SpendRow[]> {
  if (rows.length === 0) return [];
  const { rows: totals } = await db.query<Row & Record<string, unknown>>(
    `INSERT INTO shape_spend AS s (${COLUMNS}, updated_at)
     SELECT ${COLUMNS}, clock_timestamp() FROM jsonb_to_recordset($1::jsonb) AS r (team_id text, fingerprint text,
       grain text, starts_at timestamptz, first_at timestamptz, runs bigint, credits numeric, last_ticket_id uuid)
     ORDER BY team_id, fingerprint, grain, starts_at
     ON CONFLICT (team_id, fingerprint, grain, starts_at) DO UPDATE SET runs = s.runs + excluded.runs,
       credits = s.credits + excluded.credits, first_at = least(s.first_at, excluded.first_at),
       last_ticket_id = excluded.last_ticket_id, updated_at = excluded.updated_at
     RETURNING ${COLUMNS}`,
    [
      JSON.stringify(
        rows.map((row) => ({
          team_id: row.teamId,
          fingerprint: row.fingerprint,
          grain: row.grain,
          starts_at: new Date(row.startsAt),
          first_at: new Date(row.firstAt),
          runs: row.runs,
          credits: formatAmount(row.credits),
          last_ticket_id: row.lastTicketId,
        })),
      ),
    ],
  );
  return totals.map(fromRow);
}

/** Everything that is kept of some shapes. */
export async function spendOf(
  db: Queryable,
  keys: readonly ShapeKey[],
): Promise<readonly SpendRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await db.query<Row & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM shape_spend
     WHERE (team_id, fingerprint) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [keys.map(({ teamId }) => teamId), keys.map(({ fingerprint }) => fingerprint)],
  );
  return rows.map(fromRow);
}

/** Rows that somebody added to during the last `agoMs`, the newest first; by the clock of the database. */
export async function recentSpend(
  db: Queryable,
  agoMs: number,
  limit: number,
): Promise<readonly SpendRow[]> {
  const { rows } = await db.query<Row & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM shape_spend WHERE updated_at > now() - make_interval(secs => $1)
     ORDER BY updated_at DESC LIMIT $2`,
    [agoMs / 1000, limit],
  );
  return rows.map(fromRow);
}

/** Deletes what is too old to be looked at, some at a time. */
export async function forgetSpend(db: Queryable, now: EpochMs): Promise<void> {
  for (const grain of GRAINS)
    await db.query(
      `DELETE FROM shape_spend WHERE ctid = ANY(ARRAY(
         SELECT ctid FROM shape_spend WHERE grain = $1 AND starts_at < $2 LIMIT 5000))`,
      [grain, new Date(now - KEPT_MS[grain])],
    );
}

function fromRow(row: Row): SpendRow {
  return {
    teamId: row.team_id,
    fingerprint: row.fingerprint,
    grain: row.grain,
    startsAt: row.starts_at.getTime(),
    firstAt: row.first_at.getTime(),
    runs: Number(row.runs),
    credits: parseCredits(row.credits),
    lastTicketId: row.last_ticket_id,
  };
}
