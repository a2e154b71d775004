/** Requests that carry a credential of Snowflake in place of a session of ours. */
import type { IncomingHttpHeaders } from 'node:http';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';

/**
 * snowflake-connector-python can skip the login: every request then carries a programmatic access token and the id of a
 * session that something else has opened. Nobody here has seen that session, so nobody can tell whom it charges.
 *
 * @returns the refusal, in words that name the way that works; undefined for all other requests. The SQL API and OAuth
 *   carry such tokens by their own rules.
 */
export function withoutLogin(headers: IncomingHttpHeaders, path: string): Refusal | undefined {
  if (path.startsWith('/api/') || path.startsWith('/oauth/')) return undefined;
  const isBearer = /^Bearer /i.test(headers.authorization ?? '');
  if (!isBearer && headers['x-snowflake-external-session-id'] === undefined) return undefined;
  return callerRefusal(
    'unauthenticated',
    'Not run: the request carries an access token in place of a session (external session id), and which team such a session is of cannot be known here. Let the driver sign in with it: authenticator PROGRAMMATIC_ACCESS_TOKEN or OAUTH.',
  );
}
