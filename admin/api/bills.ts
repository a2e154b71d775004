import { z } from 'zod';
import { billToCsv, billToJson, readBill } from '#billing/bill.js';
import { tryParseMonth } from '#base/time.js';
import { badField, notFound } from '../problems.js';
import { type ApiApp, type ApiContext, controlOf, teamOf } from './api.js';

const FORMATS = ['json', 'csv'] as const;

const billParams = z.object({
  team: z.string().max(100),
  month: z.string().max(20).describe('YYYY-MM'),
  format: z.string().max(20).describe(FORMATS.join(' or ')),
});

/** `GET /bills/{team}/{month}.{format}`: the provisional bill while the month is open. */
export function addBillRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/bills/:team/:month.:format',
    {
      config: {
        access: ['platform', 'finance', 'team-lead'],
        media: ['application/json', 'text/csv'],
      },
      schema: { summary: 'The bill of a team for a month', params: billParams },
    },
    async (request, reply) => {
      const { team: teamId, month } = request.params;
      const format = FORMATS.find((each) => each === request.params.format);
      const control = await controlOf(context.db);
      const team = teamOf(control.document, teamId, request.actor);
      if (tryParseMonth(month) === undefined)
        throw badField(
          'month',
          'must be a month of 2000 to 2999',
          'write it as YYYY-MM, such as 2026-11',
        );
      if (format === undefined)
        throw notFound(
          `A bill is not offered as "${request.params.format}".`,
          `ask for ${FORMATS.join(' or ')}`,
          'format',
        );
      const { currency } = control.document.organisation;
      const bill = await readBill(context.db, { teamId: team.id, month, currency });
      switch (format) {
        case 'json':
          return reply.send(billToJson(bill));
        case 'csv':
          return reply
            .header('content-type', 'text/csv; charset=utf-8')
            .header('content-disposition', `attachment; filename="${team.id}-${month}.csv"`)
            .send(billToCsv(bill));
      }
    },
  );
}
