/**
 * What Postgres keeps of lanes: permits at replicas, who waits, whose turn it is. The row of a lane is its lock, so that
 * one replica decides at a time; times are of the database's clock. No money moves here, and who decides brings the
 * decision: this file reads, and writes what it is told.
 */
import type { LaneMember, LaneReach, LaneToDecide, LaneWrites } from '#base/kept-lanes.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import { formatAmount } from '#base/units.js';
import { LIVE } from './lane-rows.js';
import { readToDecide } from './lane-to-decide.js';
import { REPLICA_SILENCE_MS } from './replicas.js';
import { jsonFor } from './ticket-row.js';

/** Notified with `<replica> <tier>`: something was granted there, or idle permits are asked back. */
export const LANES_CHANNEL = 'tollgate_lanes';

/** A replica that stands still while it decides loses the lane after this long. */
const DECIDING_MAX_MS = 4_000;

const LOCK = `/* prepared: billing.lane_lock */
SELECT set_config('idle_in_transaction_session_timeout', $2, true), tier FROM lane WHERE tier = $1 FOR UPDATE`;

const MAKE = `INSERT INTO lane (tier) VALUES ($1) ON CONFLICT DO NOTHING`;

// The rows of dead replicas go with every change; a replica that was taken for dead tells of itself anew.
const WRITE = `/* prepared: billing.lane_write */
WITH ${LIVE}, turned AS (
  UPDATE lane SET turns = $4::jsonb, stretch = $5 WHERE tier = $1
    AND (turns, stretch) IS DISTINCT FROM ($4::jsonb, $5::double precision)
), held AS (
  INSERT INTO lane_permit (tier, replica, idle, running, told_at, is_exact)
  VALUES ($1, $2, $6, $7::jsonb, clock_timestamp(), $14)
  ON CONFLICT (tier, replica) DO UPDATE SET idle = excluded.idle, running = excluded.running,
    told_at = excluded.told_at, is_exact = excluded.is_exact
), buried AS (
  DELETE FROM lane_permit WHERE tier = $1 AND replica NOT IN (SELECT id FROM live)
), removed AS (
  DELETE FROM lane_waiting
  WHERE tier = $1 AND (ticket_id = ANY($8::uuid[]) OR replica NOT IN (SELECT id FROM live))
), granted AS (
  UPDATE lane_waiting SET granted_at = clock_timestamp() WHERE ticket_id = ANY($9::uuid[])
), accepted AS (
  UPDATE lane_waiting SET is_provisional = false WHERE ticket_id = ANY($13::uuid[])
), added AS (
  INSERT INTO lane_waiting (ticket_id, tier, replica, team_id, principal_id, is_administrator, expected_credits,
    expected_ms, since, is_provisional)
  SELECT a."ticketId", $1, $2, a."teamId", a."principalId", a."isAdministrator", a."expectedCredits", a."expectedMs",
    clock_timestamp() - make_interval(secs => a."waitedMs" / 1000), a."isProvisional"
  FROM jsonb_to_recordset($10::jsonb) AS a ("ticketId" uuid, "teamId" text, "principalId" text,
    "isAdministrator" boolean, "expectedCredits" numeric, "expectedMs" double precision, "waitedMs" double precision,
    "isProvisional" boolean)
  ON CONFLICT (ticket_id) DO NOTHING
)
SELECT pg_notify($11, told || ' ' || $1) FROM unnest($12::text[]) AS told`;

/**
 * Decides in a lane, alone: `decide` is given the lane as it is and says what to write.
 * @param replica who decides; it counts as alive.
 */
export function decideInLane<T>(
  db: Database,
  tier: string,
  replica: string,
  reach: LaneReach,
  decide: (lane: LaneToDecide) => { readonly change: LaneWrites; readonly result: T },
): Promise<T> {
  return db.transaction(async (tx) => {
    await lock(tx, tier);
    const { change, result } = decide(await readToDecide(tx, tier, replica, reach));
    await write(tx, tier, change);
    return result;
  });
}

async function lock(tx: Transaction, tier: string): Promise<void> {
  const values = [tier, String(DECIDING_MAX_MS)];
  if ((await tx.query(LOCK, values)).rowCount === 1) return;
  await tx.query(MAKE, [tier]);
  await tx.query(LOCK, values);
}

async function write(tx: Transaction, tier: string, change: LaneWrites): Promise<void> {
  const { holding } = change;
  await tx.query(WRITE, [
    tier,
    holding.replica,
    REPLICA_SILENCE_MS,
    jsonFor(change.turns),
    change.stretch,
    holding.idle,
    jsonFor(holding.running.map(textual)),
    change.removed,
    change.granted,
    jsonFor(change.added.map(textual)),
    LANES_CHANNEL,
    change.told,
    change.accepted,
    holding.isExact,
  ]);
}

function textual<T extends LaneMember>(
  statement: T,
): Omit<T, 'expectedCredits'> & { readonly expectedCredits: string } {
  return { ...statement, expectedCredits: formatAmount(statement.expectedCredits) };
}

/** Tiers in which statements of the team wait. */
export async function tiersWaitedIn(db: Queryable, teamId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ tier: string }>(
    'SELECT DISTINCT tier FROM lane_waiting WHERE team_id = $1 AND granted_at IS NULL',
    [teamId],
  );
  return rows.map(({ tier }) => tier);
}

/** The lane in which the statement of a ticket waits; undefined: it does not. */
export async function tierWaitedIn(db: Queryable, ticketId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ tier: string }>(
    'SELECT tier FROM lane_waiting WHERE ticket_id = $1 AND granted_at IS NULL',
    [ticketId],
  );
  return rows[0]?.tier;
}
