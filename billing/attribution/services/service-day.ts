/**
 * What a UTC day of an account has beside the compute of warehouses, and who bears it. Plain values in, lines out whose
 * credits, with the compute of warehouse-hours, are what METERING_DAILY_HISTORY says was billed; where two of Snowflake's
 * own figures differ, the difference is a line with a name. Amounts are credits, or whole bytes for storage and transfer.
 */
import type { Credits } from '#base/units.js';

/** Changes whenever the same input would come out otherwise. */
export const SERVICE_METHOD_VERSION = 1;

/** Service types of METERING_DAILY_HISTORY whose compute stands in warehouse-hours. */
export const WAREHOUSE_SERVICES: ReadonlySet<string> = new Set([
  'WAREHOUSE_METERING',
  'CLOUD_SERVICES',
]);

export interface ServiceDay {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Sums of the day's warehouse-hours. */
  readonly warehouses: readonly {
    readonly id: string;
    readonly name: string;
    readonly computeCredits: Credits;
    readonly cloudServicesCredits: Credits;
  }[];
  /** Sums over statements that began to execute that day, by warehouse and team; null: of nobody. */
  readonly statements: readonly {
    readonly warehouseId: string;
    readonly teamId: string | null;
    readonly cloudServicesCredits: Credits;
    readonly accelerationCredits: Credits;
  }[];
  /** Sums of METERING_HISTORY beside warehouses. */
  readonly services: readonly {
    readonly serviceType: string;
    readonly entityId: string;
    readonly entityName: string | null;
    readonly credits: Credits;
  }[];
  /** METERING_DAILY_HISTORY; empty until it is imported. */
  readonly billed: readonly {
    readonly serviceType: string;
    readonly computeCredits: Credits;
    readonly cloudServicesCredits: Credits;
    readonly adjustmentCredits: Credits;
    readonly billedCredits: Credits;
  }[];
  readonly storage: readonly {
    readonly scope: 'account' | 'database' | 'stage';
    readonly entityId: string;
    readonly entityName: string | null;
    readonly bytes: bigint;
  }[];
  readonly transfers: readonly {
    readonly route: string;
    readonly kind: string;
    readonly bytes: bigint;
  }[];
  /** What statements of teams took of warehouses that day. */
  readonly ran: readonly { readonly teamId: string; readonly credits: Credits }[];
}

/** Who bears what a service took, as the control document says. */
export interface SharedCost {
  readonly id: string;
  readonly by: 'team' | 'percent' | 'even' | 'direct' | 'central';
  /** Whom it names: with what each weighs for percent, alike otherwise; empty: every team. */
  readonly teams: readonly { readonly teamId: string; readonly weight: bigint }[];
}

/** The shared cost of a service and entity; undefined: none, and the line is of nobody. */
export type SharedCostOf = (
  service: string,
  entity: string | null,
  day: string,
) => SharedCost | undefined;

export interface SharedCosts {
  readonly costOf: SharedCostOf;
  /** Every team of the document. */
  readonly teamIds: readonly string[];
}

export const SERVICE_KINDS = [
  'cloudServices',
  'adjustment',
  'acceleration',
  'service',
  'storage',
  'transfer',
  'variance',
] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

export interface ServiceLine {
  readonly serviceType: string;
  readonly kind: ServiceKind;
  readonly part: string | null;
  readonly entityId: string | null;
  readonly entityName: string | null;
  /** null: of nobody. */
  readonly teamId: string | null;
  /** The shared cost by which the team bears it; null: its own statements, or nobody. */
  readonly sharedBy: string | null;
  readonly unit: 'credits' | 'bytes';
  /** Pico-credits, or bytes. */
  readonly amount: bigint;
}

/** What a line is known by inside its day. */
export function serviceLineKey(line: ServiceLine): string {
  const { serviceType, kind, part, entityId, teamId, sharedBy } = line;
  return [serviceType, kind, part, entityId, teamId, sharedBy]
    .map((each) => each ?? '')
    .join('\u0001');
}
