/**
 * A month of the organisation as it is billed: what every output (PDF, XLSX, CSV, FOCUS, journal, JSON) is rendered from,
 * and nothing else. One value a month and version; of a closed month it is read back as it was frozen, so that the same
 * bytes come out years later.
 *
 * The grain of a line is one kind of charge of one team on one account's warehouse (or service and entity) on one UTC day:
 * prices change by the day, so quantity × price is exact on each.
 */
import type { Credits, Money, Quantity } from '#base/units.js';

/** How far a month is; the order is that of a close. `open` is provisional and changes with every import. */
export const MONTH_STATES = [
  'open',
  'softClosed',
  'inReview',
  'approved',
  'closed',
  'superseded',
] as const;
export type MonthState = (typeof MONTH_STATES)[number];

/** What a line is charged for. Sources: the buckets of a warehouse-hour, the services of a day, and what finance adds. */
export const CHARGE_KINDS = [
  'direct',
  'resumeMinute',
  'idle',
  'shortQuery',
  'bypass',
  'unexplained',
  'cloudServices',
  'cloudServicesAdjustment',
  'acceleration',
  'service',
  'storage',
  'transfer',
  'variance',
  /** Found after its month was closed: booked here, with its first charge period. */
  'correction',
  /** Written by a person, with reason and approval; a credit note is one below zero. */
  'adjustment',
  /** Between what the lines come to and what Snowflake invoiced; borne by the named team. */
  'rounding',
] as const;
export type ChargeKind = (typeof CHARGE_KINDS)[number];

/** Whether a line of the kind mends an earlier month: it was invoiced with that one, and is booked once. */
export function isOfEarlierMonth({ kind }: { readonly kind: ChargeKind }): boolean {
  return kind === 'correction' || kind === 'adjustment';
}

/** Where a team's money is booked, as it stood in that month. */
export interface Booking {
  readonly legalEntity: string;
  readonly costCentre: string;
  /** Account of the general ledger that is debited. */
  readonly glAccount: string;
  /** Showback tells; chargeback is posted to the team's cost centre. */
  readonly mode: 'showback' | 'chargeback';
}

/** Units that Snowflake prices by beside the credit. */
export const MEASURED_UNITS = ['Terabytes'] as const;
export type MeasuredUnit = (typeof MEASURED_UNITS)[number];

/** An account of Snowflake as the control document described it when the month was frozen; null: it did not say. */
export interface BilledAccount {
  readonly id: string;
  readonly cloud: 'AWS' | 'AZURE' | 'GCP' | null;
  /** As Snowflake writes it, such as `AWS_EU_WEST_1`. */
  readonly region: string | null;
  readonly edition: string | null;
}

/** An account of which nothing is known but its id. */
export function unknownAccount(id: string): BilledAccount {
  return { id, cloud: null, region: null, edition: null };
}

export interface BillLine {
  /** Stable: the same line of the same month and version has the same id in every run and every file. */
  readonly id: string;
  readonly kind: ChargeKind;
  readonly account: string;
  /** Warehouse of compute, entity of a service; null: of the account as a whole. */
  readonly resource: string | null;
  /** Snowflake's SERVICE_TYPE, such as `WAREHOUSE_METERING`. */
  readonly serviceType: string;
  /** `YYYY-MM-DD`, UTC: what the charge is of. Of a correction the first day, in an earlier month. */
  readonly chargeDay: string;
  /** Warehouse-seconds of the team's own statements; 0 where nothing ran. */
  readonly usedMs: number;
  readonly statements: number;
  readonly credits: Credits;
  /** What is priced by another unit than the credit, such as storage (its credits are 0); null: credits are priced. */
  readonly measured: { readonly quantity: Quantity; readonly unit: MeasuredUnit } | null;
  /** Of one credit, or one measured unit: as published, as the contract says, and as it is charged. */
  readonly listPrice: Money;
  readonly contractedPrice: Money;
  readonly effectivePrice: Money;
  /**
   * Exact: what is priced × effectivePrice, at twelve decimals half to even. Of what has no price (adjustments, what an
   * invoice alone says) it is the money itself.
   */
  readonly effectiveMoney: Money;
  /**
   * What of `effectiveMoney` Snowflake took from a balance that was paid before (BALANCE_SOURCE of
   * USAGE_IN_CURRENCY_DAILY is capacity, rollover or free usage): it is owed by the team and not invoiced again.
   */
  readonly prepaidMoney: Money;
  /** Whole smallest units of the currency: what is owed. Sums to the bill, the bills to the invoice. */
  readonly amount: Money;
  /** By what it was allocated, with its version: `attributed/2`, `proRata/1`. */
  readonly method: string;
  /** For people: why it is here, one sentence. */
  readonly note: string;
  /** Of corrections, adjustments and credit notes: the month and line that it mends; null: nothing that was billed. */
  readonly corrects: { readonly month: string; readonly lineId: string | null } | null;
}

/** What spent most within a team's own statements: a dashboard, DAG, model, workload or shape. */
export interface Driver {
  readonly kind: 'dashboard' | 'dag' | 'model' | 'workload' | 'user' | 'shape';
  readonly name: string;
  readonly statements: number;
  readonly credits: Credits;
  readonly effectiveMoney: Money;
}

/** What finance asks first; null: not known, or never set. */
export interface Comparison {
  readonly budgetMoney: Money | null;
  readonly previousMoney: Money | null;
  /** Mean of the three months before. */
  readonly trailingMoney: Money | null;
  /** Of the whole month; only while it is open. */
  readonly forecastMoney: Money | null;
}

/** What a bill is in the currency of its team, where that is not the invoice's: converted once, from what is owed. */
export interface BillConversion {
  readonly currency: string;
  /** Units of `currency` for one of the invoice's. */
  readonly rate: Money;
  /** Where the rate was read, and `YYYY-MM-DD`, the first day on which it holds. */
  readonly source: string;
  readonly day: string;
  /** What is owed: whole smallest units of `currency`, the sum of its lines. */
  readonly amount: Money;
  /** `amount` less the product of amount and rate: less than one smallest unit, so that the bills of a currency sum. */
  readonly roundingMoney: Money;
  /** By the id of the line. */
  readonly lineAmounts: ReadonlyMap<string, Money>;
}

export interface TeamBill {
  /** `<month>-v<version>-<team>`, printed on every page and file. */
  readonly id: string;
  readonly teamId: string;
  readonly teamName: string;
  readonly departmentName: string;
  readonly owner: string;
  readonly booking: Booking;
  /** By kind (order of {@link CHARGE_KINDS}), account, resource, service type, day, id. */
  readonly lines: readonly BillLine[];
  readonly totalCredits: Credits;
  /** Sum of the lines' amounts. */
  readonly totalAmount: Money;
  /** null: it is in the currency of the invoice. */
  readonly conversion: BillConversion | null;
  readonly comparison: Comparison;
  /** At most ten, dearest first. */
  readonly drivers: readonly Driver[];
  /** SHA-256 of the canonical lines, hex; and the path from it to the month's Merkle root. */
  readonly hash: string;
  readonly proof: readonly { readonly side: 'left' | 'right'; readonly hash: string }[];
}

/** One thing that the month was held against. */
export interface ReconciledItem {
  /** `credits` of an account's day or hour, `money` of a service's day, `invoice` of the month. */
  readonly what: 'credits' | 'money' | 'invoice';
  readonly subject: string;
  readonly ours: string;
  readonly theirs: string;
  readonly difference: string;
  /** null: it agrees. */
  readonly cause: string | null;
}

export interface MonthReconciliation {
  readonly meteredCredits: Credits;
  readonly allocatedCredits: Credits;
  /** What our lines come to before rounding, and what Snowflake invoiced; null: its money is not imported. */
  readonly computedMoney: Money;
  readonly invoicedMoney: Money | null;
  readonly differenceCredits: Credits;
  readonly differenceMoney: Money | null;
  /** What does not agree, worst first; empty: everything does. */
  readonly open: readonly ReconciledItem[];
  /** Who signed an open variance off, if anybody had to. */
  readonly signedOff: { readonly by: string; readonly at: string; readonly reason: string } | null;
}

export interface BilledMonth {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly currency: string;
  /** Every account that a line names, by id. */
  readonly accounts: readonly BilledAccount[];
  /** `YYYY-MM`, UTC. */
  readonly month: string;
  /** 0 while it is open; 1 for the first close, one more for each re-issue. */
  readonly version: number;
  readonly state: MonthState;
  /** Until when what was known went in: ISO 8601, UTC, milliseconds. */
  readonly asOf: string;
  readonly approvals: readonly { readonly by: string; readonly at: string }[];
  readonly closedAt: string | null;
  /** Sorted by team id. What is of nobody is the bill of team `unallocated`. */
  readonly bills: readonly TeamBill[];
  readonly totalCredits: Credits;
  /** Sum of the bills: the invoice where there is one, with corrections of earlier months. Adjustments sum to zero. */
  readonly totalAmount: Money;
  /** Account of the general ledger that is credited, and the team that bears `rounding`. */
  readonly clearingAccount: string;
  readonly roundingTeamId: string;
  readonly reconciliation: MonthReconciliation;
  /** Over the bills' hashes in order, hex. */
  readonly merkleRoot: string;
}

/** What the bills of a month have in common, without the bills: beside one of them, all that its files say. */
export type MonthHead = Omit<BilledMonth, 'bills'>;

/** One bill, and the month that it is of. */
export interface BillOfMonth {
  readonly month: MonthHead;
  readonly bill: TeamBill;
}

/** One of the bills of a month; undefined: it has none of the team. */
export function billOf({ bills, ...month }: BilledMonth, teamId: string): BillOfMonth | undefined {
  const bill = bills.find((each) => each.teamId === teamId);
  return bill === undefined ? undefined : { month, bill };
}

/** The team that stands for what is of nobody. */
export const UNALLOCATED = 'unallocated';
