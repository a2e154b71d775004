/** What teams and administrators were told, and what of it did not arrive. */
import { z } from 'zod';
import { formatInstant } from '#base/time.js';
import {
  DELIVERY_STATES,
  listNotifications,
  type ListedNotification,
  retryDead,
} from '../notifications/list.js';
import { NOTIFICATION_KINDS, SEVERITIES } from '../notifications/notification.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, reasonSchema } from './api.js';

const notificationSchema = z.object({
  id: z.string(),
  kind: z.enum(NOTIFICATION_KINDS),
  severity: z.enum(SEVERITIES),
  team: z.string().nullable().describe('null: of no single team'),
  title: z.string(),
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
  occurredAt: z.string(),
  deliveries: z
    .array(
      z.object({
        channel: z.string(),
        state: z.enum(DELIVERY_STATES).describe('dead: given up'),
        attempts: z.number(),
        problem: z.string().nullable().describe('What the channel said last'),
        endedAt: z.string().nullable(),
      }),
    )
    .describe('Empty: nobody names a channel for it'),
});

/** `GET /notifications`, `POST /notifications/{id}/retry`. */
export function addNotificationRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/notifications',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'What teams and administrators are told, the newest first; leads see their team',
        querystring: z.strictObject({
          ...pageFields,
          state: z
            .enum(DELIVERY_STATES)
            .optional()
            .describe('Only those with a delivery in this state'),
        }),
        response: {
          200: z.object({
            notifications: z.array(notificationSchema),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async ({ query, actor }) => {
      const before = keyOfCursor('notifications', query.cursor, z.string().regex(/^\d{1,18}$/));
      const found = await listNotifications(context.db, {
        teamId: actor.teamId ?? null,
        state: query.state ?? null,
        before: before ?? null,
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('notifications', found, query.limit, ({ id }) => id);
      return { notifications: rows.map(toJson), nextCursor };
    },
  );
  app.post(
    '/notifications/:id/retry',
    {
      config: { access: ['platform'], example: { reason: 'the webhook was mended' } },
      schema: {
        summary: 'Tell it again where it was given up',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: z.object({ id: z.string(), retriedChannels: z.number() }) },
      },
    },
    async ({ params, body, actor }) => {
      const { id } = params;
      const retriedChannels = await context.db.transaction(async (tx) => {
        const retried = /^\d{1,18}$/.test(id) ? await retryDead(tx, id) : undefined;
        if (retried === undefined)
          throw notFound(
            'There is no such notification.',
            'GET /api/v1/notifications lists them',
            'id',
          );
        await appendAudit(tx, {
          actor,
          action: 'notification.retry',
          subject: `notification/${id}`,
          reason: body.reason,
          before: null,
          after: { channels: retried },
          at: context.clock.now(),
        });
        return retried;
      });
      return { id, retriedChannels };
    },
  );
}

function toJson({
  team_id,
  facts,
  occurred_at,
  deliveries,
  ...rest
}: ListedNotification): z.infer<typeof notificationSchema> {
  return {
    id: rest.id,
    kind: rest.kind,
    severity: rest.severity,
    title: rest.title,
    team: team_id,
    facts: facts.map(([name, value]) => ({ name, value })),
    occurredAt: formatInstant(occurred_at.getTime()),
    deliveries: deliveries.map((each) => ({ ...each })),
  };
}
