/** Deliveries of bills as they stand in Postgres: each thing to each target once, whoever asks and however often. */
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';

export const DELIVERY_KINDS = ['email', 'object-store'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

export const BILL_DELIVERY_STATES = ['sending', 'sent', 'failed'] as const;
export type BillDeliveryState = (typeof BILL_DELIVERY_STATES)[number];

/** One thing to one target. */
export interface BillDelivery {
  readonly month: string;
  readonly version: number;
  readonly status: string;
  readonly kind: DeliveryKind;
  readonly target: string;
  /** A bill by its id, or a file by its name. */
  readonly item: string;
  readonly teamId: string | null;
  readonly forms: readonly string[];
  readonly contentHash: string;
}

/** `claimed`: it is the caller's to send and to end. */
export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly id: string }
  | { readonly kind: 'sent' }
  | { readonly kind: 'underWay' };

/**
 * Takes a delivery that is new, has failed, or was begun by a process that has not ended it for ten minutes: no receiver
 * is waited for half as long; or a file that was written over since, as those of an open month are. Two who ask at once
 * do not both get it.
 */
export async function claimBillDelivery(
  db: Database,
  delivery: BillDelivery,
  actor: string,
): Promise<ClaimOutcome> {
  const { month, version, status, kind, target, item, teamId, forms, contentHash } = delivery;
  const { rows } = await db.query<{ id: string }>(
    `INSERT INTO bill_delivery AS known
       (month, version, status, kind, target, item, team_id, forms, content_hash, actor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10)
     ON CONFLICT ON CONSTRAINT bill_delivery_once DO UPDATE SET state = 'sending', ended_at = NULL,
       attempts = known.attempts + 1, actor = excluded.actor, tried_at = clock_timestamp()
     WHERE known.state = 'failed'
       OR (known.state = 'sending' AND known.tried_at < clock_timestamp() - interval '10 minutes')
       OR (known.kind = 'object-store' AND EXISTS (SELECT FROM bill_delivery AS later
         WHERE later.target = known.target AND later.item = known.item AND later.month = known.month
           AND later.version = known.version AND later.tried_at > known.tried_at))
     RETURNING id`,
    [month, version, status, kind, target, item, teamId, [...forms], contentHash, actor],
  );
  const [row] = rows;
  if (row !== undefined) return { kind: 'claimed', id: row.id };
  const known = await db.query<{ state: BillDeliveryState }>(
    `SELECT state FROM bill_delivery
     WHERE target = $1 AND item = $2 AND content_hash = $3 AND status = $4 AND forms = $5::text[]`,
    [target, item, contentHash, status, [...forms]],
  );
  return { kind: known.rows[0]?.state === 'sent' ? 'sent' : 'underWay' };
}

/** Ends what was claimed. @param problem null: it has arrived. */
export async function endBillDelivery(
  tx: Transaction | Database,
  id: string,
  problem: string | null,
): Promise<void> {
  await tx.query(
    `UPDATE bill_delivery SET state = $2, problem = $3, ended_at = clock_timestamp() WHERE id = $1`,
    [id, problem === null ? 'sent' : 'failed', problem?.slice(0, 300) ?? null],
  );
}

export interface ListedBillDelivery extends Record<string, unknown> {
  readonly id: string;
  readonly version: number;
  readonly status: string;
  readonly kind: DeliveryKind;
  readonly target: string;
  readonly item: string;
  readonly team_id: string | null;
  readonly forms: readonly string[];
  readonly content_hash: string;
  readonly state: BillDeliveryState;
  readonly attempts: number;
  readonly problem: string | null;
  readonly actor: string;
  readonly tried_at: Date;
  readonly ended_at: Date | null;
}

/** Of a month, the newest first, before the row `before`; null: from the newest on. */
export async function listBillDeliveries(
  db: Queryable,
  asked: { readonly month: string; readonly before: string | null; readonly limit: number },
): Promise<readonly ListedBillDelivery[]> {
  const { rows } = await db.query<ListedBillDelivery>(
    `SELECT id, version, status, kind, target, item, team_id, forms, content_hash, state, attempts, problem, actor,
       tried_at, ended_at
     FROM bill_delivery WHERE month = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [asked.month, asked.before, asked.limit],
  );
  return rows;
}
