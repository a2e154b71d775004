/** QUERY_HASH and QUERY_PARAMETERIZED_HASH: what repeated statements have in common. */
import { createHash } from 'node:crypto';
import { readTokens } from '../statement/tokens.js';

/** Raised when the rules below change; hashes of different versions are not to be compared (Snowflake, "Query hash"). */
export const QUERY_HASH_VERSION = 1;
/** Of the texts that are remembered, together. */
const CACHED_LENGTH_MAX = 8_000_000;
const HASHED_LENGTH = 20_000;

export interface QueryHashes {
  readonly hash: string;
  readonly parameterizedHash: string;
}

/**
 * A function that hashes statements and remembers the latest texts.
 *
 * The hash is of the words and marks, without comments, blanks and the case of words; the parameterized one has a mark in
 * place of every literal. Of a statement longer than 20,000 characters the beginning decides.
 */
export function queryHasher(): (text: string) => QueryHashes {
  const known = new Map<string, QueryHashes>();
  let cachedLength = 0;
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const hashes = hashesOf(text.slice(0, HASHED_LENGTH));
    cachedLength += text.length;
    if (cachedLength > CACHED_LENGTH_MAX) {
      known.clear();
      cachedLength = text.length;
    }
    known.set(text, hashes);
    return hashes;
  };
}

function hashesOf(text: string): QueryHashes {
  const words: string[] = [];
  const shapes: string[] = [];
  for (const { kind, value } of readTokens(text)) {
    const word = kind === 'quoted' ? `"${value}"` : kind === 'string' ? `'${value}'` : value;
    words.push(word);
    shapes.push(kind === 'string' || kind === 'number' ? '?' : word);
  }
  return { hash: digest(words), parameterizedHash: digest(shapes) };
}

function digest(words: readonly string[]): string {
  return createHash('md5').update(words.join('\u0000')).digest('hex');
}
