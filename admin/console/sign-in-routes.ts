/** `POST` and `DELETE /console/session`: signing in to the console with a token, and out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Attempts } from '../attempts.js';
import { crossSite, isFromElsewhere, tooMany, type Authenticate } from '../auth.js';
import { sendProblem } from '../problems.js';
import { CONSOLE_HEADER, type ConsoleSignIns } from './console-sign-ins.js';

const signInBody = z.strictObject({
  token: z.string('must be a token').trim().min(1, 'must be a token').max(300),
});

/** @param attempts those of the API: who guesses here guesses there. */
export function addSignInRoutes(
  app: FastifyInstance,
  signIns: ConsoleSignIns,
  authenticate: Authenticate,
  attempts: Attempts,
): void {
  app.post('/console/session', { schema: { hide: true } }, async (request, reply) => {
    if (!isFromConsole(request)) return crossSite(reply);
    const { token } = signInBody.safeParse(request.body).data ?? { token: '' };
    const outcome = await authenticate(token);
    if (outcome.kind === 'known') {
      signIns.start(reply, { token });
      return reply.code(204).send();
    }
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
  });
  app.delete('/console/session', { schema: { hide: true } }, (request, reply) => {
    if (!isFromConsole(request)) return crossSite(reply);
    signIns.end(request, reply);
    return reply.code(204).send();
  });
}

function isFromConsole(request: FastifyRequest): boolean {
  return !isFromElsewhere(request) && request.headers[CONSOLE_HEADER] !== undefined;
}
