/** Who stands behind what the audit log names: several tokens and sign-ins may be of one person. */

/** What tells one token or sign-in of a name from another: the id of an issued token, or that a provider vouched. */
const MEANS = / \((?:[0-9a-f]{16}|oidc)\)$/;

/**
 * Whether two actors are one person, who cannot be the second one of anything: the same actor, or tokens and sign-ins of one
 * name, whatever its case. A token says by its name whose it is (docs/api.md). null, the schedule, is nobody.
 */
export function isSamePerson(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && nameOf(one) === nameOf(other);
}

function nameOf(actor: string): string {
  return actor.replace(MEANS, '').trim().toLowerCase();
}
