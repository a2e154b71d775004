/**
 * Login by a credential of ours: it is checked here, and the session is opened upstream as the service user of the
 * principal's team, by a key-pair token that was made for this login. What else the client asked for (its name and
 * version, session parameters, role, warehouse, database, schema) goes upstream as it came.
 */
import { signKeyPairToken } from '#base/key-pairs.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { serviceUserOf } from '#policies/control/service-users.js';
import type { PrincipalDocument } from '#policies/control/document.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { inForce } from '../control/in-force.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { textOf } from '../wire/json-edit.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { UpstreamReply } from '../upstream/engine.js';
import { headersForUpstream } from '../upstream/headers.js';
import type { Upstream } from '../upstream/upstreams.js';
import { loginWithoutClaim } from './claim-texts.js';
import { checkPresented, signInRefusal } from './credentials-check.js';
import type { Presented } from './credentials-check.js';
import type { Credential } from './credentials.js';
import {
  closeUpstream,
  failureOf,
  LOGIN_REPLY_BYTES_MAX,
  openedContext,
  readLoginReply,
  relayReply,
  sealingEdits,
  sendEdited,
} from './login-reply.js';
import { unsafeReply } from './sign-in-addresses.js';
import type { LoginReply } from './login-reply.js';
import type { LoginRequest } from './login-request.js';
import type { ServiceUserNeed } from './terminated-service-keys.js';

/** Whom a credential of ours has proven, and as whom that principal runs upstream. */
export interface Admitted {
  readonly principal: PrincipalDocument;
  readonly credential: Credential;
  readonly need: ServiceUserNeed;
}

/**
 * Signs in, or tells why not; undefined: the client has its answer. Fault `ledgerUnavailable`, `upstreamUnreachable`,
 * and `internal` when the team's private key cannot be opened.
 */
export async function loginTerminated(
  parts: Parts,
  call: Call,
  upstream: Upstream,
  login: LoginRequest,
  presented: Presented,
): Promise<Refusal | undefined> {
  const snapshot = inForce(parts.control.current());
  const admitted = await admit(parts, call, snapshot, upstream, presented);
  if ('code' in admitted) return admitted;
  const reply = await signInUpstream(parts, call, upstream, login, admitted.need);
  if ('code' in reply) return reply;
  const opened = readLoginReply(reply);
  const unsafe = unsafeReply(upstream, reply);
  if (unsafe !== undefined) {
    if (opened !== undefined) await closeUpstream(upstream, opened.session.token);
    return unsafe;
  }
  if (opened === undefined) return notOpened(parts, call, admitted.need, reply);
  const { session } = opened;
  const isRecorded = await parts.sessions.open({
    account: upstream.account,
    principalId: admitted.principal.id,
    snowflakeUser: admitted.need.snowflakeUser,
    signIn: 'terminated',
    credentialId: admitted.credential.id,
    ...openedContext(session, login),
  });
  if (!isRecorded) {
    await closeUpstream(upstream, session.token);
    return signInRefusal(presented.kind, 'this credential was revoked');
  }
  parts.events.loggedIn(upstream.account);
  sendSealed(parts, call, reply, opened, { ...admitted, application: login.application });
  await parts.terminated.credentials.touch(admitted.credential.id, parts.clock.now());
  return undefined;
}

/** The checks of ours: account, credential, principal, service user. Fault `ledgerUnavailable`. */
export async function admit(
  parts: Parts,
  call: Call,
  snapshot: ControlSnapshot,
  upstream: Pick<Upstream, 'account'>,
  presented: Presented,
): Promise<Admitted | Refusal> {
  const { account } = upstream;
  const address = parts.clientAddress(call.request) ?? '';
  const { loginName } = presented;
  const checked = await checkPresented(parts, snapshot, presented, { account, loginName, address });
  if (checked.kind === 'refused') {
    parts.log.info({ account, kind: presented.kind, why: checked.why }, 'a sign-in was refused');
    return checked.refusal;
  }
  const { credential } = checked;
  const principal = snapshot.principal(credential.principalId);
  if (principal === undefined) {
    return callerRefusal(
      'principalUnknown',
      `Not connected: ${credential.principalId} is no principal of this Tollgate any more. Ask the platform admins.`,
    );
  }
  if (principal.status === 'suspended') {
    return callerRefusal(
      'principalSuspended',
      `Not connected: ${principal.id} is suspended. Ask ${principal.owner}.`,
    );
  }
  const document = snapshot.account(account);
  const snowflakeUser =
    document === undefined ? undefined : serviceUserOf(document, principal.team);
  if (snowflakeUser === undefined) {
    return callerRefusal(
      'principalUnknown',
      `Not connected: team ${principal.team} has no service user on account ${account}. Ask the platform admins to name one under serviceUsers of the account in the control document.`,
    );
  }
  return { principal, credential, need: { account, teamId: principal.team, snowflakeUser } };
}

/** Codes by which upstream says that it does not take the service user's key. */
export const KEY_REFUSED: RegExp = /^(?:390100|390144|3943\d\d)$/;
/** What must not reach a driver in answer to a login: it would renew or drop a session that it does not have. */
const NEVER_RELAYED: ReadonlySet<string> = new Set([
  WIRE_CODES.sessionTokenExpired,
  WIRE_CODES.masterTokenExpired,
]);

/** Upstream's reply to the login as the service user. One that refuses the key is tried once more with a new key where we may make one. */
async function signInUpstream(
  parts: Parts,
  call: Call,
  upstream: Upstream,
  login: LoginRequest,
  need: ServiceUserNeed,
): Promise<UpstreamReply | Refusal> {
  const { serviceKeys, provision, realNow } = parts.terminated;
  let isProvisioned = false;
  for (;;) {
    const key = await serviceKeys.active(need);
    if (key !== undefined) {
      const token = await signKeyPairToken(
        {
          account: upstream.snowflakeName,
          user: need.snowflakeUser,
          privateKey: key.privateKey,
          fingerprint: key.fingerprint,
        },
        realNow(),
      );
      const reply = await upstream.engine.exchange(
        requestAs(call, upstream, login, need.snowflakeUser, token),
        LOGIN_REPLY_BYTES_MAX,
      );
      const isRefused = KEY_REFUSED.test(failureOf(reply)?.code ?? '');
      if (!isRefused || isProvisioned) return reply;
    }
    if (isProvisioned || !(await provision(need))) {
      if (key === undefined) return noKey(need);
      return keyRefused(parts, need);
    }
    isProvisioned = true;
  }
}

/** Members of a login that say who somebody is, prove it or continue a proof: none of them is for the service user. */
const REPLACED: ReadonlySet<string> = new Set([
  'ACCOUNT_NAME',
  'LOGIN_NAME',
  'AUTHENTICATOR',
  'TOKEN',
  'PASSWORD',
  'PASSCODE',
  'EXT_AUTHN_DUO_METHOD',
  'PROOF_KEY',
  'RAW_SAML_RESPONSE',
  'PROVIDER',
  'OAUTH_TYPE',
  'SPCS_TOKEN',
  'BROWSER_MODE_REDIRECT_PORT',
]);

/**
 * The client's login with the service user in the place of the caller. Every other member of `data` keeps its own
 * bytes, whether we know it or not: upstream chooses features by them.
 */
function requestAs(
  call: Call,
  upstream: Upstream,
  login: LoginRequest,
  snowflakeUser: string,
  token: string,
): Parameters<Upstream['engine']['exchange']>[0] {
  const body = login.body.decoded;
  const kept = login.members
    .filter((member) => !REPLACED.has(member.key.toUpperCase()))
    .map((member) => `${JSON.stringify(member.key)}:${textOf(body, member.value)}`);
  const own = {
    ACCOUNT_NAME: upstream.snowflakeName,
    LOGIN_NAME: snowflakeUser,
    AUTHENTICATOR: 'SNOWFLAKE_JWT',
    TOKEN: token,
  };
  const added = Object.entries(own).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  const request = Buffer.from(`{"data":{${[...kept, ...added].join(',')}}}`);
  return {
    method: 'POST',
    path: call.target,
    headers,
    body: loginWithoutClaim(request) ?? request,
  };
}

/** Upstream opened no session: what the client can change is told in upstream's words, what it cannot in ours. */
function notOpened(
  parts: Parts,
  call: Call,
  need: ServiceUserNeed,
  reply: UpstreamReply,
): Refusal | undefined {
  const code = failureOf(reply)?.code ?? '';
  if (KEY_REFUSED.test(code)) return keyRefused(parts, need);
  if (NEVER_RELAYED.has(code) || reply.status >= 400)
    return callerRefusal(
      'upstreamProtocol',
      'Not connected: Snowflake did not open a session. Connect again in a minute.',
    );
  relayReply(call, reply);
  return undefined;
}

/** A team without a service key. */
export function noKey({ account, teamId }: ServiceUserNeed): Refusal {
  return callerRefusal(
    'upstreamUnreachable',
    `Not connected: team ${teamId} has no active service key on account ${account}. Ask the platform admins to make and activate one (POST /api/v1/accounts/${account}/service-keys).`,
  );
}

/** Upstream does not take a team's service key; the log says which. */
export function keyRefused(parts: Parts, need: ServiceUserNeed): Refusal {
  parts.log.error({ ...need }, 'upstream does not accept the service user of a team');
  return callerRefusal(
    'upstreamUnreachable',
    `Not connected: your sign-in is right, but Snowflake does not accept ${need.snowflakeUser}, the service user of team ${need.teamId}. Ask the platform admins to check its public key.`,
  );
}

function sendSealed(
  parts: Parts,
  call: Call,
  reply: UpstreamReply,
  opened: LoginReply,
  { principal, need, application }: Admitted & Pick<LoginRequest, 'application'>,
): void {
  const edits = sealingEdits(opened, parts.sealer, {
    account: need.account,
    snowflakeUser: need.snowflakeUser,
    principalId: principal.id,
    application,
  });
  const span = opened.displayNameSpan;
  const name = span === undefined ? [] : [{ span, text: JSON.stringify(principal.id) }];
  return sendEdited(call, reply, opened.body, [...edits, ...name]);
}
