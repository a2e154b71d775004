/**
 * Login with a bearer token, authenticator OAUTH: a JWT of an identity provider that a security integration of type
 * EXTERNAL_OAUTH trusts (Snowflake, "External OAuth overview" and "CREATE SECURITY INTEGRATION (External OAuth)").
 */
import { ACCOUNT } from '../statement/context.js';
import { isSignedBy, keyObject, parseWebToken } from './json-web-token.js';
import type { Claims } from './json-web-token.js';
import type { IntegrationRecord, UserRecord } from './user-records.js';
import type { Users } from './users.js';

const CLOCK_SKEW_SECONDS = 60;
/** Roles that a token of an identity provider never gives. */
const BLOCKED_ROLES: ReadonlySet<string> = new Set(['ACCOUNTADMIN', 'ORGADMIN', 'SECURITYADMIN']);
const ROLE_SCOPE = 'session:role:';
const ANY_ROLE_SCOPES: ReadonlySet<string> = new Set(['session:role-any', 'session:role:any']);

export type OauthLogin =
  | { readonly kind: 'user'; readonly user: UserRecord; readonly roles: readonly string[] }
  | { readonly kind: 'expired'; readonly userName: string }
  | { readonly kind: 'refused'; readonly errorCode: string; readonly userName: string };

/**
 * Checks a bearer token: known issuer, signature of one of its keys, audience, times (a minute of skew), a user.
 *
 * @param now real time in milliseconds.
 * @returns the user and the roles that the token's scopes leave to it, or why not.
 */
export function oauthLogin(
  users: Users,
  login: { readonly token: string; readonly loginName: string },
  now: number,
): OauthLogin {
  const refused = (errorCode: string, userName = login.loginName): OauthLogin => ({
    kind: 'refused',
    errorCode,
    userName,
  });
  const token = parseWebToken(login.token);
  if (token === undefined) return refused('OAUTH_ACCESS_TOKEN_INVALID');
  const integration = [...users.table.integrations.values()].find(
    (one) => one.isEnabled && one.issuer === token.claims.iss,
  );
  if (integration === undefined) return refused('EXTERNAL_OAUTH_INVALID_ISSUER');
  const isSigned = integration.keys.some((record) => {
    const key = keyObject(record.key);
    return key !== undefined && isSignedBy(token, key);
  });
  if (!isSigned) return refused('EXTERNAL_OAUTH_INVALID_SIGNATURE');
  if (!isForUs(integration, token.claims)) return refused('EXTERNAL_OAUTH_INVALID_AUDIENCE');
  const user = userOf(users, integration, token.claims);
  if (user === undefined) return refused('EXTERNAL_OAUTH_USER_NOT_FOUND');
  const seconds = now / 1000;
  const { exp, nbf, iat } = token.claims;
  if (exp === undefined || (nbf ?? iat ?? 0) > seconds + CLOCK_SKEW_SECONDS)
    return refused('OAUTH_ACCESS_TOKEN_INVALID', user.name);
  if (exp <= seconds) return { kind: 'expired', userName: user.name };
  if (login.loginName !== '' && users.byLogin(login.loginName) !== user)
    return refused('OAUTH_USERNAME_MISMATCH', user.name);
  return { kind: 'user', user, roles: rolesOf(users, user, integration, token.claims) };
}

/** The audience is one of the integration's list; without a list, the account's address. */
function isForUs(integration: IntegrationRecord, { aud }: Claims): boolean {
  const meant = typeof aud === 'string' ? [aud] : (aud ?? []);
  if (integration.audiences.length > 0)
    return meant.some((one) => integration.audiences.includes(one));
  const own = `https://${ACCOUNT.toLowerCase()}.snowflakecomputing.com`;
  return meant.some((one) => one.toLowerCase().replace(/\/$/, '') === own);
}

function userOf(
  users: Users,
  integration: IntegrationRecord,
  token: Claims,
): UserRecord | undefined {
  const value = integration.userClaims
    .map((claim) => token[claim])
    .find((one) => typeof one === 'string' && one !== '');
  if (typeof value !== 'string') return undefined;
  const wanted = value.toUpperCase();
  const found = users
    .list()
    .filter(
      (user) =>
        (integration.userAttribute === 'LOGIN_NAME' ? user.loginName : user.email).toUpperCase() ===
        wanted,
    );
  // An address that two users share names neither of them.
  return found.length === 1 ? found[0] : undefined;
}

function rolesOf(
  users: Users,
  user: UserRecord,
  integration: IntegrationRecord,
  token: Claims,
): readonly string[] {
  const claim = token[integration.scopeClaim];
  const scopes = (
    Array.isArray(claim) ? claim.map(String) : [typeof claim === 'string' ? claim : '']
  )
    .flatMap((text) => text.split(integration.scopeDelimiter))
    .flatMap((text) => text.split(/\s+/));
  const granted = users.availableRoles(user.name).filter((role) => !BLOCKED_ROLES.has(role));
  if (integration.anyRoleMode === 'ENABLE' && scopes.some((scope) => ANY_ROLE_SCOPES.has(scope)))
    return granted;
  const named = new Set(
    scopes
      .filter((scope) => scope.toLowerCase().startsWith(ROLE_SCOPE))
      .map((scope) => scope.slice(ROLE_SCOPE.length).toUpperCase()),
  );
  return granted.filter((role) => named.has(role.toUpperCase()));
}
