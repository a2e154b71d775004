/** Budgets: how they stand, the monthly limit of a team, and grants on top of it. */
import { z } from 'zod';
import { grant, type Grant, type GrantOutcome } from '#billing/control-writes.js';
import { must } from '#base/assert.js';
import { formatInstant } from '#base/time.js';
import { formatAmount, parseCredits } from '#base/units.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import { type Actor, API_ROLES } from '../actor.js';
import { nextCursorSchema, pageById, pageFields } from '../pagination.js';
import { ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { editControl, type ControlVersion } from '../stores/control-store.js';
import {
  type ApiApp,
  type ApiContext,
  controlOf,
  creditsSchema,
  reasonSchema,
  teamOf,
  teamParams,
} from './api.js';
import { addBridgeRoute } from './budget-bridge.js';
import { budgetSchema, toBudgetsJson } from './budget-json.js';
import { monthlyBudget, monthlyBudgetOrProblem } from './monthly-budget.js';
import { untilOf, untilSchema } from './request-json.js';
import { addTransferRoute } from './transfers.js';
import { visibleBudgets } from './visible-budgets.js';

const teamBudgetSchema = z.object({
  controlVersion: z.int(),
  team: z.string(),
  budget: budgetSchema,
});

const limitBody = z.strictObject({
  limitCredits: z
    .string('must be a decimal in quotes, such as "250", or "unlimited"')
    .refine(
      (text) => text === 'unlimited' || creditsSchema.safeParse(text).success,
      'must be a decimal amount, not negative, at most 12 decimals, such as "250", or "unlimited"',
    )
    .describe('Decimal, or "unlimited"'),
  reason: reasonSchema,
});

const grantBody = z.strictObject({
  credits: creditsSchema.refine((text) => !/^[0.]+$/.test(text), 'must be more than zero'),
  until: untilSchema.optional(),
  reason: reasonSchema,
});

const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string('must be sent, so that a repeated request grants once')
    .min(1, 'must not be empty')
    .max(200, 'must be at most 200 characters'),
});

const grantReply = z.object({
  team: z.string(),
  budgetId: z.string(),
  credits: z.string(),
  endsAt: z.string().nullable(),
  isReplayed: z.boolean(),
});

/** `GET /budgets`, `GET` and `PUT /budgets/{team}`, `POST /budgets/{team}/grants`, transfers. */
export function addBudgetRoutes(app: ApiApp, context: ApiContext): void {
  addReads(app, context);
  addLimitRoute(app, context);
  addGrantRoute(app, context);
  addTransferRoute(app, context);
  addBridgeRoute(app, context);
}

function addReads(app: ApiApp, context: ApiContext): void {
  app.get(
    '/budgets',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'Every budget that the token may see, with its standing, by id',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({
            controlVersion: z.int(),
            budgets: z.array(budgetSchema),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async (request) => {
      const { document, version } = await controlOf(context.db);
      const { rows, nextCursor } = pageById(
        'budgets',
        visibleBudgets(document, request.actor),
        request.query,
      );
      return { controlVersion: version, budgets: await toBudgetsJson(rows, context), nextCursor };
    },
  );
  app.get(
    '/budgets/:team',
    {
      config: { access: API_ROLES },
      schema: {
        summary: "A team's monthly budget with its standing",
        params: teamParams,
        response: { 200: teamBudgetSchema },
      },
    },
    async (request) => {
      const control = await controlOf(context.db);
      const team = teamOf(control.document, request.params.team, request.actor);
      return teamBudget(control, team, context);
    },
  );
}

function addLimitRoute(app: ApiApp, context: ApiContext): void {
  app.put(
    '/budgets/:team',
    {
      config: { access: ['platform'], example: { limitCredits: '250', reason: 'launch' } },
      schema: {
        summary: "Set the limit of a team's monthly budget; a new control version",
        params: teamParams,
        body: limitBody,
        response: { 200: teamBudgetSchema },
      },
    },
    async (request) => {
      const { team: teamId } = request.params;
      const { limitCredits, reason } = request.body;
      const outcome = await editControl(context.db, {
        actor: request.actor,
        reason,
        at: context.clock.now(),
        edit: (document) =>
          withMonthlyLimit(document, teamOf(document, teamId, request.actor), limitCredits),
      });
      if (outcome.kind === 'invalid')
        throw new ProblemError({
          status: 400,
          title: 'Bad request',
          detail: 'The control document would not be valid with this limit.',
          errors: outcome.problems.map(({ path, rule, wayOut }) => ({ field: path, rule, wayOut })),
        });
      const control = await controlOf(context.db);
      return teamBudget(control, teamOf(control.document, teamId, request.actor), context);
    },
  );
}

function addGrantRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/budgets/:team/grants',
    {
      config: { access: ['platform'], example: { credits: '25', reason: 'quarter end' } },
      schema: {
        summary:
          "Add credits to the open period of a team's monthly budget, once per Idempotency-Key",
        params: teamParams,
        headers: idempotencyHeaders,
        body: grantBody,
        response: { 200: grantReply, 201: grantReply },
      },
    },
    async (request, reply) => {
      const control = await controlOf(context.db);
      const team = teamOf(control.document, request.params.team, request.actor);
      const budget = monthlyBudgetOrProblem(control.document, team);
      const { credits, until, reason } = request.body;
      const at = context.clock.now();
      const endsAt = until === undefined ? null : untilOf(until, budget.period.timeZone, at);
      const outcome = await grantAudited(context, request.actor, {
        budgetId: budget.id,
        credits: parseCredits(credits),
        until: endsAt,
        // Kept with the grant for ever: a repeat after the kept answer is swept still grants nothing twice.
        idempotencyKey: `${budget.id}:${request.headers['idempotency-key']}`,
        author: request.actor.id,
        reason,
        at,
      });
      const isReplayed = outcome.kind === 'replayed';
      return reply.code(isReplayed ? 200 : 201).send({
        team: team.id,
        budgetId: budget.id,
        credits: formatAmount(parseCredits(credits)),
        endsAt: outcome.kind === 'granted' ? formatInstant(outcome.endsAt) : null,
        isReplayed,
      });
    },
  );
}

function grantAudited(context: ApiContext, actor: Actor, grantAsked: Grant): Promise<GrantOutcome> {
  return context.db.transaction(async (tx) => {
    const outcome = await grant(tx, grantAsked);
    if (outcome.kind === 'granted')
      await appendAudit(tx, {
        actor,
        action: 'budget.grant',
        subject: `budget/${grantAsked.budgetId}`,
        reason: grantAsked.reason,
        before: null,
        after: {
          grantedCredits: formatAmount(outcome.grantedCredits),
          endsAt: formatInstant(outcome.endsAt),
        },
        at: grantAsked.at,
      });
    return outcome;
  });
}

async function teamBudget(
  control: ControlVersion,
  team: TeamDocument,
  context: ApiContext,
): Promise<z.infer<typeof teamBudgetSchema>> {
  const budget = monthlyBudgetOrProblem(control.document, team);
  const [json] = await toBudgetsJson([budget], context);
  return {
    controlVersion: control.version,
    team: team.id,
    budget: must(json, 'one budget gives one'),
  };
}

/** The document with another limit; a team without a monthly budget gets a hard one in UTC. */
function withMonthlyLimit(
  document: ControlDocument,
  team: TeamDocument,
  limitCredits: string,
): ControlDocument {
  const current = monthlyBudget(document, team);
  if (current === undefined)
    return {
      ...document,
      budgets: [
        ...document.budgets,
        {
          id: `${team.id}-monthly`,
          node: team.id,
          limitCredits,
          hard: true,
          period: { kind: 'month', timeZone: 'UTC' },
          counts: 'direct',
        },
      ],
    };
  return {
    ...document,
    budgets: document.budgets.map((budget) =>
      budget.id === current.id ? { ...budget, limitCredits } : budget,
    ),
  };
}
