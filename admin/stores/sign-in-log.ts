/**
 * Sign-ins of the console in the audit log: who signed in and out, and by it every replica's knowledge of what has ended.
 * Requirement: OWASP ASVS 5.0, 7.1.2, 7.2.4, 7.4.1 and 7.5.2.
 */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { storable } from '#billing/postgres/ticket-row.js';
import type { Occupancy } from '#base/metrics.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { Actor } from '../actor.js';
import { appendAudit } from './audit-store.js';
import { openSignIns, type SignInEvent } from './open-sign-ins.js';

/** A sign-out is known to every replica within this. */
export const ENDS_READ_EVERY_MS = 2_000;
export const ENDS_KEPT_MAX = 10_000;
/** Of one actor; what is older than so many is not counted. */
const EVENTS_READ_MAX = 1_000;
/** Of all sign-ins, so that the index of subjects finds them. */
const SUBJECT = 'console';

/** What of a sign-in counts here. */
export interface LoggedSignIn {
  readonly id: string;
  /** Milliseconds of the wall clock. */
  readonly startedAt: number;
}

/** How a sign-in began. */
export interface Beginning {
  readonly by: 'token' | 'oidc';
  /** The one that was confirmed: it ends, and the new one stands in its place. Absent: somebody signed in. */
  readonly confirms?: LoggedSignIn;
}

export interface SignInLog {
  /** Writes that a sign-in began; ends the oldest of the actor's where there are more than may be. */
  began(actor: Actor, signIn: LoggedSignIn, beginning: Beginning): Promise<void>;
  /** One sign-in was ended by who had it. */
  ended(actor: Actor, signIn: LoggedSignIn): Promise<void>;
  /** All sign-ins of the actor that began until `untilMs` of the wall clock were ended. */
  endedAll(actor: Actor, untilMs: number): Promise<void>;
  /** Whether a sign-in of the actor was ended, on whichever replica, {@link ENDS_READ_EVERY_MS} ago or before. */
  isEnded(signIn: LoggedSignIn, actorId: string): Promise<boolean>;
  /** Ends that are remembered here. */
  readonly occupancy: Occupancy;
}

export interface SignInLogOptions {
  /** Of business, for the log. */
  readonly clock: Clock;
  /** Milliseconds that never run backwards. */
  readonly realNow: () => number;
  /** Sign-ins of one actor at the same time. */
  readonly openMax: number;
  /** How long one lasts at most, by which those that nobody ended are over. */
  readonly lastsMs: number;
}

interface EndRow extends Record<string, unknown> {
  readonly sequence: string;
  readonly actor: string;
  readonly after: unknown;
}

const endSchema = z.union([
  z.object({ confirms: z.string() }).transform(({ confirms }) => ({ id: confirms })),
  z.object({ id: z.string() }),
  z.object({ untilMs: z.number() }),
]);
type End = z.infer<typeof endSchema>;

export function createSignInLog(db: Database, options: SignInLogOptions): SignInLog {
  const { clock, realNow, openMax, lastsMs } = options;
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
  const append = (tx: Transaction, actor: Actor, event: Told): Promise<unknown> =>
    appendAudit(tx, {
      actor,
      subject: SUBJECT,
      reason: null,
      before: null,
      at: clock.now(),
      ...event,
    });
  return {
    async began(actor, { id, startedAt }, { by, confirms }) {
      const action = confirms === undefined ? 'sign-in.begin' : 'sign-in.confirm';
      const after = { id, startedAtMs: startedAt, by, ...(confirms && { confirms: confirms.id }) };
      // Events are written one at a time: who signs in at the same moment on another replica is counted by whoever comes second.
      const over = await db.transaction(async (tx) => {
        await append(tx, actor, { action, after });
        const open = openSignIns(await readOf(tx, actor.id), startedAt - lastsMs);
        const oldest = open.slice(0, Math.max(0, open.length - openMax));
        const reason = `more than ${openMax} sign-ins at the same time: the oldest ends`;
        for (const each of oldest)
          await append(tx, actor, { action: 'sign-in.end', reason, after: { id: each } });
        return oldest;
      });
      for (const each of [...over, ...(confirms === undefined ? [] : [confirms.id])])
        keep(actor.id, { id: each });
    },
    async ended(actor, { id }) {
      keep(actor.id, { id });
      await db.transaction((tx) => append(tx, actor, { action: 'sign-in.end', after: { id } }));
    },
    async endedAll(actor, untilMs) {
      keep(actor.id, { untilMs });
      const event = { action: 'sign-in.end-all', after: { untilMs } };
      await db.transaction((tx) => append(tx, actor, event));
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

interface Told {
  readonly action: string;
  readonly after: object;
  readonly reason?: string;
}

/** Ends after the one of number `sequence`, the oldest first; of more than are kept the newest. */
async function readEnds(db: Queryable, sequence: string): Promise<readonly EndRow[]> {
  const { rows } = await db.query<EndRow>(
    `SELECT sequence::text AS sequence, actor, after FROM audit_event
     WHERE subject = $1 AND sequence > $2 AND action IN ('sign-in.end', 'sign-in.end-all', 'sign-in.confirm')
     ORDER BY sequence DESC LIMIT $3`,
    [SUBJECT, sequence, ENDS_KEPT_MAX],
  );
  return rows.toReversed();
}

/** What is told of an actor's sign-ins, the oldest first. */
async function readOf(tx: Queryable, actorId: string): Promise<readonly SignInEvent[]> {
  const { rows } = await tx.query<{ readonly action: string; readonly after: unknown }>(
    `SELECT action, after FROM audit_event WHERE subject = 'console' AND actor = $1
     ORDER BY sequence DESC LIMIT $2`,
    [storable(actorId), EVENTS_READ_MAX],
  );
  return rows.toReversed();
}
