/** Which statements are sure to use no warehouse. Whatever is not on the lists here is not. */
import {
  isOperator,
  KIND,
  kindAt,
  significantIndexes,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';

const CHEAP_CALLS: ReadonlySet<string> = new Set(
  (
    'LAST_QUERY_ID LAST_TRANSACTION SYSTEM$TYPEOF SYSDATE GETDATE LOCALTIME LOCALTIMESTAMP GETVARIABLE ' +
    'INVOKER_ROLE INVOKER_SHARE IS_ROLE_IN_SESSION COALESCE NVL IFNULL IFF UPPER LOWER CONCAT LENGTH CAST TRY_CAST TO_DATE TO_TIMESTAMP ' +
    'TO_VARCHAR TO_CHAR TO_NUMBER DATEADD DATEDIFF DATE_TRUNC ABS ROUND RESULT_SCAN TABLE'
  ).split(' '),
);

/** Words before a bracket that call nothing. */
const PLAIN_WORDS: ReadonlySet<string> = new Set(
  (
    'SELECT SET AS IN AND OR NOT WHEN THEN ELSE CASE BETWEEN LIKE WHERE DISTINCT BY LIMIT VARCHAR CHAR NUMBER DECIMAL ' +
    'NUMERIC TIMESTAMP TIMESTAMP_NTZ TIMESTAMP_LTZ TIMESTAMP_TZ TIME'
  ).split(' '),
);

/** Words that bring rows from elsewhere, beside FROM. */
const SOURCE_WORDS: ReadonlySet<string> = new Set(
  'JOIN LATERAL VALUES IDENTIFIER WITH CONNECT UNION'.split(' '),
);

function isCheapCall(word: string): boolean {
  return (
    CHEAP_CALLS.has(word) || /^(?:CURRENT_[A-Z_]+|SYSTEM\$(?:CANCEL|ABORT)_[A-Z_]+)$/.test(word)
  );
}

/**
 * True when the statement only calls cheap built-in functions on literals and, if it has FROM, reads one earlier
 * result with `TABLE(RESULT_SCAN(…))`. Tables are not looked for: the caller knows whether there are any.
 */
export function callsOnlyCheap(tokens: Tokens, range: StatementRange): boolean {
  const indexes = significantIndexes(tokens, range.head, range.to);
  let froms = 0;
  let tables = 0;
  for (const [at, index] of indexes.entries()) {
    const kind = kindAt(tokens, index);
    if (kind === KIND.stage || kind === KIND.stray) return false;
    const isCalled = isOperator(tokens, indexes[at + 1] ?? range.to, '(');
    const isQualified = at > 0 && isOperator(tokens, indexes[at - 1] ?? 0, '.');
    if (kind === KIND.quotedIdentifier && isCalled) return false;
    const word = wordAt(tokens, index);
    if (word === '') continue;
    if (SOURCE_WORDS.has(word) || (isQualified && word === 'NEXTVAL')) return false;
    if (word === 'TABLE') tables += 1;
    if (word === 'FROM') {
      froms += 1;
      if (!isResultScan(tokens, indexes, at)) return false;
    }
    if (isCalled && !PLAIN_WORDS.has(word) && (isQualified || !isCheapCall(word))) return false;
  }
  return froms <= 1 && tables === froms;
}

function isResultScan(tokens: Tokens, indexes: readonly number[], fromAt: number): boolean {
  const word = (offset: number): string => wordAt(tokens, indexes[fromAt + offset] ?? tokens.count);
  return word(1) === 'TABLE' && word(3) === 'RESULT_SCAN';
}

/**
 * Whether a statement that {@link callsOnlyCheap} has no place where a table could stand, so that nothing has to be
 * parsed to know that it reads none.
 */
export function hasNoSource(tokens: Tokens, range: StatementRange): boolean {
  for (let at = range.head; at < range.to; at += 1) if (wordAt(tokens, at) === 'FROM') return false;
  return callsOnlyCheap(tokens, range);
}

const PLAIN_VALUES: ReadonlySet<string> = new Set(['NULL', 'TRUE', 'FALSE']);
const CONTEXT_WORD = /^(?:CURRENT_[A-Z_]+|LOCALTIME|LOCALTIMESTAMP|SYSDATE)$/;
/** Operators between values. */
const PLAIN_OPERATOR = /^(?:[(),+\-/%=<>]|\|\||<=|>=|<>|!=)$/;
/** Longest statement that is looked at: those that drivers and tools send to see whether somebody is there are short. */
const PLAIN_TOKENS_MAX = 64;

/**
 * Whether the statement is a SELECT of literals and cheap calls and nothing else: `SELECT 1`, `SELECT CURRENT_ROLE() AS
 * r`. Its facts are known without a parser, which may be busy, cold or gone.
 */
export function isPlainSelect(tokens: Tokens, range: StatementRange): boolean {
  if (range.to - range.head > PLAIN_TOKENS_MAX || wordAt(tokens, range.head) !== 'SELECT')
    return false;
  const indexes = significantIndexes(tokens, range.head, range.to);
  let depth = 0;
  for (let at = 1; at < indexes.length; at += 1) {
    const index = indexes[at] ?? 0;
    const text = textAt(tokens, index);
    if (isOperator(tokens, index, '(')) depth += 1;
    else if (isOperator(tokens, index, ')')) depth -= 1;
    if (depth < 0 || !isPlain(tokens, indexes, at, text)) return false;
  }
  return indexes.length > 1 && depth === 0 && callsOnlyCheap(tokens, range);
}

function isPlain(tokens: Tokens, indexes: readonly number[], at: number, text: string): boolean {
  const index = indexes[at] ?? 0;
  const kind = kindAt(tokens, index);
  if (kind === KIND.string || kind === KIND.number || kind === KIND.dollarString) return true;
  if (kind === KIND.bind) return true;
  if (kind === KIND.operator) return PLAIN_OPERATOR.test(text);
  const before = wordAt(tokens, indexes[at - 1] ?? 0);
  if (before === 'AS') return kind === KIND.word || kind === KIND.quotedIdentifier;
  const word = wordAt(tokens, index);
  if (word === 'AS') return at > 1;
  if (PLAIN_VALUES.has(word) || CONTEXT_WORD.test(word)) return true;
  // TABLE and RESULT_SCAN are sources.
  return (
    isCheapCall(word) &&
    !SOURCE_CALLS.has(word) &&
    isOperator(tokens, indexes[at + 1] ?? tokens.count, '(')
  );
}

const SOURCE_CALLS: ReadonlySet<string> = new Set(['TABLE', 'RESULT_SCAN']);
