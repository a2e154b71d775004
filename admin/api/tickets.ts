import { z } from 'zod';
import { tryParseTicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import { TICKET_STATES } from '#billing/ledger.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { type Actor, API_ROLES, maySeeTeam } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound } from '../problems.js';
import { listTickets, readTicket, type TicketRow } from '../stores/ticket-store.js';
import { runsAtOf } from '../stores/ticket-hours.js';
import { waitOfTicket } from '../stores/ticket-wait.js';
import { type ApiApp, type ApiContext, controlOf, instantSchema, teamOf } from './api.js';

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

const waitingTicketReply = ticketReply.extend({
  runsAt: z
    .string()
    .nullable()
    .describe('When it runs, as it waits for the off-peak hours; null: it does not'),
  queue: z
    .object({
      position: z.number().int().describe('1: it is next'),
      limitedBy: z.enum(['tier', 'team', 'principal', 'administrators']),
      expectedWaitSeconds: z.number(),
    })
    .nullable()
    .describe('null: it does not wait for a permit'),
});

const ticketsQuery = z.strictObject({
  ...pageFields,
  team: z.string().max(100).optional().describe('Of this team alone'),
  state: z.enum(TICKET_STATES).optional(),
  from: instantSchema.optional().describe('Asked for at or after; absent: the last 31 days'),
  to: instantSchema.optional().describe('Asked for before; absent: now'),
});

/** How far a list looks back when it is not told how far. */
const LOOK_BACK_MS = 31 * 24 * 3600 * 1000;

/** `GET /tickets`, `GET /tickets/{id}`. */
export function addTicketRoutes(app: ApiApp, context: ApiContext): void {
  addList(app, context);
  app.get(
    '/tickets/:id',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'What became of one statement',
        params: z.object({ id: z.string().max(100) }),
        response: { 200: waitingTicketReply },
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
      if (row === undefined || !maySee(request.actor, row))
        throw notFound(
          'There is no such ticket.',
          'check the id: it is in the refusal, the query tag and MY_QUERIES',
          'id',
        );
      const runsAt = await runsAtOf(context.db, id);
      return {
        ...toJson(row),
        runsAt: runsAt?.toISOString() ?? null,
        queue: await queueOf(context, row),
      };
    },
  );
}

async function queueOf(
  { db }: ApiContext,
  { state, ticket_id: ticketId }: TicketRow,
): Promise<z.infer<typeof waitingTicketReply>['queue']> {
  if (state !== 'RESERVED') return null;
  const wait = await waitOfTicket(db, (await controlOf(db)).document, ticketId);
  if (wait === null) return null;
  const { position, limitedBy, expectedWaitMs } = wait;
  return { position, limitedBy, expectedWaitSeconds: expectedWaitMs / 1000 };
}

function addList(app: ApiApp, context: ApiContext): void {
  app.get(
    '/tickets',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'Statements that the token may see, the newest first',
        querystring: ticketsQuery,
        response: {
          200: z.object({ tickets: z.array(ticketReply), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { team, state, limit, cursor } = request.query;
      const { actor } = request;
      if (team !== undefined) teamOf((await controlOf(context.db)).document, team, actor);
      const to = instantOf(request.query.to) ?? context.clock.now() + 1;
      const from = instantOf(request.query.from) ?? to - LOOK_BACK_MS;
      if (from >= to)
        throw badField('querystring.from', 'must be before to', 'swap the two instants');
      const found = await listTickets(context.db, {
        teamId: team ?? actor.teamId,
        principalId: actor.principalId,
        state: state ?? null,
        from,
        to,
        before: keyOfCursor('tickets', cursor, z.tuple([z.iso.datetime(), z.uuid()])),
        limit: limit + 1,
      });
      const { rows, nextCursor } = pageOf('tickets', found, limit, (row) => [
        row.occurred_at.toISOString(),
        row.ticket_id,
      ]);
      return { tickets: rows.map(toJson), nextCursor };
    },
  );
}

function instantOf(text: string | undefined): EpochMs | undefined {
  return text === undefined ? undefined : tryParseInstant(text);
}

/** An analyst sees its own statements, a lead those of the team. */
function maySee(actor: Actor, row: TicketRow): boolean {
  const isOwn = actor.principalId === null || actor.principalId === row.principal_id;
  return isOwn && maySeeTeam(actor, row.team_id);
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
