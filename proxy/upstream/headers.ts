/**
 * Which headers cross the proxy. Hop-by-hop headers end here (RFC 9110 §7.6.1), those named in `Connection` too;
 * `Host` becomes upstream's; forwarding headers of clients are dropped, so that nobody can pretend an address.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { UpstreamHeaders } from './engine.js';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
/** Codings whose replies we can read too; a driver is not offered others. */
const READABLE_CODINGS: ReadonlySet<string> = new Set([
  'gzip',
  'x-gzip',
  'deflate',
  'br',
  'identity',
]);
/** Field values that Node sends (RFC 9110 §5.5); a reply is not lost for a header with others. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** A client that followed one would send its token and statement to whoever it names. */
const NEVER_TO_CLIENT: ReadonlySet<string> = new Set(['location', 'refresh']);
const NEVER_UPSTREAM: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'authorization',
  'forwarded',
  'x-real-ip',
  // Gateways in front of upstream may take these for the path or method, which we have judged.
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);
/** By prefix: addresses a client merely says, and what proxies tell each other. */
const NEVER_UPSTREAM_PREFIXES: readonly string[] = ['x-forwarded-', 'x-envoy-'];
/** Without these upstream would read another body than we have judged, so a client's `Connection` cannot take them away. */
const ALWAYS_UPSTREAM: ReadonlySet<string> = new Set(['content-encoding', 'content-type']);

/** Headers of a client's request for upstream, without `Authorization` and length, which the caller sets. */
export function headersForUpstream(
  headers: IncomingHttpHeaders,
  host: string,
): Record<string, string | string[]> {
  const named = namedInConnection(headers.connection);
  const out: Record<string, string | string[]> = { host };
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isOfTheHop(name)) continue;
    if (named.has(name) && !ALWAYS_UPSTREAM.has(name)) continue;
    out[name] = name === 'accept-encoding' ? readableCodings(String(value)) : value;
  }
  return out;
}

/** Headers of upstream's reply for the client. `edited`: the body changed, so its length and coding do not hold. */
export function headersForClient(
  headers: UpstreamHeaders,
  edited: boolean,
): Record<string, string | string[]> {
  const named = namedInConnection(
    typeof headers['connection'] === 'string' ? headers['connection'] : undefined,
  );
  const out: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || named.has(name)) continue;
    if (NEVER_TO_CLIENT.has(name)) continue;
    if (!isSendable(value)) continue;
    if (edited && (name === 'content-length' || name === 'content-encoding')) continue;
    out[name] = value;
  }
  return out;
}

function isSendable(value: string | readonly string[]): boolean {
  return typeof value === 'string'
    ? SENDABLE.test(value)
    : value.every((each) => SENDABLE.test(each));
}

/** Gateways that make variables of headers read `x_forwarded_for` and `x-forwarded-for` alike. */
function isOfTheHop(name: string): boolean {
  const folded = name.includes('_') ? name.replaceAll('_', '-') : name;
  return (
    HOP_BY_HOP.has(folded) ||
    NEVER_UPSTREAM.has(folded) ||
    NEVER_UPSTREAM_PREFIXES.some((prefix) => folded.startsWith(prefix))
  );
}

function namedInConnection(header: string | undefined): ReadonlySet<string> {
  if (header === undefined) return new Set();
  return new Set(header.split(',').map((name) => name.trim().toLowerCase()));
}

/** An Accept-Encoding without the codings that would hide replies from us (zstd). */
function readableCodings(header: string): string {
  const kept = header
    .split(',')
    .map((each) => each.trim())
    .filter((each) => READABLE_CODINGS.has((each.split(';')[0] ?? '').trim().toLowerCase()));
  return kept.length === 0 ? 'identity' : kept.join(', ');
}
