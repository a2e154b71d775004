/** An element of stored JSON by its path, cut out of the text: reading the whole of every row would cost ten times as much. */

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The text of what `steps` lead to in `stored`, well-formed JSON; undefined where there is nothing. Keys are compared
 * as they are, positions count from 0.
 */
export function sliceAt(stored: string, steps: readonly (string | number)[]): string | undefined {
  let at = pastBlanks(stored, 0);
  for (const step of steps) {
    const found = typeof step === 'number' ? item(stored, at, step) : entry(stored, at, step);
    if (found === undefined) return undefined;
    at = found;
  }
  return stored.slice(at, pastValue(stored, at));
}

function item(stored: string, from: number, position: number): number | undefined {
  if (stored[from] !== '[') return undefined;
  let at = pastBlanks(stored, from + 1);
  if (stored[at] === ']') return undefined;
  for (let count = 0; count < position; count += 1) {
    at = pastBlanks(stored, pastValue(stored, at));
    if (stored[at] !== ',') return undefined;
    at = pastBlanks(stored, at + 1);
  }
  return at;
}

function entry(stored: string, from: number, key: string): number | undefined {
  if (stored[from] !== '{') return undefined;
  let at = pastBlanks(stored, from + 1);
  while (stored.charCodeAt(at) === QUOTE) {
    const end = pastText(stored, at);
    const isWanted = keyOf(stored, at, end) === key;
    // Past the colon.
    at = pastBlanks(stored, pastBlanks(stored, end) + 1);
    if (isWanted) return at;
    at = pastBlanks(stored, pastValue(stored, at));
    if (stored[at] !== ',') return undefined;
    at = pastBlanks(stored, at + 1);
  }
  return undefined;
}

function keyOf(stored: string, from: number, to: number): unknown {
  const inner = stored.slice(from + 1, to - 1);
  return inner.includes('\\') ? JSON.parse(stored.slice(from, to)) : inner;
}

function pastBlanks(stored: string, from: number): number {
  let at = from;
  while (at < stored.length && stored.charCodeAt(at) <= 32) at += 1;
  return at;
}

function pastText(stored: string, from: number): number {
  let at = from + 1;
  while (at < stored.length && stored.charCodeAt(at) !== QUOTE)
    at += stored.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function pastValue(stored: string, from: number): number {
  const first = stored[from];
  if (first === '"') return pastText(stored, from);
  let at = from;
  let depth = 0;
  while (at < stored.length) {
    const character = stored[at];
    if (character === '"') {
      at = pastText(stored, at);
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (character === ',' || stored.charCodeAt(at) <= 32)) return at;
    at += 1;
  }
  return at;
}
