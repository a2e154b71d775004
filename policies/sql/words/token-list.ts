/** The significant tokens of a statement by position, for readers that look ahead and back. */
import {
  isOperator,
  KIND,
  kindAt,
  operatorCodeAt,
  significantPlaces,
  startAt,
  textAt,
  wordAt,
  type TokenKind,
  type Tokens,
} from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { atOnce, STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import { nameAt, stringValueAt } from '#base/sql/token-values.js';

const UNPAIRED = -1;
/** Words beyond are made each time: an array with far places is a slow table of places. */
const WORDS_KEPT_MAX = 16_384;

/** Positions count significant tokens from 0; outside of the statement there is white space. */
export class TokenList {
  readonly tokens: Tokens;
  readonly range: StatementRange;
  readonly #indexes: ArrayLike<number>;
  /** Upper-cased words, each made when first asked for: readers ask for one several times. */
  readonly #words: (string | undefined)[] = [];
  /** Per position of a bracket that of its other half; made when first asked for, of long texts by `pairSteps`. */
  #pairs: Int32Array | undefined;

  constructor(tokens: Tokens, range: StatementRange) {
    this.tokens = tokens;
    this.range = range;
    this.#indexes = significantPlaces(tokens, range.head, range.to);
  }

  /** Significant tokens in the statement. */
  get length(): number {
    return this.#indexes.length;
  }

  kind(at: number): TokenKind {
    const index = this.#indexes[at];
    return index === undefined ? KIND.whitespace : kindAt(this.tokens, index);
  }

  /** Text of the token as written. */
  text(at: number): string {
    const index = this.#indexes[at];
    return index === undefined ? '' : textAt(this.tokens, index);
  }

  /** Upper-cased text of an unquoted word; empty for every other token. */
  word(at: number): string {
    const known = this.#words[at];
    if (known !== undefined) return known;
    const index = this.#indexes[at];
    if (index === undefined) return '';
    const word = wordAt(this.tokens, index);
    if (at < WORDS_KEPT_MAX) this.#words[at] = word;
    return word;
  }

  /** Whether the token is the operator `symbol`. */
  is(at: number, symbol: string): boolean {
    const index = this.#indexes[at];
    return index !== undefined && isOperator(this.tokens, index, symbol);
  }

  /** Code of the first character of an operator; 0 for every other token. */
  code(at: number): number {
    const index = this.#indexes[at];
    return index === undefined ? 0 : operatorCodeAt(this.tokens, index);
  }

  /** Name of a word or quoted identifier; undefined for other tokens. */
  name(at: number): string | undefined {
    const index = this.#indexes[at];
    return index === undefined ? undefined : nameAt(this.tokens, index);
  }

  /** Whether the token is a word or a quoted identifier. */
  isName(at: number): boolean {
    const kind = this.kind(at);
    return kind === KIND.word || kind === KIND.quotedIdentifier;
  }

  /** Value of a string or `$$` token; undefined for other tokens. */
  string(at: number): string | undefined {
    const index = this.#indexes[at];
    return index === undefined ? undefined : stringValueAt(this.tokens, index);
  }

  /** Offset in the text where the token starts. */
  start(at: number): number {
    return startAt(this.tokens, this.#indexes[at] ?? this.tokens.count);
  }

  /** Offset past the token. */
  end(at: number): number {
    const index = this.#indexes[at];
    return startAt(this.tokens, index === undefined ? this.tokens.count : index + 1);
  }

  /** Position of the first part of the dotted name that ends at `last`. */
  firstPart(last: number): number {
    let first = last;
    while (this.is(first - 1, '.')) first -= this.is(first - 2, '.') ? 3 : 2;
    return first;
  }

  /** Position of the bracket that closes the one at `open`; the last position when none does, `open` when none opens. */
  closeOf(open: number): number {
    if (!this.is(open, '(')) return open;
    const close = this.#pairOf(open);
    return close === UNPAIRED ? this.length - 1 : close;
  }

  /** Position of the bracket that the one at `close` closes; undefined when it closes none or is no `)`. */
  openOf(close: number): number | undefined {
    if (!this.is(close, ')')) return undefined;
    const open = this.#pairOf(close);
    return open === UNPAIRED ? undefined : open;
  }

  /** The position after `at` or, when `(` or `[` is there, after the bracket that closes it; the length when none does. */
  past(at: number): number {
    if (!this.is(at, '(') && !this.is(at, '[')) return at + 1;
    const close = this.#pairOf(at);
    return close === UNPAIRED ? this.length : close + 1;
  }

  #pairOf(at: number): number {
    this.#pairs ??= atOnce(this.#paired());
    return this.#pairs[at] ?? UNPAIRED;
  }

  /** Finds the brackets of a long text ahead, in steps: whoever asks for one first would find them all at once. */
  *pairSteps(): Steps<void> {
    if (this.length > STEP_TOKENS) this.#pairs ??= yield* this.#paired();
  }

  /** All brackets in one pass: readers that looked for one from every other would need the square of the length. */
  *#paired(): Steps<Int32Array> {
    const pairs = new Int32Array(this.length).fill(UNPAIRED);
    const round: number[] = [];
    const square: number[] = [];
    for (let from = 0; from < this.length; from += STEP_TOKENS) {
      this.#pair(from, pairs, round, square);
      if (from + STEP_TOKENS < this.length) yield;
    }
    return pairs;
  }

  /** Notes the brackets of the step that begins at `from`; those still open are in `round` and `square`. */
  #pair(from: number, pairs: Int32Array, round: number[], square: number[]): void {
    const to = Math.min(this.length, from + STEP_TOKENS);
    for (let at = from; at < to; at += 1) {
      const code = this.code(at);
      if (code === 40) round.push(at);
      else if (code === 91) square.push(at);
      else if (code !== 41 && code !== 93) continue;
      else {
        const open = (code === 41 ? round : square).pop();
        if (open === undefined) continue;
        pairs[open] = at;
        pairs[at] = open;
      }
    }
  }
}
