/**
 * What today's Tollgate would have made of one statement when it came: its price and the answer, by the functions of
 * the live path. Without a control document nothing is refused, and every warehouse is what the history says it is.
 */
import { LRUCache } from 'lru-cache';
import { must } from '../../base/assert.js';
import type { EpochMs } from '../../base/time.js';
import { type Credits, type Money, NO_MONEY, parseCredits } from '../../base/units.js';
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
import { judgeText } from '../../proxy/decide.js';
import { BYTES_PER_SECOND_PER_CREDIT, priceText } from '../../proxy/estimate.js';
import { creditsToHold } from '../../policies/rules/ceiling.js';
import { budgetsOf } from '../../proxy/reserve.js';
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

/** Estimates and decides by a control document; budgets are asked afterwards. */
export function govern(snapshot: ControlSnapshot, parts: JudgeParts): Judge {
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
      ...parts,
      at,
    });
    if (priced.kind === 'refused') return refused('warehouse');
    const { placement, estimate, estimateParts, isFree } = priced.price;
    const { account, team, principal } = who;
    const workload = workloadOf(row);
    const decision = judgeText({
      sqlText: row.queryText ?? '',
      statements: facts.statements,
      estimate,
      estimateParts,
      statistics: parts.statistics,
      context: {
        snapshot,
        account,
        team,
        principal,
        via: null,
        role: row.role,
        tier: placement.tier,
        warehouse: placement.warehouse ?? '',
        workload,
        client: '',
        at,
      },
    });
    const common = {
      estimate,
      creditsPerHour: placement.creditsPerHour,
      pricePerCredit: placement.pricePerCredit,
      tier: placement.tier.id,
      isWarned: decision.warnings.length > 0,
    };
    if (decision.kind !== 'allow') return { ...common, answer: refusedBy(decision) };
    const { ceilingCredits } = decision;
    // A history does not say which driver sent a statement.
    const asked = { snapshot, team, principal, placement, workload, client: null, at };
    return {
      ...common,
      answer: {
        kind: 'allowed',
        teamId: team.id,
        budgetIds: isFree ? [] : budgetsOf(asked),
        holdCredits: creditsToHold({ estimate, isFree }, ceilingCredits),
        ceilingCredits,
      },
    };
  };
}

/** A reroute and a queue are told to the caller, who has to send it again; so is a missing approval. */
function refusedBy(decision: Exclude<Decision, { kind: 'allow' }>): Refused {
  const rule = decision.reasons[0]?.source ?? decision.kind;
  if (decision.kind !== 'refuse')
    return { kind: 'refused', by: `${decision.kind}: ${rule}`, limitCredits: null };
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
