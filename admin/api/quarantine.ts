/** Settlements that cannot be true: what is put aside, and an administrator's word on what is charged. */
import { z } from 'zod';
import { tryParseTicketId } from '#base/ids.js';
import { formatInstant } from '#base/time.js';
import { formatAmount, parseCredits } from '#base/units.js';
import { decidedQuarantine, openQuarantine, type Quarantined } from '#billing/quarantine.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound, ProblemError } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, creditsSchema, reasonSchema } from './api.js';

const quarantinedSchema = z.object({
  ticketId: z.string(),
  team: z.string(),
  reason: z.string().describe('What cannot be true of it'),
  snowflakeQueryId: z.string().nullable(),
  usedCredits: z.string().describe('As it was told'),
  holdCredits: z.string().describe('Held until it is settled'),
  quarantinedAt: z.string(),
});

/** `GET /quarantine`, `POST /quarantine/{ticket}/settle`. */
export function addQuarantineRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/quarantine',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'Settlements that cannot be true and that nothing has settled since, by ticket',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ quarantined: z.array(quarantinedSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query }) => {
      const after = keyOfCursor('quarantine', query.cursor, z.tuple([z.uuid()]));
      const found = await openQuarantine(context.db, {
        after: after?.[0] ?? null,
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('quarantine', found, query.limit, ({ ticketId }) => [
        ticketId,
      ]);
      return { quarantined: rows.map(toJson), nextCursor };
    },
  );
  addSettle(app, context);
}

function addSettle(app: ApiApp, context: ApiContext): void {
  app.post(
    '/quarantine/:ticket/settle',
    {
      config: {
        access: ['platform'],
        example: { credits: '0.25', reason: 'by the query history of the account' },
      },
      schema: {
        summary: 'Charge a statement whose settlement cannot be true what it really used',
        params: z.object({ ticket: z.string().max(100) }),
        body: z.strictObject({
          credits: creditsSchema.describe('What it used'),
          reason: reasonSchema,
        }),
        response: { 200: z.object({ ticketId: z.string(), chargedCredits: z.string() }) },
      },
    },
    async ({ params, body, actor }) => {
      const found = await quarantinedOf(context, params.ticket);
      const at = context.clock.now();
      const credits = parseCredits(body.credits);
      const outcome = await context.ledger.settle({
        ticketId: found.ticketId,
        ending: 'succeeded',
        endCode: null,
        snowflakeQueryId: found.snowflakeQueryId,
        usedCredits: credits,
        warehouseMs: 0,
        bytesScanned: null,
        rowsProduced: null,
        startedAt: found.occurredAt,
        endedAt: at,
      });
      if (outcome.kind === 'conflict') throw settledMeanwhile();
      await context.db.transaction(async (tx) => {
        await decidedQuarantine(tx, found.ticketId, { author: actor.id, at });
        await appendAudit(tx, {
          actor,
          action: 'quarantine.settle',
          subject: `ticket/${found.ticketId}`,
          reason: body.reason,
          before: toJson(found),
          after: { chargedCredits: formatAmount(credits) },
          at,
        });
      });
      return { ticketId: found.ticketId, chargedCredits: formatAmount(credits) };
    },
  );
}

async function quarantinedOf({ db }: ApiContext, text: string): Promise<Quarantined> {
  const ticketId = tryParseTicketId(text);
  const all =
    ticketId === undefined ? [] : await openQuarantine(db, { after: null, limit: 10_000 });
  const found = all.find((each) => each.ticketId === ticketId);
  if (found === undefined)
    throw notFound(
      `There is no settlement of "${text.slice(0, 80)}" in quarantine.`,
      'GET /api/v1/quarantine lists them',
      'ticket',
    );
  return found;
}

function settledMeanwhile(): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: 'Evidence has settled this statement meanwhile.',
    errors: [
      {
        field: 'ticket',
        rule: 'must not be settled',
        wayOut: 'GET /api/v1/tickets/{id} tells what became of it',
      },
    ],
  });
}

function toJson(each: Quarantined): z.infer<typeof quarantinedSchema> {
  const { ticketId, teamId, reason, snowflakeQueryId, usedCredits } = each;
  return {
    ticketId,
    team: teamId,
    reason,
    snowflakeQueryId,
    usedCredits,
    holdCredits: formatAmount(each.holdCredits),
    quarantinedAt: formatInstant(each.quarantinedAt),
  };
}
