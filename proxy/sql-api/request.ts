/**
 * Reads the body of `POST /api/v2/statements` once, keeps the offsets of what may be edited, and writes the edited body
 * (Snowflake, "SQL API reference"). All other bytes travel as the client wrote them.
 */
import type { BodyChanges } from '../stages.js';
import { applyEditsIn, parseObjectIn, setMember } from '../wire/json-edit.js';
import type { Edit } from '../wire/json-edit.js';
import {
  COUNT,
  LONE_SURROGATE,
  bindsOf,
  bytesIfLonger,
  hashOf,
  isNoWholeNumber,
  memberNamed,
  parameterEdits,
  parameterValue,
  scanParameters,
  textOrNull,
  valueOf,
  wholeNumber,
} from '../wire/query-request.js';
import type { Offsets, QueryRequest } from '../wire/query-request.js';
import type { Slices } from '../wire/slices.js';

/** Where a request asks to be run; a name that it leaves away is the user's default. */
export interface ApiPlace {
  readonly role: string | null;
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
}

export type ApiRequestRead =
  | { readonly kind: 'tooLong'; readonly bytes: number }
  | {
      readonly kind: 'request';
      readonly query: QueryRequest;
      readonly place: ApiPlace;
      readonly offsets: Offsets;
    }
  | { readonly kind: 'malformed'; readonly why: string };

/** Snowflake's own limit is 255. */
const NAME_LENGTH_MAX = 1024;
const PLACE_NAMES = ['role', 'warehouse', 'database', 'schema'] as const;
/** Members that decide what is run where, and so what makes a repeat the same statement. */
const KNOWN: readonly string[] = ['statement', 'bindings', 'parameters', 'timeout', ...PLACE_NAMES];

/**
 * Parses a decoded body. `malformed` says which member breaks which rule: a known name in another case is refused,
 * because it is not ours to know whether upstream reads it.
 *
 * @param isAsync as the URL says.
 * @param textBytesMax a text that must be longer than this is not read, and only said to be too long.
 */
export async function readApiRequest(
  slices: Slices,
  body: Buffer,
  isAsync: boolean,
  textBytesMax: number,
): Promise<ApiRequestRead> {
  const scan = await parseObjectIn(slices, body);
  if (scan.kind === 'malformed') return scan;
  const { members, span } = scan;
  const variant = members.find(({ key }) => !KNOWN.includes(key) && KNOWN.includes(fold(key)));
  if (variant !== undefined)
    return malformed(`"${variant.key.slice(0, 40)}" is written "${fold(variant.key)}"`);
  const value = (key: string): unknown => valueOf(body, members, key);
  const large = [...PLACE_NAMES, 'timeout'].find((name) =>
    bytesIfLonger(members, name, NAME_LENGTH_MAX),
  );
  if (large !== undefined)
    return malformed(`"${large}" is longer than ${NAME_LENGTH_MAX} characters`);
  const bytes = bytesIfLonger(members, 'statement', textBytesMax);
  if (bytes !== undefined) return { kind: 'tooLong', bytes };
  const sqlText = value('statement');
  if (typeof sqlText !== 'string') return malformed('"statement" must be a string');
  // Half a surrogate pair has no form in UTF-8: upstream would read another text than we have judged.
  if (LONE_SURROGATE.test(sqlText))
    return malformed('"statement" has half a surrogate pair, which is no character');
  const place: Record<keyof ApiPlace, string | null> = {
    role: null,
    warehouse: null,
    database: null,
    schema: null,
  };
  for (const name of PLACE_NAMES) {
    const named = value(name);
    if (typeof named !== 'string' && named !== undefined && named !== null)
      return malformed(`"${name}" must be a string`);
    place[name] = named === undefined || named === '' ? null : named;
  }
  const timeout = value('timeout') ?? 0;
  if (typeof timeout !== 'number' || !Number.isSafeInteger(timeout) || timeout < 0)
    return malformed('"timeout" must be a whole number of seconds, 0 or more');
  const parameters = scanParameters(body, members);
  if (parameters !== null && 'why' in parameters) return malformed(parameters.why);
  const count = parameterValue(body, parameters, COUNT);
  if (isNoWholeNumber(count)) return malformed(`in "parameters": ${COUNT} must be a whole number`);
  const seconds = wholeNumber(parameterValue(body, parameters, TIMEOUT_PARAMETER)) ?? 0;
  const timeouts = [timeout, seconds].filter((each) => each > 0);
  return {
    kind: 'request',
    query: {
      sqlText,
      isDescribe: false,
      isAsync,
      statementCount: wholeNumber(count),
      binds: bindsOf(body, members),
      clientTag: textOrNull(parameterValue(body, parameters, 'QUERY_TAG')),
      clientTimeoutSeconds: timeouts.length === 0 ? null : Math.min(...timeouts),
      clientTimeZone: textOrNull(parameterValue(body, parameters, 'TIMEZONE')),
      hash: await hashOf(slices, body, KNOWN, members),
    },
    place,
    offsets: { body, top: members, topSpan: span, parameters },
  };
}

const TIMEOUT_PARAMETER = 'STATEMENT_TIMEOUT_IN_SECONDS';

/** The body with its changes: tag and timeout where this API has them. */
export async function editedApiBody(
  slices: Slices,
  offsets: Offsets,
  changes: BodyChanges,
): Promise<Buffer> {
  const { body, top, topSpan, parameters } = offsets;
  const { tag, timeoutSeconds, sqlText } = changes;
  const edits: Edit[] = [];
  if (sqlText !== null) edits.push(setMember(top, topSpan, 'statement', JSON.stringify(sqlText)));
  const values: Record<string, string | number> = tag === null ? {} : { query_tag: tag };
  if (timeoutSeconds !== null) {
    edits.push(setMember(top, topSpan, 'timeout', String(timeoutSeconds)));
    // Upstream might take either.
    if (parameters !== null && memberNamed(parameters.members, TIMEOUT_PARAMETER) !== undefined)
      values[TIMEOUT_PARAMETER] = timeoutSeconds;
  }
  if (Object.keys(values).length > 0)
    edits.push(...parameterEdits(top, topSpan, parameters, values));
  return edits.length === 0 ? body : applyEditsIn(slices, body, edits);
}

function fold(key: string): string {
  return key.toLowerCase();
}

function malformed(why: string): ApiRequestRead {
  return { kind: 'malformed', why };
}
