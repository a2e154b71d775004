/** Misbehaviour on request, for tests of whoever talks to this server. Nothing is faulty until asked. */
import type { ExpiryOf } from '../identity/sessions.js';

/** One fault for the next matching replies. */
export interface FaultRequest {
  /** Only replies to paths that start with this; all when absent. */
  readonly path?: string;
  /** How many replies it hits. */
  readonly count: number;
}

export type ReplyFault =
  | { readonly kind: 'none' }
  /** The connection is reset after this many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The body is cut in the middle and ended as if complete. */
  | { readonly kind: 'malformed' }
  /** This HTTP status with a body that is not JSON. */
  | { readonly kind: 'status'; readonly status: number };

/** What happens to one reply. */
export interface TakenFault {
  readonly fault: ReplyFault;
  /** Real milliseconds by which it comes later. */
  readonly latencyMs: number;
}

interface Planned<What> {
  readonly path: string;
  readonly what: What;
  left: number;
}

/** Faults that may wait at once; a later one is refused until some are used up or cleared. */
const PLANNED_MAX = 1_000;

export class WarehouseFaults {
  readonly #expire: (only?: ExpiryOf) => boolean;
  #latencyMs = 0;
  #planned: Planned<ReplyFault>[] = [];
  #delays: Planned<number>[] = [];

  constructor(expireTokens: (only?: ExpiryOf) => boolean) {
    this.#expire = expireTokens;
  }

  /** Delays replies by `latencyMs` of real time: every one from now on, or those that `request` names. */
  delay(latencyMs: number, request?: FaultRequest): void {
    if (request === undefined) this.#latencyMs = latencyMs;
    else plan(this.#delays, latencyMs, request);
  }

  /** Resets the connection after `afterBytes` of a reply's body. */
  reset(afterBytes: number, request: FaultRequest): void {
    plan<ReplyFault>(this.#planned, { kind: 'reset', afterBytes }, request);
  }

  /** Answers with half a JSON document. */
  malform(request: FaultRequest): void {
    plan<ReplyFault>(this.#planned, { kind: 'malformed' }, request);
  }

  /** Answers with an HTTP status such as 503. */
  answerStatus(status: number, request: FaultRequest): void {
    plan<ReplyFault>(this.#planned, { kind: 'status', status }, request);
  }

  /** Makes session tokens expire now, every one unless told otherwise; drivers see 390112 and renew. False: no such session. */
  expireTokens(only?: ExpiryOf): boolean {
    return this.#expire(only);
  }

  /** No more faults; tokens that have expired stay so. */
  clear(): void {
    this.#latencyMs = 0;
    this.#planned = [];
    this.#delays = [];
  }

  /** What the reply to a request for `path` that arrives now shall suffer; uses it up. */
  take(path: string): TakenFault {
    return {
      fault: use(this.#planned, path) ?? { kind: 'none' },
      latencyMs: this.#latencyMs + (use(this.#delays, path) ?? 0),
    };
  }
}

function plan<What>(planned: Planned<What>[], what: What, request: FaultRequest): void {
  if (planned.length >= PLANNED_MAX)
    throw new RangeError(`more than ${PLANNED_MAX} faults are planned`);
  planned.push({ path: request.path ?? '/', what, left: request.count });
}

function use<What>(planned: Planned<What>[], path: string): What | undefined {
  const index = planned.findIndex((one) => path.startsWith(one.path));
  const found = planned[index];
  if (found === undefined) return undefined;
  found.left -= 1;
  if (found.left <= 0) planned.splice(index, 1);
  return found.what;
}
