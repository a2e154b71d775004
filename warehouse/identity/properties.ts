/** `NAME = value …` of CREATE and ALTER: reading a list of properties. */
import type { EngineFailure } from '../engine/engine.js';
import type { ParameterValue } from '../statement/parameters.js';
import { failure, syntaxFailure } from '../statement/outcome.js';
import type { Token, TokenReader } from '../statement/tokens.js';

/** A value as it was written: `list` holds the elements of one in brackets, else the value alone. */
export interface Property {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'word' | 'list';
  readonly list: readonly string[];
}

const PROPERTIES_MAX = 200;
const LIST_MAX = 100;
/** Most characters of a value: a public key of 16,384 bits in PEM fits. */
const VALUE_MAX = 8192;
/** Most characters of an identifier (Snowflake, "Identifier requirements"). */
const NAME_MAX = 255;

/** The properties up to the end of the statement, commas between them or not; a syntax failure where none stands. */
export function readProperties(reader: TokenReader): readonly Property[] | EngineFailure {
  const found: Property[] = [];
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word' || !reader.accept('=')) return syntaxFailure(name?.value ?? '');
    const value = readValue(reader, name);
    if (value === undefined || found.length >= PROPERTIES_MAX) return syntaxFailure(name.value);
    if (value.list.length > LIST_MAX || value.list.some((text) => text.length > VALUE_MAX))
      return invalidValue(value);
    found.push(value);
    reader.accept(',');
  }
  return found;
}

/** Names of UNSET: `A, B, …`; a syntax failure when there is none. */
export function readNames(reader: TokenReader): readonly string[] | EngineFailure {
  const names: string[] = [];
  do {
    const name = reader.next();
    if (name?.kind !== 'word') return syntaxFailure(name?.value ?? 'UNSET');
    names.push(name.value);
  } while (reader.accept(',') || !reader.atEnd);
  return names;
}

function readValue(reader: TokenReader, name: Token): Property | undefined {
  const property = (kind: Property['kind'], list: readonly string[]): Property => ({
    name: name.value,
    kind,
    list,
  });
  if (reader.accept('(')) {
    const list: string[] = [];
    while (!reader.accept(')')) {
      const token = reader.next();
      if (token === undefined || token.kind === 'mark') return undefined;
      list.push(token.value);
      reader.accept(',');
    }
    return property('list', list);
  }
  const sign = reader.accept('-') ? '-' : '';
  const token = reader.next();
  switch (token?.kind) {
    case 'number':
      return property('number', [sign + token.value]);
    case 'string':
      return property('text', [token.value]);
    case 'quoted':
    case 'word': {
      // A dotted name, as DEFAULT_NAMESPACE has it: its parts are given one by one.
      const parts = [token.value];
      while (reader.accept('.')) parts.push(reader.next()?.value ?? '');
      return property('word', parts);
    }
    case 'mark':
    case undefined:
      return undefined;
  }
}

/** The property as one text. */
export function textOf(property: Property): string {
  return property.list.join(property.kind === 'list' ? ',' : '.');
}

/** The property as a name: words in upper case as the reader gives them, texts as unquoted identifiers unless quoted inside. */
export function nameOf(property: Property): readonly string[] {
  if (property.kind !== 'text') return property.list;
  return splitName(property.list[0] ?? '');
}

/** `db."Schema"` → `DB`, `Schema`. */
export function splitName(text: string): readonly string[] {
  const parts = text.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [];
  return parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.trim().toUpperCase(),
  );
}

/** The property as true or false; undefined when it is neither. */
export function booleanOf(property: Property): boolean | undefined {
  const text = textOf(property).toUpperCase();
  return text === 'TRUE' ? true : text === 'FALSE' ? false : undefined;
}

/** The property as a whole number from `least` to `most`; undefined when it is none. */
export function wholeNumberOf(property: Property, least: number, most: number): number | undefined {
  const text = textOf(property);
  const number = Number(text);
  return /^\d+$/.test(text) && number >= least && number <= most ? number : undefined;
}

/** The property as the value of a session parameter. */
export function parameterOf(property: Property): ParameterValue {
  const text = textOf(property);
  if (property.kind === 'number') return Number(text);
  return property.kind === 'word' ? (booleanOf(property) ?? text) : text;
}

/** `001008`: the property exists and this is no value of it. */
export function invalidValue(property: Property): EngineFailure {
  return failure(
    '001008',
    '22023',
    `SQL compilation error:\ninvalid value [${textOf(property).slice(0, 100)}] for parameter '${property.name}'`,
  );
}

/** `001420`: there is no such property of such an object. */
export function invalidProperty(name: string, kind: string): EngineFailure {
  return failure(
    '001420',
    '22023',
    `SQL compilation error:\ninvalid property '${name.slice(0, 100)}' for '${kind}'`,
  );
}

/** `000904`: a name that is longer than identifiers are; undefined for one that is not. */
export function nameTooLong(name: string): EngineFailure | undefined {
  if (name.length <= NAME_MAX) return undefined;
  return failure(
    '000904',
    '42000',
    `SQL compilation error:\ninvalid identifier '${name.slice(0, 100)}…': longer than ${NAME_MAX} characters`,
  );
}
