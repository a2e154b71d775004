/**
 * Bodies as JSON that has one reading: no name twice, no names that reach into prototypes, no text that Postgres cannot
 * keep or that would be read back differently, no endless nesting.
 */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly field: string; readonly rule: string; readonly wayOut: string };

const DEPTH_MAX = 64;
const PROTOTYPE_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

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

/** `text` is valid JSON: between texts stand only structure, spaces, numbers and words. */
function problemOf(text: string): JsonBody | undefined {
  /** Names seen in each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let isNameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charAt(at)) {
      case '{':
      case '[':
        isNameNext = text[at] === '{';
        open.push(isNameNext ? new Set() : null);
        if (open.length > DEPTH_MAX)
          return refused('body', `must nest at most ${DEPTH_MAX} deep`, 'send a flatter value');
        break;
      case '}':
      case ']':
        open.pop();
        isNameNext = false;
        break;
      case ',':
        isNameNext = open.at(-1) instanceof Set;
        break;
      case '"': {
        const end = endOfText(text, at);
        const problem = problemOfText(
          text.slice(at, end + 1),
          isNameNext ? (open.at(-1) ?? null) : null,
        );
        if (problem !== undefined) return problem;
        isNameNext = false;
        at = end;
        break;
      }
      default:
    }
  }
  return undefined;
}

/** Where the text that begins at `at` has its closing quote. */
function endOfText(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  for (;;) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
}

/** @param names of the object that the text is a name of; null: it is a value. */
function problemOfText(token: string, names: Set<string> | null): JsonBody | undefined {
  const isEscaped = token.includes('\\');
  if (names === null && !isEscaped) return undefined;
  const text = isEscaped ? String(JSON.parse(token)) : token.slice(1, -1);
  // Halves of surrogate pairs are stored as another character, so that the audit log's hash would not fit any more.
  if (isEscaped && /\0|\p{Surrogate}/u.test(text))
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
