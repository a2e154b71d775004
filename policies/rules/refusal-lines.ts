/** The lines and fields that refusals share: what was estimated, what would be cheaper. */
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, formatAmount, type Money, priceCredits } from '#base/units.js';
import type { Estimate } from '../estimate/estimate.js';
import { bytesText, countText, moneyText, nameText, shortMoneyText } from './amount-text.js';

/** What every refusal of a statement knows. */
export interface RefusalContext {
  readonly ticketId: TicketId;
  readonly estimate: Estimate;
  readonly tier: string;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly at: EpochMs;
  /** Whom to ask: the team's owner; absent where nobody is known yet. */
  readonly owner?: string;
  /** Role, database and schema in which the text means what it means; kept for whoever approves it. */
  readonly place?: string;
  /** Where people reach the console; null or absent: no link. */
  readonly consoleUrl?: string | null;
}

/**
 * `about $159.99 to $212.00`: the ends of the estimate, for the first line of what no budget and no ceiling refused.
 * The largest amounts are cut, so that both stand within the first 90 characters.
 */
export function rangeText(context: RefusalContext): string {
  const { estimate, currency } = context;
  const low = shortMoneyText(moneyOf(estimate.lowCredits, context), currency, 'down');
  const high = shortMoneyText(moneyOf(estimate.highCredits, context), currency, 'up');
  return low === high ? `about ${high}` : `about ${low} to ${high}`;
}

export function estimateLine(context: RefusalContext): string {
  const { estimate, currency } = context;
  const low = moneyText(moneyOf(estimate.lowCredits, context), currency, 'down');
  const high = moneyText(moneyOf(estimate.highCredits, context), currency, 'up');
  const scan = [
    ...(estimate.bytes === null ? [] : [bytesText(estimate.bytes)]),
    ...(estimate.partitions === null
      ? []
      : [
          `${countText(estimate.partitions.assigned)} of ${countText(estimate.partitions.total)} partitions`,
        ]),
    ...estimate.advice
      .slice(0, 2)
      .map(
        (advice) => `no filter on ${nameText(advice.column, 60)} of ${shortTable(advice.table)}`,
      ),
  ];
  return `Estimate ${low}–${high} (${estimate.basis})${scan.length === 0 ? '' : ` · ${scan.join(', ')}`}`;
}

export function cheaperSteps(context: RefusalContext): readonly string[] {
  return context.estimate.advice.slice(0, 2).map((advice) => {
    const after = moneyText(moneyOf(advice.creditsAfter, context), context.currency, 'up');
    return `filter ${nameText(advice.column, 60)} of ${shortTable(advice.table)} to ${advice.range}: about ${after}`;
  });
}

/** The last part of `DB.SCHEMA.TABLE`. */
function shortTable(table: string): string {
  return nameText(table.split('.').at(-1) ?? table, 60);
}

export function moneyOf(credits: Credits, context: RefusalContext): Money {
  return priceCredits(credits, context.pricePerCredit, 'up');
}

export function estimateDetail(context: RefusalContext): object {
  const { estimate } = context;
  return {
    basis: estimate.basis,
    lowCredits: formatAmount(estimate.lowCredits),
    expectedCredits: formatAmount(estimate.expectedCredits),
    highCredits: formatAmount(estimate.highCredits),
    highAmount: formatAmount(moneyOf(estimate.highCredits, context)),
    currency: context.currency,
    bytes: estimate.bytes,
    partitions: estimate.partitions,
    advice: estimate.advice.map((advice) => ({
      table: advice.table,
      column: advice.column,
      range: advice.range,
      creditsAfter: formatAmount(advice.creditsAfter),
    })),
  };
}
