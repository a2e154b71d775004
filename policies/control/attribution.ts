/** Who bears what nobody ran, as an accepted document says it at an instant. */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import { foldName, matchesGlob } from '../rules/glob.js';
import type { IdlePolicyDocument, SharedCostDocument } from './attribution-documents.js';
import type { BudgetDocument, ControlDocument } from './document.js';
import { tryParseInstant } from './instant.js';

/** From when an entry holds for a warehouse, until the next one. */
export interface IdlePolicySpan {
  readonly from: EpochMs;
  readonly entry: IdlePolicyDocument;
}

/** What a team weighs among others; units are the same for all of them. */
export interface TeamWeight {
  readonly teamId: string;
  readonly weight: bigint;
}

/** The entries that hold for a warehouse one after the other, the earliest first; its own go before those of all. */
export function idlePoliciesOf(
  document: Pick<ControlDocument, 'idlePolicies'>,
  warehouse: string,
): readonly IdlePolicySpan[] {
  const entries = document.idlePolicies ?? [];
  const own = entries.filter(
    (entry) => entry.warehouse !== undefined && foldName(entry.warehouse) === foldName(warehouse),
  );
  const general = entries.filter((entry) => entry.warehouse === undefined);
  const ownFrom = own.reduce((least, entry) => Math.min(least, startOf(entry)), Infinity);
  return [...general.filter((entry) => startOf(entry) < ownFrom), ...own]
    .map((entry) => ({ from: startOf(entry), entry }))
    .sort((a, b) => a.from - b.from);
}

function startOf({ effectiveFrom }: IdlePolicyDocument): EpochMs {
  return must(tryParseInstant(effectiveFrom), 'an accepted document has instants');
}

/** The team that owns a warehouse; undefined: none is named. */
export function warehouseOwnerOf(
  document: Pick<ControlDocument, 'warehouseOwners'>,
  warehouse: string,
): string | undefined {
  const folded = foldName(warehouse);
  return document.warehouseOwners?.find((entry) => matchesGlob(folded, foldName(entry.warehouse)))
    ?.team;
}

/** Days of 420ths, so that every kind of period divides; a month counts 30 days, a quarter 91, a year 365. */
const PERIOD_DAYS: Readonly<Record<string, bigint>> = {
  day: 1n,
  week: 7n,
  month: 30n,
  quarter: 91n,
  year: 365n,
};
const ALL_DAYS = 1n * 7n * 30n * 91n * 365n;

/**
 * What teams weigh by the limits of their own budgets, as credits a day: the largest of a team's budgets that hold for
 * everything it does. Teams without one, and unlimited ones, are not among them.
 */
export function budgetWeights(
  document: Pick<ControlDocument, 'budgets' | 'teams'>,
): readonly TeamWeight[] {
  const most = new Map<string, bigint>();
  const teams = new Set(document.teams.map(({ id }) => id));
  for (const budget of document.budgets) {
    const { node } = budget;
    const weight = teams.has(node) ? weightOf(budget) : 0n;
    if (weight > (most.get(node) ?? 0n)) most.set(node, weight);
  }
  return [...most]
    .map(([teamId, weight]) => ({ teamId, weight }))
    .sort((a, b) => (a.teamId < b.teamId ? -1 : 1));
}

function weightOf({ limitCredits, period, tier, workload, client }: BudgetDocument): bigint {
  const isWhole = [tier, workload, client].every((each) => each === undefined);
  if (!isWhole || limitCredits === 'unlimited') return 0n;
  const days =
    period.custom === undefined
      ? PERIOD_DAYS[period.fiscal?.length ?? period.kind]
      : period.custom.everyDays && BigInt(period.custom.everyDays);
  return typeof days === 'bigint' ? (parseCredits(limitCredits) * ALL_DAYS) / days : 0n;
}

/** The shared cost that an entity's day goes by; undefined: none matches. @param day `YYYY-MM-DD`. */
export function sharedCostOf(
  document: Pick<ControlDocument, 'sharedCosts'>,
  service: string,
  entity: string | null,
  day: string,
): SharedCostDocument | undefined {
  return document.sharedCosts?.find(
    (entry) =>
      matchesGlob(foldName(service), foldName(entry.service)) &&
      (entry.entity === undefined ||
        (entity !== null && matchesGlob(foldName(entity), foldName(entry.entity)))) &&
      (entry.effectiveFrom === undefined || entry.effectiveFrom <= day),
  );
}
