/** `POST /session/token-request`: both tokens of the request are opened, both of the reply sealed, whichever way in. */
import { toError } from '#base/errors.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { applyEdits, memberOf, parseObject } from '../wire/json-edit.js';
import type { Edit } from '../wire/json-edit.js';
import { sendRefusal } from '../wire/refusal.js';
import { headersForUpstream } from '../upstream/headers.js';
import {
  LOGIN_REPLY_BYTES_MAX,
  readTokens,
  relayReply,
  sendEdited,
  stringAt,
  unsafeReply,
} from './login-reply.js';
import { bodyOf } from './login-request.js';
import { endedSession, foreignToken, snowflakeToken, tokenOfAuthorization } from './tokens.js';
import type { SealedIdentity } from './tokens.js';

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
  const seal = (kind: SealedIdentity['kind'], token: string): string =>
    parts.sealer.seal({ ...master, kind, upstreamToken: token });
  const sealed = seal('session', renewed.token);
  const edits: Edit[] = [{ span: renewed.tokenSpan, text: JSON.stringify(sealed) }];
  if (renewed.masterSpan !== undefined) {
    const text = JSON.stringify(seal('master', renewed.masterToken));
    edits.push({ span: renewed.masterSpan, text });
  }
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
