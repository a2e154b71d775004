/**
 * What a decision reads of a lane: so much of those who wait elsewhere as can have their turn, found by indexes. It grows
 * with teams and permits; those behind are counted alone.
 */
import type { LaneOwnWait, LaneReach, LaneToDecide } from '#base/kept-lanes.js';
import { must } from '#base/assert.js';
import type { Transaction } from '#base/postgres/pool.js';
import { HOLDINGS, holdingOf, LIVE, NOW, waitOf, WAITED_MS, WHOLE } from './lane-rows.js';
import type { LaneRow } from './lane-rows.js';
import { REPLICA_SILENCE_MS } from './replicas.js';

/** What has neither a permit nor waits for one provisionally; as the partial indexes of lane_waiting say it. */
const QUEUED = 'w.granted_at IS NULL AND NOT w.is_provisional';

/** `w.a = q.a AND w.b = q.b`. */
const sameAs = (keys: readonly string[]): string =>
  keys.map((key) => `w.${key} = q.${key}`).join(' AND ');

const listOf = (alias: string, keys: readonly string[]): string =>
  keys.map((key) => `${alias}.${key}`).join(', ');

// Read under the lane's lock: of others no more than can have their turn, of its own what its replica does not know. The
// next queue is found from the one before it, and of each its first, by an index that begins with `keys`: those behind
// are counted, and neither sorted nor sent. Its own may be thousands: one text, which costs a third of as many arrays.
const readToDecideBy = (name: string, keys: readonly string[]): string => `/* prepared: ${name} */
WITH RECURSIVE ${NOW}, ${LIVE}, elsewhere AS MATERIALIZED (
  SELECT coalesce(array_agg(id), '{}') AS ids FROM live WHERE id <> $2
), reach AS MATERIALIZED (
  SELECT 1 + greatest($5::integer, $4::integer - coalesce(sum((SELECT count(*) FROM jsonb_array_elements(p.running) r
    WHERE NOT (r ->> 'isAdministrator')::boolean)), 0)) AS turns_max
  FROM lane_permit p JOIN live ON live.id = p.replica WHERE p.tier = $1 AND p.replica <> $2
), queue AS (
  (SELECT ${listOf('w', keys)} FROM lane_waiting w WHERE w.tier = $1 AND ${QUEUED} ORDER BY ${listOf('w', keys)} LIMIT 1)
  UNION ALL
  SELECT ${listOf('n', keys)} FROM queue q CROSS JOIN LATERAL (
    SELECT ${listOf('w', keys)} FROM lane_waiting w
    WHERE w.tier = $1 AND ${QUEUED} AND (${listOf('w', keys)}) > (${listOf('q', keys)}) ORDER BY ${listOf('w', keys)} LIMIT 1
  ) n
), first AS MATERIALIZED (
  SELECT f.* FROM queue q CROSS JOIN reach r CROSS JOIN elsewhere e CROSS JOIN LATERAL (
    SELECT w.* FROM lane_waiting w WHERE w.tier = $1 AND ${QUEUED} AND ${sameAs(keys)} AND w.replica = ANY (e.ids)
    ORDER BY w.since, w.ticket_id LIMIT r.turns_max
  ) f
), others AS (
  SELECT * FROM first
  UNION ALL
  SELECT w.* FROM elsewhere e CROSS JOIN lane_waiting w WHERE w.tier = $1 AND NOT (${QUEUED}) AND w.replica = ANY (e.ids)
), counted AS (
  SELECT w.team_id, w.is_administrator, count(*) FROM elsewhere e CROSS JOIN lane_waiting w
  WHERE w.tier = $1 AND ${QUEUED} AND w.replica = ANY (e.ids) GROUP BY 1, 2
), behind AS (
  SELECT team_id, is_administrator, c.count - coalesce(f.count, 0) AS count FROM counted c
  LEFT JOIN (SELECT team_id, is_administrator, count(*) FROM first GROUP BY 1, 2) f USING (team_id, is_administrator)
)
SELECT l.turns, l.stretch, (SELECT count(*) FROM live)::integer AS replicas, ${HOLDINGS},
  (SELECT turns_max FROM reach)::integer AS "turnsMax",
  (SELECT string_agg(concat(w.ticket_id, ' ', ${WAITED_MS}, CASE WHEN w.granted_at IS NOT NULL THEN ' granted' END,
      CASE WHEN w.is_provisional THEN ' provisional' END), ',' ORDER BY w.since, w.ticket_id)
    FROM n CROSS JOIN lane_waiting w WHERE w.tier = l.tier AND w.replica = $2) AS own,
  (SELECT json_agg(${WHOLE} ORDER BY w.since, w.ticket_id) FROM n CROSS JOIN others w) AS waits,
  (SELECT json_agg(json_build_array(b.team_id, b.is_administrator, b.count)) FROM behind b WHERE b.count > 0) AS behind
FROM lane l WHERE l.tier = $1`;

const READ_TO_DECIDE = readToDecideBy('billing.lane_read_to_decide', [
  'team_id',
  'is_administrator',
]);

const READ_TO_DECIDE_BY_PRINCIPAL = readToDecideBy('billing.lane_read_by_principal', [
  'team_id',
  'is_administrator',
  'principal_id',
]);

interface ToDecideRow extends LaneRow {
  readonly turnsMax: number;
  /** `<ticket id> <waited ms>[ granted][ provisional]` of each, by commas; null: none. */
  readonly own: string | null;
  readonly behind:
    readonly (readonly [teamId: string, isAdministrator: boolean, count: number])[] | null;
}

/** The lane as far as `reach` says, in a transaction that has it locked. */
export async function readToDecide(
  tx: Transaction,
  tier: string,
  replica: string,
  { permits, administratorPermits, byPrincipal }: LaneReach,
): Promise<LaneToDecide> {
  const { rows } = await tx.query<ToDecideRow & Record<string, unknown>>(
    byPrincipal ? READ_TO_DECIDE_BY_PRINCIPAL : READ_TO_DECIDE,
    [tier, replica, REPLICA_SILENCE_MS, permits, administratorPermits],
  );
  const row = must(rows[0], 'a lane that is locked is there');
  const { turns, stretch, replicas, turnsMax } = row;
  return {
    turns,
    stretch,
    replicas,
    turnsMax,
    holdings: row.holdings.map(holdingOf),
    own: row.own === null ? [] : row.own.split(',').map(ownOf),
    others: (row.waits ?? []).map(waitOf),
    behind: (row.behind ?? []).map(([teamId, isAdministrator, count]) => ({
      teamId,
      isAdministrator,
      count,
    })),
  };
}

function ownOf(text: string): LaneOwnWait {
  const [ticketId = '', waitedMs, ...marks] = text.split(' ');
  return {
    ticketId,
    waitedMs: Number(waitedMs),
    isGranted: marks.includes('granted'),
    isProvisional: marks.includes('provisional'),
  };
}
