/** This replica's name and its heartbeat by the database's clock, so that others can tell a dead one from a slow one. */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';

const HEARTBEAT_MS = 2000;
/** A replica silent for this long is dead: five heartbeats. */
const SILENCE_SECONDS = 10;

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
export async function startReplica(db: Database, log: Log, name: string, incarnation: string): Promise<Replica> {
  const id = `${name}#${incarnation}`;
  await db.transaction(async (tx) => {
    await tx.query(
      `UPDATE replica SET stopped_at = now() WHERE starts_with(id, $1) AND stopped_at IS NULL`,
      [`${name}#`],
    );
    await tx.query('INSERT INTO replica (id, started_at, seen_at) VALUES ($1, now(), now())', [id]);
  });
  const timer = setInterval(() => {
    db.query('UPDATE replica SET seen_at = now() WHERE id = $1', [id]).catch((thrown: unknown) => {
      log.warn({ err: toError(thrown) }, 'the heartbeat could not be written');
    });
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    id,
    async live() {
      const { rows } = await db.query<{ id: string }>(
        `SELECT id FROM replica WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => $1)`,
        [SILENCE_SECONDS],
      );
      return rows.map((row) => row.id);
    },
    async stop() {
      clearInterval(timer);
      await db.query('UPDATE replica SET stopped_at = now() WHERE id = $1', [id]);
    },
  };
}
