/** What the monitoring route tells of one statement; asked with the client's own token, it is no statement itself. */
import { snowflakeToken } from '../identity/tokens.js';
import type { Upstream } from './upstreams.js';

const REPLY_BYTES_MAX = 1024 * 1024;
const RUNNING: ReadonlySet<string> = new Set([
  'RUNNING',
  'QUEUED',
  'BLOCKED',
  'RESUMING_WAREHOUSE',
  'QUEUED_REPARING_WAREHOUSE',
  'QUEUED_REPAIRING_WAREHOUSE',
  'ABORTING',
  'RESTARTED',
  'NO_DATA',
]);

export interface QueryFacts {
  readonly isRunning: boolean;
  readonly isSuccess: boolean;
  readonly errorCode: string | null;
  readonly bytesScanned: number | null;
}

/** Undefined when upstream does not know the id (yet). Fault `upstreamUnreachable` when it does not answer. */
export async function readQueryFacts(
  upstream: Upstream,
  upstreamToken: string,
  queryId: string,
): Promise<QueryFacts | undefined> {
  const reply = await upstream.engine.exchange(
    {
      method: 'GET',
      path: `/monitoring/queries/${encodeURIComponent(queryId)}`,
      headers: {
        host: upstream.host,
        accept: 'application/json',
        authorization: snowflakeToken(upstreamToken),
      },
      body: null,
    },
    REPLY_BYTES_MAX,
  );
  const parsed = JSON.parse(reply.body.toString('utf8')) as {
    data?: { queries?: readonly Record<string, unknown>[] } | null;
  };
  const query = parsed.data?.queries?.[0];
  if (query === undefined) return undefined;
  const status = textOf(query['status']) ?? '';
  const stats = (query['stats'] ?? {}) as Record<string, unknown>;
  const bytes = Number(stats['scanBytes']);
  const code = query['errorCode'];
  return {
    isRunning: RUNNING.has(status),
    isSuccess: status === 'SUCCESS',
    errorCode: textOf(code),
    bytesScanned: Number.isSafeInteger(bytes) ? bytes : null,
  };
}

/** Cancels by query id, or by request id while the id is not known. Fault `upstreamUnreachable`. */
export async function abortUpstream(
  upstream: Upstream,
  upstreamToken: string,
  target: { readonly queryId: string | null; readonly requestId: string },
  abortRequestId: string,
): Promise<void> {
  const byId = target.queryId !== null;
  await upstream.engine.exchange(
    {
      method: 'POST',
      path: byId
        ? `/queries/${encodeURIComponent(target.queryId)}/abort-request?requestId=${abortRequestId}`
        : `/queries/v1/abort-request?requestId=${abortRequestId}`,
      headers: {
        host: upstream.host,
        accept: 'application/json',
        'content-type': 'application/json',
        authorization: snowflakeToken(upstreamToken),
      },
      body: Buffer.from(JSON.stringify(byId ? {} : { requestId: target.requestId })),
    },
    REPLY_BYTES_MAX,
  );
}

/** Error codes come as text or number; an empty text means none. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
