/** Random days of one warehouse: whatever is done to it, its statements, its events and its meter agree. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCredits } from '#base/units.js';
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';
import type { WarehouseDefinition } from '../../../warehouse/fleet/definition.js';
import type { Ended, Place } from '../../../warehouse/fleet/place.js';
import { meterHours } from '../../../warehouse/metering/metering.js';
import { sweep } from '../metering/second-sweep.js';
import { START, build, turn } from './model.js';
import type { Model } from './model.js';

/** Up to four statements a cluster run at full speed, so that everything ends on whole seconds. */
const CONCURRENCY = 3;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      work: fc.integer({ min: 1, max: 900 }),
      limit: fc.constantFrom(0, 0, 60),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      work: fc.integer({ min: 1, max: 900 }),
      limit: fc.integer({ min: 1, max: 300 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('free' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      seconds: fc.integer({ min: 1, max: 400 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('suspend' as const, 'resume' as const, 'cancel' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      change: fc.oneof(
        fc.record({
          size: fc.constantFrom(
            'SMALL' as const,
            'MEDIUM' as const,
            'X4LARGE' as const,
            'X5LARGE' as const,
          ),
        }),
        fc.record({ autoSuspendSeconds: fc.constantFrom(0, 30, 600) }),
        fc.constantFrom(
          { clustersMin: 1, clustersMax: 1 },
          { clustersMin: 1, clustersMax: 3 },
          { clustersMin: 2, clustersMax: 2 },
        ),
        fc.record({ scalingPolicy: fc.constantFrom('STANDARD' as const, 'ECONOMY' as const) }),
        fc.record({ name: fc.constantFrom('W', 'V') }),
      ),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Told {
  readonly entered: number;
  placedAt: number | undefined;
  readonly work: number;
  readonly limit: number;
  ended: Ended | undefined;
  place: Place;
}

async function play(model: Model, steps: readonly Step[]): Promise<readonly Told[]> {
  const told: Told[] = [];
  const start = (work: number, limit: number, queueLimitMs: number): void => {
    const place = model.warehouse.enter({ queueLimitMs });
    const one: Told = {
      entered: told.length,
      placedAt: undefined,
      work,
      limit,
      ended: undefined,
      place,
    };
    told.push(one);
    void place.placed.then((placed) => {
      if (placed.how !== 'placed') return;
      one.placedAt = placed.at;
      void place.weigh(() => work * 1000, limit * 1000).then((ended) => (one.ended = ended));
    });
  };
  for (const one of steps) {
    switch (one.do) {
      case 'run':
        start(one.work, one.limit, 0);
        break;
      case 'wait':
        start(one.work, 0, one.limit * 1000);
        break;
      case 'free': {
        const { place } = { place: model.warehouse.enter() };
        await turn();
        place.leave();
        break;
      }
      case 'pass':
        // In small steps, as timers do it: the engine answers before the next thing happens.
        for (let second = 0; second < one.seconds; second += 1) {
          model.pass(1);
          await Promise.resolve();
          await Promise.resolve();
          await Promise.resolve();
        }
        break;
      case 'suspend':
        model.warehouse.suspend('USER');
        break;
      case 'resume':
        model.warehouse.resume('USER');
        break;
      case 'cancel':
        told.find((other) => other.ended === undefined)?.place.leave();
        break;
      case 'set':
        model.set(one.change as Partial<WarehouseDefinition>);
        break;
    }
    await turn();
  }
  model.warehouse.close('SHUTDOWN');
  await turn();
  return told;
}

interface Uptime {
  readonly from: number;
  to: number;
}

/** Spans in which each cluster ran; throws when its events are out of turn. */
function uptimes(events: readonly WarehouseEvent[]): ReadonlyMap<number, readonly Uptime[]> {
  const spans = new Map<number, Uptime[]>();
  const last = new Map<number, number>();
  for (const event of events) {
    const own = spans.get(event.cluster) ?? [];
    spans.set(event.cluster, own);
    expect(event.at).toBeGreaterThanOrEqual(last.get(event.cluster) ?? 0);
    last.set(event.cluster, event.at);
    const isOn = own.at(-1)?.to === Infinity;
    if (event.event === 'RESUMED') {
      expect(isOn).toBe(false);
      own.push({ from: event.at, to: Infinity });
    } else if (event.event === 'SUSPENDED') {
      expect(isOn).toBe(true);
      own.at(-1)!.to = event.at;
    }
  }
  return spans;
}

function check(model: Model, told: readonly Told[]): void {
  const spans = uptimes(model.events);
  const on = new Map<number, Ended[]>();
  for (const { ended, placedAt, work, limit } of told) {
    if (ended === undefined || ended.at === ended.runningSince) continue;
    const span = spans
      .get(ended.cluster)
      ?.find(({ from, to }) => from <= ended.runningSince && ended.at <= to);
    expect(span, 'a statement runs while its cluster does').toBeDefined();
    expect(ended.runningSince).toBe(placedAt);
    const lasted = (ended.at - ended.runningSince) / 1000;
    if (ended.how === 'done') expect(lasted).toBe(work);
    if (ended.how === 'limit') expect(lasted).toBe(limit);
    on.set(ended.cluster, [...(on.get(ended.cluster) ?? []), ended]);
  }
  for (const own of on.values())
    for (const { runningSince } of own) {
      const beside = own.filter((one) => one.runningSince <= runningSince && runningSince < one.at);
      expect(beside.length).toBeLessThanOrEqual(CONCURRENCY);
    }
  const placed = told.filter((one) => one.placedAt !== undefined);
  for (const [index, one] of placed.entries())
    expect(one.placedAt).toBeGreaterThanOrEqual(placed[index - 1]?.placedAt ?? 0);
  for (const own of spans.values()) for (const { to } of own) expect(to).toBeLessThan(Infinity);
}

/** The meter of the warehouse against the sweep, both summed over the names it had. */
function checkMeter(model: Model): void {
  const events = model.events.map((event) => ({ ...event, warehouse: 'W' }));
  const until = model.clock.at;
  const credits = addCredits(...meterHours(model.events, until).map((hour) => hour.credits));
  let units = 0;
  for (const own of sweep(events, until / 1000).values()) units += own;
  const difference = credits * 36n - BigInt(units) * 100_000_000n;
  expect(difference < 0n ? -difference : difference).toBeLessThanOrEqual(
    36n * BigInt(model.events.length + 1),
  );
}

describe('a warehouse on any day', () => {
  test('runs statements on running clusters, in order, in bounds, and meters what a sweep finds', async () => {
    let ran = 0;
    let clusters = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const model = build({ maxConcurrency: CONCURRENCY, clustersMax: 2 });
        const told = await play(model, steps);
        check(model, told);
        checkMeter(model);
        ran += told.filter((one) => one.ended?.how === 'done').length;
        clusters = Math.max(clusters, ...model.events.map((event) => event.cluster));
        expect(model.events.every((event) => event.at >= START)).toBe(true);
      }),
      { numRuns: 60, seed: 20261102 },
    );
    expect(ran).toBeGreaterThan(100);
    expect(clusters).toBeGreaterThan(2);
  }, 60_000);
});
