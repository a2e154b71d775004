/**
 * What a document would have made of a statement that has run: its place, its rules and the budgets on its path, by the
 * functions of the live path. Amounts are those of its estimate when it came.
 */
import type { EpochMs } from '#base/time.js';
import type { Credits } from '#base/units.js';
import type { BudgetDocument, PrincipalDocument, TeamDocument } from '../control/document.js';
import type { ControlSnapshot, Tier } from '../control/snapshot.js';
import type { Estimate } from '../estimate/estimate.js';
import { bareFacts } from '../sql/bare-facts.js';
import { creditsToHold } from './ceiling.js';
import { courseOf, type Refusing } from './course.js';
import type { Decision } from './decision.js';
import { decideText } from './evaluate.js';
import type { DecisionContext, JudgedPart } from './decision-context.js';
import type { LadderStandings } from './ladder.js';
import { type HeldPass, liftDecision } from './lifting.js';

/** A statement as the ledger has it. */
export interface PastStatement {
  readonly account: string;
  readonly teamId: string;
  readonly principalId: string;
  readonly viaPrincipalId: string | null;
  readonly role: string | null;
  readonly workload: string | null;
  /** null: the session had none. */
  readonly warehouse: string | null;
  readonly estimate: Estimate;
  readonly at: EpochMs;
  /** It chose to wait for the off-peak hours. */
  readonly isOffPeak: boolean;
  /** null: its facts are not kept. */
  readonly text: { readonly client: string; readonly parts: readonly JudgedPart[] } | null;
}

/** What keeps a statement from running: kind and id, such as `rule` and `no-star`. */
export interface PastCause {
  readonly kind:
    | 'identity'
    | 'warehouse'
    | 'access'
    | 'rule'
    | 'move'
    | 'hours'
    | 'approval'
    | 'ceiling'
    | 'opaque'
    | 'external-location';
  readonly id: string;
}

export type PastJudgement =
  | { readonly kind: 'refused'; readonly cause: PastCause }
  | {
      readonly kind: 'allowed';
      readonly budgetIds: readonly string[];
      readonly holdCredits: Credits;
      readonly ceilingCredits: Credits;
      /** It wants somebody's word, which nobody gives, once its hold is taken; null: it needs none. */
      readonly unapproved: PastCause | null;
      /** Its facts are not kept and there are rules: what they would have said is not known. */
      readonly isUnjudged: boolean;
    };

/** How budgets stand when a past statement comes, of those that are in force then. */
export type PastStandings = (budgets: readonly BudgetDocument[]) => PastPath;

export interface PastPath {
  /** Ids of those in force, in the order given. */
  readonly budgetIds: readonly string[];
  readonly standings: LadderStandings;
}

/** Judges one past statement by `standingsOf` the budgets on its path. Total. */
export function judgePast(
  snapshot: ControlSnapshot,
  past: PastStatement,
  standingsOf: PastStandings,
): PastJudgement {
  const team = snapshot.team(past.teamId);
  const principal = snapshot.principal(past.principalId);
  if (team === undefined || principal === undefined || principal.status === 'suspended')
    return refused('identity', past.principalId);
  return judgeOn({ snapshot, past, team, principal, standingsOf }, past.warehouse, false);
}

function refused(kind: PastCause['kind'], id: string): PastJudgement {
  return { kind: 'refused', cause: { kind, id } };
}

interface Question {
  readonly snapshot: ControlSnapshot;
  readonly past: PastStatement;
  readonly team: TeamDocument;
  readonly principal: PrincipalDocument;
  readonly standingsOf: PastStandings;
}

/** Nobody's word is known. */
const NO_PASSES: readonly HeldPass[] = [];

/** On its own warehouse, or on the one that a rule or a ladder switches its session to. */
function judgeOn(question: Question, warehouse: string | null, isSwitched: boolean): PastJudgement {
  const { snapshot, past, team, principal } = question;
  const tier = tierOn(snapshot, warehouse, past);
  if (tier === undefined) return refused('warehouse', warehouse ?? '');
  const budgets = snapshot.budgetsFor({
    teamId: team.id,
    principalId: principal.id,
    tier: tier.id,
    workload: past.workload,
    client: past.text?.client ?? null,
  });
  const { budgetIds, standings } = question.standingsOf(budgets);
  const place = { tier, warehouse: warehouse ?? '', standings };
  // As on the live path: what would be wanted where it runs once it has the word that it wants here.
  const { decision, waits } = liftDecision(decisionOf(question, place), NO_PASSES, (lifted) =>
    decisionOf(question, { ...place, lifted }),
  );
  const course = courseOf<string>(decision, {
    snapshot,
    // What its driver and its session said is not kept: it is taken to be switchable.
    statements: past.text?.parts.map(({ facts }) => facts) ?? [bareFacts('query', '')],
    isFree: isFree(past),
    warehouse,
    isSwitched,
    movedTo: (there) => (tierOn(snapshot, there, past) === undefined ? null : there),
    tier,
    isOffPeak: past.isOffPeak,
    at: past.at,
  });
  if (course.kind === 'moved') return judgeOn(question, course.there, true);
  if (course.kind === 'noHours') return refused('hours', tier.id);
  if (course.kind === 'refused') return { kind: 'refused', cause: causeOf(course.decision) };
  const { ceilingCredits } = decision;
  return {
    kind: 'allowed',
    budgetIds: isFree(past) ? [] : budgetIds,
    holdCredits: creditsToHold({ estimate: past.estimate, isFree: isFree(past) }, ceilingCredits),
    ceilingCredits,
    unapproved: waits === null ? null : causeOf(waits),
    isUnjudged: past.text === null && snapshot.rules.length + snapshot.access.length > 0,
  };
}

/** It used no warehouse; it has a ticket because somebody's word was wanted for it. */
function isFree({ estimate }: PastStatement): boolean {
  return estimate.basis === 'FREE';
}

/** A warehouse without tier, rate or price refuses what uses it; so the live path does. */
function tierOn(
  snapshot: ControlSnapshot,
  warehouse: string | null,
  past: PastStatement,
): Tier | undefined {
  if (warehouse === null) return snapshot.defaultTier();
  if (isFree(past)) return snapshot.tierForWarehouse(warehouse) ?? snapshot.defaultTier();
  const { account, at } = past;
  const isKnown =
    snapshot.rateOfWarehouse(warehouse, at) !== undefined &&
    snapshot.priceAt('compute', at, { account }) !== undefined;
  return isKnown ? snapshot.tierForWarehouse(warehouse) : undefined;
}

function decisionOf(
  { snapshot, past, team, principal }: Question,
  place: Pick<DecisionContext, 'tier' | 'warehouse' | 'standings' | 'lifted'>,
): Decision {
  const via =
    past.viaPrincipalId === null ? null : (snapshot.principal(past.viaPrincipalId) ?? null);
  const context = {
    account: past.account,
    team,
    principal,
    via,
    role: past.role,
    workload: past.workload,
    client: past.text?.client ?? '',
    at: past.at,
    isOffPeak: past.isOffPeak,
    ...place,
  };
  if (past.text !== null)
    return decideText(past.text.parts, past.estimate, { ...context, snapshot });
  // No rule can be asked about what is not known; ceilings and ladders ask for its estimate alone.
  const bare: JudgedPart = {
    facts: bareFacts('query', ''),
    estimate: past.estimate,
    location: 'none',
  };
  return decideText([bare], past.estimate, {
    ...context,
    snapshot: { ...snapshot, rules: [], access: [] },
  });
}

/** One that waits for somebody's word does not run by itself, and one that is told another warehouse does not run. */
function causeOf(decision: Refusing | Extract<Decision, { kind: 'approve' }>): PastCause {
  if (decision.kind === 'reroute')
    return { kind: 'move', id: decision.reasons[0]?.source ?? 'move' };
  if (decision.kind === 'approve')
    return { kind: 'approval', id: decision.reasons[0]?.source ?? 'approval' };
  const { cause } = decision;
  switch (cause.kind) {
    case 'rule':
    case 'off-peak':
      return { kind: 'rule', id: cause.ruleId };
    case 'access':
      return { kind: 'access', id: cause.listId };
    case 'ceiling':
      return { kind: 'ceiling', id: cause.source };
    case 'opaque':
    case 'external-location':
      return { kind: cause.kind, id: cause.kind };
  }
}
