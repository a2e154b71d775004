import { describe, expect, test } from 'vitest';
import { formatAmount, formatAmountTo } from '#base/units.js';
import { billedSpans, meterHours } from '../../../warehouse/metering/metering.js';
import type { WarehouseEvent, WarehouseEventName } from '../../../warehouse/metering/events.js';
import type { WarehouseMake } from '../../../warehouse/fleet/rates.js';
import type { WarehouseSize } from '../../../warehouse/fleet/rates.js';

const START = Date.UTC(2026, 10, 2, 9, 0, 0);

function event(
  seconds: number,
  name: WarehouseEventName,
  size: WarehouseSize = 'XSMALL',
  warehouse = 'W',
): WarehouseEvent {
  return {
    type: 'warehouse',
    at: START + seconds * 1000,
    warehouse,
    cluster: 1,
    event: name,
    size,
    reason: 'TEST',
  };
}

const billedSeconds = (events: readonly WarehouseEvent[]): number =>
  billedSpans(events, START + 10_000_000).reduce(
    (sum, span) => sum + (span.endsAt - span.startsAt) / 1000,
    0,
  );

const credits = (events: readonly WarehouseEvent[], now = START + 10_000_000): readonly string[] =>
  meterHours(events, now).map((hour) => formatAmountTo(hour.credits, 6));

describe('metering from events', () => {
  test('a run of 30 seconds is billed 60', () => {
    expect(billedSeconds([event(0, 'RESUMED'), event(30, 'SUSPENDED')])).toBe(60);
  });

  test('a run of 61 seconds is billed 61', () => {
    expect(billedSeconds([event(0, 'RESUMED'), event(61, 'SUSPENDED')])).toBe(61);
  });

  test('61 seconds, a suspension and a short second run are billed 121', () => {
    const events = [
      event(0, 'RESUMED'),
      event(61, 'SUSPENDED'),
      event(70, 'RESUMED'),
      event(80, 'SUSPENDED'),
    ];
    expect(billedSeconds(events)).toBe(121);
  });

  test('suspending and resuming inside the first minute is charged twice', () => {
    const events = [
      event(0, 'RESUMED'),
      event(10, 'SUSPENDED'),
      event(20, 'RESUMED'),
      event(30, 'SUSPENDED'),
    ];
    expect(billedSeconds(events)).toBe(120);
  });

  test('a fraction of a second counts as a whole one', () => {
    expect(billedSeconds([event(0, 'RESUMED'), event(61.2, 'SUSPENDED')])).toBe(62);
  });

  test('an hour of a Medium warehouse costs four credits, split at the hour', () => {
    const events = [event(1800, 'RESUMED', 'MEDIUM'), event(5400, 'SUSPENDED', 'MEDIUM')];
    expect(credits(events)).toEqual(['2.000000', '2.000000']);
  });

  test('a resize upwards bills at least a minute of the added servers only', () => {
    const events = [
      event(0, 'RESUMED', 'SMALL'),
      event(600, 'RESIZED', 'MEDIUM'),
      event(630, 'RESIZED', 'SMALL'),
      event(900, 'SUSPENDED', 'SMALL'),
    ];
    // 900 s at 2 credits and one minute at the 2 credits more.
    expect(credits(events)).toEqual([((900 * 2 + 60 * 2) / 3600).toFixed(6)]);
  });

  test('a resize downwards stops billing of the difference', () => {
    const events = [
      event(0, 'RESUMED', 'LARGE'),
      event(900, 'RESIZED', 'XSMALL'),
      event(1800, 'SUSPENDED', 'XSMALL'),
    ];
    expect(credits(events)).toEqual([((900 * 8 + 900 * 1) / 3600).toFixed(6)]);
  });

  test('a resize while suspended costs nothing', () => {
    expect(credits([event(0, 'RESIZED', 'LARGE')])).toEqual([]);
  });

  test('a warehouse still running is metered up to now', () => {
    expect(credits([event(0, 'RESUMED', 'XLARGE')], START + 900_000)).toEqual(['4.000000']);
  });

  test('warehouses are metered apart', () => {
    const events = [
      event(0, 'RESUMED', 'XSMALL', 'A'),
      event(0, 'RESUMED', 'SMALL', 'B'),
      event(3600, 'SUSPENDED', 'XSMALL', 'A'),
      event(3600, 'SUSPENDED', 'SMALL', 'B'),
    ];
    expect(
      meterHours(events, START).map((hour) => [hour.warehouse, formatAmountTo(hour.credits, 0)]),
    ).toEqual([
      ['A', '1'],
      ['B', '2'],
    ]);
  });
});

/** Hours as `<hour of the day> <credits with all twelve decimals>`. */
const exact = (events: readonly WarehouseEvent[]): readonly string[] =>
  meterHours(events, START + 10_000_000).map(
    (hour) => `${new Date(hour.hourStartsAt).getUTCHours()} ${formatAmount(hour.credits)}`,
  );

const made = (make: WarehouseMake, one: WarehouseEvent): WarehouseEvent => ({ ...one, make });
const onCluster = (cluster: number, one: WarehouseEvent): WarehouseEvent => ({ ...one, cluster });

const INTERACTIVE: WarehouseMake = {
  kind: 'INTERACTIVE',
  generation: 1,
  resourceConstraint: null,
};
const GENERATION_2: WarehouseMake = {
  kind: 'STANDARD',
  generation: 2,
  resourceConstraint: null,
};

describe('metered credits to the pico-credit', () => {
  test('a Medium for 1500 s costs five thirds, for 1200 s four thirds', () => {
    expect(exact([event(0, 'RESUMED', 'MEDIUM'), event(1500, 'SUSPENDED', 'MEDIUM')])).toEqual([
      '9 1.666666666667',
    ]);
    expect(exact([event(0, 'RESUMED', 'MEDIUM'), event(1200, 'SUSPENDED', 'MEDIUM')])).toEqual([
      '9 1.333333333333',
    ]);
  });

  test('an X-Small from ten minutes before the hour to half past costs a sixth and a half', () => {
    expect(exact([event(3000, 'RESUMED'), event(5400, 'SUSPENDED')])).toEqual([
      '9 0.166666666667',
      '10 0.500000000000',
    ]);
  });

  test('the hours of a span add up to the span, where each hour by itself would not', () => {
    // 700 s and 700 s at one credit an hour: 0.1944… each, 0.3888… together.
    expect(exact([event(2900, 'RESUMED'), event(4300, 'SUSPENDED')])).toEqual([
      '9 0.194444444444',
      '10 0.194444444445',
    ]);
  });

  test('five seconds of an X-Small cost a sixtieth', () => {
    expect(exact([event(0, 'RESUMED'), event(5, 'SUSPENDED')])).toEqual(['9 0.016666666667']);
  });

  test('a minimum that crosses midnight belongs to both days', () => {
    const late = Date.UTC(2026, 10, 2, 23, 59, 30);
    const hours = meterHours(
      [
        { ...event(0, 'RESUMED'), at: late },
        { ...event(0, 'SUSPENDED'), at: late + 5000 },
      ],
      late + 5000,
    );
    expect(
      hours.map((hour) => [
        new Date(hour.hourStartsAt).toISOString().slice(0, 13),
        formatAmount(hour.credits),
      ]),
    ).toEqual([
      ['2026-11-02T23', '0.008333333333'],
      ['2026-11-03T00', '0.008333333334'],
    ]);
  });

  test('a resize from Small to Medium that is undone at once costs a minute of two credits an hour more', () => {
    const still = [event(0, 'RESUMED', 'SMALL'), event(600, 'SUSPENDED', 'SMALL')];
    const resized = [...still, event(100, 'RESIZED', 'MEDIUM'), event(101, 'RESIZED', 'SMALL')];
    expect(exact(still)).toEqual(['9 0.333333333333']);
    // 600 s × 2 + 60 s × 2, each rounded by itself.
    expect(exact(resized)).toEqual(['9 0.366666666666']);
  });

  test('every cluster has a minimum of its own, and the rate counts for each that runs', () => {
    const events = [
      event(0, 'RESUMED', 'MEDIUM'),
      onCluster(2, event(100, 'RESUMED', 'MEDIUM')),
      onCluster(2, event(110, 'SUSPENDED', 'MEDIUM')),
      onCluster(3, event(100, 'RESUMED', 'MEDIUM')),
      onCluster(3, event(1000, 'SUSPENDED', 'MEDIUM')),
      event(1840, 'SUSPENDED', 'MEDIUM'),
    ];
    // (1840 + 60 + 900) s × 4 credits an hour.
    expect(exact(events)).toEqual([`9 ${(((1840 + 60 + 900) * 4) / 3600).toFixed(12)}`]);
  });

  test('an interactive warehouse costs at least an hour at every start', () => {
    const events = [
      made(INTERACTIVE, event(0, 'RESUMED', 'SMALL')),
      made(INTERACTIVE, event(600, 'SUSPENDED', 'SMALL')),
    ];
    expect(exact(events)).toEqual(['9 1.200000000000']);
    const again = [
      ...events,
      made(INTERACTIVE, event(1800, 'RESUMED', 'SMALL')),
      made(INTERACTIVE, event(1801, 'SUSPENDED', 'SMALL')),
    ];
    expect(exact(again)).toEqual(['9 1.800000000000', '10 0.600000000000']);
  });

  test('a conversion bills old and new servers side by side', () => {
    const events = [
      event(0, 'RESUMED', 'MEDIUM'),
      made(GENERATION_2, onCluster(2, event(600, 'RESUMED', 'MEDIUM'))),
      event(900, 'SUSPENDED', 'MEDIUM'),
      made(GENERATION_2, onCluster(2, event(1600, 'SUSPENDED', 'MEDIUM'))),
    ];
    // 900 s × 4 + 1000 s × 5.4.
    expect(exact(events)).toEqual(['9 2.500000000000']);
  });

  test('a span that goes on into the next day is cut at midnight', () => {
    const evening = Date.UTC(2026, 10, 2, 23, 30, 0);
    const hours = meterHours([{ ...event(0, 'RESUMED'), at: evening }], evening + 3_600_000);
    expect(hours.map((hour) => formatAmount(hour.credits))).toEqual([
      '0.500000000000',
      '0.500000000000',
    ]);
  });
});

describe('what is metered', () => {
  test('follows a warehouse through a rename, under its name of the hour', () => {
    const named = (name: string, one: WarehouseEvent): WarehouseEvent => ({
      ...one,
      warehouse: name,
      warehouseId: 7,
    });
    const hours = meterHours(
      [
        named('OLD', event(0, 'RESUMED')),
        named('NEW', event(1800, 'RESIZED')),
        named('NEW', event(7200, 'SUSPENDED')),
      ],
      START,
    );
    expect(
      hours.map(
        (hour) => `${hour.warehouse} ${hour.warehouseId} ${formatAmountTo(hour.credits, 0)}`,
      ),
    ).toEqual(['OLD 7 1', 'NEW 7 1']);
  });

  test('keeps two warehouses of one name apart', () => {
    const numbered = (id: number, one: WarehouseEvent): WarehouseEvent => ({
      ...one,
      warehouseId: id,
    });
    const events = [
      numbered(1, event(0, 'RESUMED')),
      numbered(2, event(10, 'RESUMED')),
      numbered(1, event(100, 'DROPPED')),
      numbered(2, event(200, 'SUSPENDED')),
    ];
    expect(billedSeconds(events)).toBe(100 + 190);
  });

  test('has a rate, or is refused', () => {
    expect(() => exact([made(GENERATION_2, event(0, 'RESUMED', 'X5LARGE'))])).toThrow(/no rate/);
    expect(() => exact([{ ...event(0, 'RESUMED'), at: Date.UTC(2013, 11, 31) }])).toThrow(
      /no rate/,
    );
  });
});
