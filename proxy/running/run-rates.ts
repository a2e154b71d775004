/**
 * What shapes took, as the run-rate guard reads it: in memory, added to by what settles here, written in batches and
 * read again where another replica added, once a second and off the path of any statement. A lost batch lets a shape
 * run a little longer; money is the ledger's.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import { liftedPaces } from '#billing/lifted-paces.js';
import { addCredits, NO_CREDITS, subtractCredits, type Credits } from '#base/units.js';
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  MONTH_MS,
  HOURS_KEPT_MS,
  type ShapeSpend,
  type SpendBucket,
} from '#policies/rules/run-rate.js';
import {
  addSpend,
  forgetSpend,
  GRAINS,
  recentSpend,
  spendOf,
  type Grain,
  type ShapeKey,
  type SpendRow,
} from './shape-spend-rows.js';

const SYNC_INTERVAL_MS = 1000;
/** Shapes in memory; one that was left out is read again when it comes again. */
const SHAPES_MAX = 5_000;
/** Buckets of a shape from which those are dropped that are too old to be looked at. */
const BUCKETS_MAX = 400;
/** A shape that goes on is logged again after a minute of real time. */
const SAID_MAX = 1000;
const SAID_FOR_MS = 60_000;
/** Rows in one statement; the others wait for the next. */
const ROWS_MAX = 2000;
/** Read twice rather than missed: a row's time is that of its write, not of its commit. */
const OVERLAP_MS = 10_000;
const FORGET_EVERY = 600;
/** What ran lately is known from the start. */
const KNOWN_FROM_START_MS: number = HOUR_MS;

const SPANS: Readonly<Record<Grain, { readonly ms: number; readonly keptMs: number }>> = {
  minute: { ms: MINUTE_MS, keptMs: HOUR_MS },
  hour: { ms: HOUR_MS, keptMs: HOURS_KEPT_MS },
  day: { ms: DAY_MS, keptMs: MONTH_MS },
};

/** `known`: what the database says; `own`: what settled here and is not written yet. */
interface Bucket {
  readonly grain: Grain;
  readonly startsAt: EpochMs;
  firstAt: EpochMs;
  knownRuns: number;
  knownCredits: Credits;
  ownRuns: number;
  ownCredits: Credits;
  lastTicketId: TicketId;
}

interface Shape extends ShapeKey {
  readonly buckets: Map<string, Bucket>;
}

export interface RunRatesOptions {
  readonly db: Database;
  readonly log: Log;
  readonly clock: Clock;
}

/** One run that has settled. */
export interface ShapeRun extends ShapeKey {
  readonly ticketId: TicketId;
  readonly usedCredits: Credits;
  readonly at: EpochMs;
}

export class RunRates {
  readonly #options: RunRatesOptions;
  readonly #shapes = new LRUCache<string, Shape>({ max: SHAPES_MAX });
  readonly #dirty = new Map<string, { readonly shape: Shape; readonly bucket: Bucket }>();
  readonly #unread = new Map<string, ShapeKey>();
  #lifted: ReadonlyMap<string, EpochMs> = new Map();
  readonly #said = new LRUCache<string, true>({ max: SAID_MAX, ttl: SAID_FOR_MS });
  readonly #timer: NodeJS.Timeout;
  #turn: Promise<void> = Promise.resolve();
  #isBusy = false;
  #turns = 0;
  #isStarted = false;

  constructor(options: RunRatesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (!this.#isBusy) void this.synchronise();
    }, SYNC_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Shapes whose pace is known, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#shapes.size, max: SHAPES_MAX };
  }

  /** Notes a run. Never throws. */
  note(run: ShapeRun): void {
    const shape = this.#shape(run);
    if (shape.buckets.size > BUCKETS_MAX) prune(shape, run.at);
    for (const grain of GRAINS) {
      const startsAt = Math.floor(run.at / SPANS[grain].ms) * SPANS[grain].ms;
      const bucket = bucketOf(shape, grain, startsAt, run);
      bucket.firstAt = Math.min(bucket.firstAt, run.at);
      bucket.ownRuns += 1;
      bucket.ownCredits = addCredits(bucket.ownCredits, run.usedCredits);
      bucket.lastTicketId = run.ticketId;
      this.#dirty.set(`${textOf(run)}\n${grain}${startsAt}`, { shape, bucket });
    }
  }

  /** What a shape took as far as is known here; undefined: nothing is known, or not yet. */
  spendOf(key: ShapeKey): ShapeSpend | undefined {
    const { buckets } = this.#shape(key);
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

  /** Whether somebody has lifted the pace of a shape, as this replica read it last. */
  isLifted(key: ShapeKey, at: EpochMs): boolean {
    return (this.#lifted.get(textOf(key)) ?? -Infinity) > at;
  }

  /** Whether something was not said during the last minute, of a thousand things. */
  isNews(what: string): boolean {
    if (this.#said.has(what)) return false;
    this.#said.set(what, true);
    return true;
  }

  /** Writes what settled since the last call and reads what others wrote; what fails is tried with the next. */
  synchronise(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#synchronise());
    return this.#turn;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.synchronise();
  }

  async #synchronise(): Promise<void> {
    const { db, log, clock } = this.#options;
    this.#isBusy = true;
    try {
      await this.#write();
      await this.#read();
      const lifted = await liftedPaces(db, clock.now());
      this.#lifted = new Map(lifted.map((each) => [textOf(each), each.until]));
      this.#turns += 1;
      if (this.#turns % FORGET_EVERY === 0) await forgetSpend(db, clock.now());
    } catch (thrown) {
      log.warn(
        { err: toError(thrown) },
        'what shapes took could not be written or read; it will be tried again',
      );
    } finally {
      this.#isBusy = false;
    }
  }

  async #write(): Promise<void> {
    const batch = [...this.#dirty].slice(0, ROWS_MAX);
    const sent = batch.map(([, { shape, bucket }]) => ownRow(shape, bucket));
    this.#take(await addSpend(this.#options.db, sent), true);
    batch.forEach(([name, { bucket }], index) => {
      const row = sent[index];
      if (row === undefined) return;
      bucket.ownRuns -= row.runs;
      bucket.ownCredits = subtractCredits(bucket.ownCredits, row.credits);
      if (bucket.ownRuns === 0) this.#dirty.delete(name);
    });
  }

  async #read(): Promise<void> {
    const { db } = this.#options;
    const agoMs = this.#isStarted ? OVERLAP_MS : KNOWN_FROM_START_MS;
    const recent = await recentSpend(db, agoMs, 10 * ROWS_MAX);
    // Of a shape that is not in memory only all of its rows would do.
    this.#take(recent, !this.#isStarted);
    if (!this.#isStarted) for (const row of recent) this.#unread.set(textOf(row), row);
    this.#isStarted = true;
    const asked = [...this.#unread].slice(0, ROWS_MAX);
    this.#take(
      await spendOf(
        db,
        asked.map(([, key]) => key),
      ),
      true,
    );
    for (const [name] of asked) this.#unread.delete(name);
  }

  /** Totals of the database replace what was known; `isNew`: shapes that are not in memory are taken too. */
  #take(rows: readonly SpendRow[], isNew: boolean): void {
    for (const row of rows) {
      if (!isNew && !this.#shapes.has(textOf(row))) continue;
      const bucket = bucketOf(this.#shape(row), row.grain, row.startsAt, {
        at: row.firstAt,
        ticketId: row.lastTicketId,
      });
      bucket.firstAt = Math.min(bucket.firstAt, row.firstAt);
      bucket.knownRuns = row.runs;
      bucket.knownCredits = row.credits;
    }
  }

  #shape(key: ShapeKey): Shape {
    const name = textOf(key);
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const { teamId, fingerprint } = key;
    const shape: Shape = { teamId, fingerprint, buckets: new Map() };
    this.#shapes.set(name, shape);
    if (this.#unread.size < SHAPES_MAX) this.#unread.set(name, { teamId, fingerprint });
    return shape;
  }
}

function prune({ buckets }: Shape, now: EpochMs): void {
  for (const [name, { grain, startsAt, ownRuns }] of buckets)
    if (ownRuns === 0 && startsAt <= now - SPANS[grain].keptMs) buckets.delete(name);
}

function bucketOf(
  shape: Shape,
  grain: Grain,
  startsAt: EpochMs,
  first: { readonly at: EpochMs; readonly ticketId: TicketId },
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

function totalOf(bucket: Bucket): SpendBucket {
  return {
    startsAt: bucket.startsAt,
    runs: bucket.knownRuns + bucket.ownRuns,
    credits: addCredits(bucket.knownCredits, bucket.ownCredits),
  };
}

function ownRow(shape: Shape, bucket: Bucket): SpendRow {
  return {
    teamId: shape.teamId,
    fingerprint: shape.fingerprint,
    grain: bucket.grain,
    startsAt: bucket.startsAt,
    firstAt: bucket.firstAt,
    runs: bucket.ownRuns,
    credits: bucket.ownCredits,
    lastTicketId: bucket.lastTicketId,
  };
}

function textOf({ teamId, fingerprint }: ShapeKey): string {
  return `${teamId}\n${fingerprint}`;
}
