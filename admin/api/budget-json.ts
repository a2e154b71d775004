/** A budget as the API tells it: its terms, how it stands, and what is forecast of it. */
import { z } from 'zod';
import type { BudgetStanding } from '#billing/ledger.js';
import { readPeriodDetails, type PeriodDetails } from '#billing/read-forecasts.js';
import { formatInstant } from '#base/time.js';
import { compareAmounts, formatAmount, NO_CREDITS } from '#base/units.js';
import {
  type BudgetDocument,
  FORECAST_THRESHOLDS,
  USE_THRESHOLDS,
} from '#policies/control/document.js';
import type { ApiContext } from './api.js';

const forecastSchema = z.object({
  forecastAt: z.string(),
  lowCredits: z.string(),
  expectedCredits: z.string().describe('Spent at the end of the period'),
  highCredits: z.string(),
  exhaustedAt: z.string().nullable().describe('When nothing is left; null: not in this period'),
});

interface ForecastJson {
  readonly forecastAt: string;
  readonly lowCredits: string;
  readonly expectedCredits: string;
  readonly highCredits: string;
  readonly exhaustedAt: string | null;
}

/** What of `spentCredits` is not what statements were settled with. */
interface TrueUpJson {
  readonly meteredCredits: string;
  readonly loadingCredits: string;
  readonly billedCredits: string;
}

export interface StandingJson {
  readonly periodStartsAt: string;
  readonly periodEndsAt: string;
  readonly limitCredits: string | null;
  readonly grantedCredits: string;
  readonly carriedCredits: string;
  readonly spentCredits: string;
  readonly trueUp: TrueUpJson;
  readonly heldCredits: string;
  readonly availableCredits: string | null;
  readonly isPassed: boolean;
  readonly passedPercent: number | null;
  readonly forecast: ForecastJson | null;
}

export interface BudgetJson {
  readonly id: string;
  readonly node: string;
  readonly limitCredits: string;
  readonly isHard: boolean;
  readonly counts: string;
  readonly period: { readonly kind: string; readonly timeZone: string };
  readonly tier: string | null;
  readonly workload: string | null;
  readonly client: string | null;
  readonly carryOver: { readonly percent: number; readonly maxCredits: string | null } | null;
  readonly carryDebt: boolean;
  readonly thresholds: readonly number[];
  readonly forecastThresholds: readonly number[];
  readonly standing: StandingJson | null;
}

export const budgetSchema: z.ZodType<BudgetJson> = z.object({
  id: z.string(),
  node: z.string(),
  limitCredits: z.string().describe('Decimal, or "unlimited"'),
  isHard: z.boolean(),
  counts: z.string(),
  period: z.object({ kind: z.string(), timeZone: z.string() }),
  tier: z.string().nullable(),
  workload: z.string().nullable(),
  client: z.string().nullable(),
  carryOver: z
    .object({ percent: z.int(), maxCredits: z.string().nullable() })
    .nullable()
    .describe('What is left goes into the next period; null: nothing does'),
  carryDebt: z.boolean(),
  thresholds: z.array(z.int()).describe('Percent of the limit spent that are told'),
  forecastThresholds: z.array(z.int()),
  standing: z
    .object({
      periodStartsAt: z.string(),
      periodEndsAt: z.string(),
      limitCredits: z
        .string()
        .nullable()
        .describe('With grants and what was carried; null: unlimited'),
      grantedCredits: z.string().describe('Granted and transferred; negative: given away'),
      carriedCredits: z.string().describe('From the period before; negative: a debt'),
      spentCredits: z.string(),
      trueUp: z
        .object({
          meteredCredits: z.string().describe('What metering made of statements'),
          loadingCredits: z
            .string()
            .describe('Loading of their warehouses; of budgets that count billed'),
          billedCredits: z.string().describe('What was missing to the bill when the period ended'),
        })
        .describe('Part of spentCredits'),
      heldCredits: z.string(),
      availableCredits: z.string().nullable().describe('Negative while in debt'),
      isPassed: z.boolean().describe('More is spent than the limit'),
      passedPercent: z.int().nullable().describe('The highest threshold that was told'),
      forecast: forecastSchema.nullable().describe('null: none was made yet'),
    })
    .nullable()
    .describe('null: its own days do not contain this instant'),
});
/** The budgets with their standing now, in their order. Faults `ledgerUnavailable`, `controlStale`. */
export async function toBudgetsJson(
  budgets: readonly BudgetDocument[],
  { db, ledger, clock }: Pick<ApiContext, 'db' | 'ledger' | 'clock'>,
): Promise<BudgetJson[]> {
  const ids = budgets.map((budget) => budget.id);
  const at = clock.now();
  const standings = await ledger.standing(ids, at);
  const details = await readPeriodDetails(db, ids, at);
  const byId = new Map(standings.map((standing) => [standing.budgetId, standing]));
  return budgets.map((budget) => ({
    id: budget.id,
    node: budget.node,
    limitCredits: budget.limitCredits,
    isHard: budget.hard,
    counts: budget.counts,
    period: { kind: budget.period.kind, timeZone: budget.period.timeZone },
    tier: budget.tier ?? null,
    workload: budget.workload ?? null,
    client: budget.client ?? null,
    carryOver:
      budget.carryOver === undefined
        ? null
        : {
            percent: budget.carryOver.percent,
            maxCredits: budget.carryOver.maxCredits ?? null,
          },
    carryDebt: budget.carryDebt ?? false,
    thresholds: budget.thresholds ?? USE_THRESHOLDS,
    forecastThresholds: budget.forecastThresholds ?? FORECAST_THRESHOLDS,
    standing: toStandingJson(byId.get(budget.id), details.get(budget.id)),
  }));
}

function toStandingJson(
  standing: BudgetStanding | undefined,
  detail: PeriodDetails | undefined,
): StandingJson | null {
  if (standing === undefined) return null;
  const { limitCredits, spentCredits, availableCredits } = standing;
  return {
    periodStartsAt: formatInstant(standing.periodStartsAt),
    periodEndsAt: formatInstant(standing.periodEndsAt),
    limitCredits: limitCredits === null ? null : formatAmount(limitCredits),
    grantedCredits: formatAmount(detail?.grantedCredits ?? NO_CREDITS),
    carriedCredits: formatAmount(detail?.carriedCredits ?? NO_CREDITS),
    spentCredits: formatAmount(spentCredits),
    trueUp: {
      meteredCredits: formatAmount(detail?.meteredCredits ?? NO_CREDITS),
      loadingCredits: formatAmount(detail?.loadingCredits ?? NO_CREDITS),
      billedCredits: formatAmount(detail?.billedCredits ?? NO_CREDITS),
    },
    heldCredits: formatAmount(standing.heldCredits),
    availableCredits: availableCredits === null ? null : formatAmount(availableCredits),
    isPassed: limitCredits !== null && compareAmounts(spentCredits, limitCredits) > 0,
    passedPercent: detail?.passedPercent ?? null,
    forecast: toForecastJson(detail?.forecast ?? null),
  };
}

function toForecastJson(forecast: PeriodDetails['forecast']): ForecastJson | null {
  if (forecast === null) return null;
  const { exhaustedAt } = forecast;
  return {
    forecastAt: formatInstant(forecast.forecastAt),
    lowCredits: formatAmount(forecast.lowCredits),
    expectedCredits: formatAmount(forecast.expectedCredits),
    highCredits: formatAmount(forecast.highCredits),
    exhaustedAt: exhaustedAt === null ? null : formatInstant(exhaustedAt),
  };
}
