/** The values of a JSON file as their own texts, so that numbers keep every digit. */
import { failure } from '../failures.js';
import type { EngineFailure } from '../engine.js';

export interface JsonValue {
  readonly line: number;
  readonly text: string;
  /** Keys of an object; empty for other values. */
  readonly keys: readonly string[];
  readonly damage?: EngineFailure;
}

/**
 * Values one after the other, with blanks between them; with `isStripped` those of the outermost array instead. The
 * first that is not JSON is the last: where the next one starts is not known (Snowflake, "CREATE FILE FORMAT", JSON).
 */
export function* jsonValues(text: string, isStripped: boolean): Generator<JsonValue> {
  let at = 0;
  let line = 1;
  let isInside = false;
  const skip = (pattern: RegExp): void => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    line += found.split('\n').length - 1;
    at += found.length;
  };
  for (;;) {
    skip(isInside ? /[\s,]*/y : /\s*/y);
    if (at >= text.length) return;
    if (isStripped && !isInside && text[at] === '[') {
      isInside = true;
      at += 1;
      continue;
    }
    if (isInside && text[at] === ']') {
      isInside = false;
      at += 1;
      continue;
    }
    const end = valueEnd(text, at);
    const value = text.slice(at, end);
    const keys = keysOf(value);
    if (keys === undefined) {
      yield { line, text: '', keys: [], damage: notJson(value) };
      return;
    }
    yield { line, text: value, keys };
    line += value.split('\n').length - 1;
    at = end;
  }
}

/** Past the value at `at`; past the first character that cannot belong to one. */
function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '{' || first === '[') {
    let depth = 0;
    const mark = /["{}[\]]/g;
    mark.lastIndex = at;
    for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
      if (found[0] === '"') mark.lastIndex = stringEnd(text, found.index);
      else depth += found[0] === '{' || found[0] === '[' ? 1 : -1;
      if (depth === 0) return found.index + 1;
    }
    return text.length;
  }
  if (first === '"') return stringEnd(text, at);
  const plain = /[^\s,[\]{}"]+/y;
  plain.lastIndex = at;
  return at + Math.max(1, plain.exec(text)?.[0].length ?? 1);
}

function stringEnd(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next += 1) {
    if (text[next] === '\\') next += 1;
    else if (text[next] === '"') return next + 1;
  }
  return text.length;
}

function keysOf(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value)
      : [];
  } catch {
    return undefined;
  }
}

function notJson(value: string): EngineFailure {
  return failure('100069', '22P02', `Error parsing JSON: ${value.slice(0, 100)}`);
}
