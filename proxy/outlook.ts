/**
 * What would become of a priced statement that is not run: guards, rules, the budgets' standing, the tier's queue, in
 * the order in which the path asks them, with the words a driver would show.
 */
import { compareAmounts, type Credits } from '#base/units.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { teamLane } from '#policies/lanes/lane.js';
import { ceilingFor, creditsToHold } from '#policies/rules/ceiling.js';
import type { Decision } from '#policies/rules/decision.js';
import { ladderStandings } from '#policies/rules/ladder.js';
import {
  approvalRefusal,
  budgetRefusal,
  queueRefusal,
  type Refusal,
  type RefusalContext,
} from '#policies/rules/refusal-text.js';
import { laneMember } from './admit.js';
import { decisionNow, laneOf, refusalOfDecision } from './decide.js';
import { movedBy } from './move.js';
import { guardOutlook, type GuardOutlook } from './guard-outlook.js';
import type { Parts } from './parts.js';
import { refusalContext, standingText } from './refuse.js';
import type { Estimated } from './stages.js';
import type { Outlook } from './surface/explain-input.js';

/** The outlook by the budgets' `standings`; nothing is held, queued or counted. */
export async function outlookOf(
  parts: Parts,
  asked: Estimated,
  standings: readonly BudgetStanding[],
): Promise<Outlook> {
  const statement = { ...asked, standings: ladderStandings(standings) };
  const decision = decisionNow(parts, statement);
  const moved = movedBy(parts, statement, decision);
  // What is told of it is what it would meet where it runs, with why it runs there.
  if (moved !== null) return { ...(await outlookOf(parts, moved, standings)), decision };
  const binding = bindingBudget(standings);
  const { ceilingCredits, source } = ceilingFor(
    decision.ceilingCredits,
    standings.filter(({ isHard }) => isHard),
  );
  const holdCredits = creditsToHold(statement, decision.ceilingCredits);
  const lane = laneOf(statement, decision);
  const { queueTimeoutMs } = teamLane(lane, statement.team.id);
  const queue = statement.isFree
    ? null
    : { ...(await parts.gate.outlook(lane, laneMember(statement, lane))), queueTimeoutMs };
  const guards = guardOutlook(parts, statement);
  const known = { decision, holdCredits, queue };
  return {
    ...known,
    notes: guards.notes,
    ceilingCredits,
    ceilingSource: source,
    bindingBudgetId: binding?.budgetId ?? null,
    refusal: refusalLine(parts, statement, { binding, path: standings }, known, guards),
  };
}

/** The hard budget with the least left, which refuses first. */
export function bindingBudget(standings: readonly BudgetStanding[]): BudgetStanding | undefined {
  let least: { readonly standing: BudgetStanding; readonly left: Credits } | undefined;
  for (const standing of standings) {
    const left = standing.availableCredits;
    if (!standing.isHard || left === null) continue;
    if (least === undefined || compareAmounts(left, least.left) < 0) least = { standing, left };
  }
  return least?.standing;
}

/** First line of the refusal that the statement would meet first; null where it would run. */
function refusalLine(
  parts: Parts,
  statement: Estimated,
  {
    binding,
    path,
  }: {
    readonly binding: BudgetStanding | undefined;
    readonly path: readonly BudgetStanding[];
  },
  { decision, holdCredits, queue }: Pick<Outlook, 'decision' | 'holdCredits' | 'queue'>,
  guards: GuardOutlook,
): string | null {
  const context = refusalContext(parts, statement);
  const ruled = refusalOfDecision(decision, statement.snapshot, context);
  const guarded = guards.storm ?? ruled ?? guards.pace;
  if (guarded !== null) return firstLine(guarded);
  const unpaid = budgetRefusalOf({ binding, path, holdCredits }, statement, context);
  if (unpaid !== null) return firstLine(unpaid);
  if (decision.kind === 'approve')
    return approvalLine(decision, firstLine(approvalRefusal(decision.cause, context)));
  if (queue === null || queue.waiting < queue.queueMax || queue.expectedWaitMs === 0) return null;
  const { waiting, queueMax } = queue;
  return firstLine(queueRefusal({ kind: 'full', waiting, queueMax }, context));
}

/** What a budget that has less left than the hold says; null: every hard one of the path has enough. */
export function budgetRefusalOf(
  {
    binding,
    path,
    holdCredits,
  }: {
    readonly binding: BudgetStanding | undefined;
    readonly path: readonly BudgetStanding[];
    readonly holdCredits: Credits;
  },
  statement: Pick<Estimated, 'snapshot' | 'team'>,
  context: RefusalContext,
): Refusal | null {
  const left = binding?.availableCredits ?? null;
  if (binding === undefined || left === null || compareAmounts(left, holdCredits) >= 0) return null;
  return budgetRefusal(
    standingText(binding, statement),
    { holdCredits, path: path.map((standing) => standingText(standing, statement)) },
    context,
  );
}

function approvalLine(
  { waitSeconds }: Extract<Decision, { kind: 'approve' }>,
  refused: string,
): string {
  return waitSeconds === 0
    ? refused
    : `waits up to ${waitSeconds} s for somebody's word, then: ${refused}`;
}

/** What every driver shows of a refusal. */
function firstLine({ message }: { readonly message: string }): string {
  return message.split('\n', 1)[0] ?? '';
}
