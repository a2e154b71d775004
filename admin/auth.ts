/**
 * Who may do what: a bearer token says who calls, and each route names the roles that may call it. A route that names
 * none does not register, so that none is open by being forgotten.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { assert } from '#base/assert.js';
import { type Actor, ADMIN_TOKEN_ACTOR, type ApiRole } from './actor.js';
import { sendProblem } from './problems.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Roles that may call the route. */
    access?: readonly ApiRole[];
  }
  interface FastifyRequest {
    /** Set for every route of the API before its handler runs. */
    actor: Actor;
  }
}

/** The actor behind a bearer token, or undefined; must take the same time whatever was sent. */
export type Authenticate = (token: string) => Promise<Actor | undefined>;

/** Puts every route of `scope` behind a token and the roles that the route names. */
export function guard(scope: FastifyInstance, authenticate: Authenticate): void {
  scope.decorateRequest('actor');
  scope.addHook('onRoute', (route: RouteOptions) => {
    assert((route.config?.access ?? []).length > 0, `${route.url} names who may call it`);
  });
  scope.addHook('onRequest', async (request, reply) => {
    const actor = await authenticate(bearerOf(request));
    if (actor === undefined) return unauthenticated(reply);
    const roles = request.routeOptions.config.access ?? [];
    if (!roles.includes(actor.role)) return forbidden(reply, actor, roles);
    request.actor = actor;
    return undefined;
  });
}

/** Accepts the token of the settings alone. An empty one would be open to everybody who sends nothing. */
export function adminTokenOnly(token: string): Authenticate {
  const wanted = digest(token);
  return (given) =>
    Promise.resolve(
      token !== '' && timingSafeEqual(digest(given), wanted) ? ADMIN_TOKEN_ACTOR : undefined,
    );
}

function bearerOf(request: FastifyRequest): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

function unauthenticated(reply: FastifyReply): FastifyReply {
  return sendProblem(reply.header('www-authenticate', 'Bearer realm="tollgate"'), {
    status: 401,
    title: 'Unauthenticated',
    detail:
      'Send the admin token, or one issued by POST /api/v1/tokens, as Authorization: Bearer <token>.',
  });
}

function forbidden(reply: FastifyReply, actor: Actor, roles: readonly ApiRole[]): FastifyReply {
  return sendProblem(reply, {
    status: 403,
    title: 'Forbidden',
    detail: `The role ${actor.role} may not do this; it takes ${roles.join(' or ')}.`,
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
