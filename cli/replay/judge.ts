/** What today's Tollgate would have made of one statement when it came, by the functions of the live path. */
import type { TgName } from '../../base/errors.js';
import type { EpochMs } from '../../base/time.js';
import type { Freeze } from '../../billing/freezes.js';
import type { BudgetStanding } from '../../billing/ledger.js';
import type { PrincipalDocument, TeamDocument } from '../../policies/control/document.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import type { LaneLimits } from '../../policies/lanes/lane.js';
import { isAdministrator } from '../../policies/lanes/limits.js';
import { asksForOffPeak } from '../../policies/off-peak.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import { type Course, courseOf } from '../../policies/rules/course.js';
import type { Decision, Lifted } from '../../policies/rules/decision.js';
import { ladderStandings } from '../../policies/rules/ladder.js';
import { type HeldPass, liftDecision } from '../../policies/rules/lifting.js';
import { asksForWarehouse } from '../../policies/rules/move.js';
import { recogniseWorkload, workloadText } from '../../policies/workload.js';
import { productOf } from '../../proxy/analyse.js';
import { CLIENT_MAX, judgeText, laneOf } from '../../proxy/decide.js';
import { clockZone, type PricedText, priceText } from '../../proxy/estimate.js';
import { freezeOf } from '../../proxy/freezes.js';
import { hasLadders } from '../../proxy/ladder-standings.js';
import { budgetsOf } from '../../proxy/reserve.js';
import type { SpendBook } from '../../proxy/running/spend-book.js';
import type { Arrival, Judge, Judged, JudgeParts } from './judged.js';
import type { LanePlace } from './lanes.js';
import { observe } from './observe.js';
import { countedAs, paceAt } from './pace.js';
import { type Refused, refusedBy, refusedFor, refusedOn } from './refused.js';
import type { ReplayRow } from './row.js';

/** What decides beside the document. */
export interface GovernParts extends JudgeParts {
  /** How budgets stand when a statement comes. */
  readonly standing: (budgetIds: readonly string[], at: EpochMs) => readonly BudgetStanding[];
  /** What was frozen, the narrowest first. */
  readonly freezes: readonly Freeze[];
  /** What shapes took before. Nobody lifts a pace. */
  readonly spends: Pick<SpendBook, 'spendOf'>;
}

/** Estimates and decides by a control document; budgets are held afterwards. */
export function govern(snapshot: ControlSnapshot, parts: GovernParts): Judge {
  const watch = observe(parts);
  return (arrival) => {
    const { row, facts, at } = arrival;
    const refused = (code: TgName, by: string): Judged => ({
      ...watch(arrival),
      answer: refusedFor(code, by),
    });
    const who = whoAsks(snapshot, row);
    if (who.kind === 'unknown') return refused('principalUnknown', 'identity');
    if (who.kind === 'suspended') return refused('principalSuspended', 'identity');
    const priced = priceText({
      facts,
      isDescribe: false,
      snapshot,
      warehouse: row.warehouse,
      account: who.account,
      timeZone: zoneOf(arrival),
      ...parts,
      at,
    });
    if (priced.kind === 'refused') return refused(priced.refusal.code, 'warehouse');
    const { price } = priced;
    const question = { snapshot, parts, arrival, who, workload: workloadOf(row) };
    const { isWarned, answer } = answerOn(question, price, false);
    return {
      // What is believed of it, and what it used, is of the warehouse that it ran on.
      estimate: price.estimate,
      creditsPerHour: price.placement.creditsPerHour,
      pricePerCredit: price.placement.pricePerCredit,
      tier: answer.kind === 'allowed' ? answer.laneTier : price.placement.tier.id,
      isWarned,
      answer,
    };
  };
}

/** A history does not say whether somebody would have given his word. */
const NO_PASSES: readonly HeldPass[] = [];

interface Question {
  readonly snapshot: ControlSnapshot;
  readonly parts: GovernParts;
  readonly arrival: Arrival;
  readonly who: Asker;
  readonly workload: string | null;
}

type Answer = Pick<Judged, 'isWarned' | 'answer'>;

/** As the path decides: freezes, ladders and rules, the tier they move it to, its hours, the pace of its shape. */
function answerOn(question: Question, price: PricedText, isSwitched: boolean): Answer {
  const freeze = price.isFree ? undefined : freezeOn(question, price.placement);
  if (freeze !== undefined) return { isWarned: false, answer: freeze };
  const path = price.isFree ? [] : budgetsOf(budgetQuestion(question, price));
  const { decision, waits } = liftDecision(decisionOn(question, price, path), NO_PASSES, (lifted) =>
    decisionOn(question, price, path, lifted),
  );
  const hasWarnings = decision.warnings.length > 0;
  const course = courseOn(question, price, decision, isSwitched);
  if (course.kind === 'moved') return answerOn(question, course.there, true);
  if (course.kind !== 'runs') return { isWarned: hasWarnings, answer: refusedOn(course) };
  const { at } = question.arrival;
  const rated = {
    snapshot: question.snapshot,
    team: question.who.team,
    facts: question.arrival.facts,
    ...price,
  };
  const pace = paceAt(question.parts.spends, rated, at);
  const isWarned = hasWarnings || pace.rung === 'warn';
  if (pace.rung === 'stop')
    return { isWarned, answer: refusedFor('runRateExceeded', `run rate: ${pace.id}`) };
  const { ceilingCredits } = decision;
  const limits = laneOf({ snapshot: question.snapshot, placement: price.placement }, decision);
  return {
    isWarned,
    answer: {
      kind: 'allowed',
      teamId: question.who.team.id,
      budgetIds: path,
      holdCredits: creditsToHold(price, ceilingCredits),
      ceilingCredits,
      warehouse: price.placement.warehouse,
      laneTier: limits.tier,
      lane: price.isFree ? null : { limits, member: memberOf(question, price, limits) },
      isKeptBack: (course.runsAt ?? at) > at || pace.rung === 'slow',
      paced: countedAs(rated),
      unapproved: waits === null ? null : refusedBy(waits),
    },
  };
}

/** As the path tells a lane of it (`proxy/admit.ts`). */
function memberOf(
  { who, arrival }: Question,
  { estimate }: PricedText,
  limits: LaneLimits,
): LanePlace['member'] {
  return {
    teamId: who.team.id,
    principalId: who.principal.id,
    isAdministrator: isAdministrator(limits, who.principal.id, arrival.row.role),
    expectedCredits: estimate.expectedCredits,
    expectedMs: estimate.expectedElapsedSeconds * 1_000,
  };
}

function freezeOn(
  { parts, arrival: { at }, who }: Question,
  { warehouse, tier }: PricedText['placement'],
): Refused | undefined {
  const begun = parts.freezes.filter(({ frozenAt }) => frozenAt <= at);
  const freezable = {
    teamId: who.team.id,
    principalIds: [who.principal.id],
    warehouse,
    tier: tier.id,
  };
  const found = freezeOf(begun, freezable, at);
  if (found === undefined) return undefined;
  const what = found.scope === 'everything' ? found.scope : `${found.scope} ${found.target}`;
  return refusedFor('frozen', `freeze: ${what}`);
}

function budgetQuestion(
  { snapshot, arrival, who, workload }: Question,
  { placement }: PricedText,
): Parameters<typeof budgetsOf>[0] {
  const { team, principal } = who;
  const { row, at } = arrival;
  return { snapshot, team, principal, placement, workload, client: row.client, at };
}

function decisionOn(
  question: Question,
  price: PricedText,
  path: readonly string[],
  lifted?: Lifted,
): Decision {
  const { snapshot, parts, arrival, who, workload } = question;
  const { row, facts, at } = arrival;
  const { placement, estimate, estimateParts, isFree } = price;
  const standings =
    isFree || !hasLadders(snapshot.document)
      ? undefined
      : ladderStandings(parts.standing(path, at));
  return judgeText({
    sqlText: row.queryText ?? '',
    statements: facts.statements,
    estimate,
    estimateParts,
    statistics: parts.statistics,
    context: {
      snapshot,
      ...who,
      via: null,
      role: row.role,
      tier: placement.tier,
      warehouse: placement.warehouse ?? '',
      workload,
      client: (row.client ?? '').slice(0, CLIENT_MAX),
      at,
      isOffPeak: !isFree && choosesOffPeak(row),
      ...(standings === undefined ? {} : { standings }),
      ...(lifted === undefined ? {} : { lifted }),
    },
  });
}

/** Its driver and its session are taken to allow that it is switched. */
function courseOn(
  { snapshot, parts, arrival, who }: Question,
  { isFree, placement }: PricedText,
  decision: Decision,
  isSwitched: boolean,
): Course<PricedText> {
  const { row, facts, at } = arrival;
  return courseOf<PricedText>(decision, {
    snapshot,
    statements: asksForWarehouse(row.queryText ?? '') ? null : facts.statements,
    isFree,
    warehouse: row.warehouse,
    isSwitched,
    movedTo: (warehouse) => {
      const { account } = who;
      const timeZone = zoneOf(arrival);
      const text = { facts, isDescribe: false, snapshot, warehouse, account, timeZone, at };
      const priced = priceText({ ...text, ...parts });
      return priced.kind === 'priced' ? priced.price : null;
    },
    tier: placement.tier,
    isOffPeak: choosesOffPeak(row),
    at,
  });
}

function zoneOf({ row, facts, timeZone = null }: Arrival): string | null {
  return clockZone(facts, row.queryText ?? '', timeZone);
}

function choosesOffPeak({ isOffPeak, queryText, queryTag }: ReplayRow): boolean {
  return isOffPeak || asksForOffPeak(queryText ?? '', queryTag);
}

interface Asker {
  readonly account: string;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
}

/** By the ledger's own word, else by the mapping. */
function whoAsks(
  snapshot: ControlSnapshot,
  row: ReplayRow,
):
  | ({ readonly kind: 'known' } & Asker)
  | { readonly kind: 'unknown' }
  | { readonly kind: 'suspended' } {
  const account = row.account ?? snapshot.document.accounts[0]?.id ?? '';
  if (row.ticket !== null) {
    const principal = snapshot.principal(row.ticket.principal);
    const team = snapshot.team(row.ticket.team);
    if (principal === undefined || team === undefined) return { kind: 'unknown' };
    if (principal.status === 'suspended') return { kind: 'suspended' };
    return { kind: 'known', account, principal, team };
  }
  const caller = { account, snowflakeUser: row.user ?? '', role: row.role, address: null };
  const found = snapshot.resolvePrincipal(caller);
  return found.kind === 'known' ? { account, ...found } : found;
}

/** As its ticket has it, else by what the row tells of its tool; the login that named another one is in no export. */
function workloadOf({ ticket, queryTag, queryText, client }: ReplayRow): string | null {
  if (ticket !== null) return ticket.workload;
  const application = productOf(client ?? '');
  const workload = recogniseWorkload({ queryTag, sqlText: queryText ?? '', application });
  return workload === null ? null : workloadText(workload);
}
