/**
 * Login in passthrough: the client's own credentials go to Snowflake as they came; what comes back is mapped to a
 * principal and its tokens are sealed. But for a signed claim in the session's tag, which stays here, everything else
 * in both bodies stays byte for byte.
 */
import { inForce } from '../control/in-force.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { headersForUpstream } from '../upstream/headers.js';
import type { Upstream } from '../upstream/upstreams.js';
import { loginWithoutClaim } from './claim-texts.js';
import {
  closeUpstream,
  LOGIN_REPLY_BYTES_MAX,
  openedContext,
  readLoginReply,
  relayReply,
  sealingEdits,
  sendEdited,
} from './login-reply.js';
import { unsafeReply } from './sign-in-addresses.js';
import type { OpenedSession } from './login-reply.js';
import type { LoginRequest } from './login-request.js';

/** Relays the login and admits the session that it opens. Fault `upstreamUnreachable`, `ledgerUnavailable`. */
export async function loginPassthrough(
  parts: Parts,
  call: Call,
  upstream: Upstream,
  login: LoginRequest,
): Promise<void> {
  const { authorization } = call.request.headers;
  const unclaimed = loginWithoutClaim(login.body.decoded);
  const headers = headersForUpstream(call.request.headers, upstream.host);
  if (unclaimed !== undefined) delete headers['content-encoding'];
  const reply = await upstream.engine.exchange(
    {
      method: 'POST',
      path: call.target,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      body: unclaimed ?? login.body.raw,
    },
    LOGIN_REPLY_BYTES_MAX,
  );
  const opened = readLoginReply(reply);
  const refusal =
    unsafeReply(upstream, reply) ??
    (opened === undefined
      ? undefined
      : await admitSession(parts, call, upstream, login, opened.session));
  if (refusal !== undefined) {
    if (opened !== undefined) await closeUpstream(upstream, opened.session.token);
    return sendRefusal(call.response, refusal, null);
  }
  if (opened === undefined) return relayReply(call, reply);
  parts.events.loggedIn(upstream.account);
  const edits = sealingEdits(opened, parts.sealer, {
    account: upstream.account,
    snowflakeUser: login.snowflakeUser,
    application: login.application,
  });
  return sendEdited(call, reply, opened.body, edits);
}

/** Maps the session that Snowflake opened and records it; a refusal when nobody here answers for it. */
async function admitSession(
  parts: Parts,
  call: Call,
  upstream: Upstream,
  login: LoginRequest,
  session: OpenedSession,
): Promise<Refusal | undefined> {
  const snapshot = inForce(parts.control.current());
  const who = snapshot.resolvePrincipal({
    account: upstream.account,
    snowflakeUser: login.snowflakeUser,
    role: session.role,
    address: parts.clientAddress(call.request),
  });
  if (who.kind === 'unknown' && login.snowflakeUser === '') {
    return callerRefusal(
      'principalUnknown',
      'Not connected: Snowflake accepted the sign-in, but it names no user (LOGIN_NAME), so no team can be found for it. Set the user in the driver as well.',
    );
  }
  if (who.kind === 'unknown') {
    return callerRefusal(
      'principalUnknown',
      `Not connected: Snowflake accepted the sign-in of ${login.snowflakeUser}, but no team answers for it. Ask the platform admins for a mapping rule.`,
    );
  }
  if (who.kind === 'suspended') {
    return callerRefusal(
      'principalSuspended',
      `Not connected: ${who.principal.id} is suspended. Ask ${who.principal.owner}.`,
    );
  }
  await parts.sessions.open({
    account: upstream.account,
    principalId: who.principal.id,
    snowflakeUser: login.snowflakeUser,
    ...openedContext(session, login),
  });
  return undefined;
}
