/** Passes that last: what was granted to statements, how far it is used, and its end before its time. */
import { z } from 'zod';
import { revokePass } from '#billing/passes.js';
import { APPROVALS_CHANNEL, findRequest, listLasting } from '#billing/requests.js';
import { must } from '#base/assert.js';
import { formatInstant } from '#base/time.js';
import { API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, reasonSchema } from './api.js';
import { passJson, passSchema, ticketOf } from './request-json.js';

/** `GET /passes`, `POST /passes/{ticket}/revoke`. */
export function addPassRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/passes',
    {
      config: { access: API_ROLES },
      schema: {
        summary:
          'Passes that last, those that end first before the others; an analyst sees its own',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ passes: z.array(passSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query, actor }) => {
      const { limit, cursor } = query;
      const found = await listLasting(context.db, {
        teamId: actor.teamId,
        principalId: actor.principalId,
        at: context.clock.now(),
        limit: limit + 1,
        after: keyOfCursor('passes', cursor, z.tuple([z.iso.datetime(), z.uuid()])),
      });
      const passes = found.flatMap(({ pass }) => (pass === null ? [] : [pass]));
      const { rows, nextCursor } = pageOf('passes', passes, limit, (each) => [
        formatInstant(each.expiresAt),
        each.ticketId,
      ]);
      return { passes: rows.map(passJson), nextCursor };
    },
  );
  addRevoke(app, context);
}

function addRevoke(app: ApiApp, context: ApiContext): void {
  app.post(
    '/passes/:ticket/revoke',
    {
      config: { access: ['platform', 'team-lead'], example: { reason: 'the report is done' } },
      schema: {
        summary: 'End a pass now; statements that run by it run on',
        params: z.object({ ticket: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: z.object({ pass: passSchema, isReplayed: z.boolean() }) },
      },
    },
    async ({ params, body, actor }) => {
      const ticketId = ticketOf(params.ticket, 'ticket');
      const at = context.clock.now();
      const { reason } = body;
      return context.db.transaction(async (tx) => {
        const before = (await findRequest(tx, ticketId))?.pass ?? null;
        if (before === null || (actor.teamId !== null && actor.teamId !== before.teamId))
          throw notFound(
            `There is no pass ${ticketId}.`,
            'GET /api/v1/passes lists those that last',
            'ticket',
          );
        const isRevoked = await revokePass(tx, { ticketId, author: actor.id, reason, at });
        const pass = passJson(must((await findRequest(tx, ticketId))?.pass, 'passes stay'));
        if (!isRevoked) return { pass, isReplayed: true };
        await tx.query('SELECT pg_notify($1, $2)', [APPROVALS_CHANNEL, '']);
        await appendAudit(tx, {
          actor,
          action: 'pass.revoke',
          subject: `request/${ticketId}`,
          reason,
          before: passJson(before),
          after: pass,
          at,
        });
        return { pass, isReplayed: false };
      });
    },
  );
}
