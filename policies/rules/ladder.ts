/**
 * Ladders: what becomes of statements before their budget is used up, or in place of a refusal. A rung that a budget has
 * reached is a rule like any other: warn, slower tier, smaller warehouse, off-peak, approve, refuse; of all that fire the
 * strictest decides.
 */
import {
  compareAmounts,
  type Credits,
  minAmount,
  NO_CREDITS,
  parseCredits,
  subtractCredits,
} from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { BudgetDocument, RuleDocument } from '../control/document.js';
import type { OffPeakDocument, RungDocument } from '../control/ladder-documents.js';
import type { Tier } from '../control/snapshot.js';
import type { Estimate } from '../estimate/estimate.js';
import { offPeakFrom } from '../off-peak.js';
import type { Reason, RefusalCause } from './decision.js';

/** How the budgets of a statement's path stand, as far as ladders ask. */
export interface LadderStandings {
  /** Percent of the limit that is spent or held, by budget; absent: not known, and no rung is reached. */
  readonly usedPercent: ReadonlyMap<string, number>;
  /** The least that a hard budget of the path has left; null: none is limited. */
  readonly leastLeft: Credits | null;
}

/** What ladders take of one budget. */
export interface UsedBudget {
  readonly budgetId: string;
  readonly isHard: boolean;
  /** null: unlimited, and no rung is reached. */
  readonly limitCredits: Credits | null;
  readonly availableCredits: Credits | null;
}

/** What ladders take of the standings of a path. */
export function ladderStandings(standings: readonly UsedBudget[]): LadderStandings {
  const usedPercent = new Map<string, number>();
  let leastLeft: Credits | null = null;
  for (const { budgetId, limitCredits, availableCredits, isHard } of standings) {
    if (limitCredits === null || availableCredits === null) continue;
    if (isHard)
      leastLeft = leastLeft === null ? availableCredits : minAmount(leastLeft, availableCredits);
    usedPercent.set(
      budgetId,
      percentOf(subtractCredits(limitCredits, availableCredits), limitCredits),
    );
  }
  return { usedPercent, leastLeft };
}

/** Whole percent, cut; of a limit of nothing, more than any rung asks for. */
function percentOf(used: Credits, limit: Credits): number {
  if (limit <= NO_CREDITS) return 1_000_000;
  const percent = (used * 100n) / limit;
  return Number(percent > 1_000_000n ? 1_000_000n : percent);
}

/** A rule that has fired, with the words for it. */
export interface FiredRung {
  readonly rule: RuleDocument;
  readonly mode: 'warn' | 'enforce';
  readonly reason: Reason;
}

/** Steps that a statement which waits for the off-peak hours does not climb. */
const PASSED_BY_WAITING: ReadonlySet<RungDocument['step']> = new Set([
  'slower-tier',
  'smaller-warehouse',
]);

/** The rungs that the budgets of a path have reached for a statement, as rules. */
export function reachedRungs(
  budgets: readonly BudgetDocument[],
  estimate: Estimate,
  standings: LadderStandings | undefined,
  isOffPeak: boolean,
): readonly FiredRung[] {
  if (standings === undefined || estimate.basis === 'FREE') return [];
  return budgets.flatMap((budget) => {
    const used = standings.usedPercent.get(budget.id);
    if (used === undefined) return [];
    return (budget.ladder ?? [])
      .filter((rung) => used >= rung.atPercent && isAbove(rung, estimate))
      .filter(({ step }) => !isOffPeak || !PASSED_BY_WAITING.has(step))
      .map((rung) => fired(budget, rung, used));
  });
}

function isAbove({ aboveCredits }: RungDocument, { highCredits }: Estimate): boolean {
  return aboveCredits === undefined || compareAmounts(highCredits, parseCredits(aboveCredits)) > 0;
}

function fired(budget: BudgetDocument, rung: RungDocument, used: number): FiredRung {
  const id = `ladder:${budget.id}`;
  const message = `${budget.id} has used ${used} % of its limit`;
  const fields = { id, when: 'true', message, mode: 'enforce' } as const;
  return {
    rule: ruleOf(fields, rung),
    mode: rung.step === 'warn' ? 'warn' : 'enforce',
    reason: { source: id, message },
  };
}

function ruleOf(
  fields: Pick<RuleDocument, 'id' | 'when' | 'message' | 'mode'>,
  { step, tier = '', waitSeconds = 0 }: RungDocument,
): RuleDocument {
  switch (step) {
    case 'slower-tier':
      return { ...fields, effect: 'queue', tier };
    case 'smaller-warehouse':
      return { ...fields, effect: 'reroute', tier };
    case 'approve':
      return { ...fields, effect: 'approve', waitSeconds };
    case 'off-peak':
      return { ...fields, effect: 'off-peak' };
    case 'warn':
    case 'refuse':
      return { ...fields, effect: 'refuse' };
  }
}

/** What keeps a statement that rules let run in the off-peak hours only; undefined: it may, or waits for them. */
export function keptToOffPeak(
  enforced: readonly { readonly rule: RuleDocument; readonly reason: Reason }[],
  estimate: Estimate,
  context: {
    readonly tier: Pick<Tier, 'id' | 'offPeak' | 'ceilingCredits'>;
    readonly at: EpochMs;
    readonly isOffPeak?: boolean;
    readonly standings?: LadderStandings;
  },
): { readonly cause: RefusalCause; readonly reasons: readonly Reason[] } | undefined {
  const kept = enforced.filter(({ rule }) => rule.effect === 'off-peak');
  const [first] = kept;
  const hours = context.tier.offPeak;
  if (first === undefined) return undefined;
  const opensAt = hours === null ? null : offPeakFrom(hours, context.at);
  if (opensAt !== null && (context.isOffPeak === true || opensAt <= context.at)) return undefined;
  return {
    cause: causeOf(first, hours, opensAt, hasRoom(estimate, context)),
    reasons: kept.map(({ reason }) => reason),
  };
}

function causeOf(
  { rule, reason }: { readonly rule: RuleDocument; readonly reason: Reason },
  hours: OffPeakDocument | null,
  opensAt: EpochMs | null,
  isOffered: boolean,
): RefusalCause {
  const common = {
    ruleId: rule.id,
    message: reason.message,
    ...('approvable' in rule && rule.approvable === false ? { isApprovable: false } : {}),
  };
  return hours === null || opensAt === null
    ? { kind: 'rule', ...common }
    : { kind: 'off-peak', ...common, opensAt, timeZone: hours.timeZone, isOffered };
}

/** Whether the hold of a statement that waits for the off-peak hours, which is taken at once, would be refused by no budget. */
function hasRoom(
  { highCredits }: Estimate,
  {
    tier,
    standings,
  }: {
    readonly tier: Pick<Tier, 'ceilingCredits'>;
    readonly standings?: LadderStandings;
  },
): boolean {
  const left = standings?.leastLeft ?? null;
  return left === null || compareAmounts(minAmount(highCredits, tier.ceilingCredits), left) <= 0;
}
