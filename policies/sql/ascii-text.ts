/** A text of ASCII letters that is written by copying tokens of another one. */
import { startAt, type Tokens } from '#base/sql/lexer.js';
import { STEP_TOKENS } from '#base/sql/steps.js';

const CAPITAL = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 97 && code <= 122 ? code - 32 : code,
);

/** The texts that are read and written: short ones are done within a step, so that two never meet in here. */
const SOURCE = Buffer.alloc(STEP_TOKENS);
const OUT = Buffer.alloc(4 * STEP_TOKENS);

/**
 * Like `SteppedText`, for texts of at most a step. Hundreds of small strings, and the rope that they are tied to, cost
 * more than all else that is done to a statement of 2 KB before the caches.
 */
export class AsciiText {
  readonly #tokens: Tokens;
  #out: Buffer = OUT;
  #length = 0;

  private constructor(tokens: Tokens) {
    this.#tokens = tokens;
    SOURCE.write(tokens.text, 'latin1');
  }

  /** Undefined when the text of `tokens` is too long or has letters outside of ASCII. */
  static tryOf(tokens: Tokens): AsciiText | undefined {
    const { text, upper } = tokens;
    return upper === '' || text.length > STEP_TOKENS ? undefined : new AsciiText(tokens);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length;
  }

  addCode(code: number): void {
    this.#reserve(1);
    this.#out[this.#length] = code;
    this.#length += 1;
  }

  /** Adds token `at`, in upper case when `isWord`. */
  addToken(at: number, isWord: boolean): void {
    const start = startAt(this.#tokens, at);
    const end = startAt(this.#tokens, at + 1);
    this.#reserve(end - start);
    const out = this.#out;
    let to = this.#length;
    for (let from = start; from < end; from += 1) {
      const code = SOURCE[from] ?? 0;
      out[to] = isWord ? (CAPITAL[code] ?? 0) : code;
      to += 1;
    }
    this.#length = to;
  }

  add(piece: string): void {
    this.#reserve(piece.length);
    for (let at = 0; at < piece.length; at += 1)
      this.#out[this.#length + at] = piece.charCodeAt(at);
    this.#length += piece.length;
  }

  endStep(): void {
    // Nothing: a text of one step ends with it.
  }

  text(): string {
    return this.#out.toString('latin1', 0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#out.length) return;
    const larger = Buffer.alloc(2 * (this.#length + count));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}
