/**
 * Sends each statement of a session on the warehouse that it is priced for. One that a rule moved goes alone: the session
 * is switched for it, which proves that its role may use the warehouse, and set back before anybody sends the next. A
 * session that could not be set back is set back before its next statement.
 */
import { toError } from '#base/errors.js';
import type { SessionKey } from '../identity/sessions.js';
import { askInSession } from '../own/ask.js';
import type { AskParts } from '../own/ask.js';
import type { OwnStatements } from '../own/own-statements.js';
import type { RequestEntry } from '../requests.js';
import type { Admitted, Identified } from '../stages.js';
import { ruleRefusal } from '#policies/rules/refusal-text.js';
import { refusalContext } from '../refuse.js';
import type { RefusalParts } from '../refuse.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { SessionSwitches } from './session-switches.js';
import { type EndTurn, Turns } from './turns.js';

const SESSIONS_MAX = 20_000;
/** A client waits for it. */
const USE_LIMIT_MS = 10_000;
const ELSEWHERE_LOOKS = 50;
const ELSEWHERE_LOOK_MS = 200;
const FORGET_EVERY_MS = 3_600_000;

/** What switching takes of a replica. */
export interface SwitchingParts extends AskParts, RefusalParts {
  readonly ownStatements: Pick<OwnStatements, 'beginLookUp' | 'end'>;
}

export type WarehouseTurn =
  | { readonly kind: 'ready'; readonly end: () => Promise<void> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'cancelled' };

interface SessionTurns {
  readonly turns: Turns;
  /** Another replica may have switched it before this one saw it. */
  isKnown: boolean;
  /** The warehouse that it has to be set back to; null: it is on it. */
  switchedFrom: string | null;
}

const NOTHING: WarehouseTurn = { kind: 'ready', end: () => Promise.resolve() };

export class Switching {
  readonly #switches: SessionSwitches;
  readonly #sessions = new Map<string, SessionTurns>();
  #forgotAtMs = 0;

  constructor(switches: SessionSwitches) {
    this.#switches = switches;
  }

  /**
   * Waits until the statement may be sent in its session, and switches the session where it is to be. `end` is to be
   * called when upstream has answered, before its client is. Refused: the warehouse cannot be switched, or set back.
   */
  async turn(
    parts: SwitchingParts,
    statement: Admitted,
    entry: RequestEntry,
  ): Promise<WarehouseTurn> {
    const isSwitching = statement.snapshot.tiers.some((tier) => tier.switch === 'session');
    // A session that was switched under an earlier document has still to be set back.
    const isUnused = !isSwitching && this.#sessions.size === 0;
    if (isUnused || statement.front.source !== 'driver') return NOTHING;
    const session = this.#sessionOf(statement.identity);
    const { isSwitched = false } = statement;
    const endTurn = await (isSwitched ? session.turns.alone() : session.turns.beside());
    let turn: WarehouseTurn | undefined;
    try {
      turn = await this.#begin(parts, statement, session, endTurn);
      if (turn.kind === 'ready' && entry.cancelled.aborted) {
        await turn.end();
        turn = { kind: 'cancelled' };
      }
      return turn;
    } finally {
      if (turn?.kind !== 'ready') endTurn();
    }
  }

  async #begin(
    parts: SwitchingParts,
    statement: Admitted,
    session: SessionTurns,
    endTurn: EndTurn,
  ): Promise<WarehouseTurn> {
    const { identity } = statement;
    await this.#know(identity, session);
    if (session.switchedFrom !== null && !(await this.#setBack(parts, statement, session)))
      return { kind: 'refused', refusal: notSetBack() };
    if (statement.isSwitched !== true)
      return {
        kind: 'ready',
        end: () => {
          endTurn();
          return Promise.resolve();
        },
      };
    const from = statement.session.warehouse ?? '';
    if (!(await this.#switches.begin(identity, from)))
      return {
        kind: 'refused',
        refusal: notSwitched(parts, statement, 'its session may not be switched now'),
      };
    session.switchedFrom = from;
    let isOver = false;
    const end = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      await this.#setBack(parts, statement, session);
      endTurn();
    };
    if (await use(parts, statement, statement.placement.warehouse ?? ''))
      return { kind: 'ready', end };
    await this.#setBack(parts, statement, session);
    return {
      kind: 'refused',
      refusal: notSwitched(
        parts,
        statement,
        'its role may not use it, or Snowflake did not say so in time',
      ),
    };
  }

  #sessionOf({ account, sessionId }: SessionKey): SessionTurns {
    const key = `${account}\u0000${sessionId}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    if (this.#sessions.size >= SESSIONS_MAX) this.#drop();
    const made = { turns: new Turns(), isKnown: false, switchedFrom: null };
    this.#sessions.set(key, made);
    return made;
  }

  /** The oldest that nobody uses; it is asked for again when it is used. */
  #drop(): void {
    for (const [key, { turns, switchedFrom }] of this.#sessions) {
      if (!turns.isIdle || switchedFrom !== null) continue;
      this.#sessions.delete(key);
      return;
    }
  }

  /** Asked once a session: whether another replica has it, or left it switched. */
  async #know(key: SessionKey, session: SessionTurns): Promise<void> {
    if (session.isKnown) return;
    for (let look = 0; ; look += 1) {
      const { switchedFrom, isElsewhere } = await this.#switches.enter(key);
      if (isElsewhere && look < ELSEWHERE_LOOKS) {
        await pause(ELSEWHERE_LOOK_MS);
        continue;
      }
      session.switchedFrom = switchedFrom;
      if (performance.now() - this.#forgotAtMs > FORGET_EVERY_MS) {
        this.#forgotAtMs = performance.now();
        await this.#switches.forget();
      }
      // One that is still switched elsewhere is looked at again by the next statement.
      session.isKnown = !isElsewhere;
      return;
    }
  }

  /** False: the session may still be on the other warehouse. Never throws. */
  async #setBack(
    parts: SwitchingParts,
    statement: Identified,
    session: SessionTurns,
  ): Promise<boolean> {
    const { switchedFrom } = session;
    if (switchedFrom === null) return true;
    try {
      if (!(await use(parts, statement, switchedFrom))) return false;
      await this.#switches.end(statement.identity);
      session.switchedFrom = null;
      return true;
    } catch (thrown) {
      parts.log.warn(
        { err: toError(thrown) },
        'a session could not be set back to its warehouse; its next statement will',
      );
      return false;
    }
  }
}

/** Sends `USE WAREHOUSE` in the client's session, unseen by LAST_QUERY_ID. False: nobody knows that it took effect. */
async function use(
  parts: SwitchingParts,
  statement: Identified,
  warehouse: string,
): Promise<boolean> {
  const requestId = parts.ids.ticket(Date.now());
  if (!(await parts.ownStatements.beginLookUp(statement.identity, requestId))) return false;
  const answer = await askInSession(parts, statement, {
    sqlText: `USE WAREHOUSE ${warehouse}`,
    requestId,
    limitMs: USE_LIMIT_MS,
  });
  // Somebody who looked for the query of a lost request of ours may have been first, with a text of one row of its own.
  return answer !== null && answer[0] !== '1';
}

function notSwitched(parts: RefusalParts, statement: Admitted, why: string): Refusal {
  const { tier, warehouse } = statement.placement;
  return ruleRefusal(
    {
      kind: 'rule',
      ruleId: `tier ${tier.id}`,
      message: `it belongs on ${warehouse ?? ''}, and ${why}; run USE WAREHOUSE ${warehouse ?? ''} and send it again`,
      isApprovable: false,
    },
    refusalContext(parts, statement),
  );
}

function notSetBack(): Refusal {
  return callerRefusal(
    'upstreamUnreachable',
    'Not run, nothing charged: the warehouse of the session could not be set back after a statement that was moved to another one. Send it again, or connect again.',
  );
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
