import { z } from 'zod';
import { listReplicas, REPLICA_SILENCE_MS } from '#billing/postgres/replicas.js';
import { nextCursorSchema, pageById, pageFields } from '../pagination.js';
import type { ApiApp, ApiContext } from './api.js';

const replicasReply = z.object({
  replicas: z.array(
    z.object({
      id: z.string(),
      startedAt: z.string(),
      seenAt: z.string(),
      controlVersion: z.int().nullable().describe('The version it decides by; null: none yet'),
      controlProblem: z.string().nullable().describe('Why it does not take a newer version'),
    }),
  ),
  nextCursor: nextCursorSchema,
});

/** `GET /replicas`. */
export function addReplicaRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/replicas',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'The proxies that are alive, and the control version each decides by, by id',
        querystring: z.strictObject(pageFields),
        response: { 200: replicasReply },
      },
    },
    async (request) => {
      const alive = await listReplicas(context.db, REPLICA_SILENCE_MS);
      const { rows, nextCursor } = pageById('replicas', alive, request.query);
      return {
        replicas: rows.map(({ id, startedAt, seenAt, control }) => ({
          id,
          startedAt,
          seenAt,
          controlVersion: control.version,
          controlProblem: control.problem,
        })),
        nextCursor,
      };
    },
  );
}
