/**
 * The control document: organisation, principals, budgets, tiers, rates, prices and rules as one reviewed file.
 * Ids are lower-case names chosen by the administrators; names of Snowflake objects compare without case.
 */
export const PERIOD_KINDS = ['day', 'week', 'month', 'quarter'] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];
/** shadow: counted only; warn: told to the team; enforce: it decides. */
export const RULE_MODES = ['shadow', 'warn', 'enforce'] as const;
export type RuleMode = (typeof RULE_MODES)[number];

export interface OrganisationDocument {
  readonly id: string;
  readonly name: string;
  /** Billing currency, ISO 4217. */
  readonly currency: string;
}

export interface DepartmentDocument {
  readonly id: string;
  readonly name: string;
}

export interface TeamDocument {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  readonly costCentre: string;
  /** Whom a refusal names. */
  readonly owner: string;
}

export interface AccountDocument {
  /** First label of the host, or the login's ACCOUNT_NAME. */
  readonly id: string;
  /** Name of a configured upstream. */
  readonly upstream: string;
}

export interface PrincipalDocument {
  readonly id: string;
  readonly team: string;
  readonly kind: 'person' | 'service';
  /** May act for others by a signed claim. */
  readonly shared: boolean;
  readonly owner: string;
  readonly status: 'active' | 'suspended';
}

/** Leads from authenticated facts to exactly one of a principal or a team; the first match decides. */
export interface MappingDocument {
  readonly match: {
    readonly account?: string;
    /** Exact, or with `*` and `?`. */
    readonly snowflakeUser?: string;
    readonly role?: string;
  };
  readonly principal?: string;
  readonly team?: string;
}

export interface PeriodDocument {
  readonly kind: PeriodKind;
  readonly timeZone: string;
  /** Only for weeks; Monday unless given (ISO 8601). */
  readonly weekStartsOn?: Weekday;
}

export interface BudgetDocument {
  readonly id: string;
  /** Organisation, department, team or principal. */
  readonly node: string;
  /** A decimal, or `unlimited`. */
  readonly limitCredits: string;
  readonly hard: boolean;
  readonly period: PeriodDocument;
  /** Direct credits, or direct × the warehouse's loading. */
  readonly counts: 'direct' | 'billed';
  readonly tier?: string;
  readonly workload?: string;
}

export interface TierDocument {
  readonly id: string;
  readonly warehouse: string;
  /** Share of a team in this tier's fair queue. */
  readonly weight: number;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly queueTimeoutSeconds: number;
  readonly statementTimeoutSeconds: number;
  /** Most that one statement may cost. */
  readonly ceilingCredits: string;
  /** Held, and expected, when nothing is known of a statement. */
  readonly guessHoldCredits: string;
  readonly guessExpectedCredits: string;
  /** What happens to text that could hide anything. */
  readonly opaque: 'refuse' | 'allow' | 'approve';
  readonly explainAboveCredits?: string;
}

export interface WarehouseDocument {
  readonly name: string;
  readonly size: string;
  readonly kind: string;
  readonly generation: string;
}

/** Credits per hour of one cluster; from `effectiveFrom` until a later one of the same key. */
export interface RateDocument {
  readonly kind: string;
  readonly generation: string;
  readonly size: string;
  readonly creditsPerHour: string;
  readonly effectiveFrom: string;
}

export interface PriceDocument {
  readonly creditKind: string;
  readonly currency: string;
  readonly pricePerCredit: string;
  readonly effectiveFrom: string;
  readonly effectiveTo?: string;
}

interface RuleFields {
  readonly id: string;
  readonly mode: RuleMode;
  /** Absent: every team. */
  readonly teams?: readonly string[];
  /** CEL; see `rules/condition.ts` for what it can see. */
  readonly when: string;
  readonly message: string;
}

/**
 * `reroute` runs on the warehouse and in the lane of another tier, `queue` keeps its warehouse and waits in the lane
 * of another tier, `allow-external` lifts the built-in refusal of external locations, `ceiling` lowers the ceiling.
 */
export type RuleDocument =
  | (RuleFields & { readonly effect: 'refuse' | 'approve' | 'allow-external' })
  | (RuleFields & { readonly effect: 'reroute' | 'queue'; readonly tier: string })
  | (RuleFields & { readonly effect: 'ceiling'; readonly ceilingCredits: string });

export interface ControlDocument {
  readonly organisation: OrganisationDocument;
  readonly departments: readonly DepartmentDocument[];
  readonly teams: readonly TeamDocument[];
  readonly accounts: readonly AccountDocument[];
  readonly principals: readonly PrincipalDocument[];
  /** First match decides; no match is unknown, and unknown is refused. */
  readonly mapping: readonly MappingDocument[];
  readonly budgets: readonly BudgetDocument[];
  readonly tiers: readonly TierDocument[];
  /** Tier of a statement whose warehouse has no tier of its own. */
  readonly defaultTier: string;
  readonly warehouses: readonly WarehouseDocument[];
  readonly rates: readonly RateDocument[];
  readonly prices: readonly PriceDocument[];
  readonly rules: readonly RuleDocument[];
}
