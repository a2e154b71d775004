/** From what a team's budgets have spent to what it is billed, line by line. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import { formatInstant } from '#base/time.js';
import { formatAmount } from '#base/units.js';
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

const reply = z.object({
  team: z.string(),
  budgets: z.array(
    z.object({
      id: z.string(),
      counts: z.string(),
      periodStartsAt: z.string(),
      periodEndsAt: z.string(),
      lines: z
        .array(z.object({ line: z.string(), credits: z.string() }))
        .describe('direct to billed sum to spent; spent and all that follow sum to teamBilled'),
      staleHours: z.int().describe('Hours of the period that are not allocated yet'),
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
      return {
        team: team.id,
        budgets: bridges.map((bridge) => ({
          id: bridge.budgetId,
          counts: counts.get(bridge.budgetId) ?? 'direct',
          periodStartsAt: formatInstant(bridge.period.startsAt),
          periodEndsAt: formatInstant(bridge.period.endsAt),
          lines: LINES.map((line) => ({ line, credits: creditsOf(bridge, line) })),
          staleHours: bridge.staleHours,
        })),
      };
    },
  );
}

function creditsOf(bridge: BudgetBridge, line: (typeof LINES)[number]): string {
  return formatAmount(bridge[`${line}Credits`]);
}
