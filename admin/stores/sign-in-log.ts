/**
 * Sign-ins of the console: who signed in and out stands in the audit log, and by it every replica knows what has ended.
 * What lasts has a row, by which it is shown to its person and counted. Requirement: OWASP ASVS 5.0, 7.1.2, 7.2.4,
 * 7.4.1 and 7.5.2.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import type { Actor } from '../actor.js';
import { appendAudit, awaitAuditWriters } from './audit-store.js';
import {
  createEndedSignIns,
  type EndedSignIns,
  type EndOfAll,
  type LoggedSignIn,
  SIGN_INS_SUBJECT,
} from './ended-sign-ins.js';
import {
  deleteSignIn,
  deleteSignInsOf,
  deleteSignInsOver,
  insertSignIn,
  isSignInOf,
  type LastingSince,
  listSignIns,
  noteSignInUse,
  type OpenSignIn,
  type ProvenBy,
} from './sign-in-rows.js';

/** Of one actor; more than may be at the same time by any setting. */
const COUNTED_MAX = 10_000;

/** How a sign-in began. */
export interface Beginning {
  readonly by: ProvenBy;
  /** Address of the connection. */
  readonly from: string;
  /** In words; null: none that we know. */
  readonly browser: string | null;
  /** The one that was confirmed: it ends, and the new one stands in its place. Absent: somebody signed in. */
  readonly confirms?: LoggedSignIn;
}

export interface SignInLog extends Pick<EndedSignIns, 'isEnded' | 'occupancy'> {
  /** Writes that a sign-in began; ends the oldest of the actor's where there are more than may be. */
  began(actor: Actor, signIn: LoggedSignIn, beginning: Beginning): Promise<void>;
  /** Somebody does something in a sign-in; told at most once a minute. */
  used(id: string, use: { readonly at: EpochMs; readonly from: string }): Promise<void>;
  /** Sign-ins of the actor that last, the newest first, at most `limit`; `after`: the last row of the page before. */
  list(
    actor: Actor,
    page: { readonly after: readonly [string, string] | undefined; readonly limit: number },
  ): Promise<readonly OpenSignIn[]>;
  /** One sign-in was ended by who had it. */
  ended(actor: Actor, signIn: Pick<LoggedSignIn, 'id'>): Promise<void>;
  /** Ends one sign-in of the actor by its id. @returns whether there was one; of others nothing is told. */
  endOwn(actor: Actor, id: string): Promise<boolean>;
  /**
   * Ends all sign-ins of the actor that have begun.
   * @param exceptId the one that goes on; null: none does.
   * @returns how many there were.
   */
  endAll(actor: Actor, exceptId: string | null): Promise<number>;
}

export interface SignInLogOptions {
  /** Of business, for the log. */
  readonly clock: Clock;
  /** In which sign-ins begin and are used. */
  readonly wallClock: Clock;
  /** Milliseconds that never run backwards. */
  readonly realNow: () => number;
  /** Sign-ins of one actor at the same time. */
  readonly openMax: number;
  /** How long one lasts at most, by which those that nobody ended are over. */
  readonly lastsMs: number;
  /** How long one lasts without use. */
  readonly idleMs: number;
}

export function createSignInLog(db: Database, options: SignInLogOptions): SignInLog {
  const { clock, wallClock, openMax } = options;
  const ends = createEndedSignIns(db, options.realNow);
  const now = (actor: Actor): By => ({ actor, at: clock.now() });
  const since = (nowMs: EpochMs): LastingSince => ({
    startedAfterMs: nowMs - options.lastsMs,
    usedAfterMs: nowMs - options.idleMs,
  });
  return {
    async began(actor, { id, startedAt }, { by, confirms, from, browser }) {
      const action = confirms === undefined ? 'sign-in.begin' : 'sign-in.confirm';
      const after = { id, startedAtMs: startedAt, by, ...(confirms && { confirms: confirms.id }) };
      // Events are written one at a time: who signs in at the same moment on another replica is counted by whoever
      // comes second.
      const over = await db.transaction(async (tx) => {
        await append(tx, now(actor), { action, after });
        if (confirms !== undefined) await deleteSignIn(tx, confirms.id);
        await deleteSignInsOver(tx, startedAt - options.lastsMs);
        const row = { id, provenBy: by, browser, startedAt, startedFrom: from };
        await insertSignIn(tx, actor.id, row);
        const page = { after: undefined, limit: COUNTED_MAX };
        const open = await listSignIns(tx, actor.id, since(startedAt), page);
        const oldest = open.slice(openMax).map((each) => each.id);
        const reason = `more than ${openMax} sign-ins at the same time: the oldest ends`;
        for (const each of oldest) await end(tx, now(actor), each, reason);
        return oldest;
      });
      for (const each of [...over, ...(confirms === undefined ? [] : [confirms.id])])
        ends.keep(actor.id, { id: each });
    },
    used: (id, use) => noteSignInUse(db, id, use),
    list: (actor, page) => listSignIns(db, actor.id, since(wallClock.now()), page),
    async ended(actor, { id }) {
      ends.keep(actor.id, { id });
      await db.transaction((tx) => end(tx, now(actor), id));
    },
    async endOwn(actor, id) {
      const isThere = await db.transaction(async (tx) => {
        await awaitAuditWriters(tx);
        if (!(await isSignInOf(tx, actor.id, id))) return false;
        await end(tx, now(actor), id);
        return true;
      });
      if (isThere) ends.keep(actor.id, { id });
      return isThere;
    },
    async endAll(actor, exceptId) {
      const asked = { untilMs: wallClock.now(), exceptId };
      const { after, count } = await db.transaction((tx) => endAllOf(tx, now(actor), asked));
      ends.keep(actor.id, after);
      return count;
    },
    isEnded: (signIn, actorId) => ends.isEnded(signIn, actorId),
    get occupancy() {
      return ends.occupancy;
    },
  };
}

/** Who writes to the log, and when by the clock of business. */
interface By {
  readonly actor: Actor;
  readonly at: EpochMs;
}

interface Told {
  readonly action: string;
  readonly after: object;
  readonly reason?: string | null;
}

function append(tx: Transaction, { actor, at }: By, event: Told): Promise<unknown> {
  const entry = { actor, subject: SIGN_INS_SUBJECT, reason: null, before: null, at };
  return appendAudit(tx, { ...entry, ...event });
}

async function end(
  tx: Transaction,
  by: By,
  id: string,
  reason: string | null = null,
): Promise<void> {
  await append(tx, by, { action: 'sign-in.end', reason, after: { id } });
  await deleteSignIn(tx, id);
}

/**
 * Ends all of the actor but for one, which has to last itself: one that was ended meanwhile does not come back by
 * ending those that ended it.
 */
async function endAllOf(
  tx: Transaction,
  by: By,
  { untilMs, exceptId }: { readonly untilMs: EpochMs; readonly exceptId: string | null },
): Promise<{ readonly after: EndOfAll; readonly count: number }> {
  await awaitAuditWriters(tx);
  const isLasting = exceptId !== null && (await isSignInOf(tx, by.actor.id, exceptId));
  const left = isLasting ? exceptId : null;
  const after = { untilMs, ...(left !== null && { exceptId: left }) };
  await append(tx, by, { action: 'sign-in.end-all', after });
  const count = await deleteSignInsOf(tx, by.actor.id, { untilMs, exceptId: left });
  return { after, count };
}
