/** A plan: what one document would change in another, in the sentences a platform admin would say, and in money. */
import type { EpochMs } from '#base/time.js';
import { BREAK_GLASS_WORDS, RUN_RATE_WORDS } from './plan-guards.js';
import { type Credits, formatAmount, priceCredits } from '#base/units.js';
import {
  type ControlDifference,
  diffControl,
  entriesByKey,
  type EntryOf,
  type ListPart,
} from './diff.js';
import type { BudgetDocument, ControlDocument } from './document.js';
import { type ImportedPrice, priceLookup } from '../prices/price-lookup.js';
import { rateLookup } from '../prices/rate-lookup.js';
import {
  BUDGET_WORDS,
  PRICE_WORDS,
  RATE_WORDS,
  teamsMonthlyCredits,
  TIER_WORDS,
  WAREHOUSE_WORDS,
} from './plan-money.js';
import {
  ACCOUNT_WORDS,
  CHANNEL_WORDS,
  DEPARTMENT_WORDS,
  MAPPING_WORDS,
  matchText,
  NETWORK_WORDS,
  PRINCIPAL_WORDS,
  TEAM_WORDS,
} from './plan-people.js';
import { ACCESS_WORDS } from './plan-access.js';
import { IDLE_POLICY_WORDS, SHARED_COST_WORDS, WAREHOUSE_OWNER_WORDS } from './plan-attribution.js';
import { BOOKING_WORDS } from './plan-closing.js';
import { PRESET_WORDS, RULE_WORDS } from './plan-rules.js';
import { arrow, type PlanContext, type Sentence, sentence, type Words } from './plan-words.js';

/** One change in words. */
export interface PlanChange {
  readonly part: string;
  readonly key: string;
  readonly change: ControlDifference['change'];
  /** A sentence without its full stop. */
  readonly text: string;
  /** What it adds to a budget's limit, a period; null: it is not about a limit, or one side has none. */
  readonly deltaCredits: string | null;
  readonly deltaAmount: string | null;
}

/** How much of one part changes. */
export interface PlanCount {
  readonly part: string;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** The teams' monthly budgets as a sum, at the price in force. */
export interface PlanMoney {
  readonly currency: string;
  readonly creditsBefore: string;
  readonly creditsAfter: string;
  /** null: no price is in force. */
  readonly amountBefore: string | null;
  readonly amountAfter: string | null;
}

export interface ControlPlan {
  readonly changes: readonly PlanChange[];
  readonly counts: readonly PlanCount[];
  readonly teamsMonthly: PlanMoney;
}

/**
 * The plan from `before` to `after`, both accepted documents.
 * @param at says which prices and rates are in force.
 * @param imported prices of rate sheets in force; none where documents are looked at alone.
 */
export function planControl(
  before: ControlDocument,
  after: ControlDocument,
  at: EpochMs,
  imported: readonly ImportedPrice[] = [],
): ControlPlan {
  const context = contextOf(before, after, at, imported);
  const differences = diffControl(before, after);
  return {
    changes: changesOf(differences, context),
    counts: countsOf(differences),
    teamsMonthly: teamsMonthly(context),
  };
}

function contextOf(
  before: ControlDocument,
  after: ControlDocument,
  at: EpochMs,
  imported: readonly ImportedPrice[],
): PlanContext {
  const priceAfter = priceLookup(after, imported);
  return {
    before,
    after,
    price: priceAfter('compute', at),
    priceBefore: priceLookup(before, imported),
    priceAfter,
    rateBefore: rateLookup(before),
    rateAfter: rateLookup(after),
    budgetsBefore: byNode(before.budgets),
    budgetsAfter: byNode(after.budgets),
    placesBefore: new Map(
      before.mapping.map((entry, index) => [matchText(entry), index + 1] as const),
    ),
    at,
  };
}

function byNode(budgets: readonly BudgetDocument[]): ReadonlyMap<string, BudgetDocument[]> {
  const nodes = new Map<string, BudgetDocument[]>();
  for (const budget of budgets) {
    const same = nodes.get(budget.node);
    if (same === undefined) nodes.set(budget.node, [budget]);
    else same.push(budget);
  }
  return nodes;
}

const WORDS: { readonly [P in ListPart]: Words<EntryOf<P>> } = {
  departments: DEPARTMENT_WORDS,
  teams: TEAM_WORDS,
  accounts: ACCOUNT_WORDS,
  networks: NETWORK_WORDS,
  channels: CHANNEL_WORDS,
  principals: PRINCIPAL_WORDS,
  mapping: MAPPING_WORDS,
  budgets: BUDGET_WORDS,
  tiers: TIER_WORDS,
  warehouses: WAREHOUSE_WORDS,
  rates: RATE_WORDS,
  prices: PRICE_WORDS,
  access: ACCESS_WORDS,
  idlePolicies: IDLE_POLICY_WORDS,
  warehouseOwners: WAREHOUSE_OWNER_WORDS,
  sharedCosts: SHARED_COST_WORDS,
  bookings: BOOKING_WORDS,
  runRates: RUN_RATE_WORDS,
  breakGlass: BREAK_GLASS_WORDS,
  presets: PRESET_WORDS,
  rules: RULE_WORDS,
};

function changesOf(
  differences: readonly ControlDifference[],
  context: PlanContext,
): readonly PlanChange[] {
  const ofNewTeams = withNode(differences, 'added', context.after);
  const ofGoneTeams = withNode(differences, 'removed', context.before);
  const sayers = new Map<string, (difference: ControlDifference) => readonly Sentence[]>();
  return differences.flatMap((difference) => {
    // The sentence about a new or removed team tells of its budgets.
    if (difference.part === 'budgets' && isSaid(difference, ofNewTeams, ofGoneTeams)) return [];
    let say = sayers.get(difference.part);
    if (say === undefined) {
      say = isListPart(difference.part)
        ? sayerOf(difference.part, context)
        : (each) => documentSentences(each);
      sayers.set(difference.part, say);
    }
    return say(difference).map(({ text, credits }) => ({
      part: difference.part,
      key: difference.key,
      change: difference.change,
      text: sentence(text),
      ...delta(credits, context),
    }));
  });
}

function isSaid(
  { key, change }: ControlDifference,
  ofNewTeams: ReadonlySet<string>,
  ofGoneTeams: ReadonlySet<string>,
): boolean {
  if (change === 'changed') return false;
  return (change === 'added' ? ofNewTeams : ofGoneTeams).has(key);
}

function isListPart(part: string): part is ListPart {
  return Object.hasOwn(WORDS, part);
}

function withNode(
  differences: readonly ControlDifference[],
  change: 'added' | 'removed',
  document: ControlDocument,
): ReadonlySet<string> {
  const teams = new Set(
    differences
      .filter((each) => each.part === 'teams' && each.change === change)
      .map((each) => each.key),
  );
  return new Set(
    document.budgets.filter((budget) => teams.has(budget.node)).map((budget) => budget.id),
  );
}

function sayerOf<P extends ListPart>(
  part: P,
  context: PlanContext,
): (difference: ControlDifference) => readonly Sentence[] {
  const words: Words<EntryOf<P>> = WORDS[part];
  const [earlier, later] = [entriesByKey(context.before, part), entriesByKey(context.after, part)];
  return ({ key, change, fields }) => {
    const [before, after] = [earlier.get(key), later.get(key)];
    if (change === 'added' && after !== undefined)
      return [named(words.subject(after), ' is ', words.added(after, context))];
    if (change === 'removed' && before !== undefined)
      return [named(words.subject(before), ' is ', words.removed(before, context))];
    if (before === undefined || after === undefined) return [];
    return fields.flatMap((difference) => {
      const { field } = difference;
      if (field === 'position')
        return [moved(Number(difference.before), Number(difference.after), context)];
      const said = words.changed(before, after, field, context);
      return said === null ? [] : [named(words.subject(after), ': ', said)];
    });
  };
}

function named(subject: string, joint: ' is ' | ': ', said: string | Sentence): Sentence {
  const { text, credits } = typeof said === 'string' ? { text: said, credits: null } : said;
  return { text: `${subject}${joint}${text}`, credits };
}

/** `mapping: rule 3 (user SALES_*) moves before rule 2`, both as the earlier document counts. */
function moved(from: number, to: number, context: PlanContext): Sentence {
  const entry = context.before.mapping[from - 1];
  const follower = context.after.mapping[to];
  const place = follower === undefined ? undefined : context.placesBefore.get(matchText(follower));
  const what = entry === undefined ? '' : ` (${matchText(entry)})`;
  const where =
    follower === undefined
      ? 'to the end'
      : place === undefined
        ? `before ${matchText(follower)}`
        : `before rule ${place}`;
  return { text: `mapping: rule ${from}${what} moves ${where}`, credits: null };
}

function documentSentences({ fields }: ControlDifference): readonly Sentence[] {
  return fields.map(({ field, before, after }) => ({
    text:
      field === 'defaultTier'
        ? `statements on a warehouse without a tier are of tier ${String(after)} instead of ${String(before)}`
        : `organisation: ${field} ${arrow(before, after)}`,
    credits: null,
  }));
}

function delta(
  credits: Credits | null,
  { price }: PlanContext,
): Pick<PlanChange, 'deltaCredits' | 'deltaAmount'> {
  if (credits === null) return { deltaCredits: null, deltaAmount: null };
  return {
    deltaCredits: formatAmount(credits),
    deltaAmount:
      price === undefined
        ? null
        : formatAmount(priceCredits(credits, price.pricePerCredit, 'half-even')),
  };
}

function countsOf(differences: readonly ControlDifference[]): readonly PlanCount[] {
  const parts = [...new Set(differences.map((each) => each.part))];
  return parts.map((part) => {
    const count = (change: ControlDifference['change']): number =>
      differences.filter((each) => each.part === part && each.change === change).length;
    return { part, added: count('added'), changed: count('changed'), removed: count('removed') };
  });
}

function teamsMonthly({ before, after, price, priceBefore, at }: PlanContext): PlanMoney {
  const [earlier, later] = [teamsMonthlyCredits(before), teamsMonthlyCredits(after)];
  const was = priceBefore('compute', at);
  const money = (credits: Credits, of: typeof price): string | null =>
    of === undefined ? null : formatAmount(priceCredits(credits, of.pricePerCredit, 'half-even'));
  return {
    currency: (price ?? was)?.currency ?? after.organisation.currency,
    creditsBefore: formatAmount(earlier),
    creditsAfter: formatAmount(later),
    amountBefore: was?.currency === price?.currency ? money(earlier, was) : null,
    amountAfter: money(later, price),
  };
}
