/** Functions of texts and bytes that DuckDB does not have, or has with other rules ("String & binary functions"). */
import { createHash, randomBytes } from 'node:crypto';
import { failure, StatementFailed, unsupported } from '../failures.js';
import { integer, text, textOrNull, type Scalar } from './scalar.js';
import { toStored, type Variant } from './variant.js';

const SOUNDEX_CODES: Readonly<Record<string, string>> = {
  B: '1',
  F: '1',
  P: '1',
  V: '1',
  C: '2',
  G: '2',
  J: '2',
  K: '2',
  Q: '2',
  S: '2',
  X: '2',
  Z: '2',
  D: '3',
  T: '3',
  L: '4',
  M: '5',
  N: '5',
  R: '6',
};

function soundex(source: string): string {
  const letters = source.toUpperCase().replaceAll(/[^A-Z]/g, '');
  const first = letters.charAt(0);
  if (first === '') return '';
  let out = first;
  let last = SOUNDEX_CODES[first] ?? '';
  for (const letter of letters.slice(1)) {
    const code = SOUNDEX_CODES[letter] ?? '';
    if (code !== '' && code !== last) out += code;
    // H and W do not part two letters of one code.
    if (letter !== 'H' && letter !== 'W') last = code;
    if (out.length === 4) break;
  }
  return out.padEnd(4, '0');
}

/** Similarity of 0 to 1 by Jaro, with Winkler's bonus for a common start of up to four characters. */
function jaroWinkler(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return 0;
  const reach = Math.max(0, Math.floor(Math.max(left.length, right.length) / 2) - 1);
  const used = right.map(() => false);
  const found: string[] = [];
  left.forEach((character, at) => {
    for (
      let other = Math.max(0, at - reach);
      other <= Math.min(right.length - 1, at + reach);
      other += 1
    ) {
      if (used[other] === true || right[other] !== character) continue;
      used[other] = true;
      found.push(character);
      return;
    }
  });
  if (found.length === 0) return 0;
  const theirs = right.filter((_, at) => used[at]);
  const swaps = found.filter((character, at) => character !== theirs[at]).length / 2;
  const jaro =
    (found.length / left.length +
      found.length / right.length +
      (found.length - swaps) / found.length) /
    3;
  let start = 0;
  while (start < 4 && start < left.length && left[start] === right[start]) start += 1;
  return jaro + start * 0.1 * (1 - jaro);
}

/** Levenshtein's distance; `max` when it is larger. */
function editDistance(left: readonly string[], right: readonly string[], max: number): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  left.forEach((character, at) => {
    const next = [at + 1];
    right.forEach((other, column) => {
      next.push(
        Math.min(
          (row[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
          (row[column] ?? 0) + (character === other ? 0 : 1),
        ),
      );
    });
    row = next;
  });
  return Math.min(row.at(-1) ?? 0, max);
}

/** INITCAP's own delimiters; none at all when the argument is an empty text. */
function initcap(source: string, delimiters: string): string {
  let isStart = true;
  let out = '';
  for (const character of source) {
    out += isStart ? character.toUpperCase() : character.toLowerCase();
    isStart = delimiters.includes(character);
  }
  return out;
}

/** Pieces between any of the delimiters; empty ones are no tokens. */
function tokens(source: string, delimiters: string): readonly string[] {
  if (delimiters === '') return source === '' ? [] : [source];
  const wanted = new Set(delimiters);
  const found: string[] = [];
  let token = '';
  for (const character of source) {
    if (!wanted.has(character)) token += character;
    else if (token !== '') {
      found.push(token);
      token = '';
    }
  }
  return token === '' ? found : [...found, token];
}

/** SPLIT: an empty separator does not split. */
function split(source: string, separator: string): readonly string[] {
  return separator === '' ? [source] : source.split(separator);
}

/** SPLIT_PART: part 0 is the first, negative ones count from the end, and one that is not there is empty. */
function splitPart(source: string, separator: string, part: number): string {
  const parts = split(source, separator);
  return parts.at(part > 0 ? part - 1 : part) ?? '';
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  md5: 'md5',
  sha1: 'sha1',
  sha0: 'sha256',
  sha224: 'sha224',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
};

/** A checksum in lower-case digits. SHA2 knows the sizes 0 (256), 224, 256, 384 and 512. */
function hash(name: string, bytes: Buffer): string {
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (algorithm === undefined) throw new StatementFailed(unsupported('SHA2 of this size'));
  return createHash(algorithm).update(bytes).digest('hex');
}

/** PARSE_URL; permissive 1 gives an object with the fault instead of failing. */
function parseUrl(url: string, isPermissive: boolean): Variant {
  const found =
    /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?:[^/?#@]*@)?([^/?#:]*)(?::(\d+))?)?(?:\/([^?#]*)|([^/?#][^?#]*))?(?:\?([^#]*))?(?:#(.*))?$/s.exec(
      url,
    );
  if (found === null) {
    const fault = 'scheme not specified';
    if (isPermissive) return new Map<string, Variant>([['error', fault]]);
    throw new StatementFailed(failure('100139', '22000', `Error parsing URL: ${fault}`));
  }
  const [, scheme = '', host, port, path, opaque, query, fragment] = found;
  const parameters =
    query === undefined
      ? null
      : new Map<string, Variant>(
          query.split('&').map((pair): [string, Variant] => {
            const at = pair.indexOf('=');
            return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
          }),
        );
  return new Map<string, Variant>([
    ['scheme', scheme],
    ['host', host ?? null],
    ['port', port ?? null],
    ['path', path ?? opaque ?? null],
    ['query', query ?? null],
    ['parameters', parameters],
    ['fragment', fragment ?? null],
  ]);
}

const RANDOM_CHARACTERS = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
);

function randomText(length: number): string {
  if (length > 1_000_000) throw new StatementFailed(unsupported('RANDSTR of this length'));
  // A text made character by character costs most of the time of a large generated result.
  const bytes = randomBytes(Math.max(0, length));
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = RANDOM_CHARACTERS[(bytes[at] ?? 0) % RANDOM_CHARACTERS.length] ?? 0;
  return bytes.toString('latin1');
}

/** A UUID of a name in a namespace (version 5). */
function namedUuid(namespace: string, name: string): string {
  const hex = namespace.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex))
    throw new StatementFailed(failure('100142', '22023', `Invalid UUID: '${namespace}'`));
  const digest = createHash('sha1').update(Buffer.from(hex, 'hex')).update(name).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest
    .toString('hex')
    .slice(0, 32)
    .replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const COMPARING: readonly Scalar[] = [
  {
    name: 'tg_soundex',
    parameters: ['text'],
    returns: 'text',
    evaluate: ([value]) => soundex(text(value)),
  },
  {
    name: 'tg_jarowinkler',
    parameters: ['text', 'text'],
    returns: 'integer',
    evaluate: ([left, right]) =>
      // The comparison is case-insensitive, and the score a whole number.
      BigInt(
        Math.trunc(
          100 *
            jaroWinkler(
              Array.from(text(left).toLowerCase()),
              Array.from(text(right).toLowerCase()),
            ) +
            1e-9,
        ),
      ),
  },
  {
    name: 'tg_editdistance',
    parameters: ['text', 'text', 'integer'],
    returns: 'integer',
    evaluate: ([left, right, max]) =>
      BigInt(
        editDistance(
          Array.from(text(left)),
          Array.from(text(right)),
          integer(max) < 0 ? Infinity : integer(max),
        ),
      ),
  },
];

const SPLITTING: readonly Scalar[] = [
  {
    name: 'tg_split',
    parameters: ['text', 'text'],
    returns: 'array',
    evaluate: ([source, separator]) => toStored(split(text(source), text(separator))),
  },
  {
    name: 'tg_split_part',
    parameters: ['text', 'text', 'integer'],
    returns: 'text',
    evaluate: ([source, separator, part]) =>
      splitPart(text(source), text(separator), integer(part) === 0 ? 1 : integer(part)),
  },
  {
    name: 'tg_strtok_of',
    parameters: ['text', 'text', 'integer'],
    returns: 'text',
    evaluate: ([source, delimiters, part]) => {
      if (integer(part) < 1)
        throw new StatementFailed(
          failure('100143', '22023', `Invalid part number ${integer(part)} of STRTOK`),
        );
      return tokens(text(source), text(delimiters))[integer(part) - 1] ?? null;
    },
  },
  {
    name: 'tg_strtok_to_array_of',
    parameters: ['text', 'text'],
    returns: 'array',
    evaluate: ([source, delimiters]) => toStored(tokens(text(source), text(delimiters))),
  },
];

export const TEXT_SCALARS: readonly Scalar[] = [
  ...COMPARING,
  ...SPLITTING,
  {
    name: 'tg_initcap_of',
    parameters: ['text', 'text'],
    returns: 'text',
    evaluate: ([source, delimiters]) => initcap(text(source), text(delimiters)),
  },
  {
    name: 'tg_reverse',
    parameters: ['text'],
    returns: 'text',
    evaluate: ([source]) => Array.from(text(source)).toReversed().join(''),
  },
  {
    name: 'tg_hash_of',
    parameters: ['text', 'text'],
    returns: 'text',
    evaluate: ([name, hex]) => hash(text(name), Buffer.from(text(hex), 'hex')),
  },
  {
    name: 'tg_joined',
    parameters: ['text', 'text'],
    rest: 'text',
    returns: 'text',
    evaluate: ([separator, ...items]) => items.map((item) => text(item)).join(text(separator)),
  },
  {
    name: 'tg_parse_url_of',
    parameters: ['text', 'integer'],
    returns: 'object',
    evaluate: ([url, permissive]) => toStored(parseUrl(text(url), integer(permissive) === 1)),
  },
  {
    name: 'tg_randstr',
    parameters: ['integer', 'any'],
    returns: 'text',
    isVolatile: true,
    evaluate: ([length]) => randomText(integer(length)),
  },
  {
    name: 'tg_named_uuid',
    parameters: ['text', 'text'],
    returns: 'text',
    evaluate: ([namespace, name]) => namedUuid(textOrNull(namespace) ?? '', text(name)),
  },
];
