/** Forms of Snowflake that begin with a word and are replaced in the text that the parser is given. */
import { KIND } from '#base/sql/lexer.js';
import { ALL_COLUMNS, NO_COLUMN, partsOfText, writtenParts } from '../tree/ast.js';
import type { TokenList } from '../words/token-list.js';

/** Puts `text` in the place of the tokens at positions `[from, to)`; before the token at `from` where there are none. */
export type Replace = (from: number, to: number, text: string) => void;

type Form = (list: TokenList, at: number, replace: Replace) => void;

/** Words between which and a query only a bracket stands. */
export const QUERY_WORDS: ReadonlySet<string> = new Set(
  (
    'SELECT ALL DISTINCT AS AND OR NOT IN ANY SOME EXISTS WHEN THEN ELSE CASE BETWEEN LIKE ILIKE WHERE HAVING QUALIFY ' +
    'ON BY FROM JOIN INTO VALUES LIMIT UNION INTERSECT EXCEPT MINUS TABLE LATERAL USING SET NAME RETURN ARRAY'
  ).split(' '),
);
const LIKE_WORDS: ReadonlySet<string> = new Set(['LIKE', 'ILIKE', 'RLIKE', 'REGEXP']);
/** What NOT stands before that is no predicate of its own. */
const NEGATED: ReadonlySet<string> = new Set(
  'LIKE ILIKE RLIKE REGEXP IN BETWEEN EXISTS NULL DISTINCT MATCHED NOT'.split(' '),
);
/** Words that end a predicate. */
const AFTER_PREDICATE: ReadonlySet<string> = new Set(
  (
    'NOT AND OR THEN ELSE WHEN END GROUP ORDER HAVING QUALIFY LIMIT UNION EXCEPT INTERSECT MINUS AS IS BETWEEN IN ' +
    'FROM WHERE'
  ).split(' '),
);
/** Operators that end one. */
const ENDS: ReadonlySet<string> = new Set([',', ')', ']']);

/** The forms by their first word. */
export const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['INTO', intoVariables],
  ['IDENTIFIER', namedTable],
  ['TABLE', tableArgument],
  ['AT', travelOfMerge],
  ['BEFORE', travelOfMerge],
  ['SHOW', emptyMatches],
  ['OMIT', emptyMatches],
  ['UPDATE', updatesByName],
  ['INSERT', insertsByName],
  ['NOT', negation],
  ['DIRECTED', directed],
  ['CONNECT', connectBy],
  ['CONNECT_BY_ROOT', dropBeforeName],
  ['PRIOR', dropBeforeName],
  ['LATERAL', lateralCall],
  ['OVER', tableOver],
  ['UNPIVOT', unpivot],
  ['DATE', qualifier],
  ['TIMESTAMP', qualifier],
  ['INTERVAL', qualifier],
]);

/** Words after which IDENTIFIER names a table. */
const TABLE_LEADS: ReadonlySet<string> = new Set([
  'INTO',
  'OVERWRITE',
  'UPDATE',
  'FROM',
  'USING',
  'JOIN',
]);

/** `INTO IDENTIFIER(…)`, and the same after UPDATE, FROM, USING and JOIN, becomes the name it stands for. */
function namedTable(list: TokenList, at: number, replace: Replace): void {
  if (!list.is(at + 1, '(') || !TABLE_LEADS.has(list.word(at - 1))) return;
  const close = list.closeOf(at + 1);
  const text = close === at + 3 ? list.string(at + 2) : undefined;
  const parts = text === undefined ? undefined : partsOfText(text);
  replace(at, close + 1, writtenParts(parts));
}

/** `INTO TABLE(…)` names a target, `f(TABLE(SELECT …))` hands a query over, MERGE's `USING TABLE(…)` is a source. */
function tableArgument(list: TokenList, at: number, replace: Replace): void {
  if (!list.is(at + 1, '(')) return;
  const before = list.word(at - 1);
  const inner = list.word(at + 2);
  const close = list.closeOf(at + 1);
  if (before === 'INTO') namedTable(list, at, replace);
  else if (inner === 'SELECT' || inner === 'WITH') replace(at, at + 1, ' ');
  else if (before === 'USING' && list.word(0) === 'MERGE') {
    replace(at, at + 1, '(SELECT 1 FROM TABLE');
    replace(close, close + 1, '))');
  }
}

/** The parser knows no time travel of MERGE's source. */
function travelOfMerge(list: TokenList, at: number, replace: Replace): void {
  const isTravel = list.word(0) === 'MERGE' && list.is(at + 1, '(') && list.isName(at - 1);
  if (isTravel && list.word(list.firstPart(at - 1) - 1) === 'USING')
    replace(at, list.closeOf(at + 1) + 1, ' ');
}

/** `SHOW EMPTY MATCHES` and `OMIT EMPTY MATCHES` of MATCH_RECOGNIZE. */
function emptyMatches(list: TokenList, at: number, replace: Replace): void {
  if (list.word(at + 1) === 'EMPTY' && list.word(at + 2) === 'MATCHES') replace(at, at + 3, ' ');
}

/** `SELECT … INTO :x` keeps nothing of any table. */
function intoVariables(list: TokenList, at: number, replace: Replace): void {
  let end = at + 1;
  while (list.kind(end) === KIND.bind) {
    end += 1;
    if (!list.is(end, ',')) break;
    end += 1;
  }
  if (end > at + 1 && list.word(0) !== 'INSERT') replace(at, end, ' ');
}

/** MERGE's `UPDATE ALL BY NAME` touches every column of both tables. */
function updatesByName(list: TokenList, at: number, replace: Replace): void {
  if (list.word(at + 1) === 'ALL' && list.word(at + 2) === 'BY')
    replace(at, at + 4, `UPDATE SET ${ALL_COLUMNS} = ${ALL_COLUMNS}`);
}

/** MERGE's `INSERT ALL BY NAME`, likewise. */
function insertsByName(list: TokenList, at: number, replace: Replace): void {
  if (list.word(at + 1) === 'ALL' && list.word(at + 2) === 'BY')
    replace(at, at + 4, `INSERT (${ALL_COLUMNS}) VALUES (${ALL_COLUMNS})`);
}

/** `NOT x LIKE p` would come back as mere text: it is written `x NOT LIKE p`. */
function negation(list: TokenList, at: number, replace: Replace): void {
  if (NEGATED.has(list.word(at + 1))) return;
  // Brackets are passed whole: a negation in another would read the rest of the text again.
  for (let end = at + 1; end < list.length; end = list.past(end)) {
    const word = list.word(end);
    if (AFTER_PREDICATE.has(word) || ENDS.has(list.text(end))) return;
    if (!LIKE_WORDS.has(word)) continue;
    replace(at, at + 1, ' ');
    replace(end, end + 1, ` NOT ${word}`);
    return;
  }
}

function directed(list: TokenList, at: number, replace: Replace): void {
  if (list.word(at + 1) === 'JOIN') replace(at, at + 1, ' ');
}

/** Words that end the condition of CONNECT BY. */
const AFTER_CONNECT: ReadonlySet<string> = new Set(
  'START GROUP ORDER HAVING QUALIFY LIMIT FETCH OFFSET UNION EXCEPT INTERSECT MINUS'.split(' '),
);

/** The parser knows NOT in the condition of CONNECT BY in brackets only. */
function connectBy(list: TokenList, at: number, replace: Replace): void {
  if (list.word(at + 1) !== 'BY') return;
  const from = list.word(at + 2) === 'NOCYCLE' ? at + 3 : at + 2;
  let end = from;
  while (end < list.length && !list.is(end, ')') && !AFTER_CONNECT.has(list.word(end)))
    end = list.past(end);
  replace(from - 1, from, `${list.word(from - 1)} (`);
  replace(end, end, ') ');
}

/** CONNECT_BY_ROOT and PRIOR say from which row a column is, not which column. */
function dropBeforeName(list: TokenList, at: number, replace: Replace): void {
  if (list.isName(at + 1)) replace(at, at + 1, ' ');
}

/** A function of a schema after LATERAL is read inside TABLE only. */
function lateralCall(list: TokenList, at: number, replace: Replace): void {
  let end = at + 1;
  while (list.isName(end) && list.is(end + 1, '.')) end += 2;
  if (end === at + 1 || !list.is(end + 1, '(')) return;
  const close = list.closeOf(end + 1);
  replace(at, at + 1, 'TABLE(');
  replace(close, close + 1, '))');
}

/** `TABLE(f(a) OVER (PARTITION BY b ORDER BY c))` is read as `TABLE(f(a, b, c))`. */
function tableOver(list: TokenList, at: number, replace: Replace): void {
  const open = list.openOf(at - 1);
  if (open === undefined || !list.is(at + 1, '(')) return;
  const first = list.firstPart(open - 1);
  if (list.word(first - 2) !== 'TABLE' || !list.is(first - 1, '(')) return;
  const close = list.closeOf(at + 1);
  const isEmpty = list.is(at - 2, '(') || close === at + 2;
  replace(at - 1, at + 2, isEmpty ? ' ' : ', ');
  let isFirst = true;
  for (let inner = at + 2; inner < close; inner = list.past(inner)) {
    const word = list.word(inner);
    if (word === 'ASC' || word === 'DESC') replace(inner, inner + 1, ' ');
    if (list.word(inner + 1) !== 'BY') continue;
    replace(inner, inner + 2, isFirst ? ' ' : ', ');
    isFirst = false;
  }
}

/** Before a dot it is a table's alias, where the parser would read the start of a literal. */
function qualifier(list: TokenList, at: number, replace: Replace): void {
  if (list.is(at + 1, '.') && !list.is(at - 1, '.')) replace(at, at + 1, `"${list.word(at)}"`);
}

/** A name where it unpivots nothing; names given to the columns are dropped: `IN (a AS x, b y)`. */
function unpivot(list: TokenList, at: number, replace: Replace): void {
  const isName = !list.is(at + 1, '(') && list.word(at + 2) !== 'NULLS';
  if (isName && !list.is(at - 1, '.')) replace(at, at + 1, '"UNPIVOT"');
  const close = list.closeOf(at + 1);
  let inAt = at + 2;
  while (inAt < close && list.word(inAt) !== 'IN') inAt = list.past(inAt);
  if (inAt >= close) return;
  const end = list.closeOf(inAt + 1);
  for (let item = inAt + 2; item < end; item += 1) {
    const named = list.past(item);
    item = named;
    while (item < end && !list.is(item, ',')) item = list.past(item);
    if (item > named) replace(named, Math.min(item, end), ' ');
  }
}

/** DELETE has sources in the parser only as bare names; UPDATE has them in every form. */
export function deletesUsing(list: TokenList, replace: Replace): void {
  let depth = 0;
  for (let at = 1; at < list.length; at += 1) {
    if (list.is(at, '(')) depth += 1;
    else if (list.is(at, ')')) depth -= 1;
    else if (depth === 0 && list.word(at) === 'WHERE') return;
    else if (depth === 0 && list.word(at) === 'USING') {
      replace(0, list.word(1) === 'FROM' ? 2 : 1, 'UPDATE');
      replace(at, at + 1, `SET ${NO_COLUMN} = 1 FROM`);
      return;
    }
  }
}
