/** What tells two statements of one shape apart: the literals that their shape leaves out. */
import { KIND, kindAt, startAt, textAt, type Tokens } from '#base/sql/lexer.js';
import { hash } from 'node:crypto';
import type { LiteralSlot, Shape } from './fingerprint.js';

const JOINED_LENGTH_MAX = 65_536;

/**
 * Hash of the literals that a shape leaves out, 16 hex digits; empty where it leaves none out, or where they cannot be
 * told apart by its slots.
 */
export function literalsHash(tokens: Tokens, { slots, isSteady }: Shape): string {
  if (!isSteady || slots.length === 0) return '';
  const stretch = stretchOf(tokens, slots);
  // Walking over a million literals is not worth telling two comments among them apart.
  if (stretch.length > JOINED_LENGTH_MAX) return hash('sha1', stretch).slice(0, 16);
  let literals = '';
  for (const { from, to, isNegative } of slots) {
    literals += isNegative ? '\u0000-' : '\u0000';
    for (let at = from; at < to; at += 1)
      if (kindAt(tokens, at) > KIND.comment) literals += textAt(tokens, at);
  }
  return hash('sha1', literals).slice(0, 16);
}

/** The text from the first literal to the end of the last: of its own statement only, or a text of many costs its square. */
function stretchOf(tokens: Tokens, slots: readonly LiteralSlot[]): string {
  const from = slots[0]?.from ?? 0;
  const to = slots.at(-1)?.to ?? 0;
  return tokens.text.slice(startAt(tokens, from), startAt(tokens, to));
}
