/** What the monitoring route tells of one statement; asked with the client's own token, it is no statement itself. */
import { WIRE_CODES } from '#base/wire/codes.js';
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

/** The session token of a statement does not serve any more; a renewal has another one, see `newestToken`. */
export class TokenExpired extends Error {
  override readonly name = 'TokenExpired';

  constructor() {
    super('the session token has expired');
  }
}

export interface QueryFacts {
  readonly isRunning: boolean;
  readonly isSuccess: boolean;
  readonly errorCode: string | null;
  readonly bytesScanned: number | null;
}

/**
 * Undefined when upstream does not know the id (yet). Fault `upstreamUnreachable` when it does not answer,
 * {@link TokenExpired} when the session has been renewed meanwhile, or should have been.
 */
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
    code?: unknown;
    data?: { queries?: readonly Record<string, unknown>[] } | null;
  };
  if (parsed.code === WIRE_CODES.sessionTokenExpired) throw new TokenExpired();
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

/** Cancels by query id, or by request id while the id is not known. Throws as {@link readQueryFacts}. */
export async function abortUpstream(
  upstream: Upstream,
  upstreamToken: string,
  target: { readonly queryId: string | null; readonly requestId: string },
  abortRequestId: string,
): Promise<void> {
  const byId = target.queryId !== null;
  const reply = await upstream.engine.exchange(
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
  const { code } = JSON.parse(reply.body.toString('utf8')) as { code?: unknown };
  if (code === WIRE_CODES.sessionTokenExpired) throw new TokenExpired();
}

/** Error codes come as text or number; an empty text means none. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
