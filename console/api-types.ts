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
  readonly refusalCode: string;
  readonly statement: string;
  readonly needsCredits: string;
  readonly needsAmount: string;
  readonly currency: string;
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
