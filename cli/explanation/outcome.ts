/**
 * What would become of a text that is explained, in the order of the path: freezes, ladders and rules, the tier that
 * they move it to, its hours, the budgets. Without a running Tollgate there are no freezes, and no budget has used
 * anything.
 */
import type { EpochMs } from '../../base/time.js';
import type { Credits } from '../../base/units.js';
import { must } from '../../base/assert.js';
import { tryParseTicketId } from '../../base/ids.js';
import type { BudgetStanding } from '../../billing/ledger.js';
import { HistoryStore } from '../../policies/estimate/history-store.js';
import { asksForOffPeak } from '../../policies/off-peak.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import { type Course, courseOf } from '../../policies/rules/course.js';
import type { Decision, Lifted } from '../../policies/rules/decision.js';
import { freezeRefusal } from '../../policies/rules/freeze-text.js';
import { ladderStandings } from '../../policies/rules/ladder.js';
import { liftDecision } from '../../policies/rules/lifting.js';
import { asksForWarehouse } from '../../policies/rules/move.js';
import { approvalRefusal, type RefusalContext } from '../../policies/rules/refusal-text.js';
import type { TextFacts } from '../../policies/sql/facts.js';
import { CLIENT_MAX, judgeText, refusalOfCourse } from '../../proxy/decide.js';
import { type PricedText, type PriceOutcome, priceText } from '../../proxy/estimate.js';
import { freezeOf } from '../../proxy/freezes.js';
import { bindingBudget, budgetRefusalOf } from '../../proxy/outlook.js';
import { budgetsOf } from '../../proxy/reserve.js';
import { callerRefusal, type Refusal } from '../../proxy/wire/refusal.js';

import type { Question } from './question.js';

export type Outcome =
  /** A view or procedure of Tollgate's own: answered from the ledger, at no cost. */
  | { readonly kind: 'answered-by-tollgate' }
  /** Refused before anything was priced. */
  | { readonly kind: 'not-priced'; readonly refusal: Refusal }
  | Decided;

export interface Decided {
  readonly kind: 'decided';
  /** Where it would run. */
  readonly price: PricedText;
  readonly decision: Decision;
  /** What a driver would show; null where the statement would run. */
  readonly refusal: Refusal | null;
  /** Its session is switched to the warehouse of `price` for it. */
  readonly isSwitched: boolean;
  /** When the off-peak hours begin that it chose to wait for; null: it chose none. */
  readonly runsAt: EpochMs | null;
  /** What would be set aside while it runs. */
  readonly holdCredits: Credits;
  /** Every budget of its path, where they were asked. */
  readonly standings: readonly BudgetStanding[];
}

/** Nothing was measured: histories begin empty, as on the first day. */
const NO_HISTORY = new HistoryStore(1);
/** Stands where a ticket's id would: nothing was sent, so there is no ticket. Its lines of text are never shown. */
const NO_TICKET = must(tryParseTicketId('00000000-0000-7000-8000-000000000000'), 'an id');

/** A text with what is known of it. */
interface Asked {
  readonly question: Question;
  readonly facts: TextFacts;
  readonly workload: string | null;
}

/** Decides about an analysed text. */
export function outcomeOf(question: Question, facts: TextFacts, workload: string | null): Outcome {
  const { principal, warehouse } = question;
  if (principal.status === 'suspended') {
    const message = `Not run: ${principal.id} is suspended. Ask ${principal.owner}.`;
    return { kind: 'not-priced', refusal: callerRefusal('principalSuspended', message) };
  }
  const asked = { question, facts, workload };
  const priced = priceOn(asked, warehouse);
  if (priced.kind === 'refused') return { kind: 'not-priced', refusal: priced.refusal };
  return decidedOn(asked, priced.price, false);
}

function priceOn({ question, facts }: Asked, warehouse: string | null): PriceOutcome {
  const { snapshot, account, at, tables } = question;
  return priceText({
    facts,
    isDescribe: false,
    snapshot,
    warehouse,
    account,
    history: question.history ?? NO_HISTORY,
    statistics: tables.statistics,
    at,
  });
}

function decidedOn(asked: Asked, price: PricedText, isSwitched: boolean): Decided {
  const { question, facts } = asked;
  const { snapshot, sqlText, at } = question;
  const path = pathOf(asked, price);
  // As on the live path: what it would meet once it has the word that it wants here. No pass is known.
  const { decision, waits } = liftDecision(decisionOn(asked, price, path), [], (lifted) =>
    decisionOn(asked, price, path, lifted),
  );
  const freeze = freezeFor(asked, price);
  const course = courseOf<PricedText>(decision, {
    snapshot,
    statements: freeze !== null || asksForWarehouse(sqlText) ? null : facts.statements,
    isFree: price.isFree,
    warehouse: question.warehouse,
    isSwitched,
    movedTo: (warehouse) => {
      const priced = priceOn(asked, warehouse);
      return priced.kind === 'priced' ? priced.price : null;
    },
    tier: price.placement.tier,
    isOffPeak: choosesOffPeak(question, price),
    at,
  });
  if (course.kind === 'moved') {
    const found = decidedOn(asked, course.there, true);
    // Why it runs there is told; what refuses it there decides.
    return found.decision.kind === 'allow' ? { ...found, decision } : found;
  }
  const runsAt = course.kind === 'runs' ? course.runsAt : null;
  const holdCredits = creditsToHold(price, decision.ceilingCredits);
  const told = { decision: waits ?? decision, holdCredits, standings: path };
  const decided = { kind: 'decided', price, ...told, isSwitched, runsAt } as const;
  const refusing = freeze ?? refusalBy(course, question, price);
  // Nobody's word helps where what comes after it refuses.
  return refusing === null
    ? { ...decided, refusal: refusalFor(question, price, told) }
    : { ...decided, decision, refusal: refusing };
}

function choosesOffPeak({ sqlText }: Question, { isFree }: PricedText): boolean {
  return !isFree && asksForOffPeak(sqlText, null);
}

/** How the budgets stand that it would be held against. */
function pathOf(asked: Asked, { isFree, placement }: PricedText): readonly BudgetStanding[] {
  const { question, workload } = asked;
  const { live, snapshot, team, principal, at } = question;
  if (live === null || isFree) return [];
  const client = question.client.slice(0, CLIENT_MAX);
  const ids = budgetsOf({ snapshot, team, principal, placement, workload, client, at });
  return ids.flatMap((id) => live.standings.find(({ budgetId }) => budgetId === id) ?? []);
}

function decisionOn(
  { question, facts, workload }: Asked,
  price: PricedText,
  path: readonly BudgetStanding[],
  lifted?: Lifted,
): Decision {
  const { placement, estimate, estimateParts } = price;
  const { snapshot, account, team, principal, role, client, at, tables, live } = question;
  return judgeText({
    sqlText: question.sqlText,
    statements: facts.statements,
    estimate,
    estimateParts,
    statistics: tables.statistics,
    context: {
      snapshot,
      account,
      team,
      principal,
      via: null,
      role,
      tier: placement.tier,
      warehouse: placement.warehouse ?? '',
      workload,
      client: client.slice(0, CLIENT_MAX),
      at,
      isOffPeak: choosesOffPeak(question, price),
      ...(live === null ? {} : { standings: ladderStandings(path) }),
      ...(lifted === undefined ? {} : { lifted }),
    },
  });
}

function freezeFor({ question }: Asked, price: PricedText): Refusal | null {
  const { live, team, principal, at } = question;
  if (live === null || price.isFree) return null;
  const { warehouse, tier } = price.placement;
  const freezable = { teamId: team.id, principalIds: [principal.id], warehouse, tier: tier.id };
  const found = freezeOf(live.freezes, freezable, at);
  return found === undefined ? null : freezeRefusal(found, contextOf(question, price));
}

function contextOf({ at }: Question, { placement, estimate }: PricedText): RefusalContext {
  return {
    ticketId: NO_TICKET,
    estimate,
    tier: placement.tier.id,
    pricePerCredit: placement.pricePerCredit,
    currency: placement.currency,
    at,
  };
}

function refusalBy(course: Course<unknown>, question: Question, price: PricedText): Refusal | null {
  if (course.kind === 'runs' || course.kind === 'moved') return null;
  return refusalOfCourse(course, question.snapshot, contextOf(question, price));
}

/** Of one that rules let run: by a budget, or because it wants somebody's word. */
function refusalFor(
  question: Question,
  price: PricedText,
  {
    decision,
    holdCredits,
    standings: path,
  }: Pick<Decided, 'decision' | 'holdCredits' | 'standings'>,
): Refusal | null {
  const context = contextOf(question, price);
  const unpaid = budgetRefusalOf(
    { binding: bindingBudget(path), path, holdCredits },
    question,
    context,
  );
  if (unpaid !== null) return unpaid;
  return decision.kind === 'approve' ? approvalRefusal(decision.cause, context) : null;
}
