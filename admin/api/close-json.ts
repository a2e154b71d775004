/** A month on its way to being closed, as the API tells it: how far it is, what it comes to, and what stands in the way. */
import { z } from 'zod';
import {
  type BilledMonth,
  type Booking,
  MONTH_STATES,
  type MonthState,
  type ReconciledItem,
} from '#billing/bills/billed-month.js';
import { type ClosingProblem, PROBLEM_KINDS } from '#billing/close/closing-problems.js';
import { CLOSE_STEPS, type CloseStep, type CloseVersion } from '#billing/close/read-close.js';
import { type ConversionJson, conversionToJson } from '#billing/bills/bill-json.js';
import { convertedTotals } from '#billing/bills/convert-bills.js';
import { formatInstant } from '#base/time.js';
import { type Amount, formatAmount } from '#base/units.js';
import {
  type ConvertedTotalJson,
  conversionSchema,
  convertedTotalsJson,
  convertedTotalsSchema,
} from './conversion-json.js';

const amount = z.string().nullable();

export interface StepJson {
  readonly step: CloseStep;
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
}

export interface CloseJson {
  readonly month: string;
  readonly state: MonthState;
  readonly version: number;
  readonly currency: string;
  readonly asOf: string;
  readonly closedAt: string | null;
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly convertedTotals: readonly ConvertedTotalJson[];
  readonly roundingTeam: string;
  readonly merkleRoot: string;
  readonly approvalsNeeded: number;
  readonly approvals: readonly { readonly by: string; readonly at: string }[];
  readonly reconciliation: {
    readonly meteredCredits: string;
    readonly allocatedCredits: string;
    readonly differenceCredits: string;
    readonly computedAmount: string;
    readonly invoicedAmount: string | null;
    readonly differenceAmount: string | null;
    readonly open: readonly ReconciledItem[];
    readonly openCount: number;
    readonly signedOff: {
      readonly by: string;
      readonly at: string;
      readonly reason: string;
    } | null;
  };
  readonly problems: readonly ClosingProblem[];
  readonly stepsOpen: readonly CloseStep[];
  readonly bills: readonly (Booking & {
    readonly team: string;
    readonly teamName: string;
    readonly totalCredits: string;
    readonly totalAmount: string;
    readonly conversion: ConversionJson | null;
    readonly lines: number;
    readonly hash: string;
    readonly budgetAmount: string | null;
    readonly previousAmount: string | null;
    readonly forecastAmount: string | null;
  })[];
  readonly steps: readonly StepJson[];
}

export const stepsSchema: z.ZodType<readonly StepJson[]> = z.array(
  z.object({
    step: z.enum(CLOSE_STEPS),
    by: z.string(),
    at: z.string(),
    reason: z.string().nullable(),
  }),
);

export const closeSchema: z.ZodType<CloseJson> = z.object({
  month: z.string(),
  state: z.enum(MONTH_STATES),
  version: z.int().describe('0: nothing of it is frozen'),
  currency: z.string(),
  asOf: z.string(),
  closedAt: z.string().nullable(),
  totalCredits: z.string(),
  totalAmount: z.string().describe('Of all bills, in the currency of the invoice'),
  convertedTotals: convertedTotalsSchema,
  roundingTeam: z
    .string()
    .describe('Bears what rounding leaves: organisation.closing.roundingTeam, else the first team'),
  merkleRoot: z.string(),
  approvalsNeeded: z.int(),
  approvals: z.array(z.object({ by: z.string(), at: z.string() })),
  reconciliation: z.object({
    meteredCredits: z.string(),
    allocatedCredits: z.string(),
    differenceCredits: z.string(),
    computedAmount: z.string().describe('Before rounding'),
    invoicedAmount: amount.describe('null: the money of the month is not imported, or still comes'),
    differenceAmount: amount,
    open: z
      .array(
        z.object({
          what: z.enum(['credits', 'money', 'invoice']),
          subject: z.string(),
          ours: z.string(),
          theirs: z.string(),
          difference: z.string(),
          cause: z.string().nullable(),
        }),
      )
      .describe('What does not agree, worst first; somebody signs it off, or the month waits'),
    openCount: z.int(),
    signedOff: z.object({ by: z.string(), at: z.string(), reason: z.string() }).nullable(),
  }),
  problems: z
    .array(
      z.object({
        what: z.enum(PROBLEM_KINDS),
        subject: z.string(),
        why: z.string(),
        wayOut: z.string(),
      }),
    )
    .describe('What keeps an open month from being frozen'),
  stepsOpen: z
    .array(z.enum(CLOSE_STEPS))
    .describe('What whoever asks may do with it now; steps of others are not among them'),
  bills: z.array(
    z.object({
      team: z.string(),
      teamName: z.string(),
      legalEntity: z.string(),
      costCentre: z.string(),
      glAccount: z.string(),
      mode: z.enum(['showback', 'chargeback']),
      totalCredits: z.string(),
      totalAmount: z.string().describe('In the currency of the invoice'),
      conversion: conversionSchema,
      lines: z.int(),
      hash: z.string(),
      budgetAmount: amount.describe('The limit of the month in money; null: it had none'),
      previousAmount: amount.describe('The month before; null: it has no data'),
      forecastAmount: amount.describe('Of the whole month; only while it is open'),
    }),
  ),
  steps: stepsSchema,
});

/** What is listed of differences; the rest is in the files of the month. */
const OPEN_MAX = 200;

/** `version` undefined: nothing of the month is frozen. */
export function closeJson(
  month: BilledMonth,
  version: CloseVersion | undefined,
  more: Pick<CloseJson, 'problems' | 'approvalsNeeded' | 'stepsOpen'>,
): CloseJson {
  return {
    month: month.month,
    state: month.state,
    version: month.version,
    currency: month.currency,
    asOf: month.asOf,
    closedAt: month.closedAt,
    totalCredits: formatAmount(month.totalCredits),
    totalAmount: formatAmount(month.totalAmount),
    convertedTotals: convertedTotalsJson(convertedTotals(month.bills)),
    roundingTeam: month.roundingTeamId,
    merkleRoot: month.merkleRoot,
    approvalsNeeded: more.approvalsNeeded,
    approvals: month.approvals.map(({ by, at }) => ({ by, at })),
    reconciliation: reconciliationJson(month.reconciliation),
    problems: more.problems.map((each) => ({ ...each })),
    stepsOpen: more.stepsOpen,
    bills: month.bills.map((bill) => ({
      team: bill.teamId,
      teamName: bill.teamName,
      ...bill.booking,
      totalCredits: formatAmount(bill.totalCredits),
      totalAmount: formatAmount(bill.totalAmount),
      conversion: bill.conversion === null ? null : conversionToJson(bill.conversion),
      lines: bill.lines.length,
      hash: bill.hash,
      budgetAmount: textOf(bill.comparison.budgetMoney),
      previousAmount: textOf(bill.comparison.previousMoney),
      forecastAmount: textOf(bill.comparison.forecastMoney),
    })),
    steps: stepsJson(version),
  };
}

/** The steps that were taken of a version, the first one first; none of an open month. */
export function stepsJson(version: CloseVersion | undefined): CloseJson['steps'] {
  return (version?.steps ?? []).map(({ step, by, at, reason }) => ({
    step,
    by,
    at: formatInstant(at),
    reason,
  }));
}

function reconciliationJson(of: BilledMonth['reconciliation']): CloseJson['reconciliation'] {
  return {
    meteredCredits: formatAmount(of.meteredCredits),
    allocatedCredits: formatAmount(of.allocatedCredits),
    differenceCredits: formatAmount(of.differenceCredits),
    computedAmount: formatAmount(of.computedMoney),
    invoicedAmount: textOf(of.invoicedMoney),
    differenceAmount: textOf(of.differenceMoney),
    open: of.open.slice(0, OPEN_MAX).map((item) => ({ ...item })),
    openCount: of.open.length,
    signedOff: of.signedOff === null ? null : { ...of.signedOff },
  };
}

function textOf(value: Amount | null): string | null {
  return value === null ? null : formatAmount(value);
}
