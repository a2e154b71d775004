/**
 * Which replies to a sign-in must not reach the client: those that would send its credentials, or the person behind it,
 * to an address that nobody here has vouched for, and those in which such an address could hide.
 */
import { memberOf, parseObject } from '../wire/json-edit.js';
import type { JsonMember } from '../wire/json-edit.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { UpstreamReply } from '../upstream/engine.js';
import type { Upstream } from '../upstream/upstreams.js';
import { dataOf, decodedBody, stringAt } from './login-reply.js';

/** Where a reply would send a client to sign in. */
const ADDRESSES = ['ssoUrl', 'tokenUrl'] as const;

/** A redirect is not followed and not passed on: a driver would carry its credentials there. */
export function redirectRefusal(reply: UpstreamReply): Refusal | undefined {
  if (reply.status < 300 || reply.status >= 400) return undefined;
  return callerRefusal(
    'upstreamProtocol',
    'Not connected: Snowflake answered with a redirect, which is not followed. Ask the platform admins to check the address of the account.',
  );
}

/**
 * Why a reply to a login or a renewal must not reach the client, or undefined. An address to sign in at must be
 * upstream's own, or whoever can alter a reply sends people to another one.
 */
export function unsafeReply(upstream: Upstream, reply: UpstreamReply): Refusal | undefined {
  return unsafe(reply, (address) => isAt(address, upstream.host));
}

/**
 * The same for the reply that says where to sign in. Identity providers have addresses of their own, so any https one
 * will do for a browser; the one that the client itself named, for a driver that signs in at Okta.
 *
 * @param authenticator the login's, in any case: an address for Okta, a word otherwise.
 */
export function unsafeSignIn(
  upstream: Upstream,
  reply: UpstreamReply,
  authenticator: string,
): Refusal | undefined {
  const named = URL.canParse(authenticator) ? new URL(authenticator).host : undefined;
  return unsafe(reply, (address) => {
    if (isAt(address, upstream.host)) return true;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    const isWeb = url?.protocol === 'https:' && url.username === '' && url.password === '';
    return isWeb && (named === undefined || url.host === named);
  });
}

function unsafe(reply: UpstreamReply, isGood: (address: string) => boolean): Refusal | undefined {
  const redirect = redirectRefusal(reply);
  if (redirect !== undefined || reply.status !== 200) return redirect;
  const body = decodedBody(reply);
  const top = body === undefined ? undefined : parseObject(body);
  if (body === undefined || top?.kind !== 'object') return garbled();
  const data = dataOf(body);
  // Tokens and addresses stand in `data`: where a name stands twice in it, the client might read another than we do.
  if (data === undefined)
    return isAbsent(body, memberOf(top.members, 'data')) ? undefined : garbled();
  for (const name of ADDRESSES) {
    const member = memberOf(data, name);
    const address = member === undefined ? undefined : stringAt(body, member);
    if (address === undefined || address === '' || isGood(address)) continue;
    return callerRefusal(
      'upstreamProtocol',
      `Not connected: the answer names a ${name} that is not one to sign in at, and was not passed on. Ask the platform admins to look at the account's sign-in.`,
    );
  }
  return undefined;
}

/** `data` that is no object holds neither tokens nor addresses. */
function isAbsent(body: Buffer, data: JsonMember | undefined): boolean {
  return data === undefined || body[data.value.start] !== '{'.charCodeAt(0);
}

function garbled(): Refusal {
  return callerRefusal(
    'upstreamProtocol',
    'Not connected: the answer of Snowflake was cut or garbled, and was not passed on. Connect again.',
  );
}

function isAt(address: string, host: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  return /^https?:$/.test(url.protocol) && url.host === host && url.username === '';
}
