/** `POST` and `DELETE /console/session`, `DELETE /console/sessions`: signing in to the console with a token, out, and out everywhere. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Log } from '#base/log.js';
import type { Clock } from '#base/time.js';
import type { Actor } from '../actor.js';
import type { Attempts } from '../attempts.js';
import {
  type Authenticate,
  type AuthenticatePerson,
  crossSite,
  isFromElsewhere,
  prove,
  tooMany,
} from '../auth.js';
import { sendProblem } from '../problems.js';
import type { SignInLog } from '../stores/sign-in-log.js';
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
  /** The wall clock, in which sign-ins have begun. */
  readonly clock: Clock;
}

export function addSignInRoutes(app: FastifyInstance, options: SignInRoutesOptions): void {
  const { signIns, signInLog, clock } = options;
  app.post('/console/session', { schema: { hide: true } }, (request, reply) =>
    isFromConsole(request) ? signInByToken(request, reply, options) : crossSite(reply),
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
    const actor = await actorOf(signIns.end(request, reply), options);
    if (actor !== undefined) await signInLog.endedAll(actor, clock.now());
    return reply.code(204).send();
  });
}

async function signInByToken(
  request: FastifyRequest,
  reply: FastifyReply,
  { signIns, signInLog, authenticate, attempts, log }: SignInRoutesOptions,
): Promise<FastifyReply> {
  const { token } = signInBody.safeParse(request.body).data ?? { token: '' };
  const outcome = await authenticate(token);
  if (outcome.kind === 'known') {
    await signInLog.began(outcome.actor, signIns.start(reply, { token }), 'token');
    return reply.code(204).send();
  }
  log.warn({ address: request.ip, why: outcome.kind }, 'a sign-in to the console was refused');
  const waitSeconds = attempts.failed(request.ip);
  if (waitSeconds !== null) return tooMany(reply, waitSeconds);
  return sendProblem(reply, {
    status: 401,
    title: 'Unauthenticated',
    detail:
      outcome.kind === 'unknown'
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
