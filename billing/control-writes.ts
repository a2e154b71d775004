/**
 * The moves that change what a budget may spend, inside the transaction of the control plane's own writes. Lock
 * order as everywhere: the budget, then its period, then inserts.
 */
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { formatAmount, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { openPeriods } from './postgres/open-periods.js';
import { storable } from './postgres/ticket-row.js';

/** Who changes, why, and when. */
export interface Change {
  readonly author: string;
  readonly reason: string;
  readonly at: EpochMs;
}

export interface LimitChange extends Change {
  readonly budgetId: string;
  /** null: unlimited. */
  readonly limitCredits: Credits | null;
}

export interface Grant extends Change {
  readonly budgetId: string;
  /** More than zero. */
  readonly credits: Credits;
  /** When the grant ends; null: with its period. */
  readonly until: EpochMs | null;
  /** The same key again changes nothing. */
  readonly idempotencyKey: string;
}

export type GrantOutcome =
  | { readonly kind: 'granted'; readonly grantedCredits: Credits; readonly endsAt: EpochMs }
  /** A grant with this key stands already. */
  | { readonly kind: 'replayed' };

const SET_LIMIT = `/* prepared: billing.set_limit */
UPDATE budget SET limit_kind = CASE WHEN $2::numeric IS NULL THEN 'unlimited' ELSE 'limited' END, limit_credits = $2
WHERE id = $1`;

const SET_OPEN_LIMIT = `/* prepared: billing.set_open_limit */
WITH p AS MATERIALIZED (
  SELECT id, coalesce(limit_credits, 0) AS earlier, coalesce($2::numeric, 0) AS later FROM budget_period
  WHERE budget_id = $1 AND starts_at <= $3 AND ends_at > $3
  ORDER BY starts_at DESC LIMIT 1 FOR NO KEY UPDATE
), changed AS (
  UPDATE budget_period b SET limit_credits = $2,
    limit_kind = CASE WHEN $2::numeric IS NULL THEN 'unlimited' ELSE 'limited' END
  FROM p WHERE b.id = p.id
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'limit', 'limit:' || id || ':' || gen_random_uuid(), $4, $5, $3 FROM p WHERE later <> earlier
  RETURNING id
)
INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
SELECT j.id, x.ordinal, p.id, x.account, x.sign * (p.later - p.earlier)
FROM journalled j, p, (VALUES (1, 'limit', -1), (2, 'available', 1)) AS x (ordinal, account, sign)`;

/**
 * Sets the limit of a budget and of its open period. A limit below what is spent and held leaves the budget in debt:
 * statements in flight keep what they hold, the next admission is refused.
 * @throws Fault `controlStale` for an unknown budget.
 */
export async function setBudgetLimit(tx: Transaction, change: LimitChange): Promise<void> {
  const limit = change.limitCredits === null ? null : formatAmount(change.limitCredits);
  const { rowCount } = await tx.query(SET_LIMIT, [change.budgetId, limit]);
  if (rowCount === 0)
    throw new Fault('controlStale', `The ledger does not know the budget ${change.budgetId}.`);
  const values = [
    change.budgetId,
    limit,
    new Date(change.at),
    change.author,
    storable(change.reason),
  ];
  await tx.query(SET_OPEN_LIMIT, values);
}

const GRANT = `/* prepared: billing.grant */
WITH p AS MATERIALIZED (
  SELECT id, ends_at FROM budget_period WHERE budget_id = $1 AND starts_at <= $3 AND ends_at > $3
  ORDER BY starts_at DESC LIMIT 1 FOR NO KEY UPDATE
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'grant', 'grant:' || $6::text, $4, $5, $3 FROM p
  ON CONFLICT (key) DO NOTHING
  RETURNING id
), given AS MATERIALIZED (
  SELECT p.id, p.ends_at, j.id AS journal_id FROM p, journalled j
), raised AS (
  UPDATE budget_period b SET granted_credits = b.granted_credits + $2::numeric FROM given g WHERE b.id = g.id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT g.journal_id, x.ordinal, g.id, x.account, x.sign * $2::numeric
  FROM given g, (VALUES (1, 'limit', -1), (2, 'available', 1)) AS x (ordinal, account, sign)
), noted AS (
  INSERT INTO budget_grant (budget_period_id, journal_id, credits, author, reason, granted_at, expires_at)
  SELECT id, journal_id, $2::numeric, $4, $5, $3, $7 FROM given
)
SELECT least(ends_at, $7::timestamptz) AS ends_at FROM given`;

/**
 * Adds credits to the period that contains `at`, opening it if need be.
 * @throws Fault `controlStale` for an unknown budget, `requestMalformed` for no credits or an end in the past.
 */
export async function grant(tx: Transaction, request: Grant): Promise<GrantOutcome> {
  if (request.credits <= 0n)
    throw new Fault('requestMalformed', 'A grant must be more than zero credits.');
  if (request.until !== null && request.until <= request.at) {
    throw new Fault('requestMalformed', 'A grant must end after it begins.');
  }
  await openPeriods(tx, [request.budgetId], request.at);
  const { rows } = await tx.query<{ ends_at: Date }>(GRANT, [
    request.budgetId,
    formatAmount(request.credits),
    new Date(request.at),
    request.author,
    storable(request.reason),
    request.idempotencyKey,
    request.until === null ? null : new Date(request.until),
  ]);
  const row = rows[0];
  if (row === undefined) return { kind: 'replayed' };
  return { kind: 'granted', grantedCredits: request.credits, endsAt: row.ends_at.getTime() };
}

const DUE = `/* prepared: billing.grants_due */
SELECT g.id FROM budget_grant g WHERE g.expired_at IS NULL AND g.expires_at <= $1 ORDER BY g.budget_period_id, g.id
LIMIT 1000`;

/** Takes a grant back that lasts, for an author and a reason: one journal a grant, whichever end comes first. */
export const END_GRANT: string = `/* prepared: billing.end_grant */
WITH g AS MATERIALIZED (
  SELECT id, budget_period_id, credits FROM budget_grant WHERE id = $1 AND expired_at IS NULL FOR NO KEY UPDATE
), ended AS (
  UPDATE budget_grant b SET expired_at = $2 FROM g WHERE b.id = g.id
), lowered AS (
  UPDATE budget_period p SET granted_credits = p.granted_credits - g.credits FROM g WHERE p.id = g.budget_period_id
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'grant', 'grant-ended:' || id, $3, $4, $2 FROM g
  RETURNING id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, x.ordinal, g.budget_period_id, x.account, x.sign * g.credits
  FROM journalled j, g, (VALUES (1, 'limit', 1), (2, 'available', -1)) AS x (ordinal, account, sign)
)
SELECT credits FROM g`;

/**
 * Takes back grants whose time is over; what was spent of them stays spent. Repeating it changes nothing.
 * @returns the credits taken back; at most 1,000 grants a call.
 */
export async function expireGrants(tx: Transaction, at: EpochMs): Promise<Credits> {
  const { rows: due } = await tx.query<{ id: string }>(DUE, [new Date(at)]);
  let taken = 0n;
  for (const { id } of due) {
    const { rows } = await tx.query<{ credits: string }>(END_GRANT, [
      id,
      new Date(at),
      'tollgate',
      'the grant ended',
    ]);
    if (rows.length > 0) taken += parseCredits(must(rows[0], 'a row was returned').credits);
  }
  return taken as Credits;
}
