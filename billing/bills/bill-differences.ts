/**
 * What a team's own bill says of the month's reconciliation: differences and how many things are open, never the sums of
 * the organisation, from which a team could read what the others were charged.
 */
import { formatMoney } from '#base/currency.js';
import { formatAmount, subtractMoney } from '#base/units.js';
import type { MonthHead, MonthReconciliation } from './billed-month.js';

export interface BillDifferences {
  /** Metered by Snowflake less allocated to teams; exact. */
  readonly differenceCredits: string;
  /** Snowflake's invoice less all bills; null: its money is not imported. */
  readonly differenceAmount: string | null;
  readonly open: number;
  readonly signedOff: MonthReconciliation['signedOff'];
}

/** Differences as decimals: credits at twelve decimals, money in those of the currency. */
export function differencesOf({
  reconciliation,
  totalAmount,
  currency,
}: MonthHead): BillDifferences {
  const { invoicedMoney, differenceCredits, open, signedOff } = reconciliation;
  return {
    differenceCredits: formatAmount(differenceCredits),
    differenceAmount:
      invoicedMoney === null
        ? null
        : formatMoney(subtractMoney(invoicedMoney, totalAmount), currency),
    open: open.length,
    signedOff,
  };
}
