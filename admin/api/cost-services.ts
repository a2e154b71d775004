/** What services cost beside the compute of warehouses. */
import { z } from 'zod';
import { SERVICE_DIMENSIONS, readServices } from '#billing/attribution/services/read-services.js';
import type { ServiceDimension } from '#billing/attribution/services/read-services.js';
import { type ApiApp, type ApiContext, controlOf, teamOf } from './api.js';
import { periodFields, periodOf } from './cost-period.js';

const ROWS_MAX = 10_000;

const unit = z.enum(['credits', 'bytes']);

const reply = z.object({
  firstDay: z.string(),
  lastDay: z.string(),
  by: z.string(),
  team: z.string().nullable(),
  rows: z.array(
    z.object({
      service: z.string(),
      kind: z.string(),
      key: z.string().nullable().describe('null: of nobody'),
      unit,
      amount: z.string().describe('Credits, or byte-days'),
    }),
  ),
  rowsLeftOut: z.int(),
  totalCredits: z.string(),
  reconciliation: z
    .object({
      billedCredits: z.string(),
      allocatedCredits: z.string(),
      days: z.int(),
      staleDays: z.int(),
      variances: z
        .array(
          z.object({
            day: z.string(),
            service: z.string(),
            part: z.string(),
            entity: z.string().nullable(),
            unit,
            amount: z.string(),
          }),
        )
        .describe('Where two figures of Snowflake differ'),
    })
    .nullable()
    .describe('Of the whole account; null for who sees one team only'),
});

/** `GET /costs/services`. */
export function addCostServiceRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/costs/services',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'Cloud services, acceleration, serverless, storage and transfer, by team and more',
        querystring: z.strictObject({
          ...periodFields,
          by: z
            .enum(SERVICE_DIMENSIONS as [ServiceDimension, ...ServiceDimension[]])
            .default('team')
            .describe('What each service is told by'),
          team: z.string().max(100).optional().describe('Only what this team bears'),
          rows: z.coerce.number().int().min(1).max(ROWS_MAX).default(1000).describe('Rows at most'),
        }),
        response: { 200: reply },
      },
    },
    async (request) => {
      const { by, team: asked, rows } = request.query;
      const { document } = await controlOf(context.db);
      const teamId = asked ?? request.actor.teamId;
      const team = teamId === null ? null : teamOf(document, teamId, request.actor);
      const { startsAt, endsAt } = periodOf(request.query, context.clock.now(), 'day');
      const firstDay = new Date(startsAt).toISOString().slice(0, 10);
      const lastDay = new Date(endsAt - 1).toISOString().slice(0, 10);
      const question = { firstDay, lastDay, by, teamId: team?.id ?? null, rowsMax: rows };
      const { reconciliation, ...read } = await readServices(context.db, question);
      const told = reconciliation && {
        ...reconciliation,
        variances: [...reconciliation.variances],
      };
      return {
        firstDay,
        lastDay,
        by,
        team: team?.id ?? null,
        ...read,
        rows: [...read.rows],
        reconciliation: told,
      };
    },
  );
}
