/** What a login asks for, read from the client's own bytes. */
import { parseObject, memberOf, scanObject, textOf } from '../wire/json-edit.js';
import type { JsonMember } from '../wire/json-edit.js';
import { decodeBody, readBody } from '../wire/body.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { timeZoneName } from './time-zone-name.js';

/** Of some kilobytes, or a hundred with a SAML assertion in it; nobody has signed in yet, and it is read at once. */
const LOGIN_BYTES_MAX = 256 * 1024;

export interface Body {
  readonly raw: Buffer;
  readonly decoded: Buffer;
}

/** The body of a login or renewal, inflated under the cap; a refusal when it cannot be had. */
export async function bodyOf(parts: Parts, call: Call): Promise<Refusal | Body> {
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

export interface LoginRequest {
  readonly body: Body;
  /** Members of `data`, with offsets into the decoded body. */
  readonly members: readonly JsonMember[];
  /** `data`, parsed. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accountName: string | undefined;
  /** `LOGIN_NAME` as it came; empty when absent. */
  readonly loginName: string;
  /** Upper case; empty when absent, which means a password. */
  readonly authenticator: string;
  readonly password: string | null;
  readonly token: string | null;
  /** Who signs in as far as the request tells, upper case: `LOGIN_NAME`, else the subject of the key-pair token. */
  readonly snowflakeUser: string;
  readonly queryTag: string | null;
  /** What the client calls itself: a partner's name, else its driver's. */
  readonly application: string | undefined;
  readonly statementTimeoutSeconds: number | null;
  /** TIMEZONE that it sets; null: none. */
  readonly timeZone: string | null;
}

/** What of a request may hold a credential; requests of the SQL API present theirs in the same terms. */
export type Presentable = Pick<
  LoginRequest,
  'fields' | 'loginName' | 'authenticator' | 'password' | 'token'
>;

/** A name that stands twice is refused: upstream might sign in one user while we charge another. */
export function readLogin(body: Body): LoginRequest | { readonly why: string } {
  const { decoded } = body;
  const top = parseObject(decoded);
  if (top.kind === 'malformed') return top;
  const member = memberOf(top.members, 'data');
  if (member === undefined) return { why: 'it has no "data"' };
  const data = scanObject(decoded, member.value.start);
  if (data.kind === 'malformed') return { why: `in "data": ${data.why}` };
  const fields = JSON.parse(textOf(decoded, member.value)) as Record<string, unknown>;
  const session = (fields['SESSION_PARAMETERS'] ?? {}) as Record<string, unknown>;
  const timeout = Number(session['STATEMENT_TIMEOUT_IN_SECONDS']);
  const loginName = textField(fields['LOGIN_NAME']) ?? '';
  const token = textField(fields['TOKEN']);
  return {
    body,
    members: data.members,
    fields,
    accountName: textField(fields['ACCOUNT_NAME']) ?? undefined,
    loginName,
    authenticator: (textField(fields['AUTHENTICATOR']) ?? '').toUpperCase(),
    password: textField(fields['PASSWORD']),
    token,
    snowflakeUser: (loginName === '' ? (subjectOfJwt(token) ?? '') : loginName).toUpperCase(),
    queryTag: textField(session['QUERY_TAG']),
    application: applicationOf(fields),
    statementTimeoutSeconds: Number.isSafeInteger(timeout) && timeout > 0 ? timeout : null,
    timeZone: timeZoneName(session['TIMEZONE']),
  };
}

/** `CLIENT_ENVIRONMENT.APPLICATION`, which tools set (`AIRFLOW`), else the driver's `CLIENT_APP_ID`. */
function applicationOf(fields: Readonly<Record<string, unknown>>): string | undefined {
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

/** A text that is not empty, or null. */
export function textField(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
