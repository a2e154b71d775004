/**
 * Uptime × rate once more, by other means than the warehouse's own meter: second after second, with a table of rates of
 * its own, counting whole hundredths of a credit an hour. It knows nothing of spans or rounding. Events must stand on
 * whole seconds.
 */
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';
import type { WarehouseMake } from '../../../warehouse/fleet/rates.js';

const SIZES = 'XSMALL SMALL MEDIUM LARGE XLARGE XXLARGE XXXLARGE X4LARGE X5LARGE X6LARGE'.split(
  ' ',
);

/** Hundredths of a credit an hour. */
function hundredths(size: string, make: WarehouseMake | undefined): number {
  const doubled = 2 ** SIZES.indexOf(size);
  if (make === undefined) return 100 * doubled;
  switch (make.kind) {
    case 'STANDARD':
      return (make.generation === 1 ? 100 : 135) * doubled;
    case 'INTERACTIVE':
      return 60 * doubled;
    case 'SNOWPARK-OPTIMIZED':
      return 150 * doubled;
  }
}

/** Servers that came at one time. */
interface Slice {
  readonly since: number;
  readonly leastSeconds: number;
  units: number;
}

/** Servers that are gone, but must be paid to the end of their minimum. */
interface Tail {
  readonly until: number;
  readonly units: number;
}

/**
 * Unit-seconds by `<hour start in ms> <warehouse>`, where a unit is a hundredth of a credit an hour.
 *
 * @param until seconds since 1970 up to which what still runs is counted.
 */
export function sweep(
  events: readonly WarehouseEvent[],
  until: number,
): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  const keys = new Set(events.map((event) => `${event.warehouse}/${event.cluster}`));
  for (const key of keys) {
    const own = events.filter((event) => `${event.warehouse}/${event.cluster}` === key);
    sweepCluster(own, until, totals);
  }
  return totals;
}

function sweepCluster(
  events: readonly WarehouseEvent[],
  until: number,
  totals: Map<string, number>,
): void {
  const bySecond = new Map<number, WarehouseEvent[]>();
  for (const event of events) {
    const at = event.at / 1000;
    if (!Number.isInteger(at)) throw new Error('the sweep needs whole seconds');
    bySecond.set(at, [...(bySecond.get(at) ?? []), event]);
  }
  let stack: Slice[] = [];
  let tails: Tail[] = [];
  const release = (units: number, second: number): void => {
    for (let left = units; left > 0;) {
      const newest = stack.at(-1)!;
      const gone = Math.min(left, newest.units);
      newest.units -= gone;
      left -= gone;
      const owed = newest.since + newest.leastSeconds;
      if (owed > second) tails.push({ until: owed, units: gone });
      if (newest.units === 0) stack.pop();
    }
  };
  const height = (): number => stack.reduce((sum, slice) => sum + slice.units, 0);
  const first = Math.min(...bySecond.keys());
  for (let second = first; second <= until || tails.length > 0; second += 1) {
    for (const event of bySecond.get(second) ?? []) {
      const units = hundredths(event.size, event.make);
      if (event.event === 'RESUMED') {
        release(height(), second);
        const leastSeconds = event.make?.kind === 'INTERACTIVE' ? 3600 : 60;
        stack = [{ since: second, leastSeconds, units }];
      } else if (event.event === 'RESIZED' && stack.length > 0) {
        if (units < height()) release(height() - units, second);
        else if (units > height())
          stack.push({ since: second, leastSeconds: 60, units: units - height() });
      } else if (event.event === 'SUSPENDED' || event.event === 'DROPPED')
        release(height(), second);
    }
    if (second === until) release(height(), second);
    tails = tails.filter((tail) => tail.until > second);
    const units = height() + tails.reduce((sum, tail) => sum + tail.units, 0);
    if (units === 0) continue;
    const key = `${Math.floor(second / 3600) * 3_600_000} ${events[0]!.warehouse}`;
    totals.set(key, (totals.get(key) ?? 0) + units);
  }
}
