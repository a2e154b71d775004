/** Misbehaviour on request, for tests of whoever talks to this server. Nothing is faulty until asked. */

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

interface Planned {
  readonly path: string;
  readonly fault: ReplyFault;
  left: number;
}

export class WarehouseFaults {
  readonly #expire: () => void;
  #latencyMs = 0;
  #planned: Planned[] = [];

  constructor(expireTokens: () => void) {
    this.#expire = expireTokens;
  }

  /** Delays every reply by `latencyMs` of real time from now on. */
  delay(latencyMs: number): void {
    this.#latencyMs = latencyMs;
  }

  /** Resets the connection after `afterBytes` of a reply's body. */
  reset(afterBytes: number, request: FaultRequest): void {
    this.#plan({ kind: 'reset', afterBytes }, request);
  }

  /** Answers with half a JSON document. */
  malform(request: FaultRequest): void {
    this.#plan({ kind: 'malformed' }, request);
  }

  /** Answers with an HTTP status such as 503. */
  answerStatus(status: number, request: FaultRequest): void {
    this.#plan({ kind: 'status', status }, request);
  }

  /** Makes every session token expire now; drivers see 390112 and renew. */
  expireTokens(): void {
    this.#expire();
  }

  clear(): void {
    this.#latencyMs = 0;
    this.#planned = [];
  }

  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** The fault that the reply to `path` shall have; uses it up. */
  take(path: string): ReplyFault {
    const planned = this.#planned.find((one) => one.left > 0 && path.startsWith(one.path));
    if (planned === undefined) return { kind: 'none' };
    planned.left -= 1;
    if (planned.left === 0) this.#planned = this.#planned.filter((one) => one !== planned);
    return planned.fault;
  }

  #plan(fault: ReplyFault, request: FaultRequest): void {
    this.#planned.push({ path: request.path ?? '/', fault, left: request.count });
  }
}
