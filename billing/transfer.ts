/** Credits moved from one budget to another, each in the period that is open: all of them or none, once a key. */
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { Transaction } from '#base/postgres/pool.js';
import {
  addCredits,
  compareAmounts,
  formatAmount,
  parseCredits,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Change } from './control-writes.js';
import { AFTER_OUTAGE_MS } from './leases.js';
import { takeIdle } from './postgres/lease-rows.js';
import { openPeriods } from './postgres/open-periods.js';
import { storable } from './postgres/ticket-row.js';

export interface Transfer extends Change {
  readonly giverId: string;
  readonly takerId: string;
  /** More than zero. */
  readonly credits: Credits;
  /** The same key again changes nothing. */
  readonly idempotencyKey: string;
}

export type TransferOutcome =
  | {
      readonly kind: 'transferred';
      /** What each has available afterwards. */
      readonly giverAvailableCredits: Credits;
      readonly takerAvailableCredits: Credits;
    }
  /** A transfer with this key, these budgets and this amount stands already. */
  | { readonly kind: 'replayed' }
  /** Another transfer stands under this key; nothing was written. */
  | { readonly kind: 'conflict' }
  /** The giver has less than that which is neither spent nor held; nothing was written. */
  | { readonly kind: 'short'; readonly giverAvailableCredits: Credits }
  /** One of them has no limit, so that nothing can be taken from it or added to it. */
  | { readonly kind: 'unlimited'; readonly budgetId: string }
  /** One of them counts in no period now: its own days do not contain the instant. */
  | { readonly kind: 'notInForce'; readonly budgetId: string };

// Both rows in the order of their ids, as everywhere; what is available is read once they are locked. What replicas have
// leased of it and do not use is not theirs to keep: it is taken back where the transfer needs it.
const LOCK = `/* prepared: billing.transfer_lock */
WITH open AS MATERIALIZED (
  SELECT DISTINCT ON (budget_id) id FROM budget_period
  WHERE budget_id = ANY($1::text[]) AND starts_at <= $2 AND ends_at > $2
  ORDER BY budget_id, starts_at DESC
)
SELECT p.id, p.budget_id, p.limit_credits + p.granted_credits + p.carried_credits
  - p.spent_credits - p.held_credits - p.leased_credits AS available_credits
FROM open o JOIN budget_period p ON p.id = o.id ORDER BY p.id FOR NO KEY UPDATE OF p`;

const STANDS = `/* prepared: billing.transfer_stands */
SELECT g.budget_id AS giver_id, k.budget_id AS taker_id, t.credits
FROM budget_transfer t JOIN budget_period g ON g.id = t.giver_period_id JOIN budget_period k ON k.id = t.taker_period_id
WHERE t.key = $1`;

const MOVE = `/* prepared: billing.transfer */
WITH journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  VALUES ('transfer', 'transfer:' || $4::text, $5, $6, $7)
  RETURNING id
), noted AS (
  INSERT INTO budget_transfer (journal_id, key, giver_period_id, taker_period_id, credits, author, reason, transferred_at)
  SELECT id, $4, $1::bigint, $2::bigint, $3::numeric, $5, $6, $7 FROM journalled
), moved AS (
  UPDATE budget_period p SET granted_credits = p.granted_credits + x.sign * $3::numeric
  FROM (VALUES ($1::bigint, -1), ($2::bigint, 1)) AS x (id, sign) WHERE p.id = x.id
)
INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
SELECT j.id, x.ordinal, x.period_id, x.account, x.sign * $3::numeric
FROM journalled j, (VALUES (1, $1::bigint, 'limit', 1), (2, $1::bigint, 'available', -1),
  (3, $2::bigint, 'limit', -1), (4, $2::bigint, 'available', 1)) AS x (ordinal, period_id, account, sign)`;

/** Whose leases are not taken back: nobody's. */
const NO_REPLICA = '';

interface OpenRow {
  readonly id: string;
  readonly budget_id: string;
  readonly available_credits: string | null;
}

/**
 * Moves credits between the periods of two budgets that contain `at`, opening them if need be. What the giver has spent
 * and holds stays covered.
 * @param calmMs for so long after the ledger's server has started, nothing is taken from replicas (ADR 21).
 * @throws Fault `controlStale` for an unknown budget, `requestMalformed` for no credits or one budget twice.
 */
export async function transfer(
  tx: Transaction,
  request: Transfer,
  calmMs: number = AFTER_OUTAGE_MS,
): Promise<TransferOutcome> {
  const { giverId, takerId, credits, at } = request;
  if (credits <= 0n) throw new Fault('requestMalformed', 'A transfer must be more than zero.');
  if (giverId === takerId)
    throw new Fault('requestMalformed', 'A transfer is between two budgets.');
  await openPeriods(tx, [giverId, takerId], at);
  const rows = await lockOpen(tx, request, calmMs);
  // Whoever comes second under a key has waited for the rows, and sees what the first has done.
  const before = await tx.query<{ giver_id: string; taker_id: string; credits: string }>(STANDS, [
    request.idempotencyKey,
  ]);
  const [stands] = before.rows;
  if (stands !== undefined) {
    const isSame =
      stands.giver_id === giverId &&
      stands.taker_id === takerId &&
      parseCredits(stands.credits) === credits;
    return { kind: isSame ? 'replayed' : 'conflict' };
  }
  const missing = [giverId, takerId].find((id) => !rows.some((row) => row.budget_id === id));
  if (missing !== undefined) return { kind: 'notInForce', budgetId: missing };
  return move(tx, request, rows);
}

async function lockOpen(
  tx: Transaction,
  { giverId, takerId, credits, at }: Transfer,
  calmMs: number,
): Promise<readonly OpenRow[]> {
  const values = [[giverId, takerId], new Date(at)];
  const { rows } = await tx.query<OpenRow>(LOCK, values);
  const giver = rows.find((row) => row.budget_id === giverId);
  if (giver?.available_credits === undefined || giver.available_credits === null) return rows;
  if (compareAmounts(parseCredits(giver.available_credits), credits) >= 0) return rows;
  await takeIdle(tx, NO_REPLICA, giver.id, { at, calmMs });
  return (await tx.query<OpenRow>(LOCK, values)).rows;
}

async function move(
  tx: Transaction,
  { giverId, takerId, credits, idempotencyKey, author, reason, at }: Transfer,
  rows: readonly OpenRow[],
): Promise<TransferOutcome> {
  const [giver, taker] = [giverId, takerId].map((id) =>
    must(
      rows.find((row) => row.budget_id === id),
      'both periods are open',
    ),
  );
  for (const row of [giver, taker])
    if (row?.available_credits === null) return { kind: 'unlimited', budgetId: row.budget_id };
  const [left, taken] = [giver, taker].map((row) => parseCredits(row?.available_credits ?? '0'));
  const available = must(left, 'the giver was read');
  if (compareAmounts(available, credits) < 0)
    return { kind: 'short', giverAvailableCredits: available };
  await tx.query(MOVE, [
    giver?.id,
    taker?.id,
    formatAmount(credits),
    idempotencyKey,
    author,
    storable(reason),
    new Date(at),
  ]);
  return {
    kind: 'transferred',
    giverAvailableCredits: subtractCredits(available, credits),
    takerAvailableCredits: addCredits(must(taken, 'the taker was read'), credits),
  };
}
