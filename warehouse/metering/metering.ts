/**
 * Credits of virtual warehouses, derived from nothing but their events. Source of the rules: Snowflake,
 * "Understanding compute cost" and "Interactive tables and warehouses":
 *
 * - Every cluster is billed by the second from its start, at least 60 s at every start; at least 60 minutes where the
 *   warehouse is interactive.
 * - A resize upwards bills at least 60 s of the added servers only; downwards ends the billing of the difference.
 * - Clusters of a warehouse are billed apart: old ones beside new ones while a warehouse is converted.
 *
 * Rounding. A span of length t costs `rate × t`, rounded half-even once, as {@link spanCredits} says. Its share of an
 * hour is the difference of that figure at the two ends, so that the hours of a span add up to the span exactly and it
 * does not matter where a span is cut. A rate is that of the instant of the start or resize.
 */
import {
  NO_CREDITS,
  addCredits,
  compareAmounts,
  creditsForMillis,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import { creditsPerHour } from '../fleet/rates.js';
import { idOfName } from '../fleet/warehouse-id.js';
import type { WarehouseEvent } from './events.js';

const HOUR_MS = 3_600_000;
const MINIMUM_MS = 60_000;
const INTERACTIVE_MINIMUM_MS = 3_600_000;

/** Credits of one warehouse in one UTC hour. */
export interface WarehouseHour {
  /** Its name as the hour began, or as it started in the hour. */
  readonly warehouse: string;
  readonly warehouseId: number;
  readonly hourStartsAt: EpochMs;
  readonly credits: Credits;
}

/** A span that costs `rate`; `endsAt` already includes the minimum and the rounding up to seconds. */
export interface BilledSpan {
  readonly warehouseId: number;
  readonly cluster: number;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
  /** Credits an hour. */
  readonly rate: Credits;
}

/** Servers of a cluster that came together and are billed for at least `minimumMs`. */
interface Layer {
  readonly startsAt: EpochMs;
  readonly rate: Credits;
  readonly minimumMs: number;
}

/** The events of one cluster number, and what it is being billed for. */
interface Meter {
  readonly warehouseId: number;
  readonly cluster: number;
  readonly events: WarehouseEvent[];
}

/**
 * The spans that are billed for `events`, in any order; events of one cluster at one instant count in the order in
 * which they stand. Clusters still running are counted up to `now`. Overlapping spans are right: a second resume
 * inside the first minute is charged again.
 *
 * @throws Fault `internal` for a size and make without a rate.
 */
export function billedSpans(
  events: readonly WarehouseEvent[],
  now: EpochMs,
): readonly BilledSpan[] {
  const spans: BilledSpan[] = [];
  for (const meter of metersOf(events)) meterCluster(meter, now, spans);
  return spans;
}

function meterCluster(meter: Meter, now: EpochMs, spans: BilledSpan[]): void {
  const { warehouseId, cluster } = meter;
  let layers: readonly Layer[] = [];
  const bill = (layer: Layer, at: EpochMs): void => {
    const { startsAt, rate } = layer;
    spans.push({ warehouseId, cluster, startsAt, endsAt: billedEnd(layer, at), rate });
  };
  for (const event of meter.events) {
    switch (event.event) {
      case 'CREATED':
        break;
      case 'RESUMED': {
        for (const layer of layers) bill(layer, event.at);
        const minimumMs = event.make?.kind === 'INTERACTIVE' ? INTERACTIVE_MINIMUM_MS : MINIMUM_MS;
        const rate = creditsPerHour(event.size, event.at, event.make);
        layers = [{ startsAt: event.at, rate, minimumMs }];
        break;
      }
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
  for (const layer of layers) if (layer.startsAt <= now) bill(layer, now);
}

/** What a span costs from its start up to `at`, rounded half-even to the pico-credit. */
export function spanCredits(span: BilledSpan, at: EpochMs): Credits {
  return creditsForMillis(span.rate, at - span.startsAt, 'half-even');
}

/**
 * Credits by warehouse and UTC hour, ordered by hour, then name, for events in any order.
 *
 * @throws Fault as {@link billedSpans}.
 */
export function meterHours(
  events: readonly WarehouseEvent[],
  now: EpochMs,
): readonly WarehouseHour[] {
  const names = namesOf(events);
  const hours = new Map<number, Map<string, WarehouseHour>>();
  for (const span of billedSpans(events, now)) {
    let before = NO_CREDITS;
    for (let at = span.startsAt; at < span.endsAt;) {
      const hourStartsAt = Math.floor(at / HOUR_MS) * HOUR_MS;
      const until = Math.min(span.endsAt, hourStartsAt + HOUR_MS);
      const upTo = spanCredits(span, until);
      const credits = subtractCredits(upTo, before);
      const warehouse = nameAt(names, span.warehouseId, Math.max(hourStartsAt, span.startsAt));
      addToHour(hours, { warehouse, warehouseId: span.warehouseId, hourStartsAt, credits });
      before = upTo;
      at = until;
    }
  }
  return [...hours.values()]
    .flatMap((own) => [...own.values()])
    .sort((a, b) => a.hourStartsAt - b.hourStartsAt || (a.warehouse < b.warehouse ? -1 : 1));
}

function addToHour(hours: Map<number, Map<string, WarehouseHour>>, part: WarehouseHour): void {
  const own = hours.get(part.hourStartsAt) ?? new Map<string, WarehouseHour>();
  hours.set(part.hourStartsAt, own);
  const known = own.get(part.warehouse);
  own.set(
    part.warehouse,
    known === undefined ? part : { ...part, credits: addCredits(known.credits, part.credits) },
  );
}

function billedEnd({ startsAt, minimumMs }: Layer, endsAt: EpochMs): EpochMs {
  const wholeSecondsMs = Math.ceil((endsAt - startsAt) / 1000) * 1000;
  return startsAt + Math.max(minimumMs, wholeSecondsMs);
}

/** Upwards adds a layer for the difference; downwards ends layers, newest first, until the new rate is left. */
function resize(
  layers: readonly Layer[],
  event: WarehouseEvent,
  bill: (layer: Layer, endsAt: EpochMs) => void,
): readonly Layer[] {
  const wanted = creditsPerHour(event.size, event.at, event.make);
  const kept: Layer[] = [];
  let sum = NO_CREDITS;
  for (const layer of layers) {
    const room = subtractCredits(wanted, sum);
    if (compareAmounts(layer.rate, room) <= 0) {
      kept.push(layer);
      sum = addCredits(sum, layer.rate);
      continue;
    }
    bill({ ...layer, rate: subtractCredits(layer.rate, room) }, event.at);
    if (compareAmounts(room, NO_CREDITS) > 0) kept.push({ ...layer, rate: room });
    sum = wanted;
  }
  const missing = subtractCredits(wanted, sum);
  if (compareAmounts(missing, NO_CREDITS) > 0)
    kept.push({ startsAt: event.at, rate: missing, minimumMs: MINIMUM_MS });
  return kept;
}

/** Numbers of names that events without one mean, computed once a name. */
function idReader(): (event: WarehouseEvent) => number {
  const known = new Map<string, number>();
  return (event) => {
    if (event.warehouseId !== undefined) return event.warehouseId;
    const id = known.get(event.warehouse) ?? idOfName(event.warehouse);
    known.set(event.warehouse, id);
    return id;
  };
}

/** Events of each cluster by time; at one instant in the order in which they stand. */
function metersOf(events: readonly WarehouseEvent[]): readonly Meter[] {
  const idOf = idReader();
  const meters = new Map<number, Map<number, Meter>>();
  for (const event of events) {
    const warehouseId = idOf(event);
    const own = meters.get(warehouseId) ?? new Map<number, Meter>();
    meters.set(warehouseId, own);
    const known = own.get(event.cluster);
    if (known !== undefined) known.events.push(event);
    else own.set(event.cluster, { warehouseId, cluster: event.cluster, events: [event] });
  }
  const list = [...meters.values()].flatMap((own) => [...own.values()]);
  for (const meter of list) meter.events.sort((a, b) => a.at - b.at);
  return list;
}

interface Naming {
  readonly from: EpochMs;
  readonly name: string;
}

/** The names of each warehouse, oldest first. */
function namesOf(events: readonly WarehouseEvent[]): ReadonlyMap<number, readonly Naming[]> {
  const idOf = idReader();
  const names = new Map<number, Map<string, EpochMs>>();
  for (const event of events) {
    const id = idOf(event);
    const own = names.get(id) ?? new Map<string, EpochMs>();
    names.set(id, own);
    own.set(event.warehouse, Math.min(own.get(event.warehouse) ?? Infinity, event.at));
  }
  return new Map(
    [...names].map(([id, own]) => [
      id,
      [...own].map(([name, from]) => ({ name, from })).sort((a, b) => a.from - b.from),
    ]),
  );
}

function nameAt(
  names: ReadonlyMap<number, readonly Naming[]>,
  warehouseId: number,
  at: EpochMs,
): string {
  const own = names.get(warehouseId) ?? [];
  return (own.findLast((naming) => naming.from <= at) ?? own[0])?.name ?? '';
}
