/**
 * Prices of one key (account, kind of credit, service) from the days of a rate sheet: from when which price is in force,
 * and which change is held because nobody should believe it unseen. Pure, and made anew from all days each time, so that
 * a sheet that is amended until its month is closed leads to the prices of what it says last.
 */
import { trimmed } from '#base/decimal-text.js';
import { type Money, NO_MONEY, addMoney, compareAmounts, formatAmount } from '#base/units.js';

/** What the sheet says of a day. A day without use has none: the price before it goes on. */
export interface SheetDay {
  /** `2026-10-01`. */
  readonly day: string;
  readonly currency: string;
  /** null: the sheet has a row and no price in it. */
  readonly price: Money | null;
  /** The sheet has other prices of the same day and key beside it. */
  readonly isContradicted: boolean;
  readonly importedBy: string | null;
}

export interface PriceDecision {
  readonly fromDay: string;
  readonly currency: string;
  /** As {@link PriceStep.price} has it. */
  readonly price: string;
  readonly decision: 'accepted' | 'declined';
}

export interface NamedPrice {
  readonly price: Money;
  readonly currency: string;
}

export interface PriceStep {
  readonly fromDay: string;
  /** The first day on which it does not hold any more; null: it goes on. */
  readonly toDay: string | null;
  readonly currency: string;
  /** Twelve decimals; empty where the sheet has none. */
  readonly price: string;
  readonly state: 'inForce' | 'held' | 'declined';
  /** Why it is held or was; null: it is in force as it came. */
  readonly why: string | null;
  /** What stays in force in its place; null: nothing is. */
  readonly former: string | null;
  readonly importedBy: string | null;
}

/** After so many days without a row a changed price is held: nobody saw when it changed. */
const HOLE_DAYS_MAX = 31;
const DAY_MS = 86_400_000;

/**
 * The steps of a key, by day.
 * @param days of the key, any order, one a day.
 * @param before what was in force before the first of them, by another source; null: nothing.
 */
export function priceSeries(
  days: readonly SheetDay[],
  decisions: readonly PriceDecision[],
  before: NamedPrice | null,
): readonly PriceStep[] {
  const steps: PriceStep[] = [];
  let inForce: { readonly value: NamedPrice; readonly step: number | null } | null =
    before === null ? null : { value: before, step: null };
  let aside: number | null = null;
  let last: string | null = null;
  const end = (index: number | null, toDay: string): void => {
    const step = index === null ? undefined : steps[index];
    if (index !== null && step !== undefined) steps[index] = { ...step, toDay };
  };
  for (const day of [...days].sort((a, b) => (a.day < b.day ? -1 : 1))) {
    const gap = last === null ? 0 : daysBetween(last, day.day);
    last = day.day;
    const held = aside === null ? undefined : steps[aside];
    if (held !== undefined && isSame(held, day)) continue;
    end(aside, day.day);
    aside = null;
    const isFirst = inForce?.step === null;
    if (inForce !== null && !isFirst && isSamePrice(inForce.value, day)) continue;
    const step = stepOf(day, inForce?.value ?? null, gap, decisions);
    steps.push(step);
    if (step.state !== 'inForce' || day.price === null) {
      aside = steps.length - 1;
      continue;
    }
    end(inForce?.step ?? null, day.day);
    inForce = { value: { price: day.price, currency: day.currency }, step: steps.length - 1 };
  }
  return steps;
}

function stepOf(
  day: SheetDay,
  former: NamedPrice | null,
  gap: number,
  decisions: readonly PriceDecision[],
): PriceStep {
  const price = textOf(day.price);
  const why = doubtOf(day, former, gap);
  const said = decisions.find(
    (each) => each.fromDay === day.day && each.currency === day.currency && each.price === price,
  );
  const isAccepted = said?.decision === 'accepted' && day.price !== null;
  const state =
    why === null || isAccepted ? 'inForce' : said?.decision === 'declined' ? 'declined' : 'held';
  return {
    fromDay: day.day,
    toDay: null,
    currency: day.currency,
    price,
    state,
    why,
    former: former === null ? null : `${shortText(former.price)} ${former.currency}`,
    importedBy: day.importedBy,
  };
}

/** Why a price is not believed unseen; null: it is. */
function doubtOf(
  { price, currency, isContradicted }: SheetDay,
  former: NamedPrice | null,
  gap: number,
): string | null {
  if (price === null) return 'the sheet has a row without a price';
  if (compareAmounts(price, NO_MONEY) < 0) return 'it is negative';
  if (compareAmounts(price, NO_MONEY) === 0) return 'it is zero';
  if (isContradicted) return 'the sheet has other prices of the same day';
  if (former === null) return null;
  if (former.currency !== currency) return `it is in ${currency}, and was in ${former.currency}`;
  if (compareAmounts(price, twice(former.price)) > 0)
    return 'it is more than twice the former price';
  if (compareAmounts(twice(price), former.price) < 0)
    return 'it is less than half of the former price';
  if (gap > HOLE_DAYS_MAX && price !== former.price)
    return `it changed in a hole of ${gap} days without a row`;
  return null;
}

/** A change to more than twice the former price, or to less than half of it, is held. */
function twice(price: Money): Money {
  return addMoney(price, price);
}

function isSame(step: PriceStep, day: SheetDay): boolean {
  return step.currency === day.currency && step.price === textOf(day.price);
}

function isSamePrice({ price, currency }: NamedPrice, day: SheetDay): boolean {
  return currency === day.currency && price === day.price && !day.isContradicted;
}

function textOf(price: Money | null): string {
  return price === null ? '' : formatAmount(price);
}

function shortText(price: Money): string {
  return trimmed(formatAmount(price), 2);
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}
