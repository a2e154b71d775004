/** Login with a key pair, authenticator SNOWFLAKE_JWT (Snowflake, "Key-pair authentication and key-pair rotation"). */
import { isSignedBy, keyObject, parseWebToken } from './json-web-token.js';
import type { WebToken } from './json-web-token.js';
import type { UserRecord } from './user-records.js';
import type { Users } from './users.js';

/** A token opens sessions for a minute after its issue; clocks may differ by as much. */
const ISSUE_WINDOW_SECONDS = 60;
/** Longest life that a token may claim. */
const LIFE_MAX_SECONDS = 3600;

/** The user, or the name of what is wrong, as SYSTEM$GET_LOGIN_FAILURE_DETAILS tells it. */
export type KeyPairLogin =
  | { readonly kind: 'user'; readonly user: UserRecord }
  | { readonly kind: 'refused'; readonly errorCode: string; readonly userName: string };

/**
 * Checks the token of a login.
 *
 * `iss` is `<account>.<user>.SHA256:<fingerprint>` and `sub` `<account>.<user>`, both in upper case; the account must
 * be the one that the login itself names, the fingerprint that of one of the user's two keys, and the signature made
 * with it.
 *
 * @param now real time in milliseconds.
 */
export function keyPairLogin(
  users: Users,
  login: {
    readonly token: string;
    readonly loginName: string;
    readonly account: string;
    /** See `Credentials.isBearer`. */
    readonly isBearer?: boolean;
  },
  now: number,
): KeyPairLogin {
  const refused = (errorCode: string, userName = login.loginName): KeyPairLogin => ({
    kind: 'refused',
    errorCode,
    userName,
  });
  const token = parseWebToken(login.token);
  if (token === undefined) return refused('JWT_TOKEN_INVALID');
  const named = namesOf(token);
  if (named === undefined) return refused('JWT_TOKEN_INVALID_ISSUER');
  const account = firstLabel(login.account);
  if (account !== '' && firstLabel(named.account) !== account)
    return refused('JWT_TOKEN_ACCOUNT_MISMATCH', named.user);
  const user = users.byLogin(named.user);
  if (user === undefined) return refused('JWT_TOKEN_INVALID_USER_IN_ISSUER', named.user);
  if (login.loginName !== '' && users.byLogin(login.loginName) !== user)
    return refused('JWT_TOKEN_INVALID_USER_IN_ISSUER', named.user);
  const record = [user.publicKey, user.publicKey2].find(
    (one) => one?.fingerprint === named.fingerprint,
  );
  if (record === undefined || record === null)
    return refused('JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH', user.name);
  const key = keyObject(record.key);
  if (key === undefined || !isSignedBy(token, key))
    return refused('JWT_TOKEN_INVALID_SIGNATURE', user.name);
  const window = login.isBearer === true ? LIFE_MAX_SECONDS : ISSUE_WINDOW_SECONDS;
  const late = timeFault(token, now / 1000, window);
  return late === undefined ? { kind: 'user', user } : refused(late, user.name);
}

function timeFault(
  { claims }: WebToken,
  now: number,
  issueWindowSeconds: number,
): string | undefined {
  const iat = secondsOf(claims.iat);
  const nbf = secondsOf(claims.nbf);
  const exp = secondsOf(claims.exp);
  if (iat === undefined || iat > now + ISSUE_WINDOW_SECONDS || now - iat > issueWindowSeconds)
    return 'JWT_TOKEN_INVALID_ISSUE_TIME';
  if (nbf !== undefined && nbf > now + ISSUE_WINDOW_SECONDS) return 'JWT_TOKEN_INVALID_ISSUE_TIME';
  if (exp === undefined || exp <= now || exp - iat > LIFE_MAX_SECONDS)
    return 'JWT_TOKEN_INVALID_EXPIRATION_TIME';
  return undefined;
}

/** The Node driver writes milliseconds where the standard has seconds: no token lives in the year 5138. */
function secondsOf(claim: number | undefined): number | undefined {
  return claim !== undefined && claim > 100_000_000_000 ? claim / 1000 : claim;
}

function namesOf(
  token: WebToken,
): { readonly account: string; readonly user: string; readonly fingerprint: string } | undefined {
  const { iss = '', sub } = token.claims;
  const at = iss.lastIndexOf('.SHA256:');
  const subject = iss.slice(0, Math.max(at, 0));
  const dot = subject.indexOf('.');
  if (dot < 1 || dot === subject.length - 1 || subject !== sub) return undefined;
  return {
    account: subject.slice(0, dot),
    user: subject.slice(dot + 1),
    fingerprint: iss.slice(at + 1),
  };
}

/** `demo.eu-west-1` and `DEMO` are the same account: drivers leave the region away, or not. */
function firstLabel(account: string): string {
  return (account.split('.')[0] ?? '').toUpperCase();
}
