/** A lane as Postgres keeps it: its turns, the permits of replicas, who waits; without what belongs to dead replicas. */
import type { KeptLane, LaneHolding, LaneMember, LaneWait } from '#base/kept-lanes.js';
import type { Queryable } from '#base/postgres/pool.js';
import { parseCredits } from '#base/units.js';
import { REPLICA_SILENCE_MS } from './replicas.js';

export const LIVE = `live AS MATERIALIZED (
  SELECT id FROM replica WHERE id = $2 OR (stopped_at IS NULL
    AND seen_at > clock_timestamp() - make_interval(secs => $3::double precision / 1000))
)`;

export const HOLDINGS = `coalesce((SELECT jsonb_agg(jsonb_build_object('replica', p.replica, 'idle', p.idle, 'running', p.running, 'isExact', p.is_exact,
      'agoMs', greatest(0, extract(epoch FROM clock_timestamp() - p.told_at) * 1000)::double precision))
    FROM lane_permit p JOIN live ON live.id = p.replica WHERE p.tier = l.tier), '[]') AS holdings`;

export const WAITED_MS: string = "greatest(0, date_part('epoch', n.at - w.since) * 1000)";

// One instant for all rows, so that those who came at the same time have waited for as long.
export const NOW = 'n AS MATERIALIZED (SELECT clock_timestamp() AS at)';

/** The whole row, in the order of {@link WaitRow}. */
export const WHOLE: string = `json_build_array(w.ticket_id, w.replica, w.team_id, w.principal_id, w.is_administrator,
      w.expected_credits::text, w.expected_ms, w.granted_at IS NOT NULL, w.is_provisional, ${WAITED_MS})`;

// Who waits may be thousands: as arrays of json, which neither end builds objects of first.
const READ = `/* prepared: billing.lane_read */
WITH ${NOW}, ${LIVE}
SELECT l.turns, l.stretch, (SELECT count(*) FROM live)::integer AS replicas, ${HOLDINGS},
  (SELECT json_agg(${WHOLE} ORDER BY w.since, w.ticket_id)
    FROM n CROSS JOIN lane_waiting w JOIN live ON live.id = w.replica WHERE w.tier = l.tier) AS waits
FROM lane l WHERE l.tier = $1`;

export interface LaneRow {
  readonly turns: unknown;
  readonly stretch: number;
  readonly replicas: number;
  readonly holdings: readonly (Omit<LaneHolding, 'running'> & {
    readonly agoMs: number;
    readonly running: readonly (Omit<LaneMember, 'expectedCredits'> & {
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

/** The lane as it is now; one that nobody has used is empty. `replica`: who asks, which counts as alive. */
export async function readLane(db: Queryable, tier: string, replica = ''): Promise<KeptLane> {
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

/** What a replica has of a lane; how long each has held its permit is counted to now. */
export function holdingOf(holding: LaneRow['holdings'][number]): LaneHolding {
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

/** A row of who waits; credits at twelve decimals. */
export function waitOf(row: WaitRow): LaneWait {
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
