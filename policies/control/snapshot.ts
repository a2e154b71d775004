/**
 * The control document as the proxy reads it: immutable, versioned, indexed, with amounts and conditions parsed.
 * Every look-up is pure and answers undefined (or `unknown`) instead of a default: the caller refuses.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import { type AccessList, accessLists } from '../access/decide.js';
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
  AccountDocument,
  BudgetDocument,
  ControlDocument,
  PrincipalDocument,
  RuleDocument,
  TeamDocument,
  TierDocument,
} from './document.js';
import type { RuleMode } from './choices.js';
import type { RunRateDocument } from './guard-documents.js';
import type { OffPeakDocument, WarehouseSwitch } from './ladder-documents.js';
import { laneLimits } from '../lanes/limits.js';
import type { LaneLimits } from '../lanes/lane.js';
import { type ImportedPrice, type PriceAt, priceLookup } from '../prices/price-lookup.js';
import { type RateAt, rateLookup, rateOfEntry } from '../prices/rate-lookup.js';
import { presetRule } from './presets.js';
import { tryParseWarehouseSize, type WarehouseSize } from './sizes.js';

/** A tier with its amounts parsed. */
export interface Tier {
  readonly id: string;
  readonly warehouse: string;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly queueTimeoutSeconds: number;
  /** Its queue and permits, with what is said of single teams. */
  readonly lane: LaneLimits;
  readonly statementTimeoutSeconds: number;
  readonly ceilingCredits: Credits;
  readonly guessHoldCredits: Credits;
  readonly guessExpectedCredits: Credits;
  readonly opaque: TierDocument['opaque'];
  readonly switch: WarehouseSwitch;
  readonly offPeak: OffPeakDocument | null;
  /** Within how many milliseconds a statement is to have its permit; null: nothing is promised. */
  readonly waitTargetMs: number | null;
  readonly clientGone: 'keep' | 'cancel';
  /** null: EXPLAIN is never asked for on its own. */
  readonly explainAboveCredits: Credits | null;
}

export interface Warehouse {
  readonly name: string;
  readonly size: WarehouseSize;
  readonly kind: string;
  readonly generation: string;
  readonly resourceConstraint?: string;
  readonly cloud?: string;
}

/** A rule with its condition compiled. */
export interface CompiledRule {
  readonly rule: RuleDocument;
  readonly condition: Condition;
}

/** What narrows the budgets of a statement. */
export interface BudgetPath {
  readonly teamId: string;
  readonly principalId: string;
  readonly tier: string;
  readonly workload: string | null;
  /** What the driver or tool calls itself; null: it did not say, or nobody knows. */
  readonly client: string | null;
}

/** A run rate with its limit parsed; the limit is in credits or in money. */
export interface RunRate {
  readonly id: string;
  readonly mode: RuleMode;
  readonly limit: { readonly credits: Credits } | { readonly money: Money };
  readonly warnAtPercent: number;
  readonly slowAtPercent: number;
  readonly stopAtPercent: number;
  readonly slowSeconds: number;
}

export interface ControlSnapshot {
  readonly version: number;
  readonly document: ControlDocument;
  readonly tiers: readonly Tier[];
  readonly rules: readonly CompiledRule[];
  readonly access: readonly AccessList[];
  /** Who the caller is to us, by the ordered mapping. Fails closed: an account not listed is unknown too. */
  resolvePrincipal(caller: CallerFacts): PrincipalResolution;
  team(id: string): TeamDocument | undefined;
  /** By id, without case, as people write their names to Snowflake. */
  principal(id: string): PrincipalDocument | undefined;
  /** By id, without case. */
  account(id: string): AccountDocument | undefined;
  /** Every budget a statement is held against, outermost node first, then by id. */
  budgetsFor(path: BudgetPath): readonly BudgetDocument[];
  budget(id: string): BudgetDocument | undefined;
  tier(id: string): Tier | undefined;
  /** Every run rate that holds for shapes of a team in a tier, in document order. */
  runRatesFor(teamId: string, tierId: string): readonly RunRate[];
  /** The tier bound to that warehouse; undefined when none is. */
  tierForWarehouse(name: string): Tier | undefined;
  defaultTier(): Tier;
  warehouse(name: string): Warehouse | undefined;
  /** Credits per hour of one cluster at that instant; undefined when no rate covers it: refuse, never assume. */
  readonly rate: RateAt;
  /** {@link rate} of a warehouse of the document. */
  rateOfWarehouse(name: string, at: EpochMs): Credits | undefined;
  /** Price of one credit of that kind (`compute`); undefined when none is in force. */
  readonly priceAt: PriceAt;
}

/**
 * Indexes an accepted document (`parseControlDocument`). A document that was not checked may trip an assertion.
 * @param version of the control tables; rises with every change.
 * @param imported prices of rate sheets that are in force.
 */
export function createSnapshot(
  document: ControlDocument,
  version: number,
  imported: readonly ImportedPrice[] = [],
): ControlSnapshot {
  const frozen = deepFreeze(structuredClone(document));
  const compiler = createConditionCompiler();
  const tiers = frozen.tiers.map(toTier);
  const tierById = new Map(tiers.map((tier) => [tier.id, tier]));
  const tierByWarehouse = new Map(tiers.map((tier) => [foldName(tier.warehouse), tier]));
  const teams = new Map(frozen.teams.map((team) => [team.id, team]));
  const principals = new Map(frozen.principals.map((each) => [foldName(each.id), each]));
  const accounts = new Map(frozen.accounts.map((each) => [foldName(each.id), each]));
  const budgets = new Map(frozen.budgets.map((budget) => [budget.id, budget]));
  const warehouses = new Map(
    frozen.warehouses.map((entry) => [foldName(entry.name), toWarehouse(entry)]),
  );
  const rate = rateLookup(frozen);
  const warehouse = (name: string): Warehouse | undefined => warehouses.get(foldName(name));
  return Object.freeze({
    version,
    document: frozen,
    tiers: Object.freeze(tiers),
    rules: Object.freeze(
      [...frozen.rules, ...(frozen.presets ?? []).map(presetRule)].map((rule) =>
        compileRule(rule, compiler),
      ),
    ),
    access: Object.freeze(accessLists(frozen.access ?? [])),
    resolvePrincipal: createPrincipalResolver(frozen),
    team: (id: string) => teams.get(id),
    principal: (id: string) => principals.get(foldName(id)),
    account: (id: string) => accounts.get(foldName(id)),
    budgetsFor: indexBudgets(frozen, teams),
    budget: (id: string) => budgets.get(id),
    runRatesFor: indexRunRates(frozen.runRates ?? []),
    tier: (id: string) => tierById.get(id),
    tierForWarehouse: (name: string) => tierByWarehouse.get(foldName(name)),
    defaultTier: () => must(tierById.get(frozen.defaultTier), 'the default tier exists'),
    warehouse,
    rate,
    rateOfWarehouse(name: string, at: EpochMs) {
      const found = warehouse(name);
      return found === undefined ? undefined : rateOfEntry(rate, frozen, found, at);
    },
    priceAt: priceLookup(frozen, imported),
  });
}

function toTier(tier: TierDocument): Tier {
  return Object.freeze({
    ...tier,
    lane: laneLimits(tier),
    clientGone: tier.clientGone ?? 'keep',
    switch: tier.switch ?? 'refuse',
    offPeak: tier.offPeak ?? null,
    waitTargetMs: tier.slo === undefined ? null : tier.slo.waitSeconds * 1000,
    ceilingCredits: parseCredits(tier.ceilingCredits),
    guessHoldCredits: parseCredits(tier.guessHoldCredits),
    guessExpectedCredits: parseCredits(tier.guessExpectedCredits),
    explainAboveCredits:
      tier.explainAboveCredits === undefined ? null : parseCredits(tier.explainAboveCredits),
  });
}

function indexRunRates(
  entries: readonly RunRateDocument[],
): (teamId: string, tierId: string) => readonly RunRate[] {
  const rates = entries.map((entry) => ({ entry, rate: toRunRate(entry) }));
  return (teamId, tierId) =>
    rates
      .filter(
        ({ entry: { teams, tiers } }) =>
          (teams === undefined || teams.includes(teamId)) &&
          (tiers === undefined || tiers.includes(tierId)),
      )
      .map(({ rate }) => rate);
}

function toRunRate(entry: RunRateDocument): RunRate {
  const { limitCreditsPerMonth: credits, limitMoneyPerMonth: money } = entry;
  return Object.freeze({
    id: entry.id,
    mode: entry.mode ?? 'enforce',
    limit:
      credits === undefined
        ? { money: parseMoney(must(money, 'an accepted run rate has a limit')) }
        : { credits: parseCredits(credits) },
    warnAtPercent: entry.warnAtPercent ?? 50,
    slowAtPercent: entry.slowAtPercent ?? 80,
    stopAtPercent: entry.stopAtPercent ?? 100,
    slowSeconds: entry.slowSeconds ?? 30,
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
  for (const budget of document.budgets) {
    const budgets = byNode.get(budget.node);
    if (budgets === undefined) byNode.set(budget.node, [budget]);
    else budgets.push(budget);
  }
  for (const budgets of byNode.values()) budgets.sort((a, b) => (a.id < b.id ? -1 : 1));
  return ({ teamId, principalId, tier, workload, client }) => {
    const department = teams.get(teamId)?.department;
    const nodes = [document.organisation.id, department, teamId, principalId];
    return nodes
      .flatMap((node) => (node === undefined ? [] : (byNode.get(node) ?? [])))
      .filter(
        (budget) =>
          (budget.tier === undefined || budget.tier === tier) &&
          matchesNarrowing(workload, budget.workload) &&
          matchesNarrowing(client, budget.client),
      );
  };
}

function matchesNarrowing(name: string | null, glob: string | undefined): boolean {
  return glob === undefined || (name !== null && matchesGlob(foldName(name), foldName(glob)));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
