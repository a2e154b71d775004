/**
 * Break-glass: in an emergency, named principals and roles pass budgets and rules, with a reason, for a while. It is
 * asked for by a leading comment, or by the member `tollgate_break_glass` of a query tag that is a JSON object.
 */
import { parseCredits, type Credits } from '#base/units.js';
import type { ControlDocument } from './control/document.js';
import type { BreakGlassDocument } from './control/guard-documents.js';
import { membersOf } from './json-members.js';
import { foldName } from './rules/glob.js';

/** Member of the query tag that holds the reason. */
export const BREAK_GLASS_MEMBER = 'tollgate_break_glass';
export const BREAK_GLASS_REASON_MAX = 500;
const TAG_LENGTH_MAX = 12_000;
const LEADING = /^\s*\/\*\s*tollgate:\s*break-glass\b((?:[^*]|\*(?!\/)){0,2000})\*\//i;

/** The reason given; empty where it is asked for without one; null: it is not asked for. */
export function breakGlassReason(sqlText: string, tag: string | null): string | null {
  const comment = LEADING.exec(sqlText)?.[1];
  if (comment !== undefined) return cleaned(comment);
  if (tag === null || tag.length > TAG_LENGTH_MAX || !tag.includes(BREAK_GLASS_MEMBER)) return null;
  const member = (membersOf(tag) ?? []).find(({ name }) => name === BREAK_GLASS_MEMBER);
  if (member === undefined) return null;
  return typeof member.value === 'string' ? cleaned(member.value) : '';
}

/** One line of printable characters. */
function cleaned(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
    .slice(0, BREAK_GLASS_REASON_MAX);
}

export interface BreakGlassWay {
  readonly id: string;
  readonly minutes: number;
  readonly ceilingCredits: Credits;
}

/** The first way that the caller may use; undefined: none. */
export function breakGlassWay(
  { breakGlass = [] }: Pick<ControlDocument, 'breakGlass'>,
  caller: { readonly principalId: string; readonly role: string | null },
): BreakGlassWay | undefined {
  const found = breakGlass.find((way) => isOpenTo(way, caller));
  return found === undefined
    ? undefined
    : {
        id: found.id,
        minutes: found.minutes,
        ceilingCredits: parseCredits(found.ceilingCredits),
      };
}

function isOpenTo(
  { principals = [], roles = [] }: BreakGlassDocument,
  { principalId, role }: { readonly principalId: string; readonly role: string | null },
): boolean {
  return (
    principals.includes(principalId) ||
    (role !== null && roles.some((each) => foldName(each) === foldName(role)))
  );
}
