/**
 * What the head of a request must be before anybody reads more of it. Node's parser refuses most of what two servers
 * could frame differently; this adds what it lets pass. Every rule has its number in docs/attacks.md.
 */
import type { IncomingMessage } from 'node:http';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';

/** Drivers send fifteen, balancers add a few. */
export const HEADERS_MAX = 200;

/** Two of them, and we might act on one and upstream on the other. */
const ONCE: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-encoding',
]);
/** The authority of a URL without user: a name or IPv4 address, or an IPv6 address in brackets, and a port. */
const HOST = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const JSON_TYPE = /^application\/json(?: *; *charset="?utf-8"?)?$/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded(?: *; *charset="?utf-8"?)?$/i;
/** The one request of the wire that carries a form (OAuth, RFC 6749 §4.1.3). */
const FORM_PATH = '/oauth/token-request';
const NO_HTTP = 'Not run: this is no request of HTTP/1.1';

/** Why a request may not be handled, or undefined. The connection must end with the answer: what follows cannot be trusted. */
export function headRefusal(request: IncomingMessage, path: string): Refusal | undefined {
  const why =
    versionProblem(request) ??
    countProblem(request) ??
    framingProblem(request) ??
    targetProblem(request) ??
    onceProblem(request) ??
    hostProblem(request) ??
    upgradeProblem(request) ??
    typeProblem(request, path);
  return why === undefined ? undefined : callerRefusal('requestMalformed', why);
}

function versionProblem({ httpVersion }: IncomingMessage): string | undefined {
  if (httpVersion === '1.1' || httpVersion === '1.0') return undefined;
  return `${NO_HTTP} but of HTTP/${httpVersion}. Speak HTTP/1.1.`;
}

function countProblem({ rawHeaders }: IncomingMessage): string | undefined {
  if (rawHeaders.length / 2 <= HEADERS_MAX) return undefined;
  return `Not run: the request has more than ${HEADERS_MAX} headers. Send fewer.`;
}

/** Length and chunking must say one thing, in the one way that every server reads alike (RFC 9112 §6.1). */
function framingProblem(request: IncomingMessage): string | undefined {
  if (request.headers['transfer-encoding'] === undefined) return undefined;
  const codings = valuesOf(request, 'transfer-encoding');
  const isPlain = codings.length === 1 && /^chunked$/i.test(codings[0] ?? '');
  const isAlone = request.headers['content-length'] === undefined;
  if (isPlain && isAlone && request.httpVersion === '1.1') return undefined;
  return 'Not run: where the body of the request ends is ambiguous. Send either Content-Length or Transfer-Encoding: chunked, in HTTP/1.1.';
}

function targetProblem({ url = '' }: IncomingMessage): string | undefined {
  if (url.startsWith('/') && !url.includes('#')) return undefined;
  return 'Not run: the target of the request must be a path that begins with / and has no fragment. Send the path, and the name of the server in Host.';
}

function onceProblem({ rawHeaders }: IncomingMessage): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!ONCE.has(name)) continue;
    if (seen.has(name)) return `Not run: the header ${name} stands twice. Send it once.`;
    seen.add(name);
  }
  return undefined;
}

function hostProblem(request: IncomingMessage): string | undefined {
  const { host } = request.headers;
  if (host === undefined && request.httpVersion === '1.0') return undefined;
  if (host !== undefined && HOST.test(host)) return undefined;
  return 'Not run: the header Host must be a name or an address with an optional port. Connect by the host name alone.';
}

/**
 * A request that asks to leave HTTP/1.1 is not served under another reading of the same bytes. TLS is let pass and
 * ignored (RFC 9110 §7.8): Apache's HTTP client asks for it by itself on every plain connection.
 */
function upgradeProblem({ headers }: IncomingMessage): string | undefined {
  const { upgrade } = headers;
  if (upgrade === undefined || /^TLS\/1\.[0-3]$/i.test(upgrade)) return undefined;
  return 'Not run: the request asks for another protocol (Upgrade), and Tollgate speaks HTTP/1.1 alone. Switch that off.';
}

/** Another type, or none, could be read as something else than JSON in UTF-8 by upstream. */
function typeProblem(request: IncomingMessage, path: string): string | undefined {
  const { headers, method } = request;
  const length = headers['content-length'];
  const hasBody = headers['transfer-encoding'] !== undefined || (length ?? '0') !== '0';
  if (method !== 'POST' || !hasBody) return undefined;
  const expected = path === FORM_PATH ? FORM_TYPE : JSON_TYPE;
  if (expected.test(headers['content-type'] ?? '')) return undefined;
  const name = path === FORM_PATH ? 'application/x-www-form-urlencoded' : 'application/json';
  return `Not run: the Content-Type of the body must be ${name}, in UTF-8. Send exactly that.`;
}

/** Every value of a header as it came, repeated ones apart. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): readonly string[] {
  return rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
}
