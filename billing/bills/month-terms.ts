/**
 * What a month is billed by, as the control document and the price look-up say it: billing knows neither of them, and
 * takes plain values.
 */
import type { EpochMs } from '#base/time.js';
import type { Credits, Money } from '#base/units.js';
import type { BilledAccount, Booking } from './billed-month.js';

export interface BilledTeam {
  readonly id: string;
  readonly name: string;
  readonly departmentName: string;
  readonly owner: string;
  readonly booking: Booking;
  /** Limit of its own budget of a calendar month that counts everything; null: none, or unlimited. */
  readonly budgetCredits: Credits | null;
}

export interface MonthPrice {
  readonly pricePerCredit: Money;
  /** null: its source does not say. */
  readonly listPricePerCredit: Money | null;
  readonly currency: string;
}

/** Price of a compute credit of a service of an account; undefined: none is in force. */
export type MonthPriceAt = (
  of: { readonly account: string; readonly serviceType: string },
  at: EpochMs,
) => MonthPrice | undefined;

export interface MonthTerms {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly currency: string;
  /** Those of the control document, the first one first. */
  readonly accounts: readonly BilledAccount[];
  /** Every team, with its booking of the month. Sorted by id. */
  readonly teams: readonly BilledTeam[];
  /** Of what is of nobody, and of teams that the document has no more. */
  readonly nobodysBooking: Booking;
  /** Account of the general ledger that is credited. */
  readonly clearingAccount: string;
  /** Bears what rounding leaves. */
  readonly roundingTeamId: string;
  readonly priceAt: MonthPriceAt;
  /** The currency that a team's bill is in, on the last day of the month; of another than the invoice's it is converted. */
  readonly currencyOf: (teamId: string) => string;
  readonly now: EpochMs;
}
