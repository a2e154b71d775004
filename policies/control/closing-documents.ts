/** Parts of the control document about how months are closed and where teams' money is booked. */

/** showback: told and posted nowhere; chargeback: posted to the team's cost centre. */
export const BOOKING_MODES = ['showback', 'chargeback'] as const;
export type BookingMode = (typeof BOOKING_MODES)[number];

/** How the organisation closes its months. What is absent has the default that `closing.ts` says. */
export interface ClosingDocument {
  /** Of teams without another; absent: the organisation's name. */
  readonly legalEntity?: string;
  /** Account of the general ledger that is debited. */
  readonly glAccount?: string;
  /** The one that is credited. */
  readonly clearingAccount?: string;
  /** Absent: showback. */
  readonly mode?: BookingMode;
  /** Id of the team that bears what rounding leaves; absent: the first team of the document. */
  readonly roundingTeam?: string;
  /** A month of this amount or more needs two who approve it, beside who froze it; absent: one. */
  readonly twoApprovalsFrom?: string;
  /** Adjustments of this amount or more need a second person; absent: all of them. */
  readonly adjustmentApprovalFrom?: string;
  /** Until when a dispute is to be decided, unless it says so itself. */
  readonly disputeDays?: number;
}

/** Where the money of a node of the organisation is booked from a day on. What it leaves out is said above it. */
export interface BookingDocument {
  /** Id of the organisation, a department or a team. */
  readonly node: string;
  /** First UTC day; a month is booked as it stands on its last day. */
  readonly effectiveFrom: string;
  readonly legalEntity?: string;
  readonly costCentre?: string;
  readonly glAccount?: string;
  readonly mode?: BookingMode;
  /** ISO 4217: what bills are in; of another than the organisation's they are converted. */
  readonly currency?: string;
}
