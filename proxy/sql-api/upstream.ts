/** Asking Snowflake's SQL API how a statement stands, and cancelling one. */
import { Fault } from '#base/errors.js';
import { statusUrl } from '#base/wire/sql-api.js';
import type { UpstreamHeaders, UpstreamRequest } from '../upstream/engine.js';
import { TokenExpired } from '../upstream/query-facts.js';
import type { QueryFacts } from '../upstream/query-facts.js';
import type { Upstream } from '../upstream/upstreams.js';
import { hasEnded } from './read-reply.js';

const REPLY_BYTES_MAX = 1024 * 1024;

/** Headers of a request of ours; `authorization` names the bearer and its type. */
export function ownHeaders(
  upstream: Upstream,
  authorization: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    host: upstream.host,
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'Tollgate/1.0',
    ...authorization,
  };
}

/**
 * Undefined when upstream does not know the handle (yet). Fault `upstreamUnreachable` when it does not answer,
 * {@link TokenExpired} when the token has ended.
 */
export async function readApiFacts(
  upstream: Upstream,
  authorization: Readonly<Record<string, string>>,
  handle: string,
): Promise<QueryFacts | undefined> {
  const reply = await headOf(upstream, {
    method: 'GET',
    path: statusUrl(encodeURIComponent(handle)),
    headers: ownHeaders(upstream, authorization),
    body: null,
  });
  if (reply.status === 401) throw new TokenExpired();
  const standing = hasEnded(reply.status);
  if (standing === undefined) return undefined;
  const { code } = bodyOf(reply.body);
  if (standing === 'failure' && (typeof code !== 'string' || code === '000709')) return undefined;
  return {
    isRunning: standing === 'running',
    isSuccess: standing === 'success',
    errorCode: standing === 'failure' && typeof code === 'string' ? code : null,
    bytesScanned: null,
  };
}

/** What is known of a statement that is to be cancelled before upstream has told its handle. */
export interface Submitted {
  readonly target: string;
  readonly body: Buffer;
}

/**
 * Cancels by handle. While it is not known, the request that was sent is sent once more, marked as a repeat that does
 * not wait: Snowflake then answers with the handle of its first execution ("SQL API: resubmitting a request"). Fault
 * `upstreamUnreachable`, also when there is no handle to be had; {@link TokenExpired} when the token has ended.
 */
export async function abortByApi(
  upstream: Upstream,
  authorization: Readonly<Record<string, string>>,
  handle: string | null,
  submitted: Submitted | undefined,
): Promise<void> {
  const headers = ownHeaders(upstream, authorization);
  const known = handle ?? (await handleOf(upstream, headers, submitted));
  if (known === undefined)
    throw new Fault(
      'upstreamUnreachable',
      'Snowflake has not told the handle of the statement yet',
    );
  const path = `${statusUrl(encodeURIComponent(known))}/cancel`;
  const reply = await upstream.engine.exchange(
    { method: 'POST', path, headers, body: Buffer.from('{}') },
    REPLY_BYTES_MAX,
  );
  if (reply.status === 401) throw new TokenExpired();
}

async function handleOf(
  upstream: Upstream,
  headers: Readonly<Record<string, string>>,
  submitted: Submitted | undefined,
): Promise<string | undefined> {
  if (submitted === undefined) return undefined;
  const { target, body } = submitted;
  const path = `${withFlag(withFlag(target, 'retry'), 'async')}`;
  const reply = await headOf(upstream, { method: 'POST', path, headers, body });
  const { statementHandle } = bodyOf(reply.body);
  return typeof statementHandle === 'string' ? statementHandle : undefined;
}

/** A target with a flag of its query set to true. */
export function withFlag(target: string, name: 'retry' | 'async'): string {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const query = (at < 0 ? '' : target.slice(at + 1))
    .split('&')
    .filter((part) => part !== '' && !part.toLowerCase().startsWith(`${name}=`));
  return `${path}?${[...query, `${name}=true`].join('&')}`;
}

interface Head {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** Empty for a result, which may be large and is not read. */
  readonly body: Buffer;
}

/** The status of a reply, and its body unless it holds rows. */
function headOf(upstream: Upstream, request: UpstreamRequest): Promise<Head> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let head: Omit<Head, 'body'> | undefined;
    let isGivenUp = false;
    upstream.engine.send(request, {
      onHead: (status, headers, flow) => {
        head = { status, headers };
        if (status !== 200) return;
        isGivenUp = true;
        resolve({ status, headers, body: Buffer.alloc(0) });
        flow.abort(new Error('the rows are not wanted'));
      },
      onChunk: (chunk) => {
        bytes += chunk.length;
        if (bytes <= REPLY_BYTES_MAX) chunks.push(chunk);
      },
      onEnd: () => {
        if (head !== undefined) resolve({ ...head, body: Buffer.concat(chunks) });
      },
      onError: (cause) => {
        if (!isGivenUp)
          reject(new Fault('upstreamUnreachable', 'Snowflake could not be reached', { cause }));
      },
    });
  });
}

function bodyOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
