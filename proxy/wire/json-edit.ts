/**
 * Reads and edits JSON bodies by byte offsets, so that what upstream receives is what the client sent except for
 * the members we set: 64-bit integers, number texts and unknown fields survive. A key that stands twice is refused,
 * because parsers differ on which one wins.
 */
import { JSON_DEPTH_MAX, MEMBERS_MAX, ObjectWalk } from './json-walk.js';
import type { JsonMember, JsonObjectScan, Span } from './json-walk.js';
import { SLICE_BYTES, gather } from './slices.js';
import type { Slices } from './slices.js';

export { JSON_DEPTH_MAX };
export type { JsonMember, JsonObjectScan, Span };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

/** The members of a body that is one JSON object in UTF-8 (RFC 8259 §8.1); `malformed` says which rule it breaks. */
export function parseObject(body: Buffer): JsonObjectScan {
  const walk = new ObjectWalk(body);
  for (;;) {
    const scan = walk.advance(body.length);
    if (scan !== undefined) return scan;
  }
}

/** The same for a body of any size: nobody waits for more than a slice of it. */
export async function parseObjectIn(slices: Slices, body: Buffer): Promise<JsonObjectScan> {
  const walk = new ObjectWalk(body);
  for (;;) {
    const scan = walk.advance(SLICE_BYTES);
    if (scan !== undefined) return scan;
    await slices.turn();
  }
}

/**
 * Lists the members of the object that starts at `from` (white space allowed before it). The body must already have
 * been accepted by parseObject; this walk adds the offsets within, and looks for duplicate keys there.
 */
export function scanObject(body: Buffer, from = 0): JsonObjectScan {
  const start = skipSpace(body, from);
  if (body[start] !== OPEN_BRACE) return { kind: 'malformed', why: 'a JSON object was expected' };
  const members: JsonMember[] = [];
  const seen = new Set<string>();
  let at = skipSpace(body, start + 1);
  if (body[at] === CLOSE_BRACE) return { kind: 'object', members, span: { start, end: at + 1 } };
  for (;;) {
    if (body[at] !== QUOTE) return { kind: 'malformed', why: 'a member name was expected' };
    const keyEnd = skipString(body, at);
    const key = JSON.parse(body.toString('utf8', at, keyEnd)) as string;
    if (seen.has(key))
      return { kind: 'malformed', why: `the member "${key.slice(0, 40)}" stands twice` };
    seen.add(key);
    if (seen.size > MEMBERS_MAX)
      return { kind: 'malformed', why: `an object has more than ${MEMBERS_MAX} members` };
    at = skipSpace(body, keyEnd);
    if (body[at] !== COLON) return { kind: 'malformed', why: 'a colon was expected' };
    const valueStart = skipSpace(body, at + 1);
    const valueEnd = skipValue(body, valueStart);
    if (valueEnd < 0)
      return { kind: 'malformed', why: `it is nested deeper than ${JSON_DEPTH_MAX} levels` };
    members.push({ key, value: { start: valueStart, end: valueEnd } });
    at = skipSpace(body, valueEnd);
    if (body[at] === CLOSE_BRACE) return { kind: 'object', members, span: { start, end: at + 1 } };
    if (body[at] !== COMMA) return { kind: 'malformed', why: 'a comma was expected' };
    at = skipSpace(body, at + 1);
  }
}

/** The member called `key`, exactly. */
export function memberOf(members: readonly JsonMember[], key: string): JsonMember | undefined {
  return members.find((member) => member.key === key);
}

/** The text of a span, e.g. to hand a single value to JSON.parse. */
export function textOf(body: Buffer, span: Span): string {
  return body.toString('utf8', span.start, span.end);
}

/** One replacement: the bytes of `span` (empty for an insertion) become `text`. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Applies edits that do not overlap; all other bytes stay as they are. */
export function applyEdits(body: Buffer, edits: readonly Edit[]): Buffer {
  return Buffer.concat(editedParts(body, edits));
}

/** The same for a body of any size. */
export function applyEditsIn(
  slices: Slices,
  body: Buffer,
  edits: readonly Edit[],
): Promise<Buffer> {
  return gather(slices, editedParts(body, edits));
}

function editedParts(body: Buffer, edits: readonly Edit[]): readonly Buffer[] {
  const ordered = [...edits].sort((a, b) => a.span.start - b.span.start);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { span, text } of ordered) {
    parts.push(body.subarray(at, span.start), Buffer.from(text));
    at = span.end;
  }
  parts.push(body.subarray(at));
  return parts;
}

/** The edit that sets `key` of the object at `span` to the JSON text `value`, replacing or inserting it. */
export function setMember(
  members: readonly JsonMember[],
  span: Span,
  key: string,
  value: string,
): Edit {
  const existing = memberOf(members, key);
  if (existing !== undefined) return { span: existing.value, text: value };
  const at = span.start + 1;
  const separator = members.length === 0 ? '' : ',';
  return { span: { start: at, end: at }, text: `${JSON.stringify(key)}:${value}${separator}` };
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  for (
    let byte = body[at];
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    byte = body[at]
  ) {
    at += 1;
  }
  return at;
}

/** From an opening quote to just after the closing one (or the end of the body). */
function skipString(body: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = body.indexOf(QUOTE, at);
    if (quote < 0) return body.length;
    let backslashes = 0;
    while (quote - 1 - backslashes > from && body[quote - 1 - backslashes] === BACKSLASH)
      backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** From the first byte of a value to just after it; -1 when nested too deep. */
function skipValue(body: Buffer, from: number): number {
  const first = body[from];
  if (first === QUOTE) return skipString(body, from);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipScalar(body, from);
  let depth = 0;
  let at = from;
  while (at < body.length) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = skipString(body, at);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth > JSON_DEPTH_MAX) return -1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}

function skipScalar(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length) {
    const byte = body[at];
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) break;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) break;
    at += 1;
  }
  return at;
}
