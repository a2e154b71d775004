/** What tells two statements of one shape apart: the literals that their shape leaves out. */
import { KIND, kindAt, textAt, type Tokens } from '#base/sql/lexer.js';
import { hash } from 'node:crypto';
import type { Shape } from './fingerprint.js';

const JOINED_LENGTH_MAX = 65_536;

/**
 * Hash of the literals that a shape leaves out, 16 hex digits; empty where it leaves none out, or where they cannot be
 * told apart by its slots.
 */
export function literalsHash(tokens: Tokens, { slots, isSteady }: Shape): string {
  if (!isSteady || slots.length === 0) return '';
  // Of a long text its own: walking over a million literals is not worth telling two comments apart.
  if (tokens.text.length > JOINED_LENGTH_MAX) return hash('sha1', tokens.text).slice(0, 16);
  let literals = '';
  for (const { from, to, isNegative } of slots) {
    literals += isNegative ? '\u0000-' : '\u0000';
    for (let at = from; at < to; at += 1)
      if (kindAt(tokens, at) > KIND.comment) literals += textAt(tokens, at);
  }
  return hash('sha1', literals).slice(0, 16);
}
