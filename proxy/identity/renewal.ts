/** `POST /session/token-request`: both tokens of the request are opened, both of the reply sealed, whichever way in. */
import { toError } from '#base/errors.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { applyEdits, memberOf, parseObject } from '../wire/json-edit.js';
import type { Edit } from '../wire/json-edit.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { headersForUpstream } from '../upstream/headers.js';
import {
  endOf,
  LOGIN_REPLY_BYTES_MAX,
  readTokens,
  relayReply,
  sendEdited,
  sessionIdAt,
  stringAt,
} from './login-reply.js';
import { unsafeReply } from './sign-in-addresses.js';
import { bodyOf } from './login-request.js';
import { endedSession, foreignToken, snowflakeToken, tokenOfAuthorization } from './tokens.js';
import type { SealedIdentity } from './tokens.js';

/** Both ask for a token of the same session. CLONE, which an old JDBC driver knows, would open one that nobody recorded. */
const TYPES: ReadonlySet<string> = new Set(['RENEW', 'ISSUE']);

/** Renews; a session that was closed or revoked is refused. Fault `upstreamUnreachable`. */
export async function handleRenewal(parts: Parts, call: Call): Promise<void> {
  const master = parts.sealer.open(
    tokenOfAuthorization(call.request.headers.authorization) ?? '',
    'master',
  );
  const body = await bodyOf(parts, call);
  if ('code' in body) return sendRefusal(call.response, body, null);
  const upstream = master === undefined ? undefined : parts.upstreams.get(master.account);
  if (master === undefined || upstream === undefined)
    return sendRefusal(call.response, foreignToken(), null);
  if (!parts.upstreams.agrees(call.request.headers.host, master.account))
    return sendRefusal(call.response, foreignToken(), null);
  const scan = parseObject(body.decoded);
  const old = scan.kind === 'object' ? memberOf(scan.members, 'oldSessionToken') : undefined;
  const oldToken =
    old === undefined ? undefined : parts.sealer.open(stringAt(body.decoded, old) ?? '', 'session');
  if (
    old === undefined ||
    oldToken === undefined ||
    oldToken.sessionId !== master.sessionId ||
    oldToken.account !== master.account
  ) {
    return sendRefusal(call.response, foreignToken(), null);
  }
  const kind = scan.kind === 'object' ? memberOf(scan.members, 'requestType') : undefined;
  if (kind !== undefined && !TYPES.has(stringAt(body.decoded, kind) ?? ''))
    return sendRefusal(call.response, unknownType(), null);
  if ((await parts.sessions.read(master))?.isEnded !== false)
    return sendRefusal(call.response, endedSession(), null);
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  const reply = await upstream.engine.exchange(
    {
      method: 'POST',
      path: call.target,
      headers: { ...headers, authorization: snowflakeToken(master.upstreamToken) },
      body: applyEdits(body.decoded, [
        { span: old.value, text: JSON.stringify(oldToken.upstreamToken) },
      ]),
    },
    LOGIN_REPLY_BYTES_MAX,
  );
  const unsafe = unsafeReply(upstream, reply);
  if (unsafe !== undefined) return sendRefusal(call.response, unsafe, null);
  const renewed = readTokens(reply, 'sessionToken');
  if (renewed === undefined) return relayReply(call, reply);
  const sessionId = memberOf(renewed.data, 'sessionId');
  const isSame =
    sessionId === undefined ||
    ['null', master.sessionId].includes(sessionIdAt(renewed.body, sessionId));
  if (!isSame) return sendRefusal(call.response, otherSession(), null);
  const seal = (kind: SealedIdentity['kind'], token: string, tokenEndsAtMs?: number): string =>
    parts.sealer.seal({ ...master, kind, upstreamToken: token, tokenEndsAtMs });
  const sealed = seal('session', renewed.token, endOf(renewed.validSeconds));
  const edits: Edit[] = [{ span: renewed.tokenSpan, text: JSON.stringify(sealed) }];
  if (renewed.masterSpan !== undefined) {
    const text = JSON.stringify(seal('master', renewed.masterToken));
    edits.push({ span: renewed.masterSpan, text });
  }
  // An issued token is one more, for less long; the session's own stays.
  if (kind === undefined || stringAt(body.decoded, kind) === 'RENEW')
    await keepToken(parts, master, sealed);
  return sendEdited(call, reply, renewed.body, edits);
}

/** The client has a right to its renewal, also when other replicas cannot be told of it. */
async function keepToken(parts: Parts, session: SealedIdentity, sealed: string): Promise<void> {
  try {
    await parts.sessions.renewed(session, sealed);
  } catch (thrown) {
    parts.log.warn(
      { err: toError(thrown) },
      'a renewed token could not be kept for other replicas',
    );
  }
}

function unknownType(): Refusal {
  return callerRefusal(
    'requestMalformed',
    'Not run: the requestType of a token request must be RENEW or ISSUE. Connect again for another session.',
  );
}

/** The new token would speak for a session that nobody here has recorded. */
function otherSession(): Refusal {
  return callerRefusal(
    'upstreamProtocol',
    'Not run: the answer of Snowflake is for another session, and was not passed on. Connect again.',
  );
}
