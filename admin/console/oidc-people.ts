/**
 * Who somebody is that an identity provider vouches for: the groups of the id token are mapped to a role, and to a team
 * of the control document. Asked anew on each request, so that a team that is gone or a person who is suspended is out at once.
 */
import { z } from 'zod';
import type { GroupRole } from '#base/console-settings.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';
import type { Authentication } from '../authentication.js';

/** What is kept of an id token in the sealed cookie. */
export interface Person {
  /** As the audit log names it: `anna@example.com (oidc)`. */
  readonly id: string;
  /** The group by which the person was let in. */
  readonly group: string;
  readonly principal: string | null;
}

export const personSchema: z.ZodType<Person> = z.strictObject({
  id: z.string(),
  group: z.string(),
  principal: z.string().nullable(),
});

export interface ClaimNames {
  readonly groups: string;
  readonly principal: string;
}

export type PersonOutcome =
  /** `actor`: as the log of sign-ins names the person; what they may do is asked on each request. */
  | { readonly kind: 'person'; readonly person: Person; readonly actor: Actor }
  /** None of the groups has a role. */
  | { readonly kind: 'no-group' };

const GROUPS_READ_MAX = 5_000;

/** The person of an id token, by the first role whose group it names. */
export function personOf(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames,
  roles: readonly GroupRole[],
): PersonOutcome {
  const told = claims[names.groups];
  const list: readonly unknown[] = Array.isArray(told) ? told : [told];
  const groups = new Set(
    list.slice(0, GROUPS_READ_MAX).filter((each): each is string => typeof each === 'string'),
  );
  const role = roles.find(({ group }) => groups.has(group));
  if (role === undefined) return { kind: 'no-group' };
  const principal = textOf(claims[names.principal]);
  const name = textOf(claims['email']) ?? textOf(claims['preferred_username']) ?? claims['sub'];
  const person = { id: `${String(name).slice(0, 200)} (oidc)`, group: role.group, principal };
  const actor = { id: person.id, role: role.role, teamId: role.team, principalId: null };
  return { kind: 'person', person, actor };
}

function textOf(claim: unknown): string | null {
  return typeof claim === 'string' && claim !== '' ? claim.slice(0, 255) : null;
}

/**
 * What a person may do now. `unknown`: the group has no role any more; `withoutTeam`: the team is not in the document,
 * an analyst is no principal of it, or the principal is suspended.
 */
export function authenticatePerson(
  person: Person,
  roles: readonly GroupRole[],
  document: ControlDocument,
): Authentication {
  const role = roles.find(({ group }) => group === person.group);
  if (role === undefined) return { kind: 'unknown' };
  const { team } = role;
  const principal = document.principals.find(({ id }) => id === person.principal);
  const isOfTeam = principal !== undefined && principal.team === team;
  const own = isOfTeam ? principal.id : null;
  const actor: Actor =
    role.role === 'team-lead'
      ? { id: person.id, role: role.role, teamId: team, principalId: null, ownPrincipalId: own }
      : {
          id: person.id,
          role: role.role,
          teamId: team,
          principalId: role.role === 'analyst' ? (own ?? person.principal) : null,
        };
  const isTeamKnown = team === null || document.teams.some(({ id }) => id === team);
  const isActive = principal?.status !== 'suspended' && (role.role !== 'analyst' || isOfTeam);
  return { kind: isTeamKnown && isActive ? 'known' : 'withoutTeam', actor };
}
