/** Half of a character: legal in a JavaScript string and in JSON escapes, readable by no UTF-8 reader. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** `text` with U+FFFD in place of every lone surrogate; the same text when it has none. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text;
}
