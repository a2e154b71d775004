/**
 * Calls and casts whose translation would change their meaning, rewritten before the transpiler sees them: the library
 * of functions says how each call is written, casts get exact types, comparisons with texts undo JSON's quotes.
 */
import { StatementFailed, unsupported } from '../failures.js';
import { checkArity } from './functions/arities.js';
import { CallSite } from './functions/call-site.js';
import { conversion, type Conversion } from './functions/conversions.js';
import { rewritingOf } from './functions/library.js';
import { operandStart } from './operands.js';
import { closing, isSymbol, isWord, raw, type Piece } from './pieces.js';
import { intervalAt } from './intervals.js';
import { withExactSums } from './sums.js';
import { duckType, isTypeName, numberType } from './types.js';

/** Words of the grammar that a bracket may follow. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `SELECT DISTINCT ALL ANY SOME TOP FROM WHERE GROUP BY HAVING QUALIFY ORDER LIMIT OFFSET FETCH ON USING JOIN LATERAL
   AND OR NOT IN EXISTS BETWEEN LIKE ILIKE RLIKE REGEXP ESCAPE IS CASE WHEN THEN ELSE OVER PARTITION FILTER WITHIN AS
   WITH RECURSIVE VALUES INTO TABLE SET UNION INTERSECT EXCEPT MINUS SETS ROLLUP CUBE PIVOT UNPIVOT FOR INSERT UPDATE
   DEFAULT EXCLUDE RENAME INTERVAL ROWS RANGE ASOF MATCH_CONDITION AT CHANGES UNNEST NULLS`.split(
    /\s+/,
  ),
);
/** Functions whose name is a keyword, too. */
const BOTH: ReadonlySet<string> = new Set(['RLIKE', 'REGEXP', 'INSERT', 'FILTER']);

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '>', '<=', '>=']);

/** `pieces` with private names, formats and types in place. Throws StatementFailed for calls that cannot be kept. */
export function rewriteCalls(pieces: readonly Piece[]): readonly Piece[] {
  return new CallPass(withExactSums(pieces)).run();
}

class CallPass {
  readonly #pieces: readonly Piece[];
  readonly #out: Piece[] = [];
  /** Text to write in place of a piece that is still to come. */
  readonly #instead = new Map<number, string>();

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  run(): readonly Piece[] {
    for (let index = 0; index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index];
      if (piece === undefined) break;
      const instead = this.#instead.get(index);
      if (instead !== undefined) {
        if (instead !== '') this.#out.push(raw(instead, piece));
      } else if (isSymbol(this.#pieces, index, '::')) index = this.#cast(index);
      else if (
        isWord(this.#pieces, index, 'INTERVAL') &&
        this.#pieces[index + 1]?.kind === 'string'
      )
        index = this.#interval(index);
      else if (piece.kind === 'word' && isSymbol(this.#pieces, index + 1, '('))
        this.#bracketed(piece, index);
      else if (piece.kind === 'symbol' && COMPARISONS.has(piece.value))
        this.#comparison(piece, index);
      else this.#out.push(piece);
    }
    return this.#out;
  }

  /** A word before a bracket: a call, a keyword or a name with columns. What is inside follows in the main loop. */
  #bracketed(piece: Piece, index: number): void {
    const name = piece.value;
    if (name === 'CAST' || name === 'TRY_CAST') {
      this.#castCall(piece, index);
      return;
    }
    if (!this.#isCall(name, index)) {
      this.#out.push(piece);
      return;
    }
    const rewriting = isSymbol(this.#pieces, index - 1, '.') ? undefined : rewritingOf(name);
    if (rewriting === undefined) throw new StatementFailed(unsupported(`function ${name}`));
    const call = new CallSite(this.#pieces, index, this.#instead);
    checkArity(call);
    rewriting(call);
    if (call.head === undefined) this.#out.push(piece);
    else if (/^[A-Z_$][\w$]*$/.test(call.head))
      this.#out.push({ ...piece, text: call.head, value: call.head });
    else if (call.head !== '') this.#out.push(raw(call.head, piece));
  }

  #isCall(name: string, index: number): boolean {
    const before = this.#pieces[index - 1];
    if (KEYWORDS.has(name)) return BOTH.has(name) && !isOperatorAfter(before);
    if (name === 'REPLACE' && this.#isWholeRow(index - 1)) return false;
    // `FROM t a(b)`, `) a(b)`, `AS a(b)`, and `WITH a(b) AS (`: a name with its columns.
    if (isWord(this.#pieces, index - 1, 'AS') || isSymbol(this.#pieces, index - 1, ')'))
      return false;
    if (before?.kind === 'quoted') return false;
    // Finished text is a table or a value, unless it is the start of something.
    if (before?.kind === 'raw' && !/[(,]\s*$/.test(before.text)) return false;
    const close = closing(this.#pieces, index + 1);
    return !(isWord(this.#pieces, close + 1, 'AS') && isSymbol(this.#pieces, close + 2, '('));
  }

  /** Whether piece `index` is the star of a select list, not of a product. */
  #isWholeRow(index: number): boolean {
    const before = this.#pieces[index - 1];
    return (
      isSymbol(this.#pieces, index, '*') &&
      ['.', ',', 'SELECT', 'DISTINCT', 'ALL'].includes(before?.value ?? '')
    );
  }

  /** `CAST(x AS type)`: text through TG_TEXT, other types in their exact widths. */
  #castCall(piece: Piece, index: number): void {
    const close = closing(this.#pieces, index + 1);
    let as = close - 1;
    for (let at = index + 2; at < close; at += 1) {
      if (isSymbol(this.#pieces, at, '(')) at = closing(this.#pieces, at);
      else if (isWord(this.#pieces, at, 'AS')) as = at;
    }
    const type = this.#pieces[as + 1]?.value ?? '';
    if (!isTypeName(type)) {
      this.#out.push(piece);
      return;
    }
    for (let at = as + 1; at < close; at += 1) this.#instead.set(at, '');
    const { name, more, outer } = conversion(
      duckType(this.#pieces, as + 1),
      piece.value === 'TRY_CAST',
    );
    this.#out.push(...opened(outer, piece), { ...piece, text: name, value: name });
    this.#instead.set(as, more);
    this.#instead.set(close, `)${outer.map((around) => `${around.more})`).join('')}`);
  }

  /** `x::type`; returns the index of the type's last piece. */
  #cast(index: number): number {
    const type = this.#pieces[index + 1]?.value ?? '';
    if (!isTypeName(type)) throw new StatementFailed(unsupported(`data type ${type}`));
    const written = duckType(this.#pieces, index + 1);
    const operand = this.#out.splice(operandStart(this.#out));
    if (isWideNumber(operand, written.sql)) {
      this.#out.push(...operand);
      return written.to - 1;
    }
    const { name, more, outer } = conversion(written, false);
    this.#out.push(...opened(outer, operand[0]), raw(`${name}(`, operand[0]), ...operand);
    if (more !== '') this.#out.push(raw(more, undefined));
    this.#out.push(raw(`)${outer.map((around) => `${around.more})`).join('')}`, undefined));
    return written.to - 1;
  }

  /** `INTERVAL '…'`; returns the index of its last piece. */
  #interval(index: number): number {
    const { text, to } = intervalAt(this.#pieces, index);
    this.#out.push(raw(text, this.#pieces[index]));
    return to - 1;
  }

  /** A path into a VARIANT compared with a text means the text inside it. */
  #comparison(piece: Piece, index: number): void {
    if (this.#pieces[index + 1]?.kind === 'string') {
      const start = operandStart(this.#out);
      if (this.#out.slice(start).some(({ kind, value }) => kind === 'symbol' && value === ':')) {
        const operand = this.#out.splice(start);
        this.#out.push(raw('TG_TEXT(', operand[0]), ...operand, raw(')', undefined));
      }
    }
    this.#out.push(piece);
  }
}

/** `x RLIKE (…)`, `x NOT RLIKE (…)` and `THEN INSERT (…)`: what stands before is a value, or asks for a clause. */
function isOperatorAfter(before: Piece | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'symbol') return before.value === ')' || before.value === ']';
  if (before.kind !== 'word') return true;
  return before.value === 'NOT' || before.value === 'THEN' || !KEYWORDS.has(before.value);
}

/** A whole number of more digits than a NUMBER(38,0) keeps here once it is stored: alone it has its type already. */
function isWideNumber(operand: readonly Piece[], type: string): boolean {
  const [only, ...more] = operand;
  return (
    more.length === 0 &&
    only?.kind === 'number' &&
    type === numberType('38,0') &&
    /^\d{27,38}$/.test(only.value)
  );
}

/** Calls around a conversion, from the outermost; their brackets close behind it. */
function opened(outer: Conversion['outer'], at: Piece | undefined): readonly Piece[] {
  return [...outer].reverse().map(({ name }) => raw(`${name}(`, at));
}
