/** What the API gives, as far as the pages read it. */

export interface Forecast {
  readonly lowCredits: string;
  readonly expectedCredits: string;
  readonly highCredits: string;
  readonly exhaustedAt: string | null;
}

export interface Standing {
  readonly periodStartsAt: string;
  readonly periodEndsAt: string;
  readonly limitCredits: string | null;
  readonly grantedCredits: string;
  readonly carriedCredits: string;
  readonly spentCredits: string;
  readonly heldCredits: string;
  readonly availableCredits: string | null;
  readonly isPassed: boolean;
  readonly forecast: Forecast | null;
}

export interface Budget {
  readonly id: string;
  readonly node: string;
  readonly isHard: boolean;
  readonly counts: string;
  readonly period: { readonly kind: string; readonly timeZone: string };
  readonly standing: Standing | null;
}

export interface BudgetList {
  readonly budgets: readonly Budget[];
  readonly nextCursor: string | null;
}

export interface Bridge {
  readonly budgets: readonly {
    readonly id: string;
    readonly lines: readonly { readonly line: string; readonly credits: string }[];
  }[];
}

export interface Running {
  readonly ticketId: string;
  readonly state: string;
  readonly team: string;
  readonly principal: string;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly statementShape: string;
  readonly usedCredits: string;
  readonly usedAmount: string;
  readonly currency: string;
  readonly ceilingCredits: string | null;
  readonly sentAt: string | null;
}

export interface Ticket {
  readonly ticketId: string;
  readonly state: string;
  readonly team: string;
  readonly principal: string;
  readonly snowflakeQueryId: string | null;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly statementClass: string;
  readonly statementShape: string;
  readonly estimate: {
    readonly basis: string;
    readonly lowCredits: string;
    readonly expectedCredits: string;
    readonly highCredits: string;
  };
  readonly holdCredits: string;
  readonly charge: {
    readonly credits: string;
    readonly amount: string;
    readonly currency: string;
  } | null;
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly ending: string | null;
  readonly endCode: string | null;
  readonly occurredAt: string;
  readonly sentAt: string | null;
  readonly endedAt: string | null;
  readonly queue?: { readonly position: number; readonly expectedWaitSeconds: number } | null;
}

export interface Asked {
  readonly ticketId: string;
  readonly state: string;
  readonly team: string;
  readonly principal: string;
  readonly reason: string;
  readonly wants: 'credits' | 'statement';
  /** What a pass would lift. */
  readonly passes: readonly string[];
  readonly asked: {
    readonly credits: string | null;
    readonly runs: number | null;
    readonly hours: number | null;
    readonly shape: boolean;
  };
  readonly refusalCode: string;
  readonly statement: string;
  readonly needsCredits: string;
  readonly needsAmount: string;
  readonly currency: string;
  readonly budgetId: string | null;
  readonly shortCredits: string | null;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly decision: {
    readonly at: string;
    readonly author: string;
    readonly reason: string;
  } | null;
}

export interface CostRow {
  readonly key: string | null;
  readonly credits: string;
  readonly amount: string | null;
  readonly statements: number;
  readonly buckets: Readonly<Record<string, string>>;
}

export interface Costs {
  readonly currency: string;
  readonly rows: readonly CostRow[];
  readonly totalCredits: string;
  readonly totalAmount: string | null;
  readonly reconciliation: {
    readonly meteredCredits: string;
    readonly allocatedCredits: string;
    readonly hours: number;
    readonly staleHours: number;
    readonly problems: readonly string[];
  } | null;
}

export interface CreditsAndAmount {
  readonly credits: string;
  readonly amount: string;
}

interface Reason {
  readonly source: string;
  readonly message: string;
}

export interface Priced {
  readonly principal: string;
  readonly team: string;
  readonly tier: string | null;
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly currency: string | null;
  readonly decision: string;
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly isFree: boolean;
  readonly reasons: readonly Reason[];
  readonly warnings: readonly Reason[];
  readonly estimate: {
    readonly basis: string;
    readonly basisText: string;
    readonly low: CreditsAndAmount;
    readonly expected: CreditsAndAmount;
    readonly high: CreditsAndAmount;
    readonly expectedSeconds: number;
    readonly partitions: { readonly assigned: number; readonly total: number } | null;
  } | null;
  readonly hold: CreditsAndAmount | null;
  readonly ceiling: CreditsAndAmount | null;
  readonly budgets: readonly {
    readonly budgetId: string;
    readonly isHard: boolean;
    readonly availableCredits: string | null;
    readonly isShort: boolean;
    readonly periodEndsAt: string;
  }[];
  readonly cheaper: readonly {
    readonly table: string;
    readonly column: string;
    readonly range: string;
    readonly after: CreditsAndAmount;
  }[];
  readonly statements: readonly {
    readonly class: string;
    readonly isOpaque: boolean;
    readonly tablesRead: readonly string[];
    readonly tablesWritten: readonly string[];
    readonly unknown: readonly string[];
  }[];
}

export interface Principal {
  readonly id: string;
  readonly team: string;
  readonly kind: string;
  readonly isShared: boolean;
  readonly owner: string;
  readonly status: string;
}

export interface Tier {
  readonly id: string;
  readonly warehouse: string;
  readonly running: number;
  readonly concurrencyMax: number;
  readonly waiting: number;
  readonly queueMax: number;
  readonly slo: { readonly waitSeconds: number; readonly percent: string } | null;
  readonly attainment: readonly {
    readonly startsAt: string;
    readonly valid: number;
    readonly good: number;
    readonly attainedPercent: string | null;
  }[];
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  readonly costCentre: string;
  readonly owner: string;
  readonly principals: number;
  readonly budgets: readonly string[];
}

export interface Freeze {
  readonly id: string;
  readonly scope: string;
  readonly target: string | null;
  readonly frozenBy: string;
  readonly reason: string;
  readonly frozenAt: string;
  readonly until: string | null;
}

export interface Rule {
  readonly id: string;
  readonly kind: string;
  readonly mode: string;
  readonly modes: Readonly<Record<string, string>>;
  readonly effect: string;
  readonly when: string | null;
  readonly lastDays: readonly {
    readonly team: string;
    readonly mode: string;
    readonly hits: string;
    readonly expectedCredits: string;
  }[];
}

export interface Version {
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}

interface Totals {
  readonly statements: number;
  readonly credits: string;
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[];
}

export interface Plan {
  readonly isChanged: boolean;
  readonly controlVersion: number;
  readonly changesTotal: number;
  readonly changes: readonly {
    readonly part: string;
    readonly key: string;
    readonly change: string;
    readonly text: string;
    readonly deltaAmount: string | null;
  }[];
  readonly teamsMonthly: {
    readonly currency: string;
    readonly amountBefore: string | null;
    readonly amountAfter: string | null;
  };
  readonly lastDays: readonly string[];
  readonly past: {
    readonly statements: number;
    readonly refused: Totals;
    readonly freed: Totals;
    readonly examples: readonly {
      readonly ticketId: string;
      readonly team: string;
      readonly principal: string;
      readonly by: string;
      readonly amount: string;
      readonly currency: string;
    }[];
  } | null;
  readonly notices: readonly { readonly about: string; readonly text: string }[];
}

export interface AuditEvent {
  readonly sequence: number;
  readonly occurredAt: string;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly hash: string;
}

export interface Quarantined {
  readonly ticketId: string;
  readonly team: string;
  readonly reason: string;
  readonly usedCredits: string;
  readonly holdCredits: string;
  readonly quarantinedAt: string;
}

export interface HeldPrice {
  readonly account: string;
  readonly ratingType: string;
  readonly serviceType: string;
  readonly from: string;
  readonly pricePerCredit: string | null;
  readonly currency: string;
  readonly why: string;
  readonly inForce: string | null;
}

export interface Accuracy {
  readonly basis: string;
  readonly statements: number;
  readonly qErrorP50: string;
  readonly qErrorP90: string;
  readonly coveragePercent: string;
}

/** A shape whose pace is above a run rate. */
export interface FastShape {
  readonly team: string;
  readonly fingerprint: string;
  readonly statementShape: string;
  readonly runRate: string;
  readonly rung: 'warn' | 'slow' | 'stop';
  readonly mode: string;
  readonly projectedCredits: string;
  readonly projectedAmount: string;
  readonly limitCredits: string;
  readonly spentCredits: string;
  readonly spentAmount: string;
  readonly currency: string;
  readonly lastTicketId: string;
  readonly lastPrincipal: string;
  readonly lastAt: string;
  readonly liftedUntil: string | null;
}

export interface Anomaly {
  readonly id: string;
  readonly team: string;
  readonly grain: 'hour' | 'day';
  readonly startsAt: string;
  readonly spentCredits: string;
  readonly usualCredits: string;
  readonly shapes: readonly { readonly statements: number; readonly percent: string }[];
  readonly owner: string | null;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
  readonly note: string | null;
}

/** A sign-in of the console, of who asks. */
export interface OwnSignIn {
  readonly id: string;
  /** The one of this browser. */
  readonly isThis: boolean;
  readonly provenBy: 'token' | 'oidc';
  /** null: no browser that Tollgate knows. */
  readonly browser: string | null;
  readonly startedAt: string;
  readonly startedFrom: string;
  readonly usedAt: string;
  readonly usedFrom: string;
}
