/**
 * What the words of a statement show: functions, stages, aggregation, windows, time travel, samples. Read from the
 * tokens in one pass, so that they are known where no parser understands the statement. What is in doubt counts.
 */
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
import { nameAt, stringValueAt } from '#base/sql/token-values.js';
import type { Traits } from './facts.js';

/** Words before a bracket that call nothing: clauses, operators, wrappers of names. */
const NO_CALLS: ReadonlySet<string> = new Set(
  (
    'SELECT ALL DISTINCT AS AND OR NOT IN ANY SOME EXISTS WHEN THEN ELSE CASE BETWEEN LIKE ILIKE RLIKE WHERE HAVING QUALIFY ON USING BY FROM JOIN INTO ' +
    'VALUES LIMIT TOP OFFSET FETCH OVER UNION INTERSECT EXCEPT MINUS TABLE IDENTIFIER LATERAL WITH SET AT BEFORE CHANGES END ' +
    'SAMPLE TABLESAMPLE BERNOULLI SYSTEM ROW BLOCK SEED REPEATABLE PIVOT UNPIVOT MATCH_RECOGNIZE MATCH_CONDITION MEASURES PATTERN DEFINE PARTITION ORDER GROUP ' +
    'SETS EXCLUDE REPLACE RENAME ILIKE INCLUDE RECURSIVE OVERWRITE FILE_FORMAT FILES CREDENTIALS ENCRYPTION COPY_OPTIONS ' +
    'KEY UNIQUE CHECK INDEX TAG CLUSTER DEFAULT COLUMNS IF ELSEIF WHILE FOR UNTIL RETURN DO LOOP IS TO IN_ WITHIN GROUPING VIEW TEMPLATE DIRECTORY ' +
    'PARAMETERS MERGE UPDATE DELETE INSERT TRUNCATE ASYNC LET ACCOUNTS ESCAPE COLLATE LINEAR SEMANTIC_VIEW METRICS DIMENSIONS FACTS SUBSET TRIGGER'
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
const KEYWORD_CALLS: ReadonlySet<string> = new Set(['INSERT', 'REPLACE', 'LIKE', 'ILIKE', 'RLIKE']);

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

const LOCATION = /^(?:@|[a-z][a-z0-9+.-]*:\/\/)/i;

/** Traits of the statement in `range`. Total, linear. */
export function traitsOf(tokens: Tokens, range: StatementRange): Traits {
  return new TraitScan(tokens, significantIndexes(tokens, range.head, range.to)).run();
}

class TraitScan {
  readonly #tokens: Tokens;
  readonly #indexes: readonly number[];
  readonly #functions = new Set<string>();
  readonly #stages: string[] = [];
  /** Per open bracket, the function it belongs to; empty for any other bracket. */
  readonly #open: string[] = [];
  #called = '';
  #hasAggregation = false;
  #hasWindowFunction = false;
  #hasTimeTravel = false;
  #hasSample = false;

  constructor(tokens: Tokens, indexes: readonly number[]) {
    this.#tokens = tokens;
    this.#indexes = indexes;
  }

  run(): Traits {
    for (let at = 0; at < this.#indexes.length; at += 1) this.#token(at, this.#indexes[at] ?? 0);
    return {
      functions: [...this.#functions].toSorted(),
      stages: this.#stages,
      hasAggregation: this.#hasAggregation,
      hasWindowFunction: this.#hasWindowFunction,
      hasTimeTravel: this.#hasTimeTravel,
      hasSample: this.#hasSample,
    };
  }

  #token(at: number, index: number): void {
    switch (kindAt(this.#tokens, index)) {
      case KIND.stage:
      case KIND.fileUrl:
        this.#stages.push(textAt(this.#tokens, index));
        return;
      case KIND.string: {
        // Most strings are no location: only those that begin like one are unescaped.
        const start = (this.#tokens.starts[index] ?? 0) + 1;
        if (!LOCATION.test(this.#tokens.text.slice(start, start + 24))) return;
        const value = stringValueAt(this.#tokens, index) ?? '';
        if (LOCATION.test(value)) this.#stages.push(value);
        return;
      }
      case KIND.operator:
        if (isOperator(this.#tokens, index, '(')) {
          this.#open.push(this.#called);
          this.#called = '';
        } else if (isOperator(this.#tokens, index, ')')) this.#close(at);
        return;
      case KIND.word:
      case KIND.quotedIdentifier:
        this.#word(at, index);
        return;
      default:
    }
  }

  #word(at: number, index: number): void {
    const word = wordAt(this.#tokens, index);
    if (word === 'GROUP' && this.#wordAt(at + 1) === 'BY') this.#hasAggregation = true;
    else if (SAMPLE_WORDS.has(word))
      this.#hasSample ||= this.#isBracket(at + 1) || SAMPLE_METHODS.has(this.#wordAt(at + 1));
    else if (TRAVEL_WORDS.has(word) && this.#isBracket(at + 1))
      this.#hasTimeTravel ||= TRAVEL_POINTS.has(this.#wordAt(at + 2));
    if (this.#isBracket(at + 1)) this.#call(at, index, word);
  }

  #call(at: number, index: number, word: string): void {
    const parts = this.#qualified(at, nameAt(this.#tokens, index) ?? '');
    if (parts.length === 1 && !this.#isCall(at, word)) return;
    if (parts.length > 1 && this.#isTarget(at - 2 * (parts.length - 1))) return;
    const name = parts.join('.');
    this.#functions.add(name);
    this.#called = name;
  }

  /** The dotted name that ends at `at`, first part first. */
  #qualified(at: number, last: string): readonly string[] {
    const parts = [last];
    let dot = at - 1;
    while (parts.length < 4 && this.#isDot(dot)) {
      const name = nameAt(this.#tokens, this.#indexes[dot - 1] ?? this.#tokens.count);
      if (name === undefined) break;
      parts.unshift(name);
      dot -= 2;
    }
    return parts;
  }

  #isDot(at: number): boolean {
    return at > 0 && isOperator(this.#tokens, this.#indexes[at] ?? this.#tokens.count, '.');
  }

  #isCall(at: number, word: string): boolean {
    const previous = this.#wordAt(at - 1);
    if (this.#isTarget(at)) return false;
    // A quoted name before a bracket is a function, unless it names what WITH, AS or a definition lists columns of.
    if (word === '') return previous !== 'WITH' && previous !== 'AS' && !this.#isListOfNames(at);
    if (KEYWORD_CALLS.has(word)) return this.#isExpressionStart(at);
    if (NO_CALLS.has(word)) return false;
    if (TYPES.has(word)) return CONVERTING_TYPES.has(word) && this.#isExpressionStart(at);
    return !this.#isListOfNames(at);
  }

  /** Tables whose columns follow in brackets: `INTO t (a)`, `TABLE t (a int)`, `VIEW v (a)`. */
  #isTarget(at: number): boolean {
    const previous = this.#wordAt(at - 1);
    if (previous === 'INTO' || previous === 'TABLE' || previous === 'VIEW') return true;
    if (previous === 'EXISTS')
      return this.#wordAt(at - 2) === 'NOT' || this.#wordAt(at - 2) === 'IF';
    return previous === 'REFERENCES' || previous === 'PROCEDURE' || previous === 'FUNCTION';
  }

  /** `WITH x (a) AS (…)`, `AS x (a, b)`: names for columns. */
  #isListOfNames(at: number): boolean {
    const previous = this.#wordAt(at - 1);
    if (previous === 'AS' || previous === 'WITH' || previous === 'RECURSIVE') return true;
    const close = this.#closeOf(at + 1);
    return this.#wordAt(close + 1) === 'AS' && this.#isBracket(close + 2) && this.#isComma(at - 1);
  }

  #closeOf(open: number): number {
    let depth = 0;
    // A list of names is short; looking further would cost a pass for every call.
    for (let at = open; at < this.#indexes.length && at < open + 200; at += 1) {
      const index = this.#indexes[at] ?? 0;
      if (isOperator(this.#tokens, index, '(')) depth += 1;
      else if (isOperator(this.#tokens, index, ')') && (depth -= 1) === 0) return at;
    }
    return this.#indexes.length;
  }

  #isComma(at: number): boolean {
    return at >= 0 && isOperator(this.#tokens, this.#indexes[at] ?? this.#tokens.count, ',');
  }

  /** Whether an expression may begin at `at`: a type stands after `::`, AS and a column name instead. */
  #isExpressionStart(at: number): boolean {
    if (at === 0) return false;
    const index = this.#indexes[at - 1] ?? 0;
    const kind = kindAt(this.#tokens, index);
    if (kind === KIND.word) return EXPRESSION_LEADS.has(wordAt(this.#tokens, index));
    return (
      kind === KIND.operator &&
      !isOperator(this.#tokens, index, '::') &&
      !/^[)\]*;]/.test(textAt(this.#tokens, index))
    );
  }

  #close(at: number): void {
    const called = this.#open.pop() ?? '';
    const isWindow = this.#isWindow(at + 1);
    if (isWindow) this.#hasWindowFunction = true;
    else if (AGGREGATES.has(called)) this.#hasAggregation = true;
  }

  /** OVER after a call, its WITHIN GROUP or its treatment of NULLs. */
  #isWindow(from: number): boolean {
    let at = from;
    if (this.#wordAt(at) === 'WITHIN' && this.#isBracket(at + 2)) at = this.#closeOf(at + 2) + 1;
    if (this.#wordAt(at) === 'FROM') at += 2;
    const word = this.#wordAt(at);
    if ((word === 'IGNORE' || word === 'RESPECT') && this.#wordAt(at + 1) === 'NULLS') at += 2;
    return this.#wordAt(at) === 'OVER';
  }

  #wordAt(at: number): string {
    const index = this.#indexes[at];
    return index === undefined ? '' : wordAt(this.#tokens, index);
  }

  #isBracket(at: number): boolean {
    const index = this.#indexes[at];
    return index !== undefined && isOperator(this.#tokens, index, '(');
  }
}

const EXPRESSION_LEADS: ReadonlySet<string> = new Set(
  'SELECT DISTINCT ALL WHERE AND OR NOT WHEN THEN ELSE CASE BETWEEN BY ON HAVING QUALIFY LIKE IN SET RETURN DEFAULT USING VALUES'.split(
    ' ',
  ),
);
