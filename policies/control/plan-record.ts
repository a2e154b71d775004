/**
 * What the ledger says of a plan: how budgets whose limit falls stand now, what the parts that go have run in the last
 * 30 days, and what those days would have cost at another price. The questions and the sentences are here; whoever has
 * the ledger answers the questions.
 */
import type { EpochMs } from '#base/time.js';
import {
  addCredits,
  compareAmounts,
  type Credits,
  type Money,
  NO_CREDITS,
  priceCredits,
  subtractCredits,
  subtractMoney,
} from '#base/units.js';
import { countText, instantText, moneyText } from '../rules/amount-text.js';
import type { BudgetDocument, ControlDocument } from './document.js';
import { type ImportedPrice, priceLookup } from '../prices/price-lookup.js';
import { tryParseInstant } from './instant.js';
import { nextMonthStart } from './plan-money.js';
import {
  creditsInMoney,
  creditsText,
  limitOf,
  moneyDelta,
  priceText,
  sentence,
} from './plan-words.js';

/** How far back a plan looks. */
export const RECORD_DAYS = 30;

/** What a plan wants to know of the ledger. */
export interface RecordQuestions {
  /** Budgets that are in both documents and whose limit falls or becomes hard. */
  readonly budgets: readonly string[];
  /** What the later document no longer names. */
  readonly teams: readonly string[];
  readonly principals: readonly string[];
  readonly warehouses: readonly string[];
  readonly tiers: readonly string[];
  /** Whether the price of a compute credit changes, now or at a date to come. */
  readonly isPriceChanged: boolean;
}

/** Statements that were charged, with what for. */
export interface Spending {
  readonly statements: number;
  readonly credits: Credits;
  readonly money: Money;
}

/** How the open period of a budget stands. */
export interface RecordStanding {
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
  /** Granted and carried on top of the limit; negative where the limit is lower than the one in force. */
  readonly extraCredits: Credits;
  readonly periodEndsAt: EpochMs;
}

export interface PlanRecord {
  readonly budgets: ReadonlyMap<string, RecordStanding>;
  readonly teams: ReadonlyMap<string, Spending>;
  readonly principals: ReadonlyMap<string, Spending>;
  /** By folded name. */
  readonly warehouses: ReadonlyMap<string, Spending>;
  readonly tiers: ReadonlyMap<string, Spending>;
  /** Of everybody; null unless a price changes. */
  readonly total: Spending | null;
}

export function recordQuestions(before: ControlDocument, after: ControlDocument): RecordQuestions {
  const later = new Map(after.budgets.map((budget) => [budget.id, budget]));
  return {
    budgets: before.budgets
      .filter((budget) => isTighter(budget, later.get(budget.id)))
      .map(({ id }) => id),
    teams: gone(before.teams, after.teams, ({ id }) => id),
    principals: gone(before.principals, after.principals, ({ id }) => id),
    warehouses: gone(before.warehouses, after.warehouses, ({ name }) => name.toUpperCase()),
    tiers: gone(before.tiers, after.tiers, ({ id }) => id),
    isPriceChanged: JSON.stringify(before.prices) !== JSON.stringify(after.prices),
  };
}

function isTighter(before: BudgetDocument, after: BudgetDocument | undefined): boolean {
  const later = after === undefined ? null : limitOf(after);
  if (after === undefined || later === null) return false;
  const earlier = limitOf(before);
  return earlier === null || compareAmounts(later, earlier) < 0 || (after.hard && !before.hard);
}

function gone<Entry>(
  before: readonly Entry[],
  after: readonly Entry[],
  keyOf: (entry: Entry) => string,
): readonly string[] {
  const kept = new Set(after.map(keyOf));
  return before.map(keyOf).filter((key) => !kept.has(key));
}

/** The two documents of a plan, when it is made, and the prices of rate sheets in force then. */
export interface PlanSides {
  readonly before: ControlDocument;
  readonly after: ControlDocument;
  readonly at: EpochMs;
  readonly imported: readonly ImportedPrice[];
}

/** The answers as sentences, without full stops. */
export function recordSentences(
  questions: RecordQuestions,
  record: PlanRecord,
  sides: PlanSides,
): readonly string[] {
  const { before, after } = sides;
  const { currency } = before.organisation;
  const later = new Map(after.budgets.map((budget) => [budget.id, budget]));
  const spent = (
    what: string,
    keys: readonly string[],
    spendings: ReadonlyMap<string, Spending>,
  ): readonly string[] =>
    keys.flatMap((key) => {
      const spending = spendings.get(key);
      return spending === undefined
        ? []
        : [
            `${what} ${key} ran ${spendingText(spending, currency)} in the last ${RECORD_DAYS} days`,
          ];
    });
  return [
    ...questions.budgets.flatMap((id) => {
      const [budget, standing] = [later.get(id), record.budgets.get(id)];
      return budget === undefined || standing === undefined
        ? []
        : standingText(budget, standing, sides);
    }),
    ...spent('team', questions.teams, record.teams),
    ...spent('principal', questions.principals, record.principals),
    ...spent('warehouse', questions.warehouses, record.warehouses),
    ...spent('tier', questions.tiers, record.tiers),
    ...(record.total === null || record.total.statements === 0
      ? []
      : repriced(record.total, sides)),
  ].map(sentence);
}

function spendingText({ statements, credits, money }: Spending, currency: string): string {
  const count = `${countText(statements)} statement${statements === 1 ? '' : 's'}`;
  return `${count} for ${creditsText(credits)} (${moneyText(money, currency)})`;
}

function standingText(
  budget: BudgetDocument,
  standing: RecordStanding,
  { after, at, imported }: PlanSides,
): readonly string[] {
  const limit = limitOf(budget);
  if (limit === null) return [];
  const price = priceLookup(after, imported)('compute', at);
  const used = addCredits(standing.spentCredits, standing.heldCredits);
  const left = subtractCredits(addCredits(limit, standing.extraCredits), used);
  const end = instantText(standing.periodEndsAt, budget.period.timeZone);
  const head = `${budget.id}: ${creditsText(standing.spentCredits)} spent and ${creditsText(standing.heldCredits)} held in the period to ${end}`;
  const inMoney = (credits: Credits): string => {
    const money = creditsInMoney(credits, price);
    return `${creditsText(credits)}${money === undefined ? '' : ` (${money})`}`;
  };
  if (compareAmounts(left, NO_CREDITS) >= 0)
    return [`${head}; the new limit leaves ${inMoney(left)}`];
  const debt = inMoney(subtractCredits(NO_CREDITS, left));
  const then = budget.hard ? ': the next statement is refused' : '';
  return [`${head}; it would be in debt by ${debt}${then}`];
}

/** What the last days' credits come to at the price that the change brings, today or when it begins. */
function repriced(total: Spending, { before, after, at, imported }: PlanSides): readonly string[] {
  const begins = after.prices
    .filter(({ creditKind }) => creditKind === 'compute')
    .flatMap(({ effectiveFrom }) => tryParseInstant(effectiveFrom) ?? []);
  const moments = [at, nextMonthStart(at), ...begins.filter((from) => from > at)].sort(
    (a, b) => a - b,
  );
  const priceBefore = priceLookup(before, imported);
  const priceAfter = priceLookup(after, imported);
  for (const moment of moments) {
    const [was, is] = [priceBefore('compute', moment), priceAfter('compute', moment)];
    if (is === undefined || was === undefined || is.currency !== was.currency) continue;
    if (is.pricePerCredit === was.pricePerCredit) continue;
    const earlier = priceCredits(total.credits, was.pricePerCredit, 'half-even');
    const later = priceCredits(total.credits, is.pricePerCredit, 'half-even');
    const delta = moneyDelta(subtractMoney(later, earlier), is.currency);
    return [
      `the last ${RECORD_DAYS} days took ${creditsText(total.credits)} in ${countText(total.statements)} statements: ${moneyText(later, is.currency)} at ${priceText(is)} instead of ${moneyText(earlier, was.currency)} (${delta}); what is charged stays`,
    ];
  }
  return [];
}
