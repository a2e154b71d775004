/** How a plan says amounts, lists and changed values. */
import { trimmed } from '#base/decimal-text.js';
import {
  compareAmounts,
  type Credits,
  formatAmount,
  type Money,
  NO_CREDITS,
  NO_MONEY,
  parseCredits,
  priceCredits,
} from '#base/units.js';
import { moneyText, nameText } from '../rules/amount-text.js';
import type { BudgetDocument, ControlDocument } from './document.js';
import type { Price, PriceAt } from '../prices/price-lookup.js';
import type { RateAt } from '../prices/rate-lookup.js';

/** What sentences are made against. */
export interface PlanContext {
  readonly before: ControlDocument;
  readonly after: ControlDocument;
  /** Of one compute credit now, as the document after the change has it; undefined: none is in force. */
  readonly price: Price | undefined;
  readonly priceBefore: PriceAt;
  readonly priceAfter: PriceAt;
  readonly rateBefore: RateAt;
  readonly rateAfter: RateAt;
  /** Budgets by the node they hang on. */
  readonly budgetsBefore: ReadonlyMap<string, readonly BudgetDocument[]>;
  readonly budgetsAfter: ReadonlyMap<string, readonly BudgetDocument[]>;
  /** Places in the earlier mapping, from 1, by what an entry matches, in words. */
  readonly placesBefore: ReadonlyMap<string, number>;
  readonly at: number;
}

/** What one difference comes to; `credits` is what it adds to a budget's limit a period, where it is one. */
export interface Sentence {
  readonly text: string;
  readonly credits: Credits | null;
}

/** Sentences about the entries of one part. */
export interface Words<Entry> {
  /** `team growth`; what every sentence begins with. */
  subject(entry: Entry): string;
  /** What follows `<subject> is`. */
  added(entry: Entry, context: PlanContext): string | Sentence;
  removed(entry: Entry, context: PlanContext): string | Sentence;
  /** What follows `<subject>:`; null: said otherwise. */
  changed(
    before: Entry,
    after: Entry,
    field: string,
    context: PlanContext,
  ): string | Sentence | null;
}

const SENTENCE_LENGTH_MAX = 10_000;
/** Longest value that is shown: as long as a condition may be, or a change behind its first words would not be seen. */
const TEXT_LENGTH_MAX = 4_000;

/** A sentence on one line, without what a terminal would obey: names and messages come from people. */
export function sentence(text: string): string {
  return nameText(text, SENTENCE_LENGTH_MAX);
}

/** `250`, `0.05`: the decimal without zeros that say nothing. */
export function creditsNumber(credits: Credits): string {
  return trimmed(formatAmount(credits));
}

/** `250 credits`, `1 credit`. */
export function creditsText(credits: Credits): string {
  const number = creditsNumber(credits);
  return `${number} credit${number === '1' ? '' : 's'}`;
}

/** `+210 credits, +$630.00 at $3.00 a credit`. */
export function creditsDelta(credits: Credits, price: Price | undefined): string {
  const sign = compareAmounts(credits, NO_CREDITS) < 0 ? '' : '+';
  if (price === undefined) return `${sign}${creditsText(credits)}`;
  const money = priceCredits(credits, price.pricePerCredit, 'half-even');
  return `${sign}${creditsText(credits)}, ${moneyDelta(money, price.currency)} at ${priceText(price)}`;
}

/** `+$630.00`, `-$5.00`. */
export function moneyDelta(money: Money, currency: string): string {
  const text = moneyText(money, currency);
  return compareAmounts(money, NO_MONEY) < 0 ? text : `+${text}`;
}

/** `$3.00 a credit`. Prices are shown to all their decimals. */
export function priceText(price: Pick<Price, 'pricePerCredit' | 'currency'>): string {
  const exact = trimmed(formatAmount(price.pricePerCredit), 2);
  return `${moneyText(price.pricePerCredit, price.currency).replace(/[\d,.]+$/, exact)} a credit`;
}

/** `$120.00`, or nothing known where no price is in force. */
export function creditsInMoney(credits: Credits, price: Price | undefined): string | undefined {
  return price === undefined
    ? undefined
    : moneyText(priceCredits(credits, price.pricePerCredit, 'half-even'), price.currency);
}

/** `40 credits a month ($120.00 at $3.00 a credit)`. */
export function limitText(budget: BudgetDocument, price: Price | undefined): string {
  const credits = limitOf(budget);
  if (credits === null) return `unlimited credits ${periodText(budget)}`;
  const money = creditsInMoney(credits, price);
  const inMoney =
    money === undefined || price === undefined ? '' : ` (${money} at ${priceText(price)})`;
  return `${creditsText(credits)} ${periodText(budget)}${inMoney}`;
}

/** null: unlimited. */
export function limitOf(budget: BudgetDocument): Credits | null {
  return budget.limitCredits === 'unlimited' ? null : parseCredits(budget.limitCredits);
}

/** `a month`. */
export function periodText(budget: BudgetDocument): string {
  return `a ${periodNoun(budget)}`;
}

/** `month`, `fiscal quarter`, `period of 10 days`. */
export function periodNoun({ period }: BudgetDocument): string {
  const { kind, fiscal, custom } = period;
  if (fiscal !== undefined) return `fiscal ${fiscal.length}`;
  if (custom?.everyDays !== undefined) return `period of ${custom.everyDays} days`;
  return custom === undefined ? kind : 'period of its own days';
}

/** `a, b and c`, at most `most` of them by name. */
export function listText(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length < 2
    ? shown.join('')
    : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** `40 → 250`, with `none` where there is nothing. */
export function arrow(before: unknown, after: unknown): string {
  return `${valueText(before)} → ${valueText(after)}`;
}

export function valueText(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : listText(value.map(valueText));
  return nameText(typeof value === 'string' ? value : JSON.stringify(value), TEXT_LENGTH_MAX);
}

/** What of two lists came and went: `adds a and b, drops c`. */
export function listChange(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): string {
  const [earlier, later] = [new Set(before), new Set(after)];
  const added = [...later].filter((each) => !earlier.has(each));
  const dropped = [...earlier].filter((each) => !later.has(each));
  const parts = [
    ...(added.length === 0 ? [] : [`adds ${listText(added)}`]),
    ...(dropped.length === 0 ? [] : [`drops ${listText(dropped)}`]),
  ];
  return parts.length === 0 ? 'another order' : parts.join(', ');
}
