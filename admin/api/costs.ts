/** What a period cost, by Snowflake's own metering, allocated to teams and statements. */
import { z } from 'zod';
import {
  COST_DIMENSIONS,
  readCostRows,
  readReconciliation,
} from '#billing/attribution/read-cost.js';
import type {
  Cost,
  CostDimension,
  CostRequest,
  CostRow,
  Reconciliation,
} from '#billing/attribution/read-cost.js';
import { BUCKETS } from '#billing/attribution/warehouse-hour.js';
import { formatAmount } from '#base/units.js';
import { type ApiApp, type ApiContext, controlOf, pricesOf, teamOf } from './api.js';
import { periodFields, periodOf } from './cost-period.js';

const ROWS_MAX = 10_000;

const query = z.strictObject({
  ...periodFields,
  by: z
    .enum(COST_DIMENSIONS as [CostDimension, ...CostDimension[]])
    .default('team')
    .describe('What the cost is told by'),
  team: z.string().max(100).optional().describe('Only what the statements of this team took'),
  rows: z.coerce
    .number()
    .int()
    .min(1)
    .max(ROWS_MAX)
    .default(1000)
    .describe('Rows at most; the rest is one row'),
});

const amounts = z.object(
  Object.fromEntries(BUCKETS.map((bucket) => [`${bucket}Credits`, z.string()])),
);

const reply = z.object({
  from: z.string(),
  to: z.string(),
  by: z.string(),
  team: z.string().nullable(),
  currency: z.string(),
  rows: z.array(
    z.object({
      key: z.string().nullable().describe('null: of nobody'),
      credits: z.string(),
      amount: z.string().nullable().describe('null: a day of it has no price'),
      statements: z.int(),
      buckets: amounts,
    }),
  ),
  totalCredits: z.string(),
  totalAmount: z.string().nullable(),
  reconciliation: z
    .object({
      meteredCredits: z.string(),
      allocatedCredits: z.string(),
      hours: z.int(),
      staleHours: z.int(),
      problems: z.array(z.string()),
      differences: z
        .array(
          z.object({
            warehouse: z.string(),
            startsAt: z.string(),
            meteredCredits: z.string(),
            allocatedCredits: z.string(),
          }),
        )
        .describe('Hours whose lines are not what was metered'),
    })
    .nullable()
    .describe('Of the whole account; null for who sees one team only'),
});

/** `GET /costs`. */
export function addCostRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/costs',
    {
      config: { access: ['platform', 'finance', 'team-lead'] },
      schema: {
        summary: 'What was metered in a period, by team, warehouse, workload, shape and more',
        querystring: query,
        response: { 200: reply },
      },
    },
    async (request) => {
      const { by, rows, team: asked } = request.query;
      const { document } = await controlOf(context.db);
      const seesAll = request.actor.role !== 'team-lead';
      const teamId = asked ?? request.actor.teamId;
      const team = teamId === null ? null : teamOf(document, teamId, request.actor);
      const period = periodOf(request.query, context.clock.now());
      const { currency } = document.organisation;
      const priceOf = await pricesOf(context.db, document);
      const costAsked: CostRequest = {
        period,
        by,
        teamId: team?.id ?? null,
        priceAt: (at) => {
          const price = priceOf('compute', at);
          return price?.currency === currency ? price.pricePerCredit : undefined;
        },
        rowsMax: rows,
      };
      const reconciliation = seesAll ? await readReconciliation(context.db, period) : null;
      return {
        from: new Date(period.startsAt).toISOString(),
        to: new Date(period.endsAt).toISOString(),
        by,
        team: team?.id ?? null,
        currency,
        ...costJson(await readCostRows(context.db, costAsked)),
        reconciliation: reconciliation === null ? null : reconciliationJson(reconciliation),
      };
    },
  );
}

function costJson(
  cost: Omit<Cost, 'reconciliation'>,
): Pick<z.infer<typeof reply>, 'rows' | 'totalCredits' | 'totalAmount'> {
  return {
    rows: cost.rows.map(rowJson),
    totalCredits: formatAmount(cost.totalCredits),
    totalAmount: cost.totalMoney === null ? null : formatAmount(cost.totalMoney),
  };
}

function rowJson(row: CostRow): z.infer<typeof reply>['rows'][number] {
  return {
    key: row.key,
    credits: formatAmount(row.credits),
    amount: row.money === null ? null : formatAmount(row.money),
    statements: row.statements,
    buckets: Object.fromEntries(
      BUCKETS.map((bucket) => [`${bucket}Credits`, formatAmount(row.byBucket[bucket])]),
    ),
  };
}

function reconciliationJson(of: Reconciliation): z.infer<typeof reply>['reconciliation'] {
  return {
    meteredCredits: formatAmount(of.meteredCredits),
    allocatedCredits: formatAmount(of.allocatedCredits),
    hours: of.hours,
    staleHours: of.staleHours,
    problems: [...of.problems],
    differences: of.differences.map((each) => ({
      warehouse: each.warehouse,
      startsAt: new Date(each.startsAt).toISOString(),
      meteredCredits: formatAmount(each.meteredCredits),
      allocatedCredits: formatAmount(each.allocatedCredits),
    })),
  };
}
