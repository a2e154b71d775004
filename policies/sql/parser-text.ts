/**
 * The text that the parser is given for a statement. Where Snowflake has a form that the parser refuses, or silently
 * reads as something else, the tokens of that form are replaced by one it reads, with the same tables, columns and
 * conditions. What is sent upstream is never this text.
 */
import {
  isOperator,
  KIND,
  kindAt,
  significantIndexes,
  startAt,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { stringValueAt } from '#base/sql/token-values.js';
import {
  ALL_COLUMNS,
  holdsMark,
  INNER_QUOTE,
  NO_COLUMN,
  partsOfText,
  writtenParts,
} from './ast.js';

/** Tokens `[from, to)`, positions in the list of significant ones, and what stands for them. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * The statement in `range` as the parser is to read it; its own text when nothing has to change. Undefined when a name
 * in it could be taken for a mark of ours. Total, linear.
 */
export function parserText(tokens: Tokens, range: StatementRange): string | undefined {
  const scan = new FormScan(tokens, range);
  const edits = scan.run();
  if (scan.isMisleading) return undefined;
  if (edits.length === 0) return tokens.text.slice(range.start, range.end);
  const parts: string[] = [];
  let at = startAt(tokens, range.head);
  for (const edit of edits.toSorted((a, b) => a.from - b.from)) {
    const start = scan.startOf(edit.from);
    // Of two that overlap the one that begins first is made.
    if (start < at) continue;
    parts.push(tokens.text.slice(at, start), edit.text);
    at = scan.endOf(edit.to - 1);
  }
  parts.push(tokens.text.slice(at, range.end));
  return parts.join('');
}

const STRUCTURED_TYPES: ReadonlySet<string> = new Set(['ARRAY', 'OBJECT', 'MAP']);
/** Words between which and a query only a bracket stands. */
const BEFORE_QUERIES: ReadonlySet<string> = new Set(
  (
    'SELECT ALL DISTINCT AS AND OR NOT IN ANY SOME EXISTS WHEN THEN ELSE CASE BETWEEN LIKE ILIKE WHERE HAVING QUALIFY ON BY FROM JOIN INTO VALUES ' +
    'LIMIT UNION INTERSECT EXCEPT MINUS TABLE LATERAL USING SET NAME RETURN ARRAY'
  ).split(' '),
);
const SOURCE_WORDS: ReadonlySet<string> = new Set(['FROM', 'JOIN']);
/** A source of one row that has no columns of any table. */
const NO_TABLE = ' (VALUES (1))';

class FormScan {
  readonly #tokens: Tokens;
  readonly #range: StatementRange;
  readonly #indexes: readonly number[];
  readonly #edits: Edit[] = [];
  isMisleading = false;

  constructor(tokens: Tokens, range: StatementRange) {
    this.#tokens = tokens;
    this.#range = range;
    this.#indexes = significantIndexes(tokens, range.head, range.to);
  }

  run(): readonly Edit[] {
    const first = this.#word(0);
    if (first === 'DELETE') this.#deleteUsing();
    for (let at = 0; at < this.#indexes.length; at += 1) this.#token(at);
    return this.#edits;
  }

  /** Offset where significant token `at` starts. */
  startOf(at: number): number {
    return startAt(this.#tokens, this.#indexes[at] ?? this.#range.to);
  }

  /** Offset past significant token `at`. */
  endOf(at: number): number {
    return startAt(this.#tokens, (this.#indexes[at] ?? this.#range.to - 1) + 1);
  }

  #replace(from: number, to: number, text: string): void {
    this.#edits.push({ from, to, text });
  }

  #token(at: number): void {
    const index = this.#indexes[at] ?? 0;
    switch (kindAt(this.#tokens, index)) {
      case KIND.word:
        this.#atWord(at, wordAt(this.#tokens, index));
        return;
      case KIND.quotedIdentifier: {
        const raw = textAt(this.#tokens, index);
        const inner = raw.slice(1, -1);
        this.isMisleading ||= holdsMark(inner);
        if (inner.includes('""'))
          this.#replace(at, at + 1, `"${inner.replaceAll('""', INNER_QUOTE)}"`);
        return;
      }
      case KIND.stage:
        this.#stage(at);
        return;
      case KIND.variable:
        // In a chain of `->>`, `$1` is the result of the statement before; elsewhere it names no table.
        if (SOURCE_WORDS.has(this.#word(at - 1)) && /^\$\d/.test(textAt(this.#tokens, index)))
          this.#replace(at, at + 1, NO_TABLE);
        return;
      case KIND.operator:
        this.#operator(at, index);
        return;
      default:
    }
  }

  #operator(at: number, index: number): void {
    if (isOperator(this.#tokens, index, '(')) this.#bracket(at);
    else if (isOperator(this.#tokens, index, '::')) this.#cast(at);
    else if (isOperator(this.#tokens, index, '->')) this.#lambda(at);
    else if (isOperator(this.#tokens, index, ',') && this.#word(at + 1) === 'FROM')
      this.#replace(at, at + 1, ' ');
    else if (isOperator(this.#tokens, index, '*') && this.#word(at + 1) === 'ILIKE')
      this.#replace(at + 1, at + 3, ' ');
  }

  #atWord(at: number, word: string): void {
    switch (word) {
      case 'INTO':
        this.#into(at);
        return;
      case 'UPDATE':
      case 'INSERT':
        this.#byName(at, word);
        return;
      case 'DIRECTED':
        if (this.#word(at + 1) === 'JOIN') this.#replace(at, at + 1, ' ');
        return;
      case 'CONNECT_BY_ROOT':
      case 'PRIOR':
        if (this.#isName(at + 1)) this.#replace(at, at + 1, ' ');
        return;
      case 'LATERAL':
        this.#lateral(at);
        return;
      case 'UNPIVOT':
        this.#unpivot(at);
        return;
      case 'AS':
        if (STRUCTURED_TYPES.has(this.#word(at + 1)) && this.#is(at + 2, '('))
          this.#replace(at + 1, this.#closeOf(at + 2) + 1, ' VARIANT');
    }
  }

  /** `SELECT … INTO :x` keeps nothing of any table; `INTO IDENTIFIER(…)` becomes the name it stands for. */
  #into(at: number): void {
    if (this.#word(at + 1) === 'IDENTIFIER' && this.#is(at + 2, '(')) {
      this.#identifier(at + 1);
      return;
    }
    let end = at + 1;
    while (this.#kind(end) === KIND.bind) {
      end += 1;
      if (!this.#is(end, ',')) break;
      end += 1;
    }
    if (end > at + 1 && this.#word(0) !== 'INSERT') this.#replace(at, end, ' ');
  }

  #identifier(at: number): void {
    const close = this.#closeOf(at + 1);
    const text =
      close === at + 3 ? stringValueAt(this.#tokens, this.#indexes[at + 2] ?? 0) : undefined;
    this.#replace(at, close + 1, writtenParts(text === undefined ? undefined : partsOfText(text)));
  }

  /** MERGE's `UPDATE ALL BY NAME` and `INSERT ALL BY NAME` touch every column of both tables. */
  #byName(at: number, word: string): void {
    if (this.#word(at + 1) !== 'ALL' || this.#word(at + 2) !== 'BY') return;
    const text =
      word === 'UPDATE'
        ? `UPDATE SET ${ALL_COLUMNS} = ${ALL_COLUMNS}`
        : `INSERT (${ALL_COLUMNS}) VALUES (${ALL_COLUMNS})`;
    this.#replace(at, at + 4, text);
  }

  /** DELETE has sources in the parser only as bare names; UPDATE has them in every form. */
  #deleteUsing(): void {
    let depth = 0;
    for (let at = 1; at < this.#indexes.length; at += 1) {
      if (this.#is(at, '(')) depth += 1;
      else if (this.#is(at, ')')) depth -= 1;
      else if (depth === 0 && this.#word(at) === 'WHERE') return;
      else if (depth === 0 && this.#word(at) === 'USING') {
        this.#replace(0, this.#word(1) === 'FROM' ? 2 : 1, 'UPDATE');
        this.#replace(at, at + 1, `SET ${NO_COLUMN} = 1 FROM`);
        return;
      }
    }
  }

  /** A stage after FROM is a source without columns; as an argument it is a text. */
  #stage(at: number): void {
    if (SOURCE_WORDS.has(this.#word(at - 1))) {
      const end = this.#is(at + 1, '(') ? this.#closeOf(at + 1) + 1 : at + 1;
      this.#replace(at, end, NO_TABLE);
    } else this.#replace(at, at + 1, "'@'");
  }

  /** A cast between a value and its path hides the path; structured types say nothing of columns. */
  #cast(at: number): void {
    const word = this.#word(at + 1);
    if (word === '') return;
    const hasArguments = this.#is(at + 2, '(');
    const end = this.#castEnd(at);
    let chain = end;
    while (this.#is(chain, '::')) chain = this.#castEnd(chain);
    if (this.#is(chain, ':') || this.#is(chain, '[')) this.#replace(at, chain, '');
    else if (hasArguments && STRUCTURED_TYPES.has(word)) this.#replace(at + 1, end, 'VARIANT');
  }

  #castEnd(at: number): number {
    return this.#is(at + 2, '(') ? this.#closeOf(at + 2) + 1 : at + 2;
  }

  /** Parameters of a lambda lose their types: `(a INT, b) ->` and `a INT ->`. */
  #lambda(at: number): void {
    if (!this.#is(at - 1, ')')) {
      if (this.#isName(at - 1) && this.#isName(at - 2) && !this.#is(at - 2, ','))
        this.#replace(at - 1, at, ' ');
      return;
    }
    let open = at - 2;
    while (open > 0 && !this.#is(open, '(')) open -= 1;
    const names: string[] = [];
    for (let item = open + 1; item < at - 1; item += 1) {
      const isFirst = item === open + 1 || this.#is(item - 1, ',');
      if (isFirst) names.push(textAt(this.#tokens, this.#indexes[item] ?? 0));
    }
    const isTyped = at - 1 - (open + 1) > 2 * names.length - 1;
    if (isTyped) this.#replace(open, at, `(${names.join(', ')})`);
  }

  /** A function of a schema after LATERAL is read inside TABLE only. */
  #lateral(at: number): void {
    let end = at + 1;
    while (this.#isName(end) && this.#is(end + 1, '.')) end += 2;
    if (end === at + 1 || !this.#is(end + 1, '(')) return;
    const close = this.#closeOf(end + 1);
    this.#replace(at, at + 1, 'TABLE(');
    this.#replace(close, close + 1, '))');
  }

  /** A metric function takes a bare query: `f(SELECT …)`. */
  #bracket(at: number): void {
    const word = this.#word(at + 1);
    if ((word !== 'SELECT' && word !== 'WITH') || !this.#isName(at - 1)) return;
    if (BEFORE_QUERIES.has(this.#word(at - 1)) && !this.#is(at - 2, '.')) return;
    let first = at - 1;
    while (this.#is(first - 1, '.')) first -= 2;
    // `INSERT INTO t (SELECT …)` calls nothing.
    if (this.#word(first - 1) === 'INTO' || this.#word(first - 1) === 'TABLE') return;
    const close = this.#closeOf(at);
    this.#replace(at, at + 1, '((');
    this.#replace(close, close + 1, '))');
  }

  /** Names given to the columns of UNPIVOT are dropped: `IN (a AS x, b y)`. */
  #unpivot(at: number): void {
    const close = this.#closeOf(at + 1);
    let inAt = at + 1;
    while (inAt < close && this.#word(inAt) !== 'IN') inAt += 1;
    const end = this.#closeOf(inAt + 1);
    for (let item = inAt + 2; item < end; item += 1) {
      if (!this.#is(item - 1, ',') && !this.#is(item - 1, '(')) continue;
      let next = item + 1;
      while (next < end && !this.#is(next, ',')) next += 1;
      if (next > item + 1) this.#replace(item + 1, next, ' ');
    }
  }

  #closeOf(open: number): number {
    if (!this.#is(open, '(')) return open;
    let depth = 0;
    for (let at = open; at < this.#indexes.length; at += 1) {
      if (this.#is(at, '(')) depth += 1;
      else if (this.#is(at, ')') && (depth -= 1) === 0) return at;
    }
    return this.#indexes.length - 1;
  }

  #kind(at: number): number {
    const index = this.#indexes[at];
    return index === undefined ? KIND.whitespace : kindAt(this.#tokens, index);
  }

  #isName(at: number): boolean {
    const kind = this.#kind(at);
    return kind === KIND.word || kind === KIND.quotedIdentifier;
  }

  #word(at: number): string {
    const index = this.#indexes[at];
    return index === undefined ? '' : wordAt(this.#tokens, index);
  }

  #is(at: number, symbol: string): boolean {
    const index = this.#indexes[at];
    return index !== undefined && isOperator(this.#tokens, index, symbol);
  }
}
