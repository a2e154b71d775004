/** Part of a budget in the control document: what it admits while the ledger does not answer. */

export const FAIL_MODES = ['leases', 'refuse', 'allowance'] as const;

/**
 * `leases` (unless said): what a replica has leased and not used, until the lease ends. `refuse`: nothing. `allowance`, of
 * a soft budget: so much a replica and outage, in credits or in the billing currency.
 */
export interface FailModeDocument {
  readonly kind: (typeof FAIL_MODES)[number];
  /** One of the two, of an allowance only. */
  readonly credits?: string;
  readonly amount?: string;
}
