/**
 * Makes a surface statement safe for a general parser: literals and binds become placeholders whose values our own
 * lexer has read, quoted names become plain words, `TABLE(TOLLGATE.WHY(…))` becomes a plain name, comments go. What
 * the parser then sees holds no text of the caller but names and operators.
 */
import {
  isOperator,
  KIND,
  kindAt,
  lex,
  significantIndexes,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { nameAt, stringValueAt } from '#base/sql/token-values.js';
import { COMPARISONS, FormError, type Value } from './query.js';
import { isViewName } from './recognise.js';

export interface Prepared {
  /** What the parser reads; placeholders are `:p0`, `:p1` … and `tgq0`, `tgq1` … */
  readonly text: string;
  /** Value of placeholder `p<i>`. */
  readonly values: readonly Value[];
  /** Exact name that `tgq<i>` stands for. */
  readonly quotedNames: readonly string[];
  readonly ticket: Value | null;
  /** Binds that the statement takes. */
  readonly bindCount: number;
}

const STATEMENT_BYTES_MAX = 4096;
const DEPTH_MAX = 24;
const OPERATORS: ReadonlySet<string> = new Set(['(', ')', ',', '.', '*', ...COMPARISONS, '!=']);
const QUOTED_NAME = /^tgq\d+$/i;

/** Throws FormError for a text that is too large, too deep, unterminated or holds anything but one statement. */
export function prepare(text: string): Prepared {
  if (Buffer.byteLength(text) > STATEMENT_BYTES_MAX)
    throw new FormError('The statement is longer than 4 KB');
  const tokens = lex(text);
  if (tokens.isUnterminated)
    throw new FormError('The statement ends inside a string, name or comment');
  const writer = new Writer(tokens);
  writer.run();
  return {
    text: writer.parts.join(' '),
    values: writer.values,
    quotedNames: writer.names,
    ticket: writer.ticket,
    bindCount: writer.bindCount,
  };
}

class Writer {
  readonly parts: string[] = [];
  readonly values: Value[] = [];
  readonly names: string[] = [];
  ticket: Value | null = null;
  bindCount = 0;
  readonly #tokens: Tokens;
  readonly #indexes: readonly number[];
  #binds = 0;
  #depth = 0;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
    const indexes = significantIndexes(tokens);
    while (isOperator(tokens, indexes.at(-1) ?? tokens.count, ';')) indexes.pop();
    this.#indexes = indexes;
  }

  run(): void {
    for (let at = 0; at < this.#indexes.length;) at += this.#one(at);
  }

  /** Writes the token at position `at` and says how many positions it took. */
  #one(at: number): number {
    const tokens = this.#tokens;
    const index = this.#indexes[at] ?? tokens.count;
    const value = this.#valueAt(at);
    if (value !== undefined) {
      this.parts.push(`:p${this.values.length}`);
      this.values.push(value.value);
      return value.length;
    }
    const kind = kindAt(tokens, index);
    if (kind === KIND.quotedIdentifier) {
      this.parts.push(`tgq${this.names.length}`);
      this.names.push(nameAt(tokens, index) ?? '');
      return 1;
    }
    if (kind === KIND.operator) return this.#operator(index);
    if (kind !== KIND.word || QUOTED_NAME.test(textAt(tokens, index))) {
      throw new FormError(`"${textAt(tokens, index).slice(0, 40)}" has no place in it`);
    }
    const word = wordAt(tokens, index);
    if (word === 'TABLE') {
      const length = this.#why(at);
      if (length !== undefined) return length;
    }
    this.#checkLiteralWord(word, at);
    this.parts.push(textAt(tokens, index));
    return 1;
  }

  /** The parser takes these for names of columns, and would say something else of them. */
  #checkLiteralWord(word: string, at: number): void {
    const next = kindAt(this.#tokens, this.#indexes[at + 1] ?? this.#tokens.count);
    if (word === 'TOP' && next === KIND.number)
      throw new FormError('TOP has no place in it; end with LIMIT');
    if (/^(?:DATE|TIMESTAMP)$/.test(word) && next === KIND.string)
      throw new FormError(`${word} has no place before a literal; write the text alone`);
  }

  #operator(index: number): number {
    const text = textAt(this.#tokens, index);
    if (text === ';') throw new FormError('It must be a statement of its own');
    if (!OPERATORS.has(text)) throw new FormError(`"${text}" has no place in it`);
    if (text === '(') this.#depth += 1;
    if (text === ')') this.#depth -= 1;
    if (this.#depth > DEPTH_MAX) throw new FormError('The brackets are nested too deeply');
    this.parts.push(text);
    return 1;
  }

  /** A literal or bind at position `at`; a sign belongs to a number when no operand stands before it. */
  #valueAt(at: number): { readonly value: Value; readonly length: number } | undefined {
    const tokens = this.#tokens;
    const index = this.#indexes[at] ?? tokens.count;
    const kind = kindAt(tokens, index);
    if (kind === KIND.string || kind === KIND.dollarString) {
      return { value: { kind: 'text', text: stringValueAt(tokens, index) ?? '' }, length: 1 };
    }
    if (kind === KIND.number)
      return { value: { kind: 'number', text: textAt(tokens, index) }, length: 1 };
    if (kind === KIND.bind)
      return { value: { kind: 'bind', index: this.#bindIndex(index) }, length: 1 };
    const next = this.#indexes[at + 1] ?? tokens.count;
    const isSigned = isOperator(tokens, index, '-') && kindAt(tokens, next) === KIND.number;
    if (!isSigned || this.#endsOperand()) return undefined;
    return { value: { kind: 'number', text: `-${textAt(tokens, next)}` }, length: 2 };
  }

  #endsOperand(): boolean {
    const last = this.parts.at(-1) ?? '';
    if (last === ')' || last.startsWith(':p') || last.startsWith('tgq')) return true;
    return (
      /^\w/.test(last) &&
      !/^(?:AND|OR|NOT|IN|BETWEEN|LIKE|ILIKE|WHERE|LIMIT|SELECT|BY)$/i.test(last)
    );
  }

  /** `?` takes the next bind, `:2` the second one. */
  #bindIndex(index: number): number {
    const position = this.#bindPosition(index);
    this.bindCount = Math.max(this.bindCount, position + 1);
    return position;
  }

  #bindPosition(index: number): number {
    const text = textAt(this.#tokens, index);
    if (text === '?') {
      this.#binds += 1;
      return this.#binds - 1;
    }
    const position = /^:([1-9]\d{0,3})$/.exec(text)?.[1];
    if (position === undefined)
      throw new FormError(`The bind ${text.slice(0, 40)} must be ? or a number such as :1`);
    return Number(position) - 1;
  }

  /** Takes `TABLE ( TOLLGATE . WHY ( <ticket> ) )`; undefined when that is not what stands here. */
  #why(at: number): number | undefined {
    const tokens = this.#tokens;
    const is = (offset: number, symbol: string): boolean =>
      isOperator(tokens, this.#indexes[at + offset] ?? tokens.count, symbol);
    const isCall = is(1, '(') && isViewName(tokens, this.#indexes, at + 2) && is(5, '(');
    if (!isCall || nameAt(tokens, this.#indexes[at + 4] ?? tokens.count) !== 'WHY')
      return undefined;
    const argument = this.#valueAt(at + 6);
    if (argument === undefined || !is(7, ')') || !is(8, ')')) {
      throw new FormError("WHY takes one ticket id: TABLE(TOLLGATE.WHY('<ticket>'))");
    }
    if (this.ticket !== null) throw new FormError('It reads more than one view');
    this.ticket = argument.value;
    this.parts.push('TOLLGATE', '.', 'WHY');
    return 9;
  }
}
