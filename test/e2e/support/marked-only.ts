/**
 * What stands between the proxy and the embedded warehouse makes it as forgetful as Snowflake may be: an earlier
 * execution is looked for only when a repeat is marked, so that an unmarked one runs again. It changes the request id
 * of such a repeat on its way, and counts what went upstream.
 */
import { randomUUID } from 'node:crypto';
import type { FramedRequest } from '../../support/request-framer.js';
import { statementRequestId } from '../../support/tcp-balancer.js';

export interface Forwarded {
  /** Requests that went upstream under this id. */
  times: number;
  /** Repeats among them that carried no mark. */
  unmarked: number;
  /** The id that upstream has seen last. */
  alias: string;
}

const FORWARDED_MAX = 200_000;

export class MarkedOnly {
  readonly #forwarded = new Map<string, Forwarded>();

  /** For a balancer's `rewrite`. */
  readonly rewrite = (request: FramedRequest, head: string): string => {
    const requestId = statementRequestId(request);
    if (requestId === undefined) return head;
    const known = this.#forwarded.get(requestId);
    if (known === undefined) {
      if (this.#forwarded.size >= FORWARDED_MAX)
        throw new RangeError(`more than ${FORWARDED_MAX} requests are followed`);
      this.#forwarded.set(requestId, { times: 1, unmarked: 0, alias: requestId });
      return head;
    }
    known.times += 1;
    if (!isMarked(request)) {
      known.unmarked += 1;
      known.alias = randomUUID();
    }
    return head.replace(`requestId=${requestId}`, `requestId=${known.alias}`);
  };

  /** What is known of a request id; undefined: it never went upstream. */
  of(requestId: string): Readonly<Forwarded> | undefined {
    return this.#forwarded.get(requestId);
  }
}

function isMarked(request: FramedRequest): boolean {
  const parameters = new URLSearchParams(request.target.split('?', 2)[1]);
  return Number(parameters.get('retryCount') ?? 0) > 0 || parameters.get('retry') === 'true';
}
