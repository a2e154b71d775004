/** This replica's name and its heartbeat by the database's clock, so that others can tell a dead one from a slow one. */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import { beat, liveReplicas, replicaStopped } from '#billing/postgres/replicas.js';

const HEARTBEAT_MS = 2000;
/** A replica silent for this long is dead: five heartbeats. */
const SILENCE_MS = 10_000;

export interface Replica {
  /** `<name>#<incarnation>`: a restart is another replica, and the one before it is dead at once. */
  readonly id: string;
  /** Ids of the replicas that are alive. */
  live(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/**
 * Announces this process. `name` is stable over restarts (one process per data directory holds it), so that what an
 * earlier incarnation left open is adopted without waiting for its silence.
 */
export async function startReplica(
  db: Database,
  log: Log,
  name: string,
  incarnation: string,
): Promise<Replica> {
  const id = `${name}#${incarnation}`;
  await db.query(
    'UPDATE replica SET stopped_at = now() WHERE starts_with(id, $1) AND stopped_at IS NULL',
    [`${name}#`],
  );
  await beat(db, id);
  const timer = setInterval(() => {
    beat(db, id).catch((thrown: unknown) => {
      log.warn({ err: toError(thrown) }, 'the heartbeat could not be written');
    });
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    id,
    // Whoever asks is alive, also when its own heartbeat is late.
    live: async () => [...new Set([id, ...(await liveReplicas(db, SILENCE_MS))])],
    async stop() {
      clearInterval(timer);
      await replicaStopped(db, id);
    },
  };
}
