/** What the verbs of the control document read of the API's answers; the API may say more. */
import { z } from 'zod';

export interface ChangeView {
  readonly part: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly text: string;
  readonly deltaCredits: string | null;
  readonly deltaAmount: string | null;
}

export interface VersionView {
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}

/** Sum of the teams' monthly budgets. */
export interface MoneyView {
  readonly currency: string;
  readonly creditsBefore: string;
  readonly creditsAfter: string;
  readonly amountBefore: string | null;
  readonly amountAfter: string | null;
}

export interface PlanView {
  readonly isChanged: boolean;
  readonly inForce: VersionView;
  readonly changes: readonly ChangeView[];
  readonly changesTotal: number;
  readonly teamsMonthly: MoneyView;
  readonly lastDays: readonly string[];
  readonly notices: readonly { readonly about: string; readonly text: string }[];
}

const version = z.object({
  version: z.number(),
  author: z.string(),
  reason: z.string(),
  createdAt: z.string(),
});

export const planReply: z.ZodType<PlanView> = z.object({
  isChanged: z.boolean(),
  inForce: version,
  changes: z.array(
    z.object({
      part: z.string(),
      change: z.enum(['added', 'removed', 'changed']),
      text: z.string(),
      deltaCredits: z.string().nullable(),
      deltaAmount: z.string().nullable(),
    }),
  ),
  changesTotal: z.number(),
  teamsMonthly: z.object({
    currency: z.string(),
    creditsBefore: z.string(),
    creditsAfter: z.string(),
    amountBefore: z.string().nullable(),
    amountAfter: z.string().nullable(),
  }),
  lastDays: z.array(z.string()),
  notices: z.array(z.object({ about: z.string(), text: z.string() })),
});

export interface AppliedView {
  readonly controlVersion: number;
  readonly isChanged: boolean;
  readonly changes: readonly string[];
  readonly changesTotal: number;
}

export const appliedReply: z.ZodType<AppliedView> = z.object({
  controlVersion: z.number(),
  isChanged: z.boolean(),
  changes: z.array(z.string()),
  changesTotal: z.number(),
});

/** The list of the API whose rows {@link versionView} reads. */
export const VERSIONS = '/api/v1/control/versions';

export const versionView: z.ZodType<VersionView> = version;

export const storedReply: z.ZodType<VersionView & { readonly document: unknown }> = version.extend({
  document: z.unknown(),
});
