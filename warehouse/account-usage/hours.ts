/** Compute and cloud services by warehouse and hour, and by day: the one sum that every metering view is cut from. */
import { NO_CREDITS, addCredits, minAmount, mulDiv, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import { hourKey } from '../metering/attribution.js';
import type { WarehouseEvent } from '../metering/events.js';
import { meterHours } from '../metering/metering.js';
import type { WarehouseHour } from '../metering/metering.js';
import { isVisible } from './latencies.js';
import type { Late, Viewing } from './latencies.js';
import { HOUR_MS } from './usage-book.js';
import { NO_WAREHOUSE } from './view-cells.js';

export const DAY_MS = 86_400_000;

/** What the sums are made of. */
export interface Metered {
  readonly warehouseEvents: readonly WarehouseEvent[];
  /** By {@link hourKey}. */
  readonly cloudServices: ReadonlyMap<string, Credits>;
  /** By {@link hourKey}. */
  readonly attributed: ReadonlyMap<string, Credits>;
}

/** A warehouse's hour as a view shows it. */
export interface HourUse {
  readonly startsAt: EpochMs;
  readonly warehouse: string;
  readonly warehouseId?: number;
  readonly compute: Credits;
  /** Nothing until its own latency has passed. */
  readonly cloudServices: Credits;
  /** What of `compute` is attributed to statements; null until it is known. */
  readonly attributed: Credits | null;
}

/** A UTC day of the account. */
export interface DayUse {
  readonly day: number;
  readonly compute: Credits;
  readonly cloudServices: Credits;
  /** Minus what of the cloud services is not billed. */
  readonly adjustment: Credits;
  readonly billed: Credits;
}

/**
 * The hours that `view` shows at `viewing.now`, by time and name. Cloud services come later than compute, attribution
 * later still: such an hour changes where it stands (Snowflake, WAREHOUSE_METERING_HISTORY, usage notes).
 */
export function useByHour(metered: Metered, view: Late, viewing: Viewing): readonly HourUse[] {
  const compute = new Map<string, WarehouseHour>();
  for (const hour of meterHours(metered.warehouseEvents, viewing.now))
    compute.set(hourKey(hour.hourStartsAt, hour.warehouse), hour);
  const keys = new Set([...compute.keys(), ...metered.cloudServices.keys()]);
  const hours: HourUse[] = [];
  for (const key of keys) {
    const blank = key.indexOf(' ');
    const startsAt = Number(key.slice(0, blank));
    const warehouse = key.slice(blank + 1);
    const endsAt = startsAt + HOUR_MS;
    const hasServices = isVisible(
      'WAREHOUSE_METERING_HISTORY.CREDITS_USED_CLOUD_SERVICES',
      endsAt,
      viewing,
    );
    if (!isVisible(view, endsAt, viewing) || (!compute.has(key) && !hasServices)) continue;
    const isAttributed = isVisible('QUERY_ATTRIBUTION_HISTORY', endsAt, viewing);
    hours.push({
      startsAt,
      warehouse,
      ...idIn(compute.get(key)),
      compute: compute.get(key)?.credits ?? NO_CREDITS,
      cloudServices: hasServices ? (metered.cloudServices.get(key) ?? NO_CREDITS) : NO_CREDITS,
      attributed: isAttributed ? (metered.attributed.get(key) ?? NO_CREDITS) : null,
    });
  }
  return hours.sort((a, b) => a.startsAt - b.startsAt || compareNames(a.warehouse, b.warehouse));
}

function idIn(hour: WarehouseHour | undefined): Pick<HourUse, 'warehouseId'> {
  return hour === undefined ? {} : { warehouseId: hour.warehouseId };
}

/** The hours of `hours` summed up by UTC day. */
export function useByDay(hours: readonly HourUse[]): readonly DayUse[] {
  const days = new Map<number, { compute: Credits; cloudServices: Credits }>();
  for (const { startsAt, compute, cloudServices } of hours) {
    const day = Math.floor(startsAt / DAY_MS);
    const sum = days.get(day) ?? { compute: NO_CREDITS, cloudServices: NO_CREDITS };
    days.set(day, {
      compute: addCredits(sum.compute, compute),
      cloudServices: addCredits(sum.cloudServices, cloudServices),
    });
  }
  return [...days].map(([day, sum]) => ({ day, ...sum, ...adjusted(sum) }));
}

/**
 * What of a day is billed: cloud services only above a tenth of the compute, so the adjustment is minus the lesser of
 * both (Snowflake, "Understanding compute cost").
 */
export function adjusted({
  compute,
  cloudServices,
}: {
  readonly compute: Credits;
  readonly cloudServices: Credits;
}): { readonly adjustment: Credits; readonly billed: Credits } {
  const tenth = mulDiv(compute, 1n, 10n, 'half-even') as Credits;
  const adjustment = subtractCredits(NO_CREDITS, minAmount(cloudServices, tenth));
  return { adjustment, billed: addCredits(compute, cloudServices, adjustment) };
}

/** CLOUD_SERVICES_ONLY among the warehouses by its name. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether an hour is of no warehouse. */
export function isServicesOnly({ warehouse }: HourUse): boolean {
  return warehouse === NO_WAREHOUSE;
}
