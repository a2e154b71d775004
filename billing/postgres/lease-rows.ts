/** Leases in Postgres: parts of a period set aside for one replica incarnation, by this database's clock. */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { REPLICA_SILENCE_MS } from './replicas.js';
import { STANDING_COLUMNS, amountParameter } from './standing-row.js';

/** A lease that is not renewed for this long ends, and its idle part goes back to its period. */
export const LEASE_MS = 10_000;

/** Notified with the id of a period whose idle parts are wanted back. */
export const LEASES_CHANNEL = 'tollgate_leases';

const LASTS = `now() + make_interval(secs => ${LEASE_MS}::double precision / 1000)`;

// The period is locked before the lease, as everywhere, and leases in the order of their ids, which is not that of their
// periods: the same replica reserves under them meanwhile. A hard budget gives at most its share of what is left, and
// nothing of its last twentieth: there every decision is made on the period itself. A repeat of the same sequence finds
// that it was given and changes nothing.
const REFILL = `/* prepared: billing.lease_refill */
WITH wish AS MATERIALIZED (
  SELECT w.budget_id, w.wanted, w.sequence
  FROM unnest($1::text[], $2::numeric[], $3::bigint[]) AS w (budget_id, wanted, sequence)
), period AS MATERIALIZED (
  SELECT DISTINCT ON (budget_id) id, budget_id FROM budget_period
  WHERE budget_id = ANY($1::text[]) AND starts_at <= $5 AND ends_at > $5
  ORDER BY budget_id, starts_at DESC
), locked AS MATERIALIZED (
  SELECT p.id, w.wanted, w.sequence, ${STANDING_COLUMNS}
  FROM period x JOIN wish w ON w.budget_id = x.budget_id JOIN budget_period p ON p.id = x.id
  JOIN budget b ON b.id = p.budget_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), own AS MATERIALIZED (
  SELECT l.id FROM lease l WHERE l.replica = $4 AND l.budget_period_id IN (SELECT id FROM locked)
  ORDER BY l.id FOR NO KEY UPDATE
), others AS MATERIALIZED (
  SELECT greatest(count(*), 1) AS replicas FROM replica
  WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => ${REPLICA_SILENCE_MS}::double precision / 1000)
), share AS MATERIALIZED (
  SELECT l.id, l.sequence, l.starts_at, l.ends_at, l.budget_id, CASE
      WHEN NOT l.is_hard OR l.limit_credits IS NULL THEN l.wanted
      WHEN r.room <= l.limit_credits / 20 THEN 0
      ELSE least(l.wanted, trunc(r.room / (2 * o.replicas), 12))
    END AS granted
  FROM locked l CROSS JOIN others o
  CROSS JOIN LATERAL (SELECT l.limit_credits - l.spent_credits - l.held_credits - l.leased_credits AS room) r
), given AS (
  INSERT INTO lease AS e (budget_period_id, replica, sequence, idle_credits, expires_at)
  SELECT id, $4, sequence, granted, ${LASTS} FROM share WHERE granted > 0 AND (SELECT count(*) FROM own) >= 0
  ON CONFLICT (budget_period_id, replica) DO UPDATE
    SET sequence = excluded.sequence, idle_credits = e.idle_credits + excluded.idle_credits,
      expires_at = excluded.expires_at, ended_at = NULL
    WHERE e.sequence < excluded.sequence
  RETURNING id, budget_period_id, sequence, idle_credits
), raised AS (
  UPDATE budget_period p SET leased_credits = p.leased_credits + s.granted
  FROM share s JOIN given g ON g.budget_period_id = s.id WHERE p.id = s.id
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'lease', 'lease:' || id || ':' || sequence, $4, 'leased', $5 FROM given
  RETURNING id, key
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, x.ordinal, s.id, x.account, x.sign * s.granted
  FROM given g JOIN journalled j ON j.key = 'lease:' || g.id || ':' || g.sequence
  JOIN share s ON s.id = g.budget_period_id
  CROSS JOIN (VALUES (1, 'available', -1), (2, 'leased', 1)) AS x (ordinal, account, sign)
)
SELECT g.id, g.budget_period_id, s.budget_id, g.sequence, g.idle_credits, s.starts_at, s.ends_at,
  set_config('synchronous_commit', 'off', true)
FROM given g JOIN share s ON s.id = g.budget_period_id`;

/** Ends the leases that `condition` names and gives their idle parts back to their periods. A refill begins them anew. */
function giveBack(name: string, condition: string): string {
  return `/* prepared: billing.${name} */
WITH locked AS MATERIALIZED (
  SELECT p.id, p.leased_credits FROM budget_period p
  WHERE p.id IN (SELECT l.budget_period_id FROM lease l WHERE l.ended_at IS NULL AND ${condition})
  ORDER BY p.id FOR NO KEY UPDATE
), l AS MATERIALIZED (
  SELECT l.id, l.budget_period_id, l.replica, l.idle_credits
  FROM locked k JOIN lease l ON l.budget_period_id = k.id
  WHERE l.ended_at IS NULL AND ${condition}
  ORDER BY l.id FOR NO KEY UPDATE OF l
), emptied AS (
  UPDATE lease SET idle_credits = 0, ended_at = now() FROM l WHERE lease.id = l.id
), lowered AS (
  UPDATE budget_period p SET leased_credits = k.leased_credits - s.idle
  FROM locked k JOIN (SELECT budget_period_id, sum(idle_credits) AS idle FROM l GROUP BY budget_period_id) s
    ON s.budget_period_id = k.id
  WHERE p.id = k.id
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'lease', 'lease-back:' || id || ':' || gen_random_uuid(), replica, 'given back', $1 FROM l WHERE idle_credits > 0
  RETURNING id, key
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, x.ordinal, l.budget_period_id, x.account, x.sign * l.idle_credits
  FROM l JOIN journalled j ON starts_with(j.key, 'lease-back:' || l.id || ':')
  CROSS JOIN (VALUES (1, 'leased', -1), (2, 'available', 1)) AS x (ordinal, account, sign)
)
SELECT id, idle_credits FROM l`;
}

const RETURN = giveBack(
  'lease_return',
  'l.replica = $2 AND l.budget_period_id = ANY($3::bigint[])',
);
const RETURN_ALL = giveBack('lease_return_all', 'l.replica = $2');
const RECLAIM = giveBack('lease_reclaim', 'l.expires_at <= clock_timestamp()');

// A server that has just started may have been away, and a replica may have promised what it has leased (ADR 21): that is
// left alone until it had the time to say so.
const TAKE = giveBack(
  'lease_take',
  `l.replica <> $2 AND l.budget_period_id = $3
    AND pg_postmaster_start_time() <= clock_timestamp() - make_interval(secs => $4::double precision / 1000)`,
);

const RENEW = `/* prepared: billing.lease_renew */
WITH own AS MATERIALIZED (
  SELECT id FROM lease WHERE replica = $1 AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE
)
UPDATE lease SET expires_at = ${LASTS} FROM own WHERE lease.id = own.id
RETURNING budget_period_id, idle_credits`;

const ASK = `/* prepared: billing.lease_ask */
WITH idle AS MATERIALIZED (
  SELECT coalesce(sum(idle_credits), 0) AS credits FROM lease WHERE budget_period_id = $1 AND ended_at IS NULL
)
SELECT i.credits AS idle_credits, CASE WHEN i.credits > 0 THEN pg_notify('${LEASES_CHANNEL}', p.id::text) END,
  p.limit_credits + p.granted_credits + p.carried_credits - p.spent_credits - p.held_credits - p.leased_credits
    AS available_credits,
  (extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) * 1000)::double precision AS up_ms
FROM budget_period p, idle i WHERE p.id = $1`;

/** A lease as it was when it was last filled. */
export interface LeaseRow {
  readonly id: string;
  readonly periodId: string;
  readonly budgetId: string;
  readonly sequence: bigint;
  readonly idleCredits: Credits;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
}

export interface Refill {
  readonly budgetId: string;
  readonly wantedCredits: Credits;
  /** Higher than any before it for this period and replica. */
  readonly sequence: bigint;
}

/** Takes what it may of each budget's open period; those that give nothing are not among the answer. */
export async function refillLeases(
  db: Queryable,
  replica: string,
  refills: readonly Refill[],
  at: EpochMs,
): Promise<readonly LeaseRow[]> {
  const { rows } = await db.query<{
    id: string;
    budget_period_id: string;
    budget_id: string;
    sequence: string;
    idle_credits: string;
    starts_at: Date;
    ends_at: Date;
  }>(REFILL, [
    refills.map(({ budgetId }) => budgetId),
    refills.map(({ wantedCredits }) => amountParameter(wantedCredits)),
    refills.map(({ sequence }) => sequence.toString()),
    replica,
    new Date(at),
  ]);
  return rows.map((row) => ({
    id: row.id,
    periodId: row.budget_period_id,
    budgetId: row.budget_id,
    sequence: BigInt(row.sequence),
    idleCredits: parseCredits(row.idle_credits),
    startsAt: row.starts_at.getTime(),
    endsAt: row.ends_at.getTime(),
  }));
}

/** Ends the replica's leases of these periods and gives back what is idle. */
export async function returnIdle(
  db: Queryable,
  replica: string,
  periodIds: readonly string[],
  at: EpochMs,
): Promise<void> {
  await db.query(RETURN, [new Date(at), replica, periodIds]);
}

/** Gives everything idle back and ends the replica's leases. */
export async function returnAll(db: Queryable, replica: string, at: EpochMs): Promise<void> {
  await db.query(RETURN_ALL, [new Date(at), replica]);
}

/**
 * Ends the leases that were not renewed in time and gives back what was idle. What was held under them stays counted
 * until it is settled or void.
 */
export async function reclaimExpired(db: Queryable, at: EpochMs): Promise<number> {
  return (await db.query(RECLAIM, [new Date(at)])).rows.length;
}

/**
 * Ends what other replicas have leased of a period and gives back what is idle of it, without waiting for them: what they
 * remember of it is a guess that the ledger refuses from then on. Of a server that started in the last `calmMs` nothing.
 */
export async function takeIdle(
  db: Queryable,
  replica: string,
  periodId: string,
  { at, calmMs }: { readonly at: EpochMs; readonly calmMs: number },
): Promise<void> {
  await db.query(TAKE, [new Date(at), replica, periodId, calmMs]);
}

/** Renews all leases of the replica; what each has idle, by its period. */
export async function renewLeases(
  db: Queryable,
  replica: string,
): Promise<ReadonlyMap<string, Credits>> {
  const { rows } = await db.query<{ budget_period_id: string; idle_credits: string }>(RENEW, [
    replica,
  ]);
  return new Map(rows.map((row) => [row.budget_period_id, parseCredits(row.idle_credits)]));
}

/** What could still be had of a period. */
export interface Returnable {
  /** Of all leases, before they are given back. */
  readonly idleCredits: Credits;
  /** null: unlimited. */
  readonly availableCredits: Credits | null;
  /** How long the ledger's server has been there. */
  readonly upMs: number;
}

/** Asks every replica to give the idle parts of a period back. */
export async function askBack(db: Queryable, periodId: string): Promise<Returnable> {
  const { rows } = await db.query<{
    idle_credits: string;
    available_credits: string | null;
    up_ms: number;
  }>(ASK, [periodId]);
  const row = must(rows[0], 'a period that was judged is there');
  return {
    idleCredits: parseCredits(row.idle_credits),
    availableCredits: row.available_credits === null ? null : parseCredits(row.available_credits),
    upMs: row.up_ms,
  };
}

/**
 * True when it is worth judging again what was short of the period, with `seenCredits` available then: something was
 * given back meanwhile, or may be.
 */
export type MayBeReturned = (periodId: string, seenCredits: Credits | null) => Promise<boolean>;
