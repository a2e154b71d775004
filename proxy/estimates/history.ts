/**
 * The history of statements as the estimator reads it: in memory, filled from Postgres at start, written back in
 * batches off the path of any statement, and read again where another replica wrote. A lost batch costs accuracy for a
 * moment, never money.
 */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics, Occupancy } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import { type HistoryView, HistoryStore, type Outcome } from '#policies/estimate/history-store.js';
import { HISTORY_KINDS, type HistoryKind } from '#policies/estimate/history.js';
import { historyKeys } from '#policies/estimate/shape.js';
import {
  databaseNow,
  forgetUnused,
  type KeyedEntry,
  type LevelCalibration,
  readAll,
  readChanges,
  writeCalibrations,
  writeEntries,
} from './history-rows.js';

const FLUSH_INTERVAL_MS = 1000;
/** Keys written, and read from others, in one statement; the others wait for the next. */
const FLUSH_ROWS_MAX = 1000;
const ENTRIES_MAX = 100_000;
/** Flushes between two looks for keys that nobody uses any more: an hour's worth. */
const FORGET_FLUSHES = 3_600;

/** Kinds that speak of tables and warehouses of one account; the others are everybody's. */
const OF_ACCOUNT: ReadonlySet<HistoryKind> = new Set<HistoryKind>([
  'values',
  'shape-size',
  'shape',
  'tables',
  'stretch',
]);

export interface HistoryCacheOptions {
  readonly db: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly replica: string;
}

/** Counts breaks in the history of shapes. */
export function exposeBreaks(metrics: Metrics): CounterMetric {
  return metrics.counter(
    'tollgate_estimate_breaks_total',
    'Shapes whose history stopped being true and began anew',
    ['tier'],
  );
}

export class HistoryCache {
  readonly #options: HistoryCacheOptions;
  readonly #store = new HistoryStore(ENTRIES_MAX);
  readonly #dirty = new Map<string, { readonly kind: HistoryKind; readonly key: string }>();
  readonly #dirtyLevels = new Map<string, { readonly level: string; readonly tier: string }>();
  readonly #breaks: CounterMetric;
  readonly #timer: NodeJS.Timeout;
  #readUntil = 'epoch';
  #flushes = 0;
  #turn: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(options: HistoryCacheOptions) {
    this.#options = options;
    this.#breaks = exposeBreaks(options.metrics);
    // While Postgres is slow, turns do not pile up.
    this.#timer = setInterval(() => {
      if (!this.#isBusy) void this.synchronise();
    }, FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /**
   * What statements of one account took. The same text may read a day on one account and ten years on another, so
   * shapes are an account's own; how fast a warehouse scans, and how far a tier's holds reach, are everybody's.
   */
  viewOf(account: string): HistoryView {
    const store = this.#store;
    return {
      lookup: (kind, key) => store.lookup(kind, keyOf(account, kind, key)),
      quantile: (level, tier) => store.quantile(level, tier),
    };
  }

  /** Histories in memory, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#store.size, max: ENTRIES_MAX };
  }

  /** Loads the most recently used keys. */
  async load(): Promise<void> {
    const { db } = this.#options;
    this.#readUntil = await databaseNow(db);
    this.#store.import(await readAll(db, ENTRIES_MAX));
  }

  /** Learns from a settled statement of an account. */
  record(account: string, outcome: Outcome): void {
    const { shape, believed } = outcome;
    const broken = this.#store.record(outcome, (kind, key) => keyOf(account, kind, key));
    if (broken.includes('shape-size')) this.#breaks.inc({ tier: shape.tier });
    if (believed !== null)
      this.#dirtyLevels.set(`${believed.level}:${shape.tier}`, {
        level: believed.level,
        tier: shape.tier,
      });
    const keys = historyKeys(shape);
    for (const kind of HISTORY_KINDS) {
      const key = keys[kind];
      if (key === null) continue;
      const own = keyOf(account, kind, key);
      // Most literals never come again: theirs are kept once they did.
      const entry = this.#store.lookup(kind, own);
      if (entry === undefined || (kind === 'values' && entry.count < 2)) continue;
      this.#dirty.set(`${kind}:${own}`, { kind, key: own });
    }
  }

  /** Writes what changed since the last call and reads what others wrote; what fails is tried with the next. */
  synchronise(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#synchronise());
    return this.#turn;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.synchronise();
  }

  async #synchronise(): Promise<void> {
    const { db, log } = this.#options;
    this.#isBusy = true;
    try {
      await this.#write();
      await this.#readOthers();
      this.#flushes += 1;
      if (this.#flushes % FORGET_FLUSHES === 0) await forgetUnused(db);
    } catch (thrown) {
      log.warn(
        { err: toError(thrown) },
        'the history of shapes could not be written or read; it will be tried again',
      );
    } finally {
      this.#isBusy = false;
    }
  }

  async #write(): Promise<void> {
    const { db, replica } = this.#options;
    const batch = [...this.#dirty.entries()].slice(0, FLUSH_ROWS_MAX);
    const levels = [...this.#dirtyLevels.entries()];
    for (const [name] of batch) this.#dirty.delete(name);
    this.#dirtyLevels.clear();
    try {
      await writeEntries(db, replica, this.#entriesOf(batch.map(([, each]) => each)));
      await writeCalibrations(
        db,
        replica,
        levels.map(([, { level, tier }]): LevelCalibration => {
          return { level, tier, ...this.#store.calibration(level, tier) };
        }),
      );
    } catch (thrown) {
      for (const [name, each] of batch) this.#dirty.set(name, each);
      for (const [name, each] of levels) this.#dirtyLevels.set(name, each);
      throw thrown;
    }
  }

  #entriesOf(
    keys: readonly { readonly kind: HistoryKind; readonly key: string }[],
  ): readonly KeyedEntry[] {
    return keys.flatMap(({ kind, key }) => {
      const entry = this.#store.lookup(kind, key);
      return entry === undefined ? [] : [{ kind, key, entry }];
    });
  }

  /** What others learnt replaces what this replica knew of the key, unless it learnt something since. */
  async #readOthers(): Promise<void> {
    const { db, replica } = this.#options;
    const { rows, until } = await readChanges(db, replica, this.#readUntil, FLUSH_ROWS_MAX);
    this.#readUntil = until;
    this.#store.import(rows.filter((row) => !this.#dirty.has(`${row.kind}:${row.key}`)));
  }
}

function keyOf(account: string, kind: HistoryKind, key: string): string {
  return OF_ACCOUNT.has(kind) ? `${account}/${key}` : key;
}
