/** The SQL API as a front: statuses of HTTP, bare bodies, results at `/api/v2/statements/{handle}`. */
import { statusUrl } from '#base/wire/sql-api.js';
import type { Front } from '../front.js';
import { apiCancelled, apiInProgress, apiRefusal, apiRows } from './replies.js';
import { readApiReply } from './read-reply.js';
import { abortByApi, readApiFacts, withFlag } from './upstream.js';
import type { Submitted } from './upstream.js';

/** What a front of the SQL API knows of the request that it answers. */
export interface ApiExchange {
  /** They carry the token upstream, in place of the client's own where the way in is terminated. */
  readonly headers: Readonly<Record<string, string>>;
  /** Makes another token for the same; undefined: the token is the client's own. */
  readonly renew: (() => Promise<string>) | undefined;
  /** False: NULL is written as a text. */
  readonly isNullable: boolean;
  /** What went upstream, so that it can be cancelled before its handle is known; undefined: nothing, or too much to keep. */
  readonly submitted: () => Submitted | undefined;
}

/** The front of one request: tokens come with each of them, and no session upstream outlives it. */
export function sqlApiFront(exchange: ApiExchange): Front {
  const { headers, renew, isNullable, submitted } = exchange;
  const bearer = (token: string): Readonly<Record<string, string>> => ({
    ...headers,
    authorization: `Bearer ${token}`,
  });
  // Of a statement that may run longer than a token lives.
  const lasting = async (token: string): Promise<Readonly<Record<string, string>>> =>
    bearer((await renew?.()) ?? token);
  return {
    source: 'sqlapi',
    refusal: apiRefusal,
    inProgress: apiInProgress,
    cancelled: apiCancelled,
    rows: ({ call, requestId }, answered, createdOn) =>
      apiRows({ ticketId: call.ticketId, requestId, answered, isNullable, createdOn }),
    authorization: ({ upstreamToken }) => bearer(upstreamToken),
    repeatTarget: (target) => withFlag(target, 'retry'),
    resultPath: (queryId) => statusUrl(encodeURIComponent(queryId)),
    read: readApiReply,
    sessionChanges: () => ({}),
    facts: async (upstream, token, queryId) =>
      readApiFacts(upstream, await lasting(token), queryId),
    abort: async (upstream, token, { queryId }) =>
      abortByApi(upstream, await lasting(token), queryId, submitted()),
  };
}
