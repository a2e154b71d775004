/** What a ticket `t`, with what was last said of it (`u`, of running_use), tells whoever goes on with its statement. */
import { parseCredits } from '#base/units.js';
import type { SentSoFar } from '../ledger.js';

export interface SentSoFarRow {
  readonly first_sent_at: Date;
  readonly ceiling_credits: string | null;
  readonly used_credits: string | null;
  readonly used_at: Date | null;
}

/** The columns of {@link SentSoFarRow}; `first_sent_at` is null of a ticket that was not sent. */
export const SENT_SO_FAR_COLUMNS = `coalesce(t.first_sent_at, t.sent_at) AS first_sent_at,
  coalesce(t.ceiling_credits, u.ceiling_credits) AS ceiling_credits, u.used_credits, u.used_at`;

/** The row as a value; `use` is null while no replica has told any. */
export function sentSoFarOf(row: SentSoFarRow): SentSoFar {
  const { used_credits: used, used_at: usedAt } = row;
  return {
    firstSentAt: row.first_sent_at.getTime(),
    ceilingCredits: row.ceiling_credits === null ? null : parseCredits(row.ceiling_credits),
    use:
      used === null || usedAt === null
        ? null
        : { usedCredits: parseCredits(used), at: usedAt.getTime() },
  };
}
