/**
 * Who bears what nobody ran in a warehouse-hour. This is a step of its own after the allocation, with a name and a version
 * of its own: lines stay as they are, and shares beside them say which teams bear them.
 */
import { createHash } from 'node:crypto';
import type { EpochMs } from '#base/time.js';

/** Changes whenever the same lines and the same rule would come out otherwise. */
export const IDLE_POLICY_VERSION = 1;

export type IdlePolicy = 'causer' | 'tailOwner' | 'proRata' | 'budgetShare' | 'owner' | 'platform';

/** What holds for a warehouse from an instant on, until the next rule of it. */
export interface IdleRule {
  readonly from: EpochMs;
  /** Id of what says so. */
  readonly entry: string;
  /** What it is called by; the parts may differ from it. */
  readonly policy: IdlePolicy;
  readonly idle: IdlePolicy;
  readonly resumeMinute: IdlePolicy;
  readonly shortQuery: IdlePolicy;
  readonly ownerTeam: string | null;
  readonly platformTeam: string | null;
  /** Of teams with a budget, by team; the unit does not matter. */
  readonly budgets: readonly { readonly teamId: string; readonly weight: bigint }[];
}

/** The rules of a warehouse by its name, the earliest first; before the first, and without any, nothing is moved. */
export type IdleRulesOf = (warehouse: string) => readonly IdleRule[];

/** A rule as SQL reads it. */
export interface IdleRuleRow {
  readonly warehouse: string;
  readonly from_at: string;
  readonly to_at: string;
  readonly key: string;
  readonly entry: string | null;
  readonly policy: IdlePolicy | null;
  readonly idle: IdlePolicy | null;
  readonly resume_minute: IdlePolicy | null;
  readonly short_query: IdlePolicy | null;
  readonly owner_team: string | null;
  readonly platform_team: string | null;
}

const NOTHING = {
  key: 'none',
  entry: null,
  policy: null,
  idle: null,
  resume_minute: null,
  short_query: null,
  owner_team: null,
  platform_team: null,
} as const;

/** The rules of a warehouse as rows that cover all time, each once. */
export function idleRuleRows(
  warehouse: string,
  rules: readonly IdleRule[],
): readonly IdleRuleRow[] {
  const starts = rules.map(({ from }) => new Date(from).toISOString());
  return [
    { warehouse, from_at: '-infinity', to_at: starts[0] ?? 'infinity', ...NOTHING },
    ...rules.map((rule, index) => ({
      warehouse,
      from_at: starts[index] ?? '',
      to_at: starts[index + 1] ?? 'infinity',
      key: keyOf(rule),
      entry: rule.entry,
      policy: rule.policy,
      idle: rule.idle,
      resume_minute: rule.resumeMinute,
      short_query: rule.shortQuery,
      owner_team: rule.ownerTeam,
      platform_team: rule.platformTeam,
    })),
  ];
}

/** The same for rules by which the same lines are shared in the same way. */
function keyOf(rule: IdleRule): string {
  const { entry, policy, idle, resumeMinute, shortQuery, ownerTeam, platformTeam } = rule;
  const budgets = usesBudgets(rule)
    ? rule.budgets.map(({ teamId, weight }) => `${teamId} ${weight}`)
    : [];
  const all = [
    IDLE_POLICY_VERSION,
    entry,
    policy,
    idle,
    resumeMinute,
    shortQuery,
    ownerTeam,
    platformTeam,
    budgets,
  ];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 32);
}

function usesBudgets({ idle, resumeMinute, shortQuery }: IdleRule): boolean {
  return [idle, resumeMinute, shortQuery].includes('budgetShare');
}
