/**
 * What would become of a priced statement that is not run: guards, rules, the budgets' standing, the tier's queue, in
 * the order in which the path asks them, with the words a driver would show.
 */
import { compareAmounts, type Credits } from '#base/units.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { type LaneLimits, teamLane } from '#policies/lanes/lane.js';
import { ceilingFor, creditsToHold } from '#policies/rules/ceiling.js';
import type { Decision } from '#policies/rules/decision.js';
import { ladderStandings } from '#policies/rules/ladder.js';
import {
  approvalRefusal,
  budgetRefusal,
  queueRefusal,
  type RefusalContext,
} from '#policies/rules/refusal-text.js';
import { laneMember } from './admit.js';
import { decisionNow, laneOf, refusalOfCourse } from './decide.js';
import { courseOn } from './move.js';
import { guardOutlook, type GuardOutlook } from './guard-outlook.js';
import type { Parts } from './parts.js';
import { refusalContext, standingText } from './refuse.js';
import { budgetsOfStatement } from './reserve.js';
import type { Estimated } from './stages.js';
import type { Outlook } from './surface/explain-input.js';
import type { Refusal } from './wire/refusal.js';

/** What would become of a statement, and where. */
export interface Foreseen {
  readonly outlook: Outlook;
  /** The statement as it would run: on its session's warehouse, or on the one that it is moved to. */
  readonly statement: Estimated;
  /** How the budgets stand that it would be held against. */
  readonly standings: readonly BudgetStanding[];
}

/** The outlook by the budgets as they stand; nothing is held, queued or counted. Fault `ledgerUnavailable`. */
export async function foresee(parts: Parts, asked: Estimated): Promise<Foreseen> {
  const standings = await standingsOf(parts, asked);
  const statement = { ...asked, standings: ladderStandings(standings) };
  const { decision, approved } = decisionNow(parts, statement);
  const guards = guardOutlook(parts, statement);
  const course = courseOn(parts, statement, approved, guards.freeze === null);
  // What is told of it is what it would meet where it runs, with why it runs there.
  if (course.kind === 'moved') {
    const there = await foresee(parts, course.there);
    const notes = [...switchNotes(course.there), ...there.outlook.notes];
    const told = there.outlook.decision.kind === 'allow' ? approved : there.outlook.decision;
    return { ...there, outlook: { ...there.outlook, decision: told, notes } };
  }
  const binding = bindingBudget(standings);
  const { ceilingCredits, source } = ceilingFor(
    decision.ceilingCredits,
    standings.filter(({ isHard }) => isHard),
  );
  const holdCredits = creditsToHold(statement, decision.ceilingCredits);
  const lane = laneOf(statement, approved);
  const queue = statement.isFree ? null : await queueOf(parts, statement, lane);
  const ruled =
    course.kind === 'runs'
      ? null
      : refusalOfCourse(course, statement.snapshot, refusalContext(parts, statement));
  const outlook: Outlook = {
    // Nobody's word helps where what comes after it refuses.
    decision: ruled === null ? decision : approved,
    holdCredits,
    queue,
    notes: guards.notes,
    ceilingCredits,
    ceilingSource: source,
    bindingBudgetId: binding?.budgetId ?? null,
    refusal: refusalLine(parts, statement, {
      guards,
      ruled,
      binding,
      path: standings,
      decision,
      holdCredits,
      queue,
    }),
  };
  return { outlook, statement, standings };
}

async function standingsOf(parts: Parts, asked: Estimated): Promise<readonly BudgetStanding[]> {
  if (asked.isFree) return [];
  const at = parts.clock.now();
  const path = budgetsOfStatement(asked, at);
  return await parts.ledger.standing(path, at);
}

async function queueOf(
  parts: Parts,
  statement: Estimated,
  lane: LaneLimits,
): Promise<NonNullable<Outlook['queue']>> {
  const { queueTimeoutMs } = teamLane(lane, statement.team.id);
  const found = await parts.gate.outlook(lane, laneMember(statement, lane));
  return { ...found, queueTimeoutMs, tier: lane.tier };
}

/** What the caller does not see of a move. */
function switchNotes({ placement, session }: Estimated): readonly string[] {
  const there = `${placement.warehouse ?? ''}, tier ${placement.tier.id}`;
  return [
    `its session is switched to ${there} for it alone, and set back to ${session.warehouse ?? ''} before the answer is whole; price, ceiling and queue are of there`,
  ];
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

/** What keeps a statement from running, in the order in which it is met. */
interface InItsWay extends Pick<Outlook, 'decision' | 'holdCredits' | 'queue'> {
  readonly guards: GuardOutlook;
  readonly ruled: Refusal | null;
  readonly binding: BudgetStanding | undefined;
  readonly path: readonly BudgetStanding[];
}

/** First line of the refusal that the statement would meet first; null where it would run. */
function refusalLine(
  parts: Parts,
  statement: Estimated,
  { guards, ruled, binding, path, decision, holdCredits, queue }: InItsWay,
): string | null {
  const context = refusalContext(parts, statement);
  const guarded = guards.storm ?? guards.freeze ?? ruled ?? guards.pace;
  if (guarded !== null) return firstLine(guarded);
  const unpaid = budgetRefusalOf({ binding, path, holdCredits }, statement, context);
  if (unpaid !== null) return firstLine(unpaid);
  if (decision.kind === 'approve')
    return approvalLine(decision, firstLine(approvalRefusal(decision.cause, context)));
  if (queue === null || queue.full === null) return null;
  return firstLine(queueRefusal({ kind: 'full', ...queue.full }, { ...context, tier: queue.tier }));
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
