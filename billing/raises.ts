/** Credits that were granted on top of a budget and last: which there are, and their end before their time. */
import { must } from '#base/assert.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, parseCredits } from '#base/units.js';
import { storable } from './postgres/ticket-row.js';
import { END_GRANT } from './control-writes.js';

export interface Raise {
  readonly id: string;
  readonly budgetId: string;
  readonly credits: Credits;
  readonly author: string;
  readonly reason: string;
  readonly grantedAt: EpochMs;
  /** Its own end, or that of its period. */
  readonly endsAt: EpochMs;
}

const COLUMNS = `g.id, p.budget_id, g.credits, g.author, g.reason, g.granted_at,
  least(p.ends_at, g.expires_at) AS ends_at`;

interface RaiseRow {
  readonly id: string;
  readonly budget_id: string;
  readonly credits: string;
  readonly author: string;
  readonly reason: string;
  readonly granted_at: Date;
  readonly ends_at: Date;
}

/** Raises that last at `at`, by id, at most `limit` after `afterId`. `budgetIds` null: of every budget. */
export async function listRaises(
  db: Queryable,
  asked: {
    readonly budgetIds: readonly string[] | null;
    readonly at: EpochMs;
    readonly limit: number;
    readonly afterId: string;
  },
): Promise<readonly Raise[]> {
  const { rows } = await db.query<RaiseRow>(
    `SELECT ${COLUMNS} FROM budget_grant g JOIN budget_period p ON p.id = g.budget_period_id
     WHERE g.expired_at IS NULL AND p.ends_at > $1 AND (g.expires_at IS NULL OR g.expires_at > $1)
       AND ($2::text[] IS NULL OR p.budget_id = ANY($2)) AND g.id > $3::bigint
     ORDER BY g.id LIMIT $4`,
    [new Date(asked.at), asked.budgetIds, asked.afterId, asked.limit],
  );
  return rows.map(fromRow);
}

/**
 * Takes back a raise that lasts; what was spent of it stays spent, and may leave the budget in debt. Undefined: there
 * is none, or it has ended.
 */
export async function revokeRaise(
  tx: Transaction,
  revoking: {
    readonly id: string;
    readonly author: string;
    readonly reason: string;
    readonly at: EpochMs;
  },
): Promise<Raise | undefined> {
  const { id, author, reason, at } = revoking;
  const found = await tx.query<RaiseRow>(
    `SELECT ${COLUMNS} FROM budget_grant g JOIN budget_period p ON p.id = g.budget_period_id
     WHERE g.id = $1::bigint AND g.expired_at IS NULL AND p.ends_at > $2`,
    [id, new Date(at)],
  );
  if (found.rows.length === 0) return undefined;
  const { rowCount } = await tx.query(END_GRANT, [id, new Date(at), author, storable(reason)]);
  return rowCount === 0 ? undefined : fromRow(must(found.rows[0], 'it was found'));
}

function fromRow(row: RaiseRow): Raise {
  return {
    id: row.id,
    budgetId: row.budget_id,
    credits: parseCredits(row.credits),
    author: row.author,
    reason: row.reason,
    grantedAt: row.granted_at.getTime(),
    endsAt: row.ends_at.getTime(),
  };
}
