/**
 * Sign-ins of the console in the audit log: who signed in and out, and by it every replica's knowledge of what has ended.
 * Requirement: OWASP ASVS 5.0, 7.4.1 and 7.5.2.
 */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Occupancy } from '#base/metrics.js';
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import type { Actor } from '../actor.js';
import { appendAudit } from './audit-store.js';

/** A sign-out is known to every replica within this. */
export const ENDS_READ_EVERY_MS = 2_000;
export const ENDS_KEPT_MAX = 10_000;
/** Of all sign-ins, so that the index of subjects finds them. */
const SUBJECT = 'console';

/** What of a sign-in counts here. */
export interface LoggedSignIn {
  readonly id: string;
  /** Milliseconds of the wall clock. */
  readonly startedAt: number;
}

export interface SignInLog {
  /** Somebody signed in, `by` a token or the identity provider. */
  began(actor: Actor, signIn: LoggedSignIn, by: 'token' | 'oidc'): Promise<void>;
  /** One sign-in was ended by who had it. */
  ended(actor: Actor, signIn: LoggedSignIn): Promise<void>;
  /** All sign-ins of the actor that began until `untilMs` of the wall clock were ended. */
  endedAll(actor: Actor, untilMs: number): Promise<void>;
  /** Whether a sign-in of the actor was ended, on whichever replica, {@link ENDS_READ_EVERY_MS} ago or before. */
  isEnded(signIn: LoggedSignIn, actorId: string): Promise<boolean>;
  /** Ends that are remembered here. */
  readonly occupancy: Occupancy;
}

interface EndRow extends Record<string, unknown> {
  readonly sequence: string;
  readonly actor: string;
  readonly after: unknown;
}

const endSchema = z.union([z.object({ id: z.string() }), z.object({ untilMs: z.number() })]);
type End = z.infer<typeof endSchema>;

/** @param clock of business, for the log. @param realNow milliseconds that never run backwards. */
export function createSignInLog(db: Database, clock: Clock, realNow: () => number): SignInLog {
  // By sign-in and by actor: sign-ins that began until then are over.
  const ends = new LRUCache<string, number>({ max: ENDS_KEPT_MAX });
  const keep = (actorId: string, end: End): void => {
    if ('id' in end) ends.set(`sign-in ${end.id}`, Infinity);
    else ends.set(`actor ${actorId}`, end.untilMs);
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
  const write = (actor: Actor, action: string, after: object): Promise<unknown> =>
    db.transaction((tx) =>
      appendAudit(tx, { ...event(actor, clock.now()), action: `sign-in.${action}`, after }),
    );
  return {
    async began(actor, { id }, by) {
      await write(actor, 'begin', { id, by });
    },
    async ended(actor, { id }) {
      keep(actor.id, { id });
      await write(actor, 'end', { id });
    },
    async endedAll(actor, untilMs) {
      keep(actor.id, { untilMs });
      await write(actor, 'end-all', { untilMs });
    },
    async isEnded({ id, startedAt }, actorId) {
      if (realNow() - readAt >= ENDS_READ_EVERY_MS)
        await (reading ??= read().finally(() => (reading = undefined)));
      const until = [`sign-in ${id}`, `actor ${actorId}`].map((key) => ends.get(key) ?? -Infinity);
      return startedAt <= Math.max(...until);
    },
    get occupancy() {
      return { used: ends.size, max: ENDS_KEPT_MAX };
    },
  };
}

function event(
  actor: Actor,
  at: EpochMs,
): Omit<Parameters<typeof appendAudit>[1], 'action' | 'after'> {
  return { actor, subject: SUBJECT, reason: null, before: null, at };
}

/** Ends after the one of number `sequence`, the oldest first; of more than are kept the newest. */
async function readEnds(db: Queryable, sequence: string): Promise<readonly EndRow[]> {
  const { rows } = await db.query<EndRow>(
    `SELECT sequence::text AS sequence, actor, after FROM audit_event
     WHERE subject = $1 AND sequence > $2 AND action IN ('sign-in.end', 'sign-in.end-all')
     ORDER BY sequence DESC LIMIT $3`,
    [SUBJECT, sequence, ENDS_KEPT_MAX],
  );
  return rows.toReversed();
}
