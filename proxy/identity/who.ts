/** Who a terminated session is: the principal that proved itself at login, never what the mapping makes of its user. */
import type { PrincipalResolution } from '#policies/identity.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import { serviceUserOf } from '#policies/control/service-users.js';
import { foldName } from '#policies/rules/glob.js';
import type { SessionState } from './sessions.js';
import type { SealedIdentity } from './tokens.js';

/**
 * The principal of a terminated session; undefined for a passthrough session, where the mapping decides. Unknown: the
 * principal is gone, or belongs to another team than the one whose service user the session runs as, so that what it
 * does would be another team's upstream.
 */
export function terminatedWho(
  snapshot: ControlSnapshot,
  identity: SealedIdentity,
  session: SessionState,
): PrincipalResolution | undefined {
  const { principalId } = identity;
  if (principalId === undefined && session.signIn !== 'terminated') return undefined;
  if (principalId !== session.principalId || session.signIn !== 'terminated')
    return { kind: 'unknown' };
  const account = snapshot.account(identity.account);
  const principal = snapshot.principal(principalId);
  const team = principal === undefined ? undefined : snapshot.team(principal.team);
  if (account === undefined || principal === undefined || team === undefined)
    return { kind: 'unknown' };
  if (principal.status === 'suspended') return { kind: 'suspended', principal };
  const isOfTeam = serviceUserOf(account, team.id) === foldName(session.snowflakeUser);
  return isOfTeam ? { kind: 'known', principal, team } : { kind: 'unknown' };
}
