/**
 * Calls and casts whose translation would change their meaning, rewritten before the transpiler sees them: private
 * names (macros.ts) with the date part in the name, constant formats, text casts that undo JSON's quotes.
 */
import { StatementFailed, unsupported } from '../failures.js';
import { datePart, timeFormat, type DatePart } from './date-parts.js';
import { closing, isSymbol, isWord, quoteText, raw, splitAtCommas, type Piece } from './pieces.js';
import { conversion } from './conversions.js';
import { operandStart } from './operands.js';
import { duckType, isTypeName } from './types.js';

/** Same arguments, private name. */
const RENAMED: Readonly<Record<string, string>> = {
  DATE: 'TG_TO_DATE',
  TO_TIME: 'TG_TO_TIME',
  TIME: 'TG_TO_TIME',
  TRY_TO_TIMESTAMP: 'TG_TRY_TIMESTAMP',
  TRY_TO_TIMESTAMP_NTZ: 'TG_TRY_TIMESTAMP',
  TO_TIMESTAMP_LTZ: 'TG_INSTANT',
  TO_TIMESTAMP_TZ: 'TG_INSTANT',
  TG_TO_ZONED: 'TG_ZONED',
  TRY_TO_TIMESTAMP_LTZ: 'TG_TRY_INSTANT',
  TRY_TO_TIMESTAMP_TZ: 'TG_TRY_INSTANT',
  TG_TRY_TO_ZONED: 'TG_TRY_ZONED',
  TO_BINARY: 'TG_TO_BINARY',
  TRY_TO_BINARY: 'TG_TRY_TO_BINARY',
  TO_DOUBLE: 'TG_TO_DOUBLE',
  TRY_TO_DOUBLE: 'TG_TRY_DOUBLE',
  TO_BOOLEAN: 'TG_TO_BOOLEAN',
  TRY_TO_BOOLEAN: 'TG_TRY_BOOLEAN',
  TO_VARIANT: 'TG_TO_VARIANT',
  TO_ARRAY: 'TG_TO_ARRAY',
  TO_OBJECT: 'TG_TO_VARIANT',
  TO_JSON: 'TG_JSON_TEXT',
  PARSE_JSON: 'TG_PARSE_JSON',
  TRY_PARSE_JSON: 'TG_TRY_PARSE_JSON',
  ARRAY_SIZE: 'TG_ARRAY_SIZE',
  ARRAY_CONTAINS: 'TG_ARRAY_CONTAINS',
  OBJECT_KEYS: 'TG_OBJECT_KEYS',
  SPLIT: 'TG_SPLIT',
  STARTSWITH: 'TG_STARTSWITH',
  ENDSWITH: 'TG_ENDSWITH',
  CONTAINS: 'TG_CONTAINS',
  INITCAP: 'TG_INITCAP',
  REGEXP_LIKE: 'TG_REGEXP_LIKE',
  RLIKE: 'TG_REGEXP_LIKE',
  ADD_MONTHS: 'TG_ADD_MONTHS',
  UNIFORM: 'TG_UNIFORM',
  RANDOM: 'TG_RANDOM',
  SHA2: 'TG_SHA2',
  SYSTEM$WAIT: 'TG_WAIT',
  SYSTEM$TYPEOF: 'TG_TYPEOF',
  TYPEOF: 'TG_TYPEOF',
  ZEROIFNULL: 'TG_ZEROIFNULL',
  ARRAY_CONSTRUCT: 'JSON_ARRAY',
};

/** Meaning differs and no macro has it: better refused than wrong. */
const REFUSED: ReadonlySet<string> = new Set([
  'HASH',
  'HASH_AGG',
  'RANDSTR',
  'MINHASH',
  'ZIPF',
  'NORMAL',
  'OBJECT_AGG',
  'ARRAY_SLICE',
  'STRTOK',
  'DECRYPT',
  'ENCRYPT',
  'CONVERT_TIMEZONE',
  'REGEXP_COUNT',
  'REGEXP_INSTR',
  'WIDTH_BUCKET',
  'RATIO_TO_REPORT',
]);

/** Without a method DuckDB reads `(10)` as ten rows, Snowflake as ten in a hundred. */
const SAMPLES: ReadonlySet<string> = new Set(['SAMPLE', 'TABLESAMPLE']);

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '>', '<=', '>=']);

/** `pieces` with private names, formats and types in place. Throws StatementFailed for calls that cannot be kept. */
export function renameFunctions(pieces: readonly Piece[]): readonly Piece[] {
  return new Renaming(pieces).run();
}

class Renaming {
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
        piece.kind === 'word' &&
        isSymbol(this.#pieces, index + 1, '(') &&
        !isSymbol(this.#pieces, index - 1, '.')
      )
        index = this.#call(piece, index);
      else if (piece.kind === 'symbol' && COMPARISONS.has(piece.value))
        this.#comparison(piece, index);
      else this.#out.push(piece);
    }
    return this.#out;
  }

  /** Writes a call's name; returns the index of the last piece used. Its arguments follow in the main loop. */
  #call(piece: Piece, index: number): number {
    const name = piece.value;
    const open = index + 1;
    const close = closing(this.#pieces, open);
    const args = splitAtCommas(this.#pieces, open + 1, close);
    if (SAMPLES.has(name)) {
      const isRows = isWord(this.#pieces, close - 1, 'ROWS');
      this.#out.push(raw(isRows ? 'TABLESAMPLE' : 'TABLESAMPLE BERNOULLI', piece));
      return index;
    }
    if (REFUSED.has(name)) throw new StatementFailed(unsupported(`function ${name}`));
    const timed = this.#timeCall(piece, index, args);
    if (timed !== undefined) return timed;
    switch (name) {
      case 'CAST':
      case 'TRY_CAST':
        return this.#castCall(piece, index, close);
      case 'CONCAT':
        this.#instead.set(open, '((');
        for (const [from] of args.slice(1)) this.#instead.set(from - 1, ') || (');
        this.#instead.set(close, '))');
        return index;
      case 'OBJECT_CONSTRUCT':
        this.#out.push(raw('TG_WITHOUT_NULLS(JSON_OBJECT', piece));
        this.#instead.set(close, '))');
        return index;
      case 'TO_NUMBER':
      case 'TO_DECIMAL':
      case 'TO_NUMERIC':
      case 'TRY_TO_NUMBER':
      case 'TRY_TO_DECIMAL':
      case 'TRY_TO_NUMERIC':
        this.#toNumber(piece, args, close);
        return index;
      case 'LISTAGG':
        if (args.length === 1) this.#instead.set(close, ", '')");
        this.#out.push(piece);
        return index;
      case 'SEQ1':
      case 'SEQ2':
      case 'SEQ4':
      case 'SEQ8':
        this.#out.push(raw('(ROW_NUMBER() OVER () - 1)', piece));
        return close;
    }
    const renamed = Object.hasOwn(RENAMED, name) ? RENAMED[name] : undefined;
    this.#out.push(renamed === undefined ? piece : { ...piece, text: renamed, value: renamed });
    return index;
  }

  /** Calls that take a date part or a format; undefined for others. */
  #timeCall(
    piece: Piece,
    index: number,
    args: readonly (readonly [number, number])[],
  ): number | undefined {
    const write = (name: string): void =>
      void this.#out.push({ ...piece, text: name, value: name });
    switch (piece.value) {
      case 'DATEADD':
      case 'TIMESTAMPADD':
      case 'TIMEADD':
        write(`TG_DT_ADD_${this.#part(args, 0)}`);
        this.#dropFirst(index + 1, args);
        return index;
      case 'DATEDIFF':
      case 'TIMESTAMPDIFF':
      case 'TIMEDIFF':
        write(`TG_DIFF_${this.#part(args, 0)}`);
        this.#dropFirst(index + 1, args);
        return index;
      case 'DATE_TRUNC':
        write(`TG_DT_TRUNC_${this.#part(args, 0)}`);
        this.#dropFirst(index + 1, args);
        return index;
      case 'DATE_PART':
        write(`TG_PART_${this.#part(args, 0)}`);
        this.#dropFirst(index + 1, args);
        return index;
      case 'TRUNC':
        if (args.length !== 2 || this.#single(args[1])?.kind !== 'string') return undefined;
        write(`TG_DT_TRUNC_${this.#part(args, 1)}`);
        this.#dropSecond(args);
        return index;
      case 'TO_CHAR':
      case 'TO_VARCHAR':
        if (args.length === 1) write('TG_TEXT');
        else this.#format(args, write, 'TG_FORMAT_TIME');
        return index;
      case 'TO_DATE':
      case 'TRY_TO_DATE':
        if (args.length === 1) write(piece.value === 'TO_DATE' ? 'TG_TO_DATE' : 'TG_TRY_DATE');
        else
          this.#format(
            args,
            write,
            piece.value === 'TO_DATE' ? 'TG_PARSE_DATE' : 'TG_TRY_PARSE_DATE',
          );
        return index;
      case 'TO_TIMESTAMP':
      case 'TO_TIMESTAMP_NTZ':
        if (args.length === 1) write('TG_TO_TIMESTAMP');
        else this.#format(args, write, 'TG_PARSE_TIMESTAMP');
        return index;
    }
    return undefined;
  }

  #single(arg: readonly [number, number] | undefined): Piece | undefined {
    return arg !== undefined && arg[1] - arg[0] === 1 ? this.#pieces[arg[0]] : undefined;
  }

  #part(args: readonly (readonly [number, number])[], at: number): DatePart {
    const piece = this.#single(args[at]);
    const part = piece === undefined ? undefined : datePart(piece.value);
    if (part === undefined)
      throw new StatementFailed(unsupported(`date part ${piece?.value ?? ''}`));
    return part;
  }

  /** Leaves out the first argument. */
  #dropFirst(open: number, args: readonly (readonly [number, number])[]): void {
    const next = args[1]?.[0] ?? open + 2;
    for (let at = open + 1; at < next; at += 1) this.#instead.set(at, '');
  }

  #dropSecond(args: readonly (readonly [number, number])[]): void {
    const second = args[1];
    if (second === undefined) return;
    for (let at = second[0] - 1; at < second[1]; at += 1) this.#instead.set(at, '');
  }

  #format(
    args: readonly (readonly [number, number])[],
    write: (name: string) => void,
    name: string,
  ): void {
    const format = this.#single(args[1]);
    const converted =
      format?.kind === 'string' && args.length === 2 ? timeFormat(format.value) : undefined;
    if (converted === undefined) throw new StatementFailed(unsupported('this format'));
    write(name);
    this.#instead.set(args[1]?.[0] ?? -1, quoteText(converted));
  }

  #toNumber(piece: Piece, args: readonly (readonly [number, number])[], close: number): void {
    const digits = args.slice(1).map((arg) => this.#single(arg));
    if (digits.some((digit) => digit?.kind !== 'number'))
      throw new StatementFailed(unsupported('this number format'));
    const [size = '38', scale = '0'] = digits.map((digit) => digit?.value ?? '0');
    this.#out.push(raw(piece.value.startsWith('TRY_') ? 'TRY_CAST' : 'CAST', piece));
    const first = args[0];
    for (let at = first?.[1] ?? close; at < close; at += 1) this.#instead.set(at, '');
    this.#instead.set(close, `AS DECIMAL(${size}, ${scale}))`);
  }

  /** `CAST(x AS type)`: text through TG_TEXT, other types in their exact widths. */
  #castCall(piece: Piece, index: number, close: number): number {
    let as = close - 1;
    for (let at = index + 2; at < close; at += 1) {
      if (isSymbol(this.#pieces, at, '(')) at = closing(this.#pieces, at);
      else if (isWord(this.#pieces, at, 'AS')) as = at;
    }
    const type = this.#pieces[as + 1]?.value ?? '';
    if (!isTypeName(type)) {
      this.#out.push(piece);
      return index;
    }
    for (let at = as + 1; at < close; at += 1) this.#instead.set(at, '');
    const { sql } = duckType(this.#pieces, as + 1);
    const by = conversion(sql, piece.value === 'TRY_CAST');
    this.#out.push(by === undefined ? piece : raw(by, piece));
    this.#instead.set(by === undefined ? as + 1 : as, by === undefined ? sql : '');
    return index;
  }

  /** `x::type`; returns the index of the type's last piece. */
  #cast(index: number): number {
    const type = this.#pieces[index + 1]?.value ?? '';
    if (!isTypeName(type)) throw new StatementFailed(unsupported(`data type ${type}`));
    const { sql, to } = duckType(this.#pieces, index + 1);
    const operand = this.#out.splice(operandStart(this.#out));
    const by = conversion(sql, false);
    const end = by === undefined ? `AS ${sql})` : ')';
    this.#out.push(raw(`${by ?? 'CAST'}(`, operand[0]), ...operand, raw(end, undefined));
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
