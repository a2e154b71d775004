import { describe, expect, test } from 'vitest';
import { formatAmountTo } from '#base/units.js';
import { billedSpans, meterHours } from '../../../warehouse/metering/metering.js';
import type { WarehouseEvent, WarehouseEventName } from '../../../warehouse/metering/events.js';
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
