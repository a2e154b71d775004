/**
 * `POST` and `DELETE /console/session`, `DELETE /console/sessions`: signing in to the console with a token, out, and
 * out everywhere. `POST /console/session/confirm`: somebody shows again that it is they. A new sign-in takes the place
 * of the one before.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Log } from '#base/log.js';
import type { Actor } from '../actor.js';
import type { Attempts } from '../attempts.js';
import {
  type AuthenticatePerson,
  confirmFirst,
  crossSite,
  isFromElsewhere,
  prove,
  tooMany,
} from '../auth.js';
import type { Authenticate, Authentication } from '../authentication.js';
import { sendProblem } from '../problems.js';
import type { SignInLog } from '../stores/sign-in-log.js';
import { senderOf } from './browser-name.js';
import { CONSOLE_HEADER, type ConsoleSignIns, type SignIn } from './console-sign-ins.js';

const signInBody = z.strictObject({
  token: z.string('must be a token').trim().min(1, 'must be a token').max(300),
});

export interface SignInRoutesOptions {
  readonly signIns: ConsoleSignIns;
  readonly signInLog: SignInLog;
  readonly authenticate: Authenticate;
  readonly byPerson: AuthenticatePerson;
  /** Those of the API: who guesses here guesses there. */
  readonly attempts: Attempts;
  readonly log: Log;
}

export function addSignInRoutes(app: FastifyInstance, options: SignInRoutesOptions): void {
  const { signIns, signInLog } = options;
  app.post('/console/session', { schema: { hide: true } }, (request, reply) =>
    isFromConsole(request) ? signInByToken(request, reply, options) : crossSite(reply),
  );
  app.post('/console/session/confirm', { schema: { hide: true } }, (request, reply) =>
    isFromConsole(request) ? confirmByToken(request, reply, options) : crossSite(reply),
  );
  app.delete('/console/session', { schema: { hide: true } }, async (request, reply) => {
    if (!isFromConsole(request)) return crossSite(reply);
    const signIn = signIns.end(request, reply);
    const actor = await actorOf(signIn, options);
    if (signIn !== undefined && actor !== undefined) await signInLog.ended(actor, signIn);
    return reply.code(204).send();
  });
  app.delete('/console/sessions', { schema: { hide: true } }, async (request, reply) => {
    if (!isFromConsole(request)) return crossSite(reply);
    const signIn = signIns.find(request);
    if (signIn !== undefined && !signIns.isConfirmed(signIn)) return confirmFirst(reply, signIn);
    const actor = await actorOf(signIns.end(request, reply), options);
    if (actor !== undefined) await signInLog.endAll(actor, null);
    return reply.code(204).send();
  });
}

async function signInByToken(
  request: FastifyRequest,
  reply: FastifyReply,
  options: SignInRoutesOptions,
): Promise<FastifyReply> {
  const { signIns, signInLog, authenticate } = options;
  const token = tokenIn(request);
  const outcome = await authenticate(token);
  if (outcome.kind !== 'known') return refused(request, reply, outcome.kind, options);
  const beginning = { by: 'token', ...senderOf(request) } as const;
  await signInLog.began(outcome.actor, signIns.start(reply, { token }), beginning);
  return reply.code(204).send();
}

/** Another good token does not do: what was typed would be sent as somebody else. */
async function confirmByToken(
  request: FastifyRequest,
  reply: FastifyReply,
  options: SignInRoutesOptions,
): Promise<FastifyReply> {
  const { signIns, signInLog, authenticate } = options;
  const before = signIns.find(request);
  const actor = await actorOf(before, options);
  if (before === undefined || actor === undefined || (await signIns.isEnded(before, actor.id)))
    return sendProblem(reply, {
      status: 401,
      title: 'Unauthenticated',
      detail: 'There is no sign-in to confirm: it is over. Sign in again.',
    });
  const token = tokenIn(request);
  const outcome = await authenticate(token);
  if (outcome.kind !== 'known') return refused(request, reply, outcome.kind, options);
  if (outcome.actor.id !== actor.id)
    return sendProblem(reply, {
      status: 403,
      title: 'Another token',
      detail:
        'This token is good, and is not the one of this sign-in. Enter that one, or sign out and in again with this.',
    });
  const signIn = signIns.start(reply, { token });
  const beginning = { by: 'token', confirms: before, ...senderOf(request) } as const;
  await signInLog.began(actor, signIn, beginning);
  return reply.code(204).send();
}

function tokenIn(request: FastifyRequest): string {
  return signInBody.safeParse(request.body).data?.token ?? '';
}

function refused(
  request: FastifyRequest,
  reply: FastifyReply,
  why: Exclude<Authentication['kind'], 'known'>,
  { attempts, log }: SignInRoutesOptions,
): FastifyReply {
  log.warn({ address: request.ip, why }, 'a sign-in to the console was refused');
  const waitSeconds = attempts.failed(request.ip);
  if (waitSeconds !== null) return tooMany(reply, waitSeconds);
  return sendProblem(reply, {
    status: 401,
    title: 'Unauthenticated',
    detail:
      why === 'unknown'
        ? 'This is not the admin token, and no token that Tollgate issued and that is still good. Ask the platform for one, or read the admin token where Tollgate was started.'
        : 'The team or the person of this token stands no longer in the control document. Ask the platform for another token.',
  });
}

/** Who signed in; undefined: there was no sign-in, or its token is good no more and there is nobody to name. */
async function actorOf(
  signIn: SignIn | undefined,
  { authenticate, byPerson }: SignInRoutesOptions,
): Promise<Actor | undefined> {
  if (signIn === undefined) return undefined;
  const outcome = await prove(signIn.by, authenticate, byPerson);
  return outcome.kind === 'unknown' ? undefined : outcome.actor;
}

function isFromConsole(request: FastifyRequest): boolean {
  return !isFromElsewhere(request) && request.headers[CONSOLE_HEADER] !== undefined;
}
