/**
 * Who logs in: one function for all authenticators. Every refusal is one of Snowflake's codes, at HTTP 200 like all
 * of them; reasons that would help a stranger are kept for SYSTEM$GET_LOGIN_FAILURE_DETAILS.
 */
import { WIRE_CODES } from '#base/wire/codes.js';
import { looksLikeToken, tokenLogin } from './access-tokens.js';
import { keyPairLogin } from './key-pair-login.js';
import type { Lockout } from './lockout.js';
import type { LoginFailures } from './login-failures.js';
import { oauthLogin } from './oauth-login.js';
import type { PasswordCheck } from './passwords.js';
import type { UserRecord } from './user-records.js';
import type { Users } from './users.js';

/** What logins share. */
export interface LoginParts {
  readonly users: Users;
  readonly passwords: PasswordCheck;
  readonly lockout: Lockout;
  readonly failures: LoginFailures;
  /** Real time in milliseconds: credentials live in it. */
  readonly realNow: () => number;
}

/** What a login-request tells of its user. */
export interface Credentials {
  readonly authenticator: string;
  readonly account: string;
  readonly loginName: string;
  readonly password: string;
  readonly token: string;
  readonly clientAddress: string;
  readonly clientApp: string;
  readonly clientVersion: string;
  /** The token comes with every request, as in the SQL API: one of a key pair is good for all of its life, at most an hour. */
  readonly isBearer?: boolean;
}

export type Authenticated =
  | {
      readonly kind: 'user';
      readonly user: UserRecord;
      /** The only roles that the session may take; null = all of the user's. */
      readonly roleLimit: readonly string[] | null;
    }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

const LOCKED: Authenticated = {
  kind: 'refused',
  code: WIRE_CODES.incorrectLogin,
  message:
    'Your user account has been temporarily locked due to too many failed attempts. Try again after 1 minute or contact your account administrator for assistance.',
};

/** The user of a login, or the refusal: 390100, 390144, 390303, 390318, 394400, 390142 or 390190. */
export async function authenticate(
  parts: LoginParts,
  credentials: Credentials,
): Promise<Authenticated> {
  const answer = await byAuthenticator(parts, credentials);
  if (answer.kind === 'user' && answer.user.isDisabled)
    return refused(
      WIRE_CODES.incorrectLogin,
      'User access disabled. Contact your local system administrator.',
    );
  return answer;
}

function byAuthenticator(
  parts: LoginParts,
  credentials: Credentials,
): Promise<Authenticated> | Authenticated {
  switch (credentials.authenticator.toUpperCase()) {
    case '':
    case 'SNOWFLAKE':
    case 'USERNAME_PASSWORD_MFA':
      return withPassword(parts, credentials);
    case 'SNOWFLAKE_JWT':
      return withKeyPair(parts, credentials);
    case 'PROGRAMMATIC_ACCESS_TOKEN':
      return withAccessToken(parts, credentials, credentials.token || credentials.password);
    case 'OAUTH':
      return withOauth(parts, credentials);
    case 'EXTERNALBROWSER':
    case 'ID_TOKEN':
      return refused(
        '390190',
        'There was an error related to the SAML Identity Provider account parameter. This warehouse has no identity provider; log in with a password, a key pair, a programmatic access token or OAuth.',
      );
    default:
      return refused(
        '390142',
        `The authenticator ${credentials.authenticator.slice(0, 100)} is not supported by this warehouse; log in with a password, a key pair, a programmatic access token or OAuth.`,
      );
  }
}

async function withPassword(
  { users, passwords, lockout, realNow }: LoginParts,
  credentials: Credentials,
): Promise<Authenticated> {
  const { loginName, password } = credentials;
  if (looksLikeToken(password)) {
    const found = tokenLogin(users, { token: password, loginName }, realNow());
    if (found !== undefined) return tokenAnswer(found.user, found.token.roleRestriction);
  }
  const user = users.byLogin(loginName);
  // Users of type SERVICE have no password, even where a file gives them one.
  const record = user?.type === 'SERVICE' ? null : (user?.password ?? null);
  if (user !== undefined && passwords.isProven(record, password) && !lockout.isLocked(loginName))
    return { kind: 'user', user, roleLimit: null };
  const answer = await lockout.inTurn(loginName, async (): Promise<Authenticated> => {
    if (lockout.isLocked(loginName)) return LOCKED;
    if (!(await passwords.matches(record, password)) || user === undefined) {
      lockout.failed(loginName);
      return refused(WIRE_CODES.incorrectLogin, 'Incorrect username or password was specified.');
    }
    lockout.clear(loginName);
    return { kind: 'user', user, roleLimit: null };
  });
  return answer ?? LOCKED;
}

function withKeyPair(parts: LoginParts, credentials: Credentials): Authenticated {
  const answer = keyPairLogin(parts.users, credentials, parts.realNow());
  if (answer.kind === 'user') return { kind: 'user', user: answer.user, roleLimit: null };
  const id = note(parts, credentials, answer.errorCode, answer.userName);
  return refused('390144', `JWT token is invalid. [${id}]`);
}

function withAccessToken(
  { users, realNow }: LoginParts,
  { loginName }: Credentials,
  token: string,
): Authenticated {
  const found = tokenLogin(users, { token, loginName }, realNow());
  return found === undefined
    ? refused('394400', 'Programmatic access token is invalid.')
    : tokenAnswer(found.user, found.token.roleRestriction);
}

function withOauth(parts: LoginParts, credentials: Credentials): Authenticated {
  if (looksLikeToken(credentials.token))
    return withAccessToken(parts, credentials, credentials.token);
  const answer = oauthLogin(parts.users, credentials, parts.realNow());
  switch (answer.kind) {
    case 'user':
      return { kind: 'user', user: answer.user, roleLimit: answer.roles };
    case 'expired': {
      const id = note(parts, credentials, 'OAUTH_ACCESS_TOKEN_EXPIRED', answer.userName);
      return refused('390318', `OAuth access token expired. [${id}]`);
    }
    case 'refused': {
      const id = note(parts, credentials, answer.errorCode, answer.userName);
      return refused('390303', `Invalid OAuth access token. [${id}]`);
    }
  }
}

function note(
  parts: LoginParts,
  credentials: Credentials,
  errorCode: string,
  userName: string,
): string {
  return parts.failures.note({
    clientIP: credentials.clientAddress,
    clientType: credentials.clientApp.slice(0, 100),
    clientVersion: credentials.clientVersion.slice(0, 100),
    username: userName.slice(0, 256),
    errorCode,
    timestamp: Math.floor(parts.realNow() / 1000),
  });
}

function tokenAnswer(user: UserRecord, roleRestriction: string | null): Authenticated {
  return { kind: 'user', user, roleLimit: roleRestriction === null ? null : [roleRestriction] };
}

function refused(code: string, message: string): Authenticated {
  return { kind: 'refused', code, message };
}
