import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { WarehouseEvent } from '../../../warehouse/metering/events.js';
import type { WarehouseMake } from '../../../warehouse/fleet/rates.js';
import { billedSpans, meterHours, spanCredits } from '../../../warehouse/metering/metering.js';
import type { WarehouseHour } from '../../../warehouse/metering/metering.js';
import type { WarehouseSize } from '../../../warehouse/fleet/rates.js';
import { sweep } from './second-sweep.js';

const START = Date.UTC(2026, 10, 2, 9, 30, 0);
const END = START + 5 * 3_600_000;
const HOUR_MS = 3_600_000;
/** Pico-credits of one hundredth of a credit an hour in one second are 10^8 / 36. */
const PICOS_PER_UNIT = 100_000_000n;
const UNITS = 36n;

const MAKES: readonly (WarehouseMake | undefined)[] = [
  undefined,
  { kind: 'STANDARD', generation: 2, resourceConstraint: null },
  { kind: 'INTERACTIVE', generation: 1, resourceConstraint: null },
  { kind: 'SNOWPARK-OPTIMIZED', generation: 1, resourceConstraint: 'MEMORY_16X' },
];
const OFFERED: readonly WarehouseSize[] = ['MEDIUM', 'LARGE', 'XLARGE', 'X4LARGE'];

const event = fc.record({
  second: fc.integer({ min: 0, max: 16_000 }),
  warehouse: fc.constantFrom('A', 'B'),
  cluster: fc.integer({ min: 1, max: 2 }),
  event: fc.constantFrom('RESUMED', 'SUSPENDED', 'RESIZED', 'RESUMED', 'DROPPED' as const),
  size: fc.constantFrom(...OFFERED),
  make: fc.constantFrom(...MAKES),
});

/** Random events, no two of one cluster at one instant; `scale` 1000 puts them on whole seconds. */
const fleet = (scale: 1000 | 1): fc.Arbitrary<readonly WarehouseEvent[]> =>
  fc
    .uniqueArray(event, {
      maxLength: 40,
      selector: (one) => `${one.warehouse}/${one.cluster}/${one.second}`,
    })
    .map((list) =>
      list.map(({ second, make, ...rest }): WarehouseEvent => ({
        ...rest,
        type: 'warehouse',
        at: START + second * scale,
        reason: 'TEST',
        ...(make === undefined ? {} : { make }),
      })),
    );

const total = (hours: readonly WarehouseHour[]): Credits =>
  addCredits(...hours.map((hour) => hour.credits));
const plain = (hours: readonly WarehouseHour[]): readonly string[] =>
  hours.map((hour) => `${hour.hourStartsAt} ${hour.warehouse} ${hour.credits}`);

describe('the meter of random fleets', () => {
  test('agrees with a sweep over every second, to the rounding of its spans', () => {
    let swept = 0;
    fc.assert(
      fc.property(fleet(1000), (events) => {
        const seconds = sweep(events, END / 1000);
        const metered = new Map(
          meterHours(events, END).map((hour) => [
            `${hour.hourStartsAt} ${hour.warehouse}`,
            hour.credits,
          ]),
        );
        expect([...metered.keys()].sort()).toEqual([...seconds.keys()].sort());
        const spans = billedSpans(events, END);
        for (const [key, units] of seconds) {
          const difference = metered.get(key)! * UNITS - BigInt(units) * PICOS_PER_UNIT;
          // Each span is off by less than one pico-credit in an hour.
          expect(difference < 0n ? -difference : difference).toBeLessThan(
            UNITS * BigInt(spans.length),
          );
          swept += units;
        }
      }),
      { numRuns: 60, seed: 20261102 },
    );
    expect(swept).toBeGreaterThan(1_000_000);
  });

  test('adds up over the hours to the spans exactly', () => {
    fc.assert(
      fc.property(fleet(1), (events) => {
        const spans = billedSpans(events, END).map((span) => spanCredits(span, span.endsAt));
        expect(total(meterHours(events, END))).toBe(addCredits(...spans));
      }),
      { numRuns: 300, seed: 20261102 },
    );
  });

  test('does not depend on the order of the events', () => {
    fc.assert(
      fc.property(fleet(1), fc.infiniteStream(fc.nat()), (events, order) => {
        const shuffled = events
          .map((one) => ({ one, by: order.next().value ?? 0 }))
          .sort((a, b) => a.by - b.by)
          .map(({ one }) => one);
        expect(plain(meterHours(shuffled, END))).toEqual(plain(meterHours(events, END)));
      }),
      { numRuns: 200, seed: 20261102 },
    );
  });

  test('gives a span the same credits wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: HOUR_MS }),
        fc.integer({ min: 60, max: 30_000 }),
        fc.constantFrom(...MAKES.slice(0, 2)),
        (offset, seconds, make) => {
          const one = (at: number, name: 'RESUMED' | 'SUSPENDED'): WarehouseEvent => ({
            type: 'warehouse',
            at,
            warehouse: 'A',
            cluster: 1,
            event: name,
            size: 'MEDIUM',
            reason: 'TEST',
            ...(make === undefined ? {} : { make }),
          });
          const run = (from: number): readonly WarehouseHour[] =>
            meterHours([one(from, 'RESUMED'), one(from + seconds * 1000, 'SUSPENDED')], END);
          const aligned = Math.floor(START / HOUR_MS) * HOUR_MS;
          expect(total(run(aligned + offset))).toBe(total(run(aligned)));
        },
      ),
      { numRuns: 200, seed: 20261102 },
    );
  });

  test('is never negative, and what a warehouse is billed does not depend on the others', () => {
    fc.assert(
      fc.property(fleet(1000), (events) => {
        const all = meterHours(events, END);
        for (const hour of all) expect(hour.credits).toBeGreaterThan(0n);
        const alone = ['A', 'B'].flatMap((name) =>
          meterHours(
            events.filter((one) => one.warehouse === name),
            END,
          ),
        );
        expect([...plain(alone)].sort()).toEqual([...plain(all)].sort());
      }),
      { numRuns: 100, seed: 20261102 },
    );
  });
});
