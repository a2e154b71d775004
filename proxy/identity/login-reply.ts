/** What upstream answers to a login or renewal: its tokens found by offset, and replies that must not be passed on. */
import { z } from 'zod';
import { applyEdits, memberOf, parseObject, scanObject, textOf } from '../wire/json-edit.js';
import type { Edit, JsonMember } from '../wire/json-edit.js';
import { decodeBody } from '../wire/body.js';
import { headersForClient } from '../upstream/headers.js';
import type { UpstreamReply } from '../upstream/engine.js';
import type { Upstream } from '../upstream/upstreams.js';
import type { Call } from '../call.js';
import { sendSmall } from '../relay.js';
import { textField } from './login-request.js';
import type { LoginRequest } from './login-request.js';
import type { SessionContext, SessionState } from './sessions.js';
import { timeZoneName } from './time-zone-name.js';
import { snowflakeToken } from './tokens.js';
import type { SealedIdentity, TokenKind, TokenSealer } from './tokens.js';

export const LOGIN_REPLY_BYTES_MAX: number = 4 * 1024 * 1024;

/** A session that upstream has opened. */
export interface OpenedSession {
  readonly token: string;
  readonly masterToken: string;
  readonly sessionId: string;
  readonly role: string | null;
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
  /** AUTOCOMMIT as the reply tells it; null: it does not. */
  readonly isAutocommit: boolean | null;
  /** TIMEZONE, as the reply says that it is in force; null: it does not. */
  readonly timeZone: string | null;
}

export interface LoginReply {
  readonly session: OpenedSession;
  readonly body: Buffer;
  readonly tokenSpan: Edit['span'];
  readonly masterSpan: Edit['span'];
  readonly validSeconds: number | undefined;
  /** Of `displayUserName`, where there is one. */
  readonly displayNameSpan: Edit['span'] | undefined;
}

interface TokensRead {
  readonly body: Buffer;
  readonly data: readonly JsonMember[];
  readonly token: string;
  readonly tokenSpan: Edit['span'];
  readonly masterToken: string;
  readonly masterSpan: Edit['span'] | undefined;
  /** How long the first token lasts; undefined: the reply does not say. */
  readonly validSeconds: number | undefined;
}

/** The tokens of a successful reply, the first under `tokenKey`; undefined for any other reply. */
export function readTokens(reply: UpstreamReply, tokenKey: string): TokensRead | undefined {
  const body = decodedBody(reply);
  if (reply.status !== 200 || body === undefined) return undefined;
  const data = dataOf(body);
  if (data === undefined) return undefined;
  const token = memberOf(data, tokenKey);
  const master = memberOf(data, 'masterToken');
  const tokenText = token === undefined ? undefined : stringAt(body, token);
  if (token === undefined || tokenText === undefined) return undefined;
  const masterText = master === undefined ? undefined : stringAt(body, master);
  return {
    body,
    data,
    token: tokenText,
    tokenSpan: token.value,
    masterToken: masterText ?? '',
    masterSpan: masterText === undefined ? undefined : master?.value,
    validSeconds: secondsAt(body, memberOf(data, VALIDITY[tokenKey] ?? '')),
  };
}

/** Members that say how long a token lasts, by the member of the token. */
const VALIDITY: Readonly<Record<string, string>> = {
  token: 'validityInSeconds',
  sessionToken: 'validityInSecondsST',
};

function secondsAt(body: Buffer, member: JsonMember | undefined): number | undefined {
  const value: unknown = member === undefined ? undefined : JSON.parse(textOf(body, member.value));
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** The session of a successful login; undefined for any other reply. */
export function readLoginReply(reply: UpstreamReply): LoginReply | undefined {
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
    validSeconds: tokens.validSeconds,
    displayNameSpan: memberOf(tokens.data, 'displayUserName')?.value,
    session: {
      token: tokens.token,
      masterToken: tokens.masterToken,
      sessionId: sessionIdAt(tokens.body, sessionId),
      role: textField(session['roleName']),
      warehouse: textField(session['warehouseName']),
      database: textField(session['databaseName']),
      schema: textField(session['schemaName']),
      ...parametersOf(tokens.body, memberOf(tokens.data, 'parameters')),
    },
  };
}

const parameters = z.array(z.object({ name: z.string(), value: z.unknown() }));

function parametersOf(
  body: Buffer,
  member: JsonMember | undefined,
): Pick<OpenedSession, 'isAutocommit' | 'timeZone'> {
  const read = parameters.safeParse(
    member === undefined ? undefined : JSON.parse(textOf(body, member.value)),
  );
  const valueOf = (wanted: string): unknown =>
    read.data?.find(({ name }) => name === wanted)?.value;
  const autocommit = valueOf('AUTOCOMMIT');
  return {
    isAutocommit: typeof autocommit === 'boolean' ? autocommit : null,
    timeZone: timeZoneName(valueOf('TIMEZONE')),
  };
}

/** Code and message of a reply that says `success: false`; undefined for all others. */
export function failureOf(
  reply: UpstreamReply,
): { readonly code: string; readonly message: string } | undefined {
  const body = decodedBody(reply);
  if (reply.status !== 200 || body === undefined) return undefined;
  try {
    const { success, code, message } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    if (success !== false) return undefined;
    return { code: String(code), message: typeof message === 'string' ? message : '' };
  } catch {
    return undefined;
  }
}

/** What a session is when upstream has opened it, whichever way in it came. */
export function openedContext(
  session: OpenedSession,
  login: LoginRequest,
): SessionContext & Pick<SessionState, 'sessionId' | 'isEnded' | 'isAutocommit'> {
  return {
    sessionId: session.sessionId,
    role: session.role,
    warehouse: session.warehouse,
    database: session.database,
    schema: session.schema,
    queryTag: login.queryTag,
    statementTimeoutSeconds: login.statementTimeoutSeconds,
    timeZone: session.timeZone ?? login.timeZone,
    isEnded: false,
    ...(session.isAutocommit === null ? {} : { isAutocommit: session.isAutocommit }),
  };
}

/** The edits that put sealed tokens in place of upstream's. */
export function sealingEdits(
  opened: LoginReply,
  sealer: TokenSealer,
  identity: Omit<SealedIdentity, 'kind' | 'sessionId' | 'upstreamToken'>,
): readonly Edit[] {
  const { sessionId, token, masterToken } = opened.session;
  const seal = (kind: TokenKind, upstreamToken: string, tokenEndsAtMs?: number): string =>
    JSON.stringify(sealer.seal({ kind, sessionId, ...identity, upstreamToken, tokenEndsAtMs }));
  return [
    { span: opened.tokenSpan, text: seal('session', token, endOf(opened.validSeconds)) },
    { span: opened.masterSpan, text: seal('master', masterToken) },
  ];
}

/** When a token ends that was given just now. */
export function endOf(validSeconds: number | undefined): number | undefined {
  return validSeconds === undefined ? undefined : Date.now() + validSeconds * 1000;
}

/** Sends upstream's reply as it came. */
export function relayReply(call: Call, reply: UpstreamReply): void {
  sendSmall(call.response, {
    status: reply.status,
    headers: {
      ...headersForClient(reply.headers, false),
      'content-length': String(reply.body.length),
    },
    body: reply.body,
  });
}

/** Sends upstream's reply with another body. */
export function sendEdited(
  call: Call,
  reply: UpstreamReply,
  body: Buffer,
  edits: readonly Edit[],
): void {
  const edited = applyEdits(body, edits);
  sendSmall(call.response, {
    status: reply.status,
    headers: { ...headersForClient(reply.headers, true), 'content-length': String(edited.length) },
    body: edited,
  });
}

/** A session we do not admit is closed upstream at once; failing that it ends with its master token. */
export async function closeUpstream(upstream: Upstream, token: string): Promise<void> {
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
      LOGIN_REPLY_BYTES_MAX,
    );
  } catch {
    // The refusal is what matters to the client; Snowflake drops an idle session by itself.
  }
}

/** A session id in the text it came in: a JSON number of any size, or a string. */
export function sessionIdAt(body: Buffer, member: JsonMember): string {
  return textOf(body, member.value).replaceAll('"', '');
}

/** The text of a member; undefined when it is no string. */
export function stringAt(body: Buffer, member: JsonMember): string | undefined {
  const value: unknown = JSON.parse(textOf(body, member.value));
  return typeof value === 'string' ? value : undefined;
}

/** The body of a reply without its coding; undefined when it has one that we cannot read. */
export function decodedBody(reply: UpstreamReply): Buffer | undefined {
  const encoding = reply.headers['content-encoding'];
  const coding = typeof encoding === 'string' ? encoding : undefined;
  const decoded = decodeBody(reply.body, coding, LOGIN_REPLY_BYTES_MAX);
  return decoded.kind === 'decoded' ? decoded.bytes : undefined;
}

/** Members of `data`; undefined when there is no such object, or a name stands twice in it. */
export function dataOf(body: Buffer): readonly JsonMember[] | undefined {
  const top = parseObject(body);
  const member = top.kind === 'object' ? memberOf(top.members, 'data') : undefined;
  const data = member === undefined ? undefined : scanObject(body, member.value.start);
  return data?.kind === 'object' ? data.members : undefined;
}
