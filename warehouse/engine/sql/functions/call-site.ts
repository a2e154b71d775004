/** One call of a function among the pieces of a statement, and what shall stand in its place. */
import { closing, isSymbol, isWord, splitAtCommas, type Piece } from '../pieces.js';

export type Range = readonly [from: number, to: number];

export class CallSite {
  readonly pieces: readonly Piece[];
  /** Index of the name. */
  readonly at: number;
  readonly open: number;
  /** Index of the closing bracket. */
  readonly close: number;
  /** Ranges of the arguments; none for empty brackets. */
  readonly args: readonly Range[];
  /** Text in place of the name; the name itself when undefined. */
  head: string | undefined;
  readonly #instead: Map<number, string>;

  /** @param instead text in place of pieces by index, filled by the methods and read by the pass that owns it. */
  constructor(pieces: readonly Piece[], at: number, instead: Map<number, string>) {
    this.pieces = pieces;
    this.at = at;
    this.open = at + 1;
    this.close = closing(pieces, this.open);
    this.args = splitAtCommas(pieces, this.open + 1, this.close);
    this.#instead = instead;
  }

  get name(): string {
    return this.pieces[this.at]?.value ?? '';
  }

  /** The only piece of argument `index`; undefined when it has several or is not there. */
  single(index: number): Piece | undefined {
    const arg = this.args[index];
    return arg !== undefined && arg[1] - arg[0] === 1 ? this.pieces[arg[0]] : undefined;
  }

  /** Whether argument `index` starts with the word. */
  startsWith(index: number, word: string): boolean {
    return isWord(this.pieces, this.args[index]?.[0] ?? -1, word);
  }

  /** Another name for the same arguments. */
  rename(name: string): void {
    this.head = name;
  }

  /** Text in place of the piece at `index`. */
  replace(index: number, text: string): void {
    this.#instead.set(index, text);
  }

  /** Text in place of a whole argument. */
  replaceArgument(index: number, text: string): void {
    const [from, to] = this.args[index] ?? [-1, -1];
    for (let at = from; at < to; at += 1) this.#instead.set(at, at === from ? text : '');
  }

  /** Leaves an argument out, with the comma that parts it from its neighbour. */
  dropArgument(index: number): void {
    const arg = this.args[index];
    if (arg === undefined) return;
    const next = this.args[index + 1];
    const from = index === 0 ? arg[0] : arg[0] - 1;
    const to = index === 0 && next !== undefined ? next[0] : arg[1];
    for (let at = from; at < to; at += 1) this.#instead.set(at, '');
  }

  /** Text before the closing bracket, such as `, 2`. */
  append(text: string): void {
    this.#instead.set(this.close, `${text})`);
  }

  /** Text in place of the closing bracket. */
  closeWith(text: string): void {
    this.#instead.set(this.close, text);
  }

  /** Text in place of the whole call. */
  replaceWhole(text: string): void {
    this.head = text;
    for (let at = this.open; at <= this.close; at += 1) this.#instead.set(at, '');
  }
}

/** Index of the last piece that belongs to an aggregate: its WITHIN GROUP, FILTER and OVER come after the bracket. */
export function aggregateEnd(call: CallSite): number {
  let end = call.close;
  for (;;) {
    const isWithin =
      isWord(call.pieces, end + 1, 'WITHIN') && isWord(call.pieces, end + 2, 'GROUP');
    const open = isWithin ? end + 3 : end + 2;
    const isPart =
      isWithin || isWord(call.pieces, end + 1, 'FILTER') || isWord(call.pieces, end + 1, 'OVER');
    if (!isPart || !isSymbol(call.pieces, open, '(')) return end;
    end = closing(call.pieces, open);
  }
}
