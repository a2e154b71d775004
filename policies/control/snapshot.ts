/**
 * The control document as the proxy reads it: immutable, versioned, indexed, with amounts and conditions parsed.
 * Every look-up is pure and answers undefined (or `unknown`) instead of a default: the caller refuses.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import {
  type Condition,
  type ConditionCompiler,
  createConditionCompiler,
} from '../rules/condition.js';
import {
  type CallerFacts,
  createPrincipalResolver,
  type PrincipalResolution,
} from '../identity.js';
import { foldName, matchesGlob } from '../rules/glob.js';
import type {
  BudgetDocument,
  ControlDocument,
  PrincipalDocument,
  RuleDocument,
  TeamDocument,
  TierDocument,
} from './document.js';
import { tryParseInstant } from './instant.js';
import { tryParseWarehouseSize, type WarehouseSize } from './sizes.js';

/** A tier with its amounts parsed. */
export interface Tier {
  readonly id: string;
  readonly warehouse: string;
  readonly weight: number;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly queueTimeoutSeconds: number;
  readonly statementTimeoutSeconds: number;
  readonly ceilingCredits: Credits;
  readonly guessHoldCredits: Credits;
  readonly guessExpectedCredits: Credits;
  readonly opaque: TierDocument['opaque'];
  /** null: EXPLAIN is never asked for on its own. */
  readonly explainAboveCredits: Credits | null;
}

export interface Warehouse {
  readonly name: string;
  readonly size: WarehouseSize;
  readonly kind: string;
  readonly generation: string;
}

/** A rule with its condition compiled. */
export interface CompiledRule {
  readonly rule: RuleDocument;
  readonly condition: Condition;
}

export interface Price {
  readonly pricePerCredit: Money;
  readonly currency: string;
}

/** What narrows the budgets of a statement. */
export interface BudgetPath {
  readonly teamId: string;
  readonly principalId: string;
  readonly tier: string;
  readonly workload: string | null;
}

export interface ControlSnapshot {
  readonly version: number;
  readonly document: ControlDocument;
  readonly tiers: readonly Tier[];
  readonly rules: readonly CompiledRule[];
  /** Who the caller is to us, by the ordered mapping. Fails closed: an account not listed is unknown too. */
  resolvePrincipal(caller: CallerFacts): PrincipalResolution;
  team(id: string): TeamDocument | undefined;
  principal(id: string): PrincipalDocument | undefined;
  /** Every budget a statement is held against, outermost node first, then by id. */
  budgetsFor(path: BudgetPath): readonly BudgetDocument[];
  budget(id: string): BudgetDocument | undefined;
  tier(id: string): Tier | undefined;
  /** The tier bound to that warehouse; undefined when none is. */
  tierForWarehouse(name: string): Tier | undefined;
  defaultTier(): Tier;
  warehouse(name: string): Warehouse | undefined;
  /** Credits per hour of one cluster at that instant; undefined when no rate covers it: refuse, never assume. */
  rate(kind: string, generation: string, size: string, at: EpochMs): Credits | undefined;
  /** {@link rate} of a warehouse of the document. */
  rateOfWarehouse(name: string, at: EpochMs): Credits | undefined;
  /** Price of one credit of that kind (`compute`); undefined when none is in force. */
  priceAt(creditKind: string, at: EpochMs): Price | undefined;
}

/**
 * Indexes an accepted document (`parseControlDocument`). A document that was not checked may trip an assertion.
 * @param version of the control tables; rises with every change.
 */
export function createSnapshot(document: ControlDocument, version: number): ControlSnapshot {
  const frozen = deepFreeze(structuredClone(document));
  const compiler = createConditionCompiler();
  const tiers = frozen.tiers.map(toTier);
  const tierById = new Map(tiers.map((tier) => [tier.id, tier]));
  const tierByWarehouse = new Map(tiers.map((tier) => [foldName(tier.warehouse), tier]));
  const teams = new Map(frozen.teams.map((team) => [team.id, team]));
  const principals = new Map(frozen.principals.map((principal) => [principal.id, principal]));
  const budgets = new Map(frozen.budgets.map((budget) => [budget.id, budget]));
  const warehouses = new Map(
    frozen.warehouses.map((entry) => [foldName(entry.name), toWarehouse(entry)]),
  );
  const rate = indexRates(frozen);
  const warehouse = (name: string): Warehouse | undefined => warehouses.get(foldName(name));
  return Object.freeze({
    version,
    document: frozen,
    tiers: Object.freeze(tiers),
    rules: Object.freeze(frozen.rules.map((rule) => compileRule(rule, compiler))),
    resolvePrincipal: createPrincipalResolver(frozen),
    team: (id: string) => teams.get(id),
    principal: (id: string) => principals.get(id),
    budgetsFor: indexBudgets(frozen, teams),
    budget: (id: string) => budgets.get(id),
    tier: (id: string) => tierById.get(id),
    tierForWarehouse: (name: string) => tierByWarehouse.get(foldName(name)),
    defaultTier: () => must(tierById.get(frozen.defaultTier), 'the default tier exists'),
    warehouse,
    rate,
    rateOfWarehouse(name: string, at: EpochMs) {
      const found = warehouse(name);
      return found === undefined ? undefined : rate(found.kind, found.generation, found.size, at);
    },
    priceAt: indexPrices(frozen),
  });
}

function toTier(tier: TierDocument): Tier {
  return Object.freeze({
    ...tier,
    ceilingCredits: parseCredits(tier.ceilingCredits),
    guessHoldCredits: parseCredits(tier.guessHoldCredits),
    guessExpectedCredits: parseCredits(tier.guessExpectedCredits),
    explainAboveCredits:
      tier.explainAboveCredits === undefined ? null : parseCredits(tier.explainAboveCredits),
  });
}

function toWarehouse(entry: ControlDocument['warehouses'][number]): Warehouse {
  return Object.freeze({
    ...entry,
    size: must(tryParseWarehouseSize(entry.size), 'an accepted document has known sizes'),
  });
}

function compileRule(rule: RuleDocument, compiler: ConditionCompiler): CompiledRule {
  const result = compiler.compile(rule.when);
  return Object.freeze({
    rule,
    condition: must(result.ok ? result.condition : undefined, `rule ${rule.id} compiles`),
  });
}

function indexBudgets(
  document: ControlDocument,
  teams: ReadonlyMap<string, TeamDocument>,
): (path: BudgetPath) => readonly BudgetDocument[] {
  const byNode = new Map<string, BudgetDocument[]>();
  for (const budget of document.budgets)
    byNode.set(budget.node, [...(byNode.get(budget.node) ?? []), budget]);
  for (const budgets of byNode.values()) budgets.sort((a, b) => (a.id < b.id ? -1 : 1));
  return ({ teamId, principalId, tier, workload }) => {
    const department = teams.get(teamId)?.department;
    const nodes = [document.organisation.id, department, teamId, principalId];
    return nodes
      .flatMap((node) => (node === undefined ? [] : (byNode.get(node) ?? [])))
      .filter(
        (budget) =>
          (budget.tier === undefined || budget.tier === tier) &&
          (budget.workload === undefined ||
            (workload !== null && matchesGlob(foldName(workload), foldName(budget.workload)))),
      );
  };
}

function indexRates(document: ControlDocument): ControlSnapshot['rate'] {
  const series = new Map<string, { readonly from: EpochMs; readonly rate: Credits }[]>();
  for (const entry of document.rates) {
    const key = rateKey(entry.kind, entry.generation, entry.size);
    const from = must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants');
    series.set(key, [
      ...(series.get(key) ?? []),
      { from, rate: parseCredits(entry.creditsPerHour) },
    ]);
  }
  for (const entries of series.values()) entries.sort((a, b) => b.from - a.from);
  return (kind, generation, size, at) =>
    series.get(rateKey(kind, generation, size))?.find((entry) => entry.from <= at)?.rate;
}

function rateKey(kind: string, generation: string, size: string): string {
  return [foldName(kind), foldName(generation), tryParseWarehouseSize(size) ?? ''].join('|');
}

function indexPrices(document: ControlDocument): ControlSnapshot['priceAt'] {
  const prices = document.prices
    .map((entry) => ({
      creditKind: entry.creditKind,
      from: must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants'),
      to: entry.effectiveTo === undefined ? Infinity : (tryParseInstant(entry.effectiveTo) ?? 0),
      price: Object.freeze({
        pricePerCredit: parseMoney(entry.pricePerCredit),
        currency: entry.currency,
      }),
    }))
    .sort((a, b) => b.from - a.from);
  return (creditKind, at) => {
    // The latest price that has begun decides; when it has ended there is none, not the one before it.
    const latest = prices.find((entry) => entry.creditKind === creditKind && entry.from <= at);
    return latest !== undefined && at < latest.to ? latest.price : undefined;
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
