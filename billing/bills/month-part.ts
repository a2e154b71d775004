/** What a month consists of before it has prices. */
import type { Credits, Money } from '#base/units.js';
import type { BillLine, ChargeKind } from './billed-month.js';

/** One part of the month, without a price. */
export interface MonthPart {
  readonly kind: ChargeKind;
  readonly account: string;
  readonly resource: string | null;
  readonly serviceType: string;
  readonly chargeDay: string;
  /** null: of nobody. */
  readonly teamId: string | null;
  readonly usedMs: number;
  readonly statements: number;
  readonly credits: Credits;
  /** Of what is not priced by the credit; null: credits × price. */
  readonly money: Money | null;
  /** What its money is of, at what each unit came to that day; null: credits, or nothing that is measured. */
  readonly measured: (NonNullable<BillLine['measured']> & { readonly unitPrice: Money }) | null;
  readonly method: string;
}
