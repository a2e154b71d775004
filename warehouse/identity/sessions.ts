/**
 * Sessions and their tokens. Tokens live in real time, as drivers count it. A renewed session token keeps its old
 * ones valid until they expire, so that requests in flight during a renewal are not lost. An expired token is known
 * as long as its session lives: it answers 390112, on which drivers renew, where an unknown one makes them give up.
 */
import { randomBytes } from 'node:crypto';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Engine, EngineSession } from '../engine/engine.js';
import type { ParameterValue } from '../statement/parameters.js';
import type { User } from './users.js';

const SESSIONS_MAX = 20_000;
const TOKENS_PER_SESSION_MAX = 8;
const LAST_QUERIES_KEPT = 100;

/** What statements of one session share; changed only by the executor of its statements. */
export interface Session {
  readonly id: number;
  readonly user: User;
  role: string;
  /** ALL or NONE. */
  secondaryRoles: string;
  /** The only roles that the session may take, by the token of its login; null = all of the user's. */
  readonly roleLimit: readonly string[] | null;
  warehouse: string | null;
  database: string | null;
  schema: string | null;
  /** Values that differ from the defaults of the system, whoever set them. */
  readonly parameters: Map<string, ParameterValue>;
  /** Those of them that the user or the account brought along: what UNSET goes back to. */
  readonly inherited: ReadonlyMap<string, InheritedValue>;
  readonly variables: Map<string, string | null>;
  /** Newest last. */
  readonly lastQueryIds: string[];
  readonly clientApp: string;
  readonly clientVersion: string;
  /** What the tool above the driver calls itself; absent: it did not say. */
  readonly application?: string;
}

export interface InheritedValue {
  readonly value: ParameterValue;
  readonly level: 'ACCOUNT' | 'USER';
}

export interface IssuedTokens {
  readonly token: string;
  readonly masterToken: string;
}

export type TokenCheck =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' };

interface Held {
  readonly session: Session;
  readonly tokens: string[];
  readonly masterTokens: string[];
  seenAtMs: number;
  engine: Promise<EngineSession> | undefined;
}

interface Ticket {
  readonly held: Held;
  expiresAtMs: number;
}

/** Whose tokens expire. */
export interface ExpiryOf {
  readonly sessionId: number;
  readonly master: boolean;
}

export interface Validity {
  readonly sessionSeconds: number;
  readonly masterSeconds: number;
}

export class Sessions {
  readonly validity: Validity;
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #realNow: () => number;
  readonly #held = new Map<number, Held>();
  readonly #tokens = new Map<string, Ticket>();
  readonly #masterTokens = new Map<string, Ticket>();
  #nextId: number;

  constructor(engine: Engine, validity: Validity, log: Log, realNow: () => number) {
    this.#engine = engine;
    this.validity = validity;
    this.#log = log;
    this.#realNow = realNow;
    // Ids do not repeat over restarts and stay far below 2^53.
    this.#nextId = realNow() * 1000;
  }

  /** Opens a session; a Fault when there are too many. */
  open(
    start: Omit<Session, 'id' | 'variables' | 'lastQueryIds'>,
  ): { session: Session } & IssuedTokens {
    if (this.#held.size >= SESSIONS_MAX)
      throw new Fault('internal', `more than ${SESSIONS_MAX} sessions are open`);
    this.#nextId += 1;
    const session: Session = { ...start, id: this.#nextId, variables: new Map(), lastQueryIds: [] };
    const held: Held = {
      session,
      tokens: [],
      masterTokens: [],
      seenAtMs: this.#realNow(),
      engine: undefined,
    };
    this.#held.set(session.id, held);
    return { session, ...this.#issue(held) };
  }

  /** Who a session token belongs to. */
  check(token: string): TokenCheck {
    return this.#lookUp(this.#tokens, token);
  }

  /** Who a master token belongs to. */
  checkMaster(token: string): TokenCheck {
    return this.#lookUp(this.#masterTokens, token);
  }

  /** Fresh tokens for a living session; undefined when it has ended. */
  renew(session: Session): ({ readonly session: Session } & IssuedTokens) | undefined {
    const held = this.#held.get(session.id);
    return held === undefined ? undefined : { session, ...this.#issue(held) };
  }

  /** Another session of the same user in the state of a living one; undefined when that has ended. */
  openLike(session: Session): ({ readonly session: Session } & IssuedTokens) | undefined {
    if (!this.#held.has(session.id)) return undefined;
    return this.open({ ...session, parameters: new Map(session.parameters) });
  }

  /** Extends the master tokens, as a heartbeat does. */
  touch(session: Session): void {
    const held = this.#held.get(session.id);
    if (held === undefined) return;
    held.seenAtMs = this.#realNow();
    for (const token of held.masterTokens) {
      const ticket = this.#masterTokens.get(token);
      if (ticket !== undefined)
        ticket.expiresAtMs = held.seenAtMs + this.validity.masterSeconds * 1000;
    }
  }

  /** The session's own connection to the engine, opened at its first statement. */
  engineSession(session: Session): Promise<EngineSession> {
    const held = this.#held.get(session.id);
    if (held === undefined) return Promise.reject(new Fault('internal', 'the session has ended'));
    held.engine ??= this.#engine.openSession();
    return held.engine;
  }

  get(id: number): Session | undefined {
    return this.#held.get(id)?.session;
  }

  /** Every open session, oldest first. */
  all(): readonly Session[] {
    return [...this.#held.values()].map((held) => held.session);
  }

  /** Open sessions from which nothing was heard for `unseenMs` of real time. */
  unseen(unseenMs: number): readonly Session[] {
    const now = this.#realNow();
    return [...this.#held.values()]
      .filter((held) => now - held.seenAtMs > unseenMs)
      .map((held) => held.session);
  }

  /**
   * Ends a session: its tokens are unknown at once, its engine connection is closed after `drained`, when nothing
   * of it runs any more. Never throws.
   */
  close(session: Session, drained: Promise<void> = Promise.resolve()): Promise<void> {
    const held = this.#held.get(session.id);
    if (held === undefined) return Promise.resolve();
    this.#held.delete(session.id);
    for (const token of held.tokens) this.#tokens.delete(token);
    for (const token of held.masterTokens) this.#masterTokens.delete(token);
    return this.#closeEngine(held, drained);
  }

  async #closeEngine(held: Held, drained: Promise<void>): Promise<void> {
    try {
      await drained;
      await (await held.engine)?.close();
    } catch (cause) {
      this.#log.warn(
        { cause: toError(cause).message, sessionId: held.session.id },
        'closing an engine session failed',
      );
    }
  }

  /** Sessions that nobody used for the life of a master token. */
  idle(): readonly Session[] {
    return this.unseen(this.validity.masterSeconds * 1000);
  }

  /**
   * Makes session tokens expired, so that drivers renew at their next request: all, or those of one session; with
   * `master` also what they would renew with, so that they must sign in again. False: there is no such session.
   */
  expireTokens(only?: ExpiryOf): boolean {
    if (only !== undefined && !this.#held.has(only.sessionId)) return false;
    const tables = only?.master === true ? [this.#tokens, this.#masterTokens] : [this.#tokens];
    for (const ticket of tables.flatMap((table) => [...table.values()]))
      if (only === undefined || ticket.held.session.id === only.sessionId) ticket.expiresAtMs = 0;
    return true;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => this.close(held.session)));
  }

  #lookUp(tickets: ReadonlyMap<string, Ticket>, token: string): TokenCheck {
    const ticket = tickets.get(token);
    if (ticket === undefined) return { kind: 'unknown' };
    const now = this.#realNow();
    if (ticket.expiresAtMs <= now) return { kind: 'expired' };
    ticket.held.seenAtMs = now;
    return { kind: 'session', session: ticket.held.session };
  }

  #issue(held: Held): IssuedTokens {
    const now = this.#realNow();
    const token = randomBytes(32).toString('base64url');
    const masterToken = randomBytes(32).toString('base64url');
    held.tokens.push(token);
    held.masterTokens.push(masterToken);
    this.#tokens.set(token, { held, expiresAtMs: now + this.validity.sessionSeconds * 1000 });
    this.#masterTokens.set(masterToken, {
      held,
      expiresAtMs: now + this.validity.masterSeconds * 1000,
    });
    while (held.tokens.length > TOKENS_PER_SESSION_MAX)
      this.#tokens.delete(held.tokens.shift() ?? '');
    while (held.masterTokens.length > TOKENS_PER_SESSION_MAX)
      this.#masterTokens.delete(held.masterTokens.shift() ?? '');
    return { token, masterToken };
  }
}

/** Notes a statement's id for LAST_QUERY_ID; the oldest are forgotten. */
export function rememberQuery(session: Session, id: string): void {
  session.lastQueryIds.push(id);
  if (session.lastQueryIds.length > LAST_QUERIES_KEPT) session.lastQueryIds.shift();
}
