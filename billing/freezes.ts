/** Freezes: nothing new of a team, a principal, a warehouse or a tier, or of anybody, is admitted. No money moves here. */
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { ledgerCall } from './postgres/availability.js';
import { storable } from './postgres/ticket-row.js';

/** Notified when something is frozen or thawed. */
export const FREEZES_CHANNEL = 'tollgate_freezes';

export const FREEZE_SCOPES = ['team', 'principal', 'warehouse', 'tier', 'everything'] as const;
export type FreezeScope = (typeof FREEZE_SCOPES)[number];

export interface Frozen {
  readonly scope: FreezeScope;
  /** Id of the team or principal, name of the warehouse in capitals; empty for everything. */
  readonly target: string;
}

export interface Freeze extends Frozen {
  readonly id: string;
  readonly frozenBy: string;
  readonly reason: string;
  readonly frozenAt: EpochMs;
  /** null: until it is thawed. */
  readonly until: EpochMs | null;
}

/** More than these at once are refused: everybody can be frozen by one. */
export const FREEZES_MAX = 1_000;

/** Of those that were once, as many are read. */
const PAST_FREEZES_MAX = 10_000;

interface FreezeRow {
  readonly id: string;
  readonly scope: FreezeScope;
  readonly target: string;
  readonly frozen_by: string;
  readonly reason: string;
  readonly frozen_at: Date;
  readonly until_at: Date | null;
}

const COLUMNS = 'id, scope, target, frozen_by, reason, frozen_at, until_at';

const IN_FORCE = `/* prepared: billing.freezes */
SELECT ${COLUMNS} FROM admission_freeze WHERE thawed_at IS NULL AND (until_at IS NULL OR until_at > $1)
ORDER BY id LIMIT ${FREEZES_MAX}`;

// One whose time is over makes room for the next of the same.
const END_DUE = `UPDATE admission_freeze SET thawed_at = until_at, thawed_by = 'tollgate'
WHERE thawed_at IS NULL AND until_at <= $1`;

const BETWEEN = `SELECT id, scope, target, frozen_by, reason, frozen_at, least(until_at, thawed_at) AS until_at
FROM admission_freeze WHERE frozen_at < $2 AND coalesce(least(until_at, thawed_at), 'infinity') > $1
ORDER BY id LIMIT ${PAST_FREEZES_MAX}`;

const FREEZE = `INSERT INTO admission_freeze (scope, target, frozen_by, reason, frozen_at, until_at)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM admission_freeze WHERE thawed_at IS NULL) < ${FREEZES_MAX}
ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`;

const THAW = `UPDATE admission_freeze SET thawed_at = $2, thawed_by = $3
WHERE id = $1 AND thawed_at IS NULL RETURNING ${COLUMNS}`;

/** What is frozen at an instant. Fault `ledgerUnavailable`. */
export function freezesInForce(db: Queryable, at: EpochMs): Promise<readonly Freeze[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<FreezeRow>(IN_FORCE, [new Date(at)]);
    return rows.map(fromRow);
  });
}

/** What was frozen at some time of a span, each until it ended or was thawed. Fault `ledgerUnavailable`. */
export function freezesBetween(db: Queryable, span: Period): Promise<readonly Freeze[]> {
  return ledgerCall(async () => {
    const values = [new Date(span.startsAt), new Date(span.endsAt)];
    const { rows } = await db.query<FreezeRow>(BETWEEN, values);
    return rows.map(fromRow);
  });
}

/** Freezes from the commit of `tx` on; undefined: it is frozen already, or {@link FREEZES_MAX} are. */
export async function freeze(
  tx: Transaction,
  asked: Omit<Freeze, 'id'>,
): Promise<Freeze | undefined> {
  await tx.query(END_DUE, [new Date(asked.frozenAt)]);
  const { rows } = await tx.query<FreezeRow>(FREEZE, [
    asked.scope,
    asked.target,
    storable(asked.frozenBy),
    storable(asked.reason),
    new Date(asked.frozenAt),
    asked.until === null ? null : new Date(asked.until),
  ]);
  await tx.query('SELECT pg_notify($1, $2)', [FREEZES_CHANNEL, '']);
  return rows[0] === undefined ? undefined : fromRow(rows[0]);
}

/** Ends a freeze; undefined: there is none with this id that lasts. */
export async function thaw(
  tx: Transaction,
  { id, author, at }: { readonly id: string; readonly author: string; readonly at: EpochMs },
): Promise<Freeze | undefined> {
  const { rows } = await tx.query<FreezeRow>(THAW, [id, new Date(at), storable(author)]);
  await tx.query('SELECT pg_notify($1, $2)', [FREEZES_CHANNEL, '']);
  return rows[0] === undefined ? undefined : fromRow(rows[0]);
}

function fromRow(row: FreezeRow): Freeze {
  return {
    id: row.id,
    scope: row.scope,
    target: row.target,
    frozenBy: row.frozen_by,
    reason: row.reason,
    frozenAt: row.frozen_at.getTime(),
    until: row.until_at?.getTime() ?? null,
  };
}
