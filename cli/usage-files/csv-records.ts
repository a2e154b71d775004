/**
 * Records of a CSV (RFC 4180) as they come. What DuckDB would guess or pass over is refused here: a record with another
 * number of fields, a text whose quotes do not end, and a last record without an end of line, which is how a file looks
 * that was cut off.
 */
import { UsageFileError } from '../../billing/usage/usage-files.js';

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Texts of statements are cut at 100 thousand characters by Snowflake itself. */
const FIELD_CHARACTERS_MAX = 4 * 1_048_576;
const FIELDS_MAX = 2_000;

/** Takes pieces of the text of a CSV and gives its records; the first is the one of names. */
export class CsvRecords {
  readonly #delimiter: string;
  #record: string[] = [];
  #field = '';
  #isQuoted = false;
  /** A quote that ends its field, or the first of two. */
  #isAfterQuote = false;
  #isAtStart = true;
  #isAfterReturn = false;
  #count = 0;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** Records that end within `text`. Throws UsageFileError. */
  push(text: string): readonly (readonly string[])[] {
    const ended: (readonly string[])[] = [];
    for (let at = 0; at < text.length; at += 1) {
      const character = text[at] ?? '';
      if (this.#isQuoted && !this.#isAfterQuote) at = this.#takeQuoted(text, at);
      else if (character === '"' && this.#isAfterQuote) this.#again();
      else if (character === '"' && this.#isAtStart) this.#openQuote();
      else if (character === this.#delimiter) this.#endField();
      else if (character === '\n' || character === '\r') this.#endLine(character, ended);
      else this.#add(character);
      this.#isAfterReturn = character === '\r' && !this.#isQuoted;
    }
    return ended;
  }

  /** The text has ended. Throws UsageFileError when it ends within a record. */
  end(): void {
    if (this.#isQuoted && !this.#isAfterQuote)
      throw new UsageFileError(
        this.#count,
        'ends inside of a quoted text: the file was cut off, or a quote in a text is not doubled',
      );
    if (this.#record.length > 0 || !this.#isAtStart)
      throw new UsageFileError(
        this.#count,
        'has no end of line: the file was cut off. If it is whole, end its last line with a line break',
      );
  }

  /** Runs of a quoted text are taken at once; returns the place of the last character taken. */
  #takeQuoted(text: string, at: number): number {
    const quote = text.indexOf('"', at);
    const end = quote === -1 ? text.length : quote;
    this.#grow(text.slice(at, end));
    if (quote !== -1) this.#isAfterQuote = true;
    return quote === -1 ? text.length - 1 : quote;
  }

  #again(): void {
    this.#grow('"');
    this.#isAfterQuote = false;
  }

  #openQuote(): void {
    this.#isQuoted = true;
    this.#isAtStart = false;
  }

  #add(character: string): void {
    if (this.#isAfterQuote)
      throw new UsageFileError(
        this.#count,
        `field ${this.#record.length + 1} goes on after its closing quote; a quote in a text is doubled`,
      );
    this.#isAtStart = false;
    this.#grow(character);
  }

  #grow(text: string): void {
    this.#field += text;
    if (this.#field.length > FIELD_CHARACTERS_MAX)
      throw new UsageFileError(
        this.#count,
        `field ${this.#record.length + 1} is longer than ${FIELD_CHARACTERS_MAX} characters; a quote before it may not be closed`,
      );
  }

  #endField(): void {
    this.#record.push(this.#field);
    this.#field = '';
    this.#isQuoted = false;
    this.#isAfterQuote = false;
    this.#isAtStart = true;
    if (this.#record.length > FIELDS_MAX)
      throw new UsageFileError(this.#count, `has more than ${FIELDS_MAX} fields`);
  }

  #endLine(character: string, ended: (readonly string[])[]): void {
    if (character === '\n' && this.#isAfterReturn) return;
    // An empty line is no record.
    const isEmpty = this.#record.length === 0 && this.#isAtStart;
    this.#endField();
    if (!isEmpty) {
      ended.push(this.#record);
      this.#count += 1;
    }
    this.#record = [];
  }
}

/** What parts the fields of a CSV: that of the usual ones which makes most of its first line. */
export function delimiterOf(head: string): string {
  const [line = ''] = head.split(/[\r\n]/, 1);
  const counted = DELIMITERS.map((delimiter) => ({
    delimiter,
    fields: line.split(delimiter).length,
  }));
  return counted.reduce((a, b) => (b.fields > a.fields ? b : a)).delimiter;
}
