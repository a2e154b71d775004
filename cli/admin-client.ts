/**
 * Calls of the admin API. Every ending that is not a success becomes one sentence: not running, wrong token, or
 * what the API said.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { toError } from '../base/errors.js';
import type { Config, Secrets } from '../base/config.js';
import { inVerbs, refusalLines } from './next-steps.js';
import { linesOf } from './text-lines.js';
import { VerbError } from './verb-error.js';

/** What was read of a list; printed as JSON it is what the API would answer in one page of that size. */
export interface ApiList<Row> {
  readonly rows: readonly Row[];
  /** Where the rows go on that were not asked for; null: these are all. */
  readonly nextCursor: string | null;
}

export interface AdminClient {
  /** Origin of the API, without a slash at the end. */
  readonly origin: string;
  /**
   * GET, or POST or PUT when there is a body. It is sent once, under a key of its own. Returns the text of a 2xx answer;
   * throws VerbError otherwise. Waits half a minute, or `timeoutMs`.
   */
  call(
    apiPath: string,
    body?: object,
    method?: 'POST' | 'PUT',
    timeoutMs?: number,
  ): Promise<string>;
  /**
   * GET of a list of the API, page after page in its order, until there is no further row or `rowsMax` are read.
   * @param apiPath may have a query of its own, but neither `limit` nor `cursor`.
   * @param name of the field that has the rows, such as `budgets`.
   * Throws like {@link AdminClient.call}, and ZodError for an answer of another form.
   */
  list<Row>(
    apiPath: string,
    name: string,
    row: z.ZodType<Row>,
    rowsMax?: number,
  ): Promise<ApiList<Row>>;
  /** GET of a file as it is. Throws like {@link AdminClient.call}. */
  download(apiPath: string): Promise<Uint8Array>;
  /** POST of a file as it is. Throws like {@link AdminClient.call}. */
  upload(apiPath: string, file: string): Promise<string>;
  /** GET of what may be long: its lines, one at a time. Throws like {@link AdminClient.call}. */
  lines(apiPath: string): AsyncIterable<string>;
}

const TIMEOUT_MS = 30_000;
const LINES_TIMEOUT_MS = 600_000;
const UPLOAD_TIMEOUT_MS = 1_800_000;
const ANSWER_CHARACTERS_MAX = 64 * 1024 * 1024;

/** Address under which a listener on `host` is reached from this machine. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** The token from the settings, else from the data directory; undefined when there is none yet. */
export function adminToken(config: Config, secrets: Secrets): string | undefined {
  if (secrets.adminToken !== null) return secrets.adminToken;
  try {
    return readFileSync(path.join(config.dataDir, 'admin-token'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function adminClient(config: Config, secrets: Secrets): AdminClient {
  if (config.adminPort === 0) {
    throw new VerbError(
      'TOLLGATE_ADMIN_PORT is 0 (any port); set it to the port that `tollgate serve` printed.',
      2,
    );
  }
  const origin = `http://${reachable(config.host)}:${config.adminPort}`;
  const token = adminToken(config, secrets);
  if (token === undefined) {
    const file = path.join(config.dataDir, 'admin-token');
    throw new VerbError(
      `There is no admin token: set TOLLGATE_ADMIN_TOKEN, or start Tollgate here once so that it writes ${file}.`,
    );
  }
  return {
    origin,
    call: (apiPath, body, method, timeoutMs) =>
      call(origin, token, apiPath, { body, method, timeoutMs }),
    list: (apiPath, name, row, rowsMax) =>
      list((page) => call(origin, token, page, GET_ONCE), { apiPath, name, row, rowsMax }),
    download: (apiPath) => download(origin, token, apiPath),
    upload: (apiPath, file) => upload(origin, token, apiPath, file),
    lines: (apiPath) => lines(origin, token, apiPath),
  };
}

const GET_ONCE = { body: undefined, method: undefined, timeoutMs: undefined };
/** Rows of a page, the most that the API gives. */
const PAGE_ROWS = 500;
/** No installation has more; an API that hands out cursors without end is not followed for ever. */
const PAGES_MAX = 1_000;

async function list<Row>(
  get: (apiPath: string) => Promise<string>,
  asked: {
    readonly apiPath: string;
    readonly name: string;
    readonly row: z.ZodType<Row>;
    readonly rowsMax: number | undefined;
  },
): Promise<ApiList<Row>> {
  const { apiPath, name, row, rowsMax = Number.POSITIVE_INFINITY } = asked;
  const schema = z.looseObject({ [name]: z.array(row), nextCursor: z.string().nullable() });
  const first = `${apiPath}${apiPath.includes('?') ? '&' : '?'}limit=`;
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (let turn = 0; turn < PAGES_MAX; turn += 1) {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const size = Math.min(PAGE_ROWS, rowsMax - rows.length);
    const page = schema.parse(JSON.parse(await get(`${first}${size}${after}`)));
    rows.push(...(page[name] as readonly Row[]));
    cursor = page['nextCursor'] as string | null;
    if (cursor === null || rows.length >= rowsMax) return { rows, nextCursor: cursor };
  }
  throw new VerbError(`The list at ${apiPath} does not end.`);
}

async function* lines(origin: string, token: string, apiPath: string): AsyncGenerator<string> {
  let response: Response;
  try {
    response = await fetch(origin + apiPath, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(LINES_TIMEOUT_MS),
    });
  } catch (thrown) {
    throw unreachable(origin, thrown);
  }
  if (!response.ok) throw refused(origin, response.status, await response.text());
  if (response.body !== null) yield* linesOf(response.body);
}

async function download(origin: string, token: string, apiPath: string): Promise<Uint8Array> {
  let response: Response;
  let bytes: ArrayBuffer;
  try {
    response = await fetch(origin + apiPath, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(LINES_TIMEOUT_MS),
    });
    bytes = await response.arrayBuffer();
  } catch (thrown) {
    throw unreachable(origin, thrown);
  }
  if (!response.ok) throw refused(origin, response.status, Buffer.from(bytes).toString());
  return new Uint8Array(bytes);
}

/** A file as it is read, so that none is held in memory; what it says comes when all of it is imported. */
async function upload(
  origin: string,
  token: string,
  apiPath: string,
  file: string,
): Promise<string> {
  // Loaded here only. What fetch waits for the first byte of an answer is five minutes, whatever its signal says.
  const { request } = await import('undici');
  let status: number;
  let text: string;
  try {
    const { size } = await stat(file);
    const { statusCode, body } = await request(origin + apiPath, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/octet-stream',
        'content-length': String(size),
        'idempotency-key': randomUUID(),
      },
      signal: AbortSignal.timeout(UPLOAD_TIMEOUT_MS),
      headersTimeout: UPLOAD_TIMEOUT_MS,
      bodyTimeout: UPLOAD_TIMEOUT_MS,
      body: createReadStream(file),
    });
    status = statusCode;
    text = await body.text();
  } catch (thrown) {
    throw unreachable(origin, thrown);
  }
  if (status >= 200 && status < 300) return text;
  throw refused(origin, status, text);
}

async function call(
  origin: string,
  token: string,
  apiPath: string,
  asked: {
    readonly body: object | undefined;
    readonly method: 'POST' | 'PUT' | undefined;
    readonly timeoutMs: number | undefined;
  },
): Promise<string> {
  const { body, method = 'POST', timeoutMs = TIMEOUT_MS } = asked;
  let response: Response;
  let text: string;
  try {
    response = await fetch(origin + apiPath, {
      method: body === undefined ? 'GET' : method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (thrown) {
    throw unreachable(origin, thrown);
  }
  if (text.length > ANSWER_CHARACTERS_MAX)
    throw new VerbError('The answer of the admin API is too long.');
  if (response.ok) return text;
  throw refused(origin, response.status, text);
}

function unreachable(origin: string, thrown: unknown): VerbError {
  return new VerbError(
    `The admin API at ${origin} does not answer (${reason(thrown)}). Is Tollgate running, and on that port (TOLLGATE_ADMIN_PORT)? Start it with \`npm start\`.`,
  );
}

function refused(origin: string, status: number, text: string): VerbError {
  if (status === 401)
    return new VerbError(
      `The admin API at ${origin} does not accept the token. It was started with another TOLLGATE_ADMIN_TOKEN or data directory, or the token is expired or revoked.`,
    );
  return refusalOf(text) ?? new VerbError(`The admin API answered ${status}.`);
}

/** The system's own word for a failed connection, such as ECONNREFUSED. */
export function reason(thrown: unknown): string {
  const error = toError(thrown);
  const cause = error.cause === undefined ? error : toError(error.cause);
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' ? code : cause.message;
}

/** RFC 9457 problem details. */
const PROBLEM = z.object({
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), rule: z.string(), wayOut: z.string() })).optional(),
});

function refusalOf(text: string): VerbError | undefined {
  try {
    const problem = PROBLEM.parse(JSON.parse(text));
    const errors = problem.errors ?? [];
    // Who turns fields into places of a file reads them as the API has them.
    return new VerbError(
      refusalLines(problem.detail, errors).join('\n'),
      1,
      errors.map((each) => ({ ...each, wayOut: inVerbs(each.wayOut) })),
    );
  } catch {
    return undefined;
  }
}
