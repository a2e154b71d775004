/** Hours and days of unusual spending, and who has looked at them. */
import { z } from 'zod';
import { formatInstant } from '#base/time.js';
import {
  acknowledgeAnomaly,
  type Anomaly,
  ANOMALY_GRAINS,
  listAnomalies,
} from '#billing/anomalies.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, reasonSchema } from './api.js';

const anomalySchema = z.object({
  id: z.string(),
  team: z.string(),
  grain: z.enum(ANOMALY_GRAINS),
  startsAt: z.string(),
  spentCredits: z.string(),
  usualCredits: z
    .string()
    .describe('The median of the same hour, or of days, in the four weeks before'),
  limitCredits: z.string().describe('Above it, it is unusual'),
  shapes: z
    .array(
      z.object({
        fingerprint: z.string(),
        workload: z.string().nullable(),
        statements: z.number(),
        credits: z.string(),
        percent: z.string(),
      }),
    )
    .describe('The dearest of what it went to'),
  owner: z.string().nullable().describe('Who answers for the team'),
  foundAt: z.string(),
  acknowledgedAt: z.string().nullable(),
  acknowledgedBy: z.string().nullable(),
  note: z.string().nullable(),
});

/** `GET /anomalies`, `POST /anomalies/{id}/acknowledge`. */
export function addAnomalyRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/anomalies',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Hours and days of unusual spending, the newest first; leads see their team',
        querystring: z.strictObject({
          ...pageFields,
          open: z.enum(['true']).optional().describe('Only those that nobody has acknowledged'),
        }),
        response: {
          200: z.object({ anomalies: z.array(anomalySchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query, actor }) => {
      const before = keyOfCursor('anomalies', query.cursor, z.string().regex(/^\d{1,18}$/));
      const found = await listAnomalies(context.db, {
        teamId: actor.teamId,
        isOpenOnly: query.open === 'true',
        before: before ?? null,
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('anomalies', found, query.limit, ({ id }) => id);
      return { anomalies: rows.map(toJson), nextCursor };
    },
  );
  app.post(
    '/anomalies/:id/acknowledge',
    {
      config: {
        access: ['platform', 'finance', 'team-lead'],
        example: { reason: 'the backfill of the year' },
      },
      schema: {
        summary: 'Say that it was looked at, and what it was; the first word stays',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: anomalySchema },
      },
    },
    async ({ params, body, actor }) => {
      const { id } = params;
      const at = context.clock.now();
      const by = { teamId: actor.teamId, person: actor.id, note: body.reason, at };
      return context.db.transaction(async (tx) => {
        const found = /^\d{1,18}$/.test(id) ? await acknowledgeAnomaly(tx, id, by) : undefined;
        if (found === undefined)
          throw notFound('There is no such anomaly.', 'GET /api/v1/anomalies lists them', 'id');
        if (found.acknowledgedAt?.getTime() === at && found.acknowledgedBy === actor.id)
          await appendAudit(tx, {
            actor,
            action: 'anomaly.acknowledge',
            subject: `anomaly/${id}`,
            reason: body.reason,
            before: null,
            after: { team: found.teamId, startsAt: formatInstant(found.startsAt.getTime()) },
            at,
          });
        return toJson(found);
      });
    },
  );
}

function toJson({
  teamId,
  startsAt,
  foundAt,
  acknowledgedAt,
  ...rest
}: Anomaly): z.infer<typeof anomalySchema> {
  return {
    ...rest,
    team: teamId,
    shapes: rest.shapes.map((shape) => ({ ...shape })),
    startsAt: formatInstant(startsAt.getTime()),
    foundAt: formatInstant(foundAt.getTime()),
    acknowledgedAt: acknowledgedAt === null ? null : formatInstant(acknowledgedAt.getTime()),
  };
}
