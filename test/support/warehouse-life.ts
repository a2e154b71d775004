/**
 * What one warehouse did in a month: clusters that come and go (also within one minute), more of them at once, resizes, and
 * what ran on them. Beside it stands what each hour must come to, counted here from the servers themselves and not by any code
 * of the product. Times are milliseconds of the epoch, weights are pico-credits an hour × milliseconds.
 */
import { must } from '../../base/assert.js';
import { parseCredits } from '../../base/units.js';
import type { Draw } from './drawer.js';

export const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Snowflake bills a minute at least of whatever servers are started. */
const MINIMUM_MS = MINUTE_MS;

export const SIZES = ['Small', 'Medium', 'Large'] as const;
export type Size = (typeof SIZES)[number];
/** Credits that one cluster uses in an hour. */
export const RATES: Readonly<Record<Size, bigint>> = {
  Small: parseCredits('2'),
  Medium: parseCredits('4'),
  Large: parseCredits('8'),
};

export interface LifeEvent {
  readonly at: number;
  readonly name: string;
  readonly cluster: number;
  /** Told by WAREHOUSE_CONSISTENT only. */
  readonly size: Size | null;
}

export interface Run {
  readonly cluster: number;
  readonly size: Size;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** One hour by the servers: what was billed, and what of that ran, was up, or only billed up to the minute. */
export interface HourWeights {
  billed: bigint;
  ran: bigint;
  up: bigint;
  minute: bigint;
  /** Stretches of servers that touch it; each may be rounded by the meter. */
  stretches: number;
  /** A statement outlived the size that it began on: what it takes of the new servers is a matter of method. */
  isOutlived: boolean;
}

export interface WarehouseLife {
  readonly events: readonly LifeEvent[];
  readonly runs: readonly Run[];
  /** By the hour's beginning. */
  readonly hours: ReadonlyMap<number, HourWeights>;
}

/** Servers of one start or resize: they are billed from then on, and for a minute at least. */
interface Layer {
  readonly rate: bigint;
  readonly startsAt: number;
}

class Book {
  readonly hours = new Map<number, HourWeights>();
  readonly #endsAt: number;

  constructor(endsAt: number) {
    this.#endsAt = endsAt;
  }

  /** Adds `rate` × the part of the stretch that lies in each hour. */
  add(what: 'ran' | 'up' | 'minute', rate: bigint, from: number, to: number): void {
    for (const [hour, millis] of this.#parts(from, to)) {
      hour[what] += rate * millis;
      if (what === 'ran') continue;
      hour.billed += rate * millis;
      hour.stretches += 1;
    }
  }

  outlived(from: number, to: number): void {
    for (const [hour] of this.#parts(from, to)) hour.isOutlived = true;
  }

  *#parts(from: number, to: number): Generator<readonly [HourWeights, bigint]> {
    const last = Math.min(to, this.#endsAt);
    for (let at = from; at < last;) {
      const startsAt = Math.floor(at / HOUR_MS) * HOUR_MS;
      const until = Math.min(last, startsAt + HOUR_MS);
      yield [this.#hour(startsAt), BigInt(until - at)];
      at = until;
    }
  }

  #hour(startsAt: number): HourWeights {
    const known = this.hours.get(startsAt);
    if (known !== undefined) return known;
    const made = { billed: 0n, ran: 0n, up: 0n, minute: 0n, stretches: 0, isOutlived: false };
    this.hours.set(startsAt, made);
    return made;
  }
}

/** The life of one warehouse from `startsAt` to `endsAt`; `restMinutesMax` is how long it sleeps between two times at most. */
export function warehouseLife(
  draw: Draw,
  { startsAt, endsAt }: { readonly startsAt: number; readonly endsAt: number },
  restMinutesMax: number,
): WarehouseLife {
  const book = new Book(endsAt);
  const events: LifeEvent[] = [];
  const runs: Run[] = [];
  let at = startsAt + draw(10 * MINUTE_MS);
  while (at < endsAt) {
    const stopsAt = Math.min(at + upFor(draw), endsAt);
    live(draw, book, { from: at, to: stopsAt }, events, runs);
    // Suspended and resumed within the minute, or later.
    at = stopsAt + 1_000 + (draw(5) === 0 ? draw(50_000) : draw(restMinutesMax * MINUTE_MS));
  }
  return { events, runs, hours: book.hours };
}

function upFor(draw: Draw): number {
  const kind = draw(8);
  if (kind < 2) return 1_000 + draw(58_000);
  if (kind === 2) return draw(30 * HOUR_MS) + MINUTE_MS;
  return MINUTE_MS + draw(200 * MINUTE_MS);
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** From one resume to the suspension: sizes one after another, each with its clusters. */
function live(
  draw: Draw,
  book: Book,
  { from, to }: Stretch,
  events: LifeEvent[],
  runs: Run[],
): void {
  const edges = [from, ...resizesIn(draw, { from, to }), to];
  const sizes = edges.slice(1).map(() => must(SIZES[draw(SIZES.length)], 'a size'));
  const first = must(sizes[0], 'a size');
  events.push({ at: from, name: 'RESUME_WAREHOUSE', cluster: -1, size: null });
  for (const [index, size] of sizes.entries()) {
    const at = must(edges[index], 'an edge');
    if (index > 0) events.push({ at, name: 'RESIZE_WAREHOUSE', cluster: -1, size: null });
    else events.push({ at, name: 'RESUME_CLUSTER', cluster: 1, size: null });
    events.push({ at, name: 'WAREHOUSE_CONSISTENT', cluster: -1, size });
  }
  cluster(draw, book, { number: 1, edges, sizes }, runs);
  // Others come and go while it is up, in the size that it has then.
  for (let number = 2; number <= 3 && draw(3) === 0; number += 1) {
    const index = draw(sizes.length);
    const [begins, ends] = [must(edges[index], 'an edge'), must(edges[index + 1], 'an edge')];
    if (ends - begins < 10_000) continue;
    const spunUpAt = begins + 1_000 + draw(Math.floor((ends - begins) / 2));
    // Before the edge, where events of one instant would be told in no order.
    const downAt = Math.min(ends - 1, spunUpAt + 1_000 + draw(ends - spunUpAt));
    events.push({ at: spunUpAt, name: 'SPINUP_CLUSTER', cluster: number, size: null });
    const size = sizes[index] ?? first;
    events.push({ at: spunUpAt, name: 'WAREHOUSE_CONSISTENT', cluster: -1, size });
    events.push({ at: downAt, name: 'SPINDOWN_CLUSTER', cluster: number, size: null });
    cluster(draw, book, { number, edges: [spunUpAt, downAt], sizes: [size] }, runs);
  }
  events.push({ at: to, name: 'SUSPEND_CLUSTER', cluster: 1, size: null });
  events.push({ at: to, name: 'SUSPEND_WAREHOUSE', cluster: -1, size: null });
}

function resizesIn(draw: Draw, { from, to }: Stretch): readonly number[] {
  if (to - from < 3 * MINUTE_MS || draw(3) > 0) return [];
  const first = from + MINUTE_MS + draw(to - from - 2 * MINUTE_MS);
  // Now and then back within the minute that the added servers are billed for.
  const second = first + 1_000 + draw(draw(2) === 0 ? 50_000 : 40 * MINUTE_MS);
  return second < to && draw(2) === 0 ? [first, second] : [first];
}

interface ClusterLife {
  readonly number: number;
  /** One more than sizes. */
  readonly edges: readonly number[];
  readonly sizes: readonly Size[];
}

/** Books the servers of one cluster, and what runs on each size of it. */
function cluster(draw: Draw, book: Book, { number, edges, sizes }: ClusterLife, runs: Run[]): void {
  let layers: readonly Layer[] = [];
  const stopsAt = must(edges.at(-1), 'an edge');
  for (const [index, size] of sizes.entries()) {
    const from = must(edges[index], 'an edge');
    const to = must(edges[index + 1], 'an edge');
    layers = resized(book, layers, RATES[size], from);
    book.add('up', RATES[size], from, to);
    const own = runsIn(draw, { from, to });
    const [first] = own;
    // Now and then one goes on beyond the resize, on the servers that it began on.
    const isOutliving = first !== undefined && index < sizes.length - 1 && draw(3) === 0;
    const laterTo = Math.min(stopsAt, to + draw(20 * MINUTE_MS));
    if (isOutliving) {
      own[0] = { from: first.from, to };
      book.outlived(to, laterTo);
    }
    for (const each of union(own)) book.add('ran', RATES[size], each.from, each.to);
    for (const [place, each] of own.entries())
      runs.push({
        cluster: number,
        size,
        startsAt: each.from,
        endsAt: isOutliving && place === 0 ? laterTo : each.to,
      });
  }
  resized(book, layers, 0n, stopsAt);
}

/** Servers are added, or the newest are given back, and then billed up to their minute. */
function resized(
  book: Book,
  layers: readonly Layer[],
  wanted: bigint,
  at: number,
): readonly Layer[] {
  const kept = [...layers];
  let excess = layers.reduce((sum, { rate }) => sum + rate, 0n) - wanted;
  while (excess > 0n) {
    const newest = must(kept.pop(), 'servers');
    const gone = newest.rate < excess ? newest.rate : excess;
    book.add('minute', gone, at, newest.startsAt + MINIMUM_MS);
    if (gone < newest.rate) kept.push({ ...newest, rate: newest.rate - gone });
    excess -= gone;
  }
  if (excess < 0n) kept.push({ rate: -excess, startsAt: at });
  return kept;
}

/** What runs on a cluster at one size: nothing, or some, also at once, of no time, or of less than 100 ms. */
function runsIn(draw: Draw, { from, to }: Stretch): Stretch[] {
  const count = draw(2 + Math.min(6, Math.floor((to - from) / (20 * MINUTE_MS))));
  return Array.from({ length: count }, () => {
    const startsAt = from + draw(to - from);
    const lasts = draw(7) === 0 ? draw(100) : draw(Math.max(1, Math.floor((to - from) / 2)));
    return { from: startsAt, to: Math.min(to, startsAt + lasts) };
  });
}

/** Stretches without what they overlap. */
function union(stretches: readonly Stretch[]): readonly Stretch[] {
  const joined: Stretch[] = [];
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to)
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    else joined.push({ from, to });
  }
  return joined;
}
