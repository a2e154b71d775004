import { z } from 'zod';
import { billToCsv as ledgerToCsv, billToJson as ledgerToJson, readBill } from '#billing/bill.js';
import { BILL_FORMS, type BillForm, isDrawn } from '#billing/bills/bill-files.js';
import { type BilledMonth, type TeamBill, UNALLOCATED } from '#billing/bills/billed-month.js';
import { must } from '#base/assert.js';
import { tryParseMonth } from '#base/time.js';
import { badField, conflict, notFound, type ProblemError } from '../problems.js';
import { type ApiApp, type ApiContext, controlOf, payerOf } from './api.js';
import type { BillsApi } from './bills-api.js';

const FORMS = Object.keys(BILL_FORMS) as readonly BillForm[];

const billParams = z.object({
  team: z.string().max(100),
  month: z.string().max(20).describe('YYYY-MM'),
  format: z.string().max(20).describe(FORMS.join(', ')),
});

const billQuery = z.strictObject({
  bom: z
    .enum(['true', 'false'])
    .optional()
    .describe('Of CSV: begins with a byte order mark, for spreadsheets that need one'),
});

/**
 * `GET /bills/{team}/{month}.{format}`. JSON and CSV of an open month are its charges to the last decimal, as the ledger
 * has them; PDF and XLSX are what would be billed, as all forms are from the freeze on.
 */
export function addBillRoutes(
  app: ApiApp,
  context: ApiContext & { readonly bills?: BillsApi },
): void {
  app.get(
    '/bills/:team/:month.:format',
    {
      config: {
        access: ['platform', 'finance', 'team-lead'],
        media: FORMS.map((form) => must(BILL_FORMS[form].split(';')[0], 'a media type')),
      },
      schema: {
        summary: 'The bill of a team for a month',
        params: billParams,
        querystring: billQuery,
      },
    },
    async (request, reply) => {
      const { team: teamId, month } = request.params;
      const { document } = await controlOf(context.db);
      const payer = payerOf(document, teamId, request.actor);
      const period = monthAsked(month);
      const form = FORMS.find((each) => each === request.params.format);
      if (form === undefined || (isDrawn(form) && context.bills === undefined))
        throw notFound(
          `A bill is not offered as "${request.params.format}".`,
          `ask for ${FORMS.join(', ')}`,
          'format',
        );
      const sendAs = (name: string, content: string | Uint8Array): typeof reply =>
        reply
          .header('content-type', BILL_FORMS[form])
          .header('content-disposition', `attachment; filename="${name}"`)
          .send(content);
      const billed = await context.bills?.readMonth(period);
      const isOpen = billed === undefined || billed.state === 'open';
      // What is of nobody was charged to nobody: it is known from metering alone.
      if (isOpen && !isDrawn(form) && payer !== UNALLOCATED) {
        const { currency } = document.organisation;
        const bill = await readBill(context.db, { teamId: payer, month, currency });
        if (form === 'json') return reply.send(ledgerToJson(bill));
        return sendAs(`${payer}-${month}.csv`, ledgerToCsv(bill));
      }
      if (context.bills === undefined || billed === undefined)
        throw notFound(`${month} has no bill of team "${payer}".`, 'ask for another team', 'team');
      const { renderer } = context.bills;
      const frozen = billed;
      const options = { hasByteOrderMark: request.query.bom === 'true' };
      const file = await renderer.bill(frozen, billOf(frozen, payer), form, options);
      if (file === undefined) throw tooMany();
      return sendAs(file.name, Buffer.from(file.bytes));
    },
  );
}

/** @throws ProblemError 400 for what is not a month. */
export function monthAsked(month: string): string {
  if (tryParseMonth(month) === undefined)
    throw badField(
      'month',
      'must be a month of 2000 to 2999',
      'write it as YYYY-MM, such as 2026-11',
    );
  return month;
}

/** @throws ProblemError 404 where the month has no bill of the team. */
export function billOf({ bills, month }: BilledMonth, teamId: string): TeamBill {
  const bill = bills.find((each) => each.teamId === teamId);
  if (bill === undefined)
    throw notFound(
      `${month} has no bill of team "${teamId}".`,
      'ask for a month in which the team existed',
      'month',
    );
  return bill;
}

export function tooMany(): ProblemError {
  return conflict(
    'Many bills are being made already.',
    'month',
    'waits for others to be made',
    'ask again in a minute',
  );
}
