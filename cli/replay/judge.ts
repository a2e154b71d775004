/**
 * What today's Tollgate would have made of one statement when it came: its price and the answer, by the functions of
 * the live path. Without a control document nothing is refused, and every warehouse is what the history says it is.
 */
import { LRUCache } from 'lru-cache';
import { must } from '../../base/assert.js';
import type { EpochMs } from '../../base/time.js';
import { type Credits, type Money, NO_MONEY, parseCredits } from '../../base/units.js';
import type { Freeze } from '../../billing/freezes.js';
import type { BudgetStanding } from '../../billing/ledger.js';
import type { PrincipalDocument, TeamDocument } from '../../policies/control/document.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import {
  tryParseWarehouseSize,
  WAREHOUSE_SIZES,
  type WarehouseSize,
} from '../../policies/control/sizes.js';
import type { Estimate } from '../../policies/estimate/estimate.js';
import { estimateText, type GuessAmounts } from '../../policies/estimate/estimator.js';
import type { HistoryView } from '../../policies/estimate/history-store.js';
import type { StatisticsView } from '../../policies/estimate/scan.js';
import type { Decision } from '../../policies/rules/decision.js';
import type { TextFacts } from '../../policies/sql/facts.js';
import { recogniseWorkload, workloadText } from '../../policies/workload.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import { ladderStandings } from '../../policies/rules/ladder.js';
import { asksForWarehouse, warehouseToSwitchTo } from '../../policies/rules/move.js';
import { asksForOffPeak, offPeakFrom } from '../../policies/off-peak.js';
import { CLIENT_MAX, judgeText } from '../../proxy/decide.js';
import { BYTES_PER_SECOND_PER_CREDIT, type PricedText, priceText } from '../../proxy/estimate.js';
import { freezeOf } from '../../proxy/freezes.js';
import { hasLadders } from '../../proxy/ladder-standings.js';
import { budgetsOf } from '../../proxy/reserve.js';
import type { ShapeKey } from '../../proxy/running/shape-spend-rows.js';
import type { SpendBook } from '../../proxy/running/spend-book.js';
import { countedAs, paceAt } from './pace.js';
import type { ReplayRow } from './row.js';

/** Why a statement would not have run. */
export interface Refused {
  readonly kind: 'refused';
  /** `rule full-scan`, `ceiling`, `opaque`, `identity`, `warehouse`. */
  readonly by: string;
  /** An estimate above this refused it; null: not an amount. */
  readonly limitCredits: Credits | null;
}

export interface Allowed {
  readonly kind: 'allowed';
  readonly teamId: string | null;
  readonly budgetIds: readonly string[];
  readonly holdCredits: Credits;
  readonly ceilingCredits: Credits | null;
  /** The tier in whose lane it waits. */
  readonly laneTier: string;
  /** Until the off-peak hours, which it chose, or because its shape is slowed down. */
  readonly isKeptBack: boolean;
  /** What its run is counted by, where a run rate holds for it; null: none does. */
  readonly paced: ShapeKey | null;
}

export interface Judged {
  readonly estimate: Estimate;
  /** Credits per hour of one cluster of the warehouse. */
  readonly creditsPerHour: Credits;
  readonly pricePerCredit: Money;
  readonly tier: string;
  readonly isWarned: boolean;
  readonly answer: Refused | Allowed;
}

/** A statement that came. */
export interface Arrival {
  readonly row: ReplayRow;
  readonly facts: TextFacts;
  readonly at: EpochMs;
}

export type Judge = (arrival: Arrival) => Judged;

export interface JudgeParts {
  readonly history: HistoryView;
  readonly statistics: StatisticsView;
}

/** What decides beside the document. */
export interface GovernParts extends JudgeParts {
  /** How budgets stand when a statement comes. */
  readonly standing: (budgetIds: readonly string[], at: EpochMs) => readonly BudgetStanding[];
  /** What was frozen, the narrowest first. */
  readonly freezes: readonly Freeze[];
  /** What shapes took before. Nobody lifts a pace. */
  readonly spends: Pick<SpendBook, 'spendOf'>;
}

/** Credits an hour of a first-generation standard warehouse by size. Source: Snowflake, Service Consumption Table. */
const STANDARD_RATES: ReadonlyMap<string, Credits> = new Map(
  WAREHOUSE_SIZES.map((size, index) => [size, parseCredits(String(2 ** index))]),
);

/** Warehouses whose last size is remembered. */
const WAREHOUSES_MAX = 10_000;

/** Where no control document gives amounts for statements of which nothing is known. */
const OPEN_TIER: GuessAmounts = {
  id: 'any',
  guessExpectedCredits: parseCredits('0.01'),
  guessHoldCredits: parseCredits('0.1'),
  ceilingCredits: parseCredits('1000000'),
};

/** Estimates only. */
export function observe(parts: JudgeParts): Judge {
  const sizes = new LRUCache<string, WarehouseSize>({ max: WAREHOUSES_MAX });
  return ({ row, facts, at }) => {
    const { size, creditsPerHour } = standardWarehouse(row, sizes);
    const { total } = estimateText(facts, {
      tier: OPEN_TIER,
      warehouse: row.warehouse ?? '',
      warehouseSize: size,
      creditsPerHour,
      ...parts,
      bytesPerSecondPerCredit: BYTES_PER_SECOND_PER_CREDIT,
      at,
    });
    return {
      estimate: total,
      creditsPerHour,
      pricePerCredit: NO_MONEY,
      tier: OPEN_TIER.id,
      isWarned: false,
      answer: {
        kind: 'allowed',
        teamId: null,
        budgetIds: [],
        holdCredits: total.highCredits,
        ceilingCredits: null,
        laneTier: OPEN_TIER.id,
        isKeptBack: false,
        paced: null,
      },
    };
  };
}

/** Where a row has no size, the one that its warehouse had last; an X-Small before any is known. */
function standardWarehouse(
  { warehouse, warehouseSize }: ReplayRow,
  sizes: LRUCache<string, WarehouseSize>,
): { readonly size: WarehouseSize; readonly creditsPerHour: Credits } {
  const name = warehouse ?? '';
  const own = tryParseWarehouseSize(warehouseSize ?? '');
  if (own !== undefined) sizes.set(name, own);
  const size = own ?? sizes.get(name) ?? 'XSMALL';
  return { size, creditsPerHour: must(STANDARD_RATES.get(size), 'every size has a rate') };
}

/** Estimates and decides by a control document; budgets are held afterwards. */
export function govern(snapshot: ControlSnapshot, parts: GovernParts): Judge {
  const watch = observe(parts);
  return (arrival) => {
    const { row, facts, at } = arrival;
    const refused = (by: string): Judged => ({
      ...watch(arrival),
      answer: { kind: 'refused', by, limitCredits: null },
    });
    const who = whoAsks(snapshot, row);
    if (who === undefined) return refused('identity');
    const priced = priceText({
      facts,
      isDescribe: false,
      snapshot,
      warehouse: row.warehouse,
      account: who.account,
      ...parts,
      at,
    });
    if (priced.kind === 'refused') return refused('warehouse');
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

interface Question {
  readonly snapshot: ControlSnapshot;
  readonly parts: GovernParts;
  readonly arrival: Arrival;
  readonly who: Asker;
  readonly workload: string | null;
}

type Answer = Pick<Judged, 'isWarned' | 'answer'>;

/** As the path decides: freezes, ladders and rules, the tier they move it to, its hours. */
function answerOn(question: Question, price: PricedText, isSwitched: boolean): Answer {
  const freeze = price.isFree ? undefined : freezeOn(question, price.placement);
  if (freeze !== undefined) return { isWarned: false, answer: freeze };
  const path = price.isFree ? [] : budgetsOf(budgetQuestion(question, price));
  const decision = decisionOn(question, price, path);
  const hasWarnings = decision.warnings.length > 0;
  const there = switchedTo(question, decision, price.isFree, isSwitched);
  if (there !== null) return answerOn(question, there, true);
  const hours = hoursFor(question, price);
  if (hours === 'none') return { isWarned: hasWarnings, answer: refusedFor('off-peak: no hours') };
  // A history does not say whether somebody would have approved.
  const isRun =
    decision.kind === 'allow' ||
    decision.kind === 'queue' ||
    (decision.kind === 'reroute' && price.isFree);
  if (!isRun) return { isWarned: hasWarnings, answer: refusedBy(decision) };
  const rated = {
    snapshot: question.snapshot,
    team: question.who.team,
    facts: question.arrival.facts,
    ...price,
  };
  const pace = paceAt(question.parts.spends, rated, question.arrival.at);
  const isWarned = hasWarnings || pace.rung === 'warn';
  if (pace.rung === 'stop') return { isWarned, answer: refusedFor(`run rate: ${pace.id}`) };
  const { ceilingCredits } = decision;
  const lane = decision.kind === 'queue' ? question.snapshot.tier(decision.tier) : undefined;
  return {
    isWarned,
    answer: {
      kind: 'allowed',
      teamId: question.who.team.id,
      budgetIds: path,
      holdCredits: creditsToHold(price, ceilingCredits),
      ceilingCredits,
      laneTier: (lane ?? price.placement.tier).id,
      isKeptBack: hours === 'later' || pace.rung === 'slow',
      paced: countedAs(rated),
    },
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
  return refusedFor(`freeze: ${what}`);
}

function budgetQuestion(
  { snapshot, arrival, who, workload }: Question,
  { placement }: PricedText,
): Parameters<typeof budgetsOf>[0] {
  const { team, principal } = who;
  const { row, at } = arrival;
  return { snapshot, team, principal, placement, workload, client: row.client, at };
}

function decisionOn(question: Question, price: PricedText, path: readonly string[]): Decision {
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
    },
  });
}

/** Priced on the warehouse that its session is switched to; null: it stays. Its driver and session are taken to allow it. */
function switchedTo(
  { snapshot, parts, arrival, who }: Question,
  decision: Decision,
  isFree: boolean,
  isSwitched: boolean,
): PricedText | null {
  const { row, facts, at } = arrival;
  const { warehouse: own, queryText } = row;
  const { statements } = facts;
  const there = warehouseToSwitchTo(snapshot, decision, {
    statements,
    isFree,
    warehouse: own,
    isSwitched,
  });
  if (there === null || asksForWarehouse(queryText ?? '')) return null;
  const { account } = who;
  const text = { facts, isDescribe: false, snapshot, warehouse: there, account, ...parts, at };
  const priced = priceText(text);
  return priced.kind === 'priced' ? priced.price : null;
}

/** Whether it waits for the off-peak hours; `none`: it would, and its tier has none. */
function hoursFor(
  { arrival: { row, at } }: Question,
  { isFree, placement }: PricedText,
): 'now' | 'later' | 'none' {
  if (isFree || !choosesOffPeak(row)) return 'now';
  const { offPeak } = placement.tier;
  if (offPeak === null) return 'none';
  return offPeakFrom(offPeak, at) > at ? 'later' : 'now';
}

function choosesOffPeak({ isOffPeak, queryText, queryTag }: ReplayRow): boolean {
  return isOffPeak || asksForOffPeak(queryText ?? '', queryTag);
}

function refusedFor(by: string): Refused {
  return { kind: 'refused', by, limitCredits: null };
}

/** A reroute without a switch is told to the caller, who has to send it again; so is a missing approval. */
function refusedBy(decision: Decision): Refused {
  const rule = decision.reasons[0]?.source ?? decision.kind;
  if (decision.kind !== 'refuse') return refusedFor(`${decision.kind}: ${rule}`);
  const { cause } = decision;
  switch (cause.kind) {
    case 'rule':
    case 'off-peak':
      return { kind: 'refused', by: `rule: ${cause.ruleId}`, limitCredits: null };
    case 'ceiling':
      return {
        kind: 'refused',
        by: `ceiling: ${cause.source}`,
        limitCredits: cause.ceilingCredits,
      };
    case 'access':
      return { kind: 'refused', by: `access: ${cause.listId}`, limitCredits: null };
    case 'opaque':
    case 'external-location':
      return { kind: 'refused', by: cause.kind, limitCredits: null };
  }
}

interface Asker {
  readonly account: string;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
}

/** By the ledger's own word, else by the mapping; undefined: nobody the document knows, or a suspended one. */
function whoAsks(snapshot: ControlSnapshot, row: ReplayRow): Asker | undefined {
  const account = row.account ?? snapshot.document.accounts[0]?.id ?? '';
  if (row.ticket !== null) {
    const principal = snapshot.principal(row.ticket.principal);
    const team = snapshot.team(row.ticket.team);
    return principal === undefined || team === undefined || principal.status === 'suspended'
      ? undefined
      : { account, principal, team };
  }
  const caller = { account, snowflakeUser: row.user ?? '', role: row.role, address: null };
  const found = snapshot.resolvePrincipal(caller);
  return found.kind === 'known' ? { account, ...found } : undefined;
}

function workloadOf({ queryTag, queryText }: ReplayRow): string | null {
  const workload = recogniseWorkload({ queryTag, sqlText: queryText ?? '', application: null });
  return workload === null ? null : workloadText(workload);
}
