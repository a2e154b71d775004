/** Ending one statement that waits or runs. */
import { z } from 'zod';
import { tryParseTicketId } from '#base/ids.js';
import { askKill } from '#billing/kills.js';
import { maySeeTeam } from '../actor.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { readTicket } from '../stores/ticket-store.js';
import { type ApiApp, type ApiContext, reasonSchema } from './api.js';

/** `POST /tickets/{id}/kill`. */
export function addKillRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/tickets/:id/kill',
    {
      config: { access: ['platform', 'team-lead'], example: { reason: 'it reads ten years' } },
      schema: {
        summary:
          'End a statement that waits or runs, on whichever replica it is; its author is told why',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: {
          200: z.object({
            ticketId: z.string(),
            team: z.string(),
            isReplayed: z.boolean().describe('Somebody had asked for it before'),
          }),
        },
      },
    },
    async (request) => {
      const { actor } = request;
      const ticketId = tryParseTicketId(request.params.id);
      if (ticketId === undefined)
        throw badField('id', 'must be a ticket id', 'GET /api/v1/running lists what runs');
      const ticket = await readTicket(context.db, ticketId);
      if (ticket === undefined || !maySeeTeam(actor, ticket.team_id)) throw unknown();
      const { reason } = request.body;
      const at = context.clock.now();
      const outcome = await context.db.transaction(async (tx) => {
        const asked = await askKill(tx, { ticketId, askedBy: actor.id, reason, at });
        if (asked?.kind === 'asked' && !asked.isReplayed)
          await appendAudit(tx, {
            actor,
            action: 'ticket.kill',
            subject: `ticket/${ticketId}`,
            reason,
            before: { state: ticket.state, team: ticket.team_id, principal: ticket.principal_id },
            after: null,
            at,
          });
        return asked;
      });
      if (outcome === undefined) throw unknown();
      if (outcome.kind === 'over') throw over(outcome.state);
      return { ticketId, team: ticket.team_id, isReplayed: outcome.isReplayed };
    },
  );
}

function unknown(): ProblemError {
  return notFound('There is no such ticket.', 'GET /api/v1/running lists what runs', 'id');
}

function over(state: string): ProblemError {
  const inDoubt = state === 'IN_DOUBT';
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: inDoubt
      ? 'No replica has this statement any more, and whether it runs is not known yet.'
      : `This statement is over: ${state}.`,
    errors: [
      {
        field: 'id',
        rule: 'must name a statement that waits or runs',
        wayOut: inDoubt
          ? 'end it in Snowflake by its query id; its evidence settles it here'
          : 'GET /api/v1/tickets/{id} tells what became of it',
      },
    ],
  });
}
