/** The protocol of Snowflake's drivers: JSON envelopes with HTTP 200, polls at `/queries/{id}/result`. */
import { TG_CODES } from '#base/errors.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { failureEnvelope, successEnvelope } from '#base/wire/envelope.js';
import type { Front, ReplyRead } from './front.js';
import { sessionChanges } from './identity/session-effects.js';
import { snowflakeToken } from './identity/tokens.js';
import type { SmallReply } from './relay.js';
import { surfaceReply } from './surface/result.js';
import { abortUpstream, readQueryFacts } from './upstream/query-facts.js';
import { refusalBody } from './wire/refusal.js';
import type { ScannedReply } from './wire/reply-scanner.js';

export const driverFront: Front = {
  source: 'driver',
  refusal: (refusal, ticketId) => jsonReply(refusalBody(refusal, ticketId)),
  // Fields and codes as drivers read them of a long statement: /queries/v1/query-request in docs/wire.md.
  inProgress: (ticketId, isAsync) =>
    jsonReply(
      JSON.stringify({
        ...successEnvelope(
          {
            queryId: ticketId,
            getResultUrl: `/queries/${ticketId}/result`,
            queryAbortsAfterSecs: 0,
            progressDesc: null,
          },
          isAsync ? WIRE_CODES.queryInProgressAsync : WIRE_CODES.queryInProgress,
        ),
        message: 'Query execution in progress.',
      }),
    ),
  cancelled: (ticketId) =>
    jsonReply(
      JSON.stringify(
        failureEnvelope({
          code: WIRE_CODES.queryCancelled,
          sqlState: TG_CODES.killed.sqlState,
          message: 'SQL execution canceled',
          queryId: ticketId,
          type: 'TOLLGATE',
        }),
      ),
    ),
  rows: ({ session, call, query }, { result, twin, bindCount }, sentAtMs) =>
    jsonReply(
      JSON.stringify(
        successEnvelope(
          surfaceReply({
            ticketId: call.ticketId,
            result,
            names: {
              finalDatabaseName: session.database,
              finalSchemaName: session.schema,
              finalWarehouseName: session.warehouse,
              finalRoleName: session.role,
            },
            parameters: [],
            sentAtMs,
            numberOfBinds: bindCount ?? query.binds?.length ?? 0,
            isDescribe: query.isDescribe,
            ...(twin === undefined ? {} : { twin }),
          }),
        ),
      ),
    ),
  authorization: ({ upstreamToken }) => ({ authorization: snowflakeToken(upstreamToken) }),
  repeatTarget,
  resultPath: (queryId) => `/queries/${encodeURIComponent(queryId)}/result`,
  read: (_status, reply) => read(reply),
  sessionChanges: ({ query }, reply) => sessionChanges(query.sqlText, reply),
  facts: readQueryFacts,
  abort: abortUpstream,
};

/** A complete reply of the driver protocol. */
export function jsonReply(body: Buffer | string): SmallReply {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
    body: bytes,
  };
}

/** Snowflake looks for an earlier execution only where a repeat says that it is one (docs/retries.md). */
function repeatTarget(target: string, atMs: number): string {
  if (/[?&](?:retryCount=[1-9]|retry=true)/.test(target)) return target;
  const mark = `clientStartTime=${atMs}&retryCount=1&retryReason=0`;
  return target.includes('?') ? `${target}&${mark}` : `${target}?${mark}`;
}

function read(reply: ScannedReply): ReplyRead {
  const { top, data } = reply;
  const code = textOf(top['code']);
  if (code === WIRE_CODES.sessionTokenExpired) return { kind: 'renewalAsked' };
  if (code === WIRE_CODES.queryInProgress || code === WIRE_CODES.queryInProgressAsync)
    return { kind: 'running', queryId: textOf(data['queryId']) };
  if (!reply.isComplete || typeof top['success'] !== 'boolean') return { kind: 'unknown' };
  return {
    kind: 'ended',
    end: {
      isSuccess: top['success'],
      code,
      sqlState: textOf(data['sqlState']),
      queryId: textOf(data['queryId']),
      childQueryIds: (textOf(data['resultIds']) ?? '').split(',').filter((id) => id !== ''),
      message: textOf(top['message']),
      rows: typeof data['total'] === 'number' ? data['total'] : null,
    },
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
