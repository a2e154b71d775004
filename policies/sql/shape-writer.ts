/** Writes the literal-free shape of one statement; `fingerprint.ts` says what it is for. */
import {
  isAscii,
  KIND,
  kindAt,
  nextSignificant,
  startAt,
  textAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { STEP_TOKENS } from '#base/sql/steps.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { AsciiText } from './ascii-text.js';
import { LiteralList } from './literal-list.js';
import { SteppedText } from './stepped-text.js';

/** Longest shape kept for people to read; the hash covers all of it. */
export const SHAPE_LENGTH_MAX = 2_000;

/** Statements whose literals are values; in every other one they may name objects and are kept. */
const LITERAL_FREE_VERBS: ReadonlySet<string> = new Set(
  'SELECT WITH VALUES INSERT UPDATE DELETE MERGE EXPLAIN'.split(' '),
);

/** Words between CREATE and TABLE of a table that a query fills. */
const TABLE_KINDS: ReadonlySet<string> = new Set(
  'OR REPLACE LOCAL GLOBAL TEMP TEMPORARY VOLATILE TRANSIENT'.split(' '),
);
const QUERY_LEADS: ReadonlySet<string> = new Set(['SELECT', 'WITH']);

/** Functions whose literal arguments name objects, results or sizes. `SYSTEM$…` joins them. */
const NAMING_CALLS: ReadonlySet<string> = new Set(['IDENTIFIER', 'TABLE', 'RESULT_SCAN']);

const LOCATION = /^'(?:@|[a-zA-Z][a-zA-Z0-9+.-]*:\/\/)/;

/** Where another reader than the lexer may see a string or comment begin inside a word or a path. */
const DOUBTFUL_WORD = /\$\$/;
const DOUBTFUL_PATH = /\$\$|--|\/\/|\/\*|'/;

/** A place of a shape that literals fill: one, or the list after IN. */
export interface LiteralSlot {
  readonly from: number;
  /** Past the last token. */
  readonly to: number;
  readonly isList: boolean;
  /** A minus sign before the literal was taken into the slot. */
  readonly isNegative: boolean;
}

export interface Shape {
  /** The literal-free text, unshortened. */
  readonly text: string;
  /** Slots in order; statements of one shape have the same number, except where `isSteady` is false. */
  readonly slots: readonly LiteralSlot[];
  /** Whether the slots are all that can differ between statements of this shape. */
  readonly isSteady: boolean;
  /** A word with letters outside of ASCII: another word can have the same upper case. */
  readonly hasForeignWord: boolean;
}

/** A list that is being read. */
interface OpenList {
  /** Token from which on is written if it holds anything but literals. */
  readonly from: number;
  /** Shapes of the rows before it, for one after VALUES. */
  readonly rows: Set<string> | undefined;
  readonly list: LiteralList;
}

/** The statement in upper case; empty where letters grow by it, so that offsets fit only word by word. */
function upperOf(tokens: Tokens, range: StatementRange): string {
  const text = tokens.text.slice(range.start, range.end);
  const upper = text.toUpperCase();
  return upper.length === text.length ? upper : '';
}

/** The shape of the statement in `range` as it is written, step by step. */
export class ShapeWriter {
  readonly #tokens: Tokens;
  readonly #range: StatementRange;
  readonly #upper: string;
  /** Offset in the text where `#upper` begins. */
  readonly #upperFrom: number;
  /** Strings, `$$` bodies and paths of files are never written. */
  readonly #isForPeople: boolean;
  /** From here on a reader may see a literal where the lexer sees code: nothing more is written. */
  #isEnd = false;
  readonly #out: SteppedText | AsciiText;
  /** The same when the text is short and of ASCII letters: words are copied into it without a string of each. */
  readonly #bytes: AsciiText | undefined;
  /** Token that is written next. */
  #at: number;
  readonly #slots: LiteralSlot[] = [];
  #isSteady = true;
  #hasForeignWord = false;
  #isNegative = false;
  /** After IN or VALUES, until it is known to hold literals only. */
  #list: OpenList | undefined;
  /** Character code of the last operator written; 0 after anything else. */
  #lastOperator = 0;
  /** Token of the last word written; -1 after anything else. */
  #lastWordAt = -1;
  #depth = 0;
  /** Literals are kept while the depth of brackets is at least this. */
  #keepFromDepth = Number.POSITIVE_INFINITY;
  /** CREATE TABLE … AS: from its query on literals are values. */
  #mayHaveQuery = false;

  constructor(tokens: Tokens, range: StatementRange, isForPeople: boolean) {
    this.#tokens = tokens;
    this.#range = range;
    this.#isForPeople = isForPeople;
    this.#at = range.head;
    const own = tokens.upper === '' ? upperOf(tokens, range) : undefined;
    this.#upper = own ?? tokens.upper;
    this.#upperFrom = own === undefined ? 0 : range.start;
    this.#bytes = isForPeople ? undefined : AsciiText.tryOf(tokens);
    this.#out = this.#bytes ?? new SteppedText();
    const verb = this.#firstWord();
    if (LITERAL_FREE_VERBS.has(verb)) return;
    this.#keepFromDepth = 0;
    this.#mayHaveQuery = verb === 'CREATE' && this.#createsTable();
  }

  /** The shape as far as it is written. */
  shape(): Shape {
    return {
      text: this.#out.text(),
      slots: this.#slots,
      isSteady: this.#isSteady,
      hasForeignWord: this.#hasForeignWord,
    };
  }

  /** The shape as far as people are shown it; `isEnd` tells that nothing of the whole text may follow. */
  writeReadable(): { readonly text: string; readonly isEnd: boolean } {
    while (this.advance());
    return { text: this.#out.text(), isEnd: this.#isEnd };
  }

  /** Writes on for a step; false at the end. */
  advance(): boolean {
    const tokens = this.#tokens;
    let at = this.#at;
    let to = Math.min(this.#range.to, (this.#list?.list.at ?? at) + STEP_TOKENS);
    while (at < to) {
      if (this.#list !== undefined) {
        at = this.#readList(this.#list, to);
        if (this.#list !== undefined && this.#list.list.at >= to) break;
        // Of a list that was none, what was read of it is still to be written.
        to = Math.min(this.#range.to, to, at + STEP_TOKENS);
        continue;
      }
      if (this.#isForPeople && (this.#isEnd || this.#out.length >= SHAPE_LENGTH_MAX)) return false;
      const kind = kindAt(tokens, at);
      if (kind === KIND.word) at = this.#word(at);
      else if (kind === KIND.operator) at = this.#operator(at);
      else {
        if (kind === KIND.string || kind === KIND.number || kind === KIND.dollarString) {
          this.#literal(at, kind === KIND.string);
        } else if (kind > KIND.comment) this.#name(at);
        at += 1;
      }
    }
    this.#at = at;
    if (at < this.#range.to) this.#out.endStep();
    return at < this.#range.to;
  }

  #name(at: number): void {
    if (this.#bytes === undefined) this.#put(this.#nameText(at, textAt(this.#tokens, at)));
    else {
      this.#blank();
      this.#bytes.addToken(at, false);
    }
  }

  /** Text of a token that is no literal, as it may be shown. */
  #nameText(at: number, text: string): string {
    if (!this.#isForPeople) return text;
    const kind = kindAt(this.#tokens, at);
    if (kind === KIND.quotedIdentifier) {
      // Without its end a name reaches over all that follows, strings too.
      const isOpen = this.#tokens.isUnterminated && at === this.#tokens.count - 1;
      return isOpen ? '#' : text;
    }
    const isFile = kind === KIND.fileUrl;
    const name = isFile ? text.slice('file://'.length) : text;
    const doubt = name.search(isFile || kind === KIND.stage ? DOUBTFUL_PATH : DOUBTFUL_WORD);
    this.#isEnd = doubt !== -1;
    if (isFile) return '#';
    return this.#isEnd ? `${text.slice(0, doubt)}#` : text;
  }

  #literal(at: number, isString: boolean): void {
    const isKept = this.#depth >= this.#keepFromDepth;
    if (this.#isForPeople && (!isKept || kindAt(this.#tokens, at) !== KIND.number)) {
      this.#put('#');
      return;
    }
    const raw = isKept || isString ? textAt(this.#tokens, at) : '';
    if (isKept || LOCATION.test(raw)) {
      this.#put(raw);
      this.#isSteady = false;
      return;
    }
    this.#put('#');
    this.#slots.push({ from: at, to: at + 1, isList: false, isNegative: this.#isNegative });
    this.#isNegative = false;
  }

  #firstWord(): string {
    const { head, to } = this.#range;
    let at = head;
    while (at < to && kindAt(this.#tokens, at) === KIND.operator) {
      at = nextSignificant(this.#tokens, at + 1, to);
    }
    return at < to ? this.#upperAt(at) : '';
  }

  #createsTable(): boolean {
    const { head, to } = this.#range;
    let at = nextSignificant(this.#tokens, head + 1, to);
    while (at < to && TABLE_KINDS.has(this.#upperAt(at)))
      at = nextSignificant(this.#tokens, at + 1, to);
    return at < to && this.#upperAt(at) === 'TABLE';
  }

  /** Whether the query of the table that is created follows the word at `at`. */
  #isBeforeQuery(at: number): boolean {
    if (this.#depth !== 0 || this.#upperAt(at) !== 'AS') return false;
    const next = nextSignificant(this.#tokens, at + 1, this.#range.to);
    return this.#isCode(next, 40) || QUERY_LEADS.has(this.#upperAt(next));
  }

  #upperAt(at: number): string {
    if (kindAt(this.#tokens, at) !== KIND.word) return '';
    if (this.#upper === '') return textAt(this.#tokens, at).toUpperCase();
    const from = this.#upperFrom;
    return this.#upper.slice(
      startAt(this.#tokens, at) - from,
      startAt(this.#tokens, at + 1) - from,
    );
  }

  #put(piece: string): void {
    const last = this.#lastOperator;
    // No blank after `(` and `.`, nor at the very start.
    this.#out.add(last === 40 || last === 46 || this.#out.isEmpty ? piece : ` ${piece}`);
    this.#lastOperator = 0;
    this.#lastWordAt = -1;
  }

  /** What stands before a piece that is added in bytes. */
  #blank(): void {
    const last = this.#lastOperator;
    if (last !== 40 && last !== 46 && !this.#out.isEmpty) this.#bytes?.addCode(32);
    this.#lastOperator = 0;
    this.#lastWordAt = -1;
  }

  #word(at: number): number {
    if (this.#bytes !== undefined) {
      this.#blank();
      this.#bytes.addToken(at, true);
    } else {
      if (this.#tokens.upper === '') this.#hasForeignWord ||= !isAscii(textAt(this.#tokens, at));
      this.#put(this.#nameText(at, this.#upperAt(at)));
    }
    this.#lastWordAt = at;
    if (this.#mayHaveQuery && this.#isBeforeQuery(at)) {
      this.#keepFromDepth = Number.POSITIVE_INFINITY;
      this.#mayHaveQuery = false;
    }
    if (this.#keepFromDepth <= this.#depth) return at + 1;
    const length = startAt(this.#tokens, at + 1) - startAt(this.#tokens, at);
    if (length === 2 && this.#upperAt(at) === 'IN') return this.#beginList(at + 1, undefined);
    if (length === 6 && this.#upperAt(at) === 'VALUES') return this.#beginList(at + 1, new Set());
    return at + 1;
  }

  #operator(at: number): number {
    const start = startAt(this.#tokens, at);
    const end = startAt(this.#tokens, at + 1);
    const code = this.#tokens.text.charCodeAt(start);
    if ((code === 45 || code === 43) && end === start + 1 && this.#isSign(at)) {
      this.#isNegative = code === 45;
      return at + 1;
    }
    if (code === 40) {
      this.#depth += 1;
      if (this.#keepFromDepth > this.#depth && this.#isNaming(this.#lastWordAt))
        this.#keepFromDepth = this.#depth;
    } else if (code === 41) {
      if (this.#depth === this.#keepFromDepth) this.#keepFromDepth = Number.POSITIVE_INFINITY;
      this.#depth = Math.max(0, this.#depth - 1);
    }
    const isTight = code === 46 || code === 44 || code === 41 || this.#lastOperator === 40;
    const hasBlank = !isTight && this.#lastOperator !== 46 && !this.#out.isEmpty;
    if (this.#bytes === undefined) {
      const text = this.#tokens.text.slice(start, end);
      this.#out.add(hasBlank ? ` ${text}` : text);
    } else {
      if (hasBlank) this.#bytes.addCode(32);
      this.#bytes.addToken(at, false);
    }
    this.#lastOperator = code;
    this.#lastWordAt = -1;
    return at + 1;
  }

  /** Whether the word before a bracket is a call whose literals name something. */
  #isNaming(at: number): boolean {
    const word = at === -1 ? '' : this.#upperAt(at);
    return NAMING_CALLS.has(word) || word.startsWith('SYSTEM$');
  }

  /** A sign belongs to a literal that is dropped when it follows an operator or `(`, not a value. */
  #isSign(at: number): boolean {
    const last = this.#lastOperator;
    if (
      last === 0 ||
      last === 41 ||
      last === 93 ||
      last === 46 ||
      this.#depth >= this.#keepFromDepth
    )
      return false;
    return (
      kindAt(this.#tokens, nextSignificant(this.#tokens, at + 1, this.#range.to)) === KIND.number
    );
  }

  /** Goes on with the list that may begin at token `from`; the token from which on is written meanwhile. */
  #beginList(from: number, rows: Set<string> | undefined): number {
    const open = nextSignificant(this.#tokens, from, this.#range.to);
    this.#list = this.#isCode(open, 40) ? { from, rows, list: new LiteralList(open) } : undefined;
    return from;
  }

  /** Reads the open list as far as token `to`; where writing goes on. A list that is none is written as it stands. */
  #readList({ from, rows, list }: OpenList, to: number): number {
    const state = list.read(this.#tokens, to);
    if (state === 'open' && list.at < this.#range.to) return from;
    this.#list = undefined;
    if (state !== 'ended') return from;
    if (rows !== undefined) return this.#collapsedRow(list, rows);
    if (list.count === 0) return from;
    this.#collapsedList(list);
    return list.at;
  }

  /** `IN (1, 2, 3)` is written `IN (#)`, and `IN (?, ?)` as `IN (?)`; any other list goes on as usual. */
  #collapsedList(list: LiteralList): void {
    this.#put(list.hasBind ? '(?)' : '(#)');
    this.#lastOperator = 41;
    if (list.hasWord) this.#isSteady = false;
    if (!list.hasBind) {
      this.#slots.push({ from: list.open + 1, to: list.at - 1, isList: true, isNegative: false });
    }
  }

  /** Rows of literals after VALUES: each row shape is written once. */
  #collapsedRow(row: LiteralList, rows: Set<string>): number {
    const shape = `(${row.hasBind ? '?' : '#'} x ${row.count})`;
    if (!rows.has(shape)) this.#put(shape);
    rows.add(shape);
    this.#lastOperator = 41;
    const comma = nextSignificant(this.#tokens, row.at, this.#range.to);
    const next = nextSignificant(this.#tokens, comma + 1, this.#range.to);
    // A comma before anything but another row is written.
    if (this.#isCode(comma, 44) && this.#isCode(next, 40))
      this.#list = { from: row.at, rows, list: new LiteralList(next) };
    return row.at;
  }

  #isCode(at: number, code: number): boolean {
    return (
      at < this.#range.to &&
      kindAt(this.#tokens, at) === KIND.operator &&
      this.#tokens.text.charCodeAt(startAt(this.#tokens, at)) === code
    );
  }
}
