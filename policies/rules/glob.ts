/**
 * Names with `*` (any run) and `?` (any one character). Matched with two pointers in time linear in the product of
 * the lengths, because patterns come from people and a regular expression can be made to run for minutes.
 */

/**
 * Folds A–Z only. Snowflake folds unquoted identifiers this way; a full Unicode fold would let `ı` pass for `I`
 * and so one user for another.
 */
export function foldName(name: string): string {
  // Every statement folds some names, nearly all ASCII, where both folds are one.
  return IS_ASCII.test(name)
    ? name.toUpperCase()
    : name.replace(/[a-z]+/g, (run) => run.toUpperCase());
}

// oxlint-disable-next-line no-control-regex -- all of ASCII
const IS_ASCII = /^[\x00-\x7f]*$/;

/** True when `text` matches `pattern` completely; exact apart from `*` and `?`. */
export function matchesGlob(text: string, pattern: string): boolean {
  let textAt = 0;
  let patternAt = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (textAt < text.length) {
    const wanted = pattern[patternAt];
    if (wanted === '*') {
      starAt = patternAt;
      resumeAt = textAt;
      patternAt += 1;
    } else if (wanted === '?' || wanted === text[textAt]) {
      patternAt += 1;
      textAt += 1;
    } else if (starAt >= 0) {
      patternAt = starAt + 1;
      resumeAt += 1;
      textAt = resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === '*') patternAt += 1;
  return patternAt === pattern.length;
}
