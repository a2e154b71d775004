import { describe, expect, test } from 'vitest';
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';
import { defaultDefinition } from '../../../warehouse/fleet/fleet.js';
import { VirtualWarehouse } from '../../../warehouse/fleet/virtual-warehouse.js';
import type {
  Ended,
  Place,
  WarehouseDefinition,
} from '../../../warehouse/fleet/virtual-warehouse.js';
import { manualClock } from '../support/manual-clock.js';
import type { ManualClock } from '../support/manual-clock.js';

const START = Date.UTC(2026, 10, 2, 9, 0, 0);

function build(settings: Partial<WarehouseDefinition> = {}): {
  readonly warehouse: VirtualWarehouse;
  readonly clock: ManualClock;
  readonly events: readonly WarehouseEvent[];
  readonly story: () => readonly string[];
} {
  const clock = manualClock(START);
  const events: WarehouseEvent[] = [];
  const definition = { ...defaultDefinition('W', 'XSMALL', START), ...settings };
  const warehouse = new VirtualWarehouse(definition, clock, (event) => events.push(event));
  const story = (): readonly string[] =>
    events.map((event) => `${(event.at - START) / 1000} ${event.event} ${event.reason}`);
  return { warehouse, clock, events, story };
}

/** Moves the clock and lets the model catch up. */
function pass(clock: ManualClock, warehouse: VirtualWarehouse, seconds: number): void {
  clock.at += seconds * 1000;
  warehouse.settle();
}

async function run(
  warehouse: VirtualWarehouse,
  workSeconds: number,
  limitSeconds = 0,
): Promise<{ readonly place: Place; readonly ended: Promise<Ended> }> {
  const place = warehouse.enter();
  await place.placed;
  return { place, ended: place.weigh(workSeconds * 1000, limitSeconds * 1000) };
}

const seconds = async (ended: Promise<Ended>): Promise<number> => ((await ended).at - START) / 1000;

describe('a virtual warehouse', () => {
  test('resumes for a statement, ends it after its work and suspends 60 s later', async () => {
    const { warehouse, clock, story } = build();
    const { ended } = await run(warehouse, 10);
    expect(warehouse.state).toBe('STARTED');
    pass(clock, warehouse, 100);
    expect(await ended).toEqual({ how: 'done', at: START + 10_000 });
    expect(story()).toEqual(['0 RESUMED AUTORESUME', '70 SUSPENDED AUTOSUSPEND']);
  });

  test('a statement that weighs nothing never starts it', async () => {
    const { warehouse, clock, events } = build();
    const place = warehouse.enter();
    await place.placed;
    place.leave();
    pass(clock, warehouse, 100);
    expect(events).toEqual([]);
  });

  test('the time the engine takes is part of the duration, not added to it', async () => {
    const { warehouse, clock, story } = build();
    const place = warehouse.enter();
    await place.placed;
    clock.at += 4000;
    const ended = place.weigh(10_000, 0);
    pass(clock, warehouse, 6);
    expect(await seconds(ended)).toBe(10);
    expect(story()).toEqual(['0 RESUMED AUTORESUME']);
  });

  test('a free place counts from the arrival, but never starts the warehouse before it was suspended', async () => {
    const { warehouse, clock, story } = build();
    clock.at += 2000;
    const place = warehouse.enter(START);
    await place.placed;
    expect(await seconds(place.weigh(1000, 0))).toBe(1);
    pass(clock, warehouse, 100);
    const late = warehouse.enter(START + 60_000);
    await late.placed;
    await late.weigh(1000, 0);
    expect(story()).toEqual([
      '0 RESUMED AUTORESUME',
      '61 SUSPENDED AUTOSUSPEND',
      '61 RESUMED AUTORESUME',
    ]);
  });

  test('an engine slower than the model is billed the model only', async () => {
    const { warehouse, clock } = build();
    const place = warehouse.enter();
    await place.placed;
    clock.at += 50_000;
    expect(await seconds(place.weigh(10_000, 0))).toBe(10);
  });

  test('four statements run at full speed, eight at half', async () => {
    const four = build();
    const quick = await Promise.all([1, 2, 3, 4].map(() => run(four.warehouse, 10)));
    pass(four.clock, four.warehouse, 60);
    expect(await Promise.all(quick.map(({ ended }) => seconds(ended)))).toEqual([10, 10, 10, 10]);
    const eight = build();
    const slow = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => run(eight.warehouse, 10)));
    pass(eight.clock, eight.warehouse, 60);
    expect(await Promise.all(slow.map(({ ended }) => seconds(ended)))).toEqual(Array(8).fill(20));
  });

  test('when neighbours end, the rest speeds up again', async () => {
    const { warehouse, clock } = build();
    const short = await Promise.all([1, 2, 3, 4].map(() => run(warehouse, 4)));
    const long = await Promise.all([1, 2, 3, 4].map(() => run(warehouse, 10)));
    pass(clock, warehouse, 60);
    expect(await seconds(short[0]!.ended)).toBe(8);
    // 8 s at half speed leave 6 s of work at full speed.
    expect(await seconds(long[0]!.ended)).toBe(14);
  });

  test('beyond its concurrency statements queue and start when a place is free', async () => {
    const { warehouse, clock } = build({ maxConcurrency: 1 });
    await run(warehouse, 10);
    const second = warehouse.enter();
    expect(warehouse.queuedCount).toBe(1);
    pass(clock, warehouse, 20);
    expect((await second.placed)?.at).toBe(START + 10_000);
  });

  test('a queued statement that leaves gets no place', async () => {
    const { warehouse } = build({ maxConcurrency: 1 });
    await run(warehouse, 10);
    const second = warehouse.enter();
    second.leave();
    expect(await second.placed).toBeUndefined();
    expect(warehouse.queuedCount).toBe(0);
  });

  test('a limit ends a statement at that very second', async () => {
    const { warehouse, clock } = build();
    const { ended } = await run(warehouse, 100, 30);
    pass(clock, warehouse, 200);
    expect(await ended).toEqual({ how: 'limit', at: START + 30_000 });
  });

  test('a limit that passed while the engine ran still ends it at that second', async () => {
    const { warehouse, clock } = build();
    const place = warehouse.enter();
    await place.placed;
    clock.at += 50_000;
    expect(await place.weigh(100_000, 30_000)).toEqual({ how: 'limit', at: START + 30_000 });
  });

  test('a statement that leaves ends now', async () => {
    const { warehouse, clock } = build();
    const { place, ended } = await run(warehouse, 100);
    clock.at += 7000;
    place.leave();
    expect(await ended).toEqual({ how: 'left', at: START + 7000 });
  });

  test('a suspension by a user waits for running statements', async () => {
    const { warehouse, clock, story } = build();
    await run(warehouse, 10);
    warehouse.suspend('USER');
    expect(warehouse.state).toBe('STARTED');
    pass(clock, warehouse, 11);
    expect(story()).toEqual(['0 RESUMED AUTORESUME', '10 SUSPENDED USER']);
  });

  test('auto-suspend 0 keeps it running', async () => {
    const { warehouse, clock } = build({ autoSuspendSeconds: 0 });
    await run(warehouse, 1);
    pass(clock, warehouse, 100_000);
    expect(warehouse.state).toBe('STARTED');
  });

  test('a resize is written and counts for statements placed after it', async () => {
    const { warehouse, clock, events } = build();
    await run(warehouse, 10);
    clock.at += 1000;
    warehouse.alter({ ...warehouse.definition, size: 'LARGE' });
    expect(events.at(-1)).toMatchObject({ event: 'RESIZED', size: 'LARGE', at: START + 1000 });
    const place = warehouse.enter();
    expect((await place.placed)?.size).toBe('LARGE');
  });
});
