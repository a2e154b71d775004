/** Making, reading and asking VARIANT values ("Semi-structured and structured data functions"). */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { failure, StatementFailed, unsupported } from '../failures.js';
import { text, type Scalar } from './scalar.js';
import {
  fromStored,
  isArray,
  isObject,
  parseJson,
  plainText,
  printed,
  toStored,
  typeName,
  VariantNumber,
  VariantTyped,
  type Variant,
} from './variant.js';

/** The VARIANT in an argument; SQL's NULL is undefined. Fails with 001044 for a text that is no VARIANT. */
export function variant(value: DuckDBValue | undefined): Variant {
  if (value === null || value === undefined) return undefined;
  try {
    return fromStored(typeof value === 'string' ? value : '');
  } catch {
    throw new StatementFailed(
      failure(
        '001044',
        '42P13',
        'SQL compilation error: Invalid argument types: a VARIANT, OBJECT or ARRAY is expected',
      ),
    );
  }
}

/** A result: NULL of SQL for undefined. */
export function stored(value: Variant): string | null {
  return value === undefined ? null : toStored(value);
}

/** The text of a time with a date has three digits of a second. */
function instantText(value: DuckDBValue): string {
  const found = /^(\S+ \d\d:\d\d:\d\d)(?:\.(\d*))?/.exec(String(value));
  return `${found?.[1] ?? ''}.${(found?.[2] ?? '').slice(0, 3).padEnd(3, '0')}`;
}

/** A value of any DuckDB type as TO_VARIANT has it. */
export function toVariant(value: DuckDBValue): Variant {
  if (value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return VariantNumber.of(String(value));
  // The number types that JavaScript has are whole, but for DOUBLE and FLOAT, whose vectors are told apart by the caller.
  if (typeof value === 'number') return VariantNumber.of(String(value));
  if (value instanceof DuckDBDecimalValue) return VariantNumber.of(String(value));
  if (value instanceof DuckDBDateValue) return new VariantTyped('DATE', String(value));
  if (value instanceof DuckDBTimeValue) return new VariantTyped('TIME', String(value).slice(0, 8));
  if (value instanceof DuckDBTimestampValue)
    return new VariantTyped('TIMESTAMP_NTZ', instantText(value));
  if (value instanceof DuckDBTimestampTZValue)
    return new VariantTyped('TIMESTAMP_LTZ', `${instantText(value)} Z`);
  if (value instanceof DuckDBBlobValue)
    return new VariantTyped('BINARY', Buffer.from(value.bytes).toString('hex').toUpperCase());
  if (value instanceof DuckDBListValue) return value.items.map(toVariant);
  if (value instanceof DuckDBStructValue)
    return new Map(Object.entries(value.entries).map(([key, inner]) => [key, toVariant(inner)]));
  throw new StatementFailed(unsupported('this type in a VARIANT'));
}

/** A text whose order is that of the values of one type: numbers by size, texts by their bytes. */
function sortKey(value: Variant): string | null {
  if (value === undefined) return null;
  if (!(value instanceof VariantNumber))
    return `${typeName(value) ?? ''} ${plainText(value) ?? ''}`;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value.text));
  // The bits of a double are in its order once the sign is turned over, and all of them for a negative one.
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  for (let at = 0; at < 8; at += 1)
    bytes[at] = isNegative ? ~(bytes[at] ?? 0) & 0xff : (bytes[at] ?? 0) ^ (at === 0 ? 0x80 : 0);
  return `NUMBER ${bytes.toString('hex')} ${value.text}`;
}

function parsed(source: string): Variant {
  // PARSE_JSON: an empty text, or one of blanks, is NULL.
  return /^\s*$/.test(source) ? undefined : parseJson(source);
}

function cannotParse(thrown: unknown): StatementFailed {
  const why = thrown instanceof SyntaxError ? thrown.message : 'unreadable';
  return new StatementFailed(failure('100069', '22P02', `Error parsing JSON: ${why}`));
}

function asIs(name: string, kind: 'array' | 'object'): Scalar {
  const isKind = kind === 'array' ? isArray : isObject;
  return {
    name,
    parameters: ['value'],
    returns: kind,
    evaluate: ([value]) => {
      const known = variant(value);
      return isKind(known) ? toStored(known) : null;
    },
  };
}

const PARSING: readonly Scalar[] = [
  {
    name: 'tg_parse_json',
    parameters: ['text'],
    returns: 'variant',
    evaluate: ([source]) => {
      try {
        return stored(parsed(text(source)));
      } catch (thrown) {
        throw cannotParse(thrown);
      }
    },
  },
  {
    name: 'tg_try_parse_json',
    parameters: ['text'],
    returns: 'variant',
    evaluate: ([source]) => {
      try {
        return stored(parsed(text(source)));
      } catch {
        return null;
      }
    },
  },
  {
    name: 'tg_check_json',
    parameters: ['text'],
    returns: 'text',
    evaluate: ([source]) => {
      try {
        parsed(text(source));
        return null;
      } catch (thrown) {
        return thrown instanceof SyntaxError ? thrown.message : 'unreadable';
      }
    },
  },
];

const ASKING: readonly Scalar[] = [
  {
    name: 'tg_typeof',
    parameters: ['value'],
    returns: 'text',
    evaluate: ([value]) => typeName(variant(value)),
  },
  {
    name: 'tg_is_null_value',
    parameters: ['value'],
    returns: 'boolean',
    evaluate: ([value]) => variant(value) === null,
  },
  {
    name: 'tg_strip_null_value',
    parameters: ['value'],
    returns: 'variant',
    evaluate: ([value]) => stored(variant(value) ?? undefined),
  },
];

const WRITING: readonly Scalar[] = [
  {
    name: 'tg_variant_of',
    parameters: ['any'],
    returns: 'variant',
    evaluate: ([value], [type]) => {
      if (typeof value === 'number' && !Number.isFinite(value))
        throw new StatementFailed(unsupported('NaN and infinities in a VARIANT'));
      if (typeof value === 'number' && /^(?:DOUBLE|FLOAT)$/.test(String(type)))
        return toStored(VariantNumber.double(value));
      return stored(toVariant(value ?? null));
    },
  },
  {
    name: 'tg_json_text',
    parameters: ['value'],
    returns: 'text',
    evaluate: ([value]) => printed(variant(value), 'compact'),
  },
  {
    name: 'tg_variant_text',
    parameters: ['value'],
    returns: 'text',
    evaluate: ([value]) => plainText(variant(value)),
  },
  {
    name: 'tg_variant_cell',
    parameters: ['value'],
    returns: 'text',
    evaluate: ([value]) => printed(variant(value), 'cell'),
  },
  {
    // A text that is known to be a VARIANT's, typed as one.
    name: 'tg_variant_kept',
    parameters: ['value'],
    returns: 'variant',
    evaluate: ([value]) => text(value),
  },
  {
    name: 'tg_sort_key_of',
    parameters: ['value'],
    returns: 'text',
    evaluate: ([value]) => sortKey(variant(value)),
  },
  asIs('tg_as_array', 'array'),
  asIs('tg_as_object', 'object'),
  {
    name: 'tg_to_array',
    parameters: ['value'],
    returns: 'array',
    evaluate: ([value]) => {
      const known = variant(value);
      // TO_ARRAY: JSON's null is NULL, anything else an array of one.
      if (known === undefined || known === null) return null;
      return toStored(isArray(known) ? known : [known]);
    },
  },
  {
    name: 'tg_to_object',
    parameters: ['value'],
    returns: 'object',
    evaluate: ([value]) => {
      const known = variant(value);
      if (known === undefined || known === null) return null;
      if (isObject(known)) return toStored(known);
      throw new StatementFailed(
        failure(
          '100071',
          '22000',
          `Failed to cast variant value ${printed(known, 'compact')} to OBJECT`,
        ),
      );
    },
  },
];

export const VARIANTS: readonly Scalar[] = [...PARSING, ...ASKING, ...WRITING];
