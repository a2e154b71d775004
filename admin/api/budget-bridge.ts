/** From what a team's budgets have spent to what it is billed, and to its bill, line by line. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import { formatInstant, tryParseMonth } from '#base/time.js';
import { formatAmount } from '#base/units.js';
import { statusOf } from '#billing/bills/charge-words.js';
import { readBill } from '#billing/bills/read-billed-month.js';
import { type BillBridge, monthOfPeriod, readBillBridge } from '#billing/true-up/bill-bridge.js';
import { type BudgetBridge, readBridges } from '#billing/true-up/bridge.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { API_ROLES } from '../actor.js';
import {
  type ApiApp,
  type ApiContext,
  controlOf,
  instantSchema,
  teamOf,
  teamParams,
} from './api.js';
import { monthTerms } from './month-terms.js';

/** Lines in their order; those up to `spent` sum to it, `spent` and those behind it to `teamBilled`. */
const LINES = [
  'direct',
  'metered',
  'loading',
  'billed',
  'spent',
  'withoutLoading',
  'bypass',
  'idleShare',
  'cloudServices',
  'adjustment',
  'services',
  'unexplained',
  'difference',
  'teamBilled',
] as const;

/** Lines behind `teamBilled`, which with it sum to the bill. */
const BILL_LINES = ['otherHours', 'notMetered', 'foundLater', 'earlierMonths', 'bill'] as const;

const lineSchema = z.object({ line: z.string(), credits: z.string() });

const reply = z.object({
  team: z.string(),
  budgets: z.array(
    z.object({
      id: z.string(),
      counts: z.string(),
      periodStartsAt: z.string(),
      periodEndsAt: z.string(),
      lines: z
        .array(lineSchema)
        .describe('direct to billed sum to spent; spent and all that follow sum to teamBilled'),
      staleHours: z.int().describe('Hours of the period that are not allocated yet'),
      bill: z
        .object({
          month: z.string(),
          status: z.string(),
          version: z.int(),
          lines: z.array(lineSchema).describe('teamBilled and all before bill sum to bill'),
        })
        .nullable()
        .describe(
          "The team's bill, of budgets of a month; null: none is of the period, or an analyst asks",
        ),
    }),
  ),
});

/** `GET /budgets/{team}/bridge`. */
export function addBridgeRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/budgets/:team/bridge',
    {
      config: { access: API_ROLES },
      schema: {
        summary: "From what a team's budgets have spent to what the team is billed",
        params: teamParams,
        querystring: z.strictObject({
          at: instantSchema.optional().describe('An instant of the period; absent: now'),
        }),
        response: { 200: reply },
      },
    },
    async (request) => {
      const { document } = await controlOf(context.db);
      const team = teamOf(document, request.params.team, request.actor);
      const { at } = request.query;
      const instant =
        at === undefined
          ? context.clock.now()
          : must(tryParseInstant(at), 'the schema has read it');
      const counts = new Map(document.budgets.map((budget) => [budget.id, budget.counts]));
      const bridges = await readBridges(context.db, team.id, instant);
      // Who reads no bill reads nothing of one here.
      const isBlind = request.actor.role === 'analyst';
      const bills = isBlind ? [] : await billBridges(context, team.id, bridges);
      return {
        team: team.id,
        budgets: bridges.map((bridge, index) => ({
          id: bridge.budgetId,
          counts: counts.get(bridge.budgetId) ?? 'direct',
          periodStartsAt: formatInstant(bridge.period.startsAt),
          periodEndsAt: formatInstant(bridge.period.endsAt),
          lines: LINES.map((line) => ({ line, credits: creditsOf(bridge, line) })),
          staleHours: bridge.staleHours,
          bill: billJson(bills[index]),
        })),
      };
    },
  );
}

function creditsOf(bridge: BudgetBridge, line: (typeof LINES)[number]): string {
  return formatAmount(bridge[`${line}Credits`]);
}

/** To the bill of each, undefined where no bill is of its period; a month is read once, however many budgets it has. */
async function billBridges(
  context: ApiContext,
  teamId: string,
  bridges: readonly BudgetBridge[],
): Promise<readonly (BillBridge | undefined)[]> {
  const bills = new Map<string, ReturnType<typeof readBill>>();
  const billOfMonth = (month: string): ReturnType<typeof readBill> => {
    const known = bills.get(month) ?? readTeamBill(context, teamId, month);
    bills.set(month, known);
    return known;
  };
  return Promise.all(
    bridges.map(async (bridge) => {
      const month = monthOfPeriod(bridge.period);
      const billed = month === undefined ? undefined : await billOfMonth(month);
      return billed === undefined ? undefined : readBillBridge(context.db, bridge, billed);
    }),
  );
}

async function readTeamBill(
  context: ApiContext,
  teamId: string,
  month: string,
): ReturnType<typeof readBill> {
  const period = must(tryParseMonth(month), 'a period is of a month');
  return readBill(context.db, month, teamId, await monthTerms(context, period));
}

function billJson(
  bridge: BillBridge | undefined,
): z.infer<typeof reply>['budgets'][number]['bill'] {
  if (bridge === undefined) return null;
  const { month, state, version } = bridge;
  return {
    month,
    status: statusOf(state),
    version,
    lines: BILL_LINES.map((line) => ({ line, credits: formatAmount(bridge[`${line}Credits`]) })),
  };
}
