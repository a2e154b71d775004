import { z } from 'zod';
import { BILL_FORMS, type BillForm } from '#billing/bills/bill-files.js';
import { type BilledMonth, type MonthHead, billOf } from '#billing/bills/billed-month.js';
import { must } from '#base/assert.js';
import { formatInstant, tryParseMonth } from '#base/time.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { conflict, notFound, type ProblemError } from '../problems.js';
import { type ApiApp, type ApiContext, controlOf, instantSchema, payerOf } from './api.js';
import { monthAsked, notBegun } from './asked-month.js';
import type { BillsApi } from './bills-api.js';
import { sendDigested } from './file-proof.js';

const FORMS = Object.keys(BILL_FORMS) as readonly BillForm[];

/** Of what is asked for of a month: how it stood at an instant. */
export const asOfSchema: z.ZodOptional<z.ZodString> = instantSchema
  .optional()
  .describe('Of a closed month: as it stood then, to the byte; absent: the version in force');

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
  asOf: asOfSchema,
});

/**
 * `GET /bills/{team}/{month}.{format}`: the same bill in every form. Of an open month it is what would be billed now, and
 * says that it is provisional; from the freeze on it is what was frozen.
 */
export function addBillRoutes(app: ApiApp, context: ApiContext, bills: BillsApi): void {
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
      monthAsked(month);
      const form = FORMS.find((each) => each === request.params.format);
      if (form === undefined)
        throw notFound(
          `A bill is not offered as "${request.params.format}".`,
          `ask for ${FORMS.join(', ')}`,
          'format',
        );
      const { asOf, bom } = request.query;
      const found =
        asOf === undefined
          ? await bills.readBill(month, payer)
          : billOf(await monthAsOf(bills, month, asOf), payer);
      const { month: billed, bill } = found ?? refuseNoBill(month, payer);
      if (bill.lines.length === 0) refuseNotBegun(billed);
      const options = { hasByteOrderMark: bom === 'true' };
      const file = await bills.renderer.bill(billed, bill, form, options);
      if (file === undefined) throw tooMany();
      reply
        .header('content-type', BILL_FORMS[form])
        .header('content-disposition', `attachment; filename="${file.name}"`);
      return sendDigested(reply, Buffer.from(file.bytes));
    },
  );
}

/**
 * The month as it stands, or as it stood at an instant.
 * @throws ProblemError 404 where it was not closed then.
 */
export async function monthAsOf(
  { readMonth, readMonthAsOf }: BillsApi,
  month: string,
  asOf: string | undefined,
): Promise<BilledMonth> {
  if (asOf === undefined) return readMonth(month);
  const at = must(tryParseInstant(asOf), 'the schema has checked it');
  const found = await readMonthAsOf(month, at);
  if (found === undefined)
    throw notFound(
      `${month} was not closed at ${formatInstant(at)}.`,
      'GET /api/v1/closes lists the versions, and when each was closed',
      'asOf',
    );
  return found;
}

/** @throws ProblemError 404: the month has no bill of the team. */
function refuseNoBill(month: string, teamId: string): never {
  throw notFound(
    `${month} has no bill of team "${teamId}".`,
    'ask for a month in which the team existed',
    'month',
  );
}

/**
 * Of a month that has no lines.
 * @throws ProblemError 404: it begins later than its figures are of.
 */
export function refuseNotBegun({ month, state, asOf }: MonthHead): void {
  const period = must(tryParseMonth(month), 'a month that was read');
  if (state === 'open' && formatInstant(period.startsAt) > asOf)
    throw notBegun(month, period.startsAt);
}

/** 409: as many bills are being made, or wait, as there may be. */
export function tooMany(): ProblemError {
  return conflict(
    'Many bills are being made already.',
    'month',
    'waits for others to be made',
    'ask again in a minute',
  );
}
