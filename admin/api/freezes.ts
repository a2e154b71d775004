/** Freezing a team, a principal, a warehouse, a tier or everything: nothing new is admitted until it is thawed. */
import { z } from 'zod';
import {
  type Freeze,
  FREEZES_MAX,
  FREEZE_SCOPES,
  freeze,
  freezesInForce,
  type Frozen,
  thaw,
} from '#billing/freezes.js';
import { UNTIL_FORMS } from '#billing/until.js';
import { formatInstant } from '#base/time.js';
import type { ControlDocument } from '#policies/control/document.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';
import { timeToCome } from './request-json.js';

const freezeSchema = z.object({
  id: z.string(),
  scope: z.enum(FREEZE_SCOPES),
  target: z.string().nullable().describe('null: everything'),
  frozenBy: z.string(),
  reason: z.string(),
  frozenAt: z.string(),
  until: z.string().nullable().describe('null: until it is thawed'),
});

const freezeBody = z.strictObject({
  scope: z.enum(FREEZE_SCOPES).describe('What is frozen'),
  target: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Id of the team, principal or tier, name of the warehouse; none for everything'),
  until: z.string().min(1).max(40).optional().describe(`When it ends by itself: ${UNTIL_FORMS}`),
  reason: reasonSchema,
});

/** `GET` and `POST /freezes`, `POST /freezes/{id}/thaw`. */
export function addFreezeRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/freezes',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'What is frozen now, by id',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ freezes: z.array(freezeSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query }) => {
      const { limit, cursor } = query;
      const after = keyOfCursor('freezes', cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const from = BigInt(after?.[0] ?? '0');
      const found = await freezesInForce(context.db, context.clock.now());
      const rest = found.filter(({ id }) => BigInt(id) > from).slice(0, limit + 1);
      const { rows, nextCursor } = pageOf('freezes', rest, limit, ({ id }) => [id]);
      return { freezes: rows.map(toJson), nextCursor };
    },
  );
  addFreeze(app, context);
  addThaw(app, context);
}

function addFreeze(app: ApiApp, context: ApiContext): void {
  app.post(
    '/freezes',
    {
      config: {
        access: ['platform'],
        example: { scope: 'team', target: 'sales', until: '4h', reason: 'a loop nobody owns' },
      },
      schema: {
        summary:
          'Freeze: nothing new is admitted and what waits is refused, on every replica within a second; what runs goes on',
        body: freezeBody,
        response: { 201: z.object({ freeze: freezeSchema }) },
      },
    },
    async ({ body, actor }, reply) => {
      const { document } = await controlOf(context.db);
      const at = context.clock.now();
      const named = targetOf(document, body.scope, body.target);
      const { reason } = body;
      const until = body.until === undefined ? null : timeToCome(body.until, 'UTC', at);
      const made = await context.db.transaction(async (tx) => {
        const asked = { ...named, frozenBy: actor.id, reason, frozenAt: at, until };
        const frozen = await freeze(tx, asked);
        if (frozen !== undefined)
          await appendAudit(tx, {
            actor,
            action: 'freeze.begin',
            subject: subjectOf(frozen),
            reason,
            before: null,
            after: toJson(frozen),
            at,
          });
        return frozen;
      });
      if (made === undefined) throw frozenAlready();
      return reply.code(201).send({ freeze: toJson(made) });
    },
  );
}

function addThaw(app: ApiApp, context: ApiContext): void {
  app.post(
    '/freezes/:id/thaw',
    {
      config: { access: ['platform'], example: { reason: 'the loop has ended' } },
      schema: {
        summary: 'End a freeze now',
        params: z.object({ id: z.string().max(100) }),
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: z.object({ freeze: freezeSchema }) },
      },
    },
    async ({ params, body, actor }) => {
      const { id } = params;
      const at = context.clock.now();
      const { reason } = body;
      const thawed = /^\d{1,18}$/.test(id)
        ? await context.db.transaction(async (tx) => {
            const ended = await thaw(tx, { id, author: actor.id, at });
            if (ended !== undefined)
              await appendAudit(tx, {
                actor,
                action: 'freeze.end',
                subject: subjectOf(ended),
                reason,
                before: toJson(ended),
                after: null,
                at,
              });
            return ended;
          })
        : undefined;
      if (thawed === undefined)
        throw notFound(
          `There is no freeze "${id.slice(0, 80)}" that lasts.`,
          'GET /api/v1/freezes lists them',
          'id',
        );
      return { freeze: toJson(thawed) };
    },
  );
}

/** A name that nothing has would freeze nothing, and nobody would know. */
function targetOf(
  document: ControlDocument,
  scope: Frozen['scope'],
  target: string | undefined,
): Frozen {
  if (scope === 'everything') {
    if (target !== undefined)
      throw badField('target', 'means nothing if scope is everything', 'leave it out');
    return { scope, target: '' };
  }
  if (target === undefined)
    throw badField('target', `must name the ${scope}`, 'send its id or its name');
  const lists = {
    team: document.teams.map(({ id }) => id),
    principal: document.principals.map(({ id }) => id),
    warehouse: document.warehouses.map(({ name }) => name.toUpperCase()),
    tier: document.tiers.map(({ id }) => id),
  };
  const wanted = scope === 'warehouse' ? target.toUpperCase() : target;
  if (!lists[scope].includes(wanted))
    throw notFound(
      `There is no ${scope} "${target.slice(0, 80)}".`,
      'GET /api/v1/control has the names',
      'target',
    );
  return { scope, target: wanted };
}

function frozenAlready(): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `It is frozen already, or ${FREEZES_MAX} freezes last.`,
    errors: [
      {
        field: 'target',
        rule: 'must not be frozen already',
        wayOut: 'thaw the freeze that lasts first; GET /api/v1/freezes lists them',
      },
    ],
  });
}

function subjectOf({ scope, target }: Freeze): string {
  return target === '' ? `freeze/${scope}` : `freeze/${scope}/${target}`;
}

function toJson(freeze: Freeze): z.infer<typeof freezeSchema> {
  const { id, scope, target, frozenBy, reason, until } = freeze;
  return {
    id,
    scope,
    target: target === '' ? null : target,
    frozenBy,
    reason,
    frozenAt: formatInstant(freeze.frozenAt),
    until: until === null ? null : formatInstant(until),
  };
}
