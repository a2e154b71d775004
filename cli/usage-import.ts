/**
 * Imports what the account says was used, and allocates it: rates and payers come from the control document in force.
 */
import type { Log } from '../base/log.js';
import type { Database } from '../base/postgres/pool.js';
import type { ServiceConnection } from '../base/snowflake/service-connection.js';
import type { EpochMs } from '../base/time.js';
import { readControl } from '../admin/stores/control-store.js';
import { allocateStaleHours } from '../billing/attribution/allocate-hours.js';
import type { AllocationSummary, PayerOf } from '../billing/attribution/allocate-hours.js';
import { shareIdleTime } from '../billing/attribution/policies/share-idle-time.js';
import type { SharingSummary } from '../billing/attribution/policies/share-idle-time.js';
import { allocateServices } from '../billing/attribution/services/allocate-services.js';
import type { RateOf } from '../billing/attribution/hour-inputs.js';
import { sumStaleDays } from '../billing/bills/day-sums.js';
import { derivePrices } from '../billing/prices/derive-prices.js';
import { importUsage } from '../billing/usage/import-usage.js';
import type { ImportedView } from '../billing/usage/import-usage.js';
import type { ControlDocument } from '../policies/control/document.js';
import { idleRulesOf, sharedCostsOf, sharedCostsText } from './attribution-rules.js';
import { createPrincipalResolver } from '../policies/identity.js';
import { otherPrice } from '../policies/prices/other-price.js';
import { rateLookup } from '../policies/prices/rate-lookup.js';

export interface UsageImport {
  readonly account: string;
  readonly now: EpochMs;
  /** Everything from then on is read again; absent: from where it was read to. */
  readonly from?: EpochMs;
  /** Who asked for it; absent: the schedule. */
  readonly askedBy?: string;
  readonly log: Log;
}

export interface UsageImported extends UsageAllocated {
  readonly views: readonly ImportedView[];
  /** Days that were over and are summed for bills. */
  readonly summedDays: number;
}

export interface UsageAllocated {
  readonly allocation: AllocationSummary;
  readonly sharing: SharingSummary;
  /** Days whose services were allocated. */
  readonly serviceDays: number;
}

/** Faults of upstream and Postgres propagate; what was imported before one stays, and is allocated the next time. */
export async function importAndAllocate(
  db: Database,
  connection: ServiceConnection,
  options: UsageImport,
): Promise<UsageImported> {
  const views = await importUsage(db, connection, options);
  await derivePricesOf(db, options.account);
  const allocated = await allocateUsage(db, options.account);
  return { views, ...allocated, summedDays: await sumStaleDays(db, options.account, options.now) };
}

/** Allocates every stale hour and day of `account`, by the control document in force; nothing before the first document. */
export async function allocateUsage(db: Database, account: string): Promise<UsageAllocated> {
  const control = await readControl(db);
  if (control === undefined)
    return {
      allocation: { allocated: 0, problems: 0 },
      sharing: { hours: 0 },
      serviceDays: 0,
    };
  const { document } = control;
  const allocation = await allocateStaleHours(db, {
    account,
    rateOf: rateOf(document, account),
    payerOf: payerOf(document),
  });
  const sharing = await shareIdleTime(db, account, idleRulesOf(document));
  const serviceDays = await allocateServices(db, {
    account,
    payerOf: payerOf(document),
    shared: sharedCostsOf(document),
    sharedText: sharedCostsText(document),
  });
  return { allocation, sharing, serviceDays };
}

/**
 * Rates of an account's warehouses as its views name them: RESOURCE_CONSTRAINT is the generation of a standard warehouse
 * (`STANDARD_GEN_2`; NULL is the first) and the memory of a Snowpark-optimized one (`MEMORY_16X`).
 */
function rateOf(document: ControlDocument, account: string): RateOf {
  const lookup = rateLookup(document);
  const cloud = document.accounts.find(({ id }) => id === account)?.cloud;
  return (kind, resourceConstraint, size, at) => {
    const generation = /^STANDARD_GEN_(\d)$/.exec(resourceConstraint ?? '')?.[1] ?? '1';
    return lookup(kind, generation, size, at, { resourceConstraint, cloud });
  };
}

/** Whom the mapping names for a Snowflake user and role; the network of a statement of the past is not known. */
function payerOf(document: ControlDocument): PayerOf {
  const resolve = createPrincipalResolver(document);
  return (caller) => {
    const resolution = resolve({ ...caller, address: null });
    return resolution.kind === 'known'
      ? { teamId: resolution.team.id, principalId: resolution.principal.id }
      : undefined;
  };
}

/** Works out what the rate sheet says, behind what the document in force says; nothing before the first document. */
export async function derivePricesOf(db: Database, account: string): Promise<void> {
  const control = await readControl(db);
  if (control === undefined) return;
  await db.transaction((tx) => derivePrices(tx, account, otherPrice(control.document)));
}
