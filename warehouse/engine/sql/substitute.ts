/** What the session knows, written into the text: context functions, session variables and binds. */
import type { EngineBind } from '../engine.js';
import { failure, StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { numberedQuery } from './earlier-queries.js';
import { isSymbol, raw, type Piece } from './pieces.js';
import { quoteText } from '#base/sql/token-values.js';

const BARE: ReadonlySet<string> = new Set([
  'CURRENT_DATE',
  'CURRENT_TIMESTAMP',
  'CURRENT_TIME',
  'LOCALTIMESTAMP',
  'LOCALTIME',
  'CURRENT_USER',
]);

/** `pieces` with every context function, variable and bind replaced by a literal. Array binds give their first row. */
export function substitute(
  pieces: readonly Piece[],
  request: StatementRequest,
  now: Date,
): readonly Piece[] {
  const literals = contextLiterals(request, now);
  const out: Piece[] = [];
  let binds = 0;
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    if (piece.kind === 'bind') {
      out.push(raw(bindLiteral(request.binds[bindNumber(piece) ?? binds++]), piece));
    } else if (piece.kind === 'variable') {
      out.push(variable(piece, request));
    } else if (piece.kind === 'word' && !isSymbol(pieces, index - 1, '.')) {
      const numbered = numberedQuery(pieces, index, request.context);
      if (numbered !== undefined) {
        const { kept, literal, dropped } = numbered;
        out.push(...pieces.slice(index, index + kept), raw(literal, piece));
        index += kept + dropped - 1;
        continue;
      }
      const isCall = isSymbol(pieces, index + 1, '(') && isSymbol(pieces, index + 2, ')');
      const literal = isCall || BARE.has(piece.value) ? literals(piece.value) : undefined;
      if (literal === undefined) out.push(piece);
      else {
        out.push(raw(literal, piece));
        index += isCall ? 2 : precision(pieces, index);
      }
    } else out.push(piece);
  }
  return out;
}

/** Counted from nought; undefined for `?`, which takes the next. */
function bindNumber(piece: Piece): number | undefined {
  const named = /^:(\d+)$/.exec(piece.value);
  return named === null ? undefined : Number(named[1]) - 1;
}

/** Throws 002049 for a bind that has no value: compiling takes it as NULL, running may not. */
export function refuseMissingBinds(pieces: readonly Piece[], request: StatementRequest): void {
  if (request.bindStage !== undefined) return;
  let next = 0;
  for (const piece of pieces) {
    if (piece.kind !== 'bind') continue;
    if (request.binds[bindNumber(piece) ?? next++] !== undefined) continue;
    throw new StatementFailed(
      failure(
        '002049',
        '42601',
        `SQL compilation error: error line 1 at position ${piece.start}\nBind variable ${piece.text} not set.`,
      ),
    );
  }
}

/** `CURRENT_TIMESTAMP(3)`: the pieces of the bracket. */
function precision(pieces: readonly Piece[], index: number): number {
  return isSymbol(pieces, index + 1, '(') && isSymbol(pieces, index + 3, ')') ? 3 : 0;
}

/** The zone of the session's clocks. */
export function timezoneOf({ parameters }: StatementRequest): string {
  return String(parameters['TIMEZONE'] ?? 'UTC');
}

function contextLiterals(
  request: StatementRequest,
  now: Date,
): (name: string) => string | undefined {
  const stated = request.context['CURRENT_TIMESTAMP'];
  const parsed = stated === undefined || stated === null ? now : new Date(stated);
  const instant = (Number.isNaN(parsed.getTime()) ? now : parsed).toISOString();
  const text = instant.slice(0, 23).replace('T', ' ');
  const local = wallClock(new Date(instant), timezoneOf(request));
  return (name) => {
    switch (name) {
      case 'CURRENT_DATE':
        return `CAST('${local.slice(0, 10)}' AS DATE)`;
      case 'CURRENT_TIME':
      case 'LOCALTIME':
        return `CAST('${local.slice(11)}${text.slice(19)}' AS TIME)`;
      case 'CURRENT_TIMESTAMP':
      case 'LOCALTIMESTAMP':
      case 'GETDATE':
      case 'SYSTIMESTAMP':
        return `CAST('${text}+00' AS TIMESTAMP_LTZ)`;
      case 'SYSDATE':
        return `CAST('${text}' AS TIMESTAMP_NTZ)`;
    }
    const value = request.context[name];
    if (value !== undefined) return value === null ? 'NULL' : quoteText(value);
    if (name === 'CURRENT_VERSION') return quoteText('9.0.0');
    if (name === 'CURRENT_DATABASE')
      return request.database === null ? 'NULL' : quoteText(request.database);
    if (name === 'CURRENT_SCHEMA')
      return request.schema === null ? 'NULL' : quoteText(request.schema);
    return undefined;
  };
}

/** `YYYY-MM-DD HH:MM:SS` as clocks in the zone show it; in UTC for a name that is no zone. */
function wallClock(instant: Date, timeZone: string): string {
  try {
    return instant.toLocaleString('sv-SE', { timeZone });
  } catch (thrown) {
    if (thrown instanceof RangeError) return instant.toLocaleString('sv-SE', { timeZone: 'UTC' });
    throw thrown;
  }
}

function variable(piece: Piece, request: StatementRequest): Piece {
  if (/^\d+$/.test(piece.value))
    return { ...piece, kind: 'word', text: `COLUMN${piece.value}`, value: `COLUMN${piece.value}` };
  const value = request.context[`$${piece.value}`] ?? request.context[piece.value];
  if (value === undefined)
    throw new StatementFailed(
      failure(
        '002211',
        '42000',
        `SQL compilation error:\nerror line 1 at position ${piece.start}\nSession variable '$${piece.value}' does not exist`,
      ),
    );
  if (value === null) return raw('NULL', piece);
  const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value);
  return isNumber ? raw(value, piece) : { ...piece, kind: 'string', text: quoteText(value), value };
}

/** A literal for a bind; a missing one (compiling only) is NULL. */
export function bindLiteral(bind: EngineBind | undefined): string {
  if (bind === undefined) return 'NULL';
  const value =
    typeof bind.value === 'string' || bind.value === null ? bind.value : (bind.value[0] ?? null);
  return textLiteral(bind.type, value);
}

const NANOS = 1_000_000_000n;

/** A Snowflake literal for a value in the wire's encoding of binds; fails with 100038 when it is none. */
export function textLiteral(type: string, value: string | null): string {
  if (value === null) return 'NULL';
  switch (type.toUpperCase()) {
    case 'FIXED':
      if (!/^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(value))
        throw notRecognised('Numeric value', value);
      return value.startsWith('-') ? `(${value})` : value;
    case 'REAL':
      return `CAST(${quoteText(value)} AS DOUBLE)`;
    case 'BOOLEAN':
      return /^(?:1|true|t|yes|on)$/i.test(value) ? 'TRUE' : 'FALSE';
    case 'DATE':
      return /^-?\d+$/.test(value)
        ? `CAST('${new Date(Number(value)).toISOString().slice(0, 10)}' AS DATE)`
        : `CAST(${quoteText(value)} AS DATE)`;
    case 'TIME':
      return `CAST('${/^\d+$/.test(value) ? clock(BigInt(value)) : value.replaceAll("'", '')}' AS TIME)`;
    case 'TIMESTAMP_NTZ':
      return `CAST(${quoteText(instant(value))} AS TIMESTAMP_NTZ)`;
    case 'TIMESTAMP_LTZ':
      return `CAST(${quoteText(`${instant(value)}+00`)} AS TIMESTAMP_LTZ)`;
    case 'TIMESTAMP_TZ':
      return `CAST(${quoteText(`${instant(value.split(' ')[0] ?? '')}+00`)} AS TIMESTAMP_TZ)`;
    case 'BINARY':
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw notRecognised('Binary value', value);
      return `X'${value}'`;
    case 'VARIANT':
    case 'OBJECT':
    case 'ARRAY':
      return `PARSE_JSON(${quoteText(value)})`;
    default:
      return quoteText(value);
  }
}

/** A bind's value as text that DuckDB casts to `type`, DuckDB's type of it. Fails with 100038 for a bad number. */
export function plainBind(
  type: string,
  value: string | null,
): { readonly text: string; readonly type: string } {
  const of = (
    duckType: string,
    convert: (text: string) => string = (text) => text,
  ): { text: string; type: string } => ({
    text: value === null ? '' : convert(value),
    type: duckType,
  });
  switch (type.toUpperCase()) {
    case 'FIXED':
      if (value !== null && !/^[+-]?\d+(?:\.\d*)?$/.test(value))
        throw notRecognised('Numeric value', value);
      return of('DECIMAL(38,0)');
    case 'REAL':
      return of('DOUBLE');
    case 'BOOLEAN':
      return of('BOOLEAN');
    case 'DATE':
      return of('DATE', (text) =>
        /^-?\d+$/.test(text) ? new Date(Number(text)).toISOString().slice(0, 10) : text,
      );
    case 'TIME':
      return of('TIME', (text) => (/^\d+$/.test(text) ? clock(BigInt(text)) : text));
    case 'TIMESTAMP_NTZ':
      return of('TIMESTAMP', instant);
    case 'TIMESTAMP_LTZ':
    case 'TIMESTAMP_TZ':
      return of('TIMESTAMPTZ', (text) => `${instant(text.split(' ')[0] ?? '')}+00`);
    case 'VARIANT':
    case 'OBJECT':
    case 'ARRAY':
      return of('JSON');
    default:
      return of('VARCHAR');
  }
}

function notRecognised(what: string, value: string): StatementFailed {
  return new StatementFailed(failure('100038', '22018', `${what} '${value}' is not recognized`));
}

/** Nanoseconds since the epoch as text with six digits, DuckDB's precision. */
function instant(value: string): string {
  if (!/^-?\d+$/.test(value)) return value;
  const nanos = BigInt(value);
  const seconds = nanos >= 0n ? nanos / NANOS : (nanos - NANOS + 1n) / NANOS;
  const fraction = micros(nanos - seconds * NANOS);
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${fraction}`;
}

function clock(nanos: bigint): string {
  const seconds = Number(nanos / NANOS);
  const two = (value: number): string => String(value).padStart(2, '0');
  const fraction = micros(nanos % NANOS);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

/** Six digits of a second. More cannot be kept, and are not cut off unsaid. */
function micros(nanos: bigint): string {
  if (nanos % 1000n !== 0n)
    throw new StatementFailed(unsupported('digits of a second beyond the sixth'));
  return String(nanos / 1000n).padStart(6, '0');
}
