/**
 * File formats: Snowflake's option names, defaults and values ("CREATE FILE FORMAT"). The table below is the whole of
 * what is honoured; a known option with another value is refused, so that none is ever ignored.
 */
import { StatementFailed, unsupported } from '../failures.js';
import { timeElements } from '../values/time-format.js';
import {
  invalidOption,
  optionCount,
  optionFlag,
  optionText,
  optionTexts,
  unknownOption,
  type Option,
} from './options.js';

export const FORMAT_TYPES = ['CSV', 'JSON', 'PARQUET'] as const;
export type FormatType = (typeof FORMAT_TYPES)[number];
export type FormatValue = string | number | boolean | null | readonly string[];

export interface FileFormat {
  readonly type: FormatType;
  readonly values: Readonly<Record<string, FormatValue>>;
}

type Rule =
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly start: string }
  | { readonly kind: 'flag'; readonly start: boolean; readonly only?: boolean }
  | { readonly kind: 'count'; readonly start: number }
  /** A text, or NONE. */
  | { readonly kind: 'text'; readonly start: string | null; readonly longest: number }
  | { readonly kind: 'time'; readonly start: 'AUTO' }
  | { readonly kind: 'list'; readonly start: readonly string[]; readonly isFixed?: boolean };

const choice = (start: string, ...more: readonly string[]): Rule => ({
  kind: 'choice',
  of: [start, ...more],
  start,
});
const flag = (start: boolean): Rule => ({ kind: 'flag', start });
const always = (value: boolean): Rule => ({ kind: 'flag', start: value, only: value });
const mark = (start: string | null, longest = 1): Rule => ({ kind: 'text', start, longest });
const time: Rule = { kind: 'time', start: 'AUTO' };

const COMPRESSIONS = choice('AUTO', 'GZIP', 'NONE', 'DEFLATE', 'RAW_DEFLATE', 'BROTLI');

const RULES: Readonly<Record<FormatType, Readonly<Record<string, Rule>>>> = {
  CSV: {
    COMPRESSION: COMPRESSIONS,
    RECORD_DELIMITER: mark('\n', 20),
    FIELD_DELIMITER: mark(',', 20),
    FILE_EXTENSION: mark(null, 20),
    PARSE_HEADER: flag(false),
    SKIP_HEADER: { kind: 'count', start: 0 },
    SKIP_BLANK_LINES: flag(false),
    DATE_FORMAT: time,
    TIME_FORMAT: time,
    TIMESTAMP_FORMAT: time,
    BINARY_FORMAT: choice('HEX', 'BASE64', 'UTF8', 'UTF-8'),
    ESCAPE: mark(null),
    ESCAPE_UNENCLOSED_FIELD: mark('\\'),
    TRIM_SPACE: flag(false),
    FIELD_OPTIONALLY_ENCLOSED_BY: mark(null),
    NULL_IF: { kind: 'list', start: ['\\N'] },
    ERROR_ON_COLUMN_COUNT_MISMATCH: flag(true),
    VALIDATE_UTF8: always(true),
    REPLACE_INVALID_CHARACTERS: flag(false),
    EMPTY_FIELD_AS_NULL: flag(true),
    SKIP_BYTE_ORDER_MARK: always(true),
    MULTI_LINE: always(true),
    ENCODING: choice('UTF8', 'UTF-8'),
  },
  JSON: {
    COMPRESSION: COMPRESSIONS,
    FILE_EXTENSION: mark(null, 20),
    STRIP_OUTER_ARRAY: flag(false),
    REPLACE_INVALID_CHARACTERS: flag(false),
    DATE_FORMAT: choice('AUTO'),
    TIME_FORMAT: choice('AUTO'),
    TIMESTAMP_FORMAT: choice('AUTO'),
    BINARY_FORMAT: choice('HEX'),
    TRIM_SPACE: always(false),
    NULL_IF: { kind: 'list', start: [], isFixed: true },
    ENABLE_OCTAL: always(false),
    ALLOW_DUPLICATE: always(false),
    STRIP_NULL_VALUES: always(false),
    IGNORE_UTF8_ERRORS: always(false),
    SKIP_BYTE_ORDER_MARK: always(true),
    MULTI_LINE: always(true),
  },
  PARQUET: {
    // A file says itself how it is compressed.
    COMPRESSION: choice('AUTO', 'SNAPPY', 'GZIP', 'NONE'),
    SNAPPY_COMPRESSION: always(true),
    BINARY_AS_TEXT: flag(true),
    USE_LOGICAL_TYPE: flag(false),
    // Another reader of the same values.
    USE_VECTORIZED_SCANNER: flag(false),
    TRIM_SPACE: always(false),
    REPLACE_INVALID_CHARACTERS: always(false),
    NULL_IF: { kind: 'list', start: [], isFixed: true },
  },
};

/** The format with Snowflake's defaults. */
export function defaultFormat(type: FormatType = 'CSV'): FileFormat {
  const values = Object.entries(RULES[type]).map(([name, rule]) => [name, rule.start]);
  return { type, values: Object.fromEntries(values) as Record<string, FormatValue> };
}

/**
 * `base` with `options` over it; TYPE starts from the defaults of that type. Throws StatementFailed for an option that
 * the type does not have, a value that it does not take, and for what is not honoured here.
 */
export function withOptions(base: FileFormat, options: readonly Option[]): FileFormat {
  const type = options.find(({ name }) => name === 'TYPE');
  const named = type === undefined ? base.type : formatType(type);
  const start = named === base.type ? base : defaultFormat(named);
  const values: Record<string, FormatValue> = { ...start.values };
  for (const option of options) {
    if (option.name === 'TYPE') continue;
    const rules = RULES[named];
    const rule = Object.hasOwn(rules, option.name) ? rules[option.name] : undefined;
    if (rule === undefined) throw unknownOption(option);
    values[option.name] = valueOf(option, rule);
  }
  return checked({ type: named, values });
}

function formatType(option: Option): FormatType {
  const text = optionText(option).toUpperCase();
  const type = FORMAT_TYPES.find((one) => one === text);
  if (type !== undefined) return type;
  if (['AVRO', 'ORC', 'XML', 'CUSTOM'].includes(text))
    throw new StatementFailed(unsupported(`files of type ${text}`));
  throw invalidOption(option);
}

function valueOf(option: Option, rule: Rule): FormatValue {
  switch (rule.kind) {
    case 'choice': {
      const text = optionText(option).toUpperCase();
      if (!rule.of.includes(text)) throw notHonoured(option, text);
      return text === 'UTF-8' ? 'UTF8' : text;
    }
    case 'flag': {
      const value = optionFlag(option);
      if (rule.only !== undefined && value !== rule.only)
        throw notHonoured(option, String(value).toUpperCase());
      return value;
    }
    case 'count':
      return optionCount(option);
    case 'text':
      return markOf(option, rule.longest);
    case 'time': {
      const text = optionText(option);
      if (text.toUpperCase() === 'AUTO') return 'AUTO';
      if (timeElements(text) === undefined) throw notHonoured(option, text);
      return text;
    }
    case 'list': {
      const texts = optionTexts(option);
      if (rule.isFixed === true && texts.length > 0) throw notHonoured(option, texts.join(', '));
      return texts;
    }
  }
}

/** One character or a few, also as `0x…` or a hexadecimal or octal escape that the lexer left; NONE is null. */
function markOf(option: Option, longest: number): string | null {
  const text = optionText(option);
  const isWord = option.value[0]?.kind === 'word';
  if (text.toUpperCase() === 'NONE' && (isWord || longest > 1)) return null;
  if (text.toUpperCase() === 'NONE' && longest === 1) return null;
  const hex = /^0x((?:[0-9a-f]{2})+)$/i.exec(text)?.[1];
  const octal = /^\\?([0-7]{3})$/.exec(text)?.[1];
  const value =
    hex !== undefined
      ? Buffer.from(hex, 'hex').toString('utf8')
      : octal !== undefined && longest === 1
        ? String.fromCharCode(Number.parseInt(octal, 8))
        : text;
  if (value.length === 0 || value.length > longest) throw invalidOption(option);
  return value;
}

function checked(format: FileFormat): FileFormat {
  if (format.type !== 'CSV') return format;
  const enclosed = formatText(format, 'FIELD_OPTIONALLY_ENCLOSED_BY');
  if (enclosed !== null && enclosed !== '"' && enclosed !== "'")
    throw new StatementFailed(unsupported(`FIELD_OPTIONALLY_ENCLOSED_BY = '${enclosed}'`));
  if (formatFlag(format, 'PARSE_HEADER') && format.values['SKIP_HEADER'] !== 0)
    throw new StatementFailed(unsupported('PARSE_HEADER together with SKIP_HEADER'));
  return format;
}

function notHonoured(option: Option, value: string): StatementFailed {
  return new StatementFailed(unsupported(`file format option ${option.name} = ${value}`));
}

export function formatFlag(format: FileFormat, name: string): boolean {
  return format.values[name] === true;
}

export function formatText(format: FileFormat, name: string): string | null {
  const value = format.values[name];
  return typeof value === 'string' ? value : null;
}

export function formatCount(format: FileFormat, name: string): number {
  const value = format.values[name];
  return typeof value === 'number' ? value : 0;
}

export function formatList(format: FileFormat, name: string): readonly string[] {
  const value = format.values[name];
  return typeof value === 'object' && value !== null ? value : [];
}

/** Property, type, value and default of every option, as DESC FILE FORMAT prints them. */
export function formatRows(
  format: FileFormat,
): readonly (readonly [string, string, string, string])[] {
  const rules = RULES[format.type];
  const shown = (value: FormatValue | undefined): string => {
    if (value === null || value === undefined) return 'NONE';
    if (typeof value === 'object') return `[${value.join(', ')}]`;
    return String(value).replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r');
  };
  return [
    ['TYPE', 'String', format.type, 'CSV'],
    ...Object.entries(rules).map(([name, rule]) => {
      const types = { flag: 'Boolean', count: 'Integer', list: 'List' } as const;
      const type = rule.kind in types ? types[rule.kind as keyof typeof types] : 'String';
      return [name, type, shown(format.values[name]), shown(rule.start)] as const;
    }),
  ];
}

/** Reads a format that {@link FileFormat} was stored as JSON. */
export function storedFormat(json: string): FileFormat {
  return JSON.parse(json) as FileFormat;
}
