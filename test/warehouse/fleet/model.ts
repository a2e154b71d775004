/** A virtual warehouse on a clock that stands, and the story that its events tell. */
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';
import { defaultDefinition } from '../../../warehouse/fleet/definition.js';
import type { WarehouseDefinition } from '../../../warehouse/fleet/definition.js';
import type { Ended, Entering, Place } from '../../../warehouse/fleet/place.js';
import { VirtualWarehouse } from '../../../warehouse/fleet/virtual-warehouse.js';
import { manualClock } from '../support/manual-clock.js';
import type { ManualClock } from '../support/manual-clock.js';

export const START: number = Date.UTC(2026, 10, 2, 9, 0, 0);

export interface Model {
  readonly warehouse: VirtualWarehouse;
  readonly clock: ManualClock;
  readonly events: readonly WarehouseEvent[];
  /** Events as `<second> <event> <reason>`, with `#<cluster>` before the event where it is not the first. */
  story(): readonly string[];
  /** Moves the clock by seconds and lets the model catch up. */
  pass(seconds: number): void;
  /** Takes a place and weighs; fails when the place is not given at once. */
  run(workSeconds: number, limitSeconds?: number): Promise<Running>;
  set(change: Partial<WarehouseDefinition>): void;
}

export interface Running {
  readonly place: Place;
  readonly ended: Promise<Ended>;
}

/** An X-Small that suspends after a minute and has 64 places, unless `settings` say otherwise. */
export function build(settings: Partial<WarehouseDefinition> = {}, provisioningSeconds = 0): Model {
  const clock = manualClock(START);
  const events: WarehouseEvent[] = [];
  const definition = {
    ...defaultDefinition('W', START),
    autoSuspendSeconds: 60,
    maxConcurrency: 64,
    ...settings,
  };
  const warehouse = new VirtualWarehouse(definition, clock, (event) => events.push(event), {
    provisioningMs: provisioningSeconds * 1000,
  });
  return {
    warehouse,
    clock,
    events,
    story: () =>
      events.map((event) => {
        const cluster = event.cluster === 1 ? '' : `#${event.cluster} `;
        return `${(event.at - START) / 1000} ${cluster}${event.event} ${event.reason}`;
      }),
    pass(seconds) {
      clock.at += seconds * 1000;
      warehouse.settle();
    },
    async run(workSeconds, limitSeconds = 0) {
      const place = warehouse.enter();
      const placed = await placedNow(place);
      if (!placed) throw new Error('no place was free');
      return { place, ended: place.weigh(() => workSeconds * 1000, limitSeconds * 1000) };
    },
    set(change) {
      warehouse.alter({ ...warehouse.definition, ...change });
    },
  };
}

async function placedNow(place: Place): Promise<boolean> {
  const waiting = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
  return (await Promise.race([place.placed, waiting]))?.how === 'placed';
}

/** Enters and weighs as soon as it is placed; the end in seconds from the start, and the cluster. */
export async function queueUp(
  model: Model,
  workSeconds: number,
  entering: Entering = {},
): Promise<string> {
  const place = model.warehouse.enter(entering);
  const placed = await place.placed;
  if (placed.how !== 'placed') return `${placed.how} at ${(placed.at - START) / 1000}`;
  const ended = await place.weigh(() => workSeconds * 1000, 0);
  const second = (at: number): number => (at - START) / 1000;
  return `#${ended.cluster} ${second(ended.runningSince)}–${second(ended.at)}`;
}

export const secondOf = async (ended: Promise<Ended>): Promise<number> =>
  ((await ended).at - START) / 1000;

/** Lets promises that are settled already be seen by those who wait for them. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
