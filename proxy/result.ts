/** Fetches the result of a query that runs or has run, for a repeat or a poll. */
import { Fault } from '#base/errors.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { KnownTicket } from '#billing/ledger.js';
import type { Asker } from './front.js';
import type { Parts } from './parts.js';
import { relay } from './relay.js';
import type { Destination, RelayOptions } from './relay.js';
import { headersForUpstream } from './upstream/headers.js';
import { refusalOf } from './wire/refusal.js';

/** Relays what upstream answers for `queryId`. Fault `upstreamUnreachable` when it cannot be had. */
export async function fetchResult(
  asker: Asker,
  queryId: string,
  destination: Destination,
  options: RelayOptions = {},
): Promise<void> {
  const { call, front, upstream, identity } = asker;
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  delete headers['content-type'];
  const outcome = await relay(
    upstream.engine,
    {
      method: 'GET',
      path: front.resultPath(queryId),
      headers: { ...headers, ...front.authorization(identity) },
      body: null,
    },
    destination,
    options,
  );
  if (outcome.kind === 'unreachable')
    throw new Fault('upstreamUnreachable', 'Snowflake could not be reached', {
      cause: outcome.cause,
    });
}

/** Our text in place of upstream's "canceled", where another replica has stopped the statement. */
export function tellingStops(
  parts: Parts,
  asker: Asker,
  ticketId: KnownTicket['ticketId'],
): RelayOptions {
  return {
    async beforeSmall(reply) {
      if (reply.top['code'] !== WIRE_CODES.queryCancelled) return undefined;
      const ticket = await parts.ledger.ticket(ticketId).catch(() => undefined);
      const told = ticket?.stopTold ?? null;
      return told === null ? undefined : asker.front.refusal(refusalOf(told), ticketId).body;
    },
  };
}
