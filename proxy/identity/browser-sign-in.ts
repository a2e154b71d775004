/**
 * What a sign-in asks before its login: where a browser or an identity provider is to be found, and Snowflake's own
 * OAuth. Nobody is signed in yet, so the account is that of the host name, or of the `ACCOUNT_NAME` where the body has one.
 */
import type { ServerResponse } from 'node:http';
import { Fault, tgLabel } from '#base/errors.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { headersForUpstream } from '../upstream/headers.js';
import { readBody } from '../wire/body.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import { LOGIN_REPLY_BYTES_MAX, relayReply } from './login-reply.js';
import { readSignIn, refuseSignIn } from './sign-in.js';
import { redirectRefusal, unsafeSignIn } from './sign-in-addresses.js';

/** A code, a secret and a redirect address are some kilobytes. */
const FORM_BYTES_MAX = 64 * 1024;
/** Of an address that a browser is sent to; longer ones are cut off by browsers and balancers. */
const QUERY_LENGTH_MAX = 8192;

/**
 * `POST /session/authenticator-request`: Snowflake says where people sign in (external browser, Okta). The body goes
 * up and the reply comes down byte for byte, unless an address in it is none that a browser should be sent to.
 * Refused: an account that takes credentials of Tollgate alone, or a body that names none. Fault `upstreamUnreachable`.
 */
export async function handleAuthenticatorRequest(parts: Parts, call: Call): Promise<void> {
  const signIn = await readSignIn(parts, call);
  if ('code' in signIn) return refuseSignIn(parts, call, signIn);
  const { login, upstream, way } = signIn;
  if (way.kind === 'terminated') {
    const words = 'Not connected: credentials of Tollgate sign in directly.';
    return refuseSignIn(parts, call, callerRefusal('unauthenticated', words));
  }
  const { authorization } = call.request.headers;
  const reply = await upstream.engine.exchange(
    {
      method: 'POST',
      path: call.target,
      headers: {
        ...headersForUpstream(call.request.headers, upstream.host),
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: login.body.raw,
    },
    LOGIN_REPLY_BYTES_MAX,
  );
  const unsafe = unsafeSignIn(upstream, reply, login.authenticator);
  if (unsafe !== undefined) return refuseSignIn(parts, call, unsafe);
  return relayReply(call, reply);
}

/**
 * `GET /console/login` and `GET /oauth/authorize`: pages for people. They live at Snowflake with everything that they
 * load, and the identity provider sends the browser back there, so the browser is sent to the account's own address,
 * which the settings name and no reply can change.
 */
export function handleBrowserPage(parts: Parts, call: Call): Promise<void> {
  const selected = parts.upstreams.select(call.request.headers.host, undefined);
  if (selected.kind === 'refused') {
    sendRefusal(call.response, selected.refusal, null);
    return Promise.resolve();
  }
  if (call.target.length > QUERY_LENGTH_MAX) {
    const words = `Not connected: the address is longer than ${QUERY_LENGTH_MAX} characters.`;
    sendRefusal(call.response, callerRefusal('requestTooLarge', words), null);
    return Promise.resolve();
  }
  call.response.writeHead(302, {
    location: `${selected.upstream.origin}${call.target}`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-length': 0,
  });
  call.response.end();
  return Promise.resolve();
}

/**
 * `POST /oauth/token-request`: a code or a refresh token becomes an access token, which a login presents later. The
 * form and the reply pass byte for byte. Failures are told as OAuth clients read them (RFC 6749 §5.2).
 */
export async function handleOAuthToken(parts: Parts, call: Call): Promise<void> {
  const read = await readBody(call.request, FORM_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (read.kind !== 'body') {
    const words = `the form did not arrive whole, or is larger than ${FORM_BYTES_MAX} bytes`;
    return sendOAuthProblem(call.response, 400, 'invalid_request', `TG1010 ${words}`);
  }
  const selected = parts.upstreams.select(call.request.headers.host, undefined);
  if (selected.kind === 'refused') {
    const { message } = selected.refusal;
    return sendOAuthProblem(call.response, 400, 'invalid_request', message);
  }
  const { upstream } = selected;
  const { authorization } = call.request.headers;
  const request = {
    method: 'POST',
    path: call.target,
    headers: {
      ...headersForUpstream(call.request.headers, upstream.host),
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: read.bytes,
  } as const;
  try {
    const reply = await upstream.engine.exchange(request, LOGIN_REPLY_BYTES_MAX);
    const redirect = redirectRefusal(reply);
    if (redirect === undefined) return relayReply(call, reply);
    return sendOAuthProblem(call.response, 502, 'server_error', redirect.message);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    parts.events.upstreamFailed('passthrough');
    const words = `${tgLabel(thrown.code)} ${thrown.message}`;
    return sendOAuthProblem(call.response, 503, 'temporarily_unavailable', words);
  }
}

function sendOAuthProblem(
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify({ error, error_description: description }));
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': body.length,
  });
  response.end(body);
}
