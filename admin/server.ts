/**
 * The admin listener. Every role answers `/metrics`, `/livez`, `/readyz` and a page that says what listens where;
 * with the role `admin` it serves the API under `/api/v1`, behind a bearer token, and the console where it was built.
 */
import { type AdminApi, EVENT_FOLLOWERS_MAX, SIGN_INS_MAX } from './admin-api.js';
import type { AddressInfo, Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Stoppable } from '#base/lifecycle.js';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics } from '#base/metrics.js';
import { systemClock } from '#base/time.js';
import { type ApiApp, controlOf } from './api/api.js';
import { addApiRoutes } from './api/routes.js';
import type { EventsApi } from './api/events.js';
import { createAttempts } from './attempts.js';
import { type AuthenticatePerson, guard, isStillWelcome, nobodyByPerson } from './auth.js';
import {
  addConsoleFiles,
  type ConsoleFiles,
  isConsolePage,
  sendPage,
} from './console/console-files.js';
import {
  ABSOLUTE_MS,
  type ConsoleSignIns,
  createConsoleSignIns,
  IDLE_MS,
} from './console/console-sign-ins.js';
import { authenticatePerson } from './console/oidc-people.js';
import { addOidcRoutes } from './console/oidc-routes.js';
import { addPolicyReports, exposePolicyReports } from './console/policy-reports.js';
import { addSignInRoutes, type SignInRoutesOptions } from './console/sign-in-routes.js';
import { EventHub } from './events/event-hub.js';
import { addHealthRoutes, type Readiness } from './health-routes.js';
import { addIdempotency } from './idempotency.js';
import { readJsonBody } from './json-body.js';
import { keepRoutes, methodsAt } from './known-routes.js';
import { landingPage, type Listener } from './landing-page.js';
import { exposeLimits } from './occupancies.js';
import { addOpenApi } from './openapi.js';
import { badField, problemHandler, sendProblem, titleOf } from './problems.js';
import { REQUEST_TIMEOUT_MS, UPLOAD_TIMEOUT_MS, keepRequestsInTime } from './request-time.js';
import { readPulse } from './stores/pulse-store.js';
import { createSignInLog, type SignInLog } from './stores/sign-in-log.js';
import { createTokenAuthenticator } from './token-authenticator.js';

export interface AdminOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Asked when the page is shown, because ports may be chosen late. */
  readonly listeners: () => readonly Listener[];
  readonly api: AdminApi | null;
  /** How long a request that is no upload may take to arrive; absent: half a minute. */
  readonly requestTimeoutMs?: number;
}

export interface AdminServer extends Stoppable {
  /** `http://127.0.0.1:8081`. */
  readonly url: string;
  readonly port: number;
}

const BODY_BYTES_MAX = 1024 * 1024;
const API_PREFIX = '/api/v1';

/** On every reply; the page and the console add their own content policy. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Where people reach the console by https alone; the proxy that ends TLS passes it on. OWASP ASVS 5.0, 3.4.1. */
const HTTPS_HEADERS: Readonly<Record<string, string>> = {
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
};

/**
 * Listens on `host:port` (0: any free port).
 * @returns the running server; `stop` lets requests in flight end, or cuts them when its signal aborts.
 */
export async function startAdmin(
  options: AdminOptions & { readonly host: string; readonly port: number },
): Promise<AdminServer> {
  const app = await createAdminApp(options);
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    stop: async (signal) => {
      const cut = (): void => app.server.closeAllConnections();
      signal.addEventListener('abort', cut, { once: true });
      if (signal.aborted) cut();
      await app.close();
      signal.removeEventListener('abort', cut);
    },
  };
}

/** The server without a listener. */
export async function createAdminApp(options: AdminOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: UPLOAD_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket),
    frameworkErrors: (error, _request, reply) => {
      const status = error.statusCode ?? 400;
      const problem = { status, title: titleOf(status), detail: error.message };
      void sendProblem(reply.headers(HEADERS), problem);
    },
  });
  keepRequestsInTime(
    app,
    (socket) => refuseConnection({ code: LATE }, socket),
    options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
  );
  keepRoutes(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(problemHandler(options.log));
  const consoleFiles = options.api?.console?.files ?? null;
  const isSecure = options.api?.console?.isSecure === true;
  addNotFound(app, consoleFiles, isSecure);
  addJsonParser(app);
  const headers = Object.entries({ ...HEADERS, ...(isSecure ? HTTPS_HEADERS : {}) });
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of headers) if (!reply.hasHeader(name)) reply.header(name, value);
    await Promise.resolve();
  });
  addHealthRoutes(app, options.metrics, options.readiness);
  addLandingPage(app, options, consoleFiles === null ? '/' : '/listeners');
  if (consoleFiles !== null) {
    addConsoleFiles(app, consoleFiles, isSecure);
    await addPolicyReports(app, {
      metrics: exposePolicyReports(options.metrics),
      log: options.log,
      files: consoleFiles.assets,
      realNow: realNowOf(options.api),
    });
  }
  if (options.api !== null) await addApi(app, options.api, options);
  return app;
}

function addNotFound(
  app: FastifyInstance,
  consoleFiles: ConsoleFiles | null,
  isSecure: boolean,
): void {
  app.setNotFoundHandler((request, reply) => {
    if (consoleFiles !== null && isConsolePage(request))
      return sendPage(request, reply, consoleFiles, isSecure);
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsAt(app.knownRoutes, path);
    const asked = `${request.method} ${path.slice(0, 200)}`;
    return methods.length === 0
      ? sendProblem(reply, {
          status: 404,
          title: 'Not found',
          detail: `There is nothing at ${asked}.`,
        })
      : sendProblem(reply.header('allow', methods.join(', ')), {
          status: 405,
          title: 'Method not allowed',
          detail: `${asked} is not offered; this path takes ${methods.join(', ')}.`,
        });
  });
}

/** JSON alone: other media types are a 415, and none reaches a handler unread. */
function addJsonParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    const body = readJsonBody(String(text));
    if (body.ok) done(null, body.value);
    else done(badField(body.field, body.rule, body.wayOut));
  });
}

const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
const BROKEN: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are too long.'],
  [LATE]: [408, 'The request did not arrive in time. Send it again.'],
};

/** What is not HTTP, has too many headers, or does not come to its end has no request to answer. */
function refuseConnection({ code }: { readonly code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return;
  const [status, detail] = BROKEN[code ?? ''] ?? [400, 'This is not a request of HTTP/1.1.'];
  const body = JSON.stringify({
    type: 'about:blank',
    status,
    title: titleOf(status),
    detail,
  });
  const head = [
    `HTTP/1.1 ${status} ${titleOf(status)}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function addLandingPage(app: FastifyInstance, options: AdminOptions, path: string): void {
  app.get(path, { schema: { hide: true } }, (_request, reply) =>
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      .send(landingPage(options.listeners(), options.api !== null)),
  );
}

function realNowOf(api: AdminApi | null): () => number {
  return api?.realNow ?? (() => performance.now());
}

async function addApi(
  app: FastifyInstance,
  api: AdminApi,
  options: Pick<AdminOptions, 'log' | 'metrics'>,
): Promise<void> {
  const { db, clock, token } = api;
  const realNow = realNowOf(api);
  const answers = exposeAnswers(options.metrics);
  const tokens = createTokenAuthenticator(db, token, clock, realNow);
  const { authenticate } = tokens;
  const attempts = createAttempts(realNow);
  const byPerson = byPersonOf(api);
  const signInLog = createSignInLog(db, {
    clock,
    wallClock: api.console?.clock ?? systemClock,
    realNow,
    openMax: api.console?.signInsMax ?? SIGN_INS_MAX,
    lastsMs: ABSOLUTE_MS,
    idleMs: IDLE_MS,
  });
  const signIns = signInsOf(api, signInLog);
  if (signIns !== null)
    addSignIn(app, api, { signIns, signInLog, authenticate, byPerson, attempts, log: options.log });
  const isWelcome: EventsApi['isWelcome'] = (request) =>
    isStillWelcome(request, authenticate, signIns, byPerson);
  const hub = hubOf(app, api, options.log, realNow);
  exposeLimits(options.metrics, () => ({ tokens, attempts, signInLog, hub }));
  await addOpenApi(app, `${API_PREFIX}/openapi.json`);
  await app.register(
    async (scope) => {
      guard(scope, authenticate, attempts, signIns, byPerson);
      addIdempotency(scope, db, options.log);
      scope.addHook('onResponse', async (_request, reply) => {
        answers.inc({ status: String(reply.statusCode) });
        await Promise.resolve();
      });
      const routes = scope.withTypeProvider() as ApiApp;
      addApiRoutes(routes, api, { events: { hub, isWelcome }, signInLog });
      await Promise.resolve();
    },
    { prefix: API_PREFIX },
  );
}

/** What tells of changes; its readers are ended before the server waits for requests in flight. */
function hubOf(
  app: FastifyInstance,
  { db, clock, ids, eventFollowersMax: followersMax = EVENT_FOLLOWERS_MAX }: AdminApi,
  log: AdminOptions['log'],
  realNow: () => number,
): EventHub {
  const hub = new EventHub({
    read: () => readPulse(db, clock.now()),
    log,
    followersMax,
    epoch: ids.randomBytes(6).toString('hex'),
    realNow,
  });
  app.addHook('preClose', (done) => {
    hub.close();
    done();
  });
  return hub;
}

/** Signing in by token, and by OpenID Connect where it is set up; the page asks which there are. */
function addSignIn(
  app: FastifyInstance,
  { console: served, sealKeys, ids }: AdminApi,
  by: SignInRoutesOptions,
): void {
  const { signIns, signInLog } = by;
  addSignInRoutes(app, by);
  const oidc = served?.oidc;
  app.get('/console/ways', { schema: { hide: true } }, () => ({ oidc: oidc !== undefined }));
  if (served === undefined || oidc === undefined) return;
  addOidcRoutes(app, {
    ...oidc,
    signIns,
    signInLog,
    sealKeys,
    randomBytes: (size) => ids.randomBytes(size),
    clock: served.clock ?? systemClock,
    isSecure: served.isSecure,
  });
}

function byPersonOf({ db, console: served }: AdminApi): AuthenticatePerson {
  const roles = served?.oidc?.roles;
  if (roles === undefined) return nobodyByPerson;
  return async (person) => authenticatePerson(person, roles, (await controlOf(db)).document);
}

function signInsOf(
  { console: served, sealKeys, ids }: AdminApi,
  log: SignInLog,
): ConsoleSignIns | null {
  if (served === undefined) return null;
  return createConsoleSignIns({
    sealKeys,
    randomBytes: (size) => ids.randomBytes(size),
    clock: served.clock ?? systemClock,
    isSecure: served.isSecure,
    confirmAfterMs: served.confirmAfterMs ?? Infinity,
    log,
  });
}

/** Counts what the API answers. */
export function exposeAnswers(metrics: Metrics): CounterMetric {
  return metrics.counter('tollgate_api_answers_total', 'Answers of the admin API by status', [
    'status',
  ]);
}
