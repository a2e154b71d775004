/** Heartbeats of replicas, by the database's clock, so that a replica with a wrong clock is not given up. */
import type { Queryable } from '#base/postgres/pool.js';

const BEAT = `/* prepared: billing.replica_beat */
INSERT INTO replica (id) VALUES ($1)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), stopped_at = NULL`;

const STOPPED = `/* prepared: billing.replica_stopped */
UPDATE replica SET stopped_at = now() WHERE id = $1`;

const LIVE = `/* prepared: billing.replicas_live */
SELECT id FROM replica
WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => $1::double precision / 1000) ORDER BY id`;

/** Says that the replica lives. */
export async function beat(db: Queryable, replica: string): Promise<void> {
  await db.query(BEAT, [replica]);
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
