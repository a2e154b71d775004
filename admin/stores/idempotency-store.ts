/**
 * Answers kept for repeats. A key is taken by an insert before its request runs: the primary key lets one of any
 * number of takers at the same time through, on any number of replicas. Ages are by the database's clock.
 */
import type { Queryable } from '#base/postgres/pool.js';

/** One request under a key of its caller. */
export interface KeyedRequest {
  readonly actor: string;
  readonly key: string;
  /** Of everything that makes it this request. */
  readonly requestHash: string;
}

export type TakeOutcome =
  /** Nobody has sent this key; the request runs now, and {@link keepAnswer} or {@link freeKey} follows. */
  | { readonly kind: 'taken' }
  /** It was answered; `body` null: the answer is not kept. */
  | { readonly kind: 'answered'; readonly status: number; readonly body: string | null }
  /** It runs; `isLost`: for so long that whoever ran it has died, and what came of it is unknown. */
  | { readonly kind: 'running'; readonly isLost: boolean }
  /** The key was sent with another request. */
  | { readonly kind: 'reused' };

const KEPT = "interval '24 hours'";
/** Longer than any request may take. */
const LOST_AFTER = "interval '2 minutes'";

/** Oldest first, a few at a time, so that no writer pays for a day's worth; the key at hand always. */
const SWEEP = `DELETE FROM idempotency_key WHERE (actor, key) IN (
  SELECT actor, key FROM idempotency_key WHERE created_at < now() - ${KEPT} ORDER BY created_at LIMIT 100
) OR (actor = $1 AND key = $2 AND created_at < now() - ${KEPT})`;

const TAKE = `INSERT INTO idempotency_key (actor, key, request_hash, created_at) VALUES ($1, $2, $3, now())
ON CONFLICT DO NOTHING`;

const FIND = `SELECT request_hash, status, body, created_at < now() - ${LOST_AFTER} AS is_old
FROM idempotency_key WHERE actor = $1 AND key = $2`;

/** Takes the key for this request, or tells what the key stands for. */
export async function takeKey(db: Queryable, request: KeyedRequest): Promise<TakeOutcome> {
  const { actor, key, requestHash } = request;
  await db.query(SWEEP, [actor, key]);
  const { rowCount } = await db.query(TAKE, [actor, key, requestHash]);
  if (rowCount === 1) return { kind: 'taken' };
  const { rows } = await db.query<{
    request_hash: string;
    status: number | null;
    body: string | null;
    is_old: boolean;
  }>(FIND, [actor, key]);
  const row = rows[0];
  // Freed between the two statements: its request was refused, and the caller may send it again.
  if (row === undefined) return { kind: 'running', isLost: false };
  if (row.request_hash !== requestHash) return { kind: 'reused' };
  return row.status === null
    ? { kind: 'running', isLost: row.is_old }
    : { kind: 'answered', status: row.status, body: row.body };
}

/** Keeps the answer of a taken key; `body` null: only that there was one. */
export async function keepAnswer(
  db: Queryable,
  request: Pick<KeyedRequest, 'actor' | 'key'>,
  answer: { readonly status: number; readonly body: string | null },
): Promise<void> {
  await db.query(
    'UPDATE idempotency_key SET status = $3, body = $4 WHERE actor = $1 AND key = $2 AND status IS NULL',
    [request.actor, request.key, answer.status, answer.body],
  );
}

/** Gives a taken key back: its request was refused and changed nothing. */
export async function freeKey(
  db: Queryable,
  request: Pick<KeyedRequest, 'actor' | 'key'>,
): Promise<void> {
  await db.query('DELETE FROM idempotency_key WHERE actor = $1 AND key = $2 AND status IS NULL', [
    request.actor,
    request.key,
  ]);
}
