/** `GET /events`: which topics changed, as server-sent events to who asks for them, else as one answer. */
import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { badField, ProblemError } from '../problems.js';
import { API_ROLES, type Actor } from '../actor.js';
import type { Change, EventHub } from '../events/event-hub.js';
import { type Topic, TOPICS } from '../stores/pulse-store.js';
import { type ApiApp, type ApiContext, controlOf } from './api.js';
import { visibleNodes } from './visible-budgets.js';

const STREAM = 'text/event-stream';
/** Bytes that a reader may leave unread; it is ended then, and comes back when it can. */
const UNREAD_BYTES_MAX = 64 * 1024;
/** A browser waits this long before it comes back. */
const RETRY_MS = 3_000;

export interface EventsApi {
  readonly hub: EventHub;
  /** Whether who asked would be let in again now. */
  readonly isWelcome: (request: FastifyRequest) => Promise<boolean>;
}

const eventsReply = z.object({
  id: z.string().describe('Send it as `since`, or as Last-Event-ID, to learn what changed after'),
  topics: z.array(z.enum(TOPICS)).describe('What changed since then, of what the token may see'),
});

/** Adds the route. */
export function addEventRoute(
  app: ApiApp,
  context: ApiContext,
  { hub, isWelcome }: EventsApi,
): void {
  app.get(
    '/events',
    {
      config: { access: API_ROLES, media: [STREAM] },
      schema: {
        summary:
          'What changed, as it changes: topics whose routes are worth asking again. A stream with `Accept: text/event-stream`, otherwise one answer',
        querystring: z.strictObject({
          since: z
            .string()
            .max(60)
            .optional()
            .describe('The id of an answer or event; absent: everything counts as changed'),
        }),
        response: { 200: eventsReply },
      },
    },
    async (request, reply) => {
      const sees = await sightOf(context, request.actor);
      const since = request.headers['last-event-id'] ?? request.query.since;
      if (Array.isArray(since))
        throw badField('Last-Event-ID', 'must be sent once', 'send the id of the last event');
      await hub.look();
      const first = { id: hub.id, topics: [...hub.since(since, sees)] };
      if (!(request.headers.accept ?? '').includes(STREAM)) return first;
      return stream(reply, first, (out) =>
        hub.follow({
          sees,
          isWelcome: () => isWelcome(request),
          tell: (id, topics) => send(out, eventText(id, topics)),
          beat: () => send(out, ': nothing changed\n\n'),
          end: () => out.end(),
        }),
      );
    },
  );
}

function stream(
  reply: FastifyReply,
  { id, topics }: { readonly id: string; readonly topics: readonly Topic[] },
  follow: (out: PassThrough) => (() => void) | null,
): FastifyReply {
  const out = new PassThrough();
  const leave = follow(out);
  if (leave === null)
    throw new ProblemError({
      status: 503,
      title: 'Service unavailable',
      detail:
        'As many follow the events of this replica as may. Ask this route without Accept: text/event-stream every few seconds, or raise TOLLGATE_EVENT_FOLLOWERS_MAX.',
    });
  reply.raw.once('close', leave);
  out.once('close', leave);
  out.write(`retry: ${RETRY_MS}\n${eventText(id, topics)}`);
  return (
    reply
      .header('content-type', STREAM)
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      // Ended by a drain, the connection must not be kept for a next request.
      .header('connection', 'close')
      .send(out)
  );
}

function eventText(id: string, topics: readonly Topic[]): string {
  return `id: ${id}\nevent: changed\ndata: ${JSON.stringify({ topics })}\n\n`;
}

function send(out: PassThrough, text: string): void {
  if (out.writableEnded) return;
  if (out.readableLength + out.writableLength > UNREAD_BYTES_MAX) out.destroy();
  else out.write(text);
}

/** Topics that only the platform may read. */
const OF_PLATFORM: ReadonlySet<Topic> = new Set<Topic>(['freezes', 'control']);

/** What the actor may learn of, by the same nodes as its budgets. Teams are those of now: a move asks for a new stream. */
async function sightOf(context: ApiContext, actor: Actor): Promise<(change: Change) => boolean> {
  const { role, teamId, principalId } = actor;
  if (role === 'platform') return () => true;
  if (teamId === null) return ({ topic }) => !OF_PLATFORM.has(topic);
  const { document } = await controlOf(context.db);
  const nodes = visibleNodes(document, actor);
  return ({ topic, node, principal }) => {
    switch (topic) {
      case 'queues':
        return true;
      case 'budgets':
        return nodes === null || nodes.has(node ?? '');
      case 'running':
      case 'requests':
        return node === teamId && (principalId === null || principalId === principal);
      case 'freezes':
      case 'control':
        return false;
    }
  };
}
