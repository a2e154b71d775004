/** Decisions about requests: administrators about all, team leads about their own team's up to the document's limit. */
import { z } from 'zod';
import {
  type DecideOutcome,
  decideRequest,
  type Decision,
  LEAD_DAYS,
  type LeadLimit,
} from '#billing/decide-request.js';
import { type ApprovalRequest, findRequest } from '#billing/requests.js';
import { trimmed } from '#base/decimal-text.js';
import { formatAmount } from '#base/units.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { PriceAt } from '#policies/prices/price-lookup.js';
import type { Actor } from '../actor.js';
import { badField, conflict, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { auditRequest } from '../stores/request-audit.js';
import { type ApiApp, type ApiContext, controlOf, pricesOf, reasonSchema } from './api.js';
import { leadsLimit, leaveOf } from './request-leave.js';
import {
  amountFields,
  creditsOf,
  requestJson,
  requestSchema,
  runsSchema,
  ticketOf,
  unknownRequest,
  untilOf,
  untilSchema,
  zoneOf,
} from './request-json.js';

const decisionBody = z.strictObject({
  decision: z.enum(['granted', 'declined'], 'must be "granted" or "declined"'),
  reason: reasonSchema,
  ...amountFields,
  runs: runsSchema.optional().describe('Of a pass: how often; absent: as asked, else once'),
  until: untilSchema
    .optional()
    .describe(
      'When it ends; absent: as asked, else a pass after 24 hours, credits with their period',
    ),
  shape: z
    .boolean()
    .optional()
    .describe('Of a pass: for the shape, with other literals too; absent: as asked'),
  scope: z
    .enum(['principal', 'team'], 'must be "principal" or "team"')
    .optional()
    .describe('Of a pass: who sent the statement, or the whole team; absent: principal'),
});
type DecisionBody = z.infer<typeof decisionBody>;

const decisionReply = z.object({ request: requestSchema, isReplayed: z.boolean() });
const GRANT_FIELDS = ['credits', 'amount', 'currency', 'runs', 'until', 'shape', 'scope'] as const;

export function addDecisionRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/requests/:ticket/decision',
    {
      config: {
        access: ['platform', 'team-lead'],
        example: { decision: 'granted', reason: 'quarter end', credits: '1.5' },
      },
      schema: {
        summary:
          'Grant credits on the budget that refused, or a pass for the statement, or decline it; once',
        params: z.object({ ticket: z.string().max(100) }),
        body: decisionBody,
        response: { 200: decisionReply },
      },
    },
    async (request) => {
      const { actor, body } = request;
      const ticketId = ticketOf(request.params.ticket, 'ticket');
      const misplaced = GRANT_FIELDS.find((field) => body[field] !== undefined);
      if (body.decision === 'declined' && misplaced !== undefined)
        throw badField(misplaced, 'must be absent when declining', 'remove it');
      const { document } = await controlOf(context.db);
      const asked = await findRequest(context.db, ticketId);
      if (asked === undefined || (actor.teamId !== null && asked.teamId !== actor.teamId))
        throw unknownRequest(ticketId);
      const at = context.clock.now();
      const common = {
        ticketId,
        author: actor.id,
        role: actor.role,
        principalId: actor.ownPrincipalId ?? null,
        reason: body.reason,
        at,
      };
      const priceAt = await pricesOf(context.db, document);
      const lead = leadOf(actor, asked, document, body.decision);
      const decision: Decision =
        body.decision === 'declined'
          ? { ...common, state: 'declined' }
          : {
              ...common,
              ...lead,
              ...termsOf(body, asked, { document, priceAt }, at),
              state: 'granted',
            };
      return toReply(await decideAudited(context, actor, decision));
    },
  );
}

/** The terms as they are sent; an end without a time is in the zone of the budget that refused, else of the team's. */
function termsOf(
  body: DecisionBody,
  asked: ApprovalRequest,
  { document, priceAt }: { readonly document: ControlDocument; readonly priceAt: PriceAt },
  at: number,
): Pick<
  Extract<Decision, { state: 'granted' }>,
  'credits' | 'runs' | 'until' | 'isForShape' | 'isForTeam'
> {
  const budget = document.budgets.find(({ id }) => id === asked.budgetId);
  const timeZone = budget?.period.timeZone ?? zoneOf(document, { id: asked.teamId });
  return {
    credits: creditsOf(body, priceAt, at),
    runs: body.runs ?? null,
    until: body.until === undefined ? null : untilOf(body.until, timeZone, at),
    isForShape: body.shape ?? null,
    isForTeam: body.scope === 'team',
  };
}

/** What bounds a lead; nothing for administrators. Throws a 403 for a lead who decides nothing. */
function leadOf(
  actor: Actor,
  asked: ApprovalRequest,
  document: ControlDocument,
  decision: DecisionBody['decision'],
): { readonly lead?: LeadLimit } {
  if (actor.role !== 'team-lead') return {};
  const leave = leaveOf(actor, document.teams);
  const isRefused = decision === 'declined' ? !leave.declines : !leave.grants;
  if (isRefused) throw forbidden(leave.note);
  const creditsMax = leadsLimit(document.teams, asked.teamId);
  if (creditsMax === undefined) return {};
  const nodes = new Set([asked.teamId]);
  for (const { id, team } of document.principals) if (team === asked.teamId) nodes.add(id);
  const budgetIds = document.budgets.filter(({ node }) => nodes.has(node)).map(({ id }) => id);
  return { lead: { teamId: asked.teamId, creditsMax, budgetIds } };
}

function decideAudited(
  context: ApiContext,
  actor: Actor,
  decision: Decision,
): Promise<DecideOutcome> {
  return context.db.transaction(async (tx) => {
    const outcome = await decideRequest(tx, decision);
    if (outcome.kind !== 'decided') return outcome;
    // Last, as everywhere: whoever holds the end of the audit log waits for no budget.
    await auditRequest(tx, decision.ticketId);
    const { decision: made, pass, budgetId, team } = requestJson(outcome.request);
    await appendAudit(tx, {
      actor,
      action: 'request.decide',
      subject: `request/${decision.ticketId}`,
      reason: decision.reason,
      before: { state: 'waiting' },
      after: { ...made, team, budgetId, pass, state: decision.state },
      at: decision.at,
    });
    return outcome;
  });
}

function toReply(outcome: DecideOutcome): z.infer<typeof decisionReply> {
  switch (outcome.kind) {
    case 'decided':
    case 'replayed':
      return { request: requestJson(outcome.request), isReplayed: outcome.kind === 'replayed' };
    case 'unknown':
      throw new ProblemError({ status: 404, title: 'Not found', detail: 'The request is gone.' });
    case 'conflict':
      throw conflict(
        `This request was ${outcome.request.state} before, and a decision is made once.`,
        'decision',
        'must agree with the decision that stands',
        'POST /api/v1/budgets/{team}/grants adds credits to a team at any time',
      );
    case 'unfit':
      throw badField(outcome.field, outcome.rule, 'remove it');
    case 'notGrantable':
      throw conflict(
        `Nothing that can be granted would admit this statement (${outcome.request.refusalCode}).`,
        'decision',
        'must be "declined" where nothing can be granted',
        'change the rule or the tier by PUT /api/v1/control, then decline with a reason that says so',
      );
    case 'own':
      throw forbidden('Nobody decides what was asked for by, or refused to, the same principal.');
    case 'beyondLead':
      throw forbidden(beyondText(outcome));
  }
}

function beyondText(outcome: Extract<DecideOutcome, { kind: 'beyondLead' }>): string {
  const { worthCredits, grantedCredits, request } = outcome;
  if (worthCredits === null)
    return `Administrators only decide this: ${request.budgetId === null ? request.passes.join(', ') : `budget ${request.budgetId} is not of team ${request.teamId}`}.`;
  return `It may cost ${trimmed(formatAmount(worthCredits))} credits, and with ${trimmed(formatAmount(grantedCredits))} credits that leads of team ${request.teamId} have granted in ${LEAD_DAYS} days that is more than leadsGrantCredits of the control document. Grant less, or ask the administrators.`;
}

function forbidden(detail: string): ProblemError {
  return new ProblemError({ status: 403, title: 'Forbidden', detail });
}
