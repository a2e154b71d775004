/**
 * Whether a statement is addressed to Tollgate rather than to Snowflake. Runs before anything else on every
 * statement, so that a text without our words costs one search.
 */
import {
  isOperator,
  KIND,
  kindAt,
  lex,
  significantIndexes,
  startAt,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { nameAt, stringValueAt } from '#base/sql/token-values.js';
import { VIEW_NAMES } from './query.js';

export type Recognised =
  /** Asks for the price of `statementText`, which is not run, and has this many binds. */
  | { readonly kind: 'explain-cost'; readonly statementText: string; readonly bindCount: number }
  | { readonly kind: 'select'; readonly text: string }
  /** `ticketId` as written; null when it is a bind. */
  | { readonly kind: 'why'; readonly ticketId: string | null; readonly text: string }
  /** `CALL TOLLGATE.REQUEST…`: asks for a refused ticket. */
  | { readonly kind: 'request'; readonly text: string }
  | { readonly kind: 'none' };

const NONE: Recognised = { kind: 'none' };
/** Two searches, not one for both words: that one would begin anew at each EXPLAIN of a text that never says COST. */
const hasOurWords = (text: string): boolean =>
  /tollgate/i.test(text) || (/explain/i.test(text) && /cost/i.test(text));
const DRY_RUN = /^\/\*\s*tollgate:\s*dry-run\s*\*\/$/i;
const VIEWS: ReadonlySet<string> = new Set(VIEW_NAMES);
const PROCEDURES: ReadonlySet<string> = new Set(['REQUEST']);

/**
 * Reads `text`: `EXPLAIN COST …`, a leading `/* tollgate: dry-run *\/`, or a two-part name `TOLLGATE.<view>` or
 * `CALL TOLLGATE.REQUEST` anywhere outside strings and comments. Three-part names, on either side, belong to the caller's own objects.
 */
export function recognise(text: string): Recognised {
  if (!hasOurWords(text)) return NONE;
  const tokens = lex(text);
  const dryRun = dryRunStart(tokens);
  if (dryRun !== undefined) return explainCost(tokens, dryRun);
  const indexes = significantIndexes(tokens);
  const [first, second] = indexes;
  if (first === undefined) return NONE;
  if (
    second !== undefined &&
    wordAt(tokens, first) === 'EXPLAIN' &&
    wordAt(tokens, second) === 'COST'
  ) {
    return explainCost(tokens, startAt(tokens, second + 1));
  }
  return recogniseName(tokens, indexes);
}

function explainCost(tokens: Tokens, from: number): Recognised {
  let bindCount = 0;
  let highest = 0;
  for (let index = 0; index < tokens.count; index += 1) {
    if (kindAt(tokens, index) !== KIND.bind) continue;
    const text = textAt(tokens, index);
    if (text === '?') bindCount += 1;
    else highest = Math.max(highest, Number(/^:(\d{1,4})$/.exec(text)?.[1] ?? 0));
  }
  return {
    kind: 'explain-cost',
    statementText: tokens.text.slice(from).trim(),
    bindCount: Math.max(bindCount, highest),
  };
}

/** Offset after a dry-run comment that nothing but comments precedes. */
function dryRunStart(tokens: Tokens): number | undefined {
  for (let index = 0; index < tokens.count; index += 1) {
    const kind = kindAt(tokens, index);
    if (kind === KIND.comment && DRY_RUN.test(textAt(tokens, index)))
      return startAt(tokens, index + 1);
    if (kind !== KIND.comment && kind !== KIND.whitespace) return undefined;
  }
  return undefined;
}

function recogniseName(tokens: Tokens, indexes: readonly number[]): Recognised {
  for (let at = 0; at + 2 < indexes.length; at += 1) {
    if (isRequestCall(tokens, indexes, at)) return { kind: 'request', text: tokens.text };
    if (!isViewName(tokens, indexes, at)) continue;
    if (nameAt(tokens, indexes[at + 2] ?? 0) !== 'WHY')
      return { kind: 'select', text: tokens.text };
    if (!isOperator(tokens, indexes[at + 3] ?? -1, '(')) continue;
    const ticketId = stringValueAt(tokens, indexes[at + 4] ?? -1) ?? null;
    return { kind: 'why', ticketId, text: tokens.text };
  }
  return NONE;
}

/** Whether `TOLLGATE . <view>` begins at position `at` of `indexes` and is the whole name. */
export function isViewName(tokens: Tokens, indexes: readonly number[], at: number): boolean {
  return isName(tokens, indexes, at, VIEWS);
}

/** Whether `CALL TOLLGATE . REQUEST` begins at position `at` of `indexes` and holds the whole name. */
export function isRequestCall(tokens: Tokens, indexes: readonly number[], at: number): boolean {
  return (
    wordAt(tokens, indexes[at] ?? tokens.count) === 'CALL' &&
    isName(tokens, indexes, at + 1, PROCEDURES)
  );
}

function isName(
  tokens: Tokens,
  indexes: readonly number[],
  at: number,
  ours: ReadonlySet<string>,
): boolean {
  const name = (offset: number): string | undefined =>
    nameAt(tokens, indexes[at + offset] ?? tokens.count);
  const isDot = (offset: number): boolean =>
    isOperator(tokens, indexes[at + offset] ?? tokens.count, '.');
  return (
    name(0) === 'TOLLGATE' &&
    isDot(1) &&
    ours.has(name(2) ?? '') &&
    !isDot(3) &&
    (at === 0 || !isDot(-1))
  );
}
