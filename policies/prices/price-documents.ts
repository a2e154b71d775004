/** The parts of the control document that say what credits and warehouses cost. */
import type { Edition, PriceListId } from './price-list.js';
import type { Cloud, RateListId } from './rate-list.js';

export interface RateDocument {
  readonly kind: string;
  readonly generation: string;
  readonly size: string;
  /** Absent: the only one of its kind; of Snowpark-optimized warehouses MEMORY_16X. */
  readonly resourceConstraint?: string;
  /** Absent: in every cloud. */
  readonly cloud?: Cloud;
  readonly creditsPerHour: string;
  readonly effectiveFrom: string;
}

/** A price of the book: what the contract or the reseller says a credit costs. */
export interface PriceDocument {
  readonly creditKind: string;
  /** Absent: of every account. */
  readonly account?: string;
  /** Absent: of every service. */
  readonly serviceType?: string;
  readonly currency: string;
  readonly pricePerCredit: string;
  readonly listPricePerCredit?: string;
  readonly effectiveFrom: string;
  readonly effectiveTo?: string;
}

export interface PriceListsDocument {
  readonly rates?: RateListId;
  readonly prices?: PriceListId;
}

export interface AccountPricing {
  readonly cloud?: Cloud;
  readonly region?: string;
  readonly edition?: Edition;
  /** Of list prices, by contract. */
  readonly discountPercent?: string;
}

/** What two rates, or two prices, of a document may not have in common. */
export const RATE_KEY: readonly (keyof RateDocument)[] = [
  'kind',
  'generation',
  'size',
  'resourceConstraint',
  'cloud',
  'effectiveFrom',
];
export const PRICE_KEY: readonly (keyof PriceDocument)[] = [
  'creditKind',
  'account',
  'serviceType',
  'effectiveFrom',
];
