/**
 * The members of a JSON object with their places in the text, duplicates included. JSON.parse keeps the last of two
 * members with one name and other readers the first, so whoever decides by a member must see both.
 */

export interface TextMember {
  readonly name: string;
  /** The member's own characters, from the quote of its name to the end of its value. */
  readonly start: number;
  readonly end: number;
  readonly value: unknown;
}

/** In order; undefined for a text that is not one JSON object. Linear in its length, never throws. */
export function membersOf(text: string): readonly TextMember[] | undefined {
  if (!/^[ \t\n\r]*\{/.test(text)) return undefined;
  try {
    // What it accepts is well-formed, so the walk below needs no checks of its own.
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const members: TextMember[] = [];
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text[at] === '"') {
    const start = at;
    const nameEnd = skipString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push({
      name: JSON.parse(text.slice(start, nameEnd)) as string,
      start,
      end,
      value: JSON.parse(text.slice(valueStart, end)),
    });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** The members as a record; undefined when a name stands twice, or the text is not one JSON object. */
export function uniqueMembers(text: string): ReadonlyMap<string, unknown> | undefined {
  const members = membersOf(text);
  if (members === undefined) return undefined;
  const byName = new Map(members.map(({ name, value }) => [name, value]));
  return byName.size === members.length ? byName : undefined;
}

/**
 * The text without the members called `name`, all other characters as written; null when nothing but braces is left.
 * Undefined for a text that is not one JSON object.
 */
export function withoutMember(text: string, name: string): string | null | undefined {
  const members = membersOf(text);
  if (members === undefined) return undefined;
  const kept = members.filter((member) => member.name !== name);
  if (kept.length === members.length) return text;
  if (kept.length === 0) return null;
  return `{${kept.map(({ start, end }) => text.slice(start, end)).join(',')}}`;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \t\n\r'.includes(text[at] ?? '-')) at += 1;
  return at;
}

/** From an opening quote to just after the closing one. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (character === '"') at = skipString(text, at) - 1;
    else if (character === '{' || character === '[') depth += 1;
    else if (depth === 0 && ',} \t\n\r'.includes(character)) return at;
    else if (character === '}' || character === ']') depth -= 1;
    at += 1;
    if (depth === 0 && '"}]'.includes(character)) return at;
  }
  return at;
}
