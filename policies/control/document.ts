/**
 * The control document: organisation, principals, budgets, tiers, rates, prices and rules as one reviewed file.
 * Ids are lower-case names chosen by the administrators; names of Snowflake objects compare without case.
 */
import type { StatementClass } from '#base/sql/statement-class.js';
import type {
  IdlePolicyDocument,
  SharedCostDocument,
  WarehouseOwnerDocument,
} from './attribution-documents.js';
import type { BookingDocument, ClosingDocument } from './closing-documents.js';
import type { FailModeDocument } from './fail-mode-documents.js';
import type {
  AccountPricing,
  PriceDocument,
  PriceListsDocument,
  RateDocument,
} from '../prices/price-documents.js';
import type { Cloud } from '../prices/rate-list.js';
import type { RuleMode } from './choices.js';
import type { Weekday } from '#base/time.js';
import type { BreakGlassDocument, RunRateDocument } from './guard-documents.js';
import type { RungDocument, TierServiceDocument } from './ladder-documents.js';

export const PERIOD_KINDS = ['day', 'week', 'month', 'quarter', 'fiscal', 'custom'] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];
/** Whom an access list names. All kinds that are given must hold; absent: everybody. */
export interface WhoDocument {
  readonly teams?: readonly string[];
  readonly departments?: readonly string[];
  readonly principals?: readonly string[];
  /** Snowflake roles in force; case does not matter. */
  readonly roles?: readonly string[];
}

/**
 * One access list; `policies/access/decide.ts` has the precedence. Names of objects are patterns as in SQL, with `*`
 * and `?` in each part; what is given of objects, classes and actions must all hold.
 */
export interface AccessDocument extends WhoDocument {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  /** Absent: enforce. */
  readonly mode?: RuleMode;
  /** Another mode for single teams. */
  readonly modes?: Readonly<Record<string, RuleMode>>;
  /** Whom it does not speak of, whoever else is named; any of these. */
  readonly except?: WhoDocument;
  /** `DB`. */
  readonly databases?: readonly string[];
  /** `DB.SCHEMA`. */
  readonly schemas?: readonly string[];
  /** `DB.SCHEMA.TABLE`. */
  readonly tables?: readonly string[];
  /** `DB.SCHEMA.TABLE.COLUMN`. */
  readonly columns?: readonly string[];
  readonly classes?: readonly StatementClass[];
  readonly actions?: readonly ('read' | 'write')[];
  /** Whom a refusal tells people to ask. */
  readonly owner: string;
}

/** What a rule does when its condition holds. */
export const RULE_EFFECTS = [
  'refuse',
  'approve',
  'reroute',
  'queue',
  'off-peak',
  'allow-external',
  'ceiling',
] as const;

export interface OrganisationDocument {
  readonly id: string;
  readonly name: string;
  /** Billing currency, ISO 4217. */
  readonly currency: string;
  readonly closing?: ClosingDocument;
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
  /** Most that its leads may grant together in 30 days; absent: nothing. */
  readonly leadsGrantCredits?: string;
  /** Where the team is told of its budgets. */
  readonly channels?: readonly string[];
}

/** passthrough: Snowflake checks the credentials; terminated: Tollgate does; both: Tollgate where it issued some. */
export const SIGN_INS = ['passthrough', 'terminated', 'both'] as const;
export type SignIn = (typeof SIGN_INS)[number];

/** The Snowflake user by which a team's terminated sign-ins run; its key pair is Tollgate's. */
export interface ServiceUserDocument {
  readonly team: string;
  readonly snowflakeUser: string;
}

export interface AccountDocument extends AccountPricing {
  /** First label of the host, or the login's ACCOUNT_NAME. */
  readonly id: string;
  /** Name of a configured upstream. */
  readonly upstream: string;
  /** Absent: passthrough. */
  readonly signIn?: SignIn;
  /** One a team that signs in terminated. */
  readonly serviceUsers?: readonly ServiceUserDocument[];
}

/** Addresses that callers may be told apart by, as IPv4 or IPv6 networks. */
export interface NetworkDocument {
  readonly id: string;
  /** `10.0.0.0/8`, `2001:db8::/32`. */
  readonly cidrs: readonly string[];
}

export const CLAIM_ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;
export type ClaimAlgorithm = (typeof CLAIM_ALGORITHMS)[number];

/** Public key that verifies the claims of a shared principal. */
export interface ClaimKeyDocument {
  /** `kid` of the claim. */
  readonly id: string;
  readonly algorithm: ClaimAlgorithm;
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKey: string;
}

export const CHANNEL_KINDS = ['slack', 'teams', 'webhook', 'email', 'pagerduty'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** Where notifications go. Addresses that are secrets stay outside the document. */
export interface ChannelDocument {
  readonly id: string;
  readonly kind: ChannelKind;
  /** An e-mail address, or the name of the environment variable that holds the address. */
  readonly target: string;
}

export interface PrincipalDocument {
  readonly id: string;
  readonly team: string;
  readonly kind: 'person' | 'service';
  /** May act for others by a signed claim. */
  readonly shared: boolean;
  readonly owner: string;
  readonly status: 'active' | 'suspended';
  /** Only for shared principals; secrets of the API (HS256) stand beside them. */
  readonly claimKeys?: readonly ClaimKeyDocument[];
}

/** Leads from authenticated facts to exactly one of a principal or a team; the first match decides. */
export interface MappingDocument {
  readonly match: {
    readonly account?: string;
    /** Exact, or with `*` and `?`. */
    readonly snowflakeUser?: string;
    readonly role?: string;
    /** Id of a network that the client's address lies in. */
    readonly network?: string;
  };
  readonly principal?: string;
  readonly team?: string;
}

export interface PeriodDocument {
  readonly kind: PeriodKind;
  readonly timeZone: string;
  /** Only for weeks, and fiscal years of weeks; Monday unless given (ISO 8601). */
  readonly weekStartsOn?: Weekday;
  /** Only for kind fiscal. */
  readonly fiscal?: FiscalDocument;
  /** Only for kind custom. */
  readonly custom?: CustomDocument;
}

export const FISCAL_LENGTHS = ['month', 'quarter', 'year'] as const;
export const FISCAL_PATTERNS = ['calendar', '4-4-5', '4-5-4', '5-4-4'] as const;
export const YEAR_STARTS = ['nearest', 'after-last'] as const;

/** A fiscal year of calendar months, or of 52 or 53 weeks in months of 4 and 5 (see `billing/fiscal.ts`). */
export interface FiscalDocument {
  /** How much of the year one period is. */
  readonly length: (typeof FISCAL_LENGTHS)[number];
  /** 1 to 12. */
  readonly firstMonth: number;
  readonly pattern: (typeof FISCAL_PATTERNS)[number];
  /** Only for years of weeks: where they begin; nearest unless given. */
  readonly yearStart?: (typeof YEAR_STARTS)[number];
}

/** Either everyDays from firstDay on, or spans. Days are `YYYY-MM-DD`; outside of them the budget does not count. */
export interface CustomDocument {
  readonly everyDays?: number;
  readonly firstDay?: string;
  readonly spans?: readonly { readonly firstDay: string; readonly lastDay: string }[];
}

/** What is left of a limit goes into the next period: a share of it, at most so many credits. */
export interface CarryOverDocument {
  readonly percent: number;
  readonly maxCredits?: string;
}

/** Percent of a limit that are told when they are passed, unless a budget says others. */
export const USE_THRESHOLDS: readonly number[] = [50, 80, 100];
export const FORECAST_THRESHOLDS: readonly number[] = [100];

export interface BudgetDocument {
  readonly id: string;
  /** Organisation, department, team or principal. */
  readonly node: string;
  /** A decimal, or `unlimited`. */
  readonly limitCredits: string;
  readonly hard: boolean;
  /** What comes before a refusal, or in its place; absent: nothing does. */
  readonly ladder?: readonly RungDocument[];
  readonly period: PeriodDocument;
  /** Direct credits, or direct × the warehouse's loading. */
  readonly counts: 'direct' | 'billed';
  readonly tier?: string;
  /** `<tool>/<name>` with `*` and `?`, such as `dbt/*`. */
  readonly workload?: string;
  /** What the driver or tool calls itself, with `*` and `?`, such as `JDBC/*`. */
  readonly client?: string;
  /** Absent: nothing is carried over. */
  readonly carryOver?: CarryOverDocument;
  /** What is missing at the end of a period is taken from the next one. */
  readonly carryDebt?: boolean;
  /** While the ledger does not answer; absent: leases. */
  readonly failMode?: FailModeDocument;
  /** Percent of the limit spent, in rising order; absent: {@link USE_THRESHOLDS}. */
  readonly thresholds?: readonly number[];
  /** Percent of the limit that the forecast reaches; absent: {@link FORECAST_THRESHOLDS}. */
  readonly forecastThresholds?: readonly number[];
}

/** A team in the queue of a tier; what is absent is what the tier says of every team. */
export interface TierTeamDocument {
  readonly team: string;
  readonly weight?: number;
  readonly concurrencyMax?: number;
  readonly queueMax?: number;
  readonly queueTimeoutSeconds?: number;
}

/** Permits of `concurrencyMax` that only these get, and the most they get at once. */
export interface TierAdministratorsDocument {
  readonly permits: number;
  readonly principals?: readonly string[];
  /** Snowflake roles in force; case does not matter. */
  readonly roles?: readonly string[];
}

export interface TierDocument extends TierServiceDocument {
  readonly id: string;
  readonly warehouse: string;
  /** Share of a team in this tier's fair queue, unless `teams` gives it another. */
  readonly weight: number;
  /** Teams that are treated otherwise than the rest in this tier's queue. */
  readonly teams?: readonly TierTeamDocument[];
  /** Statements of one team that run at once; absent: up to `concurrencyMax`. */
  readonly teamConcurrencyMax?: number;
  /** Statements of one team that may wait; absent: up to `queueMax`. */
  readonly teamQueueMax?: number;
  /** Statements of one principal that run at once. */
  readonly principalConcurrencyMax?: number;
  /** Who always gets a permit; absent: nobody. */
  readonly administrators?: TierAdministratorsDocument;
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
  /** A running statement that no client waits for any more; absent: it runs on, as on Snowflake. */
  readonly clientGone?: 'keep' | 'cancel';
  readonly explainAboveCredits?: string;
}

export interface WarehouseDocument {
  readonly name: string;
  readonly size: string;
  readonly kind: string;
  readonly generation: string;
  /** As SHOW WAREHOUSES has it; absent: the kind's usual one. */
  readonly resourceConstraint?: string;
  /** Absent: that of the only account. */
  readonly cloud?: Cloud;
}

/** Credits per hour of one cluster; from `effectiveFrom` until a later one of the same key. */

interface RuleFields {
  readonly id: string;
  readonly mode: RuleMode;
  /** Another mode for single teams. */
  readonly modes?: Readonly<Record<string, RuleMode>>;
  /** Absent: every team. */
  readonly teams?: readonly string[];
  /** CEL; see `rules/condition.ts` for what it can see. */
  readonly when: string;
  readonly message: string;
}

interface Approvable {
  /** false: a granted request never lifts it. Absent: one may. */
  readonly approvable?: boolean;
}

/**
 * `reroute` runs on the warehouse and in the lane of another tier, `queue` keeps its warehouse and waits in the lane
 * of another tier, `off-peak` runs in the off-peak hours of its tier only, `allow-external` lifts the built-in refusal of external locations, `ceiling` lowers the ceiling.
 */
export type RuleDocument =
  | (RuleFields & Approvable & { readonly effect: 'refuse' | 'off-peak' })
  | (RuleFields & { readonly effect: 'allow-external' })
  /** Absent: a statement does not wait for its approval. */
  | (RuleFields & { readonly effect: 'approve'; readonly waitSeconds?: number })
  | (RuleFields & Approvable & { readonly effect: 'reroute' | 'queue'; readonly tier: string })
  | (RuleFields & Approvable & { readonly effect: 'ceiling'; readonly ceilingCredits: string });

/** A rule by name; `presets.ts` has what each comes to. Which parameters belong to which is checked there. */
export interface PresetDocument {
  readonly id: string;
  readonly preset: 'full-scan' | 'cross-join' | 'select-star' | 'foreign-writes' | 'tier-escape';
  readonly mode: RuleMode;
  readonly modes?: Readonly<Record<string, RuleMode>>;
  readonly teams?: readonly string[];
  /** Absent: refuse. */
  readonly effect?: 'refuse' | 'approve';
  /** Absent: the preset's own. */
  readonly message?: string;
  readonly aboveGigabytes?: number;
  readonly aboveColumns?: number;
  /** `DB.SCHEMA` with `*`, `?` and `{team}`, the caller's team as an identifier. */
  readonly schemas?: readonly string[];
  readonly warehouses?: readonly string[];
  readonly parameters?: readonly string[];
}

export interface ControlDocument {
  readonly organisation: OrganisationDocument;
  readonly departments: readonly DepartmentDocument[];
  readonly teams: readonly TeamDocument[];
  readonly accounts: readonly AccountDocument[];
  readonly networks?: readonly NetworkDocument[];
  readonly channels?: readonly ChannelDocument[];
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
  readonly lists?: PriceListsDocument;
  readonly access?: readonly AccessDocument[];
  readonly idlePolicies?: readonly IdlePolicyDocument[];
  readonly warehouseOwners?: readonly WarehouseOwnerDocument[];
  readonly sharedCosts?: readonly SharedCostDocument[];
  readonly bookings?: readonly BookingDocument[];
  readonly runRates?: readonly RunRateDocument[];
  readonly breakGlass?: readonly BreakGlassDocument[];
  readonly presets?: readonly PresetDocument[];
  readonly rules: readonly RuleDocument[];
}
