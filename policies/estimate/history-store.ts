import { assert } from '#base/assert.js';
import { LRUCache } from 'lru-cache';
import type { Average } from './average.js';
import {
  type Belief,
  calibrate,
  type Calibration,
  HISTORY_KINDS,
  type HistoryEntry,
  type HistoryKind,
  type Observation,
  observe,
  UNCALIBRATED,
} from './history.js';
import { historyKeys, type ShapeFacts } from './shape.js';

/** The belief an estimate rested on, and the level it was calibrated by. */
export interface LevelBelief extends Belief {
  /** Kind of the most special key that was known, with the size of the warehouse; of scans with their scale. */
  readonly level: string;
}

/** One settled statement, as the history learns from it. */
export interface Outcome {
  readonly shape: ShapeFacts;
  /** Credits per hour of one cluster of the warehouse it ran on. */
  readonly creditsPerHour: number;
  /** Warehouse-seconds it took. */
  readonly seconds: number;
  /** Seconds from dispatch to end. */
  readonly elapsedSeconds: number;
  /** Seconds that table statistics alone predicted; null when they did not. */
  readonly statisticsSeconds: number | null;
  /** What was believed when it was held; null: it was a guess of the tier's. */
  readonly believed: LevelBelief | null;
}

/** Read side of the history. */
export interface HistoryView {
  /** The entry as it is now; it moves with what is learnt later. */
  lookup(kind: HistoryKind, key: string): HistoryEntry | undefined;
  /** The calibrated quantile of a level in a tier. */
  quantile(level: string, tier: string): number;
}

/** A row of the exported history; `quantile` rows carry the calibration of a level. */
export type HistoryRow =
  | ({ readonly kind: HistoryKind; readonly key: string } & HistoryEntry)
  | ({ readonly kind: 'quantile'; readonly key: string } & Calibration);

/** Shortest predicted scan whose measured time says something about throughput. */
const MEASURABLE_SECONDS = 2;
/** Shortest run whose share of its warehouse is measured well. */
const SHARED_SECONDS_MIN = 0.2;
/** What compiling, starting and returning take on top of a scan. */
export const OVERHEAD_SECONDS = 0.1;

/** {@link HistoryEntry} as it is kept: written over, because a new one for every value is what a collector chokes on. */
interface KeptEntry {
  count: number;
  readonly work: KeptAverage;
  readonly elapsed: KeptAverage;
  logVariance: number;
  above: number;
  below: number;
}

interface KeptAverage {
  readonly means: [number, number, number];
  readonly errors: [number, number, number];
}

function kept({ count, work, elapsed, logVariance, above, below }: HistoryEntry): KeptEntry {
  return {
    count,
    work: keptAverage(work),
    elapsed: keptAverage(elapsed),
    logVariance,
    above,
    below,
  };
}

function keptAverage({ means, errors }: Average): KeptAverage {
  return { means: [...means], errors: [...errors] };
}

function overwrite(target: KeptEntry, source: HistoryEntry): void {
  target.count = source.count;
  overwriteAverage(target.work, source.work);
  overwriteAverage(target.elapsed, source.elapsed);
  target.logVariance = source.logVariance;
  target.above = source.above;
  target.below = source.below;
}

function overwriteAverage({ means, errors }: KeptAverage, source: Average): void {
  [means[0], means[1], means[2]] = source.means;
  [errors[0], errors[1], errors[2]] = source.errors;
}

/** The history in memory, bounded in keys; the key that learnt longest ago is forgotten first. */
export class HistoryStore implements HistoryView {
  readonly #entries: LRUCache<string, KeptEntry>;
  readonly #calibrations = new Map<string, Calibration>();

  /** @param entriesMax keys kept at most; about 400 bytes each. */
  constructor(entriesMax: number) {
    assert(entriesMax > 0, 'a history keeps at least one key');
    this.#entries = new LRUCache({ max: entriesMax });
  }

  get size(): number {
    return this.#entries.size;
  }

  lookup(kind: HistoryKind, key: string): HistoryEntry | undefined {
    return this.#entries.peek(nameOf(kind, key));
  }

  quantile(level: string, tier: string): number {
    return this.calibration(level, tier).quantile;
  }

  calibration(level: string, tier: string): Calibration {
    return this.#calibrations.get(`${level}:${tier}`) ?? UNCALIBRATED;
  }

  /**
   * Learns from one settled statement: the level that predicted it is calibrated, every key of it is updated.
   * @param nameOfKey what a key is kept under, where several accounts share the store.
   * @returns the kinds of the keys that broken.
   */
  record(
    outcome: Outcome,
    nameOfKey: (kind: HistoryKind, key: string) => string = (_, key) => key,
  ): readonly HistoryKind[] {
    const { shape, believed } = outcome;
    if (believed !== null)
      this.#calibrations.set(
        `${believed.level}:${shape.tier}`,
        calibrate(this.calibration(believed.level, shape.tier), believed, outcome.seconds),
      );
    const keys = historyKeys(shape);
    const broken: HistoryKind[] = [];
    for (const kind of HISTORY_KINDS) {
      const key = keys[kind];
      const value = key === null ? null : this.#observationOf(kind, outcome);
      if (key === null || value === null) continue;
      const name = nameOf(kind, nameOfKey(kind, key));
      // What learns is looked up once: that is what makes it the one that learnt last.
      const known = this.#entries.get(name);
      const { entry, hasBroken } = observe(kind, known, value);
      if (known === undefined) this.#entries.set(name, kept(entry));
      else overwrite(known, entry);
      if (hasBroken) broken.push(kind);
    }
    return broken;
  }

  /** What a key of the kind counts of the outcome; null: nothing. */
  #observationOf(kind: HistoryKind, outcome: Outcome): Observation | null {
    const { seconds, elapsedSeconds, statisticsSeconds } = outcome;
    const same = (value: number): Observation => ({ work: value, elapsed: value });
    switch (kind) {
      case 'values':
      case 'shape-size':
      case 'shape-all':
      case 'tables':
      case 'kind':
        return { work: seconds, elapsed: elapsedSeconds };
      case 'shape':
        return same(seconds * outcome.creditsPerHour);
      case 'statistics':
        // A scan too short to be measured says nothing of scans of any length.
        return statisticsSeconds === null || statisticsSeconds < MEASURABLE_SECONDS
          ? null
          : same(seconds / (statisticsSeconds + OVERHEAD_SECONDS));
      case 'shape-statistics':
      case 'scale':
      case 'first':
      case 'form':
        return statisticsSeconds === null
          ? null
          : same(seconds / (statisticsSeconds + OVERHEAD_SECONDS));
      case 'stretch':
        return seconds < SHARED_SECONDS_MIN ? null : same(elapsedSeconds / seconds);
    }
  }

  /** Every row, oldest learnt first, so that an import keeps the order of forgetting. */
  *export(): Generator<HistoryRow> {
    for (const name of this.#entries.rkeys()) {
      const entry = this.#entries.peek(name);
      if (entry !== undefined) yield { ...partsOf(name), ...kept(entry) };
    }
    for (const [key, calibration] of this.#calibrations)
      yield { kind: 'quantile', key, ...calibration };
  }

  /** Adds exported rows; rows that are no numbers are left out and counted in the result. */
  import(rows: Iterable<HistoryRow>): { readonly imported: number; readonly rejected: number } {
    let imported = 0;
    let rejected = 0;
    for (const row of rows) {
      if (!isSound(row)) {
        rejected += 1;
        continue;
      }
      imported += 1;
      if (row.kind === 'quantile') {
        const { quantile, count } = row;
        this.#calibrations.set(row.key, { quantile, count });
      } else {
        const { kind, key, ...entry } = row;
        this.#entries.set(nameOf(kind, key), kept(entry));
      }
    }
    return { imported, rejected };
  }
}

function isSound(row: HistoryRow): boolean {
  if (row.kind === 'quantile') return Number.isFinite(row.quantile) && row.count >= 0;
  return (
    HISTORY_KINDS.includes(row.kind) &&
    row.count >= 1 &&
    row.logVariance >= 0 &&
    isSoundAverage(row.work) &&
    isSoundAverage(row.elapsed) &&
    [row.logVariance, row.above, row.below].every((value) => Number.isFinite(value))
  );
}

function isSoundAverage({ means, errors }: Average): boolean {
  return (
    means.length === 3 &&
    errors.length === 3 &&
    means.every((mean) => Number.isFinite(mean)) &&
    errors.every((error) => error > 0 && Number.isFinite(error))
  );
}

function nameOf(kind: HistoryKind, key: string): string {
  return `${kind}:${key}`;
}

function partsOf(name: string): { readonly kind: HistoryKind; readonly key: string } {
  const at = name.indexOf(':');
  const kind = HISTORY_KINDS.find((candidate) => candidate === name.slice(0, at));
  assert(kind !== undefined, 'names of the history begin with their kind');
  return { kind, key: name.slice(at + 1) };
}
