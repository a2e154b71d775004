/**
 * Reads the body of a query request once, keeps the offsets of what may be edited, and writes the edited body. All
 * other bytes travel as the client wrote them. Field meanings: docs/wire.md (drivers' `query-request`).
 */
import { createHash, hash as hashAtOnce } from 'node:crypto';
import {
  applyEditsIn,
  memberOf,
  parseObjectIn,
  scanObject,
  setMember,
  textOf,
} from './json-edit.js';
import type { Edit, JsonMember, Span } from './json-edit.js';
import { SLICE_BYTES, updateIn } from './slices.js';
import type { Slices } from './slices.js';

export interface QueryRequest {
  readonly sqlText: string;
  readonly isDescribe: boolean;
  readonly isAsync: boolean;
  /** Number of statements the client announced; null when it did not (one). 0 means any number. */
  readonly statementCount: number | null;
  /** Bind values by position, for the SQL surface; null for more of them than a statement of ours can take. */
  readonly binds: readonly Bind[] | null;
  /** The statement-level tag the client sent, null for none. */
  readonly clientTag: string | null;
  /** The statement-level timeout the client sent in seconds, null for none. */
  readonly clientTimeoutSeconds: number | null;
  /** The time zone that the client sent for this statement alone, null for none. */
  readonly clientTimeZone: string | null;
  /** SHA-256 of everything that makes this the same statement when its request id comes again. */
  readonly hash: string;
}

export interface Bind {
  readonly type: string;
  readonly value: string | null;
}

export interface Offsets {
  readonly body: Buffer;
  readonly top: readonly JsonMember[];
  readonly topSpan: Span;
  readonly parameters: ParameterMembers | null;
}

/** Members of the object of statement parameters; each name once, in whatever case. */
export interface ParameterMembers {
  readonly members: readonly JsonMember[];
  readonly span: Span;
}

export type QueryRequestRead =
  | { readonly kind: 'tooLong'; readonly bytes: number }
  | { readonly kind: 'request'; readonly request: QueryRequest; readonly offsets: Offsets }
  | { readonly kind: 'malformed'; readonly why: string };

/** The longest text that JSON can make of one byte is an escape. */
const ESCAPE_BYTES = 6;
/** Bind values above this are not read: they are for Snowflake. */
const BINDS_BYTES_MAX = 64 * 1024;
/** Of an object of statement parameters; drivers send a few hundred bytes. */
const PARAMETERS_BYTES_MAX = 256 * 1024;

/**
 * Parses a decoded body. `malformed` says which member breaks which rule.
 *
 * @param textBytesMax a text that must be longer than this is not read, and only said to be too long.
 */
export async function readQueryRequest(
  slices: Slices,
  body: Buffer,
  textBytesMax: number,
): Promise<QueryRequestRead> {
  const scan = await parseObjectIn(slices, body);
  if (scan.kind === 'malformed') return malformed(scan.why);
  const { members } = scan;
  const bytes = bytesIfLonger(members, 'sqlText', textBytesMax);
  if (bytes !== undefined) return { kind: 'tooLong', bytes };
  const sqlText = valueOf(body, members, 'sqlText');
  if (typeof sqlText !== 'string') return malformed('"sqlText" must be a string');
  // Half a surrogate pair has no form in UTF-8: upstream would read another text than we have judged.
  if (LONE_SURROGATE.test(sqlText))
    return malformed('"sqlText" has half a surrogate pair, which is no character');
  const parameters = scanParameters(body, members);
  if (parameters !== null && 'why' in parameters) return malformed(parameters.why);
  const count = parameterValue(body, parameters, COUNT);
  if (isNoWholeNumber(count)) return malformed(`in "parameters": ${COUNT} must be a whole number`);
  return {
    kind: 'request',
    request: {
      sqlText,
      isDescribe: isTrue(body, members, 'describeOnly'),
      isAsync: isTrue(body, members, 'asyncExec'),
      statementCount: wholeNumber(count),
      binds: bindsOf(body, members),
      clientTag: textOrNull(parameterValue(body, parameters, 'QUERY_TAG')),
      clientTimeoutSeconds: wholeNumber(
        parameterValue(body, parameters, 'STATEMENT_TIMEOUT_IN_SECONDS'),
      ),
      clientTimeZone: textOrNull(parameterValue(body, parameters, 'TIMEZONE')),
      hash: await hashOf(slices, body, HASHED, members),
    },
    offsets: { body, top: members, topSpan: scan.span, parameters },
  };
}

/**
 * The body with statement parameters set, and with another text where one is given: only their bytes differ from what
 * the client sent.
 */
export async function withParameters(
  slices: Slices,
  offsets: Offsets,
  values: Readonly<Record<string, string | number>>,
  sqlText: string | null = null,
): Promise<Buffer> {
  const { body, top, topSpan, parameters } = offsets;
  const entries = Object.entries(values);
  const edits: Edit[] =
    sqlText === null ? [] : [setMember(top, topSpan, 'sqlText', JSON.stringify(sqlText))];
  if (entries.length === 0) return edits.length === 0 ? body : applyEditsIn(slices, body, edits);
  return applyEditsIn(slices, body, [
    ...edits,
    ...parameterEdits(top, topSpan, parameters, values),
  ]);
}

/** The edits that set statement parameters; a name that is there in another case is that parameter. */
export function parameterEdits(
  top: readonly JsonMember[],
  topSpan: Span,
  parameters: ParameterMembers | null,
  values: Readonly<Record<string, string | number>>,
): readonly Edit[] {
  if (parameters === null) return [setMember(top, topSpan, 'parameters', JSON.stringify(values))];
  const edits: Edit[] = [];
  const inserted: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(values)) {
    const existing = memberNamed(parameters.members, name);
    if (existing === undefined) inserted[name] = value;
    else edits.push({ span: existing.value, text: JSON.stringify(value) });
  }
  if (Object.keys(inserted).length > 0) {
    const at = parameters.span.start + 1;
    const text = JSON.stringify(inserted).slice(1, -1);
    edits.push({
      span: { start: at, end: at },
      text: parameters.members.length === 0 ? text : `${text},`,
    });
  }
  return edits;
}

/** The statement parameters of a body; null when it has none, `why` when they cannot be read in one way only. */
export function scanParameters(
  body: Buffer,
  top: readonly JsonMember[],
): ParameterMembers | { readonly why: string } | null {
  const member = memberOf(top, 'parameters');
  if (member === undefined || isText(body, member, 'null')) return null;
  if (member.value.end - member.value.start > PARAMETERS_BYTES_MAX)
    return { why: `"parameters" is larger than ${PARAMETERS_BYTES_MAX} bytes` };
  const scan = scanObject(body, member.value.start);
  if (scan.kind === 'malformed') return { why: `in "parameters": ${scan.why}` };
  const names = scan.members.map((each) => each.key.toUpperCase());
  // Folding "ſ" to "S" or not is a matter of taste; upstream's need not be ours.
  const foreign = scan.members.find((each) => !/^[\x20-\x7e]*$/.test(each.key));
  if (foreign !== undefined)
    return { why: `in "parameters": the name "${foreign.key.slice(0, 40)}" is not ASCII` };
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { why: `in "parameters": ${twice.slice(0, 40)} stands twice` };
  return { members: scan.members, span: scan.span };
}

/** The parameter of a name, in whatever case it is written. */
export function memberNamed(members: readonly JsonMember[], name: string): JsonMember | undefined {
  const wanted = name.toUpperCase();
  return members.find((member) => member.key.toUpperCase() === wanted);
}

/** The value of a parameter; undefined when it is not set. */
export function parameterValue(
  body: Buffer,
  parameters: ParameterMembers | null,
  name: string,
): unknown {
  const member = parameters === null ? undefined : memberNamed(parameters.members, name);
  return member === undefined ? undefined : JSON.parse(textOf(body, member.value));
}

/** A text, or null for anything else. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** How many statements a text may hold: another reading of `1e999` or `1.5` upstream must not count. */
export const COUNT: string = 'MULTI_STATEMENT_COUNT';
export const LONE_SURROGATE: RegExp = /\p{Surrogate}/u;

/** Whether a value is there and is none. */
export function isNoWholeNumber(value: unknown): boolean {
  return value !== undefined && value !== null && wholeNumber(value) === null;
}

/** A whole number, also where it is written as a text; null for anything else. */
export function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** The value of a member; undefined when it is not there. */
export function valueOf(body: Buffer, members: readonly JsonMember[], key: string): unknown {
  const member = memberOf(members, key);
  return member === undefined ? undefined : JSON.parse(textOf(body, member.value));
}

/** The bytes of a text that has more than `max` characters, however it is written; undefined: it need not have. */
export function bytesIfLonger(
  members: readonly JsonMember[],
  key: string,
  max: number,
): number | undefined {
  const member = memberOf(members, key);
  const bytes = member === undefined ? 0 : member.value.end - member.value.start - 2;
  return bytes > ESCAPE_BYTES * max ? bytes : undefined;
}

function isTrue(body: Buffer, members: readonly JsonMember[], key: string): boolean {
  const member = memberOf(members, key);
  return member !== undefined && isText(body, member, 'true');
}

function isText(body: Buffer, { value }: JsonMember, text: string): boolean {
  return value.end - value.start === text.length && textOf(body, value) === text;
}

/** Binds in the order of their positions. */
export function bindsOf(body: Buffer, members: readonly JsonMember[]): QueryRequest['binds'] {
  const member = memberOf(members, 'bindings');
  if (member !== undefined && member.value.end - member.value.start > BINDS_BYTES_MAX) return null;
  return readBinds(valueOf(body, members, 'bindings'));
}

function readBinds(value: unknown): readonly Bind[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, bind]) => {
      const { type, value: text } = (bind ?? {}) as { type?: unknown; value?: unknown };
      return {
        type: typeof type === 'string' ? type : 'TEXT',
        value: typeof text === 'string' ? text : null,
      };
    });
}

/** Everything but the transport: a retry may change times and sequence numbers, not what is asked. */
const HASHED: readonly string[] = [
  'sqlText',
  'bindings',
  'bindStage',
  'describeOnly',
  'asyncExec',
  'parameters',
];

/** SHA-256 over the members of the names given, as they are written. */
export async function hashOf(
  slices: Slices,
  body: Buffer,
  names: readonly string[],
  members: readonly JsonMember[],
): Promise<string> {
  if (body.length <= SLICE_BYTES) return smallHashOf(body, names, members);
  const hash = createHash('sha256');
  for (const key of names) {
    const member = memberOf(members, key);
    hash.update(`\u0000${key}\u0000`);
    if (member !== undefined)
      await updateIn(slices, hash, body.subarray(member.value.start, member.value.end));
  }
  return hash.digest('hex');
}

/** The same at once: a hash that is fed in parts costs more than the bytes of nearly every statement. */
function smallHashOf(
  body: Buffer,
  names: readonly string[],
  members: readonly JsonMember[],
): string {
  const parts = names.map((key) => {
    const member = memberOf(members, key);
    const written = member && body.toString('latin1', member.value.start, member.value.end);
    return `\u0000${key}\u0000${written ?? ''}`;
  });
  return hashAtOnce('sha256', Buffer.from(parts.join(''), 'latin1'));
}

function malformed(why: string): QueryRequestRead {
  return { kind: 'malformed', why };
}
