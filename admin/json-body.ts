/**
 * Bodies as JSON that has one reading: no name twice, no names that reach into prototypes, no text that Postgres cannot
 * keep or that would be read back differently, no endless nesting.
 */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly field: string; readonly rule: string; readonly wayOut: string };

const DEPTH_MAX = 64;
const PROTOTYPE_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
// Between these tokens of a valid JSON text stand only spaces, numbers and words.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** Reads `text`, or says what is wrong with it: the field, the rule and the way out. Never throws. */
export function readJsonBody(text: string): JsonBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('body', 'must be JSON', 'send one JSON value, as RFC 8259 says');
  }
  return problemOf(text) ?? { ok: true, value };
}

/** `text` is valid JSON. */
function problemOf(text: string): JsonBody | undefined {
  /** Names seen in each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let isNameNext = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const names = open.at(-1);
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      isNameNext = token === '{';
      if (open.length > DEPTH_MAX)
        return refused('body', `must nest at most ${DEPTH_MAX} deep`, 'send a flatter value');
    } else if (token === '}' || token === ']') {
      open.pop();
      isNameNext = false;
    } else if (token === ',') {
      isNameNext = names instanceof Set;
    } else {
      const name = isNameNext && names instanceof Set ? names : null;
      isNameNext = false;
      const problem = problemOfText(token, name);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** @param names of the object that the text is a name of; null: it is a value. */
function problemOfText(token: string, names: Set<string> | null): JsonBody | undefined {
  if (names === null && !token.includes('\\u')) return undefined;
  const text = String(JSON.parse(token));
  // Halves of surrogate pairs are stored as another character, so that the audit log's hash would not fit any more.
  if (/\0|\p{Surrogate}/u.test(text))
    return refused(
      'body',
      'must hold whole Unicode characters and no NUL',
      'remove the escape \\u0000 or the lone surrogate',
    );
  if (names === null) return undefined;
  if (PROTOTYPE_NAMES.has(text))
    return refused(text, 'is not a field of this request', 'remove it');
  if (names.has(text))
    return refused(text.slice(0, 100), 'stands twice in one object', 'send it once');
  names.add(text);
  return undefined;
}

function refused(field: string, rule: string, wayOut: string): JsonBody {
  return { ok: false, field, rule, wayOut };
}
