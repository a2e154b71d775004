/** Records of a delimited text as Snowflake reads them ("CREATE FILE FORMAT", TYPE = CSV), piece by piece. */
import { failure } from '../failures.js';
import type { EngineFailure } from '../engine.js';
import { formatFlag, formatList, formatText, type FileFormat } from './file-format.js';

export interface CsvRecord {
  /** From 1. */
  readonly line: number;
  readonly fields: readonly (string | null)[];
  /** Set instead of fields for a record that cannot be read. */
  readonly damage?: EngineFailure;
  /** Position in the record of a damage, or of the record's end; from 1. */
  readonly character: number;
}

/** Longest record, in UTF-16 units: Snowflake's largest text. */
const RECORD_LENGTH_MAX = 16 * 1024 * 1024;

interface Dialect {
  readonly field: string | null;
  readonly record: string | null;
  readonly quote: string | null;
  readonly escape: string | null;
  readonly escapeUnenclosed: string | null;
  readonly isTrimmed: boolean;
  readonly isEmptyNull: boolean;
  readonly skipsBlank: boolean;
  readonly nulls: ReadonlySet<string>;
}

interface Read {
  readonly fields: readonly (string | null)[];
  /** Offset past the record and its delimiter. */
  readonly to: number;
  readonly damage?: EngineFailure;
  readonly character: number;
}

export class CsvRecords {
  readonly #dialect: Dialect;
  #text = '';
  #line = 1;

  constructor(format: FileFormat) {
    this.#dialect = {
      field: formatText(format, 'FIELD_DELIMITER'),
      record: formatText(format, 'RECORD_DELIMITER'),
      quote: formatText(format, 'FIELD_OPTIONALLY_ENCLOSED_BY'),
      escape: formatText(format, 'ESCAPE'),
      escapeUnenclosed:
        formatText(format, 'ESCAPE') ?? formatText(format, 'ESCAPE_UNENCLOSED_FIELD'),
      isTrimmed: formatFlag(format, 'TRIM_SPACE'),
      isEmptyNull: formatFlag(format, 'EMPTY_FIELD_AS_NULL'),
      skipsBlank: formatFlag(format, 'SKIP_BLANK_LINES'),
      nulls: new Set(formatList(format, 'NULL_IF')),
    };
  }

  /** The records that `text` completes; `isLast` makes its end the end of the last one. */
  *push(text: string, isLast: boolean): Generator<CsvRecord> {
    this.#text += text;
    let at = 0;
    while (at < this.#text.length) {
      const read = this.#record(at, isLast);
      if (read === undefined) break;
      const line = this.#line;
      this.#line += lines(this.#text, at, read.to);
      const isBlank = isLineBlank(this.#text, at, read.to);
      at = read.to;
      if (isBlank && this.#dialect.skipsBlank) continue;
      const { fields, damage, character } = read;
      yield damage === undefined
        ? { line, fields, character }
        : { line, fields: [], damage, character };
    }
    this.#text = this.#text.slice(at);
    if (this.#text.length > RECORD_LENGTH_MAX) {
      yield { line: this.#line, fields: [], character: 1, damage: tooLong() };
      this.#text = '';
    }
  }

  /** The record at `at`; undefined when its end has not come yet. */
  #record(at: number, isLast: boolean): Read | undefined {
    const plain = this.#plainRecord(at, isLast);
    return plain ?? this.#anyRecord(at, isLast);
  }

  /** A record without quotes and escapes is split at once. */
  #plainRecord(at: number, isLast: boolean): Read | undefined {
    const { record, field, quote, escape, escapeUnenclosed } = this.#dialect;
    const found = record === null ? -1 : this.#text.indexOf(record, at);
    if (found < 0 && !isLast) return undefined;
    const end = found < 0 ? this.#text.length : found;
    const line = this.#text.slice(at, this.#logicalEnd(at, end));
    for (const mark of [quote, escape, escapeUnenclosed])
      if (mark !== null && line.includes(mark)) return undefined;
    const texts = field === null ? [line] : line.split(field);
    return {
      fields: texts.map((text) => this.#unenclosed(text, text)),
      to: found < 0 ? end : end + (record?.length ?? 0),
      character: line.length + 1,
    };
  }

  /** With the default delimiter a line may also end in a carriage return and a line feed. */
  #logicalEnd(at: number, end: number): number {
    const isReturn = this.#dialect.record === '\n' && end > at && this.#text[end - 1] === '\r';
    return isReturn ? end - 1 : end;
  }

  #anyRecord(from: number, isLast: boolean): Read | undefined {
    const { quote, isTrimmed } = this.#dialect;
    const fields: (string | null)[] = [];
    let at = from;
    for (;;) {
      let start = at;
      if (isTrimmed) while (this.#text[start] === ' ' || this.#text[start] === '\t') start += 1;
      if (start >= this.#text.length && !isLast) return undefined;
      const field =
        quote !== null && this.#text[start] === quote
          ? this.#quotedField(start, isLast)
          : this.#unquotedField(at, isLast);
      if (field === undefined) return undefined;
      if (field.damage !== undefined) {
        const to = this.#skipRecord(field.at, isLast);
        if (to === undefined) return undefined;
        return { fields: [], to, damage: field.damage, character: field.at - from + 1 };
      }
      fields.push(field.value);
      at = field.at;
      const ending = this.#ending(at, isLast);
      if (ending === undefined) return undefined;
      if (ending.isRecord) return { fields, to: ending.to, character: at - from + 1 };
      at = ending.to;
    }
  }

  /** What stands after a field: the next field or the record's end. */
  #ending(
    at: number,
    isLast: boolean,
  ): { readonly isRecord: boolean; readonly to: number } | undefined {
    const { field, record } = this.#dialect;
    if (at >= this.#text.length) return isLast ? { isRecord: true, to: at } : undefined;
    if (record === '\n' && this.#text.startsWith('\r\n', at)) return { isRecord: true, to: at + 2 };
    if (record !== null && this.#text.startsWith(record, at))
      return { isRecord: true, to: at + record.length };
    if (field !== null && this.#text.startsWith(field, at))
      return { isRecord: false, to: at + field.length };
    return undefined;
  }

  #quotedField(start: number, isLast: boolean): Field | undefined {
    const { quote, escape, field, isTrimmed, nulls } = this.#dialect;
    const text = this.#text;
    let value = '';
    let at = start + 1;
    for (;;) {
      const code = text[at];
      if (code === undefined) {
        if (!isLast) return undefined;
        return { value: null, at, damage: unterminated() };
      }
      if (escape !== null && code === escape && escape !== quote) {
        if (at + 1 >= text.length && !isLast) return undefined;
        const [character, length] = unescaped(text, at + 1);
        value += character;
        at += 1 + length;
      } else if (code === quote) {
        if (at + 1 >= text.length && !isLast) return undefined;
        if (text[at + 1] !== quote) break;
        value += quote;
        at += 2;
      } else {
        value += code;
        at += 1;
      }
    }
    at += 1;
    if (isTrimmed) while (text[at] === ' ' || text[at] === '\t') at += 1;
    // A carriage return may be the first half of a record's end.
    if (at + 1 >= text.length && !isLast) return undefined;
    if (at < text.length && this.#ending(at, isLast) === undefined)
      return { value: null, at, damage: notDelimiter(text[at] ?? '', field) };
    return { value: nulls.has(value) ? null : value, at };
  }

  #unquotedField(start: number, isLast: boolean): Field | undefined {
    const { escapeUnenclosed: escape } = this.#dialect;
    const text = this.#text;
    let value = '';
    let at = start;
    for (;;) {
      const code = text[at];
      if (code === undefined) {
        if (!isLast) return undefined;
        break;
      }
      if (code === escape) {
        if (at + 1 >= text.length) {
          if (!isLast) return undefined;
          value += code;
          at += 1;
          continue;
        }
        const [character, length] = unescaped(text, at + 1);
        value += character;
        at += 1 + length;
        continue;
      }
      if (this.#startsDelimiter(code) && this.#ending(at, isLast) !== undefined) break;
      value += code;
      at += 1;
    }
    return { value: this.#unenclosed(value, text.slice(start, at)), at };
  }

  #startsDelimiter(code: string): boolean {
    const { field, record } = this.#dialect;
    return code === '\r' || field?.[0] === code || record?.[0] === code;
  }

  /** Where the record goes on after a damage: past the next delimiter of records. */
  #skipRecord(at: number, isLast: boolean): number | undefined {
    const { record } = this.#dialect;
    const found = record === null ? -1 : this.#text.indexOf(record, at);
    if (found < 0) return isLast ? this.#text.length : undefined;
    return found + (record?.length ?? 0);
  }

  /** A field outside quotes, `raw` before its escapes were undone: `\N` is a NULL_IF that escapes would destroy. */
  #unenclosed(value: string, raw: string): string | null {
    const { isTrimmed, isEmptyNull, nulls } = this.#dialect;
    const text = isTrimmed ? value.replaceAll(/^[ \t]+|[ \t]+$/g, '') : value;
    if (nulls.has(isTrimmed ? raw.trim() : raw) || nulls.has(text)) return null;
    return text === '' && isEmptyNull ? null : text;
  }
}

interface Field {
  readonly value: string | null;
  /** Past the field. */
  readonly at: number;
  readonly damage?: EngineFailure;
}

const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
};

/** The character that an escape stands for, and how many characters it takes after the mark. */
function unescaped(text: string, at: number): readonly [string, number] {
  const hex = /^x([0-9a-fA-F]{2})|^u([0-9a-fA-F]{4})/.exec(text.slice(at, at + 5));
  if (hex !== null)
    return [String.fromCharCode(Number.parseInt(hex[1] ?? hex[2] ?? '', 16)), hex[0].length];
  const code = text[at] ?? '';
  return [ESCAPED[code] ?? code, 1];
}

function lines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1))
    count += 1;
  return count;
}

function isLineBlank(text: string, from: number, to: number): boolean {
  return to - from <= 2 && /^\r?\n?$/.test(text.slice(from, to));
}

function unterminated(): EngineFailure {
  return failure('100069', '22000', 'End of record reached while expected to find a closing quote');
}

function notDelimiter(found: string, delimiter: string | null): EngineFailure {
  return failure(
    '100016',
    '22000',
    `Found character '${found}' instead of field delimiter '${delimiter ?? 'NONE'}'`,
  );
}

function tooLong(): EngineFailure {
  return failure('100082', '22000', 'Max LOB size (16777216) exceeded');
}
