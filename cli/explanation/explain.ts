/**
 * What a text would meet on its path: facts, estimate, decision and refusal by the very functions of the live path.
 * Offline nothing is known of budgets and of what shapes took before; the API asks both. Waiting is not known here.
 */
import { must } from '../../base/assert.js';
import { tryParseTicketId } from '../../base/ids.js';
import type { EpochMs } from '../../base/time.js';
import type { Credits } from '../../base/units.js';
import type { Freeze } from '../../billing/freezes.js';
import type { BudgetStanding } from '../../billing/ledger.js';
import type { PrincipalDocument, TeamDocument } from '../../policies/control/document.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import { type HistoryView, HistoryStore } from '../../policies/estimate/history-store.js';
import { scanOf } from '../../policies/estimate/scan.js';
import type { Decision } from '../../policies/rules/decision.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import { freezeRefusal } from '../../policies/rules/freeze-text.js';
import { approvalRefusal, type RefusalContext } from '../../policies/rules/refusal-text.js';
import type { StageLocation } from '../../policies/rules/stage-location.js';
import type { Analyser, NameContext, TextFacts } from '../../policies/sql/facts.js';
import { recogniseWorkload, workloadText } from '../../policies/workload.js';
import { CLIENT_MAX, judgeText, locationsIn, refusalOfDecision } from '../../proxy/decide.js';
import { priceText, type PricedText } from '../../proxy/estimate.js';
import { freezeOf } from '../../proxy/freezes.js';
import { ladderStandings } from '../../proxy/ladder-standings.js';
import { bindingBudget, budgetRefusalOf } from '../../proxy/outlook.js';
import { budgetsOf } from '../../proxy/reserve.js';
import { recognise } from '../../proxy/surface/recognise.js';
import { callerRefusal, type Refusal } from '../../proxy/wire/refusal.js';
import { VerbError } from '../verb-error.js';
import type { KnownTables } from './statistics.js';

/** Who would send what, and under which document. */
export interface Question {
  readonly sqlText: string;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
  readonly account: string;
  readonly role: string | null;
  /** Driver or tool as it names itself; empty when it was not said. */
  readonly client: string;
  /** null: as in a session without one. */
  readonly warehouse: string | null;
  readonly names: NameContext;
  readonly snapshot: ControlSnapshot;
  /** `the demo`, or the name of a file. */
  readonly controlSource: string;
  readonly tables: KnownTables;
  readonly at: EpochMs;
  /** What statements took before; absent: nothing is known, as on the first day. */
  readonly history?: HistoryView;
  /** What is frozen; absent: nobody is asked. */
  readonly freezes?: readonly Freeze[];
  /** How the budgets of these ids stand; absent: nobody is asked. */
  readonly standings?: (budgetIds: readonly string[]) => Promise<readonly BudgetStanding[]>;
}

export type Outcome =
  /** A view or procedure of Tollgate's own: answered from the ledger, at no cost. */
  | { readonly kind: 'answered-by-tollgate' }
  /** Refused before anything was priced. */
  | { readonly kind: 'not-priced'; readonly refusal: Refusal }
  /** `refusal`: what a driver would show, null where the statement would run. */
  | {
      readonly kind: 'decided';
      readonly price: PricedText;
      readonly decision: Decision;
      readonly refusal: Refusal | null;
      /** What would be set aside while it runs. */
      readonly holdCredits: Credits;
      /** Every budget of its path, where they were asked. */
      readonly standings: readonly BudgetStanding[];
    };

type Decided = Extract<Outcome, { kind: 'decided' }>;

export interface Explanation {
  readonly question: Question;
  /** `EXPLAIN COST` or a dry-run comment stood before the statement, which is what is explained. */
  readonly isDryRun: boolean;
  readonly workload: string | null;
  readonly facts: TextFacts;
  /** Where files come from or go to, one entry a statement. */
  readonly locations: readonly StageLocation[];
  /** Tables that are read, of which no statistics are known, one list a statement. */
  readonly tablesWithoutStatistics: readonly (readonly string[])[];
  readonly outcome: Outcome;
}

/** Nothing refuses, redirects or has to approve it. */
export function isAllowed({ outcome }: Explanation): boolean {
  switch (outcome.kind) {
    case 'answered-by-tollgate':
      return true;
    case 'not-priced':
      return false;
    case 'decided':
      return outcome.refusal === null;
  }
}

/**
 * Explains a text.
 * @throws VerbError (usage) when there is no statement in it.
 */
export async function explain(question: Question, analyser: Analyser): Promise<Explanation> {
  const recognised = recognise(question.sqlText);
  const isDryRun = recognised.kind === 'explain-cost';
  const sqlText = isDryRun ? recognised.statementText : question.sqlText;
  const asked = { ...question, sqlText };
  if (recognised.kind !== 'none' && !isDryRun) return answeredByTollgate(asked);
  const { names, tables } = asked;
  const facts = await analyser.analyse(sqlText, names, tables.catalogue);
  if (facts.statements.length === 0)
    throw new VerbError(
      'There is no statement in the text. Write it in quotes after explain, or name a file with --file.',
      2,
    );
  const workload = workloadOf(asked);
  return {
    question: asked,
    isDryRun,
    workload,
    facts,
    locations: locationsIn(sqlText, facts.statements),
    tablesWithoutStatistics: facts.statements.map(
      (each) => scanOf(each, tables.statistics, question.at)?.tablesUnknown ?? each.tablesRead,
    ),
    outcome: await outcomeOf(asked, facts, workload),
  };
}

/** Its names are Tollgate's own: there are no facts of tables in the account. */
function answeredByTollgate(question: Question): Explanation {
  return {
    question,
    isDryRun: false,
    workload: workloadOf(question),
    facts: { statements: [], fingerprint: '' },
    locations: [],
    tablesWithoutStatistics: [],
    outcome: { kind: 'answered-by-tollgate' },
  };
}

/** As the live path does it for a client that says nothing else of itself. */
function workloadOf({ sqlText, client }: Question): string | null {
  const application = /^[^\s/]{1,100}/.exec(client)?.[0] ?? null;
  const workload = recogniseWorkload({ queryTag: null, sqlText, application });
  return workload === null ? null : workloadText(workload);
}

/** Nothing was measured: histories begin empty, as on the first day. */
const NO_HISTORY = new HistoryStore(1);

async function outcomeOf(
  question: Question,
  facts: TextFacts,
  workload: string | null,
): Promise<Outcome> {
  const { principal, snapshot, at } = question;
  if (principal.status === 'suspended') {
    const message = `Not run: ${principal.id} is suspended. Ask ${principal.owner}.`;
    return { kind: 'not-priced', refusal: callerRefusal('principalSuspended', message) };
  }
  const priced = priceText({
    facts,
    isDescribe: false,
    snapshot,
    warehouse: question.warehouse,
    account: question.account,
    history: question.history ?? NO_HISTORY,
    statistics: question.tables.statistics,
    at,
  });
  if (priced.kind === 'refused') return { kind: 'not-priced', refusal: priced.refusal };
  const { price } = priced;
  const standings = await standingsOf(question, price, workload);
  const decision = judgeText({
    sqlText: question.sqlText,
    statements: facts.statements,
    estimate: price.estimate,
    estimateParts: price.estimateParts,
    statistics: question.tables.statistics,
    context: {
      snapshot,
      account: question.account,
      team: question.team,
      principal,
      via: null,
      role: question.role,
      tier: price.placement.tier,
      warehouse: price.placement.warehouse ?? '',
      workload,
      client: question.client.slice(0, CLIENT_MAX),
      at,
      standings: ladderStandings(standings),
    },
  });
  const holdCredits = creditsToHold(price, decision.ceilingCredits);
  const told = { decision, standings, holdCredits };
  return { kind: 'decided', price, ...told, refusal: refusalFor(told, price, question) };
}

function standingsOf(
  question: Question,
  { placement, isFree }: PricedText,
  workload: string | null,
): Promise<readonly BudgetStanding[]> {
  if (question.standings === undefined || isFree) return Promise.resolve([]);
  return question.standings(budgetsOf({ ...question, placement, workload }));
}

/** Stands where a ticket's id would: nothing was sent, so there is no ticket. Its lines of text are never shown. */
const NO_TICKET = must(tryParseTicketId('00000000-0000-7000-8000-000000000000'), 'an id');

function refusalFor(
  { decision, standings, holdCredits }: Pick<Decided, 'decision' | 'standings' | 'holdCredits'>,
  price: PricedText,
  question: Question,
): Refusal | null {
  const { placement, estimate } = price;
  const context: RefusalContext = {
    ticketId: NO_TICKET,
    estimate,
    tier: placement.tier.id,
    pricePerCredit: placement.pricePerCredit,
    currency: placement.currency,
    at: question.at,
  };
  const freeze = price.isFree ? undefined : freezeFor(question, price);
  if (freeze !== undefined) return freezeRefusal(freeze, context);
  const ruled = refusalOfDecision(decision, question.snapshot, context);
  if (ruled !== null) return ruled;
  const paid = { binding: bindingBudget(standings), path: standings, holdCredits };
  const unpaid = budgetRefusalOf(paid, question, context);
  if (unpaid !== null) return unpaid;
  return decision.kind === 'approve' ? approvalRefusal(decision.cause, context) : null;
}

function freezeFor(
  { freezes = [], team, principal, at }: Question,
  { placement: { warehouse } }: PricedText,
): Freeze | undefined {
  const named = { teamId: team.id, principalIds: [principal.id], warehouse };
  return freezeOf(freezes, named, at);
}

/** The first line of a refusal: what every driver shows, and all of it that does not need a ticket. */
export function firstLine({ message }: Refusal): string {
  return message.split('\n', 1)[0] ?? '';
}
