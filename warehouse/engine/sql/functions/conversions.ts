/** Casts and conversion functions ("Conversion functions", "Data type conversion"), which never are DuckDB's own casts. */
import { StatementFailed, unsupported } from '../../failures.js';
import { numberType, type WrittenType } from '../types.js';
import type { CallSite } from './call-site.js';
import type { FunctionFamily } from './family.js';
import { instantOf, offsetOf, sessionOffset, wallOf } from './moments.js';
import { argument, failing, polymorphic, refusing, textOf, type Kind } from './polymorphic.js';

/** What stands before and behind a value to make it another type. */
export interface Conversion {
  /** Name of the macro. */
  readonly name: string;
  /** Further arguments with their commas. */
  readonly more: string;
  /** Brackets around the call: what is done with its result. */
  readonly outer: readonly { readonly name: string; readonly more: string }[];
}

/** How Snowflake's cast to `type` is written; `isTry` for NULL where it fails. */
export function conversion(type: WrittenType, isTry: boolean): Conversion {
  const name = (base: string): string => `TG_${isTry ? 'TRY_' : ''}${base}`;
  const { sql, size } = type;
  if (sql.startsWith('DECIMAL'))
    return { name: name('TO_NUMBER'), more: `, CAST(NULL AS ${sql})`, outer: [] };
  switch (sql) {
    case 'VARCHAR': {
      const fitting = { name: name('FITTING'), more: `, ${size ?? 0}` };
      return { name: 'TG_TO_TEXT', more: '', outer: size === undefined ? [] : [fitting] };
    }
    case 'DOUBLE':
      return { name: name('TO_REAL'), more: '', outer: [] };
    case 'BOOLEAN':
      return { name: name('TO_BOOLEAN'), more: '', outer: [] };
    case 'DATE':
      return { name: name('TO_DATE'), more: '', outer: [] };
    case 'BLOB':
      return { name: name('TO_BINARY'), more: '', outer: [] };
    case 'JSON':
      return { name: 'TG_TO_VARIANT', more: '', outer: [] };
    case 'TIME':
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
    case 'ZONED': {
      const cut = size === undefined || size >= 6 ? [] : [{ name: 'TG_CUT', more: `, ${size}` }];
      if (size !== undefined && size > 9)
        throw new StatementFailed(unsupported(`precision ${size}`));
      return { name: name(TIME_TARGETS[sql]), more: '', outer: cut };
    }
    default:
      throw new StatementFailed(unsupported(`a cast to ${sql}`));
  }
}

const TIME_TARGETS = {
  TIME: 'TO_TIME',
  TIMESTAMP: 'TO_NTZ',
  TIMESTAMPTZ: 'INSTANT',
  ZONED: 'ZONED',
} as const;

const VALUE = argument(0);
const X = VALUE.value;
const Y = argument(1).value;
const TEXT = textOf(VALUE);
const IS_TEXT = VALUE.is('text', 'json');
const IS_COUNT = VALUE.is('int', 'dec', 'real');
const NUMERIC: readonly Kind[] = ['int', 'dec', 'real', 'bool'];
const IS_NUMERIC = VALUE.is(...NUMERIC);

const NUMBER = `'[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?'`;
const REAL = `'(?i)[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|inf|infinity)|nan'`;
const matches = (text: string, pattern: string): string =>
  `regexp_full_match(trim(${text}), ${pattern})`;
const notNumber = (text: string): string =>
  failing('100038', '22018', `'Numeric value ''' || (${text}) || ''' is not recognized'`);
const notBoolean = (text: string): string =>
  failing('100037', '22018', `'Boolean value ''' || (${text}) || ''' is not recognized'`);
const invalidType = (target: string): string =>
  failing('001007', '22023', `'SQL compilation error: invalid type for parameter ''${target}'''`);

/** To the type of the second argument, a bare NULL of it. */
function toNumberMacro(isTry: boolean): string {
  const whole = (value: string): string => `cast_to_type(${value}, ${Y})`;
  const fromText = isTry
    ? `CASE WHEN ${matches(TEXT, NUMBER)} THEN TRY(${whole(`trim(${TEXT})`)}) END`
    : `CASE WHEN ${matches(TEXT, NUMBER)} THEN ${whole(`trim(${TEXT})`)} ELSE ${notNumber(TEXT)} END`;
  return polymorphic(
    isTry ? 'tg_try_to_number' : 'tg_to_number',
    2,
    `CASE WHEN ${X} IS NULL THEN ${whole('NULL')} WHEN ${IS_NUMERIC} THEN ${isTry ? `TRY(${whole(X)})` : whole(X)}
       WHEN ${IS_TEXT} THEN CASE WHEN (${TEXT}) IS NOT NULL THEN ${fromText} END ELSE ${invalidType('TO_NUMBER')} END`,
  );
}

/** To a type without a size. */
function simple(name: string, type: string, fromText: string, target: string): string {
  return polymorphic(
    name,
    1,
    `CASE WHEN ${X} IS NULL THEN NULL::${type} WHEN ${IS_NUMERIC} THEN ${X}::${type} WHEN ${IS_TEXT} THEN CASE WHEN (${TEXT}) IS NOT NULL THEN ${fromText} END ELSE ${invalidType(target)} END`,
  );
}

const TRUE = `('true', 't', 'yes', 'y', 'on', '1')`;
const FALSE = `('false', 'f', 'no', 'n', 'off', '0')`;
const boolean = (otherwise: string): string =>
  `CASE WHEN lower(trim(${TEXT})) IN ${TRUE} THEN true WHEN lower(trim(${TEXT})) IN ${FALSE} THEN false ELSE ${otherwise} END`;

/** A text, or a point in time, as a type of times. */
function temporal(name: string, type: string, kind: string, from: string): readonly string[] {
  return [false, true].map((isTry) =>
    polymorphic(
      `tg_${isTry ? 'try_' : ''}${name}`,
      1,
      `CASE WHEN ${X} IS NULL THEN NULL::${type} WHEN ${IS_TEXT} THEN tg_${isTry ? 'try_' : ''}read_time(${TEXT}, 'AUTO', '${kind}')::${type} ELSE (${from})::${type} END`,
    ),
  );
}

/** Seconds since the epoch. */
const fromEpoch = `make_timestamp(tg_micros(${X}::VARCHAR, 0))`;

const zoned = (instant: string, offset: string): string =>
  `CASE WHEN (${instant}) IS NOT NULL THEN struct_pack(tg_instant := ${instant}, tg_offset := ${offset}) END`;

/** A text that names a zone keeps it, others have the session's. */
function zonedMacro(isTry: boolean): string {
  const read = `tg_${isTry ? 'try_' : ''}read_time(${TEXT}, 'AUTO', 'ZONED')`;
  const instant = `CASE WHEN ${IS_TEXT} THEN (${read})::TIMESTAMPTZ WHEN ${IS_COUNT} THEN timezone('UTC', ${fromEpoch}) ELSE ${instantOf(VALUE)} END`;
  const offset = `CASE WHEN ${IS_TEXT} THEN tg_text_offset(${read}) WHEN ${VALUE.is('zoned')} THEN ${offsetOf(VALUE)} END`;
  return polymorphic(
    `tg_${isTry ? 'try_' : ''}zoned`,
    1,
    zoned(instant, `coalesce(${offset}, ${sessionOffset(instant)})`),
  );
}

const TIME_TEXT = `'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM'`;
const toText = polymorphic(
  'tg_to_text',
  1,
  `CASE WHEN ${X} IS NULL THEN NULL::VARCHAR WHEN ${VALUE.is('json')} THEN ${TEXT}
     WHEN ${VALUE.is('real')} THEN CASE WHEN isnan(${realOf(X)}) THEN 'NaN' ELSE format('{:.15g}', ${realOf(X)}) END
     WHEN ${VALUE.is('time')} THEN substr(${X}::VARCHAR, 1, 8)
     WHEN ${VALUE.is('ntz')} THEN strftime(${wallOf(VALUE)}, '%Y-%m-%d %H:%M:%S.%g')
     WHEN ${VALUE.is('ltz', 'zoned')} THEN tg_print_time(epoch_us(${wallOf(VALUE)}), ${offsetOf(VALUE)}, ${TIME_TEXT})
     WHEN ${VALUE.is('bytes')} THEN hex(${X}::VARCHAR::BLOB) ELSE ${X}::VARCHAR END`,
);

function realOf(value: string): string {
  return `TRY_CAST(${value}::VARCHAR AS DOUBLE)`;
}

/** TO_CHAR with a format: of numbers, times, or bytes. */
const print = polymorphic(
  'tg_print',
  2,
  `CASE WHEN ${X} IS NULL OR ${Y} IS NULL THEN NULL::VARCHAR
     WHEN ${VALUE.is('int', 'dec', 'real')} THEN tg_print_number(${X}::VARCHAR, ${Y}::VARCHAR)
     WHEN ${VALUE.is('bytes')} THEN CASE upper(${Y}::VARCHAR) WHEN 'HEX' THEN hex(${X}::VARCHAR::BLOB) WHEN 'BASE64' THEN to_base64(${X}::VARCHAR::BLOB)
       WHEN 'UTF-8' THEN decode(${X}::VARCHAR::BLOB) ELSE ${refusing('this binary format')} END
     WHEN ${VALUE.is('date', 'time', 'ntz', 'ltz', 'zoned', 'text')} THEN tg_print_time(epoch_us(${wallOf(VALUE)}), ${offsetOf(VALUE)}, ${Y}::VARCHAR)
     ELSE ${refusing('a format for this type')} END`,
);

/** Cuts the digits of a second beyond those that a declared precision has, in the text of any type of times. */
const cut = polymorphic(
  'tg_cut',
  2,
  `cast_to_type(CASE WHEN (${Y}) = 0 THEN regexp_replace(${X}::VARCHAR, '[.][0-9]+', '')
     ELSE regexp_replace(${X}::VARCHAR, concat('([.][0-9]{', ${Y}, '})[0-9]+'), '\\1') END, ${X})`,
);

const IS_HEX = `regexp_full_match(${TEXT}, '([0-9A-Fa-f]{2})*')`;
const notHex = (text: string): string =>
  failing(
    '100115',
    '22000',
    `'The following string is not a legal hex-encoded value: ''' || (${text}) || ''''`,
  );
const bytes = (otherwise: string): string =>
  `CASE WHEN ${X} IS NULL THEN NULL::BLOB WHEN ${VALUE.is('bytes')} THEN ${X}::VARCHAR::BLOB WHEN ${IS_TEXT} THEN CASE WHEN ${IS_HEX} THEN unhex(${TEXT}) ELSE ${otherwise} END ELSE ${invalidType('TO_BINARY')} END`;
const HEX_TEXT = `regexp_full_match(${X}::VARCHAR, '([0-9A-Fa-f]{2})*')`;
const bytesBy = (notHexText: string, base64: string): string =>
  `CASE WHEN ${X} IS NULL OR ${Y} IS NULL THEN NULL::BLOB WHEN upper(${Y}::VARCHAR) = 'HEX' THEN CASE WHEN ${HEX_TEXT} THEN unhex(${X}::VARCHAR) ELSE ${notHexText} END
    WHEN upper(${Y}::VARCHAR) IN ('UTF-8', 'UTF8') THEN encode(${X}::VARCHAR) WHEN upper(${Y}::VARCHAR) = 'BASE64' THEN ${base64} ELSE ${refusing('this binary format')} END`;

function toBinary(call: CallSite): void {
  const isTry = call.name.startsWith('TRY_');
  call.rename(`TG_${isTry ? 'TRY_' : ''}${call.args.length === 1 ? 'TO_BINARY' : 'BINARY_BY'}`);
}

/** `TO_NUMBER(x[, format][, digits[, scale]])`. */
function toNumber(call: CallSite): void {
  const isTry = call.name.startsWith('TRY_');
  const second = call.single(1);
  const hasFormat = call.args.length > 1 && second?.kind !== 'number';
  const digits = call.args
    .slice(hasFormat ? 2 : 1)
    .map((_, index) => call.single(index + (hasFormat ? 2 : 1)));
  if (digits.some((digit) => digit?.kind !== 'number') || digits.length > 2)
    throw new StatementFailed(unsupported('this number format'));
  const type = numberType(digits.map((digit) => digit?.value ?? '').join(','));
  for (let index = call.args.length - 1; index > (hasFormat ? 1 : 0); index -= 1)
    call.dropArgument(index);
  const name = isTry ? 'TG_TRY_TO_NUMBER' : 'TG_TO_NUMBER';
  if (!hasFormat) call.rename(name);
  else call.head = `${name}(${isTry ? 'TG_TRY_READ_NUMBER' : 'TG_READ_NUMBER'}`;
  call.closeWith(`${hasFormat ? ')' : ''}, CAST(NULL AS ${type}))`);
}

/** Two arguments are a format, or a scale when the second is a number: `TO_TIMESTAMP(1700000000000, 3)`. */
function toTime(target: string, kind: string, outer: string): (call: CallSite) => void {
  return (call) => {
    const prefix = call.name.startsWith('TRY_') ? 'TG_TRY_' : 'TG_';
    if (call.args.length === 1) {
      call.rename(`${prefix}${target}`);
      return;
    }
    if (call.args.length !== 2)
      throw new StatementFailed(unsupported(`${call.name} with ${call.args.length} arguments`));
    if (call.single(1)?.kind === 'number') {
      if (kind !== 'NTZ' && kind !== 'ZONED')
        throw new StatementFailed(unsupported('a scale for this type'));
      call.rename(kind === 'NTZ' ? 'TG_EPOCH_NTZ' : 'TG_EPOCH_LTZ');
      return;
    }
    call.head = `${outer}(${prefix}READ_TIME`;
    call.append(`, '${kind}')`);
  };
}

function toChar(call: CallSite): void {
  call.rename(call.args.length === 1 ? 'TG_TO_TEXT' : 'TG_PRINT');
  if (call.args.length > 2)
    throw new StatementFailed(unsupported(`${call.name} with ${call.args.length} arguments`));
}

const TO_NTZ = toTime('TO_NTZ', 'NTZ', 'TG_AS_NTZ');
const TO_LTZ = toTime('INSTANT', 'ZONED', 'TG_AS_LTZ');
const TO_ZONED = toTime('ZONED', 'ZONED', 'TG_ZONED');
const TO_DATE = toTime('TO_DATE', 'DATE', 'TG_AS_DATE');
const TO_TIME = toTime('TO_TIME', 'TIME', 'TG_AS_TIME');

export const CONVERSIONS: FunctionFamily = {
  same: [],
  renamed: {
    TO_DOUBLE: 'TG_TO_REAL',
    TRY_TO_DOUBLE: 'TG_TRY_TO_REAL',
    TO_BOOLEAN: 'TG_TO_BOOLEAN',
    TRY_TO_BOOLEAN: 'TG_TRY_TO_BOOLEAN',
  },
  rewritten: {
    TO_NUMBER: toNumber,
    TO_DECIMAL: toNumber,
    TO_NUMERIC: toNumber,
    TRY_TO_NUMBER: toNumber,
    TRY_TO_DECIMAL: toNumber,
    TRY_TO_NUMERIC: toNumber,
    TO_BINARY: toBinary,
    TRY_TO_BINARY: toBinary,
    TO_CHAR: toChar,
    TO_VARCHAR: toChar,
    DATE: TO_DATE,
    TO_DATE,
    TRY_TO_DATE: TO_DATE,
    TIME: TO_TIME,
    TO_TIME,
    TRY_TO_TIME: TO_TIME,
    TO_TIMESTAMP: TO_NTZ,
    TO_TIMESTAMP_NTZ: TO_NTZ,
    TRY_TO_TIMESTAMP: TO_NTZ,
    TRY_TO_TIMESTAMP_NTZ: TO_NTZ,
    TO_TIMESTAMP_LTZ: TO_LTZ,
    TRY_TO_TIMESTAMP_LTZ: TO_LTZ,
    TO_TIMESTAMP_TZ: TO_LTZ,
    TRY_TO_TIMESTAMP_TZ: TO_LTZ,
    // What zoned-items.ts makes of them where the offset shows.
    TG_TO_ZONED: TO_ZONED,
    TG_TRY_TO_ZONED: (call) => {
      if (call.args.length !== 1) TO_LTZ(call);
      else call.rename('TG_TRY_ZONED');
    },
  },
  macros: [
    toNumberMacro(false),
    toNumberMacro(true),
    simple(
      'tg_to_real',
      'DOUBLE',
      `CASE WHEN ${matches(TEXT, REAL)} THEN trim(${TEXT})::DOUBLE ELSE ${notNumber(TEXT)} END`,
      'TO_DOUBLE',
    ),
    simple(
      'tg_try_to_real',
      'DOUBLE',
      `CASE WHEN ${matches(TEXT, REAL)} THEN TRY_CAST(trim(${TEXT}) AS DOUBLE) END`,
      'TO_DOUBLE',
    ),
    simple('tg_to_boolean', 'BOOLEAN', boolean(notBoolean(TEXT)), 'TO_BOOLEAN'),
    simple('tg_try_to_boolean', 'BOOLEAN', boolean('NULL'), 'TO_BOOLEAN'),
    // Digits beyond the microsecond cannot be kept.
    `CREATE MACRO tg_micros(t, s) AS list_transform([system.main."*"(t::DECIMAL(26,9), power(10, system.main."-"(6, s))::DECIMAL(10,3))], lambda tg_u: CASE WHEN tg_u = trunc(tg_u) THEN tg_u::BIGINT ELSE ${refusing('digits of a second beyond the sixth')} END)[1]`,
    `CREATE MACRO tg_epoch_ntz(x, s) AS make_timestamp(tg_micros(x::VARCHAR, s))`,
    `CREATE MACRO tg_epoch_ltz(x, s) AS timezone('UTC', make_timestamp(tg_micros(x::VARCHAR, s)))`,
    `CREATE MACRO tg_clock_minutes(t) AS system.main."+"(system.main."*"(t[1:2]::INTEGER, 60), t[4:5]::INTEGER)`,
    `CREATE MACRO tg_as_date(x) AS x::DATE`,
    `CREATE MACRO tg_as_time(x) AS x::TIME`,
    `CREATE MACRO tg_as_ntz(x) AS x::TIMESTAMP`,
    `CREATE MACRO tg_as_ltz(x) AS x::TIMESTAMPTZ`,
    ...temporal('to_date', 'DATE', 'DATE', wallOf(VALUE)),
    ...temporal('to_time', 'TIME', 'TIME', wallOf(VALUE)),
    ...temporal(
      'to_ntz',
      'TIMESTAMP',
      'NTZ',
      `CASE WHEN ${IS_COUNT} THEN ${fromEpoch} ELSE ${wallOf(VALUE)} END`,
    ),
    ...temporal(
      'instant',
      'TIMESTAMPTZ',
      'ZONED',
      `CASE WHEN ${IS_COUNT} THEN timezone('UTC', ${fromEpoch}) ELSE ${instantOf(VALUE)} END`,
    ),
    `CREATE MACRO tg_text_offset(t) AS CASE WHEN regexp_matches(t, '[+-][0-9]{2}:[0-9]{2}$') THEN
       (CASE WHEN t[-6] = '-' THEN system.main."-"(0, tg_clock_minutes(t[-5:])) ELSE tg_clock_minutes(t[-5:]) END) END`,
    zonedMacro(false),
    zonedMacro(true),
    toText,
    print,
    cut,
    polymorphic(
      'tg_fitting',
      2,
      `CASE WHEN length(${X}::VARCHAR) > ${Y} THEN ${failing('100078', '22000', `'String ''' || ${X}::VARCHAR || ''' is too long and would be truncated'`)} ELSE ${X}::VARCHAR END`,
    ),
    `CREATE MACRO tg_try_fitting(t, n) AS CASE WHEN length(t) <= n THEN t END`,
    polymorphic('tg_to_binary', 1, bytes(notHex(TEXT))),
    polymorphic('tg_try_to_binary', 1, bytes('NULL')),
    polymorphic('tg_binary_by', 2, bytesBy(notHex(`${X}::VARCHAR`), `from_base64(${X}::VARCHAR)`)),
    polymorphic('tg_try_binary_by', 2, bytesBy('NULL', `TRY(from_base64(${X}::VARCHAR))`)),
  ],
};
