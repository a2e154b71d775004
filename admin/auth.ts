/**
 * Who may do what: a bearer token says who calls, and each route names the roles that may call it. A route that names
 * none does not register, so that none is open by being forgotten; and a route reads no query parameter and no field
 * that its schema does not name.
 */
import type { Authenticate, Authentication } from './authentication.js';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';
import { assert } from '#base/assert.js';
import type { Actor, ApiRole } from './actor.js';
import type { Attempts } from './attempts.js';
import {
  CONSOLE_HEADER,
  type ConsoleSignIns,
  type SignedInBy,
  type SignIn,
} from './console/console-sign-ins.js';
import type { Person } from './console/oidc-people.js';
import { badField, sendProblem } from './problems.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Roles that may call the route. */
    access?: readonly ApiRole[];
    /** A sign-in of the console must have been confirmed lately; a token that is sent is proof by itself. */
    takesConfirmed?: boolean;
  }
  interface FastifyRequest {
    /** Set for every route of the API before its handler runs. */
    actor: Actor;
    /** The sign-in of the console that stands for a token; null: a token was sent. */
    signInId: string | null;
  }
}

/** The actor that a person is now, whom an identity provider vouched for when the sign-in began. */
export type AuthenticatePerson = (person: Person) => Promise<Authentication>;

export const nobodyByPerson: AuthenticatePerson = () => Promise.resolve({ kind: 'unknown' });

/** The actor that who signed in is now. */
export function prove(
  by: SignedInBy,
  authenticate: Authenticate,
  byPerson: AuthenticatePerson,
): Promise<Authentication> {
  return 'person' in by ? byPerson(by.person) : authenticate(by.token);
}

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Puts every route of `scope` behind a token and the roles that the route names.
 * @param signIns of the console, whose cookie stands for a token where no token is sent; null: there are none.
 * @param byPerson whom an identity provider vouched for; absent: nobody is.
 */
export function guard(
  scope: FastifyInstance,
  authenticate: Authenticate,
  attempts: Pick<Attempts, 'failed'>,
  signIns: ConsoleSignIns | null = null,
  byPerson: AuthenticatePerson = nobodyByPerson,
): void {
  scope.decorateRequest('actor');
  scope.decorateRequest('signInId', null);
  scope.addHook('onRoute', (route: RouteOptions) => {
    assert((route.config?.access ?? []).length > 0, `${route.url} names who may call it`);
    route.schema = strict(route);
  });
  scope.addHook('onRequest', async (request, reply) => {
    if (isFromElsewhere(request)) return crossSite(reply);
    const signIn = signInOf(request, signIns);
    if (signIn !== undefined && lacksConsoleHeader(request)) return crossSite(reply);
    const by = signIn?.by ?? { token: bearerOf(request) };
    const outcome = await prove(by, authenticate, byPerson);
    if (outcome.kind === 'unknown') {
      const isGuess = 'token' in by && by.token !== '';
      const waitSeconds = isGuess ? attempts.failed(request.ip) : null;
      return waitSeconds === null ? unauthenticated(reply) : tooMany(reply, waitSeconds);
    }
    const { actor } = outcome;
    if (signIn !== undefined && (await signIns?.isEnded(signIn, actor.id)) === true)
      return unauthenticated(reply);
    if (outcome.kind === 'withoutTeam') return withoutTeam(reply, actor);
    const roles = request.routeOptions.config.access ?? [];
    if (!roles.includes(actor.role)) return forbidden(reply, actor, roles);
    const takesConfirmed = request.routeOptions.config.takesConfirmed === true;
    if (takesConfirmed && signIn !== undefined && signIns?.isConfirmed(signIn) !== true)
      return confirmFirst(reply, signIn);
    if (signIn !== undefined) await signIns?.noteUse(request, reply, signIn);
    request.actor = actor;
    request.signInId = signIn?.id ?? null;
    return undefined;
  });
  scope.addHook('preValidation', async (request) => {
    // Postgres keeps no NUL, and none of our names has one.
    if (/%00/.test(request.url))
      throw badField('path', 'must hold no NUL', 'send the id as a list gave it');
    await Promise.resolve();
  });
}

/** The sign-in that stands for a token where none is sent. */
function signInOf(request: FastifyRequest, signIns: ConsoleSignIns | null): SignIn | undefined {
  return request.headers.authorization === undefined ? signIns?.find(request) : undefined;
}

/** Whether a request that was let in would be let in now; for answers that go on for long. */
export async function isStillWelcome(
  request: FastifyRequest,
  authenticate: Authenticate,
  signIns: ConsoleSignIns | null,
  byPerson: AuthenticatePerson = nobodyByPerson,
): Promise<boolean> {
  const signIn = signInOf(request, signIns);
  const by = signIn?.by ?? { token: bearerOf(request) };
  const outcome = await prove(by, authenticate, byPerson);
  if (outcome.kind !== 'known') return false;
  return signIn === undefined || (await signIns?.isEnded(signIn, outcome.actor.id)) !== true;
}

/** The route's schema, which names every parameter and field that it reads; others are refused. */
function strict(route: RouteOptions): NonNullable<RouteOptions['schema']> {
  const { schema = {} } = route;
  const { querystring = z.object({}), body } = schema;
  const methods = [route.method].flat();
  const isWrite = methods.some((method) => WRITES.has(method));
  return {
    ...schema,
    querystring: querystring instanceof z.ZodObject ? querystring.strict() : querystring,
    ...(isWrite
      ? {
          body:
            body instanceof z.ZodObject ? body.strict() : (body ?? z.strictObject({}).nullish()),
        }
      : {}),
  };
}

function bearerOf(request: FastifyRequest): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

/** A write that only a cookie stands for: a form or a page of another site could have had it sent. */
function lacksConsoleHeader(request: FastifyRequest): boolean {
  return WRITES.has(request.method) && request.headers[CONSOLE_HEADER] === undefined;
}

/** A write that a page of another site had a browser send. Scripts send neither header. */
export function isFromElsewhere(request: FastifyRequest): boolean {
  if (!WRITES.has(request.method)) return false;
  const { origin, host } = request.headers;
  if (request.headers['sec-fetch-site'] === 'cross-site') return true;
  if (origin === undefined) return false;
  const parsed = URL.canParse(origin) ? new URL(origin) : undefined;
  return parsed === undefined || parsed.host !== host;
}

function unauthenticated(reply: FastifyReply): FastifyReply {
  return sendProblem(reply.header('www-authenticate', 'Bearer realm="tollgate"'), {
    status: 401,
    title: 'Unauthenticated',
    detail:
      'Send the admin token, or one issued by POST /api/v1/tokens, as Authorization: Bearer <token>.',
  });
}

/** 401 for a sign-in that has to be confirmed before it does this; the challenge is that of RFC 9470. */
export function confirmFirst(reply: FastifyReply, { by }: SignIn): FastifyReply {
  const challenge = 'Bearer realm="tollgate", error="insufficient_user_authentication"';
  return sendProblem(reply.header('www-authenticate', challenge), {
    status: 401,
    title: 'Confirm the sign-in',
    detail:
      'This sign-in was confirmed too long ago for what cannot be taken back easily; nothing is changed.',
    code: 'confirm-sign-in',
    confirmBy: 'person' in by ? 'oidc' : 'token',
    errors: [
      {
        field: 'sign-in',
        rule: 'must have been confirmed lately',
        wayOut: 'confirm that it is you, and send it again',
      },
    ],
  });
}

/** 429 for an address that sends too many wrong tokens. */
export function tooMany(reply: FastifyReply, waitSeconds: number): FastifyReply {
  return sendProblem(reply.header('retry-after', String(waitSeconds)), {
    status: 429,
    title: 'Too many attempts',
    detail: `This address has sent too many tokens that are not valid. A valid one is let in at any time; others are read again in ${waitSeconds} s.`,
  });
}

function withoutTeam(reply: FastifyReply, actor: Actor): FastifyReply {
  return sendProblem(reply, {
    status: 403,
    title: 'Forbidden',
    detail: `The token belongs to ${actor.principalId ?? actor.teamId}, which is not active in the control document. Ask the platform's administrators for another token.`,
  });
}

/** 403 for a write that another site may have caused. */
export function crossSite(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 403,
    title: 'Forbidden',
    detail:
      'Writes from pages of other sites are refused. Send this from Tollgate itself, or without Origin from a script.',
  });
}

function forbidden(reply: FastifyReply, actor: Actor, roles: readonly ApiRole[]): FastifyReply {
  return sendProblem(reply, {
    status: 403,
    title: 'Forbidden',
    detail: `The role ${actor.role} may not do this; it takes ${roles.join(' or ')}.`,
  });
}
