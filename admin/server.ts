/**
 * The admin listener. Every role answers `/metrics`, `/livez`, `/readyz` and a page that says what listens where;
 * with the role `admin` it serves the API under `/api/v1`, behind the bearer token.
 */
import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Ids } from '#base/ids.js';
import type { Ledger } from '#billing/ledger.js';
import type { Stoppable } from '#base/lifecycle.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { SealKey } from '#base/sealing.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { ApiApp } from './api/api.js';
import { addBillRoutes } from './api/bills.js';
import { addBudgetRoutes } from './api/budgets.js';
import { addClaimSecretRoutes } from './api/claim-secrets.js';
import { addControlRoutes } from './api/control.js';
import { addCredentialRoutes } from './api/credentials.js';
import { addMappingRoutes } from './api/mapping.js';
import { addReplicaRoutes } from './api/replicas.js';
import { addRequestRoutes } from './api/requests.js';
import { addServiceKeyRoutes } from './api/service-keys.js';
import { addSessionRoutes } from './api/sessions.js';
import { addTeamRoutes } from './api/teams.js';
import { addTicketRoutes } from './api/tickets.js';
import { adminTokenOnly, guard } from './auth.js';
import { addHealthRoutes, type Readiness } from './health-routes.js';
import { landingPage, type Listener } from './landing-page.js';
import { problemHandler, sendProblem } from './problems.js';
import type { SignInApi } from './sign-in.js';

/** What the API needs; absent on replicas without the role `admin`. */
export interface AdminApi {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Bearer token; an empty one lets nobody in. */
  readonly token: string;
  readonly ids: Ids;
  /** Seal what is secret at rest and must be read back; the proxies have the same. */
  readonly sealKeys: readonly SealKey[];
  /** Absent: this process issues no credentials. */
  readonly signIn?: SignInApi;
}

export interface AdminOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Asked when the page is shown, because ports may be chosen late. */
  readonly listeners: () => readonly Listener[];
  readonly api: AdminApi | null;
}

export interface AdminServer extends Stoppable {
  /** `http://127.0.0.1:8081`. */
  readonly url: string;
  readonly port: number;
}

const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const API_PREFIX = '/api/v1';

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
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(problemHandler(options.log));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      status: 404,
      title: 'Not found',
      detail: `There is nothing at ${request.method} ${request.url.split('?', 1)[0]?.slice(0, 200) ?? ''}.`,
    }),
  );
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    await Promise.resolve();
  });
  addHealthRoutes(app, options.metrics, options.readiness);
  addLandingPage(app, options);
  if (options.api !== null) await addApi(app, options.api);
  return app;
}

function addLandingPage(app: FastifyInstance, options: AdminOptions): void {
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      )
      .send(landingPage(options.listeners(), options.api !== null)),
  );
}

async function addApi(app: FastifyInstance, api: AdminApi): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tollgate', version: '1' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(
    async (scope) => {
      guard(scope, adminTokenOnly(api.token));
      const routes = scope.withTypeProvider() as ApiApp;
      addControlRoutes(routes, api);
      addTeamRoutes(routes, api);
      addBudgetRoutes(routes, api);
      addBillRoutes(routes, api);
      addTicketRoutes(routes, api);
      addRequestRoutes(routes, api);
      addReplicaRoutes(routes, api);
      addSessionRoutes(routes, api);
      addSignInRoutes(routes, api);
      addMappingRoutes(routes, api);
      addClaimSecretRoutes(routes, api, {
        sealKeys: api.sealKeys,
        randomBytes: (size) => api.ids.randomBytes(size),
      });
      await Promise.resolve();
    },
    { prefix: API_PREFIX },
  );
  // The document has no secrets and tells a newcomer how to send the token; it stays outside the hook.
  app.get(`${API_PREFIX}/openapi.json`, { schema: { hide: true } }, () => app.swagger());
}

function addSignInRoutes(routes: ApiApp, api: AdminApi): void {
  const { signIn } = api;
  if (signIn === undefined) return;
  addCredentialRoutes(routes, { ...api, signIn });
  addServiceKeyRoutes(routes, { ...api, signIn });
}
