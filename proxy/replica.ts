/** This replica's name and its heartbeat by the database's clock, so that others can tell a dead one from a slow one. */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import {
  beat,
  liveReplicas,
  REPLICA_SILENCE_MS,
  type ReplicaControl,
  replicaStopped,
} from '#billing/postgres/replicas.js';
import { ClockSkew, exposeClockSkew } from './clock-skew.js';

const HEARTBEAT_MS = 2000;
/** A heartbeat this old may soon be too old for the others. */
const HEARD_MS = REPLICA_SILENCE_MS - HEARTBEAT_MS;

export interface Replica {
  /** `<name>#<incarnation>`: a restart is another replica, and the one before it is dead at once. */
  readonly id: string;
  /** Ids of the replicas that are alive. */
  live(): Promise<readonly string[]>;
  /** Others take it for alive, with some time to spare. */
  readonly isHeard: () => boolean;
  /** Tells the administrators which control version is in force here, now and with every heartbeat. */
  note(control: ReplicaControl): void;
  stop(): Promise<void>;
}

export interface ReplicaOptions {
  readonly db: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Stable over restarts. */
  readonly replicaName: string;
}

/**
 * Announces this process. Its name is stable over restarts (one process per data directory holds it), so that what an
 * earlier incarnation left open is adopted without waiting for its silence.
 */
export async function startReplica(
  { db, log, metrics, replicaName: name }: ReplicaOptions,
  incarnation: string,
): Promise<Replica> {
  const skew = new ClockSkew(log);
  exposeClockSkew(metrics, () => skew);
  const id = `${name}#${incarnation}`;
  await db.query(
    'UPDATE replica SET stopped_at = now() WHERE starts_with(id, $1) AND stopped_at IS NULL',
    [`${name}#`],
  );
  let control: ReplicaControl = { version: null, problem: null };
  let heardAtMs = -Infinity;
  const say = async (): Promise<void> => {
    // Taken first: it may be written much later than it was sent, but not before.
    const sentAtMs = performance.now();
    const askedAt = Date.now();
    const databaseAt = await beat(db, id, control);
    skew.heard(askedAt, Date.now(), databaseAt);
    heardAtMs = Math.max(heardAtMs, sentAtMs);
  };
  const announce = (): void => {
    say().catch((thrown: unknown) => {
      log.warn({ err: toError(thrown) }, 'the heartbeat could not be written');
    });
  };
  await say();
  const timer = setInterval(announce, HEARTBEAT_MS);
  timer.unref();
  return {
    id,
    isHeard: () => performance.now() - heardAtMs < HEARD_MS,
    // Whoever asks is alive, also when its own heartbeat is late.
    live: async () => [...new Set([id, ...(await liveReplicas(db, REPLICA_SILENCE_MS))])],
    note(next) {
      control = next;
      announce();
    },
    async stop() {
      clearInterval(timer);
      await replicaStopped(db, id);
    },
  };
}
