/**
 * Words that Snowflake takes for names and the parser for keywords: a column `type` of MERGE, a table's alias `first`.
 * They are shown to the parser in quotes, in capitals, which is what they stand for.
 */
import type { TokenList } from '../words/token-list.js';
import { KIND } from '#base/sql/lexer.js';
import type { Replace } from './parser-forms.js';

/** What the parser takes for a keyword as a target of MERGE, or as an alias without AS; found by trying. */
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'ADD AFTER ALWAYS ANTI APPLY ASC ASOF AUTHORIZATION AUTOINCREMENT BEFORE BEGIN BERNOULLI BLOCK CACHE ' +
    'CASCADE CLUSTER COLLATE COLUMN COMMENT COMMIT CONNECT CONSTRAINT COPY CUBE CURRENT CYCLE DATABASE ' +
    'DATE DATETIME DECLARE DEFAULT DEFINE DESC DESCRIBE DISTRIBUTE DOMAIN END ENUM ESCAPE EXCLUDE EXECUTE ' +
    'FILTER FINAL FIRST FOLLOWING FOR FOREIGN FORMAT FULL FUNCTION GLOB GROUPS IDENTITY IF IGNORE ILIKE ' +
    'INCREMENT INDEX INPUT INTERVAL ISNULL KEEP KEY KILL LANGUAGE LAST LATERAL LIMIT LOAD LOCAL MATCH ' +
    'MATERIALIZED MEASURES MERGE NEXT NO NOCYCLE NOTNULL NULLS OF OFFSET ONLY OPERATOR ORDINALITY OTHERS ' +
    'OUTER OUTPUT OVER OVERLAPS OVERWRITE OWNED PARTITION PATTERN PERCENT PIVOT PLACING PRAGMA PRECEDING ' +
    'PREPARE PRIMARY PRIOR PROCEDURE RANGE RECURSIVE REFERENCES REFRESH RENAME REPLACE RESPECT RESTRICT ' +
    'RETURNING RETURNS ROLLBACK ROLLUP RUNNING SAMPLE SEMI SEPARATOR SEQUENCE SERDE SETTINGS SHOW SORT ' +
    'START STATEMENT SYSTEM TEMP TEMPORARY TIES TIME TIMESTAMP TOP TRANSACTION TRUNCATE TYPE UNBOUNDED ' +
    'UNCACHE UNPIVOT USE VALUES WAREHOUSE WINDOW WITHIN'
  ).split(' '),
);

/** Those that begin or end a clause where an alias could stand. */
const CLAUSES: ReadonlySet<string> = new Set(
  'FULL OUTER ASOF LATERAL USING VALUES SAMPLE OVER LIMIT OFFSET END ASC DESC SEMI ANTI PIVOT UNPIVOT PRIOR CONNECT'.split(
    ' ',
  ),
);
/** Words that a source follows. */
const SOURCE_LEADS: ReadonlySet<string> = new Set('FROM JOIN USING INTO UPDATE'.split(' '));
/** Words before the bracket of a source. */
const BRACKET_LEADS: ReadonlySet<string> = new Set(
  'FROM JOIN USING TABLE LATERAL VALUES'.split(' '),
);
/** Words that follow a source. */
const AFTER_SOURCE: ReadonlySet<string> = new Set(
  (
    'WHERE JOIN LEFT RIGHT INNER FULL CROSS NATURAL ASOF ON USING GROUP ORDER HAVING QUALIFY LIMIT UNION EXCEPT INTERSECT ' +
    'MINUS SET WHEN'
  ).split(' '),
);
/** What the parser takes for a keyword before a dot. */
const QUALIFIERS: ReadonlySet<string> = new Set(
  'DATE DATETIME INTERVAL LIMIT ONLY TIMESTAMP'.split(' '),
);
/** What it takes for one where a column stands. */
const COLUMNS: ReadonlySet<string> = new Set(
  'BINARY LIMIT TOP FORMAT SETTINGS INTERVAL'.split(' '),
);
const BEFORE_COLUMN: ReadonlySet<string> = new Set(
  'SELECT DISTINCT WHERE AND OR NOT BY ON WHEN THEN ELSE BETWEEN HAVING'.split(' '),
);
const AFTER_COLUMN: ReadonlySet<string> = new Set(
  'FROM AS IS IN BETWEEN LIKE ILIKE ASC DESC AND OR THEN ELSE END NOT'.split(' '),
);
/** What it takes for an operator after a value, where an alias stands. */
const COLUMN_ALIASES: ReadonlySet<string> = new Set(
  'GLOB MATCH OFFSET OPERATOR PERCENT'.split(' '),
);
const OPEN_BEFORE = /^(?:[(,+\-*/%=<>]|\|\||<=|>=|<>|!=)$/;
const OPEN_AFTER = /^(?:[),+\-*/%=<>]|\|\||<=|>=|<>|!=|::)$/;

/** Quotes the word at `at` where it is a name that the parser would not take for one. */
export function quoteKeyword(list: TokenList, at: number, replace: Replace): void {
  const word = list.word(at);
  const isName =
    (KEYWORDS.has(word) && (isMergeTarget(list, at) || isTableAlias(list, at, word))) ||
    (QUALIFIERS.has(word) && isQualifier(list, at)) ||
    (COLUMNS.has(word) && isColumn(list, at)) ||
    (COLUMN_ALIASES.has(word) && isColumnAlias(list, at));
  if (isName) replace(at, at + 1, `"${word}"`);
}

/** `SET a = …`, `SET t.a = …`, `t.a`, `INSERT (a, b)` of MERGE. */
function isMergeTarget(list: TokenList, at: number): boolean {
  if (list.word(0) !== 'MERGE') return false;
  if (list.is(at - 1, '.')) return !list.is(at + 1, '(');
  if (list.is(at + 1, '.')) return true;
  const isFirst = list.word(at - 1) === 'SET' || list.is(at - 1, ',');
  if (isFirst && list.is(at + 1, '=')) return true;
  const isItem = list.is(at - 1, '(') || list.is(at - 1, ',');
  return isItem && (list.is(at + 1, ',') || list.is(at + 1, ')')) && isInInsert(list, at);
}

/** Names of one INSERT are looked back over; a list of more is not Snowflake's. */
const LOOK_BACK_MAX = 4_000;

function isInInsert(list: TokenList, at: number): boolean {
  for (let back = at - 1; back > at - LOOK_BACK_MAX; back -= 1) {
    if (list.is(back, '(')) return list.word(back - 1) === 'INSERT';
    if (!list.is(back, ',') && !list.isName(back)) return false;
  }
  return false;
}

/** `FROM t first WHERE`, `JOIN (…) last ON`: an alias without AS. */
function isTableAlias(list: TokenList, at: number, word: string): boolean {
  if (CLAUSES.has(word)) return false;
  const isEnd = at + 1 >= list.length || list.is(at + 1, ')') || list.is(at + 1, ',');
  if (!isEnd && !AFTER_SOURCE.has(list.word(at + 1))) return false;
  if (list.isName(at - 1)) {
    const lead = list.firstPart(at - 1) - 1;
    // After a comma it is an alias of a source or of a column: either way a name.
    return SOURCE_LEADS.has(list.word(lead)) || list.is(lead, ',');
  }
  const open = list.openOf(at - 1);
  return open !== undefined && BRACKET_LEADS.has(list.word(open - 1));
}

function isQualifier(list: TokenList, at: number): boolean {
  if (!list.is(at + 1, '.') || list.is(at - 1, '.') || list.is(at - 1, '::')) return false;
  return list.isName(at + 2) || list.is(at + 2, '*');
}

function isColumn(list: TokenList, at: number): boolean {
  const isAfter = BEFORE_COLUMN.has(list.word(at - 1)) || OPEN_BEFORE.test(list.text(at - 1));
  const isBefore =
    at + 1 >= list.length ||
    AFTER_COLUMN.has(list.word(at + 1)) ||
    OPEN_AFTER.test(list.text(at + 1));
  return isAfter && isBefore;
}

function isColumnAlias(list: TokenList, at: number): boolean {
  const kind = list.kind(at - 1);
  const isValue =
    (kind === KIND.word && !BEFORE_COLUMN.has(list.word(at - 1))) ||
    kind === KIND.quotedIdentifier ||
    kind === KIND.number ||
    kind === KIND.string ||
    list.is(at - 1, ')');
  return isValue && (list.word(at + 1) === 'FROM' || list.is(at + 1, ','));
}
