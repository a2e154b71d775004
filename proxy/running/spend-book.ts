/** What shapes took, by team, in buckets of a minute, an hour and a day: in memory, bounded, the least used forgotten first. */
import { LRUCache } from 'lru-cache';
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import { addCredits, NO_CREDITS, type Credits } from '#base/units.js';
import {
  DAY_MS,
  HOUR_MS,
  HOURS_KEPT_MS,
  MINUTE_MS,
  MONTH_MS,
  type ShapeSpend,
  type SpendBucket,
} from '#policies/rules/run-rate.js';
import { GRAINS, type Grain, type ShapeKey } from './shape-spend-rows.js';

/** Buckets of a shape from which those are dropped that are too old to be looked at. */
const BUCKETS_MAX = 400;

const SPANS: Readonly<Record<Grain, { readonly ms: number; readonly keptMs: number }>> = {
  minute: { ms: MINUTE_MS, keptMs: HOUR_MS },
  hour: { ms: HOUR_MS, keptMs: HOURS_KEPT_MS },
  day: { ms: DAY_MS, keptMs: MONTH_MS },
};

/** `known`: what the database says; `own`: what settled here and is not written yet. */
export interface Bucket {
  readonly grain: Grain;
  readonly startsAt: EpochMs;
  firstAt: EpochMs;
  knownRuns: number;
  knownCredits: Credits;
  ownRuns: number;
  ownCredits: Credits;
  /** null: of a history without tickets. */
  lastTicketId: TicketId | null;
}

export interface Shape extends ShapeKey {
  readonly buckets: Map<string, Bucket>;
}

/** One run that has settled. */
export interface ShapeRun extends ShapeKey {
  readonly ticketId: TicketId | null;
  readonly usedCredits: Credits;
  readonly at: EpochMs;
}

/** Where nothing is written: a bucket's runs are known at once, so that old ones can be dropped. */
export function knowAtOnce(_: Shape, bucket: Bucket): void {
  bucket.knownRuns += bucket.ownRuns;
  bucket.knownCredits = addCredits(bucket.knownCredits, bucket.ownCredits);
  bucket.ownRuns = 0;
  bucket.ownCredits = NO_CREDITS;
}

/** What the run-rate guard asks. */
export interface SpendView {
  /** What a shape took as far as is known; undefined: nothing is known, or not yet. */
  spendOf(key: ShapeKey): ShapeSpend | undefined;
  /** Whether somebody has lifted the pace of a shape. */
  isLifted(key: ShapeKey, at: EpochMs): boolean;
}

export class SpendBook {
  readonly #shapes: LRUCache<string, Shape>;
  readonly #onNew: (key: ShapeKey) => void;

  /**
   * @param shapesMax shapes kept at most.
   * @param onNew told of each shape that the book did not have.
   */
  constructor(shapesMax: number, onNew: (key: ShapeKey) => void = () => undefined) {
    this.#shapes = new LRUCache({ max: shapesMax });
    this.#onNew = onNew;
  }

  get size(): number {
    return this.#shapes.size;
  }

  has(key: ShapeKey): boolean {
    return this.#shapes.has(nameOfShape(key));
  }

  /** Adds a run; `onBucket` is given each bucket that it fell into. */
  note(run: ShapeRun, onBucket: (shape: Shape, bucket: Bucket) => void): void {
    const shape = this.shape(run);
    if (shape.buckets.size > BUCKETS_MAX) prune(shape, run.at);
    for (const grain of GRAINS) {
      const startsAt = Math.floor(run.at / SPANS[grain].ms) * SPANS[grain].ms;
      const bucket = bucketOf(shape, grain, startsAt, run);
      bucket.firstAt = Math.min(bucket.firstAt, run.at);
      bucket.ownRuns += 1;
      bucket.ownCredits = addCredits(bucket.ownCredits, run.usedCredits);
      bucket.lastTicketId = run.ticketId;
      onBucket(shape, bucket);
    }
  }

  /** As {@link SpendView.spendOf}. */
  spendOf(key: ShapeKey): ShapeSpend | undefined {
    const { buckets } = this.shape(key);
    if (buckets.size === 0) return undefined;
    const of = (grain: Grain): readonly SpendBucket[] =>
      [...buckets.values()].filter((bucket) => bucket.grain === grain).map(totalOf);
    return {
      firstAt: Math.min(...[...buckets.values()].map(({ firstAt }) => firstAt)),
      minutes: of('minute'),
      hours: of('hour'),
      days: of('day'),
    };
  }

  /** The shape, empty where it was not known. */
  shape(key: ShapeKey): Shape {
    const name = nameOfShape(key);
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const { teamId, fingerprint } = key;
    const shape: Shape = { teamId, fingerprint, buckets: new Map() };
    this.#shapes.set(name, shape);
    this.#onNew({ teamId, fingerprint });
    return shape;
  }
}

/** The bucket of a shape that begins then; a new one begins with the run that came first. */
export function bucketOf(
  shape: Shape,
  grain: Grain,
  startsAt: EpochMs,
  first: { readonly at: EpochMs; readonly ticketId: TicketId | null },
): Bucket {
  const name = `${grain}${startsAt}`;
  const known = shape.buckets.get(name);
  if (known !== undefined) return known;
  const bucket: Bucket = {
    grain,
    startsAt,
    firstAt: first.at,
    knownRuns: 0,
    knownCredits: NO_CREDITS,
    ownRuns: 0,
    ownCredits: NO_CREDITS,
    lastTicketId: first.ticketId,
  };
  shape.buckets.set(name, bucket);
  return bucket;
}

export function nameOfShape({ teamId, fingerprint }: ShapeKey): string {
  return `${teamId}\n${fingerprint}`;
}

function prune({ buckets }: Shape, now: EpochMs): void {
  for (const [name, { grain, startsAt, ownRuns }] of buckets)
    if (ownRuns === 0 && startsAt <= now - SPANS[grain].keptMs) buckets.delete(name);
}

function totalOf(bucket: Bucket): SpendBucket {
  return {
    startsAt: bucket.startsAt,
    runs: bucket.knownRuns + bucket.ownRuns,
    credits: addCredits(bucket.knownCredits, bucket.ownCredits),
  };
}
