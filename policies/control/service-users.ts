import { foldName } from '../rules/glob.js';
import type { AccountDocument } from './document.js';

/**
 * Upper-case Snowflake user by which a team's terminated sign-ins run on an account; undefined when the document names
 * none. One a team and none for two teams: Snowflake authorises results by user, so a shared one would open what one
 * team reads to the other.
 */
export function serviceUserOf(account: AccountDocument, teamId: string): string | undefined {
  const found = (account.serviceUsers ?? []).find((each) => each.team === teamId);
  return found === undefined ? undefined : foldName(found.snowflakeUser);
}
