/** The URL, headers and body of `POST /api/v2/statements`, checked. */
import type { IncomingHttpHeaders } from 'node:http';
import { SQL_API_CODES } from '#base/wire/sql-api.js';
import type { EngineBind } from '../engine/engine.js';
import { readBinds } from '../protocol/binds.js';
import { readTokens, splitRequest } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';

/** What a request asks for; names in the case in which they are kept (Snowflake, "SQL API reference"). */
export interface ApiRequest {
  readonly sql: string;
  readonly requestId: string | undefined;
  readonly isAsync: boolean;
  readonly isNullable: boolean;
  readonly isRetry: boolean;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly binds: readonly EngineBind[];
  /** Session parameters of the request, its timeout among them. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ApiRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly sqlState?: string;
}

export type ApiRequestRead = { readonly kind: 'request'; readonly request: ApiRequest } | ApiFault;
export interface ApiFault {
  readonly kind: 'refused';
  readonly refusal: ApiRefusal;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What a timeout of 0 stands for: the most that Snowflake allows. */
const TIMEOUT_MAX_SECONDS = 604_800;

/** What is wrong with the headers of a request; undefined when nothing is. */
export function headerFault(
  headers: IncomingHttpHeaders,
  hasBody: boolean,
): ApiRefusal | undefined {
  if ((headers['user-agent'] ?? '') === '')
    return badRequest('The header User-Agent is missing: name your application and its version.');
  const { accept } = headers;
  if (accept === undefined || !/(?:application|\*)\/(?:json|\*)/i.test(accept))
    return {
      status: 415,
      code: SQL_API_CODES.unsupportedAccept,
      message: `Unsupported Accept header ${String(accept ?? null).slice(0, 100)} is specified.`,
    };
  const contentType = headers['content-type'];
  if (hasBody && !/^application\/json\b/i.test(contentType ?? ''))
    return {
      status: 415,
      code: SQL_API_CODES.unsupportedContentType,
      message: `Unsupported Content-Type header ${String(contentType ?? null).slice(0, 100)} is specified.`,
    };
  return undefined;
}

/** Reads a request; 400 for what is no request of this API, 422 for a statement that it does not take. */
export function readApiRequest(
  search: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): ApiRequestRead {
  const requestId = search.get('requestId') ?? undefined;
  if (requestId !== undefined && !UUID.test(requestId))
    return invalid('the URL parameter requestId is not a UUID');
  for (const name of ['async', 'nullable', 'retry'])
    if (!/^(?:true|false)?$/i.test(search.get(name) ?? ''))
      return invalid(`the URL parameter ${name} is true or false`);
  const { statement: sql, timeout, bindings, parameters } = body;
  if (typeof sql !== 'string' || sql.trim() === '') return invalid('"statement" is missing');
  const isTimeout =
    timeout === undefined ||
    timeout === null ||
    (Number.isSafeInteger(timeout) && !isNegative(timeout));
  if (!isTimeout) return invalid('"timeout" is a whole number of seconds, 0 or more');
  for (const name of ['role', 'warehouse', 'database', 'schema'] as const)
    if (
      textOf(body[name]) === undefined &&
      body[name] !== undefined &&
      body[name] !== null &&
      body[name] !== ''
    )
      return invalid(`"${name}" is a text`);
  if (!isObject(bindings)) return invalid('"bindings" is an object');
  if (!isObject(parameters)) return invalid('"parameters" is an object');
  const unsupported = unsupportedIn(sql);
  if (unsupported !== undefined) return { kind: 'refused', refusal: unsupported };
  return {
    kind: 'request',
    request: {
      sql,
      requestId,
      isAsync: isTrue(search.get('async')),
      isNullable: search.get('nullable')?.toLowerCase() !== 'false',
      isRetry: isTrue(search.get('retry')),
      role: textOf(body['role']),
      warehouse: textOf(body['warehouse']),
      database: textOf(body['database']),
      schema: textOf(body['schema']),
      binds: readBinds(bindings),
      parameters: {
        ...parameters,
        ...(typeof timeout === 'number'
          ? { STATEMENT_TIMEOUT_IN_SECONDS: timeout === 0 ? TIMEOUT_MAX_SECONDS : timeout }
          : {}),
      },
    },
  };
}

/** First words of statements that act on a session alone, which ends with its request. */
const SESSION_WORDS: ReadonlySet<string> = new Set([
  'USE',
  'SET',
  'UNSET',
  'BEGIN',
  'START',
  'COMMIT',
  'ROLLBACK',
]);

/** Files are not moved by this API, and what changes a session is of use with other statements only. */
function unsupportedIn(sql: string): ApiRefusal | undefined {
  const texts = splitRequest(sql);
  for (const text of texts) {
    const tokens = readTokens(text.slice(0, 2000));
    const [first, second] = tokens;
    const word = first?.kind === 'word' ? first.value : '';
    if (word === 'PUT' || word === 'GET')
      return unsupported(`${word} is not supported by the SQL API`);
    const isSession =
      SESSION_WORDS.has(word) ||
      (word === 'ALTER' && second?.value === 'SESSION') ||
      (word === 'CREATE' && makesTemporary(tokens));
    if (isSession && texts.length === 1)
      return unsupported(
        `${word} is supported by the SQL API together with other statements in one request only: set the parameter multi_statement_count`,
      );
  }
  return undefined;
}

function makesTemporary(tokens: readonly Token[]): boolean {
  return tokens.slice(1, 6).some(({ value }) => value === 'TEMPORARY' || value === 'TEMP');
}

function unsupported(what: string): ApiRefusal {
  return {
    status: 422,
    code: '000002',
    sqlState: '0A000',
    message: `Unsupported feature: ${what}.`,
  };
}

function invalid(why: string): ApiFault {
  return {
    kind: 'refused',
    refusal: {
      status: 400,
      code: SQL_API_CODES.invalidPayload,
      message: `Incoming request does not contain a valid payload: ${why}.`,
    },
  };
}

function badRequest(message: string): ApiRefusal {
  return { status: 400, code: SQL_API_CODES.badRequest, message };
}

function isTrue(text: string | null): boolean {
  return text?.toLowerCase() === 'true';
}

function isNegative(value: unknown): boolean {
  return typeof value === 'number' && value < 0;
}

function isObject(value: unknown): value is object | null | undefined {
  return value === undefined || (typeof value === 'object' && !Array.isArray(value));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
