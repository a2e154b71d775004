/** One HTTP exchange on its way through the proxy: ids and deadlines, made on arrival and never changed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TicketId } from '#base/ids.js';

export interface Call {
  /** Made before anything else; becomes the ticket if this is a statement. */
  readonly ticketId: TicketId;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: 'GET' | 'POST';
  /** Raw path without the query string. */
  readonly path: string;
  /** Raw path and query string, as forwarded. */
  readonly target: string;
  readonly query: URLSearchParams;
  /** Monotonic milliseconds. */
  readonly arrivedAtMs: number;
}

/** Drivers mark what they send again, in one of two ways; some do not. */
export function isRepeat({ query }: Call): boolean {
  return query.get('retry') === 'true' || Number(query.get('retryCount') ?? 0) > 0;
}
