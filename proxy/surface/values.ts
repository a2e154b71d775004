/** Literals and binds of a surface statement, checked against the type of the column they meet. */
import { formatInstant } from '#base/time.js';
import { FormError, type Value } from './query.js';

/** A bind as it came: Snowflake's type name and the value as text. */
export interface SurfaceBind {
  readonly type: string;
  readonly value: string | null;
}

const DECIMAL = /^-?(?:\d{1,38}(?:\.\d{0,20})?|\.\d{1,20})$/;
const REAL = /^-?(?:\d{1,38}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?$/;
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))? ?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * The value to bind where a column of `type` (a `rowtype` name) is compared; null for a NULL bind. Throws FormError,
 * naming `column`, for a value of another kind: Snowflake would convert many of them, the surface takes only what is
 * certain. `binds` null: the statement is only described, and a bind stands for any value.
 */
export function literalOf(
  value: Value,
  type: string,
  column: string,
  binds: readonly SurfaceBind[] | null,
): string | boolean | null {
  const given =
    value.kind === 'bind' ? boundValue(value.index, binds) : { ...value, bindType: null };
  if (given === null) return null;
  const text = given.kind === 'boolean' ? String(given.value) : given.text;
  const result = convert(given.kind, text, type, given.bindType);
  if (result === undefined) {
    throw new FormError(
      `${column} cannot be compared with ${text.slice(0, 60)}; it needs ${EXPECTED[type] ?? type}`,
    );
  }
  return result;
}

const EXPECTED: Readonly<Record<string, string>> = {
  text: "text in '…'",
  fixed: 'a decimal number',
  real: 'a number',
  boolean: 'TRUE or FALSE',
  timestamp_ltz: "an instant such as '2026-11-23 05:44:00' (UTC unless it ends with an offset)",
};

type Given =
  | { readonly kind: 'text' | 'number'; readonly text: string; readonly bindType: string | null }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly bindType: string | null };

function boundValue(index: number, binds: readonly SurfaceBind[] | null): Given | null {
  if (binds === null) return null;
  const bind = binds[index];
  if (bind === undefined) throw new FormError(`Bind ${index + 1} has no value`);
  return bind.value === null
    ? null
    : { kind: 'text', text: bind.value, bindType: bind.type.toUpperCase() };
}

function convert(
  kind: Given['kind'],
  text: string,
  type: string,
  bindType: string | null,
): string | boolean | undefined {
  switch (type) {
    case 'text':
      // NUL cannot be stored in Postgres text, so that nothing equals it.
      return kind === 'boolean' || text.includes('\0') ? undefined : text;
    case 'fixed':
      return kind !== 'boolean' && DECIMAL.test(text) ? text : undefined;
    case 'real':
      return kind !== 'boolean' && REAL.test(text) ? text : undefined;
    case 'boolean':
      return booleanOf(text);
    case 'timestamp_ltz':
      return kind === 'text' ? instantOf(text, bindType) : undefined;
    default:
      return undefined;
  }
}

function booleanOf(text: string): boolean | undefined {
  if (/^(?:true|1)$/i.test(text)) return true;
  return /^(?:false|0)$/i.test(text) ? false : undefined;
}

/** Text, or what drivers bind for time types: nanoseconds, for DATE milliseconds, since the epoch. */
function instantOf(text: string, bindType: string | null): string | undefined {
  if (bindType !== null && bindType !== 'TEXT') {
    const digits = /^(-?\d{1,20})(?: \d{1,4})?$/.exec(text)?.[1];
    if (digits === undefined) return undefined;
    const milliseconds = bindType === 'DATE' ? BigInt(digits) : BigInt(digits) / 1_000_000n;
    const limit = 253_402_300_799_999n;
    return milliseconds < -limit || milliseconds > limit
      ? undefined
      : tryInstant(Number(milliseconds));
  }
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [, day = '', time = '00:00:00', zone = 'Z'] = match;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const clock = time.length === 5 ? `${time}:00` : time;
  // Date.parse takes the 30th of February for the 2nd of March; the round trip of the day finds that.
  const parsed = Date.parse(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(parsed) && formatInstant(parsed).startsWith(day);
  const isInstant = isDay && !Number.isNaN(Date.parse(`${day}T${clock.slice(0, 12)}${offset}`));
  return isInstant ? `${day} ${clock}${offset}` : undefined;
}

function tryInstant(ms: number): string | undefined {
  const text = formatInstant(ms);
  // Postgres reads years 0001 to 9999 in this form only.
  return /^\d{4}-/.test(text) && !text.startsWith('0000') ? text : undefined;
}
