/**
 * Takes a claim out of what a client sends upstream beside the tag of a statement: the text of an ALTER SESSION, and
 * the session parameters of a login. Both end in the account's query history, or in the session's tag that it shows.
 */
import { KIND, kindAt, lex, significantIndexes, startAt, wordAt } from '#base/sql/lexer.js';
import { quoteText, stringValueAt } from '#base/sql/token-values.js';
import { CLAIM_MEMBER, withoutClaim } from '#policies/claim-tag.js';
import { applyEdits, memberOf, parseObject, scanObject, textOf } from '../wire/json-edit.js';
import type { JsonMember, JsonObjectScan } from '../wire/json-edit.js';

/** The text of an ALTER SESSION whose literals hold a claim, without it; undefined for every other text. */
export function alterSessionWithoutClaim(sqlText: string): string | undefined {
  if (!sqlText.includes(CLAIM_MEMBER) || !/\balter\b/i.test(sqlText)) return undefined;
  const tokens = lex(sqlText);
  const [first = 0, second = 0] = significantIndexes(tokens);
  if (wordAt(tokens, first) !== 'ALTER' || wordAt(tokens, second) !== 'SESSION') return undefined;
  let text = '';
  let from = 0;
  for (let index = 0; index < tokens.count; index += 1) {
    const kind = kindAt(tokens, index);
    const value =
      kind === KIND.string || kind === KIND.dollarString ? stringValueAt(tokens, index) : undefined;
    if (value === undefined) continue;
    const rest = withoutClaim(value);
    if (rest === value) continue;
    text += sqlText.slice(from, startAt(tokens, index)) + quoteText(rest ?? '');
    from = startAt(tokens, index + 1);
  }
  return from === 0 ? undefined : text + sqlText.slice(from);
}

/** The body of a login whose session tag holds a claim, without it; undefined for every other body. */
export function loginWithoutClaim(body: Buffer): Buffer | undefined {
  const top = parseObject(body);
  const data = inner(body, top, 'data');
  const tag = memberIn(inner(body, data, 'SESSION_PARAMETERS'), 'QUERY_TAG');
  const value: unknown = tag === undefined ? undefined : JSON.parse(textOf(body, tag.value));
  if (tag === undefined || typeof value !== 'string') return undefined;
  const rest = withoutClaim(value);
  if (rest === value) return undefined;
  return applyEdits(body, [{ span: tag.value, text: JSON.stringify(rest ?? '') }]);
}

function memberIn(scan: JsonObjectScan | undefined, name: string): JsonMember | undefined {
  return scan?.kind === 'object' ? memberOf(scan.members, name) : undefined;
}

function inner(
  body: Buffer,
  scan: JsonObjectScan | undefined,
  name: string,
): JsonObjectScan | undefined {
  const member = memberIn(scan, name);
  return member === undefined ? undefined : scanObject(body, member.value.start);
}
