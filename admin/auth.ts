import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problems.js';

/**
 * A hook that lets only requests with `Authorization: Bearer <token>` pass. Both sides are hashed first, so that the
 * comparison takes the same time whatever the length and content of what was sent.
 */
export function requireBearer(
  token: string,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const wanted = digest(token);
  return (request, reply) => {
    const header = request.headers.authorization ?? '';
    const given = /^Bearer +(\S+)$/i.exec(header)?.[1] ?? '';
    // An empty token would be open to everybody who sends nothing.
    if (token !== '' && timingSafeEqual(digest(given), wanted)) return Promise.resolve();
    reply.header('www-authenticate', 'Bearer realm="tollgate"');
    return Promise.resolve(
      sendProblem(reply, {
        status: 401,
        title: 'Unauthenticated',
        detail: 'Send the admin token as Authorization: Bearer <token>.',
      }),
    );
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
