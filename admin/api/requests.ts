/** What teams ask for after a refusal, and the decision. */
import { z } from 'zod';
import {
  type ApprovalRequest,
  type Decision,
  type DecideOutcome,
  decideRequest,
  listRequests,
  REQUEST_STATES,
} from '#billing/requests.js';
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import { formatInstant } from '#base/time.js';
import { formatAmount, parseCredits } from '#base/units.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, creditsSchema, reasonSchema } from './api.js';

const requestSchema = z.object({
  ticketId: z.string(),
  state: z.enum(REQUEST_STATES),
  team: z.string(),
  principal: z.string().describe('Who asked'),
  reason: z.string(),
  wants: z
    .enum(['credits', 'statement'])
    .describe('credits on the budget that refused, or that the statement may run once'),
  refusalCode: z.string(),
  needsCredits: z.string().describe('What the statement needed'),
  needsAmount: z.string(),
  currency: z.string(),
  budgetId: z.string().nullable().describe('The budget that refused; null: none did'),
  shortCredits: z.string().nullable().describe('What that budget was short of at the refusal'),
  askedAt: z.string(),
  decision: z
    .object({
      at: z.string(),
      author: z.string(),
      reason: z.string(),
      grantedCredits: z.string().nullable(),
    })
    .nullable(),
});

const decisionBody = z.strictObject({
  decision: z.enum(['granted', 'declined'], 'must be "granted" or "declined"'),
  reason: reasonSchema,
  credits: creditsSchema
    .refine((text) => !/^[0.]+$/.test(text), 'must be more than zero')
    .optional()
    .describe('To grant; absent: what the statement lacks, rounded up to 0.01'),
});

const decisionReply = z.object({ request: requestSchema, isReplayed: z.boolean() });

/** `GET /requests`, `POST /requests/{ticket}/decision`. */
export function addRequestRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/requests',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'What teams asked for by CALL TOLLGATE.REQUEST, the oldest first',
        querystring: z.strictObject({
          ...pageFields,
          state: z.enum(REQUEST_STATES).default('waiting'),
        }),
        response: {
          200: z.object({ requests: z.array(requestSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { state, limit, cursor } = request.query;
      const after = keyOfCursor('requests', cursor, z.tuple([z.iso.datetime(), z.uuid()]));
      const found = await listRequests(context.db, {
        state,
        teamId: request.actor.teamId,
        after,
        limit: limit + 1,
      });
      const { rows, nextCursor } = pageOf('requests', found, limit, (each) => [
        formatInstant(each.askedAt),
        each.ticketId,
      ]);
      return { requests: rows.map(toJson), nextCursor };
    },
  );
  addDecision(app, context);
}

function addDecision(app: ApiApp, context: ApiContext): void {
  app.post(
    '/requests/:ticket/decision',
    {
      // Not a lead's to decide: a grant would raise the lead's own budget.
      config: {
        access: ['platform'],
        example: { decision: 'granted', reason: 'quarter end', credits: '1.5' },
      },
      schema: {
        summary:
          'Grant credits on the budget that refused, or that the statement runs once, or decline it; once',
        params: z.object({ ticket: z.string().max(100) }),
        body: decisionBody,
        response: { 200: decisionReply },
      },
    },
    async (request) => {
      const ticketId = tryParseTicketId(request.params.ticket);
      if (ticketId === undefined)
        throw badField('ticket', 'must be a ticket id', 'GET /api/v1/requests lists them');
      const { decision, reason, credits } = request.body;
      if (decision === 'declined' && credits !== undefined)
        throw badField('credits', 'must be absent when declining', 'remove it');
      const common = { ticketId, author: request.actor.id, reason, at: context.clock.now() };
      const outcome = await decideAudited(
        context,
        request.actor,
        decision === 'declined'
          ? { ...common, state: decision }
          : {
              ...common,
              state: decision,
              credits: credits === undefined ? null : parseCredits(credits),
            },
      );
      return toReply(outcome, ticketId);
    },
  );
}

function decideAudited(
  context: ApiContext,
  actor: Actor,
  decision: Decision,
): Promise<DecideOutcome> {
  return context.db.transaction(async (tx) => {
    const outcome = await decideRequest(tx, decision);
    if (outcome.kind === 'decided') {
      const { budgetId, teamId } = outcome.request;
      const after = { ...toJson(outcome.request).decision, team: teamId, budgetId };
      await appendAudit(tx, {
        actor,
        action: 'request.decide',
        subject: `request/${decision.ticketId}`,
        reason: decision.reason,
        before: { state: 'waiting' },
        after: { ...after, state: decision.state },
        at: decision.at,
      });
    }
    return outcome;
  });
}

function toReply(outcome: DecideOutcome, ticketId: TicketId): z.infer<typeof decisionReply> {
  switch (outcome.kind) {
    case 'decided':
    case 'replayed':
      return { request: toJson(outcome.request), isReplayed: outcome.kind === 'replayed' };
    case 'unknown':
      throw notFound(
        `Nobody has asked for ticket ${ticketId}.`,
        'GET /api/v1/requests lists what was asked for',
        'ticket',
      );
    case 'conflict':
      throw conflict(
        `This request was ${outcome.request.state} before, and a decision is made once.`,
        'must agree with the decision that stands',
        'POST /api/v1/budgets/{team}/grants adds credits to a team at any time',
      );
    case 'notByBudget':
      throw conflict(
        `No budget refused this statement (${outcome.request.refusalCode}), so that credits would not admit it.`,
        outcome.request.wants === 'statement'
          ? 'must come without credits where a statement waits for approval'
          : 'must be "declined" where no budget refused',
        outcome.request.wants === 'statement'
          ? 'remove credits'
          : 'change the rule or the tier by PUT /api/v1/control, then decline with a reason that says so',
      );
  }
}

function conflict(detail: string, rule: string, wayOut: string): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail,
    errors: [{ field: 'decision', rule, wayOut }],
  });
}

function toJson(request: ApprovalRequest): z.infer<typeof requestSchema> {
  const { decision } = request;
  return {
    ticketId: request.ticketId,
    state: request.state,
    team: request.teamId,
    principal: request.principalId,
    reason: request.reason,
    wants: request.wants,
    refusalCode: request.refusalCode,
    needsCredits: formatAmount(request.needsCredits),
    needsAmount: formatAmount(request.needsMoney),
    currency: request.currency,
    budgetId: request.budgetId,
    shortCredits: request.shortCredits === null ? null : formatAmount(request.shortCredits),
    askedAt: formatInstant(request.askedAt),
    decision:
      decision === null
        ? null
        : {
            at: formatInstant(decision.at),
            author: decision.author,
            reason: decision.reason,
            grantedCredits:
              decision.grantedCredits === null ? null : formatAmount(decision.grantedCredits),
          },
  };
}
