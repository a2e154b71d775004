/** Which sign-ins of the console have ended, as every replica knows it by reading the audit log. */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Occupancy } from '#base/metrics.js';
import type { Queryable } from '#base/postgres/pool.js';

/** A sign-out is known to every replica within this. */
export const ENDS_READ_EVERY_MS = 2_000;
const ENDS_KEPT_MAX = 10_000;
/** Of all sign-ins, so that the index of subjects finds them. */
export const SIGN_INS_SUBJECT = 'console';

/** What of a sign-in counts here. */
export interface LoggedSignIn {
  readonly id: string;
  /** Milliseconds of the wall clock. */
  readonly startedAt: number;
}

interface EndRow extends Record<string, unknown> {
  readonly sequence: string;
  readonly actor: string;
  readonly after: unknown;
}

const endSchema: z.ZodType<End> = z.union([
  z.object({ confirms: z.string() }).transform(({ confirms }) => ({ id: confirms })),
  z.object({ id: z.string() }),
  z.object({ untilMs: z.number(), exceptId: z.string().optional() }),
]);
type End = { readonly id: string } | EndOfAll;

/** Sign-ins that began until then are over, but for one: who had it ended the others. */
export interface EndOfAll {
  /** Milliseconds of the wall clock. */
  readonly untilMs: number;
  readonly exceptId?: string | undefined;
}

export interface EndedSignIns {
  /** Whether a sign-in of the actor was ended, on whichever replica, {@link ENDS_READ_EVERY_MS} ago or before. */
  isEnded(signIn: LoggedSignIn, actorId: string): Promise<boolean>;
  /** Ends that are remembered here. */
  readonly occupancy: Occupancy;
  /** Known here at once; others read it. */
  keep(actorId: string, end: End): void;
}

/** @param realNow milliseconds that never run backwards. */
export function createEndedSignIns(db: Queryable, realNow: () => number): EndedSignIns {
  // By sign-in and by actor.
  const ends = new LRUCache<string, EndOfAll>({ max: ENDS_KEPT_MAX });
  const keep = (actorId: string, end: End): void => {
    if ('id' in end) ends.set(`sign-in ${end.id}`, { untilMs: Infinity });
    // The last one holds: what it leaves had not been ended by one before.
    else ends.set(`actor ${actorId}`, end);
  };
  let lastSequence = '0';
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const startedAt = realNow();
    for (const { sequence, actor, after } of await readEnds(db, lastSequence)) {
      keep(actor, endSchema.parse(after));
      lastSequence = sequence;
    }
    readAt = startedAt;
  };
  return {
    keep,
    async isEnded({ id, startedAt }, actorId) {
      if (realNow() - readAt >= ENDS_READ_EVERY_MS)
        await (reading ??= read().finally(() => (reading = undefined)));
      return [`sign-in ${id}`, `actor ${actorId}`].some((key) => {
        const end = ends.get(key);
        return end !== undefined && startedAt <= end.untilMs && end.exceptId !== id;
      });
    },
    get occupancy() {
      return { used: ends.size, max: ENDS_KEPT_MAX };
    },
  };
}

/** Ends after the one of number `sequence`, the oldest first; of more than are kept the newest. */
async function readEnds(db: Queryable, sequence: string): Promise<readonly EndRow[]> {
  const { rows } = await db.query<EndRow>(
    `SELECT sequence::text AS sequence, actor, after FROM audit_event
     WHERE subject = $1 AND sequence > $2 AND action IN ('sign-in.end', 'sign-in.end-all', 'sign-in.confirm')
     ORDER BY sequence DESC LIMIT $3`,
    [SIGN_INS_SUBJECT, sequence, ENDS_KEPT_MAX],
  );
  return rows.toReversed();
}
