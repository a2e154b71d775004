/** Which request is answered by what. Every answer is an envelope; unknown paths are 404. */
import type { IncomingMessage } from 'node:http';
import { inTime } from '#base/in-time.js';
import type { Clock } from '#base/time.js';
import { successEnvelope } from '#base/wire/envelope.js';
import type { Envelope } from '#base/wire/envelope.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { isKept } from '../results/stored-result.js';
import type { EventLog } from '../metering/event-log.js';
import type { Answer } from './answer.js';
import { readBinds } from './binds.js';
import { readJson } from './http-io.js';
import { login, refusal, renew } from '../identity/login.js';
import { readParameters } from '../statement/parameters.js';
import { inProgressReply, loggedEntry, monitoringEntry, settledReply } from './reply.js';
import type { Delivery } from './reply.js';
import { resultPage } from './result-pages.js';
import { isSqlApi, sqlApi } from '../sql-api/routes.js';
import type { SqlApiWorld } from '../sql-api/world.js';
import type { PageWorld } from './result-pages.js';
import { isLoopback } from '../stages/file-transfer.js';
import type { Session } from '../identity/sessions.js';
import type { Statement, StatementRequest } from '../statement/statement.js';

export interface RouteWorld extends SqlApiWorld, PageWorld {
  readonly clock: Clock;
  readonly events: EventLog;
}

const UUID = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
const RESULT_PATH = new RegExp(`^/queries/${UUID}/result$`, 'i');
const ABORT_PATH = new RegExp(`^/queries/${UUID}/abort-request$`, 'i');
/** The Python connector 5 (Universal Core) doubles the slash before the id. */
const MONITORING_PATH = new RegExp(`^/monitoring/queries//?${UUID}$`, 'i');
const NOT_FOUND: Answer = { status: 404, body: refusal('390404', 'No such resource.') };

/** Answers one request; throws a Fault for a body that cannot be read. */
export async function route(world: RouteWorld, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://warehouse.invalid');
  const { pathname, searchParams } = url;
  if (request.method === 'GET' && pathname.startsWith('/results/')) return resultPage(world, url);
  if (isSqlApi(pathname)) return sqlApi(world, request, url);
  switch (`${request.method ?? 'GET'} ${pathname}`) {
    case 'POST /session/v1/login-request':
      return ok(
        await login(world, searchParams, await readJson(request), request.socket.remoteAddress),
      );
    case 'POST /session/token-request':
      return ok(renew(world, tokenOf(request), await readJson(request)));
    case 'POST /session/authenticator-request':
      await readJson(request);
      return ok(
        refusal(
          '390190',
          'This warehouse has no identity provider; log in with a password, a key pair, a programmatic access token or OAuth.',
          '28000',
        ),
      );
    case 'POST /telemetry/send':
    case 'POST /telemetry/send/sessionless':
      await readJson(request);
      return ok(successEnvelope('Log Received'));
    case 'POST /session/heartbeat':
      return withSession(world, request, (session) => {
        world.sessions.touch(session);
        return successEnvelope(null);
      });
    case 'POST /session':
      return withSession(world, request, (session) => logout(world, session));
    case 'POST /queries/v1/query-request':
      return withSession(world, request, (session, body) =>
        query(
          world,
          delivery(world, request, session),
          searchParams,
          body,
          isLoopback(request.socket.remoteAddress),
        ),
      );
    case 'POST /queries/v1/abort-request':
      return withSession(world, request, (session, body) => {
        const requestId = body['requestId'];
        return aborted(
          typeof requestId === 'string' && world.statements.abortRequest(session, requestId),
        );
      });
    default:
      return byId(world, request, pathname);
  }
}

async function byId(
  world: RouteWorld,
  request: IncomingMessage,
  pathname: string,
): Promise<Answer> {
  const result = RESULT_PATH.exec(pathname)?.[1];
  if (request.method === 'GET' && result !== undefined)
    return withSession(world, request, (session) =>
      resultOf(world, delivery(world, request, session), result.toLowerCase()),
    );
  const monitored = MONITORING_PATH.exec(pathname)?.[1];
  if (request.method === 'GET' && monitored !== undefined)
    return withSession(world, request, (session) =>
      monitoring(world, session, monitored.toLowerCase()),
    );
  const abortedId = ABORT_PATH.exec(pathname)?.[1];
  if (request.method === 'POST' && abortedId !== undefined)
    return withSession(world, request, (session) => {
      const statement = world.statements.find(session, abortedId.toLowerCase());
      return aborted(statement !== undefined && world.statements.abort(statement));
    });
  return NOT_FOUND;
}

async function withSession(
  world: RouteWorld,
  request: IncomingMessage,
  handle: (
    session: Session,
    body: Readonly<Record<string, unknown>>,
  ) => Promise<Envelope<unknown>> | Envelope<unknown>,
): Promise<Answer> {
  const body = request.method === 'POST' ? await readJson(request) : {};
  const token = tokenOf(request);
  if (token === undefined)
    return ok(
      refusal(WIRE_CODES.tokenMissing, 'Authorization header not found in the request data.'),
    );
  const check = world.sessions.check(token);
  switch (check.kind) {
    case 'session':
      return ok(await handle(check.session, body));
    case 'expired':
      return ok(
        refusal(
          WIRE_CODES.sessionTokenExpired,
          'Authentication token has expired.  The user must authenticate again.',
        ),
      );
    case 'unknown':
      return ok(refusal(WIRE_CODES.sessionInvalid, 'Session token not found or invalid data'));
  }
}

/** Pages of a result are addressed at the host that the client reached. */
function delivery(world: RouteWorld, request: IncomingMessage, session: Session): Delivery {
  const base =
    world.links.base(request.headers.host) ?? `http://127.0.0.1:${request.socket.localPort ?? 0}`;
  return { session, urlOf: (page) => world.links.url(base, page) };
}

async function query(
  world: RouteWorld,
  to: Delivery,
  search: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
  isLocal: boolean,
): Promise<Envelope<unknown>> {
  const sql = body['sqlText'];
  const requestId = search.get('requestId');
  if (typeof sql !== 'string')
    return refusal(
      '390142',
      'Incoming request does not contain a valid payload: sqlText is missing.',
    );
  if (requestId === null || requestId === '')
    return refusal('390142', 'Incoming request does not contain a requestId.');
  const bindStage = body['bindStage'];
  const request: StatementRequest = {
    requestId,
    sql,
    binds: readBinds(body['bindings']),
    parameters: readParameters(body['parameters']),
    describeOnly: body['describeOnly'] === true,
    isAsync: body['asyncExec'] === true,
    isLocal,
    ...(typeof bindStage === 'string' && bindStage !== '' ? { bindStage } : {}),
  };
  const statement = world.statements.submit(to.session, request);
  if (request.isAsync) return inProgressReply(statement);
  return waitFor(world, to, statement);
}

async function waitFor(
  world: RouteWorld,
  to: Delivery,
  statement: Statement,
): Promise<Envelope<unknown>> {
  const settled = await inTime(world.longPollMs, statement.done);
  if (settled === undefined) return inProgressReply(statement);
  const { outcome } = settled;
  if (outcome.kind === 'rows' && outcome.stored !== undefined && !(await isKept(outcome.stored)))
    return unknownStatement(statement.id);
  return settledReply(statement, settled, to);
}

async function resultOf(world: RouteWorld, to: Delivery, id: string): Promise<Envelope<unknown>> {
  const statement = world.statements.find(to.session, id);
  return statement === undefined ? unknownStatement(id) : waitFor(world, to, statement);
}

/** `000709`: there is no such statement, it is somebody else's, or its result is not kept any more. */
function unknownStatement(id: string): Envelope<unknown> {
  return refusal(WIRE_CODES.queryUnknown, `Statement ${id} not found`, '02000');
}

function monitoring(world: RouteWorld, session: Session, id: string): Envelope<unknown> {
  const isAdmin = session.role === 'ACCOUNTADMIN';
  const statement = isAdmin ? world.statements.findAny(id) : world.statements.find(session, id);
  if (statement !== undefined)
    return successEnvelope({ queries: [monitoringEntry(statement, world.clock.now())] });
  const logged = world.events.statement(id);
  const mayRead = logged !== undefined && (isAdmin || logged.started.user === session.user.name);
  return successEnvelope({ queries: mayRead ? [loggedEntry(logged)] : [] });
}

function logout(world: RouteWorld, session: Session): Envelope<unknown> {
  void world.sessions.close(session, world.statements.closeSession(session));
  return successEnvelope(null);
}

function aborted(wasRunning: boolean): Envelope<unknown> {
  return wasRunning
    ? successEnvelope(null)
    : refusal(
        WIRE_CODES.queryNotRunning,
        'Identified SQL statement is not currently executing.',
        '02000',
      );
}

function tokenOf(request: IncomingMessage): string | undefined {
  const match = /^Snowflake Token="([^"]*)"$/i.exec(request.headers.authorization ?? '');
  const token = match?.[1];
  return token === undefined || token === '' || token === 'None' ? undefined : token;
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}
