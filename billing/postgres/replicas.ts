/** Heartbeats of replicas, by the database's clock, so that a replica with a wrong clock is not given up. */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

/** A replica silent for this long is dead: five heartbeats. */
export const REPLICA_SILENCE_MS = 10_000;

/** Ids of the replicas that live, as a subquery of statements that change what is theirs. */
export const LIVE_REPLICAS: string = `SELECT id FROM replica WHERE stopped_at IS NULL
  AND seen_at > clock_timestamp() - interval '${REPLICA_SILENCE_MS} milliseconds'`;

const BEAT = `/* prepared: billing.replica_beat */
INSERT INTO replica (id, control_version, control_problem) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), stopped_at = NULL, control_version = excluded.control_version,
  control_problem = excluded.control_problem
RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS at`;

const STOPPED = `/* prepared: billing.replica_stopped */
UPDATE replica SET stopped_at = now() WHERE id = $1`;

const LIVE = `/* prepared: billing.replicas_live */
SELECT id FROM replica
WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => $1::double precision / 1000) ORDER BY id`;

/** What a replica decides by. */
export interface ReplicaControl {
  /** null: it has no control document yet. */
  readonly version: number | null;
  /** Why a newer version is not in force there; null: there is none. */
  readonly problem: string | null;
}

/** A replica as the others and the administrators see it; times are ISO 8601 in UTC. */
export interface ReplicaEntry {
  readonly id: string;
  readonly startedAt: string;
  readonly seenAt: string;
  readonly control: ReplicaControl;
}

/** Says that the replica lives, and what it decides by; resolves to the time of the database's clock meanwhile. */
export async function beat(
  db: Queryable,
  replica: string,
  control: ReplicaControl,
): Promise<EpochMs> {
  const said = [replica, control.version, control.problem];
  const { rows } = await db.query<{ at: string }>(BEAT, said);
  return Number(must(rows[0], 'an upsert has one row').at);
}

const LIST = `/* prepared: billing.replicas_list */
SELECT id, started_at, seen_at, control_version, control_problem FROM replica
WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => $1::double precision / 1000) ORDER BY id
LIMIT 1000`;

/** The replicas heard of within `silenceMs`, at most 1,000, by id. */
export async function listReplicas(
  db: Queryable,
  silenceMs: number,
): Promise<readonly ReplicaEntry[]> {
  const { rows } = await db.query<{
    id: string;
    started_at: Date;
    seen_at: Date;
    control_version: string | null;
    control_problem: string | null;
  }>(LIST, [silenceMs]);
  return rows.map((row) => ({
    id: row.id,
    startedAt: row.started_at.toISOString(),
    seenAt: row.seen_at.toISOString(),
    control: {
      version: row.control_version === null ? null : Number(row.control_version),
      problem: row.control_problem,
    },
  }));
}

/** Says that the replica has drained and left. */
export async function replicaStopped(db: Queryable, replica: string): Promise<void> {
  await db.query(STOPPED, [replica]);
}

/** Ids of the replicas heard of within `silenceMs`. */
export async function liveReplicas(db: Queryable, silenceMs: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(LIVE, [silenceMs]);
  return rows.map(({ id }) => id);
}
