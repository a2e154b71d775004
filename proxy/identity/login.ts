/**
 * Login and renewal in passthrough: the client's own credentials go to Snowflake as they came; what comes back is
 * mapped to a principal and its tokens are sealed. But for a signed claim in the session's tag, which stays here,
 * everything else in both bodies is byte for byte.
 */
import { Fault } from '#base/errors.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { applyEdits, memberOf, parseObject, scanObject, textOf } from '../wire/json-edit.js';
import type { Edit, JsonMember } from '../wire/json-edit.js';
import { decodeBody, readBody } from '../wire/body.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { headersForClient, headersForUpstream } from '../upstream/headers.js';
import type { UpstreamReply } from '../upstream/engine.js';
import type { Upstream } from '../upstream/upstreams.js';
import { sendSmall } from '../relay.js';
import { loginWithoutClaim } from './claim-texts.js';
import { tokenOfAuthorization } from './tokens.js';
import type { SealedIdentity } from './tokens.js';

const LOGIN_BYTES_MAX = 4 * 1024 * 1024;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;

interface LoginReply {
  readonly token: string;
  readonly masterToken: string;
  readonly sessionId: string;
  readonly role: string | null;
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
}

/** `POST /session/v1/login-request`. */
export async function handleLogin(parts: Parts, call: Call): Promise<void> {
  const body = await bodyOf(parts, call);
  if ('code' in body) return sendRefusal(call.response, body, null);
  const login = readLogin(body.decoded);
  if ('why' in login) {
    return sendRefusal(
      call.response,
      callerRefusal(
        'requestMalformed',
        `Not connected: ${login.why}. A login is one JSON object in UTF-8 with an object "data", and each name once.`,
      ),
      null,
    );
  }
  const upstream = parts.upstreams.select(call.request.headers.host, login.accountName);
  if (upstream === undefined)
    return sendRefusal(call.response, unknownAccount(login.accountName), null);
  const unclaimed = loginWithoutClaim(body.decoded);
  const headers = headersForUpstream(call.request.headers, upstream.host);
  if (unclaimed !== undefined) delete headers['content-encoding'];
  const reply = await upstream.engine.exchange(
    {
      method: 'POST',
      path: call.target,
      headers: {
        ...headers,
        ...(call.request.headers.authorization === undefined
          ? {}
          : { authorization: call.request.headers.authorization }),
      },
      body: unclaimed ?? body.raw,
    },
    REPLY_BYTES_MAX,
  );
  const opened = readLoginReply(reply);
  if (opened === undefined) return relayReply(call, reply);
  const refusal = await admitSession(parts, call, upstream, login, opened.session);
  if (refusal !== undefined) {
    await closeUpstream(upstream, opened.session.token);
    return sendRefusal(call.response, refusal, null);
  }
  const identity = {
    account: upstream.account,
    sessionId: opened.session.sessionId,
    snowflakeUser: login.snowflakeUser,
    application: login.application,
  };
  const seal = (kind: SealedIdentity['kind'], token: string): string =>
    JSON.stringify(parts.sealer.seal({ kind, ...identity, upstreamToken: token }));
  const edits: Edit[] = [
    { span: opened.tokenSpan, text: seal('session', opened.session.token) },
    { span: opened.masterSpan, text: seal('master', opened.session.masterToken) },
  ];
  parts.events.loggedIn(upstream.account);
  return sendEdited(call, reply, applyEdits(opened.body, edits));
}

/** `POST /session/token-request`: both tokens of the request are opened, both of the reply sealed. */
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
  const scan = parseObject(body.decoded);
  const old = scan.kind === 'object' ? memberOf(scan.members, 'oldSessionToken') : undefined;
  const oldToken =
    old === undefined ? undefined : parts.sealer.open(stringAt(body.decoded, old) ?? '', 'session');
  if (old === undefined || oldToken === undefined || oldToken.sessionId !== master.sessionId) {
    return sendRefusal(call.response, foreignToken(), null);
  }
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
    REPLY_BYTES_MAX,
  );
  const renewed = readTokens(reply, 'sessionToken');
  if (renewed === undefined) return relayReply(call, reply);
  const seal = (kind: SealedIdentity['kind'], token: string): string =>
    JSON.stringify(parts.sealer.seal({ ...master, kind, upstreamToken: token }));
  const edits: Edit[] = [{ span: renewed.tokenSpan, text: seal('session', renewed.token) }];
  if (renewed.masterSpan !== undefined) {
    edits.push({ span: renewed.masterSpan, text: seal('master', renewed.masterToken) });
  }
  return sendEdited(call, reply, applyEdits(renewed.body, edits));
}

/** The Authorization header of a Snowflake token. */
export function snowflakeToken(token: string): string {
  return `Snowflake Token="${token}"`;
}

/** One answer for every token that is not ours, is altered, or is of the wrong kind. */
export function foreignToken(): Refusal {
  return callerRefusal(
    'unauthenticated',
    'Not run: this token was not issued by this Tollgate, or was altered. Connect again through this host.',
  );
}

interface Login {
  readonly accountName: string | undefined;
  readonly snowflakeUser: string;
  readonly queryTag: string | null;
  readonly statementTimeoutSeconds: number | null;
  /** What the client calls itself: a partner's name, else its driver's. */
  readonly application: string | undefined;
}

/** A name that stands twice is refused: upstream might sign in one user while we charge another. */
function readLogin(body: Buffer): Login | { readonly why: string } {
  const top = parseObject(body);
  if (top.kind === 'malformed') return top;
  const member = memberOf(top.members, 'data');
  if (member === undefined) return { why: 'it has no "data"' };
  const data = scanObject(body, member.value.start);
  if (data.kind === 'malformed') return { why: `in "data": ${data.why}` };
  const fields = JSON.parse(textOf(body, member.value)) as Record<string, unknown>;
  const session = (fields['SESSION_PARAMETERS'] ?? {}) as Record<string, unknown>;
  const timeout = Number(session['STATEMENT_TIMEOUT_IN_SECONDS']);
  return {
    accountName: textField(fields['ACCOUNT_NAME']) ?? undefined,
    snowflakeUser: (
      textField(fields['LOGIN_NAME']) ??
      subjectOfJwt(textField(fields['TOKEN'])) ??
      ''
    ).toUpperCase(),
    queryTag: textField(session['QUERY_TAG']),
    application: applicationOf(fields),
    statementTimeoutSeconds: Number.isSafeInteger(timeout) && timeout > 0 ? timeout : null,
  };
}

/** `CLIENT_ENVIRONMENT.APPLICATION`, which tools set (`AIRFLOW`), else the driver's `CLIENT_APP_ID`. */
function applicationOf(fields: Record<string, unknown>): string | undefined {
  const environment = (fields['CLIENT_ENVIRONMENT'] ?? {}) as Record<string, unknown>;
  const named = textField(environment['APPLICATION']) ?? textField(fields['CLIENT_APP_ID']);
  return named?.slice(0, 60);
}

/** The user of a key-pair token: `sub` is `<ACCOUNT>.<USER>`; upstream has verified it by the time it matters. */
function subjectOfJwt(token: string | null): string | undefined {
  const payload = token?.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
      sub?: unknown;
    };
    return typeof sub === 'string' ? sub.slice(sub.indexOf('.') + 1) : undefined;
  } catch {
    return undefined;
  }
}

function textField(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

interface TokensRead {
  readonly body: Buffer;
  readonly data: readonly JsonMember[];
  readonly token: string;
  readonly tokenSpan: Edit['span'];
  readonly masterToken: string;
  readonly masterSpan: Edit['span'] | undefined;
}

/** The tokens of a successful reply; undefined for any other reply, which is relayed as it is. */
function readTokens(reply: UpstreamReply, tokenKey: string): TokensRead | undefined {
  const encoding = reply.headers['content-encoding'];
  const decoded = decodeBody(
    reply.body,
    typeof encoding === 'string' ? encoding : undefined,
    REPLY_BYTES_MAX,
  );
  if (reply.status !== 200 || decoded.kind !== 'decoded') return undefined;
  const body = decoded.bytes;
  const top = parseObject(body);
  const dataMember = top.kind === 'object' ? memberOf(top.members, 'data') : undefined;
  const data = dataMember === undefined ? undefined : scanObject(body, dataMember.value.start);
  if (data === undefined || data.kind === 'malformed') return undefined;
  const token = memberOf(data.members, tokenKey);
  const master = memberOf(data.members, 'masterToken');
  const tokenText = token === undefined ? undefined : stringAt(body, token);
  if (token === undefined || tokenText === undefined) return undefined;
  const masterText = master === undefined ? undefined : stringAt(body, master);
  return {
    body,
    data: data.members,
    token: tokenText,
    tokenSpan: token.value,
    masterToken: masterText ?? '',
    masterSpan: masterText === undefined ? undefined : master?.value,
  };
}

interface LoginReplyRead {
  readonly session: LoginReply;
  readonly body: Buffer;
  readonly tokenSpan: Edit['span'];
  readonly masterSpan: Edit['span'];
}

function readLoginReply(reply: UpstreamReply): LoginReplyRead | undefined {
  const tokens = readTokens(reply, 'token');
  if (tokens === undefined || tokens.masterSpan === undefined) return undefined;
  const sessionId = memberOf(tokens.data, 'sessionId');
  const info = memberOf(tokens.data, 'sessionInfo');
  if (sessionId === undefined) return undefined;
  const session = (info === undefined ? {} : JSON.parse(textOf(tokens.body, info.value))) as Record<
    string,
    unknown
  >;
  return {
    body: tokens.body,
    tokenSpan: tokens.tokenSpan,
    masterSpan: tokens.masterSpan,
    session: {
      token: tokens.token,
      masterToken: tokens.masterToken,
      // The raw text: a session id may be a JSON number of any size, or a string.
      sessionId: textOf(tokens.body, sessionId.value).replaceAll('"', ''),
      role: textField(session['roleName']),
      warehouse: textField(session['warehouseName']),
      database: textField(session['databaseName']),
      schema: textField(session['schemaName']),
    },
  };
}

/** Maps the session that Snowflake opened and records it; a refusal when nobody here answers for it. */
async function admitSession(
  parts: Parts,
  call: Call,
  upstream: Upstream,
  login: Login,
  session: LoginReply,
): Promise<Refusal | undefined> {
  const snapshot = parts.control.current();
  if (snapshot === undefined)
    throw new Fault('controlStale', 'no control snapshot has been loaded yet');
  const who = snapshot.resolvePrincipal({
    account: upstream.account,
    snowflakeUser: login.snowflakeUser,
    role: session.role,
    address: parts.clientAddress(call.request),
  });
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
    sessionId: session.sessionId,
    principalId: who.principal.id,
    snowflakeUser: login.snowflakeUser,
    role: session.role,
    warehouse: session.warehouse,
    database: session.database,
    schema: session.schema,
    queryTag: login.queryTag,
    statementTimeoutSeconds: login.statementTimeoutSeconds,
    isEnded: false,
  });
  return undefined;
}

/** A session we do not admit is closed upstream at once; failing that it ends with its master token. */
async function closeUpstream(upstream: Upstream, token: string): Promise<void> {
  try {
    await upstream.engine.exchange(
      {
        method: 'POST',
        path: '/session?delete=true',
        headers: {
          host: upstream.host,
          authorization: snowflakeToken(token),
          'content-type': 'application/json',
        },
        body: Buffer.from('{}'),
      },
      REPLY_BYTES_MAX,
    );
  } catch {
    // The refusal is what matters to the client; Snowflake drops an idle session by itself.
  }
}

async function bodyOf(
  parts: Parts,
  call: Call,
): Promise<Refusal | { readonly raw: Buffer; readonly decoded: Buffer }> {
  const read = await readBody(call.request, LOGIN_BYTES_MAX, parts.limits.bodyTimeoutMs);
  if (read.kind === 'tooLarge') {
    return callerRefusal(
      'requestTooLarge',
      `Not run: the body is larger than ${read.bytesMax} bytes.`,
    );
  }
  if (read.kind !== 'body')
    return callerRefusal('requestMalformed', 'Not run: the body did not arrive whole.');
  const decoded = decodeBody(read.bytes, call.request.headers['content-encoding'], LOGIN_BYTES_MAX);
  if (decoded.kind === 'tooLarge') {
    return callerRefusal(
      'requestTooLarge',
      `Not run: the body inflates to more than ${decoded.bytesMax} bytes.`,
    );
  }
  if (decoded.kind === 'malformed')
    return callerRefusal('requestMalformed', `Not run: ${decoded.why}.`);
  return { raw: read.bytes, decoded: decoded.bytes };
}

function stringAt(body: Buffer, member: JsonMember): string | undefined {
  const value: unknown = JSON.parse(textOf(body, member.value));
  return typeof value === 'string' ? value : undefined;
}

function unknownAccount(accountName: string | undefined): Refusal {
  return callerRefusal(
    'accountUnknown',
    `Not connected: this Tollgate does not front a Snowflake account called "${(accountName ?? '').slice(0, 60)}". Check the driver's account setting.`,
  );
}

function relayReply(call: Call, reply: UpstreamReply): void {
  sendSmall(call.response, {
    status: reply.status,
    headers: {
      ...headersForClient(reply.headers, false),
      'content-length': String(reply.body.length),
    },
    body: reply.body,
  });
}

function sendEdited(call: Call, reply: UpstreamReply, body: Buffer): void {
  sendSmall(call.response, {
    status: reply.status,
    headers: { ...headersForClient(reply.headers, true), 'content-length': String(body.length) },
    body,
  });
}
