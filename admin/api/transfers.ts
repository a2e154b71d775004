/** Transfers: credits moved from one budget to another, in the periods that are open. */
import { z } from 'zod';
import { transfer, type Transfer, type TransferOutcome } from '#billing/transfer.js';
import { compareAmounts, formatAmount, maxAmount, NO_CREDITS, parseCredits } from '#base/units.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, creditsSchema, reasonSchema } from './api.js';
import { monthlyBudgetOrProblem } from './monthly-budget.js';

const transferBody = z.strictObject({
  to: z
    .string('must be the id of a budget, or a team')
    .max(100)
    .describe('Budget that is given to; a team stands for its monthly budget'),
  credits: creditsSchema.refine((text) => !/^[0.]+$/.test(text), 'must be more than zero'),
  reason: reasonSchema,
});

const transferHeaders = z.object({
  'idempotency-key': z
    .string('must be sent, so that a repeated request moves once')
    .min(1, 'must not be empty')
    .max(200, 'must be at most 200 characters'),
});

const transferReply = z.object({
  from: z.string(),
  to: z.string(),
  credits: z.string(),
  fromAvailableCredits: z.string().nullable().describe('Afterwards; null: a repeat'),
  toAvailableCredits: z.string().nullable().describe('Afterwards; null: a repeat'),
  isReplayed: z.boolean(),
});
type TransferReply = z.infer<typeof transferReply>;

/** `POST /budgets/{budget}/transfers`. */
export function addTransferRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/budgets/:budget/transfers',
    {
      config: {
        access: ['platform'],
        example: { to: 'finance-monthly', credits: '25', reason: 'moved work' },
      },
      schema: {
        summary:
          'Move credits from the open period of a budget to that of another, all or none, once per Idempotency-Key',
        params: z.object({ budget: z.string().max(100) }),
        headers: transferHeaders,
        body: transferBody,
        response: { 200: transferReply, 201: transferReply },
      },
    },
    async (request, reply) => {
      const { document } = await controlOf(context.db);
      const giverId = knownBudget(document, request.params.budget, 'budget');
      const takerId = knownBudget(document, request.body.to, 'to');
      if (giverId === takerId)
        throw badField('to', 'must be another budget', 'name the budget that is given to');
      const { credits, reason } = request.body;
      const asked: Transfer = {
        giverId,
        takerId,
        credits: parseCredits(credits),
        // Kept with the transfer for ever, as a grant's is.
        idempotencyKey: `${giverId}:${request.headers['idempotency-key']}`,
        author: request.actor.id,
        reason,
        at: context.clock.now(),
      };
      const outcome = await transferAudited(context, request.actor, asked);
      const answer = toReply(outcome, asked);
      return reply.code(answer.isReplayed ? 200 : 201).send(answer);
    },
  );
}

/** The budget of that id, else the one that a team's name stands for, as in a grant. */
function knownBudget(document: ControlDocument, name: string, field: string): string {
  const budget = document.budgets.find((each) => each.id === name);
  if (budget !== undefined) return budget.id;
  const team = document.teams.find(({ id }) => id === name);
  if (team !== undefined) return monthlyBudgetOrProblem(document, team).id;
  throw notFound(
    `There is no budget and no team "${name}".`,
    'GET /api/v1/budgets lists budgets with their teams',
    field,
  );
}

function transferAudited(
  context: ApiContext,
  actor: Actor,
  asked: Transfer,
): Promise<TransferOutcome> {
  return context.db.transaction(async (tx) => {
    const outcome = await transfer(tx, asked);
    if (outcome.kind === 'transferred')
      await appendAudit(tx, {
        actor,
        action: 'budget.transfer',
        subject: `budget/${asked.giverId}`,
        reason: asked.reason,
        before: null,
        after: {
          to: asked.takerId,
          transferredCredits: formatAmount(asked.credits),
          availableCredits: formatAmount(outcome.giverAvailableCredits),
          toAvailableCredits: formatAmount(outcome.takerAvailableCredits),
        },
        at: asked.at,
      });
    return outcome;
  });
}

function toReply(outcome: TransferOutcome, asked: Transfer): TransferReply {
  const common = {
    from: asked.giverId,
    to: asked.takerId,
    credits: formatAmount(asked.credits),
  };
  switch (outcome.kind) {
    case 'transferred':
      return {
        ...common,
        fromAvailableCredits: formatAmount(outcome.giverAvailableCredits),
        toAvailableCredits: formatAmount(outcome.takerAvailableCredits),
        isReplayed: false,
      };
    case 'replayed':
      return { ...common, fromAvailableCredits: null, toAvailableCredits: null, isReplayed: true };
    case 'conflict':
      throw conflict('Another transfer stands under this Idempotency-Key.', {
        field: 'headers.idempotency-key',
        rule: 'must be new for another transfer',
        wayOut: 'send a UUID',
      });
    case 'short':
      throw conflict(`${asked.giverId} cannot give that much.`, {
        field: 'credits',
        rule: `must be at most ${formatAmount(maxAmount(outcome.giverAvailableCredits, NO_CREDITS))}, which ${asked.giverId} has neither spent nor holds`,
        wayOut:
          compareAmounts(outcome.giverAvailableCredits, NO_CREDITS) > 0
            ? 'move less, or wait until what it holds is settled'
            : 'give from another budget',
      });
    case 'unlimited':
      throw conflict(`${outcome.budgetId} is unlimited.`, {
        field: outcome.budgetId === asked.takerId ? 'to' : 'budget',
        rule: 'must be a budget with a limit',
        wayOut: 'name another budget',
      });
    case 'notInForce':
      throw conflict(`${outcome.budgetId} does not count now: its days do not contain this one.`, {
        field: outcome.budgetId === asked.takerId ? 'to' : 'budget',
        rule: 'must be a budget in force',
        wayOut: 'name another budget, or wait for its first day',
      });
  }
}

function conflict(
  detail: string,
  error: { readonly field: string; readonly rule: string; readonly wayOut: string },
): ProblemError {
  return new ProblemError({ status: 409, title: 'Conflict', detail, errors: [error] });
}
