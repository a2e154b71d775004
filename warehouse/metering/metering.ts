/**
 * Credits of virtual warehouses, derived from nothing but their events. Source of the rules: Snowflake,
 * "Understanding compute cost": billed by the second, at least 60 s at every start or resume; a resize upwards
 * bills at least 60 s of the added servers only; a resize downwards stops billing of the difference.
 */
import {
  NO_CREDITS,
  addCredits,
  creditsForMillis,
  subtractCredits,
  compareAmounts,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { WarehouseEvent } from './events.js';
import { creditsPerHour } from '../fleet/rates.js';

const HOUR_MS = 3_600_000;
const MINIMUM_MS = 60_000;

/** Credits of one warehouse in one UTC hour. */
export interface WarehouseHour {
  readonly warehouse: string;
  readonly hourStartsAt: EpochMs;
  readonly credits: Credits;
}

/** A span that costs `rate`; `endsAt` already includes the minimum and the rounding up to seconds. */
export interface BilledSpan {
  readonly warehouse: string;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
  readonly rate: Credits;
}

interface Layer {
  readonly startsAt: EpochMs;
  readonly rate: Credits;
}

/**
 * The spans that are billed for `events` (any order), with warehouses still running counted up to `now`.
 * Overlapping spans of one warehouse are right: a second resume inside the first minute is charged again.
 */
export function billedSpans(
  events: readonly WarehouseEvent[],
  now: EpochMs,
): readonly BilledSpan[] {
  const spans: BilledSpan[] = [];
  for (const own of groupByCluster(events)) {
    let layers: Layer[] = [];
    const warehouse = own[0]?.warehouse ?? '';
    const bill = (layer: Layer, endsAt: EpochMs): void => {
      spans.push({
        warehouse,
        startsAt: layer.startsAt,
        endsAt: billedEnd(layer.startsAt, endsAt),
        rate: layer.rate,
      });
    };
    for (const event of own) {
      switch (event.event) {
        case 'CREATED':
          break;
        case 'RESUMED':
          for (const layer of layers) bill(layer, event.at);
          layers = [{ startsAt: event.at, rate: creditsPerHour(event.size, event.at) }];
          break;
        case 'RESIZED':
          if (layers.length > 0) layers = resize(layers, event, bill);
          break;
        case 'SUSPENDED':
        case 'DROPPED':
          for (const layer of layers) bill(layer, event.at);
          layers = [];
          break;
      }
    }
    for (const layer of layers) bill(layer, now);
  }
  return spans;
}

/** Credits by warehouse and UTC hour, ordered by hour, then name. */
export function meterHours(
  events: readonly WarehouseEvent[],
  now: EpochMs,
): readonly WarehouseHour[] {
  const hours = new Map<string, WarehouseHour>();
  for (const span of billedSpans(events, now)) {
    for (let at = span.startsAt; at < span.endsAt;) {
      const hourStartsAt = Math.floor(at / HOUR_MS) * HOUR_MS;
      const until = Math.min(span.endsAt, hourStartsAt + HOUR_MS);
      const key = `${hourStartsAt} ${span.warehouse}`;
      const credits = creditsForMillis(span.rate, until - at, 'half-even');
      const sum = addCredits(hours.get(key)?.credits ?? NO_CREDITS, credits);
      hours.set(key, { warehouse: span.warehouse, hourStartsAt, credits: sum });
      at = until;
    }
  }
  return [...hours.values()].sort(
    (a, b) => a.hourStartsAt - b.hourStartsAt || (a.warehouse < b.warehouse ? -1 : 1),
  );
}

function billedEnd(startsAt: EpochMs, endsAt: EpochMs): EpochMs {
  const wholeSecondsMs = Math.ceil((endsAt - startsAt) / 1000) * 1000;
  return startsAt + Math.max(MINIMUM_MS, wholeSecondsMs);
}

/** Upwards adds a layer for the difference; downwards ends layers, newest first, until the new rate is left. */
function resize(
  layers: readonly Layer[],
  event: WarehouseEvent,
  bill: (layer: Layer, endsAt: EpochMs) => void,
): Layer[] {
  const wanted = creditsPerHour(event.size, event.at);
  const kept: Layer[] = [];
  let sum = NO_CREDITS;
  for (const layer of layers) {
    const room = subtractCredits(wanted, sum);
    if (compareAmounts(layer.rate, room) <= 0) {
      kept.push(layer);
      sum = addCredits(sum, layer.rate);
      continue;
    }
    bill({ startsAt: layer.startsAt, rate: subtractCredits(layer.rate, room) }, event.at);
    if (compareAmounts(room, NO_CREDITS) > 0) kept.push({ startsAt: layer.startsAt, rate: room });
    sum = wanted;
  }
  const missing = subtractCredits(wanted, sum);
  if (compareAmounts(missing, NO_CREDITS) > 0) kept.push({ startsAt: event.at, rate: missing });
  return kept;
}

/** Events of each cluster by time; at one instant in the order in which they were written. */
function groupByCluster(events: readonly WarehouseEvent[]): readonly (readonly WarehouseEvent[])[] {
  const groups = new Map<string, WarehouseEvent[]>();
  for (const event of events) {
    const key = `${event.warehouse}/${event.cluster}`;
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [event]);
    else own.push(event);
  }
  return [...groups.values()].map((own) => own.sort((a, b) => a.at - b.at));
}
