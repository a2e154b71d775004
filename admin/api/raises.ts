/** Raises: credits on top of any budget until a day, which of them last, and their end before their time. */
import { z } from 'zod';
import { grant, type Grant } from '#billing/control-writes.js';
import { listRaises, type Raise, revokeRaise } from '#billing/raises.js';
import { formatInstant } from '#base/time.js';
import { type Credits, formatAmount } from '#base/units.js';
import type { BudgetDocument, ControlDocument } from '#policies/control/document.js';
import type { PriceAt } from '#policies/prices/price-lookup.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, pricesOf, reasonSchema } from './api.js';
import { amountFields, creditsOf, moneyOf, untilOf, untilSchema } from './request-json.js';

const raiseSchema = z.object({
  id: z.string(),
  budgetId: z.string(),
  credits: z.string(),
  amount: z.string().nullable().describe('At the price in force now; null: there is none'),
  currency: z.string().nullable(),
  author: z.string(),
  reason: z.string(),
  grantedAt: z.string(),
  endsAt: z.string().describe('Its own end, or that of its period'),
});

const raiseBody = z.strictObject({
  budget: z.string().max(100).describe('Id of a budget, or of a team with a monthly one'),
  ...amountFields,
  until: untilSchema.optional(),
  reason: reasonSchema,
});

const raiseReply = z.object({
  budgetId: z.string(),
  credits: z.string(),
  amount: z.string().nullable(),
  currency: z.string().nullable(),
  endsAt: z.string().nullable().describe('null: a repeat, which changed nothing'),
  timeZone: z.string().describe("The budget's, in which days end"),
  isReplayed: z.boolean(),
});

const keyHeaders = z.object({
  'idempotency-key': z
    .string('must be sent, so that a repeated request raises once')
    .min(1, 'must not be empty')
    .max(200, 'must be at most 200 characters'),
});

/** `GET` and `POST /raises`, `POST /raises/{id}/revoke`. */
export function addRaiseRoutes(app: ApiApp, context: ApiContext): void {
  addList(app, context);
  addRaise(app, context);
  addRevoke(app, context);
}

function addList(app: ApiApp, context: ApiContext): void {
  app.get(
    '/raises',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Credits on top of budgets that last, by id; a lead sees those of the own team',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ raises: z.array(raiseSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query, actor }) => {
      const { document } = await controlOf(context.db);
      const at = context.clock.now();
      const after = keyOfCursor('raises', query.cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const found = await listRaises(context.db, {
        budgetIds: actor.teamId === null ? null : budgetsOf(document, actor.teamId),
        at,
        limit: query.limit + 1,
        afterId: after?.[0] ?? '0',
      });
      const { rows, nextCursor } = pageOf('raises', found, query.limit, ({ id }) => [id]);
      const priceAt = await pricesOf(context.db, document);
      return { raises: rows.map((raise) => toJson(raise, priceAt, at)), nextCursor };
    },
  );
}

/** Budgets of a team and of its principals. */
function budgetsOf(document: ControlDocument, teamId: string): readonly string[] {
  const nodes = new Set([teamId]);
  for (const { id, team } of document.principals) if (team === teamId) nodes.add(id);
  return document.budgets.filter(({ node }) => nodes.has(node)).map(({ id }) => id);
}

function addRaise(app: ApiApp, context: ApiContext): void {
  app.post(
    '/raises',
    {
      config: {
        access: ['platform'],
        example: { budget: 'sales', amount: '250', until: 'friday', reason: 'quarter end' },
      },
      schema: {
        summary: 'Add credits to the open period of a budget, once per Idempotency-Key',
        headers: keyHeaders,
        body: raiseBody,
        response: { 200: raiseReply, 201: raiseReply },
      },
    },
    async (request, reply) => {
      const { body, actor } = request;
      const { document } = await controlOf(context.db);
      const at = context.clock.now();
      const budget = budgetNamed(document, body.budget);
      const { timeZone } = budget.period;
      const priceAt = await pricesOf(context.db, document);
      const credits = creditsOf(body, priceAt, at);
      if (credits === null)
        throw badField('credits', 'must be sent, or amount', 'send credits or an amount of money');
      const outcome = await raiseAudited(context, actor, {
        budgetId: budget.id,
        credits,
        until: body.until === undefined ? null : untilOf(body.until, timeZone, at),
        idempotencyKey: `${budget.id}:${request.headers['idempotency-key']}`,
        author: actor.id,
        reason: body.reason,
        at,
      });
      const isReplayed = outcome.kind === 'replayed';
      return reply.code(isReplayed ? 200 : 201).send({
        budgetId: budget.id,
        credits: formatAmount(credits),
        ...moneyFields(credits, priceAt, at),
        endsAt: outcome.kind === 'granted' ? formatInstant(outcome.endsAt) : null,
        timeZone,
        isReplayed,
      });
    },
  );
}

/** A budget by its id, or the monthly one of a team, which counts everything of the team. */
function budgetNamed(document: ControlDocument, name: string): BudgetDocument {
  const budget =
    document.budgets.find(({ id }) => id === name) ??
    document.budgets.find(
      ({ node, period, tier, workload }) =>
        node === name && period.kind === 'month' && tier === undefined && workload === undefined,
    );
  if (budget === undefined)
    throw notFound(
      `There is no budget "${name.slice(0, 80)}", and no team of that name with a monthly budget.`,
      'GET /api/v1/budgets lists them',
      'budget',
    );
  return budget;
}

function raiseAudited(context: ApiContext, actor: Actor, asked: Grant): ReturnType<typeof grant> {
  return context.db.transaction(async (tx) => {
    const outcome = await grant(tx, asked);
    if (outcome.kind === 'granted')
      await appendAudit(tx, {
        actor,
        action: 'budget.grant',
        subject: `budget/${asked.budgetId}`,
        reason: asked.reason,
        before: null,
        after: {
          grantedCredits: formatAmount(outcome.grantedCredits),
          endsAt: formatInstant(outcome.endsAt),
        },
        at: asked.at,
      });
    return outcome;
  });
}

function addRevoke(app: ApiApp, context: ApiContext): void {
  app.post(
    '/raises/:id/revoke',
    {
      config: { access: ['platform'], example: { reason: 'granted to the wrong team' } },
      schema: {
        summary: 'Take a raise back now; what was spent of it stays spent',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: z.object({ raise: raiseSchema }) },
      },
    },
    async ({ params, body, actor }) => {
      const { document } = await controlOf(context.db);
      const at = context.clock.now();
      const { id } = params;
      const { reason } = body;
      const raise = /^\d{1,18}$/.test(id)
        ? await context.db.transaction(async (tx) => {
            const ended = await revokeRaise(tx, { id, author: actor.id, reason, at });
            if (ended !== undefined)
              await appendAudit(tx, {
                actor,
                action: 'budget.revoke-grant',
                subject: `budget/${ended.budgetId}`,
                reason,
                before: { grantedCredits: formatAmount(ended.credits) },
                after: null,
                at,
              });
            return ended;
          })
        : undefined;
      if (raise === undefined)
        throw notFound(
          `There is no raise "${id.slice(0, 80)}" that lasts.`,
          'GET /api/v1/raises lists them',
          'id',
        );
      const priceAt = await pricesOf(context.db, document);
      return { raise: toJson(raise, priceAt, at) };
    },
  );
}

function moneyFields(
  credits: Credits,
  priceAt: PriceAt,
  at: number,
): { readonly amount: string | null; readonly currency: string | null } {
  return moneyOf(credits, priceAt, at) ?? { amount: null, currency: null };
}

function toJson(raise: Raise, priceAt: PriceAt, at: number): z.infer<typeof raiseSchema> {
  const { id, budgetId, author, reason, grantedAt, endsAt } = raise;
  return {
    id,
    budgetId,
    credits: formatAmount(raise.credits),
    ...moneyFields(raise.credits, priceAt, at),
    author,
    reason,
    grantedAt: formatInstant(grantedAt),
    endsAt: formatInstant(endsAt),
  };
}
