/** A month for other programs: FOCUS Cost and Usage, and the general journal. */
import { z } from 'zod';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { focusCsv } from '#billing/bills/focus/export.js';
import {
  FOCUS_DATASETS,
  billingPeriodCsv,
  invoiceDetailCsv,
} from '#billing/bills/focus/datasets.js';
import {
  FOCUS_VERSIONS,
  type FocusVersion,
  NEWEST_FOCUS_VERSION,
} from '#billing/bills/focus/versions.js';
import { JOURNAL_LAYOUTS, generalJournalCsv } from '#billing/bills/general-journal/layouts.js';
import { isPosted } from '#billing/bills/general-journal/postings.js';
import { readBilledLines, readMonthVersion } from '#billing/bills/read-billed-month.js';
import type { Actor } from '../actor.js';
import { inTurns } from '../in-turns.js';
import { badField, notFound } from '../problems.js';
import { type ApiApp, type ApiContext, controlOf, payerOf } from './api.js';
import { monthAsked } from './asked-month.js';
import { refuseNotBegun } from './bills.js';
import { sendDigested, sendDigestedAfter, withControlTotals } from './file-proof.js';
import { monthTerms } from './month-terms.js';

const params = z.object({ month: z.string().max(20).describe('YYYY-MM') });

const billVersion = z.coerce
  .number('must be the number of a version')
  .int('must be the number of a version')
  .min(1, 'must be the number of a version')
  .max(10_000)
  .optional()
  .describe('A version of a closed month; absent: the one in force');

const focusQuery = z.strictObject({
  version: z
    .enum(FOCUS_VERSIONS, `must be one of ${FOCUS_VERSIONS.join(', ')}`)
    .default(NEWEST_FOCUS_VERSION)
    .describe('Of the FOCUS specification'),
  dataset: z
    .enum(FOCUS_DATASETS, `must be one of ${FOCUS_DATASETS.join(', ')}`)
    .default('CostAndUsage')
    .describe('InvoiceDetail and BillingPeriod are of 1.4 and of every team'),
  team: z.string().max(100).optional().describe('Absent: every team that the caller may see'),
  billVersion,
});

const journalQuery = z.strictObject({
  layout: z
    .enum(JOURNAL_LAYOUTS, `must be one of ${JOURNAL_LAYOUTS.join(', ')}`)
    .default('netsuite'),
  reversal: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .describe('Takes back what a closed version posted'),
  billVersion,
});

const MEDIA = 'text/csv; charset=utf-8';

/** `GET /exports/{month}/focus.csv` and `/exports/{month}/journal.csv`. */
export function addFinanceExportRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/exports/:month/focus.csv',
    {
      config: { access: ['platform', 'finance', 'team-lead'], media: ['text/csv'] },
      schema: {
        summary: 'A month in the FOCUS format; a lead gets Cost and Usage of the own team',
        params,
        querystring: focusQuery,
      },
    },
    async (request, reply) => {
      const { version, team, dataset, billVersion: wanted } = request.query;
      const teamId = await teamWanted(context, team, request.actor);
      if (dataset !== 'CostAndUsage') checkDataset(version, teamId);
      const month = await monthOf(context, request.params.month, wanted);
      const bills = month.bills.filter((bill) => teamId === null || bill.teamId === teamId);
      withControlTotals(reply, bills, month.currency);
      if (dataset !== 'CostAndUsage') {
        const text =
          dataset === 'InvoiceDetail' ? invoiceDetailCsv(month) : billingPeriodCsv(month);
        const file = `all-${month.month}-focus-${dataset}-${version}.csv`;
        reply
          .header('content-type', MEDIA)
          .header('content-disposition', `attachment; filename="${file}"`);
        return sendDigested(reply, text);
      }
      const name = [teamId ?? 'all', month.month, 'focus', version].join('-');
      reply
        .header('content-type', MEDIA)
        .header('content-disposition', `attachment; filename="${name}.csv"`);
      return sendDigestedAfter(reply, inTurns(focusCsv(month, { version, teamId })));
    },
  );
  app.get(
    '/exports/:month/journal.csv',
    {
      config: { access: ['platform', 'finance'], media: ['text/csv'] },
      schema: {
        summary: 'A month as balanced journals for the books, one a legal entity',
        params,
        querystring: journalQuery,
      },
    },
    async (request, reply) => {
      const { layout, reversal, billVersion: wanted } = request.query;
      const month = await monthOf(context, request.params.month, wanted);
      const isReversal = reversal === 'true';
      if (isReversal && !isPosted(month))
        throw badField(
          'reversal',
          `takes back what was posted, and ${month.month} is ${month.state}`,
          'leave it out: an accrual reverses itself',
        );
      withControlTotals(reply, month.bills, month.currency)
        .header('content-type', MEDIA)
        .header('content-disposition', `attachment; filename="${month.month}-journal.csv"`);
      return sendDigested(reply, generalJournalCsv(month, { layout, isReversal }));
    },
  );
}

/** @throws a 400 for a dataset that the version or the caller has not. */
function checkDataset(version: FocusVersion, teamId: string | null): void {
  if (version !== NEWEST_FOCUS_VERSION)
    throw badField(
      'dataset',
      `came with ${NEWEST_FOCUS_VERSION}`,
      `ask for version=${NEWEST_FOCUS_VERSION}`,
    );
  if (teamId !== null)
    throw badField(
      'dataset',
      'is of every team: an invoice has no parts of teams',
      'leave team out, or ask for CostAndUsage',
    );
}

/** null: every team. */
async function teamWanted(
  context: ApiContext,
  team: string | undefined,
  actor: Actor,
): Promise<string | null> {
  if (team === undefined) return actor.teamId;
  return payerOf((await controlOf(context.db)).document, team, actor);
}

async function monthOf(
  context: ApiContext,
  text: string,
  version: number | undefined,
): Promise<BilledMonth> {
  const period = monthAsked(text);
  const month =
    version === undefined
      ? await readBilledLines(context.db, text, await monthTerms(context, period))
      : await readMonthVersion(context.db, text, version);
  if (month === undefined)
    throw notFound(
      `There is no version ${version ?? 0} of ${text}.`,
      'GET /api/v1/closes lists the versions',
      'billVersion',
    );
  if (month.bills.every(({ lines }) => lines.length === 0)) {
    refuseNotBegun(month);
    throw notFound(
      `Nothing was metered, charged or booked in ${text}.`,
      'ask for a month with use',
      'month',
    );
  }
  return month;
}
