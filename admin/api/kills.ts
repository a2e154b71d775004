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
          'End a statement that waits, runs or is in doubt, whichever replica has it or had it; its author is told why',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: {
          200: z.object({
            ticketId: z.string(),
            team: z.string(),
            isReplayed: z.boolean().describe('Somebody had asked for it before'),
            isInDoubt: z
              .boolean()
              .describe(
                'No replica has it any more: it is cancelled once the query history shows that it runs, and settled by what that shows where it does not',
              ),
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
      const { isReplayed, isInDoubt } = outcome;
      return { ticketId, team: ticket.team_id, isReplayed, isInDoubt };
    },
  );
}

function unknown(): ProblemError {
  return notFound('There is no such ticket.', 'GET /api/v1/running lists what runs', 'id');
}

function over(state: string): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `This statement is over: ${state}.`,
    errors: [
      {
        field: 'id',
        rule: 'must name a statement that waits, runs or is in doubt',
        wayOut: 'GET /api/v1/tickets/{id} tells what became of it',
      },
    ],
  });
}
