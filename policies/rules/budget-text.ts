/** What a refusal says of budgets: the one that refuses, what else is short, and the JSON twin of both. */
import type { EpochMs } from '#base/time.js';
import {
  compareAmounts,
  type Credits,
  formatAmount,
  maxAmount,
  type Money,
  NO_CREDITS,
  priceCredits,
} from '#base/units.js';
import { instantText, moneyText, nameText, spanText } from './amount-text.js';

/** How a budget stands; what the ledger reports, with what the document says of it. */
export interface StandingText {
  readonly budgetId: string;
  /** Whose budget it is: organisation, department, team or principal. */
  readonly node: string;
  readonly isHard: boolean;
  readonly limitCredits: Credits | null;
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
  readonly availableCredits: Credits | null;
  readonly periodEndsAt: EpochMs;
  readonly timeZone: string;
  readonly owner: string;
}

/** What the budgets of a statement were asked for. */
export interface BudgetAsk {
  /** To be held: what the refusal says is needed. */
  readonly holdCredits: Credits;
  /** Every budget of the path, as far as they are known, with the one that refuses. */
  readonly path: readonly StandingText[];
}

/** The price that amounts are told in, and when. */
export interface PriceContext {
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly at: EpochMs;
}

/** The other budgets of the path that lack something: raising the first alone would not do. */
export function othersShort(standing: StandingText, ask: BudgetAsk): readonly StandingText[] {
  return ask.path.filter(
    (other) => other.budgetId !== standing.budgetId && isShort(other, ask.holdCredits),
  );
}

function isShort({ isHard, availableCredits }: StandingText, holdCredits: Credits): boolean {
  return isHard && availableCredits !== null && compareAmounts(availableCredits, holdCredits) < 0;
}

const OTHERS_MAX = 3;

/** A line for each of the first of them. */
export function otherLines(
  others: readonly StandingText[],
  context: PriceContext,
): readonly string[] {
  return others.slice(0, OTHERS_MAX).map((other) => {
    const left = maxAmount(other.availableCredits ?? NO_CREDITS, NO_CREDITS);
    const money = moneyText(
      priceCredits(left, context.pricePerCredit, 'down'),
      context.currency,
      'down',
    );
    const until = instantText(other.periodEndsAt, other.timeZone);
    return `Also     ${nameText(other.budgetId, 63)} of ${nameText(other.node, 63)} has ${money} left until ${until}`;
  });
}

/** The lines about the budget that refuses. */
export function budgetLines(standing: StandingText, context: PriceContext): readonly string[] {
  const money = (credits: Credits): string =>
    moneyText(priceCredits(credits, context.pricePerCredit, 'half-even'), context.currency);
  const limit = standing.limitCredits === null ? 'no limit' : money(standing.limitCredits);
  const kind = standing.isHard ? 'hard' : 'soft';
  const resets = instantText(standing.periodEndsAt, standing.timeZone);
  return [
    `Budget   ${nameText(standing.budgetId, 63)} of ${nameText(standing.node, 63)} (${kind}) · ${money(standing.spentCredits)} spent + ${money(standing.heldCredits)} held of ${limit}`,
    `Resets   ${resets} (in ${spanText(standing.periodEndsAt - context.at)}) · owner ${nameText(standing.owner, 80)}`,
  ];
}

/** A budget in the JSON twin. */
export function standingDetail(standing: StandingText, context: PriceContext): object {
  return {
    id: standing.budgetId,
    node: standing.node,
    isHard: standing.isHard,
    limitCredits: standing.limitCredits === null ? null : formatAmount(standing.limitCredits),
    spentCredits: formatAmount(standing.spentCredits),
    heldCredits: formatAmount(standing.heldCredits),
    availableCredits:
      standing.availableCredits === null ? null : formatAmount(standing.availableCredits),
    resetsAt: new Date(standing.periodEndsAt).toISOString(),
    timeZone: standing.timeZone,
    owner: standing.owner,
    pricePerCredit: formatAmount(context.pricePerCredit),
    currency: context.currency,
  };
}
