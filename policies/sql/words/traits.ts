/**
 * What the words of a statement show: functions, stages, aggregation, windows, time travel, samples. Read from the
 * tokens in one pass, so that they are known where no parser understands the statement. What is in doubt counts.
 */
import { KIND, kindAt, textAt, type Tokens } from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { atOnce, STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import type { StatementHead } from '#base/sql/statement-class.js';
import { partsOfText, quotedWhereNeeded } from '../tree/ast.js';
import type { Traits } from '../facts.js';
import type { TokenList } from './token-list.js';

/** Words before a bracket that call nothing: clauses, operators, wrappers of names. */
const NO_CALLS: ReadonlySet<string> = new Set(
  (
    'SELECT ALL DISTINCT AS AND OR NOT IN ANY SOME EXISTS WHEN THEN ELSE CASE BETWEEN LIKE ILIKE RLIKE WHERE HAVING QUALIFY ON USING BY FROM JOIN INTO ' +
    'VALUES LIMIT TOP OFFSET FETCH OVER UNION INTERSECT EXCEPT MINUS TABLE IDENTIFIER LATERAL WITH SET AT BEFORE CHANGES END ' +
    'SAMPLE TABLESAMPLE BERNOULLI SYSTEM ROW BLOCK SEED REPEATABLE PIVOT UNPIVOT MATCH_RECOGNIZE MATCH_CONDITION MEASURES PATTERN DEFINE PARTITION ORDER GROUP ' +
    'SETS EXCLUDE REPLACE RENAME ILIKE INCLUDE RECURSIVE OVERWRITE FILE_FORMAT FILES CREDENTIALS ENCRYPTION COPY_OPTIONS ' +
    'KEY UNIQUE CHECK INDEX TAG CLUSTER DEFAULT COLUMNS IF ELSEIF WHILE FOR UNTIL RETURN DO LOOP IS TO WITHIN PROCEDURE IMMEDIATE EXCEPTION NULL NULLS PERMUTE MODIFY UNSET REFERENCES VECTOR INDEXES ROLLUP CUBE VIEW TEMPLATE ' +
    'PARAMETERS MERGE UPDATE DELETE INSERT TRUNCATE ASYNC LET ACCOUNTS ESCAPE COLLATE SEMANTIC_VIEW METRICS DIMENSIONS FACTS SUBSET TABLES RELATIONSHIPS SYNONYMS KEYS IDENTITY AUTOINCREMENT'
  ).split(' '),
);

/** Types that take arguments in brackets. */
const TYPES: ReadonlySet<string> = new Set(
  (
    'NUMBER DECIMAL DEC NUMERIC INT INTEGER BIGINT SMALLINT TINYINT BYTEINT FLOAT FLOAT4 FLOAT8 DOUBLE REAL DECFLOAT VARCHAR CHAR CHARACTER STRING TEXT NCHAR ' +
    'NVARCHAR NVARCHAR2 BINARY VARBINARY BOOLEAN DATE DATETIME TIME TIMESTAMP TIMESTAMP_NTZ TIMESTAMP_LTZ TIMESTAMP_TZ VARIANT OBJECT ARRAY MAP ' +
    'VECTOR GEOGRAPHY GEOMETRY VARYING'
  ).split(' '),
);

/** Types that are functions as well, unless they stand where a type does. */
const CONVERTING_TYPES: ReadonlySet<string> = new Set([
  'DATE',
  'TIME',
  'TIMESTAMP',
  'CHAR',
  'INSERT',
]);

/** Keywords that are functions where an expression stands. */
const KEYWORD_CALLS: ReadonlySet<string> = new Set([
  'TRUNCATE',
  'COLLATE',
  'INSERT',
  'REPLACE',
  'LIKE',
  'ILIKE',
  'RLIKE',
]);

const AGGREGATES: ReadonlySet<string> = new Set(
  (
    'ANY_VALUE AVG CORR COUNT COUNT_IF COVAR_POP COVAR_SAMP LISTAGG MAX MAX_BY MEDIAN MIN MIN_BY MODE PERCENTILE_CONT PERCENTILE_DISC STDDEV STDDEV_POP STDDEV_SAMP ' +
    'SUM VAR_POP VAR_SAMP VARIANCE VARIANCE_POP VARIANCE_SAMP BITAND_AGG BITOR_AGG BITXOR_AGG BOOLAND_AGG BOOLOR_AGG BOOLXOR_AGG HASH_AGG ARRAY_AGG OBJECT_AGG ' +
    'REGR_AVGX REGR_AVGY REGR_COUNT REGR_INTERCEPT REGR_R2 REGR_SLOPE REGR_SXX REGR_SXY REGR_SYY KURTOSIS SKEW ARRAY_UNION_AGG ARRAY_UNIQUE_AGG ' +
    'BITMAP_BIT_POSITION_AGG BITMAP_CONSTRUCT_AGG BITMAP_OR_AGG APPROX_COUNT_DISTINCT HLL HLL_ACCUMULATE HLL_COMBINE APPROXIMATE_JACCARD_INDEX APPROXIMATE_SIMILARITY ' +
    'MINHASH MINHASH_COMBINE APPROX_TOP_K APPROX_TOP_K_ACCUMULATE APPROX_TOP_K_COMBINE APPROX_PERCENTILE APPROX_PERCENTILE_ACCUMULATE APPROX_PERCENTILE_COMBINE ' +
    'GROUPING GROUPING_ID AI_AGG AI_SUMMARIZE_AGG VECTOR_SUM VECTOR_AVG VECTOR_MIN VECTOR_MAX ST_COLLECT ST_UNION_AGG ST_INTERSECTION_AGG SUM_INTERNAL DATASKETCHES_HLL'
  ).split(' '),
);

const TRAVEL_WORDS: ReadonlySet<string> = new Set(['AT', 'BEFORE', 'CHANGES']);
const TRAVEL_POINTS: ReadonlySet<string> = new Set([
  'TIMESTAMP',
  'OFFSET',
  'STATEMENT',
  'STREAM',
  'INFORMATION',
  'VERSION',
]);
const SAMPLE_WORDS: ReadonlySet<string> = new Set(['SAMPLE', 'TABLESAMPLE']);
const SAMPLE_METHODS: ReadonlySet<string> = new Set(['ROW', 'BERNOULLI', 'SYSTEM', 'BLOCK']);

const SCHEME_LENGTH_MAX = 24;
const LOCATION = /^(?:@|[a-z][a-z0-9+.-]*:\/\/)/i;

/** Whether a string in `range` names a stage or an address, which is a fact although strings are values. */
export function namesPlace(tokens: Tokens, range: StatementRange): boolean {
  if (!MAY_NAME_PLACE.test(tokens.text.slice(range.start, range.end))) return false;
  for (let at = range.head; at < range.to; at += 1) {
    if (kindAt(tokens, at) === KIND.string && isLocation(textAt(tokens, at))) return true;
  }
  return false;
}

/** No string of a statement without a match is a location. */
const MAY_NAME_PLACE = /'@|:\/\//;

function isLocation(string: string): boolean {
  return LOCATION.test(string.slice(1, SCHEME_LENGTH_MAX));
}

/** Definitions of code: what their bodies call is called by whoever calls them. */
const CODE: ReadonlySet<string> = new Set(['FUNCTION', 'PROCEDURE']);

/** Traits of a statement that shows none. */
export const NO_TRAITS: Traits = {
  functions: [],
  stages: [],
  hasAggregation: false,
  hasWindowFunction: false,
  hasTimeTravel: false,
  hasSample: false,
};

/** Traits, and whether the statement runs or calls something that its words do not show. */
export interface ShownTraits {
  readonly traits: Traits;
  readonly runsHiddenText: boolean;
}

/** Traits of the statement in `list`, whose head is `head`. Total, linear. */
export function traitsOf(list: TokenList, head: StatementHead): ShownTraits {
  return atOnce(traitSteps(list, head));
}

/** {@link traitsOf} in steps. */
export function* traitSteps(list: TokenList, head: StatementHead): Steps<ShownTraits> {
  yield* list.pairSteps();
  const scan = new TraitScan(list);
  while (scan.advance()) yield;
  const shown = scan.shown();
  const isCode = head.class === 'ddl' && CODE.has(head.object);
  return isCode
    ? { traits: { ...NO_TRAITS, stages: shown.traits.stages }, runsHiddenText: false }
    : shown;
}

class TraitScan {
  readonly #list: TokenList;
  /** Position that is read next. */
  #at = 0;
  readonly #functions = new Set<string>();
  readonly #stages = new Set<string>();
  /** Per open bracket, the function it belongs to; empty for any other bracket. */
  readonly #open: string[] = [];
  #called = '';
  /** A query has begun: before, AS and ON of a definition stand before expressions and names of tables. */
  #isInQuery = false;
  #hasAggregation = false;
  #hasWindowFunction = false;
  #hasTimeTravel = false;
  #hasSample = false;
  #hasHiddenCall = false;

  constructor(list: TokenList) {
    this.#list = list;
  }

  /** Reads on for a step; false at the end. */
  advance(): boolean {
    const { length } = this.#list;
    const to = Math.min(length, this.#at + STEP_TOKENS);
    for (; this.#at < to; this.#at += 1) this.#token(this.#at);
    return to < length;
  }

  /** What the words read so far show. */
  shown(): ShownTraits {
    const traits: Traits = {
      functions: [...this.#functions].toSorted(),
      stages: [...this.#stages],
      hasAggregation: this.#hasAggregation,
      hasWindowFunction: this.#hasWindowFunction,
      hasTimeTravel: this.#hasTimeTravel,
      hasSample: this.#hasSample,
    };
    // TO_QUERY makes a query of a text.
    return { traits, runsHiddenText: this.#hasHiddenCall || this.#functions.has('TO_QUERY') };
  }

  #token(at: number): void {
    const list = this.#list;
    const kind = list.kind(at);
    if (kind === KIND.word || kind === KIND.quotedIdentifier) this.#word(at, list.word(at));
    else if (kind === KIND.string) this.#location(at);
    else if (kind === KIND.stage || kind === KIND.fileUrl) this.#stages.add(list.text(at));
    else if (kind === KIND.operator) {
      const code = list.code(at);
      if (code === 40) {
        this.#open.push(this.#called);
        this.#called = '';
      } else if (code === 41) this.#close(at);
    }
  }

  /** Most strings are no location: only those that begin like one are unescaped. */
  #location(at: number): void {
    const text = this.#list.text(at);
    if (isLocation(text)) this.#stages.add(this.#list.string(at) ?? '');
  }

  #word(at: number, word: string): void {
    const list = this.#list;
    const isBeforeBracket = list.code(at + 1) === 40;
    if (word === 'SELECT') this.#isInQuery = true;
    if (word === 'GROUP' && list.word(at + 1) === 'BY') this.#hasAggregation = true;
    else if (SAMPLE_WORDS.has(word))
      this.#hasSample ||= isBeforeBracket || SAMPLE_METHODS.has(list.word(at + 1));
    else if (isBeforeBracket && TRAVEL_WORDS.has(word))
      this.#hasTimeTravel ||= TRAVEL_POINTS.has(list.word(at + 2));
    if (isBeforeBracket) this.#call(at, word);
  }

  #call(at: number, word: string): void {
    const list = this.#list;
    // `t.a (+)` marks the outer side of a join.
    if (list.is(at + 2, '+') && list.is(at + 3, ')')) return;
    if (word === 'IDENTIFIER') this.#identifierCall(at);
    // `model!METHOD(…)` is a call of the model's.
    const isMethod = list.is(at - 1, '!');
    const first = list.firstPart(isMethod ? at - 2 : at);
    const isPlain = first === at;
    if (isPlain ? !this.#isCall(at, word) : this.#isTarget(first)) return;
    let name = '';
    for (let part = first; part <= at; part += 1)
      name +=
        part === at || list.isName(part)
          ? quotedWhereNeeded(list.name(part) ?? '')
          : list.text(part);
    this.#functions.add(name);
    this.#called = name;
  }

  /** `IDENTIFIER('f')(x)` calls F, `IDENTIFIER($f)(x)` what only the session knows. */
  #identifierCall(at: number): void {
    const close = this.#list.closeOf(at + 1);
    if (!this.#list.is(close + 1, '(') || DEFINED_AFTER.has(this.#list.word(at - 1))) return;
    const parts = partsOfText(this.#list.string(at + 2) ?? '');
    if (parts === undefined || close !== at + 3) this.#hasHiddenCall = true;
    else this.#functions.add(parts.map(quotedWhereNeeded).join('.'));
  }

  #isCall(at: number, word: string): boolean {
    if (this.#isTarget(at)) return false;
    if (word === '') return !this.#isListOfNames(at);
    if (KEYWORD_CALLS.has(word)) return this.#isExpressionStart(at) && !this.#isInsertBranch(at);
    if (NO_CALLS.has(word)) return false;
    if (TYPES.has(word)) return CONVERTING_TYPES.has(word) && this.#isExpressionStart(at);
    return !this.#isListOfNames(at);
  }

  /** Names whose columns follow in brackets: `INTO t (a)`, `TABLE t (a int)`, `ON t (a)` of an index. */
  #isTarget(at: number): boolean {
    const previous = this.#list.word(at - 1);
    if (previous === 'EXISTS') return /^(?:NOT|IF)$/.test(this.#list.word(at - 2));
    if (previous === 'ON' && !this.#isInQuery) return this.#list.word(0) !== 'MERGE';
    return TARGET_LEADS.has(previous);
  }

  /** `THEN INSERT (a) VALUES (1)` of MERGE. */
  #isInsertBranch(at: number): boolean {
    return this.#list.word(this.#list.closeOf(at + 1) + 1) === 'VALUES';
  }

  /** `WITH x (a) AS (…)`, `AS x (a, b)`: names for columns. */
  #isListOfNames(at: number): boolean {
    const list = this.#list;
    const previous = list.word(at - 1);
    if (previous === 'AS') return this.#isInQuery || !DEFINING.has(list.word(0));
    if (previous === 'WITH' || previous === 'RECURSIVE') return true;
    if (!list.is(at - 1, ',')) return false;
    const close = list.closeOf(at + 1);
    return list.word(close + 1) === 'AS' && list.is(close + 2, '(');
  }

  /** Whether an expression may begin at `at`: a type stands after `::`, AS and a column name instead. */
  #isExpressionStart(at: number): boolean {
    const kind = this.#list.kind(at - 1);
    if (kind === KIND.word) return EXPRESSION_LEADS.has(this.#list.word(at - 1));
    return kind === KIND.operator && !/^(?:::|[)\]*;])/.test(this.#list.text(at - 1));
  }

  #close(at: number): void {
    const called = this.#open.pop() ?? '';
    if (this.#isWindow(at + 1)) this.#hasWindowFunction = true;
    else if (AGGREGATES.has(called)) this.#hasAggregation = true;
  }

  /** OVER after a call, its WITHIN GROUP or its treatment of NULLs. */
  #isWindow(from: number): boolean {
    const list = this.#list;
    let at = from;
    if (list.word(at) === 'WITHIN' && list.is(at + 2, '(')) at = list.closeOf(at + 2) + 1;
    if (list.word(at) === 'FROM') at += 2;
    const word = list.word(at);
    if ((word === 'IGNORE' || word === 'RESPECT') && list.word(at + 1) === 'NULLS') at += 2;
    return list.word(at) === 'OVER';
  }
}

/** Words after which a name is defined or written. */
const DEFINED_AFTER: ReadonlySet<string> = new Set('INTO TABLE VIEW FUNCTION PROCEDURE'.split(' '));

const DEFINING: ReadonlySet<string> = new Set(['CREATE', 'DEFINE', 'ALTER']);

/** Words before a name that is defined or written, not called. */
const TARGET_LEADS: ReadonlySet<string> = new Set('INTO TABLE VIEW REFERENCES INDEX'.split(' '));
const EXPRESSION_LEADS: ReadonlySet<string> = new Set(
  'SELECT DISTINCT ALL WHERE AND OR NOT WHEN THEN ELSE CASE BETWEEN BY ON HAVING QUALIFY LIKE IN SET RETURN DEFAULT USING VALUES'.split(
    ' ',
  ),
);

/** System functions that act on sessions, tasks and the account instead of telling something. */
const STEERING_CALLS =
  /^SYSTEM\$(?:CANCEL|ABORT|TASK|USER_TASK|GLOBAL_ACCOUNT_SET|SET_|UNSET_|ENABLE_|DISABLE_|REVOKE|GRANT|FINISH_|START_|STOP_|PIPE_FORCE|REGISTER_|UNREGISTER_|LINK_|UNLINK_|CONVERT_|MIGRATE_|COMMIT_|ADD_|REMOVE_|DELETE_|CREATE_|DROP_|CLEANUP|TRIGGER)/;

/** Whether one of the functions acts on sessions, tasks or the account. */
export function isSteering(functions: readonly string[]): boolean {
  return functions.some((name) => STEERING_CALLS.test(name));
}
