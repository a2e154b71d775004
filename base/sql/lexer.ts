/**
 * Lexer of Snowflake SQL: any text in, a gap-free list of tokens out, in one linear pass that never throws. It is the
 * one reader of SQL that refuses nothing, so splitting, statement class, fingerprint and tagging all stand on it.
 * Where Snowflake's own reading is not documented it chooses the one that shows more of the text as code.
 */
import {
  classOf,
  codeAt,
  CONTROL,
  DIGIT,
  digitsEnd,
  isWordCode,
  LETTER,
  lineEnd,
  operatorLength,
  SPACE,
  spaceEnd,
  unquotedEnd,
  wordEnd,
} from './characters.js';
import { atOnce, STEP_TOKENS, type Steps } from './steps.js';

/** Kinds of token. Numbers, not names, because a list holds one byte-sized value for each. */
export const KIND = {
  whitespace: 0,
  comment: 1,
  /** Unquoted keyword or identifier. */
  word: 2,
  /** `"…"`, with `""` for a quote. */
  quotedIdentifier: 3,
  /** `'…'`, with `''` and backslash escapes. */
  string: 4,
  /** `$$…$$`, no escapes. */
  dollarString: 5,
  number: 6,
  /** Operators, brackets, comma, dot, semicolon. */
  operator: 7,
  /** `?`, `:1`, `:name`. */
  bind: 8,
  /** `$name`, `$1`. */
  variable: 9,
  /** `@stage/path`, `@~`, `@%table`. */
  stage: 10,
  /** `file://…` of PUT and GET. */
  fileUrl: 11,
  /** Control and zero-width characters, Unicode spaces: never written by a tool, possibly read differently upstream. */
  stray: 12,
} as const;
export type TokenKind = (typeof KIND)[keyof typeof KIND];

/** Tokens of one text. Token `i` is `text.slice(starts[i], starts[i + 1])`; tokens leave no gaps. */
export interface Tokens {
  readonly text: string;
  /** The text in upper case, by whose slices words compare; empty when it has letters outside of ASCII. */
  readonly upper: string;
  readonly count: number;
  /** What {@link kindAt} tells. */
  readonly kinds: Uint8Array;
  /** `count + 1` offsets in UTF-16 units; the last is the length of the text. */
  readonly starts: Int32Array;
  /** The last token is a string, quoted name, `$$` body or block comment without its end. */
  readonly isUnterminated: boolean;
}

/**
 * The tokens of `text`. Linear in its length for every input, never throws; an unterminated token reaches to the end
 * of the text and is flagged.
 */
export function lex(text: string): Tokens {
  return atOnce(lexSteps(text));
}

/** {@link lex} in steps. */
export function* lexSteps(text: string): Steps<Tokens> {
  const scan = new Scanner(text);
  while (scan.advance()) yield;
  return scan.tokens();
}

/**
 * Where short texts are lexed, which no step cuts; what is found is copied out. A text has no more tokens than units, so
 * that no list grows: one of a million tokens would be copied again and again, tens of milliseconds at a time.
 */
const SHORT_KINDS = new Uint8Array(STEP_TOKENS);
const SHORT_STARTS = new Int32Array(STEP_TOKENS + 1);

class Scanner {
  readonly #text: string;
  readonly #kinds: Uint8Array;
  readonly #starts: Int32Array;
  readonly #isShort: boolean;
  #count = 0;
  #at = 0;
  /** Kind of the token that is read. */
  #kind: TokenKind = KIND.whitespace;
  #isHead = true;
  #isTransfer = false;
  #isUnterminated = false;

  constructor(text: string) {
    this.#text = text;
    this.#isShort = text.length <= STEP_TOKENS;
    this.#kinds = this.#isShort ? SHORT_KINDS : new Uint8Array(text.length);
    this.#starts = this.#isShort ? SHORT_STARTS : new Int32Array(text.length + 1);
  }

  /** What was read. */
  tokens(): Tokens {
    const text = this.#text;
    const count = this.#count;
    this.#starts[count] = text.length;
    const kinds = this.#isShort ? this.#kinds.slice(0, count) : this.#kinds.subarray(0, count);
    const starts = this.#isShort
      ? this.#starts.slice(0, count + 1)
      : this.#starts.subarray(0, count + 1);
    const upper = isAscii(text) ? text.toUpperCase() : '';
    return { text, upper, count, kinds, starts, isUnterminated: this.#isUnterminated };
  }

  /** Reads on for a step; false at the end of the text. */
  advance(): boolean {
    const text = this.#text;
    const kinds = this.#kinds;
    const starts = this.#starts;
    const length = text.length;
    const countMax = this.#count + STEP_TOKENS;
    let count = this.#count;
    let at = this.#at;
    if (at === 0 && text.charCodeAt(0) === 0xfeff) {
      starts[count] = 0;
      kinds[count++] = KIND.whitespace;
      at = 1;
    }
    while (at < length && count < countMax) {
      const start = at;
      const code = text.charCodeAt(at);
      const kindClass = classOf(code);
      this.#count = count;
      if (kindClass === SPACE) {
        at = spaceEnd(text, at + 1);
        this.#kind = KIND.whitespace;
      } else if (kindClass === LETTER) {
        at = this.#word(start);
      } else if (kindClass === DIGIT) {
        at = this.#number(start);
      } else if (kindClass === CONTROL) {
        at += 1;
        this.#kind = KIND.stray;
      } else {
        at = this.#symbol(start, code);
      }
      starts[count] = start;
      kinds[count++] = this.#kind;
    }
    this.#count = count;
    this.#at = at;
    return at < length;
  }

  #word(start: number): number {
    const text = this.#text;
    const end = wordEnd(text, start + 1);
    this.#kind = KIND.word;
    if (
      this.#isTransfer &&
      end - start === 4 &&
      text.startsWith('://', end) &&
      /^file$/i.test(text.slice(start, end))
    ) {
      this.#kind = KIND.fileUrl;
      return unquotedEnd(text, end);
    }
    if (this.#isHead) {
      this.#isHead = false;
      this.#isTransfer = end - start === 3 && /^(?:put|get)$/i.test(text.slice(start, end));
    }
    return end;
  }

  #number(start: number): number {
    const text = this.#text;
    this.#kind = KIND.number;
    let at = digitsEnd(text, start);
    if (at < text.length && text.charCodeAt(at) === 46) at = digitsEnd(text, at + 1);
    if (at >= text.length || (text.charCodeAt(at) | 32) !== 101) return at;
    const sign = codeAt(text, at + 1);
    const digits = sign === 43 || sign === 45 ? at + 2 : at + 1;
    const end = digitsEnd(text, digits);
    return end > digits ? end : at;
  }

  #symbol(start: number, code: number): number {
    const text = this.#text;
    const next = codeAt(text, start + 1);
    switch (code) {
      case 39:
        return this.#as(KIND.string, this.#quoted(start, 39, true));
      case 34:
        return this.#as(KIND.quotedIdentifier, this.#quoted(start, 34, false));
      case 45:
        if (next === 45) return this.#as(KIND.comment, lineEnd(text, start + 2));
        break;
      case 47:
        if (next === 47) return this.#as(KIND.comment, lineEnd(text, start + 2));
        if (next === 42) return this.#as(KIND.comment, this.#until('*/', start + 2));
        break;
      case 36:
        if (next === 36) return this.#as(KIND.dollarString, this.#until('$$', start + 2));
        if (isWordCode(next)) return this.#as(KIND.variable, wordEnd(text, start + 2));
        break;
      case 46:
        if (classOf(next) === DIGIT && !this.#followsOperand(start)) return this.#number(start);
        break;
      case 58:
        if (next !== 58 && isWordCode(next) && !this.#followsOperand(start)) {
          return this.#as(KIND.bind, wordEnd(text, start + 2));
        }
        break;
      case 63:
        return this.#as(KIND.bind, start + 1);
      case 64:
        if (isWordCode(next) || next === 126 || next === 37 || next === 34) {
          return this.#as(KIND.stage, unquotedEnd(text, start + 1));
        }
        break;
      case 59:
        this.#isHead = true;
        this.#isTransfer = false;
        return this.#as(KIND.operator, start + 1);
    }
    return this.#as(KIND.operator, start + operatorLength(text, start, code, next));
  }

  #as(kind: TokenKind, end: number): number {
    this.#kind = kind;
    return end;
  }

  /** Whether the token before `start` could be a value that a `.` or `:` without a space goes on from. */
  #followsOperand(start: number): boolean {
    const kind = this.#kinds[this.#count - 1];
    if (this.#count === 0 || kind === undefined || kind <= KIND.comment) return false;
    if (kind !== KIND.operator) return kind !== KIND.stray;
    const last = this.#text.charCodeAt(start - 1);
    return last === 41 || last === 93;
  }

  #quoted(start: number, quote: number, hasEscapes: boolean): number {
    const text = this.#text;
    const length = text.length;
    let at = start + 1;
    while (at < length) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        if (codeAt(text, at + 1) !== quote) return at + 1;
        at += 2;
      } else if (hasEscapes && code === 92) at += 2;
      else at += 1;
    }
    this.#isUnterminated = true;
    return length;
  }

  #until(mark: string, from: number): number {
    const found = this.#text.indexOf(mark, from);
    if (found !== -1) return found + 2;
    this.#isUnterminated = true;
    return this.#text.length;
  }
}

/** True for tokens that are neither white space nor comments. */
export function isSignificant(kind: TokenKind): boolean {
  return kind > KIND.comment;
}

/** Index of the first token at or after `from`, before `to`, that is neither white space nor comment; `to` if none. */
export function nextSignificant(tokens: Tokens, from: number, to: number = tokens.count): number {
  let at = from;
  while (at < to && (tokens.kinds[at] ?? 0) <= KIND.comment) at += 1;
  return at;
}

/** Index of the last token before `from` that is neither white space nor comment; -1 if none. */
export function previousSignificant(tokens: Tokens, from: number): number {
  let at = from - 1;
  while (at >= 0 && (tokens.kinds[at] ?? 0) <= KIND.comment) at -= 1;
  return at;
}

/** Indexes of the significant tokens of `[from, to)`, in order. */
export function significantIndexes(
  tokens: Tokens,
  from: number = 0,
  to: number = tokens.count,
): number[] {
  const indexes: number[] = [];
  for (let at = from; at < to; at += 1) {
    if ((tokens.kinds[at] ?? 0) > KIND.comment) indexes.push(at);
  }
  return indexes;
}

/** {@link significantIndexes} to be read by place: a list that grows to a million holds the loop up for 30 ms. */
export function significantPlaces(tokens: Tokens, from: number, to: number): ArrayLike<number> {
  if (to - from <= STEP_TOKENS) return significantIndexes(tokens, from, to);
  const indexes = new Int32Array(to - from);
  let count = 0;
  for (let at = from; at < to; at += 1) {
    if ((tokens.kinds[at] ?? 0) > KIND.comment) indexes[count++] = at;
  }
  return indexes.subarray(0, count);
}

/** Kind of token `index`; white space past the end. */
export function kindAt(tokens: Tokens, index: number): TokenKind {
  // The scanner is the only one that writes kinds.
  return (tokens.kinds[index] ?? KIND.whitespace) as TokenKind;
}

/** Offset in UTF-16 units where token `index` starts; the length of the text past the end. */
export function startAt(tokens: Tokens, index: number): number {
  return tokens.starts[index] ?? tokens.text.length;
}

/** Text of token `index`; empty past the end. */
export function textAt(tokens: Tokens, index: number): string {
  return tokens.text.slice(startAt(tokens, index), startAt(tokens, index + 1));
}

/**
 * Upper-cased text of an unquoted word, so that keywords compare with `===`; empty for every other kind. Letters
 * outside of ASCII stay as they are: some have an upper case inside it (`ſ`), and no keyword is written with them.
 */
export function wordAt(tokens: Tokens, index: number): string {
  if (kindAt(tokens, index) !== KIND.word) return '';
  if (tokens.upper !== '')
    return tokens.upper.slice(startAt(tokens, index), startAt(tokens, index + 1));
  const text = textAt(tokens, index);
  return isAscii(text) ? text.toUpperCase() : text;
}

const NOT_ASCII = /[^\0-\x7f]/;

/** True when `text` has no letter outside of ASCII. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

/** True when token `index` is exactly the operator `symbol`. */
export function isOperator(tokens: Tokens, index: number, symbol: string): boolean {
  if (kindAt(tokens, index) !== KIND.operator) return false;
  const start = startAt(tokens, index);
  return (
    startAt(tokens, index + 1) - start === symbol.length && tokens.text.startsWith(symbol, start)
  );
}

/** Code of the first character of the operator at `index`, which is all of `(`, `)`, `,` and `;`; 0 for other tokens. */
export function operatorCodeAt(tokens: Tokens, index: number): number {
  return kindAt(tokens, index) === KIND.operator
    ? tokens.text.charCodeAt(startAt(tokens, index))
    : 0;
}
