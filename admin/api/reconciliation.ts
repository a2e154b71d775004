/** A month of an account against what Snowflake says: what agrees, and every difference with its cause. */
import { z } from 'zod';
import { MONEY_CAUSES } from '#billing/reconcile-money.js';
import { readReconciliation } from '#billing/read-reconciliation.js';
import type { MoneyDifference, Reconciliation } from '#billing/read-reconciliation.js';
import { formatInstant } from '#base/time.js';
import { type Amount, sumMoney, formatAmount } from '#base/units.js';
import { type ApiApp, type ApiContext, controlOf, pricesOf } from './api.js';
import { monthAsked, mustHaveBegun } from './asked-month.js';
import { accountAsked } from './usage-imports.js';

const params = z.object({ month: z.string().max(10) });
const querystring = z.strictObject({
  account: z.string().max(63).optional().describe('Id of an account; the only one may be left out'),
});
const DIFFERENCES_MAX = 1_000;
const amount = z.string().nullable();

const reply = z.object({
  account: z.string(),
  month: z.string(),
  isReconciled: z
    .boolean()
    .describe('Every hour and day of credits agrees, and no money has a cause'),
  warehouseHours: z.int(),
  creditDifferences: z.array(
    z.object({
      grain: z.enum(['hour', 'day']),
      startsAt: z.string(),
      warehouse: z.string().nullable(),
      warehouseId: z.string().nullable(),
      hourCredits: z.string().describe('WAREHOUSE_METERING_HISTORY'),
      otherCredits: z
        .string()
        .describe('METERING_HISTORY of the hour, METERING_DAILY_HISTORY of the day'),
    }),
  ),
  moneyDays: z.int().describe('Services × days that were compared'),
  computedAmount: z.string().describe('Credits × price in force, of those that agree or differ'),
  billedAmount: z.string().describe('USAGE_IN_CURRENCY_DAILY of the same'),
  moneyDifferences: z.array(
    z.object({
      day: z.string(),
      serviceType: z.string(),
      isAdjustment: z.boolean(),
      cause: z.enum(MONEY_CAUSES),
      credits: amount,
      pricePerCredit: amount,
      currency: z.string().nullable(),
      computedAmount: amount,
      billedAmount: amount,
      differenceAmount: amount,
      boundAmount: amount.describe('What the roundings of the views can make'),
    }),
  ),
  besideAmounts: z.array(
    z.object({ ratingType: z.string(), amount: z.string(), currency: z.string() }),
  ),
});

/** `GET /reconciliation/{month}`. */
export function addReconciliationRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/reconciliation/:month',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary:
          "A month's usage against Snowflake's own credits and money, every difference with its cause",
        params,
        querystring,
        response: { 200: reply },
      },
    },
    async (request) => {
      const now = context.clock.now();
      const month = monthAsked(request.params.month);
      mustHaveBegun(request.params.month, month, now);
      const account = await accountAsked(context, request.query.account);
      const { document } = await controlOf(context.db);
      const priceAt = await pricesOf(context.db, document);
      const found = await readReconciliation(context.db, {
        account,
        month,
        now,
        priceAt: (serviceType, at) => priceAt('compute', at, { account, serviceType }),
      });
      return { account, month: request.params.month, ...toJson(found) };
    },
  );
}

function toJson(found: Reconciliation): Omit<z.infer<typeof reply>, 'account' | 'month'> {
  const differing = found.days.filter(({ cause }) => cause !== null);
  const compared = found.days.filter(
    ({ computed, billed }) => computed !== null && billed !== null,
  );
  return {
    isReconciled: found.credits.length === 0 && differing.length === 0,
    warehouseHours: found.hours,
    creditDifferences: found.credits.map(({ grain, startsAt, warehouse, warehouseId, ...of }) => ({
      grain,
      startsAt: formatInstant(startsAt),
      warehouse,
      warehouseId,
      hourCredits: formatAmount(of.credits),
      otherCredits: formatAmount(of.otherCredits),
    })),
    moneyDays: found.days.length,
    computedAmount: formatAmount(sumMoney(compared.flatMap(({ computed }) => computed ?? []))),
    billedAmount: formatAmount(sumMoney(compared.flatMap(({ billed }) => billed?.money ?? []))),
    moneyDifferences: differing.slice(0, DIFFERENCES_MAX).flatMap(differenceJson),
    besideAmounts: found.beside.map(({ ratingType, money, currency }) => ({
      ratingType,
      currency,
      amount: formatAmount(money),
    })),
  };
}

function differenceJson(of: MoneyDifference): z.infer<typeof reply>['moneyDifferences'] {
  const { day, serviceType, isAdjustment, cause, credits, price, billed } = of;
  if (cause === null) return [];
  return [
    {
      day,
      serviceType,
      isAdjustment,
      cause,
      credits: textOf(credits),
      pricePerCredit: textOf(price?.pricePerCredit ?? null),
      currency: price?.currency ?? billed?.currency ?? null,
      computedAmount: textOf(of.computed),
      billedAmount: textOf(billed?.money ?? null),
      differenceAmount: textOf(of.difference),
      boundAmount: textOf(of.bound),
    },
  ];
}

function textOf(value: Amount | null): string | null {
  return value === null ? null : formatAmount(value);
}
