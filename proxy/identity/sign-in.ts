/** What a login and the question before it begin with: a body, the account that it is for, and which way in it takes. */
import { tgLabel } from '#base/errors.js';
import { inForce } from '../control/in-force.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import type { Upstream } from '../upstream/upstreams.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { bodyOf, readLogin } from './login-request.js';
import type { LoginRequest } from './login-request.js';
import { wayOf } from './terminated-way.js';
import type { Way } from './terminated-way.js';

export interface SignIn {
  readonly login: LoginRequest;
  readonly upstream: Upstream;
  readonly way: Exclude<Way, { kind: 'refused' }>;
}

/**
 * Reads the request of somebody who is not signed in. A refusal names what is wrong with the body, or says that the
 * account or the way in is none of ours. Fault `controlStale` before there is a snapshot, and those of `wayOf`.
 */
export async function readSignIn(parts: Parts, call: Call): Promise<SignIn | Refusal> {
  const body = await bodyOf(parts, call);
  if ('code' in body) return body;
  const login = readLogin(body);
  if ('why' in login) {
    return callerRefusal(
      'requestMalformed',
      `Not connected: ${login.why}. A login is one JSON object in UTF-8 with an object "data", and each name once.`,
    );
  }
  const selected = parts.upstreams.select(call.request.headers.host, login.accountName);
  if (selected.kind === 'refused') return selected.refusal;
  const { upstream } = selected;
  const snapshot = inForce(parts.control.current());
  const way = await wayOf(parts, snapshot, upstream, login);
  return way.kind === 'refused' ? way.refusal : { login, upstream, way };
}

/** Answers and counts a refusal; it reaches the client as a reply of HTTP 200. */
export function refuseSignIn(parts: Parts, call: Call, refusal: Refusal): void {
  parts.events.refused(tgLabel(refusal.code), '');
  sendRefusal(call.response, refusal, null);
}
