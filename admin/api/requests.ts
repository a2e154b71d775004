/** What teams ask for after a refusal: asking, listing, taking back. The decision is in request-decisions.ts. */
import { z } from 'zod';
import { withdrawRequest } from '#billing/decide-request.js';
import {
  askApproval,
  type AskedWish,
  type Asking,
  type AskOutcome,
  HOURS_MAX,
  listRequests,
  REQUEST_STATES,
} from '#billing/requests.js';
import type { TicketId } from '#base/ids.js';
import { formatInstant } from '#base/time.js';
import { type Actor, API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, conflict, notFound } from '../problems.js';
import { auditRequest } from '../stores/request-audit.js';
import { type ApiApp, type ApiContext, controlOf, pricesOf, reasonSchema } from './api.js';
import { addDecisionRoute } from './request-decisions.js';
import { type Leave, leaveOf, leaveSchema } from './request-leave.js';
import {
  amountFields,
  creditsOf,
  requestJson,
  requestSchema,
  runsSchema,
  ticketOf,
  unknownRequest,
} from './request-json.js';

const askBody = z.strictObject({
  ticketId: z.string().max(100).describe('Of the refused statement, as its refusal names it'),
  reason: reasonSchema,
  ...amountFields,
  runs: runsSchema.optional().describe('How often it should run'),
  hours: z
    .int()
    .min(1, 'must be at least 1')
    .max(HOURS_MAX, `must be at most ${HOURS_MAX}`)
    .optional()
    .describe('For how long'),
  shape: z.boolean().optional().describe('true: for its shape, with other literals too'),
});

const withdrawBody = z.strictObject({ reason: reasonSchema.optional() }).nullish();
const requestReply = z.object({ request: requestSchema, isReplayed: z.boolean() });
const ticketParams = z.object({ ticket: z.string().max(100) });

/** `GET` and `POST /requests`, `POST /requests/{ticket}/withdraw`, `POST /requests/{ticket}/decision`. */
export function addRequestRoutes(app: ApiApp, context: ApiContext): void {
  addList(app, context);
  addAsk(app, context);
  addWithdraw(app, context);
  addDecisionRoute(app, context);
}

function addList(app: ApiApp, context: ApiContext): void {
  app.get(
    '/requests',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'What teams asked for after a refusal, the oldest first; an analyst sees its own',
        querystring: z.strictObject({
          ...pageFields,
          state: z.enum(REQUEST_STATES).default('waiting'),
        }),
        response: {
          200: z.object({
            requests: z.array(requestSchema),
            nextCursor: nextCursorSchema,
            leave: leaveSchema.describe('What the token may decide of them'),
          }),
        },
      },
    },
    async (request) => {
      const { state, limit, cursor } = request.query;
      const after = keyOfCursor('requests', cursor, z.tuple([z.iso.datetime(), z.uuid()]));
      const found = await listRequests(context.db, {
        state,
        teamId: request.actor.teamId,
        principalId: request.actor.principalId,
        after,
        limit: limit + 1,
      });
      const { rows, nextCursor } = pageOf('requests', found, limit, (each) => [
        formatInstant(each.askedAt),
        each.ticketId,
      ]);
      return {
        requests: rows.map(requestJson),
        nextCursor,
        leave: await leaveNow(context, request.actor),
      };
    },
  );
}

/** A lead has a team of the document in force; others are told the same where there is no document yet. */
async function leaveNow({ db }: ApiContext, actor: Actor): Promise<Leave> {
  const isLead = actor.role === 'team-lead';
  return leaveOf(actor, isLead ? (await controlOf(db)).document.teams : []);
}

function addAsk(app: ApiApp, context: ApiContext): void {
  app.post(
    '/requests',
    {
      config: {
        access: ['platform', 'team-lead', 'analyst'],
        example: {
          ticketId: '01990000-0000-7000-8000-000000000000',
          reason: 'the yearly report',
          amount: '250',
          hours: 72,
          shape: true,
        },
      },
      schema: {
        summary:
          'Ask for a refused statement of the own team, once a ticket; who asks does not decide',
        body: askBody,
        response: { 200: requestReply, 201: requestReply },
      },
    },
    async (request, reply) => {
      const { actor, body } = request;
      const ticketId = ticketOf(body.ticketId, 'ticketId');
      const at = context.clock.now();
      const { document } = await controlOf(context.db);
      const wish: AskedWish = {
        credits: creditsOf(body, await pricesOf(context.db, document), at),
        runs: body.runs ?? null,
        hours: body.hours ?? null,
        isForShape: body.shape ?? false,
      };
      const outcome = await askAudited(context, actor, {
        ticketId,
        teamId: actor.teamId,
        principalId: actor.principalId ?? actor.ownPrincipalId ?? actor.id,
        askedBy: actor.id,
        reason: body.reason,
        wish,
        at,
        ...(actor.principalId === null ? {} : { onlyOf: actor.principalId }),
      });
      const asked = askedOrProblem(outcome, ticketId);
      return reply
        .code(asked.kind === 'asked' ? 201 : 200)
        .send({ request: requestJson(asked.request), isReplayed: asked.kind === 'replayed' });
    },
  );
}

function askAudited(context: ApiContext, actor: Actor, asking: Asking): Promise<AskOutcome> {
  return context.db.transaction(async (tx) => {
    const outcome = await askApproval(tx, asking);
    if (outcome.kind === 'asked') await auditRequest(tx, asking.ticketId, actor);
    return outcome;
  });
}

function askedOrProblem(
  outcome: AskOutcome,
  ticketId: TicketId,
): Extract<AskOutcome, { kind: 'asked' | 'replayed' }> {
  switch (outcome.kind) {
    case 'asked':
    case 'replayed':
      return outcome;
    case 'unknown':
      throw notFound(
        `There is no ticket ${ticketId}.`,
        'GET /api/v1/tickets lists those of the team',
        'ticketId',
      );
    case 'notRefused':
      throw conflict(
        'It was not refused by a budget, a ceiling or a rule, so there is nothing to ask for.',
        'ticketId',
        'must be of a refused statement',
        'GET /api/v1/tickets?state=VOID lists them',
      );
    case 'notApprovable':
      throw conflict(
        `Rule ${outcome.rule} says that no request lifts it.`,
        'ticketId',
        'must not be refused by a rule with approvable: false',
        'ask its administrators to change the rule',
      );
    case 'otherCurrency':
      throw badField('currency', `must be ${outcome.currency}`, 'the statement was priced in it');
  }
}

function addWithdraw(app: ApiApp, context: ApiContext): void {
  app.post(
    '/requests/:ticket/withdraw',
    {
      config: {
        access: ['platform', 'team-lead', 'analyst'],
        example: { reason: 'not needed any more' },
      },
      schema: {
        summary: 'Take back a request that waits; an analyst its own, a lead one of the team',
        params: ticketParams,
        body: withdrawBody,
        response: { 200: requestReply },
      },
    },
    async (request) => {
      const { actor } = request;
      const ticketId = ticketOf(request.params.ticket, 'ticket');
      const outcome = await context.db.transaction(async (tx) => {
        const ended = await withdrawRequest(tx, {
          ticketId,
          teamId: actor.teamId,
          principalId: actor.principalId,
          author: actor.id,
          reason: request.body?.reason ?? 'taken back',
          at: context.clock.now(),
        });
        if (ended.kind === 'withdrawn') await auditRequest(tx, ticketId);
        return ended;
      });
      switch (outcome.kind) {
        case 'withdrawn':
        case 'replayed':
          return { request: requestJson(outcome.request), isReplayed: outcome.kind === 'replayed' };
        case 'unknown':
          throw unknownRequest(ticketId);
        case 'conflict':
          throw conflict(
            `This request is ${outcome.request.state}.`,
            'ticket',
            'must be of a request that waits',
            'GET /api/v1/requests lists those that wait',
          );
      }
    },
  );
}
