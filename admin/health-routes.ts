import type { FastifyInstance } from 'fastify';
import type { Metrics } from '#base/metrics.js';

/** One thing that must hold before this replica takes work. */
export interface ReadinessCheck {
  readonly name: string;
  readonly isReady: boolean;
  /** Why not; null when ready. */
  readonly why: string | null;
}

/** Asked on every `/readyz`; must answer from memory, not from the network. */
export type Readiness = () => readonly ReadinessCheck[] | Promise<readonly ReadinessCheck[]>;

/**
 * `/metrics`, `/livez` and `/readyz`, for every role. Liveness is that the event loop answers; readiness is every
 * check given, 503 while one fails.
 */
export function addHealthRoutes(
  app: FastifyInstance,
  metrics: Metrics,
  readiness: Readiness,
): void {
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const { body, contentType } = await metrics.render();
    return reply.header('content-type', contentType).send(body);
  });
  app.get('/livez', { schema: { hide: true } }, () => ({ status: 'live' }));
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const checks = await readiness();
    const isReady = checks.every((check) => check.isReady);
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ready' : 'not ready', checks });
  });
}
