/** What the routes of bills work with; the composition root puts it together. */
import type { BillOfMonth, BilledMonth } from '#billing/bills/billed-month.js';
import type { BillRenderer } from '#billing/bills/render/render-host.js';
import type { EpochMs } from '#base/time.js';
import type { DeliveryTargets } from '../deliveries/deliver-bills.js';

export interface BillsApi {
  /**
   * A month (`YYYY-MM`) as it was frozen, or as it stands while it is open. Fault `ledgerUnavailable`, `controlStale`.
   */
  readonly readMonth: (month: string) => Promise<BilledMonth>;
  /** The bill of one team of such a month; undefined: it has none. Fault `ledgerUnavailable`, `controlStale`. */
  readonly readBill: (month: string, teamId: string) => Promise<BillOfMonth | undefined>;
  /** A closed month as it stood at an instant; undefined: it was not closed then. Fault `ledgerUnavailable`. */
  readonly readMonthAsOf: (month: string, at: EpochMs) => Promise<BilledMonth | undefined>;
  readonly renderer: BillRenderer;
  readonly targets: DeliveryTargets;
}
