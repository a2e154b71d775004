/**
 * What Postgres keeps of lanes: permits at replicas, who waits, whose turn it is. The row of a lane is its lock, so that
 * one replica decides at a time; times are of the database's clock. No money moves here, and who decides brings the
 * decision: this file reads, and writes what it is told.
 */
import { must } from '#base/assert.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import { type Credits, formatAmount, parseCredits } from '#base/units.js';
import { REPLICA_SILENCE_MS } from './replicas.js';
import { jsonFor } from './ticket-row.js';

/** Notified with `<replica> <tier>`: something was granted there, or idle permits are asked back. */
export const LANES_CHANNEL = 'tollgate_lanes';

/** A replica that stands still while it decides loses the lane after this long. */
const DECIDING_MAX_MS = 4_000;

/** A statement in a lane; times in milliseconds of real time. */
export interface LaneStatement {
  readonly ticketId: string;
  readonly teamId: string;
  readonly principalId: string;
  readonly isAdministrator: boolean;
  readonly expectedCredits: Credits;
  readonly expectedMs: number;
}

export interface LaneHolding {
  readonly replica: string;
  readonly idle: number;
  readonly running: readonly (LaneStatement & { readonly heldMs: number })[];
  /** It asks for every permit, so that this is what it has. */
  readonly isExact: boolean;
}

export interface LaneWait extends LaneStatement {
  readonly replica: string;
  readonly waitedMs: number;
  /** It has a permit that its replica has not taken yet. */
  readonly isGranted: boolean;
  /** Beyond the cap of the queue, until it is known which permits others still have at hand. */
  readonly isProvisional: boolean;
}

/** A lane as it is kept, without what belongs to dead replicas. */
export interface LaneRows {
  readonly turns: unknown;
  readonly stretch: number;
  readonly holdings: readonly LaneHolding[];
  /** In the order in which they came. */
  readonly waits: readonly LaneWait[];
  /** How many replicas live. */
  readonly replicas: number;
}

/** How far a decision looks, so that nothing is read of those that cannot have their turn in it. */
export interface LaneReach {
  /** Permits for which nothing of the replica's own is running. */
  readonly permits: number;
  /** The most that administrators can be granted, also where nothing else is free. */
  readonly administratorPermits: number;
  /** Somebody of a team may have to let another principal's statement pass, so that those of each are looked at. */
  readonly byPrincipal: boolean;
}

/** A row of the replica that decides; it knows the statement itself. */
export interface LaneOwnWait {
  readonly ticketId: string;
  readonly waitedMs: number;
  readonly isGranted: boolean;
  readonly isProvisional: boolean;
}

/** A lane as far as a replica needs it to decide. */
export interface LaneToDecide extends Omit<LaneRows, 'waits'> {
  /** The most of one team, or of one principal if the reach is by those, that can have their turn, and one more. */
  readonly turnsMax: number;
  readonly own: readonly LaneOwnWait[];
  /** Of other replicas: who has a permit, who is provisional, and the first of each team, one more than can be granted. */
  readonly others: readonly LaneWait[];
  /** How many more of theirs wait. */
  readonly behind: readonly {
    readonly teamId: string;
    readonly isAdministrator: boolean;
    readonly count: number;
  }[];
}

/** What one replica, having decided, writes. */
export interface LaneChange {
  readonly turns: unknown;
  readonly stretch: number;
  readonly holding: LaneHolding;
  /** Its statements that wait and have no row yet. */
  readonly added: readonly LaneWait[];
  /** Tickets whose rows go. */
  readonly removed: readonly string[];
  /** Tickets of other replicas that have a permit now. */
  readonly granted: readonly string[];
  /** Tickets that are not provisional any more. */
  readonly accepted: readonly string[];
  /** Replicas that are told to look. */
  readonly told: readonly string[];
}

const LOCK = `/* prepared: billing.lane_lock */
SELECT set_config('idle_in_transaction_session_timeout', $2, true), tier FROM lane WHERE tier = $1 FOR UPDATE`;

const MAKE = `INSERT INTO lane (tier) VALUES ($1) ON CONFLICT DO NOTHING`;

const LIVE = `live AS MATERIALIZED (
  SELECT id FROM replica WHERE id = $2 OR (stopped_at IS NULL
    AND seen_at > clock_timestamp() - make_interval(secs => $3::double precision / 1000))
)`;

const HOLDINGS = `coalesce((SELECT jsonb_agg(jsonb_build_object('replica', p.replica, 'idle', p.idle, 'running', p.running, 'isExact', p.is_exact,
      'agoMs', greatest(0, extract(epoch FROM clock_timestamp() - p.told_at) * 1000)::double precision))
    FROM lane_permit p JOIN live ON live.id = p.replica WHERE p.tier = l.tier), '[]') AS holdings`;

const WAITED_MS = 'greatest(0, extract(epoch FROM n.at - w.since) * 1000)::double precision';

// One instant for all rows, so that those who came at the same time have waited for as long.
const NOW = 'n AS MATERIALIZED (SELECT clock_timestamp() AS at)';

/** The whole row, in the order of {@link WaitRow}. */
const WHOLE = `json_build_array(w.ticket_id, w.replica, w.team_id, w.principal_id, w.is_administrator,
      w.expected_credits::text, w.expected_ms, w.granted_at IS NOT NULL, w.is_provisional, ${WAITED_MS})`;

// Who waits may be thousands: as arrays of json, which neither end builds objects of first.
const READ = `/* prepared: billing.lane_read */
WITH ${NOW}, ${LIVE}
SELECT l.turns, l.stretch, (SELECT count(*) FROM live)::integer AS replicas, ${HOLDINGS},
  (SELECT json_agg(${WHOLE} ORDER BY w.since, w.ticket_id)
    FROM n CROSS JOIN lane_waiting w JOIN live ON live.id = w.replica WHERE w.tier = l.tier) AS waits
FROM lane l WHERE l.tier = $1`;

// Read under the lane's lock: of others no more than can have their turn, of its own what its replica does not know.
const READ_TO_DECIDE = `/* prepared: billing.lane_read_to_decide */
WITH ${NOW}, ${LIVE}, reach AS MATERIALIZED (
  SELECT 1 + greatest($5::integer, $4::integer - coalesce(sum((SELECT count(*) FROM jsonb_array_elements(p.running) r
    WHERE NOT (r ->> 'isAdministrator')::boolean)), 0)) AS turns_max
  FROM lane_permit p JOIN live ON live.id = p.replica WHERE p.tier = $1 AND p.replica <> $2
), others AS MATERIALIZED (
  SELECT w.*, row_number() OVER (
      PARTITION BY w.team_id, w.is_administrator, CASE WHEN $6::boolean THEN w.principal_id END,
        w.granted_at IS NULL AND NOT w.is_provisional
      ORDER BY w.since, w.ticket_id) > r.turns_max AND w.granted_at IS NULL AND NOT w.is_provisional AS is_behind
  FROM reach r CROSS JOIN lane_waiting w JOIN live ON live.id = w.replica WHERE w.tier = $1 AND w.replica <> $2
)
SELECT l.turns, l.stretch, (SELECT count(*) FROM live)::integer AS replicas, ${HOLDINGS},
  (SELECT turns_max FROM reach)::integer AS "turnsMax",
  (SELECT json_agg(json_build_array(w.ticket_id, ${WAITED_MS}, w.granted_at IS NOT NULL, w.is_provisional)
      ORDER BY w.since, w.ticket_id)
    FROM n CROSS JOIN lane_waiting w WHERE w.tier = l.tier AND w.replica = $2) AS own,
  (SELECT json_agg(${WHOLE} ORDER BY w.since, w.ticket_id)
    FROM n CROSS JOIN others w WHERE NOT w.is_behind) AS waits,
  (SELECT json_agg(json_build_array(b.team_id, b.is_administrator, b.count))
    FROM (SELECT team_id, is_administrator, count(*)::integer AS count FROM others WHERE is_behind GROUP BY 1, 2) b) AS behind
FROM lane l WHERE l.tier = $1`;

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

interface LaneRow {
  readonly turns: unknown;
  readonly stretch: number;
  readonly replicas: number;
  readonly holdings: readonly (Omit<LaneHolding, 'running'> & {
    readonly agoMs: number;
    readonly running: readonly (Omit<LaneStatement, 'expectedCredits'> & {
      readonly heldMs: number;
      readonly expectedCredits: string;
    })[];
  })[];
  /** null: nobody waits. */
  readonly waits: readonly WaitRow[] | null;
}

/** In the order of the columns of {@link WHOLE}. */
type WaitRow = readonly [
  ticketId: string,
  replica: string,
  teamId: string,
  principalId: string,
  isAdministrator: boolean,
  expectedCredits: string,
  expectedMs: number,
  isGranted: boolean,
  isProvisional: boolean,
  waitedMs: number,
];

interface ToDecideRow extends LaneRow {
  readonly turnsMax: number;
  readonly own:
    | readonly (readonly [
        ticketId: string,
        waitedMs: number,
        isGranted: boolean,
        isProvisional: boolean,
      ])[]
    | null;
  readonly behind:
    readonly (readonly [teamId: string, isAdministrator: boolean, count: number])[] | null;
}

/**
 * Decides in a lane, alone: `decide` is given the lane as it is and says what to write.
 * @param replica who decides; it counts as alive.
 */
export function decideInLane<T>(
  db: Database,
  tier: string,
  replica: string,
  reach: LaneReach,
  decide: (lane: LaneToDecide) => { readonly change: LaneChange; readonly result: T },
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

async function readToDecide(
  tx: Transaction,
  tier: string,
  replica: string,
  { permits, administratorPermits, byPrincipal }: LaneReach,
): Promise<LaneToDecide> {
  const { rows } = await tx.query<ToDecideRow & Record<string, unknown>>(READ_TO_DECIDE, [
    tier,
    replica,
    REPLICA_SILENCE_MS,
    permits,
    administratorPermits,
    byPrincipal,
  ]);
  const row = must(rows[0], 'a lane that is locked is there');
  const { turns, stretch, replicas, turnsMax } = row;
  return {
    turns,
    stretch,
    replicas,
    turnsMax,
    holdings: row.holdings.map(holdingOf),
    own: (row.own ?? []).map(([ticketId, waitedMs, isGranted, isProvisional]) => ({
      ticketId,
      waitedMs,
      isGranted,
      isProvisional,
    })),
    others: (row.waits ?? []).map(waitOf),
    behind: (row.behind ?? []).map(([teamId, isAdministrator, count]) => ({
      teamId,
      isAdministrator,
      count,
    })),
  };
}

/** The lane as it is now; one that nobody has used is empty. `replica`: who asks, which counts as alive. */
export async function readLane(db: Queryable, tier: string, replica = ''): Promise<LaneRows> {
  const { rows } = await db.query<LaneRow & Record<string, unknown>>(READ, [
    tier,
    replica,
    REPLICA_SILENCE_MS,
  ]);
  const row = rows[0];
  if (row === undefined) return { turns: {}, stretch: 1, holdings: [], waits: [], replicas: 1 };
  return {
    turns: row.turns,
    stretch: row.stretch,
    replicas: row.replicas,
    holdings: row.holdings.map(holdingOf),
    waits: (row.waits ?? []).map(waitOf),
  };
}

function holdingOf(holding: LaneRow['holdings'][number]): LaneHolding {
  const { replica, idle, running, isExact, agoMs } = holding;
  return {
    replica,
    idle,
    isExact,
    running: running.map((each) => ({
      ...each,
      expectedCredits: parseCredits(each.expectedCredits),
      heldMs: each.heldMs + agoMs,
    })),
  };
}

function waitOf(row: WaitRow): LaneWait {
  const [ticketId, replica, teamId, principalId, isAdministrator] = row;
  const [, , , , , expectedCredits, expectedMs, isGranted, isProvisional, waitedMs] = row;
  return {
    ticketId,
    replica,
    teamId,
    principalId,
    isAdministrator,
    expectedCredits: parseCredits(expectedCredits),
    expectedMs,
    isGranted,
    isProvisional,
    waitedMs,
  };
}

async function write(tx: Transaction, tier: string, change: LaneChange): Promise<void> {
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

function textual<T extends LaneStatement>(
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
