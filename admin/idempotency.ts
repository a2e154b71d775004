/**
 * `Idempotency-Key` on writes: the first request under a key runs, every repeat gets its answer. It works for every
 * route of the scope without a word of the route. Answers that hold a secret are not kept.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hashOfJson } from '#base/canonical-json.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import { badField, sendProblem } from './problems.js';
import { takeKey, freeKey, keepAnswer, type KeyedRequest } from './stores/idempotency-store.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while this request has taken a key. */
    keyed: KeyedRequest | null;
  }
}

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const KEY = /^[\x21-\x7e]{1,200}$/;
/** Longest answer that is kept, in characters. */
const ANSWER_CHARACTERS_MAX = 65_536;
/** Names under which replies tell a secret. */
const SECRET = /"(?:secret|password|privateKey|token)":"/i;

/** Adds the hooks; call it after the guard, because keys belong to their actor. */
export function addIdempotency(scope: FastifyInstance, db: Database, log: Log): void {
  scope.decorateRequest('keyed', null);
  scope.addHook('preHandler', async (request, reply) => {
    // The header as sent: a route's own schema may leave it out.
    const key = request.raw.headers['idempotency-key'];
    if (key === undefined || !WRITES.has(request.method)) return undefined;
    return take(db, request, reply, key);
  });
  scope.addHook('onSend', async (request, reply, payload) => {
    const { keyed } = request;
    if (keyed === null) return;
    request.keyed = null;
    try {
      if (reply.statusCode < 200 || reply.statusCode > 299) await freeKey(db, keyed);
      else await keepAnswer(db, keyed, { status: reply.statusCode, body: keptBody(payload) });
    } catch (thrown) {
      // The answer is true all the same; until the key is swept, repeats are told that its end is unknown.
      log.warn({ err: toError(thrown) }, 'the answer under an idempotency key was not kept');
    }
  });
}

async function take(
  db: Database,
  request: FastifyRequest,
  reply: FastifyReply,
  key: string | readonly string[],
): Promise<FastifyReply | undefined> {
  if (typeof key !== 'string' || !KEY.test(key))
    throw badField(
      'headers.idempotency-key',
      'must be 1 to 200 visible ASCII characters, sent once',
      'send a UUID',
    );
  const keyed: KeyedRequest = {
    actor: request.actor.id,
    key,
    requestHash: hashOfJson([request.method, request.url, request.body ?? null]),
  };
  const outcome = await takeKey(db, keyed);
  switch (outcome.kind) {
    case 'taken':
      request.keyed = keyed;
      return undefined;
    case 'answered':
      return replay(reply, outcome);
    case 'running':
      return sendProblem(outcome.isLost ? reply : reply.header('retry-after', '1'), {
        status: 409,
        title: 'Conflict',
        detail: outcome.isLost
          ? 'The first request with this Idempotency-Key never ended; whether it took effect is unknown. See what stands, then use another key.'
          : 'The first request with this Idempotency-Key still runs. Send it again in a second.',
      });
    case 'reused':
      return sendProblem(reply, {
        status: 422,
        title: 'Idempotency key reused',
        detail: 'This Idempotency-Key was sent with another request before.',
        errors: [
          {
            field: 'headers.idempotency-key',
            rule: 'must name one request',
            wayOut: 'send a new key, or the very same request',
          },
        ],
      });
  }
}

function replay(
  reply: FastifyReply,
  answer: { readonly status: number; readonly body: string | null },
): FastifyReply {
  if (answer.body === null)
    return sendProblem(reply.header('idempotency-replayed', 'true'), {
      status: 409,
      title: 'Done already',
      detail:
        'The first request with this Idempotency-Key was done. Its answer is not kept, because it held a secret or was long. See what stands, then use another key.',
    });
  return reply
    .code(answer.status)
    .header('idempotency-replayed', 'true')
    .header('content-type', 'application/json; charset=utf-8')
    .serializer((body: unknown) => String(body))
    .send(answer.body);
}

function keptBody(payload: unknown): string | null {
  if (typeof payload !== 'string' || payload.length > ANSWER_CHARACTERS_MAX) return null;
  return SECRET.test(payload) ? null : payload;
}
