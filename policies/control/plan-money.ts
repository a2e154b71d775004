/** Sentences about budgets, tiers, warehouses, rates and prices. */
import type { EpochMs } from '#base/time.js';
import {
  addCredits,
  type Credits,
  NO_CREDITS,
  parseCredits,
  parseMoney,
  priceCredits,
  subtractCredits,
  subtractMoney,
} from '#base/units.js';
import { moneyText } from '../rules/amount-text.js';
import type {
  BudgetDocument,
  ControlDocument,
  TierDocument,
  WarehouseDocument,
} from './document.js';
import type { PriceDocument, RateDocument } from '../prices/price-documents.js';
import { rateOfEntry } from '../prices/rate-lookup.js';
import { tryParseInstant } from './instant.js';
import {
  arrow,
  creditsDelta,
  creditsInMoney,
  creditsNumber,
  creditsText,
  limitOf,
  limitText,
  moneyDelta,
  periodNoun,
  periodText,
  type PlanContext,
  priceText,
  type Sentence,
  type Words,
} from './plan-words.js';
import { ladderChange, serviceChange } from './plan-ladder.js';

export const BUDGET_WORDS: Words<BudgetDocument> = {
  subject: ({ id }) => id,
  added: (budget, { price }) => ({
    text: `a new ${hardText(budget)} limit of ${limitText(budget, price)} on ${budget.node}${narrowText(budget)}`,
    credits: limitOf(budget),
  }),
  removed: (budget, { price }) => ({
    text: `removed from ${budget.node}; its limit was ${limitText(budget, price)}, ${hardText(budget)}`,
    credits: negated(limitOf(budget)),
  }),
  changed: (before, after, field, { price }) => {
    switch (field) {
      case 'limitCredits':
        return limitChange(before, after, price);
      case 'hard':
        return after.hard
          ? 'soft → hard: statements beyond the limit are refused from now on'
          : 'hard → soft: statements beyond the limit are admitted from now on';
      case 'period':
        return `period ${arrow(periodName(before), periodName(after))}`;
      case 'counts':
        return `counts ${arrow(before.counts, after.counts)} credits`;
      case 'node':
        return `limits ${after.node} instead of ${before.node}`;
      case 'tier':
      case 'workload':
      case 'client':
        return `${field} ${arrow(before[field], after[field])}`;
      case 'ladder':
        return ladderChange(before, after);
      case 'carryOver':
        return `carried into the next period: ${arrow(carryText(before), carryText(after))}`;
      case 'carryDebt':
        return after.carryDebt === true
          ? 'what is used above the limit is taken from the next period'
          : 'what is used above the limit is not taken from the next period any more';
      case 'failMode':
        return `while the ledger does not answer: ${arrow(failModeText(before), failModeText(after))}`;
      default:
        return null;
    }
  },
};

function failModeText({ failMode }: BudgetDocument): string {
  switch (failMode?.kind) {
    case undefined:
    case 'leases':
      return 'what replicas have leased is admitted';
    case 'refuse':
      return 'nothing is admitted';
    case 'allowance': {
      const { credits, amount } = failMode;
      const much = credits === undefined ? `${amount ?? '0'} of money` : `${credits} credits`;
      return `${much} a replica and outage`;
    }
  }
}

function carryText({ carryOver }: BudgetDocument): string {
  if (carryOver === undefined) return 'nothing';
  const cap = carryOver.maxCredits === undefined ? '' : `, at most ${carryOver.maxCredits} credits`;
  return `${carryOver.percent} % of what is left${cap}`;
}

function limitChange(
  before: BudgetDocument,
  after: BudgetDocument,
  price: PlanContext['price'],
): Sentence {
  const [earlier, later] = [limitOf(before), limitOf(after)];
  const shown = (limit: Credits | null): string =>
    limit === null ? 'unlimited' : creditsNumber(limit);
  const head = `${hardText(after)} limit ${shown(earlier)} → ${shown(later)} credits ${periodText(after)}`;
  if (earlier === null || later === null) return { text: head, credits: null };
  const credits = subtractCredits(later, earlier);
  return { text: `${head} (${creditsDelta(credits, price)})`, credits };
}

function hardText(budget: BudgetDocument): string {
  return budget.hard ? 'hard' : 'soft';
}

function negated(credits: Credits | null): Credits | null {
  return credits === null ? null : subtractCredits(NO_CREDITS, credits);
}

function periodName(budget: BudgetDocument): string {
  const { kind, timeZone, weekStartsOn, fiscal } = budget.period;
  const start = kind === 'week' ? ` from ${weekStartsOn ?? 'monday'}` : '';
  const year = fiscal === undefined ? '' : ` (${fiscal.pattern} from month ${fiscal.firstMonth})`;
  return `${periodNoun(budget)}${start}${year} in ${timeZone}`;
}

function narrowText(budget: BudgetDocument): string {
  const parts = [
    ...(budget.tier === undefined ? [] : [`tier ${budget.tier}`]),
    ...(budget.workload === undefined ? [] : [`workload ${budget.workload}`]),
    ...(budget.client === undefined ? [] : [`client ${budget.client}`]),
  ];
  return parts.length === 0 ? '' : `, only for ${parts.join(' and ')}`;
}

export const TIER_WORDS: Words<TierDocument> = {
  subject: ({ id }) => `tier ${id}`,
  added: (tier, context) =>
    `new, on warehouse ${tier.warehouse}: ${tier.concurrencyMax} statements at once, at most ${amount(tier.ceilingCredits, context)} each`,
  removed: (tier) => `removed; warehouse ${tier.warehouse} had it`,
  changed: (before, after, field, context) => {
    switch (field) {
      case 'warehouse':
        return `warehouse ${arrow(before.warehouse, after.warehouse)}`;
      case 'concurrencyMax':
        return `${arrow(before.concurrencyMax, after.concurrencyMax)} statements at once`;
      case 'queueMax':
        return `${arrow(before.queueMax, after.queueMax)} statements may wait`;
      case 'queueTimeoutSeconds':
        return `a statement waits at most ${arrow(before.queueTimeoutSeconds, after.queueTimeoutSeconds)} s`;
      case 'statementTimeoutSeconds':
        return `a statement runs at most ${arrow(before.statementTimeoutSeconds, after.statementTimeoutSeconds)} s`;
      case 'ceilingCredits':
        return `a statement may cost at most ${amounts(before.ceilingCredits, after.ceilingCredits, context)}`;
      case 'guessHoldCredits':
        return `an unknown statement holds ${amounts(before.guessHoldCredits, after.guessHoldCredits, context)}`;
      case 'guessExpectedCredits':
        return `an unknown statement is expected to take ${amounts(before.guessExpectedCredits, after.guessExpectedCredits, context)}`;
      case 'opaque':
        return `opaque statements: ${arrow(before.opaque, after.opaque)}`;
      case 'clientGone':
        return `statements whose client is gone: ${arrow(before.clientGone ?? 'keep', after.clientGone ?? 'keep')}`;
      case 'switch':
      case 'offPeak':
      case 'slo':
        return serviceChange(before, after, field);
      case 'weight':
      case 'teamConcurrencyMax':
      case 'teamQueueMax':
      case 'principalConcurrencyMax':
      case 'explainAboveCredits':
        return `${field} ${arrow(before[field], after[field])}`;
      default:
        return null;
    }
  },
};

function amount(text: string, { price }: PlanContext): string {
  const credits = parseCredits(text);
  const money = creditsInMoney(credits, price);
  return `${creditsText(credits)}${money === undefined ? '' : ` (${money})`}`;
}

function amounts(before: string, after: string, context: PlanContext): string {
  return `${amount(before, context)} → ${amount(after, context)}`;
}

export const WAREHOUSE_WORDS: Words<WarehouseDocument> = {
  subject: ({ name }) => `warehouse ${name}`,
  added: (entry, context) => `new: ${makeText(entry)}, ${rateOf(entry, context, 'after')}`,
  removed: () => 'removed: statements there are refused from now on',
  changed: (before, after, field, context) => {
    if (field !== 'size' && field !== 'kind' && field !== 'generation') return null;
    return `${field} ${arrow(before[field], after[field])} (${rateOf(before, context, 'before')} → ${rateOf(after, context, 'after')})`;
  },
};

function makeText(entry: { size: string; kind: string; generation: string }): string {
  return `${entry.size} ${entry.kind}, generation ${entry.generation}`;
}

function rateOf(entry: WarehouseDocument, context: PlanContext, side: 'before' | 'after'): string {
  const [lookup, document] =
    side === 'before' ? [context.rateBefore, context.before] : [context.rateAfter, context.after];
  const rate = rateOfEntry(lookup, document, entry, context.at);
  return rate === undefined ? 'no rate' : `${creditsText(rate)} an hour`;
}

export const RATE_WORDS: Words<RateDocument> = {
  subject: (entry) => `rate of ${makeText(entry)}`,
  added: (entry) =>
    `${creditsText(parseCredits(entry.creditsPerHour))} an hour from ${entry.effectiveFrom}`,
  removed: (entry) =>
    `removed; it was ${creditsText(parseCredits(entry.creditsPerHour))} an hour from ${entry.effectiveFrom}`,
  changed: (before, after) =>
    `${arrow(before.creditsPerHour, after.creditsPerHour)} credits an hour from ${after.effectiveFrom}`,
};

export const PRICE_WORDS: Words<PriceDocument> = {
  subject: ({ creditKind, account, serviceType }) =>
    `price of ${creditKind} credits${account === undefined ? '' : ` of account ${account}`}${serviceType === undefined ? '' : ` for ${serviceType}`}`,
  added: (entry, context) =>
    `${priceOf(entry)} from ${entry.effectiveFrom}${untilText(entry)}${nextMonth(entry, context)}`,
  removed: (entry, context) =>
    `removed; it was ${priceOf(entry)} from ${entry.effectiveFrom}${nextMonth(entry, context)}`,
  changed: (before, after, field, context) => {
    if (field === 'effectiveTo')
      return `${priceOf(after)} from ${after.effectiveFrom} ends ${arrow(before.effectiveTo, after.effectiveTo)}${nextMonth(after, context)}`;
    if (field === 'currency' && before.pricePerCredit !== after.pricePerCredit) return null;
    return `${priceOf(before)} → ${priceOf(after)} from ${after.effectiveFrom}${nextMonth(after, context)}`;
  },
};

function priceOf({ pricePerCredit, currency }: PriceDocument): string {
  return priceText({ pricePerCredit: parseMoney(pricePerCredit), currency });
}

/** What the teams' monthly budgets come to in money once this price is in force, next month at the earliest. */
function nextMonth(entry: PriceDocument, context: PlanContext): string {
  const from = tryParseInstant(entry.effectiveFrom) ?? context.at;
  const at = Math.max(nextMonthStart(context.at), from);
  const before = context.priceBefore(entry.creditKind, at, entry);
  const after = context.priceAfter(entry.creditKind, at, entry);
  const credits = teamsMonthlyCredits(context.after);
  if (entry.creditKind !== 'compute' || after === undefined) return '';
  const later = priceCredits(credits, after.pricePerCredit, 'half-even');
  const head = `: the teams' monthly budgets of ${creditsText(credits)} are ${moneyText(later, after.currency)}`;
  if (before === undefined || before.currency !== after.currency) return head;
  const earlier = priceCredits(credits, before.pricePerCredit, 'half-even');
  const delta = moneyDelta(subtractMoney(later, earlier), after.currency);
  return `${head} instead of ${moneyText(earlier, before.currency)} (${delta} a month)`;
}

function untilText(entry: PriceDocument): string {
  return entry.effectiveTo === undefined ? '' : ` to ${entry.effectiveTo}`;
}

export function nextMonthStart(at: EpochMs): EpochMs {
  const day = new Date(at);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1);
}

/** Sum of the limited monthly budgets that hang on teams and count all of their statements. */
export function teamsMonthlyCredits(document: ControlDocument): Credits {
  const teams = new Set(document.teams.map((team) => team.id));
  const limits = document.budgets.flatMap((budget) => {
    const isWhole = [budget.tier, budget.workload, budget.client].every(
      (each) => each === undefined,
    );
    if (!teams.has(budget.node) || budget.period.kind !== 'month' || !isWhole) return [];
    return limitOf(budget) ?? [];
  });
  return limits.reduce((sum, limit) => addCredits(sum, limit), NO_CREDITS);
}
