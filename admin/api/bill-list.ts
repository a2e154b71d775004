import { z } from 'zod';
import { conversionToJson } from '#billing/bills/bill-json.js';
import { MONTH_STATES } from '#billing/bills/billed-month.js';
import { type FrozenBill, listFrozenBills } from '#billing/close/frozen-bills.js';
import { formatInstant } from '#base/time.js';
import { type Money, formatAmount } from '#base/units.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { type ApiApp, type ApiContext, controlOf, teamOf } from './api.js';
import { conversionSchema } from './conversion-json.js';

const billSchema = z.object({
  month: z.string(),
  version: z.int(),
  state: z.enum(MONTH_STATES),
  closedAt: z.string().nullable(),
  team: z.string(),
  teamName: z.string(),
  currency: z.string(),
  totalCredits: z.string(),
  totalAmount: z.string().describe('In the currency of the invoice'),
  conversion: conversionSchema,
  budgetAmount: z.string().nullable(),
  previousAmount: z.string().nullable(),
});

/** `GET /bills`: what was billed, month by month, for who has no right to the months as a whole too. */
export function addBillListRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/bills',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary:
          'Bills of frozen and closed months, the newest first; a lead gets those of the own team',
        querystring: z.strictObject({
          ...pageFields,
          team: z.string().max(100).optional().describe('Absent: every team that one may see'),
        }),
        response: { 200: z.object({ bills: z.array(billSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query, actor }) => {
      const key = keyOfCursor('bills', query.cursor, z.tuple([z.string(), z.string()]));
      const { document } = await controlOf(context.db);
      const teamId =
        query.team === undefined ? actor.teamId : teamOf(document, query.team, actor).id;
      const found = await listFrozenBills(context.db, {
        teamId,
        after: key === undefined ? null : { month: key[0], teamId: key[1] },
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('bills', found, query.limit, (bill) => [
        bill.month,
        bill.teamId,
      ]);
      return { bills: rows.map(billJson), nextCursor };
    },
  );
}

function billJson(bill: FrozenBill): z.infer<typeof billSchema> {
  const orNull = (money: Money | null): string | null =>
    money === null ? null : formatAmount(money);
  return {
    month: bill.month,
    version: bill.version,
    state: bill.state,
    closedAt: bill.closedAt === null ? null : formatInstant(bill.closedAt),
    team: bill.teamId,
    teamName: bill.teamName,
    currency: bill.currency,
    totalCredits: formatAmount(bill.totalCredits),
    totalAmount: formatAmount(bill.totalAmount),
    conversion: bill.conversion === null ? null : conversionToJson(bill.conversion),
    budgetAmount: orNull(bill.budgetMoney),
    previousAmount: orNull(bill.previousMoney),
  };
}
