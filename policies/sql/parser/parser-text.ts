/**
 * The text that the parser is given for a statement: without comments, and where Snowflake has a form that the parser
 * refuses, or silently reads as something else, with one it reads that has the same tables, columns and conditions.
 * What is sent upstream is never this text.
 */
import { KIND, kindAt, startAt, type Tokens } from '#base/sql/lexer.js';
import { atOnce, STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { holdsMark, INNER_QUOTE, writtenParts } from '../tree/ast.js';
import { quoteKeyword } from './keyword-names.js';
import { deletesUsing, FORMS, QUERY_WORDS, type Replace } from './parser-forms.js';
import type { TokenList } from '../words/token-list.js';

/** Offsets of a piece of the text, and what stands for it. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The statement in `list` as the parser is to read it; its own text when nothing has to change. Undefined when a name
 * in it could be taken for a mark of ours. Total, linear.
 */
export function parserText(list: TokenList): string | undefined {
  return atOnce(parserTextSteps(list));
}

/** {@link parserText} in steps. */
export function* parserTextSteps(list: TokenList): Steps<string | undefined> {
  const { tokens, range } = list;
  const scan = new FormScan(list);
  while (scan.advance()) yield;
  if (scan.isMisleading) return undefined;
  const { edits } = scan;
  yield* blankSteps(tokens, range, edits);
  if (edits.length === 0) return tokens.text.slice(startAt(tokens, range.head), range.end);
  yield;
  const inOrder = edits.toSorted((a, b) => a.start - b.start);
  yield;
  const parts: string[] = [];
  let at = startAt(tokens, range.head);
  for (const { start, end, text } of inOrder) {
    // Of two that overlap the one that begins first is made.
    if (start < at) continue;
    parts.push(tokens.text.slice(at, start), text);
    at = end;
  }
  parts.push(tokens.text.slice(at, range.end));
  return parts.join('');
}

/** Comments become blanks, and so does white space that the parser does not take for any. */
function* blankSteps(tokens: Tokens, range: StatementRange, edits: Edit[]): Steps<void> {
  const hasOdd = ODD_SPACE.test(tokens.text.slice(range.start, range.end));
  for (let from = range.head; from < range.to; from += STEP_TOKENS) {
    const to = Math.min(range.to, from + STEP_TOKENS);
    for (let at = from; at < to; at += 1) {
      const kind = kindAt(tokens, at);
      const isOdd = hasOdd && kind === KIND.whitespace;
      if (kind === KIND.comment || isOdd)
        edits.push({ start: startAt(tokens, at), end: startAt(tokens, at + 1), text: ' ' });
    }
    if (to < range.to) yield;
  }
}

const ODD_SPACE = /[\f\v]/;

const STRUCTURED_TYPES: ReadonlySet<string> = new Set(['ARRAY', 'OBJECT', 'MAP']);
const WRITE_LEADS: ReadonlySet<string> = new Set(['INTO', 'OVERWRITE', 'UPDATE']);
const SOURCE_WORDS: ReadonlySet<string> = new Set(['FROM', 'JOIN']);
/** Words before a name whose columns, not arguments, stand in brackets. */
const BEFORE_LISTED: ReadonlySet<string> = new Set(
  'INTO TABLE VIEW WITH RECURSIVE AS FROM JOIN UPDATE USING REFERENCES'.split(' '),
);
/** Ends of what a path can follow, beside a column. */
const PATH_LEADS: ReadonlySet<string> = new Set([']', '}', ')']);
/** A source of one row that has no columns of any table. */
const NO_TABLE = ' (VALUES (1))';
/** Stands for a quoted name of a function: what is called is read from the words. */
const QUOTED_CALL = 'quoted_function';

/** Finds the forms of expressions and sources; those that a word begins are in `parser-forms`. */
class FormScan {
  readonly #list: TokenList;
  readonly edits: Edit[] = [];
  /** Position that is read next. */
  #at = 0;
  /** Per position of a cast, where its chain ends, 0 where nobody has walked; made with the first cast. */
  #chainEnds: Int32Array | undefined;
  isMisleading = false;

  constructor(list: TokenList) {
    this.#list = list;
  }

  /** Reads on for a step; false at the end. */
  advance(): boolean {
    const list = this.#list;
    if (this.#at === 0 && list.word(0) === 'DELETE') deletesUsing(list, this.#replace);
    const to = Math.min(list.length, this.#at + STEP_TOKENS);
    for (; this.#at < to; this.#at += 1) this.#token(this.#at);
    return to < list.length;
  }

  readonly #replace: Replace = (from, to, text) => {
    const start = this.#list.start(from);
    this.edits.push({ start, end: from === to ? start : this.#list.end(to - 1), text });
  };

  #token(at: number): void {
    const kind = this.#list.kind(at);
    if (kind === KIND.word) {
      FORMS.get(this.#list.word(at))?.(this.#list, at, this.#replace);
      if (this.#list.word(at) === 'AS') this.#castType(at);
      quoteKeyword(this.#list, at, this.#replace);
    } else if (kind === KIND.operator) this.#operator(at);
    else if (kind === KIND.stage) this.#stage(at);
    else if (kind === KIND.quotedIdentifier) this.#quoted(at);
    else if (kind === KIND.variable && SOURCE_WORDS.has(this.#list.word(at - 1))) {
      // In a chain of `->>`, `$1` is the result of the statement before; elsewhere it names no table.
      if (/^\$\d/.test(this.#list.text(at))) this.#replace(at, at + 1, NO_TABLE);
    }
  }

  #quoted(at: number): void {
    const inner = this.#list.text(at).slice(1, -1);
    this.isMisleading ||= holdsMark(inner);
    if (this.#isQuotedCall(at)) this.#replace(at, at + 1, QUOTED_CALL);
    else if (inner.includes('""'))
      this.#replace(at, at + 1, `"${inner.replaceAll('""', INNER_QUOTE)}"`);
  }

  /** `f."G"(x)`, `"g"(x)`: a function, unless the name is one whose columns are listed. */
  #isQuotedCall(at: number): boolean {
    const list = this.#list;
    if (!list.is(at + 1, '(')) return false;
    const first = list.firstPart(at);
    const close = list.closeOf(at + 1);
    const isCte = list.word(close + 1) === 'AS' && list.is(close + 2, '(');
    return !isCte && !BEFORE_LISTED.has(list.word(first - 1)) && !list.isName(first - 1);
  }

  #operator(at: number): void {
    const list = this.#list;
    if (list.is(at, '(')) this.#bracket(at);
    else if (list.is(at, '::')) this.#cast(at);
    else if (list.is(at, '->')) this.#lambda(at);
    else if (list.is(at, ':')) this.#path(at);
    else if (list.is(at, '.') && list.is(at + 1, '.')) this.#inPublic(at);
    else if (list.is(at, '!') && list.isName(at - 1)) this.#replace(at, at + 1, '.');
    else if (list.is(at, ',') && list.word(at + 1) === 'FROM') this.#replace(at, at + 1, ' ');
    else if (list.is(at, '*') && list.word(at + 1) === 'ILIKE') this.#replace(at + 1, at + 3, ' ');
    else if (list.is(at, '*') && list.is(at + 1, '*')) this.#replace(at, at + 2, ' ');
  }

  /** `db..t` where a statement writes: the parser has the form for sources only. */
  #inPublic(at: number): void {
    const list = this.#list;
    const database = list.name(at - 1);
    const table = list.name(at + 2);
    if (database === undefined || table === undefined || list.is(at + 3, '.')) return;
    if (WRITE_LEADS.has(list.word(at - 2)))
      this.#replace(at - 1, at + 3, writtenParts([database, '', table]));
  }

  /** A stage after FROM is a source without columns; as an argument it is a text. */
  #stage(at: number): void {
    const list = this.#list;
    if (SOURCE_WORDS.has(list.word(at - 1))) {
      const end = list.is(at + 1, '(') ? list.closeOf(at + 1) + 1 : at + 1;
      this.#replace(at, end, NO_TABLE);
    } else this.#replace(at, at + 1, "'@'");
  }

  /** A metric function takes a bare query: `f(SELECT …)`. */
  #bracket(at: number): void {
    const list = this.#list;
    const word = list.word(at + 1);
    if ((word !== 'SELECT' && word !== 'WITH') || !list.isName(at - 1)) return;
    if (QUERY_WORDS.has(list.word(at - 1)) && !list.is(at - 2, '.')) return;
    const before = list.word(list.firstPart(at - 1) - 1);
    // `INSERT INTO t (SELECT …)` calls nothing.
    if (before === 'INTO' || before === 'TABLE') return;
    const close = list.closeOf(at);
    this.#replace(at, at + 1, '((');
    this.#replace(close, close + 1, '))');
  }

  /** A cast between a value and its path hides the path; structured types say nothing of columns. */
  #cast(at: number): void {
    const list = this.#list;
    const word = list.word(at + 1);
    if (word === '') return;
    const end = this.#castEnd(at);
    // A blank before the path makes it look like a bind.
    if (list.kind(end) === KIND.bind) {
      let last = end + 1;
      while (list.is(last, '.')) last += 2;
      this.#replace(at, last, ' ');
      return;
    }
    const chain = this.#chainEnd(at);
    if (list.is(chain, ':') || list.is(chain, '[')) this.#replace(at, chain, '');
    else if (list.is(at + 2, '(') && STRUCTURED_TYPES.has(word))
      this.#replace(at + 1, end, 'VARIANT');
  }

  /** Where the casts that follow each other from `at` on end; a chain is walked once, not from every cast in it. */
  #chainEnd(at: number): number {
    this.#chainEnds ??= new Int32Array(this.#list.length);
    const ends = this.#chainEnds;
    const known = ends[at] ?? 0;
    if (known !== 0) return known;
    const links: number[] = [];
    let end = at;
    for (; this.#list.is(end, '::'); end = this.#castEnd(end)) links.push(end);
    for (const link of links) ends[link] = end;
    return end;
  }

  #castEnd(at: number): number {
    return this.#list.is(at + 2, '(') ? this.#list.closeOf(at + 2) + 1 : at + 2;
  }

  /** `CAST(x AS OBJECT(a INT))`: the type says nothing of columns. */
  #castType(at: number): void {
    const list = this.#list;
    if (STRUCTURED_TYPES.has(list.word(at + 1)) && list.is(at + 2, '('))
      this.#replace(at + 1, list.closeOf(at + 2) + 1, ' VARIANT');
  }

  /** A path after a call, an index, an array or an object says nothing of columns. */
  #path(at: number): void {
    const list = this.#list;
    if (!list.isName(at + 1) || !PATH_LEADS.has(list.text(at - 1))) return;
    let end = at + 2;
    while (list.is(end, '.')) end += 2;
    this.#replace(at, end, ' ');
  }

  /** Parameters of a lambda lose their types: `(a INT, b) ->` and `a INT ->`. */
  #lambda(at: number): void {
    const list = this.#list;
    if (!list.is(at - 1, ')')) {
      if (list.isName(at - 1) && list.isName(at - 2)) this.#replace(at - 1, at, ' ');
      return;
    }
    const open = list.openOf(at - 1);
    if (open === undefined) return;
    const names: string[] = [];
    for (let item = open + 1; item < at - 1; item = list.past(item))
      if (item === open + 1 || list.is(item - 1, ',')) names.push(list.text(item));
    const isTyped = at - 1 - (open + 1) > 2 * names.length - 1;
    if (isTyped) this.#replace(open, at, `(${names.join(', ')})`);
  }
}
