/** Parts of the control document about who bears what nobody ran: idle time of warehouses, and shared services. */

/**
 * causer: who woke the warehouse; tailOwner: whose statement was the last before it stood idle; proRata: who ran there,
 * in proportion; budgetShare: every team by its budgets' limits; owner: the warehouse's owner; platform: one team.
 */
export const IDLE_POLICIES = [
  'causer',
  'tailOwner',
  'proRata',
  'budgetShare',
  'owner',
  'platform',
] as const;
export type IdlePolicyName = (typeof IDLE_POLICIES)[number];

/** Who bears the idle time of a warehouse from an instant on, until a later entry for the same warehouse. */
export interface IdlePolicyDocument {
  readonly id: string;
  /** Name, case does not matter; absent: every warehouse that has no entry of its own. */
  readonly warehouse?: string;
  /** The whole hour it begins with. */
  readonly effectiveFrom: string;
  readonly policy: IdlePolicyName;
  /** Other policies for parts of it. */
  readonly idle?: IdlePolicyName;
  readonly resumeMinute?: IdlePolicyName;
  readonly shortQuery?: IdlePolicyName;
  /** Who bears what goes to the platform. */
  readonly platformTeam?: string;
}

/** The team that owns a warehouse: bears what nobody else can be found for. The first match decides. */
export interface WarehouseOwnerDocument {
  /** Name with `*` and `?`; case does not matter. */
  readonly warehouse: string;
  readonly team: string;
}

/** team: one team owns it; percent: fixed shares; even: alike; direct: by what teams ran that day; central: stays with one. */
export const SHARED_COST_KEYS = ['team', 'percent', 'even', 'direct', 'central'] as const;
export type SharedCostKey = (typeof SHARED_COST_KEYS)[number];

/** Who bears what a service took for an entity. The first that matches decides; nothing matches: a line of nobody. */
export interface SharedCostDocument {
  readonly id: string;
  /** Service type as METERING_HISTORY has it, or CLOUD_SERVICES, STORAGE, DATA_TRANSFER; with `*` and `?`. */
  readonly service: string;
  /** Name of the entity (warehouse, pipe, task, table, database) with `*` and `?`; absent: all of them. */
  readonly entity?: string;
  /** UTC day from which it holds; absent: always. */
  readonly effectiveFrom?: string;
  readonly by: SharedCostKey;
  /** For team and central. */
  readonly team?: string;
  /** For percent. */
  readonly percents?: readonly { readonly team: string; readonly percent: number }[];
  /** For even and direct: only these; absent: every team. */
  readonly teams?: readonly string[];
}
