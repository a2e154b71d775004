import { z } from 'zod';
import { tryParseTicketId } from '#base/ids.js';
import { badField, notFound, problemSchema } from '../problems.js';
import { readTicket, type TicketRow } from '../stores/ticket-store.js';
import type { ApiApp, ApiContext } from './api.js';

const ticketReply = z.object({
  ticketId: z.string(),
  state: z.string(),
  team: z.string(),
  principal: z.string(),
  account: z.string(),
  snowflakeQueryId: z.string().nullable(),
  tier: z.string(),
  warehouse: z.string().nullable(),
  warehouseSize: z.string().nullable(),
  statementClass: z.string(),
  fingerprint: z.string(),
  statementShape: z.string().describe('Without literals'),
  estimate: z.object({
    basis: z.string(),
    lowCredits: z.string(),
    expectedCredits: z.string(),
    highCredits: z.string(),
  }),
  holdCredits: z.string(),
  charge: z.object({ credits: z.string(), amount: z.string(), currency: z.string() }).nullable(),
  refusal: z.object({ code: z.string(), message: z.string(), detail: z.unknown() }).nullable(),
  ending: z.string().nullable(),
  endCode: z.string().nullable(),
  occurredAt: z.string(),
  sentAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

/** `GET /tickets/{id}`. */
export function addTicketRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/tickets/:id',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'What became of one statement',
        params: z.object({ id: z.string().max(100) }),
        response: { 200: ticketReply, 400: problemSchema, 404: problemSchema },
      },
    },
    async (request) => {
      const id = tryParseTicketId(request.params.id);
      if (id === undefined)
        throw badField(
          'id',
          'must be a ticket id',
          'copy it from the refusal, the query tag or MY_QUERIES',
        );
      const row = await readTicket(context.db, id);
      if (row === undefined)
        throw notFound(
          'There is no such ticket.',
          'check the id: it is in the refusal, the query tag and MY_QUERIES',
          'id',
        );
      return toJson(row);
    },
  );
}

function toJson(row: TicketRow): z.infer<typeof ticketReply> {
  return {
    ticketId: row.ticket_id,
    state: row.state,
    team: row.team_id,
    principal: row.principal_id,
    account: row.account,
    snowflakeQueryId: row.snowflake_query_id,
    tier: row.tier,
    warehouse: row.warehouse,
    warehouseSize: row.warehouse_size,
    statementClass: row.statement_class,
    fingerprint: row.fingerprint,
    statementShape: row.statement_shape,
    estimate: {
      basis: row.basis,
      lowCredits: row.low_credits,
      expectedCredits: row.expected_credits,
      highCredits: row.high_credits,
    },
    holdCredits: row.hold_credits,
    charge:
      row.charged_credits === null || row.charged_amount === null
        ? null
        : { credits: row.charged_credits, amount: row.charged_amount, currency: row.currency },
    refusal:
      row.refusal_code === null
        ? null
        : {
            code: row.refusal_code,
            message: row.refusal_message ?? '',
            detail: row.refusal_detail ?? null,
          },
    ending: row.ending,
    endCode: row.end_code,
    occurredAt: row.occurred_at.toISOString(),
    sentAt: row.sent_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}
