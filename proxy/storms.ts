/**
 * Breakers of statements that fail in a loop, in the memory of this replica: one a caller and shape, so that nobody's
 * loop touches anybody else. What an open breaker answers is written nowhere and asks nobody.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { tgLabel } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { formatInstant } from '#base/time.js';
import type { Clock } from '#base/time.js';
import { afterFailure, askBreaker } from '#policies/rules/retry-storm.js';
import type { StormFailure, StormState } from '#policies/rules/retry-storm.js';
import { stormRefusal } from '#policies/rules/guard-text.js';
import type { Refusal } from '#policies/rules/refusal-text.js';
import type { Analysed } from './stages.js';

const BREAKERS_MAX = 10_000;
const MESSAGE_MAX = 500;

/** Whose loop it would be, and of what. */
export interface StormKey {
  readonly text: string;
  /** When the statement came; monotonic. */
  readonly arrivedAtMs: number;
  readonly controlVersion: number;
}

interface Breaker {
  readonly state: StormState;
  /** Under which a refusal was told: another one may not refuse. */
  readonly controlVersion: number;
}

/** Refusals that a repeat cannot change; queues, approvals and ledgers that are away are not among them. */
const LASTING: ReadonlySet<string> = new Set(
  (['budgetExceeded', 'ruleRefused', 'opaqueRefused', 'ceilingExceeded'] as const).map(tgLabel),
);

export function stormKeyOf(statement: Analysed): StormKey {
  const { identity, principal, signedIn, facts, call, snapshot } = statement;
  return {
    text: [identity.account, principal.id, signedIn.principal.id, facts.fingerprint].join('\n'),
    arrivedAtMs: call.arrivedAtMs,
    controlVersion: snapshot.version,
  };
}

export class Storms {
  readonly #breakers = new LRUCache<string, Breaker>({ max: BREAKERS_MAX });
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #now: () => number;

  /** `now`: monotonic milliseconds of real time. */
  constructor(log: Log, clock: Clock, now: () => number) {
    this.#log = log;
    this.#clock = clock;
    this.#now = now;
  }

  /** Breakers that are kept, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#breakers.size, max: BREAKERS_MAX };
  }

  /** What a statement is told in place of being sent; null: it is sent. */
  ask(statement: Analysed): Refusal | null {
    const key = stormKeyOf(statement);
    const breaker = this.#breakers.get(key.text);
    if (breaker === undefined) return null;
    if (breaker.state.last.kind === 'refused' && breaker.controlVersion !== key.controlVersion) {
      this.#breakers.delete(key.text);
      return null;
    }
    const nowMs = this.#now();
    const answer = askBreaker(breaker.state, nowMs);
    if (answer.kind === 'pass') {
      if (answer.state !== undefined && answer.state !== breaker.state)
        this.#breakers.set(key.text, { ...breaker, state: answer.state });
      return null;
    }
    return this.#refusal(breaker, answer.untilMs - nowMs, statement);
  }

  /** What {@link ask} would answer now; nothing is let through by it. */
  peek(statement: Analysed): Refusal | null {
    const key = stormKeyOf(statement);
    const breaker = this.#breakers.peek(key.text);
    if (breaker === undefined) return null;
    const isOld = breaker.controlVersion !== key.controlVersion;
    if (breaker.state.last.kind === 'refused' && isOld) return null;
    const nowMs = this.#now();
    const answer = askBreaker(breaker.state, nowMs);
    return answer.kind === 'pass'
      ? null
      : this.#refusal(breaker, answer.untilMs - nowMs, statement);
  }

  #refusal({ state }: Breaker, waitMs: number, { call }: Analysed): Refusal {
    const until = formatInstant(this.#clock.now() + Math.round(waitMs * this.#clock.scale));
    return stormRefusal({ ...state, until, waitMs }, call.ticketId);
  }

  /** A statement ended upstream; null: well, or it was cancelled by its client. */
  ended(key: StormKey, failure: Omit<StormFailure, 'kind'> | null): void {
    if (failure === null) this.#breakers.delete(key.text);
    else this.#failed(key, { ...failure, kind: 'failed' });
  }

  /** A statement was refused. */
  refused(statement: Analysed, refusal: Refusal): void {
    const code = tgLabel(refusal.code);
    if (!LASTING.has(code)) return;
    const message = refusal.message.split('\n', 1)[0] ?? '';
    this.#failed(stormKeyOf(statement), { kind: 'refused', code, message });
  }

  #failed(key: StormKey, failure: StormFailure): void {
    const earlier = this.#breakers.get(key.text)?.state;
    const last = { ...failure, message: failure.message.slice(0, MESSAGE_MAX) };
    const { arrivedAtMs, controlVersion } = key;
    const state = afterFailure(earlier, last, { arrivedAtMs, nowMs: this.#now() });
    this.#breakers.set(key.text, { state, controlVersion });
    if (state.open === null || (earlier?.open ?? null) !== null) return;
    const [account, principal, , fingerprint] = key.text.split('\n');
    this.#log.warn(
      { account, principal, fingerprint, code: last.code, failures: state.failures },
      'a statement fails in a loop; it is not sent for a while',
    );
  }
}
