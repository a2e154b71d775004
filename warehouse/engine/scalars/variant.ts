/**
 * A VARIANT as a value, and its text inside DuckDB: compact JSON with sorted keys. JSON has no NULL element and no
 * date, so texts that start with a noncharacter stand for them; no client can tell them from the real thing, because
 * every function that shows or compares a VARIANT reads it here.
 */

/** A NULL of SQL inside an array; JSON's own null is `null`. */
export const UNDEFINED_TEXT = '\uFDD0';
const TYPED_MARK = '\uFDD1';

/** Types of a VARIANT that JSON writes as texts. */
export type TypedName =
  'DATE' | 'TIME' | 'TIMESTAMP_NTZ' | 'TIMESTAMP_LTZ' | 'TIMESTAMP_TZ' | 'BINARY';

const LETTER_OF: Readonly<Record<TypedName, string>> = {
  DATE: 'D',
  TIME: 'T',
  TIMESTAMP_NTZ: 'N',
  TIMESTAMP_LTZ: 'L',
  TIMESTAMP_TZ: 'Z',
  BINARY: 'B',
};
const NAME_OF: ReadonlyMap<string, TypedName> = new Map([
  ['D', 'DATE'],
  ['T', 'TIME'],
  ['N', 'TIMESTAMP_NTZ'],
  ['L', 'TIMESTAMP_LTZ'],
  ['Z', 'TIMESTAMP_TZ'],
  ['B', 'BINARY'],
]);

/** A number: plain digits for one of a fixed point, with an exponent for a FLOAT. */
export class VariantNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The number of `text`, JSON's or DuckDB's: exact up to 38 digits, else a double, as with an exponent. */
  static of(text: string): VariantNumber {
    const plain = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(text);
    if (plain === null) return VariantNumber.double(Number(text));
    const [, sign = '', whole = '', fraction = ''] = plain;
    const digits = whole === '0' ? fraction.length : whole.length + fraction.length;
    if (digits > 38) return VariantNumber.double(Number(text));
    const value = fraction === '' ? whole : `${whole}.${fraction}`;
    return new VariantNumber(value === '0' ? '0' : sign + value);
  }

  /** A FLOAT, with all its digits and an exponent; not for infinities and NaN. */
  static double(value: number): VariantNumber {
    return new VariantNumber(value.toExponential());
  }

  /** As JSON shows it: a FLOAT has 15 decimals and an exponent of two digits. */
  get shownText(): string {
    if (this.typeName !== 'DOUBLE') return this.text;
    const [digits = '', exponent = '0'] = Number(this.text).toExponential(15).split('e');
    const power = Number(exponent);
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }

  get typeName(): 'INTEGER' | 'DECIMAL' | 'DOUBLE' {
    if (this.text.includes('e')) return 'DOUBLE';
    return this.text.includes('.') ? 'DECIMAL' : 'INTEGER';
  }

  /** As a cast to VARCHAR writes it. */
  get plainText(): string {
    return this.typeName === 'DOUBLE' ? doubleText(Number(this.text)) : this.text;
  }
}

/** A date, time or bytes, by the text that it has in JSON. */
export class VariantTyped {
  readonly type: TypedName;
  readonly text: string;

  constructor(type: TypedName, text: string) {
    this.type = type;
    this.text = text;
  }
}

export type Variant =
  | null
  | undefined
  | boolean
  | string
  | VariantNumber
  | VariantTyped
  | readonly Variant[]
  | ReadonlyMap<string, Variant>;

/** A FLOAT as text. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-])(\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign = '', first = '', rest = '', direction = '', power = ''] = found;
  return `${sign}${first}${rest === '' ? '' : `.${rest}`}e${direction}${power.padStart(2, '0')}`;
}

/** Whether `value` is an array, for the compiler. */
export function isArray(value: Variant): value is readonly Variant[] {
  return Array.isArray(value);
}

/** Whether `value` is an object. */
export function isObject(value: Variant): value is ReadonlyMap<string, Variant> {
  return value instanceof Map;
}

/** The text inside DuckDB. */
export function toStored(value: Variant): string {
  if (value === undefined) return `"${UNDEFINED_TEXT}"`;
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof VariantNumber) return value.text;
  if (value instanceof VariantTyped)
    return JSON.stringify(`${TYPED_MARK}${LETTER_OF[value.type]}${value.text}`);
  if (isArray(value)) return `[${value.map(toStored).join(',')}]`;
  return `{${sortedEntries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}:${toStored(inner)}`)
    .join(',')}}`;
}

/** Entries in the order of their keys' bytes, as Snowflake prints them. */
export function sortedEntries(
  value: ReadonlyMap<string, Variant>,
): readonly (readonly [string, Variant])[] {
  return [...value].sort(([left], [right]) => compareTexts(left, right));
}

/** Order of two texts by code points, which is the order of their UTF-8 bytes. */
export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    if (left.charCodeAt(at) === right.charCodeAt(at)) continue;
    return (left.codePointAt(at) ?? 0) - (right.codePointAt(at) ?? 0);
  }
  return left.length - right.length;
}

/** The value of a text that this module, DuckDB or a bind wrote; throws SyntaxError for what is no JSON. */
export function fromStored(text: string): Variant {
  return restored(new JsonReader(text, false).whole());
}

function restored(value: Variant): Variant {
  if (typeof value === 'string') {
    if (value === UNDEFINED_TEXT) return undefined;
    if (!value.startsWith(TYPED_MARK)) return value;
    const type = NAME_OF.get(value.charAt(1));
    return type === undefined ? value : new VariantTyped(type, value.slice(2));
  }
  if (isArray(value)) return value.map(restored);
  if (isObject(value)) return new Map([...value].map(([key, inner]) => [key, restored(inner)]));
  return value;
}

/** What PARSE_JSON makes of a client's text. Throws SyntaxError with Snowflake's words for the place and the fault. */
export function parseJson(text: string): Variant {
  return new JsonReader(text, true).whole();
}

/** Nesting that is read; deeper texts are refused before they use up the stack. */
const DEPTH_MAX = 1000;
/** A key without quotes that is longer is refused, not cut. */
const BARE_KEY_MAX = 1024;

class JsonReader {
  readonly #text: string;
  /** A client's text: elements may be left out of arrays, quotes off keys that are words, and keys may not repeat. */
  readonly #isClients: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, isClients: boolean) {
    this.#text = text;
    this.#isClients = isClients;
  }

  whole(): Variant {
    const value = this.#value();
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#fault('more than one document in the input');
    return value;
  }

  #fault(what: string): SyntaxError {
    return new SyntaxError(`${what}, pos ${this.#at + 1}`);
  }

  #blanks(): void {
    while (/[ \t\r\n]/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #value(): Variant {
    this.#blanks();
    const first = this.#text.charAt(this.#at);
    if (first === '{') return this.#nested(() => this.#object());
    if (first === '[') return this.#nested(() => this.#array());
    if (first === '"') return this.#string();
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(
      this.#text.slice(this.#at, this.#at + 400),
    );
    if (number !== null) {
      if (!Number.isFinite(Number(number[0]))) throw this.#fault('number out of range');
      this.#at += number[0].length;
      return VariantNumber.of(number[0]);
    }
    const word = /^[A-Za-z_]\w*/.exec(this.#text.slice(this.#at, this.#at + 100))?.[0] ?? '';
    const known = this.#word(word);
    if (known === false) {
      if (this.#at >= this.#text.length) throw this.#fault('incomplete JSON document');
      throw this.#fault(word === '' ? 'unexpected character' : `unknown keyword "${word}"`);
    }
    this.#at += word.length;
    return known.value;
  }

  #word(word: string): { readonly value: Variant } | false {
    switch (word) {
      case 'null':
        return { value: null };
      case 'true':
        return { value: true };
      case 'false':
        return { value: false };
      case 'undefined':
        return this.#isClients && this.#depth > 0 ? { value: undefined } : false;
      default:
        return false;
    }
  }

  #nested<Result>(read: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#fault('document is nested too deeply');
    const result = read();
    this.#depth -= 1;
    return result;
  }

  #array(): Variant {
    const items: Variant[] = [];
    this.#at += 1;
    for (;;) {
      this.#blanks();
      const next = this.#text.charAt(this.#at);
      if (this.#isClients && (next === ',' || (next === ']' && items.length > 0)))
        items.push(undefined);
      else if (next !== ']') items.push(this.#value());
      this.#blanks();
      const mark = this.#text.charAt(this.#at);
      if (mark !== ',' && mark !== ']')
        throw this.#fault(
          this.#at >= this.#text.length ? 'incomplete array value' : 'missing comma',
        );
      this.#at += 1;
      if (mark === ']') return items;
    }
  }

  #object(): Variant {
    const entries = new Map<string, Variant>();
    this.#at += 1;
    this.#blanks();
    if (this.#text.charAt(this.#at) === '}') {
      this.#at += 1;
      return entries;
    }
    for (;;) {
      this.#blanks();
      const key = this.#key();
      if (this.#isClients && entries.has(key))
        throw this.#fault(`duplicate object attribute "${key}"`);
      this.#blanks();
      if (this.#text.charAt(this.#at) !== ':') throw this.#fault('missing colon');
      this.#at += 1;
      entries.set(key, this.#value());
      this.#blanks();
      const mark = this.#text.charAt(this.#at);
      if (mark !== ',' && mark !== '}')
        throw this.#fault(
          this.#at >= this.#text.length ? 'incomplete object value' : 'missing comma',
        );
      this.#at += 1;
      if (mark === '}') return entries;
    }
  }

  #key(): string {
    if (this.#text.charAt(this.#at) === '"') return this.#string();
    const bare = this.#isClients ? this.#bareKey() : '';
    if (bare === '')
      throw this.#fault(
        this.#at >= this.#text.length ? 'incomplete object value' : 'missing object key',
      );
    this.#at += bare.length;
    return bare;
  }

  #bareKey(): string {
    const most = this.#text.slice(this.#at, this.#at + BARE_KEY_MAX);
    const [bare = ''] = /^[A-Za-z_]\w*/.exec(most) ?? [];
    if (bare.length === BARE_KEY_MAX) throw this.#fault('object key too long to stand bare');
    return bare;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text.charAt(end) !== '"')
      end += this.#text.charAt(end) === '\\' ? 2 : 1;
    const token = this.#text.slice(start, end + 1);
    this.#at = end + 1;
    if (end >= this.#text.length) throw this.#fault('incomplete string');
    // Control characters stand as they are in texts that Snowflake takes.
    let plain = '';
    for (const character of token)
      plain +=
        character < ' ' ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character;
    try {
      const value: unknown = JSON.parse(plain);
      return typeof value === 'string' ? value.replaceAll(/\p{Surrogate}/gu, '\uFFFD') : '';
    } catch {
      throw this.#fault('invalid escape in a string');
    }
  }
}

/** Texts of a VARIANT for clients: a cell's has two blanks a level and a line an element, TO_JSON's is compact. */
export function printed(value: Variant, style: 'cell' | 'compact', indent = ''): string {
  if (value === undefined) return 'undefined';
  if (value instanceof VariantTyped) return JSON.stringify(value.text);
  if (value instanceof VariantNumber) return value.shownText;
  if (value === null || typeof value !== 'object') return toStored(value);
  const deeper = `${indent}  `;
  const items = isArray(value)
    ? value.map((inner) => printed(inner, style, deeper))
    : sortedEntries(value).map(
        ([key, inner]) =>
          `${JSON.stringify(key)}:${style === 'cell' ? ' ' : ''}${printed(inner, style, deeper)}`,
      );
  const [open, close] = isArray(value) ? ['[', ']'] : ['{', '}'];
  if (items.length === 0) return `${open}${close}`;
  if (style === 'compact') return `${open}${items.join(',')}${close}`;
  return `${open}\n${items.map((item) => deeper + item).join(',\n')}\n${indent}${close}`;
}

/** A cast to VARCHAR: texts without quotes, NULL for JSON's null ("Considerations for semi-structured data"). */
export function plainText(value: Variant): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof VariantTyped) return value.text;
  if (value instanceof VariantNumber) return value.plainText;
  return printed(value, 'compact');
}

/** What TYPEOF says ("TYPEOF"). */
export function typeName(value: Variant): string | null {
  if (value === undefined) return null;
  if (value === null) return 'NULL_VALUE';
  if (typeof value === 'boolean') return 'BOOLEAN';
  if (typeof value === 'string') return 'VARCHAR';
  if (value instanceof VariantNumber) return value.typeName;
  if (value instanceof VariantTyped) return value.type;
  return isArray(value) ? 'ARRAY' : 'OBJECT';
}

/** Whether two values are the same in ARRAY_CONTAINS and its kin. */
export function isSame(left: Variant, right: Variant): boolean {
  return identity(left) === identity(right);
}

/** A text that is the same for equal values: numbers count by value, not by type. */
export function identity(value: Variant): string {
  if (value instanceof VariantNumber && value.typeName === 'DOUBLE') {
    const number = Number(value.text);
    return Number.isSafeInteger(number) ? String(number) : value.text;
  }
  return toStored(value);
}
