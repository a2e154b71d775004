/**
 * Snowflake's SQL API v2: `/api/v2/statements`. Each request is a session of its own, opened for its token and closed
 * when its statement has ended; what runs is run by the same executor as the statements of drivers.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Fault } from '#base/errors.js';
import { inTime } from '#base/in-time.js';
import { SQL_API_CODES, STATEMENTS_PATH } from '#base/wire/sql-api.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { Authenticated } from '../identity/authenticate.js';
import { openSession } from '../identity/open-session.js';
import type { Session } from '../identity/sessions.js';
import type { Answer } from '../protocol/answer.js';
import { readJson } from '../protocol/http-io.js';
import type { Statement } from '../statement/statement.js';
import { bearerUser } from './bearer.js';
import { failed, inProgress, settledAnswer, unknownStatement } from './reply.js';
import { headerFault, readApiRequest } from './request.js';
import type { ApiRefusal, ApiRequest } from './request.js';
import type { SqlApiWorld } from './world.js';

const HANDLE = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
const STATEMENT = new RegExp(`^${STATEMENTS_PATH}/${HANDLE}$`, 'i');
const CANCEL = new RegExp(`^${STATEMENTS_PATH}/${HANDLE}/cancel$`, 'i');

type User = Extract<Authenticated, { kind: 'user' }>;

/** Whether a path belongs to the SQL API. */
export function isSqlApi(pathname: string): boolean {
  return pathname.startsWith('/api/v2/');
}

/** Answers one request of the SQL API; always with a status of HTTP that says how it went, and a JSON body. */
export async function sqlApi(
  world: SqlApiWorld,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  try {
    return await route(world, request, url);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    if (cause.code === 'requestTooLarge')
      return refuse({ status: 413, code: '390413', message: cause.message });
    if (cause.code === 'requestMalformed')
      return refuse({
        status: 400,
        code: SQL_API_CODES.invalidPayload,
        message: `Incoming request does not contain a valid payload: ${cause.message}.`,
      });
    throw cause;
  }
}

async function route(world: SqlApiWorld, request: IncomingMessage, url: URL): Promise<Answer> {
  const { pathname, searchParams } = url;
  const isSubmit = pathname === STATEMENTS_PATH || pathname === `${STATEMENTS_PATH}/`;
  const asked = STATEMENT.exec(pathname)?.[1]?.toLowerCase();
  const cancelled = CANCEL.exec(pathname)?.[1]?.toLowerCase();
  if (!isSubmit && asked === undefined && cancelled === undefined)
    return refuse({ status: 404, code: SQL_API_CODES.notFound, message: 'No such resource.' });
  const method = asked === undefined ? 'POST' : 'GET';
  if (request.method !== method)
    return refuse({
      status: 405,
      code: SQL_API_CODES.methodNotAllowed,
      message: `The method of this resource is ${method}.`,
    });
  const fault = headerFault(request.headers, isSubmit);
  if (fault !== undefined) return refuse(fault);
  const user = await bearerUser(world, request);
  if (user.kind === 'refused')
    return refuse({ status: 401, code: user.code, message: user.message });
  if (isSubmit) return submit(world, user, searchParams, await readJson(request));
  const id = asked ?? cancelled ?? '';
  const statement = world.statements.findAny(id);
  if (statement === undefined || statement.session.user.name !== user.user.name)
    return unknownStatement(id);
  if (cancelled !== undefined) return cancel(world, statement);
  return status(world, statement, searchParams.get('partition'));
}

async function submit(
  world: SqlApiWorld,
  user: User,
  search: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const read = readApiRequest(search, body);
  if (read.kind === 'refused') return refuse(read.refusal);
  const { request } = read;
  const { name } = user.user;
  const first =
    request.isRetry && request.requestId !== undefined
      ? world.apiRequests.find(name, request.requestId)
      : undefined;
  if (first !== undefined) return answerTo(world, first, request.isAsync);
  if (!world.apiRequests.hasRoom(name))
    return refuse({
      status: 429,
      code: SQL_API_CODES.tooMany,
      message: 'Too many requests. Send it again when some of your statements have ended.',
    });
  const opened = await openSession(world, user, {
    ...request,
    secondaryRoles: '',
    clientApp: 'SQLAPI',
    clientVersion: '2',
    isStrict: true,
  });
  switch (opened.kind) {
    case 'refused':
      return refuse({
        status: opened.sqlState === '28000' ? 403 : 422,
        code: opened.code,
        sqlState: opened.sqlState,
        message: opened.message,
      });
    case 'missing':
      return refuse(missing(opened.what));
    case 'opened':
      return answerTo(world, start(world, opened.session, request), request.isAsync);
  }
}

function start(world: SqlApiWorld, session: Session, request: ApiRequest): Statement {
  const statement = world.statements.submit(session, {
    requestId: request.requestId ?? randomUUID(),
    sql: request.sql,
    binds: request.binds,
    parameters: new Map(),
    describeOnly: false,
    isAsync: request.isAsync,
  });
  world.apiRequests.enter(session.user.name, statement, request.isNullable);
  void statement.done.then(() =>
    world.sessions.close(session, world.statements.closeSession(session)),
  );
  return statement;
}

/** The answer to who submitted a statement: at once, or when it has ended or takes too long. */
async function answerTo(
  world: SqlApiWorld,
  statement: Statement,
  isAsync: boolean,
): Promise<Answer> {
  if (isAsync) return inProgress(statement);
  const settled = await inTime(world.longPollMs, statement.done);
  if (settled === undefined) return inProgress(statement);
  const isNullable = world.apiRequests.isNullable(statement);
  return settledAnswer(statement, settled, { partition: 0, isNullable });
}

function status(
  world: SqlApiWorld,
  statement: Statement,
  wanted: string | null,
): Promise<Answer> | Answer {
  const partition = wanted === null ? 0 : Number(wanted);
  if (!Number.isSafeInteger(partition) || partition < 0 || wanted === '')
    return refuse({
      status: 400,
      code: SQL_API_CODES.badRequest,
      message: 'The URL parameter partition is a whole number, 0 or more.',
    });
  world.sessions.touch(statement.session);
  const { settled } = statement;
  if (settled === undefined) return inProgress(statement);
  const isNullable = world.apiRequests.isNullable(statement);
  return settledAnswer(statement, settled, { partition, isNullable });
}

async function cancel(world: SqlApiWorld, statement: Statement): Promise<Answer> {
  const { id } = statement;
  if (!world.statements.abort(statement))
    return failed(422, {
      code: WIRE_CODES.queryNotRunning,
      message: 'Identified SQL statement is not currently executing.',
      sqlState: '02000',
      statementHandle: id,
    });
  await statement.done;
  return failed(200, {
    code: WIRE_CODES.queryCancelled,
    message: 'SQL execution canceled',
    sqlState: '57014',
    statementHandle: id,
    statementStatusUrl: `${STATEMENTS_PATH}/${id}`,
  });
}

const MISSING_CODES = {
  database: SQL_API_CODES.databaseMissing,
  schema: SQL_API_CODES.schemaMissing,
  warehouse: SQL_API_CODES.warehouseMissing,
} as const;

function missing(what: keyof typeof MISSING_CODES): ApiRefusal {
  return {
    status: 422,
    code: MISSING_CODES[what],
    sqlState: '02000',
    message: `The ${what} of the request does not exist or not authorized. Its name is taken in the case in which it is written.`,
  };
}

function refuse({ status: httpStatus, code, message, sqlState }: ApiRefusal): Answer {
  return failed(httpStatus, { code, message, ...(sqlState === undefined ? {} : { sqlState }) });
}
