/**
 * Reads the body of a query request once, keeps the offsets of what may be edited, and writes the edited body. All
 * other bytes travel as the client wrote them. Field meanings: docs/wire.md (drivers' `query-request`).
 */
import { createHash } from 'node:crypto';
import { applyEdits, memberOf, parseObject, scanObject, setMember, textOf } from './json-edit.js';
import type { Edit, JsonMember, Span } from './json-edit.js';

export interface QueryRequest {
  readonly sqlText: string;
  readonly isDescribe: boolean;
  readonly isAsync: boolean;
  /** Number of statements the client announced; null when it did not (one). 0 means any number. */
  readonly statementCount: number | null;
  /** Bind values, by position: kept as sent, for the SQL surface. */
  readonly binds: readonly { readonly type: string; readonly value: string | null }[];
  /** The statement-level tag the client sent, null for none. */
  readonly clientTag: string | null;
  /** The statement-level timeout the client sent in seconds, null for none. */
  readonly clientTimeoutSeconds: number | null;
  /** SHA-256 of everything that makes this the same statement when its request id comes again. */
  readonly hash: string;
}

export interface Offsets {
  readonly body: Buffer;
  readonly top: readonly JsonMember[];
  readonly topSpan: Span;
  readonly parameters: { readonly members: readonly JsonMember[]; readonly span: Span } | null;
}

export type QueryRequestRead =
  | { readonly kind: 'request'; readonly request: QueryRequest; readonly offsets: Offsets }
  | { readonly kind: 'malformed'; readonly why: string };

/** Parses a decoded body. `malformed` says which member breaks which rule. */
export function readQueryRequest(body: Buffer): QueryRequestRead {
  const scan = parseObject(body);
  if (scan.kind === 'malformed') return malformed(scan.why);
  const value = (key: string): unknown => {
    const member = memberOf(scan.members, key);
    return member === undefined ? undefined : JSON.parse(textOf(body, member.value));
  };
  const sqlText = value('sqlText');
  if (typeof sqlText !== 'string') return malformed('"sqlText" must be a string');
  // Half a surrogate pair has no form in UTF-8: upstream would read another text than we have judged.
  if (LONE_SURROGATE.test(sqlText))
    return malformed('"sqlText" has half a surrogate pair, which is no character');
  const parameters = scanParameters(body, scan.members);
  if (parameters !== null && 'why' in parameters) return malformed(parameters.why);
  const count = parameterValue(body, parameters, COUNT);
  if (isNoWholeNumber(count)) return malformed(`in "parameters": ${COUNT} must be a whole number`);
  return {
    kind: 'request',
    request: {
      sqlText,
      isDescribe: value('describeOnly') === true,
      isAsync: value('asyncExec') === true,
      statementCount: wholeNumber(count),
      binds: readBinds(value('bindings')),
      clientTag: textOrNull(parameterValue(body, parameters, 'QUERY_TAG')),
      clientTimeoutSeconds: wholeNumber(
        parameterValue(body, parameters, 'STATEMENT_TIMEOUT_IN_SECONDS'),
      ),
      hash: hashOf(body, scan.members),
    },
    offsets: { body, top: scan.members, topSpan: scan.span, parameters },
  };
}

/**
 * The body with statement parameters set, and with another text where one is given: only their bytes differ from what
 * the client sent.
 */
export function withParameters(
  offsets: Offsets,
  values: Readonly<Record<string, string | number>>,
  sqlText: string | null = null,
): Buffer {
  const { body, top, topSpan, parameters } = offsets;
  const entries = Object.entries(values);
  const edits: Edit[] =
    sqlText === null ? [] : [setMember(top, topSpan, 'sqlText', JSON.stringify(sqlText))];
  if (entries.length === 0) return edits.length === 0 ? body : applyEdits(body, edits);
  if (parameters === null) {
    edits.push(setMember(top, topSpan, 'parameters', JSON.stringify(values)));
    return applyEdits(body, edits);
  }
  const inserted: Record<string, string | number> = {};
  for (const [name, value] of entries) {
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
  return applyEdits(body, edits);
}

function scanParameters(
  body: Buffer,
  top: readonly JsonMember[],
): { members: readonly JsonMember[]; span: Span } | { why: string } | null {
  const member = memberOf(top, 'parameters');
  if (member === undefined || textOf(body, member.value) === 'null') return null;
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

function memberNamed(members: readonly JsonMember[], name: string): JsonMember | undefined {
  return members.find((member) => member.key.toUpperCase() === name);
}

function parameterValue(
  body: Buffer,
  parameters: { readonly members: readonly JsonMember[] } | null,
  name: string,
): unknown {
  const member = parameters === null ? undefined : memberNamed(parameters.members, name);
  return member === undefined ? undefined : JSON.parse(textOf(body, member.value));
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** How many statements a text may hold: another reading of `1e999` or `1.5` upstream must not count. */
const COUNT = 'MULTI_STATEMENT_COUNT';
const LONE_SURROGATE = /\p{Surrogate}/u;

function isNoWholeNumber(value: unknown): boolean {
  return value !== undefined && value !== null && wholeNumber(value) === null;
}

function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function readBinds(value: unknown): { type: string; value: string | null }[] {
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

function hashOf(body: Buffer, top: readonly JsonMember[]): string {
  const hash = createHash('sha256');
  for (const key of HASHED) {
    const member = memberOf(top, key);
    hash.update(`\u0000${key}\u0000`);
    if (member !== undefined) hash.update(body.subarray(member.value.start, member.value.end));
  }
  return hash.digest('hex');
}

function malformed(why: string): QueryRequestRead {
  return { kind: 'malformed', why };
}
