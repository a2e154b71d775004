/**
 * Service users of the terminated sign-in: who signs in upstream for a team. One a team and none for two teams:
 * Snowflake authorises results by user, so a shared one would open what one team reads to the other.
 */
import type { AccountDocument } from './document.js';
import { type ControlProblem, formatPath } from './problem.js';
import { foldName } from '../rules/glob.js';

interface Entry {
  readonly path: readonly PropertyKey[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Upper-case Snowflake user of a team on an account; undefined when the document names none. */
export function serviceUserOf(account: AccountDocument, teamId: string): string | undefined {
  const found = (account.serviceUsers ?? []).find((each) => each.team === teamId);
  return found === undefined ? undefined : foldName(found.snowflakeUser);
}

/** What is wrong with the service users of raw account entries; empty: nothing. */
export function serviceUserProblems(
  accounts: readonly Entry[],
  teams: readonly Entry[],
): readonly ControlProblem[] {
  const known = new Set(teams.map((entry) => entry.fields['id']));
  return accounts.flatMap((account) => {
    const users = account.fields['serviceUsers'];
    if (!Array.isArray(users)) return [];
    const seen = new Map<string, string>();
    return users.flatMap((user: unknown, index) =>
      isRecord(user) ? problemsOf(user, [...account.path, 'serviceUsers', index], known, seen) : [],
    );
  });
}

function problemsOf(
  user: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  teams: ReadonlySet<unknown>,
  seen: Map<string, string>,
): readonly ControlProblem[] {
  const problems: ControlProblem[] = [];
  const { team, snowflakeUser } = user;
  if (typeof team === 'string' && !teams.has(team))
    problems.push({
      path: formatPath([...path, 'team']),
      rule: `"${team}" is no team of this document`,
      wayOut: 'add the team, or name one that exists',
    });
  for (const [field, value] of Object.entries({ team, snowflakeUser })) {
    if (typeof value !== 'string') continue;
    const key = `${field} ${foldName(value)}`;
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, formatPath([...path, field]));
    else
      problems.push({
        path: formatPath([...path, field]),
        rule: `"${value}" stands at ${earlier} already`,
        wayOut: 'give every team one Snowflake user of its own on an account',
      });
  }
  return problems;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
