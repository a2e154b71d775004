/**
 * What shapes took, as the run-rate guard reads it: in memory, added to by what settles here, written in batches and
 * read again where another replica added, once a second and off the path of any statement. A lost batch lets a shape
 * run a little longer; money is the ledger's.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { must } from '#base/assert.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import { liftedPaces } from '#billing/lifted-paces.js';
import { subtractCredits } from '#base/units.js';
import { HOUR_MS, type ShapeSpend } from '#policies/rules/run-rate.js';
import {
  addSpend,
  forgetSpend,
  recentSpend,
  spendOf,
  type ShapeKey,
  type SpendRow,
} from './shape-spend-rows.js';
import {
  type Bucket,
  bucketOf,
  nameOfShape,
  type Shape,
  type ShapeRun,
  SpendBook,
  type SpendView,
} from './spend-book.js';

const SYNC_INTERVAL_MS = 1000;
/** Shapes in memory; one that was left out is read again when it comes again. */
const SHAPES_MAX = 5_000;
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

export interface RunRatesOptions {
  readonly db: Database;
  readonly log: Log;
  readonly clock: Clock;
}

export class RunRates implements SpendView {
  readonly #options: RunRatesOptions;
  readonly #book = new SpendBook(SHAPES_MAX, (key) => {
    if (this.#unread.size < SHAPES_MAX) this.#unread.set(nameOfShape(key), key);
  });
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
    return { used: this.#book.size, max: SHAPES_MAX };
  }

  /** Notices of a pace that are not said again, for the metric. */
  get said(): Occupancy {
    return { used: this.#said.size, max: SAID_MAX };
  }

  /** Notes a run. Never throws. */
  note(run: ShapeRun): void {
    this.#book.note(run, (shape, bucket) =>
      this.#dirty.set(`${nameOfShape(run)}\n${bucket.grain}${bucket.startsAt}`, { shape, bucket }),
    );
  }

  /** What a shape took as far as is known here; undefined: nothing is known, or not yet. */
  spendOf(key: ShapeKey): ShapeSpend | undefined {
    return this.#book.spendOf(key);
  }

  /** Whether somebody has lifted the pace of a shape, as this replica read it last. */
  isLifted(key: ShapeKey, at: EpochMs): boolean {
    return (this.#lifted.get(nameOfShape(key)) ?? -Infinity) > at;
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
      this.#lifted = new Map(lifted.map((each) => [nameOfShape(each), each.until]));
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
    if (!this.#isStarted) for (const row of recent) this.#unread.set(nameOfShape(row), row);
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
      if (!isNew && !this.#book.has(row)) continue;
      const bucket = bucketOf(this.#book.shape(row), row.grain, row.startsAt, {
        at: row.firstAt,
        ticketId: row.lastTicketId,
      });
      bucket.firstAt = Math.min(bucket.firstAt, row.firstAt);
      bucket.knownRuns = row.runs;
      bucket.knownCredits = row.credits;
    }
  }
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
    lastTicketId: must(bucket.lastTicketId, 'what settles here has a ticket'),
  };
}
