/**
 * Where a signed claim stands: as the member `tollgate_claim` of a query tag that is a JSON object. It is taken out
 * before the tag travels on, because everybody who may read the account's query history could use it again.
 */
import { membersOf, withoutMember } from './json-members.js';

/** Member of the query tag that holds the claim. */
export const CLAIM_MEMBER = 'tollgate_claim';
/** Longer tags are not read: Snowflake takes 2,000 characters, and escapes make a text longer. */
const TAG_LENGTH_MAX = 12_000;

export type ClaimInTag =
  | { readonly kind: 'absent' }
  | { readonly kind: 'named'; readonly token: string }
  /** The tag means to name somebody, but not as one text in one member of a JSON object. */
  | { readonly kind: 'malformed' };

/** The claim that a query tag carries, not verified. */
export function claimInTag(tag: string | null): ClaimInTag {
  if (tag === null || !mayHoldClaim(tag)) return { kind: 'absent' };
  const named = (readMembers(tag) ?? []).filter((member) => member.name === CLAIM_MEMBER);
  const [only] = named;
  if (only === undefined)
    return tag.includes(CLAIM_MEMBER) ? { kind: 'malformed' } : { kind: 'absent' };
  return named.length === 1 && typeof only.value === 'string'
    ? { kind: 'named', token: only.value }
    : { kind: 'malformed' };
}

/** The tag without its claim, all else as written. What hides a claim where it is not read goes as a whole: null. */
export function withoutClaim(tag: string | null): string | null {
  if (tag === null || !mayHoldClaim(tag)) return tag;
  const rest = tag.length > TAG_LENGTH_MAX ? undefined : withoutMember(tag, CLAIM_MEMBER);
  if (rest === undefined) return tag.includes(CLAIM_MEMBER) ? null : tag;
  return rest?.includes(CLAIM_MEMBER) === true ? null : rest;
}

function readMembers(tag: string): ReturnType<typeof membersOf> {
  return tag.length > TAG_LENGTH_MAX ? undefined : membersOf(tag);
}

/** A name may be written with escapes, so a backslash makes a tag worth reading. */
function mayHoldClaim(tag: string): boolean {
  return tag.includes(CLAIM_MEMBER) || tag.includes('\\u');
}
