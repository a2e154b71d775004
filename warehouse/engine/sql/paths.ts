/**
 * VARIANT in expressions: paths (`v:a.b[0]."C d"`), subscripts, and literals of arrays and objects become calls before
 * the transpiler sees them, because its own translation loses keys' case, counts positions from one and keeps JSON's
 * quotes. Where an operator would read the JSON of a value instead of the value, the value is written as a text.
 */
import { StatementFailed, unsupported } from '../failures.js';
import { operandEnd, operandStart } from './operands.js';
import { closing, isSymbol, isWord, splitAtCommas, type Piece } from './pieces.js';
import { quoteText } from '#base/sql/token-values.js';
import { namedVariants, VARIANT_TYPES } from './variant-names.js';

/** Words after which a bracket opens a literal, not a subscript. */
const BEFORE_VALUE: ReadonlySet<string> = new Set(
  `SELECT DISTINCT ALL WHERE AND OR NOT IN BETWEEN LIKE ILIKE WHEN THEN ELSE ON BY HAVING QUALIFY AS FROM CASE RETURN
   VALUES SET LIMIT USING`.split(/\s+/),
);
const TEXT_OPERATORS: ReadonlySet<string> = new Set(['LIKE', 'ILIKE', 'RLIKE', 'REGEXP']);
/** Operators that match a regular expression. */
const MATCHES: ReadonlySet<string> = new Set(['RLIKE', 'REGEXP']);
const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '>', '<=', '>=']);
const ORDERINGS: ReadonlySet<string> = new Set(['<', '>', '<=', '>=']);
const TEXT_TYPES: ReadonlySet<string> = new Set(['VARCHAR', 'STRING', 'TEXT', 'CHAR']);
const ITEM_ENDS: ReadonlySet<string> = new Set(
  'ASC DESC NULLS LIMIT OFFSET FETCH ROWS RANGE UNION'.split(' '),
);
/** Columns of FLATTEN that are VARIANTs. */
const FLATTENED: ReadonlySet<string> = new Set(['VALUE', 'THIS']);

/**
 * `pieces` with calls for paths, subscripts and literals; `sql` is the client's text, where keys have their case, and
 * `columns` the names of columns that are VARIANTs in a table of the statement.
 */
export function withVariantCalls(
  pieces: readonly Piece[],
  sql: string,
  columns: ReadonlySet<string>,
): readonly Piece[] {
  const isUsed =
    columns.size > 0 ||
    pieces.some(
      ({ kind, value }) =>
        (kind === 'symbol' &&
          (value === ':' || value === '[' || value === '{' || value === '::')) ||
        value.startsWith('TG_FLATTEN(') ||
        TEXT_OPERATORS.has(value),
    );
  if (!isUsed) return pieces;
  const known = new Set([...columns, ...namedVariants(pieces)]);
  if (pieces.some(({ value }) => value.startsWith('TG_FLATTEN(')))
    for (const name of FLATTENED) known.add(name);
  return new VariantPass(pieces, sql, known).run();
}

class VariantPass {
  readonly #pieces: readonly Piece[];
  readonly #sql: string;
  readonly #out: Piece[] = [];
  /** Names of columns that are VARIANTs. */
  readonly #columns: ReadonlySet<string>;
  /** Pieces that end a literal, with what they become. */
  readonly #instead = new Map<number, Piece>();

  constructor(pieces: readonly Piece[], sql: string, columns: ReadonlySet<string>) {
    this.#pieces = pieces;
    this.#sql = sql;
    this.#columns = columns;
  }

  run(): readonly Piece[] {
    for (let index = 0; index < this.#pieces.length;) index = this.#step(index);
    return this.#out;
  }

  /** Handles the piece at `index`; returns the next one to look at. */
  #step(index: number): number {
    const piece = this.#pieces[index];
    if (piece === undefined) return index + 1;
    const instead = this.#instead.get(index);
    if (instead !== undefined) {
      this.#out.push(instead);
      return index + 1;
    }
    if (piece.kind === 'symbol') {
      if (piece.value === ':' && this.#isPathStart(index)) return this.#path(index);
      if (piece.value === '[' && this.#isAfterValue()) return this.#path(index);
      if (piece.value === '[') return this.#literal(index, 'ARRAY_CONSTRUCT');
      if (piece.value === '{') return this.#object(index);
      if (piece.value === '::' && this.#castsToVariant(index)) return index + 2;
    }
    if (piece.kind === 'word' && this.#isAfterValue(piece.value)) {
      const used = MATCHES.has(piece.value) ? this.#match(index) : this.#patterns(index);
      if (used > index) return used;
    }
    this.#out.push(piece);
    const isColumn =
      (piece.kind === 'word' || piece.kind === 'quoted') && this.#columns.has(piece.value);
    const next = this.#pieces[index + 1];
    if (isColumn && !(next?.kind === 'symbol' && [':', '[', '(', '.'].includes(next.value)))
      this.#inContext(operandStart(this.#out), index + 1);
    return index + 1;
  }

  #isPathStart(index: number): boolean {
    const next = this.#pieces[index + 1];
    return (next?.kind === 'word' || next?.kind === 'quoted') && this.#isAfterValue();
  }

  /** Whether what has been written ends with a value. */
  #isAfterValue(word?: string): boolean {
    if (word !== undefined && !TEXT_OPERATORS.has(word)) return false;
    const end = word !== undefined && isWord(this.#out, this.#out.length - 1, 'NOT') ? -2 : -1;
    const last = this.#out.at(end);
    if (last === undefined) return false;
    if (word !== undefined && (last.kind === 'string' || last.kind === 'number')) return true;
    if (last.kind === 'symbol') return last.value === ')' || last.value === ']';
    if (last.kind === 'word') return !BEFORE_VALUE.has(last.value);
    if (last.kind === 'raw') return last.text.endsWith(')') || last.text.endsWith('"');
    return last.kind === 'quoted';
  }

  /** Where the operand of a path starts: casts before it belong to it. */
  #operandStart(): number {
    let start = operandStart(this.#out);
    while (isSymbol(this.#out, start - 1, '::'))
      start = operandStart(this.#out.slice(0, start - 1));
    return start;
  }

  #path(from: number): number {
    const start = this.#operandStart();
    let at = from;
    let path = '';
    for (;;) {
      const next = this.#pieces[at + 1];
      if (isSymbol(this.#pieces, at, '[')) {
        const close = closing(this.#pieces, at);
        const isPlain = close === at + 2 && (next?.kind === 'number' || next?.kind === 'string');
        if (isPlain && next.kind === 'number') path += `[${next.value}]`;
        else if (isPlain)
          path += `['${next.value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;
        else {
          this.#wrap(start, 'TG_PATH', path);
          path = '';
          this.#at(start, at, close);
        }
        at = close + 1;
      } else if (
        (isSymbol(this.#pieces, at, ':') || (isSymbol(this.#pieces, at, '.') && at > from)) &&
        (next?.kind === 'word' || next?.kind === 'quoted')
      ) {
        path += `${path === '' ? '' : '.'}"${this.#key(next).replaceAll('"', '""')}"`;
        at += 2;
      } else break;
    }
    this.#wrap(start, 'TG_PATH', path);
    this.#inContext(start, at);
    return at;
  }

  /** `x [NOT] RLIKE p` as a call: the whole of `x` has to match. */
  #match(index: number): number {
    const end = operandEnd(this.#pieces, index + 1);
    const isNegated = isWord(this.#out, this.#out.length - 1, 'NOT');
    if (isNegated) this.#out.pop();
    const start = this.#operandStart();
    const operand = this.#out.splice(start);
    const pattern = this.#inner(index + 1, end);
    const call = [
      word('REGEXP_LIKE', operand[0]),
      symbol('('),
      ...operand,
      symbol(','),
      ...pattern,
      symbol(')'),
    ];
    this.#out.push(
      ...(isNegated ? [symbol('('), word('NOT', undefined), ...call, symbol(')')] : call),
    );
    return end;
  }

  /** `x [NOT] LIKE ANY (p, …) [ESCAPE e]` in brackets of its own, which the transpiler forgets. */
  #patterns(index: number): number {
    const quantifier = this.#pieces[index + 1]?.value;
    const open = index + 2;
    if ((quantifier !== 'ANY' && quantifier !== 'ALL') || !isSymbol(this.#pieces, open, '('))
      return index;
    const close = closing(this.#pieces, open);
    const hasEscape = isWord(this.#pieces, close + 1, 'ESCAPE');
    const escape = hasEscape ? this.#pieces.slice(close + 1, close + 3) : [];
    const isNegated = isWord(this.#out, this.#out.length - 1, 'NOT');
    if (isNegated) this.#out.pop();
    const operand = this.#out.splice(this.#operandStart());
    const operator = this.#pieces[index];
    if (operator === undefined) return index;
    const whole: Piece[] = [symbol('(')];
    splitAtCommas(this.#pieces, open + 1, close).forEach(([from, to], at) => {
      if (at > 0) whole.push(word(quantifier === 'ANY' ? 'OR' : 'AND', undefined));
      whole.push(...operand, operator, ...this.#inner(from, to), ...escape);
    });
    whole.push(symbol(')'));
    if (isNegated) this.#out.push(symbol('('), word('NOT', undefined), ...whole, symbol(')'));
    else this.#out.push(...whole);
    return close + 1 + escape.length;
  }

  /** The pieces `[from, to)` with calls in place. */
  #inner(from: number, to: number): readonly Piece[] {
    return new VariantPass(this.#pieces.slice(from, to), this.#sql, this.#columns).run();
  }

  /** A key in the case of the client's text. */
  #key(piece: Piece): string {
    if (piece.kind === 'quoted' || piece.start < 0) return piece.value;
    const text = this.#sql.slice(piece.start, piece.start + piece.text.length);
    return text.toUpperCase() === piece.value.toUpperCase() ? text : piece.value;
  }

  /** `TG_AT(operand, expression)` for a subscript that is no constant. */
  #at(start: number, open: number, close: number): void {
    const inner = this.#inner(open + 1, close);
    const operand = this.#out.splice(start);
    const at = operand[0] ?? this.#pieces[open];
    this.#out.push(word('TG_AT', at), symbol('('), ...operand, symbol(','), ...inner, symbol(')'));
  }

  /** Puts the operand from `start` on into a call; with an empty path nothing happens. */
  #wrap(start: number, name: string, path?: string): void {
    if (path === '') return;
    const operand = this.#out.splice(start);
    const more: Piece[] =
      path === undefined
        ? []
        : [
            symbol(','),
            { kind: 'string', text: quoteText(path), value: path, start: -1, isSpaced: true },
          ];
    this.#out.push(word(name, operand[0]), symbol('('), ...operand, ...more, symbol(')'));
  }

  /** `x::ARRAY` and `x::OBJECT`. */
  #castsToVariant(index: number): boolean {
    const type = this.#pieces[index + 1]?.value ?? '';
    if ((type !== 'ARRAY' && type !== 'OBJECT') || isSymbol(this.#pieces, index + 2, '('))
      return false;
    this.#wrap(this.#operandStart(), `TO_${type}`);
    return true;
  }

  #literal(open: number, name: string): number {
    const close = closing(this.#pieces, open);
    this.#out.push(word(name, this.#pieces[open]), symbol('('));
    this.#instead.set(close, symbol(')'));
    return open + 1;
  }

  /** `{ 'key': value, … }` and `{*}`. */
  #object(open: number): number {
    const close = closing(this.#pieces, open);
    let depth = 0;
    for (let at = open + 1; at < close; at += 1) {
      const piece = this.#pieces[at];
      if (piece?.kind !== 'symbol') continue;
      if ('([{'.includes(piece.value)) depth += 1;
      else if (')]}'.includes(piece.value)) depth -= 1;
      else if (piece.value === ':' && depth === 0 && this.#pieces[at - 1]?.kind === 'string') {
        if (isWord(this.#pieces, at + 1, 'NULL'))
          throw new StatementFailed(unsupported('NULL in an object constant'));
        this.#instead.set(at, symbol(','));
      }
    }
    return this.#literal(open, 'OBJECT_CONSTRUCT');
  }

  /** Writes the VARIANT from `start` on as what its neighbours want; `next` is the piece after it. */
  #inContext(start: number, next: number): void {
    const name = this.#wanted(start, next);
    if (name !== undefined) this.#wrap(start, name);
  }

  #wanted(start: number, next: number): string | undefined {
    const pieces = this.#pieces;
    const after = pieces[next];
    const before = this.#out[start - 1];
    if (isSymbol(pieces, next, '::') || isWord(pieces, next, 'AS')) {
      const isCast =
        isSymbol(pieces, next, '::') ||
        isWord(this.#out, start - 2, 'CAST') ||
        isWord(this.#out, start - 2, 'TRY_CAST');
      const type = pieces[next + 1]?.value ?? '';
      return isCast && !VARIANT_TYPES.has(type) && !TEXT_TYPES.has(type) ? 'TG_TEXT' : undefined;
    }
    // A column that an UPDATE sets is no value.
    if (isWord(this.#out, start - 1, 'SET')) return undefined;
    this.#refuseExtreme(start, next);
    if (this.#isConverted(start, next)) return 'TG_TEXT';
    if (isSymbol(pieces, next, '||') || isSymbol(this.#out, start - 1, '||')) return 'TG_TEXT';
    const operator = isWord(pieces, next, 'NOT') ? pieces[next + 1] : after;
    const operand = pieces[isWord(pieces, next, 'NOT') ? next + 2 : next + 1];
    if (operator?.kind === 'word') {
      if (TEXT_OPERATORS.has(operator.value)) return 'TG_TEXT';
      if (operator.value === 'BETWEEN' && operand?.kind === 'string') return 'TG_TEXT';
      const isTextList = isSymbol(pieces, next + (operator === after ? 1 : 2), '(');
      const first = pieces[next + (operator === after ? 2 : 3)];
      if (operator.value === 'IN' && isTextList && first?.kind === 'string') return 'TG_TEXT';
    }
    if (after?.kind === 'symbol' && COMPARISONS.has(after.value) && operand?.kind === 'string')
      return 'TG_TEXT';
    if (before?.kind === 'symbol' && COMPARISONS.has(before.value)) {
      if (this.#out[start - 2]?.kind === 'string') return 'TG_TEXT';
      if (ORDERINGS.has(before.value) && this.#endsInPath(start - 2))
        throw new StatementFailed(unsupported('order among two VARIANTs; cast them to a type'));
    }
    return this.#isOrdered(start, next) && !this.#isAlias(start) ? 'TG_SORT_KEY' : undefined;
  }

  /** MIN and MAX would go by the text of a VARIANT. */
  #refuseExtreme(start: number, next: number): void {
    const name = this.#out[start - 2];
    const isArgument = isSymbol(this.#out, start - 1, '(') && isSymbol(this.#pieces, next, ')');
    if (isArgument && name?.kind === 'word' && (name.value === 'MIN' || name.value === 'MAX'))
      throw new StatementFailed(unsupported(`${name.value} of a VARIANT; cast it to a type`));
  }

  /** Whether the value from `start` on is the whole first argument of a conversion such as TO_DATE. */
  #isConverted(start: number, next: number): boolean {
    const name = this.#out[start - 2];
    const isEnd = isSymbol(this.#pieces, next, ')') || isSymbol(this.#pieces, next, ',');
    return (
      isEnd &&
      isSymbol(this.#out, start - 1, '(') &&
      name?.kind === 'word' &&
      /^(?:DATE|TIME|(?:TRY_)?TO_(?!VARIANT|ARRAY|OBJECT|JSON|CHAR|VARCHAR)\w+)$/.test(name.value)
    );
  }

  /** Whether the operand is a bare name that the statement also gives to a column. */
  #isAlias(start: number): boolean {
    const name = this.#out.length - start === 1 ? this.#out[start]?.value : undefined;
    return this.#pieces.some(
      (piece, at) => piece.value === name && isWord(this.#pieces, at - 1, 'AS'),
    );
  }

  /** Whether what ends at `end` is a path or a column that is a VARIANT. */
  #endsInPath(end: number): boolean {
    const last = this.#out[end];
    if (last?.kind === 'word' || last?.kind === 'quoted') return this.#columns.has(last.value);
    if (!isSymbol(this.#out, end, ')')) return false;
    const head = this.#out[operandStart(this.#out.slice(0, end + 1))];
    return head?.value === 'TG_PATH' || head?.value === 'TG_AT';
  }

  /** Whether the value from `start` on is a whole item of an ORDER BY. */
  #isOrdered(start: number, next: number): boolean {
    const after = this.#pieces[next];
    const isWhole =
      after === undefined ||
      (after.kind === 'symbol' && (after.value === ',' || after.value === ')')) ||
      (after.kind === 'word' && ITEM_ENDS.has(after.value));
    if (!isWhole) return false;
    let depth = 0;
    for (let at = start - 1; at >= 0; at -= 1) {
      const piece = this.#out[at];
      if (piece?.kind === 'symbol' && ')]'.includes(piece.value)) depth += 1;
      else if (piece?.kind === 'symbol' && '(['.includes(piece.value)) {
        if (depth === 0) return false;
        depth -= 1;
      } else if (depth === 0 && piece?.kind === 'word') {
        if (piece.value === 'BY') return isWord(this.#out, at - 1, 'ORDER');
        if (BEFORE_VALUE.has(piece.value)) return false;
      }
    }
    return false;
  }
}

function word(value: string, at: Piece | undefined): Piece {
  return { kind: 'word', text: value, value, start: at?.start ?? -1, isSpaced: true };
}

function symbol(value: string): Piece {
  return { kind: 'symbol', text: value, value, start: -1, isSpaced: false };
}
