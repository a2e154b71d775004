/** `POST /session/v1/login-request`: which account it is for, which way in it takes, and nothing of either way. */
import { Fault, tgLabel } from '#base/errors.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { bodyOf, readLogin } from './login-request.js';
import { loginPassthrough } from './passthrough-login.js';
import { loginTerminated } from './terminated-login.js';
import { wayOf } from './terminated-way.js';

/** Signs in by passthrough or terminated; refusals go to the client as replies of HTTP 200. */
export async function handleLogin(parts: Parts, call: Call): Promise<void> {
  const refuse = (refusal: Refusal): void => {
    parts.events.refused(tgLabel(refusal.code), '');
    sendRefusal(call.response, refusal, null);
  };
  const body = await bodyOf(parts, call);
  if ('code' in body) return refuse(body);
  const login = readLogin(body);
  if ('why' in login) {
    return refuse(
      callerRefusal(
        'requestMalformed',
        `Not connected: ${login.why}. A login is one JSON object in UTF-8 with an object "data", and each name once.`,
      ),
    );
  }
  const selected = parts.upstreams.select(call.request.headers.host, login.accountName);
  if (selected.kind === 'refused') return refuse(selected.refusal);
  const { upstream } = selected;
  const snapshot = parts.control.current();
  if (snapshot === undefined)
    throw new Fault('controlStale', 'no control snapshot has been loaded yet');
  const way = await wayOf(parts, snapshot, upstream, login);
  switch (way.kind) {
    case 'refused':
      return refuse(way.refusal);
    case 'passthrough':
      return loginPassthrough(parts, call, upstream, login);
    case 'terminated': {
      const refusal = await loginTerminated(parts, call, upstream, login, way.presented);
      if (refusal !== undefined) refuse(refusal);
    }
  }
}
