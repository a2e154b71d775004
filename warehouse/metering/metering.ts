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
  return metersOf(events).flatMap((meter) => meterCluster(meter, now));
}

function meterCluster(meter: Meter, now: EpochMs): readonly BilledSpan[] {
  const { warehouseId, cluster } = meter;
  const spans: BilledSpan[] = [];
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
  return spans;
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
  const meters = metersOf(events);
  const names = namesOf(meters);
  const sums = new Map<string, Map<EpochMs, HourSum>>();
  for (const meter of meters) {
    const nameAt = names.get(meter.warehouseId) ?? (() => '');
    for (const span of meterCluster(meter, now)) addSpan(span, nameAt, sums);
  }
  const hours: WarehouseHour[] = [];
  for (const [warehouse, own] of sums)
    for (const [hourStartsAt, { warehouseId, credits }] of own)
      hours.push({ warehouse, warehouseId, hourStartsAt, credits });
  return hours.sort(
    (a, b) => a.hourStartsAt - b.hourStartsAt || (a.warehouse < b.warehouse ? -1 : 1),
  );
}

interface HourSum {
  readonly warehouseId: number;
  credits: Credits;
}

/** Adds the hours of a span to the sums by name and hour. */
function addSpan(
  span: BilledSpan,
  nameAt: (at: EpochMs) => string,
  sums: Map<string, Map<EpochMs, HourSum>>,
): void {
  const { warehouseId, startsAt, endsAt } = span;
  let before = NO_CREDITS;
  for (let at = startsAt; at < endsAt;) {
    const hourStartsAt = Math.floor(at / HOUR_MS) * HOUR_MS;
    const until = Math.min(endsAt, hourStartsAt + HOUR_MS);
    const upTo = spanCredits(span, until);
    const part = subtractCredits(upTo, before);
    const name = nameAt(Math.max(hourStartsAt, startsAt));
    const own = sums.get(name) ?? new Map<EpochMs, HourSum>();
    sums.set(name, own);
    const sum = own.get(hourStartsAt);
    if (sum === undefined) own.set(hourStartsAt, { warehouseId, credits: part });
    else sum.credits = addCredits(sum.credits, part);
    before = upTo;
    at = until;
  }
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
    const id = known.get(event.warehouse);
    if (id !== undefined) return id;
    const fresh = idOfName(event.warehouse);
    known.set(event.warehouse, fresh);
    return fresh;
  };
}

/** Events of each cluster by time; at one instant in the order in which they stand. */
function metersOf(events: readonly WarehouseEvent[]): readonly Meter[] {
  const idOf = idReader();
  const meters = new Map<number, Map<number, Meter>>();
  for (const event of events) {
    const warehouseId = idOf(event);
    let own = meters.get(warehouseId);
    if (own === undefined) {
      own = new Map();
      meters.set(warehouseId, own);
    }
    const known = own.get(event.cluster);
    if (known !== undefined) known.events.push(event);
    else own.set(event.cluster, { warehouseId, cluster: event.cluster, events: [event] });
  }
  const list = [...meters.values()].flatMap((own) => [...own.values()]);
  for (const { events: own } of list) if (!isOrdered(own)) own.sort((a, b) => a.at - b.at);
  return list;
}

/** A log is in order but for what was written late, so that most of it need not be sorted. */
function isOrdered(events: readonly WarehouseEvent[]): boolean {
  let last = -Infinity;
  for (const { at } of events) {
    if (at < last) return false;
    last = at;
  }
  return true;
}

/** For each warehouse, the name that it had at an instant; before its first event, the first one. */
function namesOf(meters: readonly Meter[]): ReadonlyMap<number, (at: EpochMs) => string> {
  const names = new Map<number, Map<string, EpochMs>>();
  for (const { warehouseId, events } of meters) {
    const own = names.get(warehouseId) ?? new Map<string, EpochMs>();
    names.set(warehouseId, own);
    let last = '';
    for (const event of events) {
      if (event.warehouse === last) continue;
      last = event.warehouse;
      own.set(last, Math.min(own.get(last) ?? Infinity, event.at));
    }
  }
  return new Map([...names].map(([id, own]) => [id, nameReader(own)]));
}

function nameReader(from: ReadonlyMap<string, EpochMs>): (at: EpochMs) => string {
  const list = [...from].sort(([, a], [, b]) => a - b).map(([name, since]) => ({ name, since }));
  const first = list[0]?.name ?? '';
  if (list.length === 1) return () => first;
  return (at) => list.findLast(({ since }) => since <= at)?.name ?? first;
}
