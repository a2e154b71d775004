/** What the API says of months, bills, adjustments and disputes; docs/api.md has the routes. */

export type MonthState = 'open' | 'softClosed' | 'inReview' | 'approved' | 'closed' | 'superseded';

export type CloseStep =
  'freeze' | 'propose' | 'signOff' | 'approve' | 'return' | 'close' | 'reopen';

export interface TakenStep {
  readonly step: CloseStep;
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
}

/** What a bill is in its team's own currency. */
export interface Conversion {
  readonly currency: string;
  readonly amount: string;
  readonly rate: string;
  readonly source: string;
  readonly day: string;
}

/** What the bills of one currency, that is not the invoice's, come to. */
export interface ConvertedTotal {
  readonly currency: string;
  readonly amount: string;
  readonly invoicedAmount: string;
}

/** A version of a month in the list of them. */
export interface ListedClose {
  readonly month: string;
  readonly version: number;
  readonly state: MonthState;
  readonly closedAt: string | null;
  readonly currency: string;
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly convertedTotals: readonly ConvertedTotal[];
  readonly openCount: number;
  readonly isSignedOff: boolean;
  readonly steps: readonly TakenStep[];
}

export interface ClosedBill {
  readonly team: string;
  readonly teamName: string;
  readonly costCentre: string;
  readonly mode: string;
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly conversion: Conversion | null;
  readonly budgetAmount: string | null;
  readonly previousAmount: string | null;
  readonly forecastAmount: string | null;
}

/** What the month was held against. */
export interface Difference {
  readonly what: string;
  readonly subject: string;
  readonly ours: string;
  readonly theirs: string;
  readonly difference: string;
  readonly cause: string | null;
}

export interface Close {
  readonly month: string;
  readonly state: MonthState;
  readonly version: number;
  readonly currency: string;
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly convertedTotals: readonly ConvertedTotal[];
  readonly merkleRoot: string;
  readonly approvalsNeeded: number;
  readonly approvals: readonly { readonly by: string; readonly at: string }[];
  readonly reconciliation: {
    readonly meteredCredits: string;
    readonly allocatedCredits: string;
    readonly differenceCredits: string;
    readonly computedAmount: string;
    readonly invoicedAmount: string | null;
    readonly differenceAmount: string | null;
    readonly open: readonly Difference[];
    readonly openCount: number;
    readonly signedOff: {
      readonly by: string;
      readonly at: string;
      readonly reason: string;
    } | null;
  };
  readonly problems: readonly {
    readonly what: string;
    readonly subject: string;
    readonly why: string;
    readonly wayOut: string;
  }[];
  readonly stepsOpen: readonly CloseStep[];
  readonly bills: readonly ClosedBill[];
  readonly steps: readonly TakenStep[];
}

/** A bill of a frozen month in the list of them. */
export interface ListedBill {
  readonly month: string;
  readonly version: number;
  readonly state: MonthState;
  readonly team: string;
  readonly teamName: string;
  readonly currency: string;
  readonly totalAmount: string;
  readonly conversion: Conversion | null;
  readonly budgetAmount: string | null;
  readonly previousAmount: string | null;
}

export interface BillLine {
  readonly id: string;
  readonly kind: string;
  readonly resource: string | null;
  readonly serviceType: string;
  readonly day: string;
  readonly statements: number;
  readonly credits: string;
  readonly amount: string;
  /** Absent: the bill is in the currency of the invoice. */
  readonly convertedAmount?: string;
  readonly note: string;
}

/** A frozen bill as its JSON file has it. */
export interface Bill {
  readonly status: string;
  readonly teamName: string;
  readonly version: number;
  readonly currency: string;
  readonly totalCredits: string;
  readonly totalAmount: string;
  /** Absent: it is in the currency of the invoice. */
  readonly conversion?: Conversion;
  readonly comparison: {
    readonly budgetAmount: string | null;
    readonly previousAmount: string | null;
    readonly trailingAmount: string | null;
  };
  readonly drivers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly effectiveAmount: string;
    readonly sharePercent: string | null;
  }[];
  readonly lines: readonly BillLine[];
  readonly hash: string;
}

export interface Adjustment {
  readonly id: string;
  readonly creditedTeam: string;
  readonly debitedTeam: string;
  readonly amount: string;
  readonly currency: string;
  readonly corrects: { readonly month: string; readonly lineId: string | null } | null;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAt: string;
  readonly state: string;
  readonly bookedIn: string | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
}

export interface Dispute {
  readonly id: string;
  readonly month: string;
  readonly team: string;
  readonly lineId: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly reason: string;
  readonly raisedBy: string;
  readonly raisedAt: string;
  readonly owner: string;
  readonly dueOn: string;
  readonly isOverdue: boolean;
  readonly state: string;
  readonly endedBy: string | null;
  readonly endReason: string | null;
}

/** How far usage is imported: views that cannot be read say why, and figures wait for statements that are not there. */
export interface Imports {
  readonly views: readonly {
    readonly account: string;
    readonly view: string;
    readonly readTo: string | null;
    readonly problem: string | null;
    readonly wayOut: string | null;
  }[];
  readonly waiting: readonly {
    readonly account: string;
    readonly figures: number;
    readonly credits: string;
    readonly firstEndedAt: string | null;
    readonly wayOut: string;
  }[];
}
