/** Step 5: built-in checks and rules decide about every statement of the text; the strictest answer holds for all. */
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { locationsOf } from '#base/sql/statement-class.js';
import { placeOf } from '#billing/passes.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import type { LaneLimits } from '#policies/lanes/lane.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import type { StatisticsView } from '#policies/estimate/table-statistics.js';
import { type NotRun, type Refusing, refusingOf } from '#policies/rules/course.js';
import { decideText } from '#policies/rules/evaluate.js';
import type { DecisionContext, JudgedPart } from '#policies/rules/decision-context.js';
import { steersOf } from '#policies/rules/steers.js';
import { tableSizes } from '#policies/rules/table-sizes.js';
import type { Decision, Lifted, RefusalCause } from '#policies/rules/decision.js';
import { liftDecision } from '#policies/rules/lifting.js';
import type { LiftedDecision } from '#policies/rules/lifting.js';
import { toPastContext } from '#policies/rules/past-record.js';
import { refusalOf } from '#policies/rules/refusal-of.js';
import { approvalRefusal, ruleRefusal } from '#policies/rules/refusal-text.js';
import type { RefusalContext } from '#policies/rules/refusal-text.js';
import { stageLocation } from '#policies/rules/stage-location.js';
import type { StageLocation } from '#policies/rules/stage-location.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import type { Call } from './call.js';
import type { Parts } from './parts.js';
import { courseOn } from './move.js';
import { isOffPeak, offPeakRefusal } from './off-peak.js';
import { refusalContext } from './refuse.js';
import { paceNotes } from './run-rate.js';
import type { Allowed, Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

export type DecideOutcome =
  | { readonly kind: 'allowed'; readonly statement: Allowed }
  /** To be decided about anew, where it runs: priced there, its budgets not yet looked at. */
  | { readonly kind: 'moved'; readonly statement: Estimated }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Longest client that conditions of rules see, in characters. */
export const CLIENT_MAX = 200;
const MOVES_FILES: ReadonlySet<StatementFacts['class']> = new Set(['load', 'unload', 'file']);

/** Allows the statement up to a ceiling, perhaps by somebody's word, moves it, or refuses it with the reason and the way out. */
export function decide(parts: Parts, statement: Estimated): DecideOutcome {
  const { snapshot } = statement;
  const context = refusalContext(parts, statement);
  const first = decisionOf(parts, statement);
  const { decision, passes, waits } = liftedDecision(parts, statement, first);
  const course = courseOn(parts, statement, decision);
  noteDecision(parts, statement, decision, course.kind !== 'moved');
  if (course.kind === 'moved') return { kind: 'moved', statement: course.there };
  // A word lets it run, and nowhere else: what then sends it to another warehouse or to other hours still does.
  if (course.kind !== 'runs')
    return { kind: 'refused', refusal: refusalOfCourse(course, snapshot, context) };
  const { ceilingCredits } = decision;
  const stopping = refusingOf(first, statement);
  const unlifted =
    waits !== null
      ? approvalRefusal(waits.cause, context, passes)
      : stopping && refusalOfDecision(stopping, snapshot, context);
  const approval =
    unlifted === null
      ? null
      : {
          passes,
          refusal: unlifted,
          waitSeconds: waits?.waitSeconds ?? 0,
          reason: waits === null ? '' : reasonOf(waits.cause),
        };
  const lane = laneOf(statement, decision);
  const hours = course.runsAt === null ? {} : { runsAt: course.runsAt };
  return { kind: 'allowed', statement: { ...statement, ceilingCredits, lane, approval, ...hours } };
}

/** Whose queue a statement waits in; rules name tiers of their own document. */
export function laneOf(
  { snapshot, placement }: Pick<Estimated, 'snapshot' | 'placement'>,
  decision: Decision,
): LaneLimits {
  const other = decision.kind === 'queue' ? snapshot.tier(decision.tier) : undefined;
  return (other ?? placement.tier).lane;
}

/** What would be decided of a statement that is not run, by the passes that last now. */
export interface DecisionNow {
  /** What is told of it first: that it wants somebody's word, where it does. */
  readonly decision: Decision;
  /** What is decided of it once it has that word. */
  readonly approved: Decision;
}

export function decisionNow(parts: Parts, statement: Estimated): DecisionNow {
  const { decision, waits } = liftedDecision(parts, statement, decisionOf(parts, statement));
  return { decision: waits ?? decision, approved: decision };
}

/** By the passes that last for it. */
function liftedDecision(parts: Parts, statement: Estimated, first: Decision): LiftedDecision {
  if (first.kind === 'allow') return { decision: first, passes: [], waits: null };
  const held = parts.approvals.lasting.find({
    account: statement.identity.account,
    teamId: statement.team.id,
    principalId: statement.principal.id,
    fingerprint: statement.facts.fingerprint,
    requestHash: statement.query.hash,
    place: placeOf(statement.session),
  });
  return liftDecision(first, held, (lifted) => decisionOf(parts, statement, lifted));
}

function reasonOf(cause: RefusalCause): string {
  return cause.kind === 'rule'
    ? `rule ${cause.ruleId}: ${cause.message}`
    : 'what the statement does cannot be seen from its text';
}

/** What the caller is told in place of a run. */
export function refusalOfCourse(
  course: NotRun,
  snapshot: ControlSnapshot,
  context: RefusalContext,
): Refusal {
  return course.kind === 'noHours'
    ? offPeakRefusal(context.tier)
    : refusalOfDecision(course.decision, snapshot, context);
}

function refusalOfDecision(
  decision: Refusing,
  snapshot: ControlSnapshot,
  context: RefusalContext,
): Refusal {
  // A session keeps its warehouse: the analyst is told which one the rule wants.
  return decision.kind === 'reroute'
    ? otherTier(snapshot, decision, context)
    : refusalOf(decision.cause, context);
}

/** What the rules say of the text, without making a refusal of it; `EXPLAIN COST` shows it. */
export function decisionOf(parts: Parts, statement: Estimated, lifted?: Lifted): Decision {
  const { placement, session } = statement;
  return judgeText({
    ...textOf(parts, statement),
    context: {
      snapshot: statement.snapshot,
      account: statement.identity.account,
      team: statement.team,
      principal: statement.principal,
      via: statement.isOnBehalf ? statement.signedIn.principal : null,
      role: session.role,
      tier: placement.tier,
      warehouse: placement.warehouse ?? '',
      workload: statement.workload,
      client: clientOf(statement.call),
      at: parts.clock.now(),
      isOffPeak: isOffPeak(statement),
      ...(statement.standings === undefined ? {} : { standings: statement.standings }),
      ...(lifted === undefined ? {} : { lifted }),
    },
  });
}

function textOf(parts: Parts, statement: Estimated): Omit<JudgeableText, 'context'> {
  const { facts, estimate, estimateParts, identity, query } = statement;
  return {
    sqlText: query.sqlText,
    statements: facts.statements,
    estimate,
    estimateParts,
    statistics: parts.statistics.statisticsOf(identity.account),
  };
}

/** What the driver or tool calls itself, as it says it: rules and budgets may ask for it. */
export function clientOf({ request }: Pick<Call, 'request'>): string {
  return String(request.headers['user-agent'] ?? '').slice(0, CLIENT_MAX);
}

/**
 * What rules said, for counts, warnings and later plans; free statements leave no ticket to note it on, and of one that
 * is moved the decision in its new tier is the last.
 */
function noteDecision(
  parts: Parts,
  statement: Estimated,
  decision: Decision,
  isLast: boolean,
): void {
  const { facts, estimate } = statement;
  parts.judgements.note({
    teamId: statement.team.id,
    decision,
    expectedCredits: estimate.expectedCredits,
    ticket:
      statement.isFree || !isLast
        ? null
        : {
            ticketId: statement.call.ticketId,
            statements: facts.statements,
            told: paceNotes(parts, statement),
            context: () =>
              toPastContext(
                clientOf(statement.call),
                judgedParts(textOf(parts, statement)),
                isOffPeak(statement),
              ),
          },
  });
}

/** What a decision of a priced text takes; all of it is given, so that offline the same is decided. */
export interface JudgeableText {
  readonly sqlText: string;
  readonly statements: readonly StatementFacts[];
  readonly estimate: Estimate;
  /** One entry a statement. */
  readonly estimateParts: readonly Estimate[];
  /** Sizes of tables, for rules that ask for them. */
  readonly statistics: StatisticsView;
  readonly context: Omit<DecisionContext, 'location' | 'steers' | 'sizes'>;
}

/** The decision about a text; places of files are read from the text itself. */
export function judgeText(text: JudgeableText): Decision {
  const { estimate, context } = text;
  return decideText(judgedParts(text), estimate, context);
}

/** The statements of a text, each with all that a decision takes of it. */
function judgedParts(text: Omit<JudgeableText, 'context'>): readonly JudgedPart[] {
  const { sqlText, statements, estimate, estimateParts, statistics } = text;
  const locations = locationsIn(sqlText, statements);
  const steers = steersOf(sqlText, statements);
  return statements.map((facts, index) => ({
    facts,
    estimate: estimateParts[index] ?? estimate,
    location: locations[index] ?? 'none',
    steers: steers[index] ?? [],
    sizes: tableSizes(facts, statistics),
  }));
}

function otherTier(
  snapshot: ControlSnapshot,
  decision: Extract<Decision, { kind: 'reroute' }>,
  context: RefusalContext,
): Refusal {
  const warehouse = snapshot.tier(decision.tier)?.warehouse ?? decision.tier;
  const reason = decision.reasons[0];
  return ruleRefusal(
    {
      kind: 'rule',
      ruleId: reason?.source ?? 'route',
      message: `${reason?.message ?? 'this belongs to another tier'}; run USE WAREHOUSE ${warehouse} and send it again`,
      ...(decision.isApprovable === false ? { isApprovable: false } : {}),
    },
    context,
  );
}

/** A chain, a block, a literal or a pipe that moves files in one of its statements. */
function movesInside(facts: StatementFacts): boolean {
  return facts.innerClasses.some((one) => MOVES_FILES.has(one));
}

/** Stage location per statement; the text is read again only where some statement moves files. */
export function locationsIn(
  sqlText: string,
  statements: readonly StatementFacts[],
): readonly StageLocation[] {
  if (!statements.some((facts) => MOVES_FILES.has(facts.class) || movesInside(facts)))
    return statements.map(() => 'none');
  const tokens = lex(sqlText);
  const ranges = splitStatements(tokens);
  return statements.map((facts, index) => {
    const range = ranges[index];
    if (movesInside(facts)) {
      const inside = stageLocation(facts.stages);
      return inside === 'none' ? 'unknown' : inside;
    }
    if (range === undefined || !MOVES_FILES.has(facts.class)) return 'none';
    // Where files are moved and no place was found, the place is not known; PUT and GET only reach internal stages.
    const found = stageLocation(locationsOf(tokens, range));
    if (facts.class === 'file' && found === 'unknown') return 'internal';
    return found === 'none' ? 'unknown' : found;
  });
}
