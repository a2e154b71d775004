import { assert } from '#base/assert.js';
import {
  calibrate,
  HISTORY_KINDS,
  type HistoryEntry,
  type HistoryKind,
  historyKeys,
  type HistoryView,
  observe,
  QUANTILE_START,
  type ShapeFacts,
} from './history.js';

/** One settled statement, as the history learns from it. */
export interface Outcome extends ShapeFacts {
  readonly tier: string;
  /** Credits per hour of one cluster of the warehouse it ran on. */
  readonly creditsPerHour: number;
  /** Warehouse-seconds it took. */
  readonly seconds: number;
  /** Seconds that table statistics alone predicted; null when they did not. */
  readonly statisticsSeconds: number | null;
}

/** A row of the exported history; `quantile` rows carry the calibration of a level. */
export type HistoryRow =
  | ({ readonly kind: HistoryKind; readonly key: string } & HistoryEntry)
  | { readonly kind: 'quantile'; readonly key: string; readonly quantile: number };

/** The history in memory, bounded in keys; the key that was touched longest ago is forgotten first. */
export class HistoryStore implements HistoryView {
  readonly #entriesMax: number;
  readonly #entries = new Map<string, HistoryEntry>();
  readonly #quantiles = new Map<string, number>();

  /** @param entriesMax keys kept at most; about 200 bytes each. */
  constructor(entriesMax: number) {
    assert(entriesMax > 0, 'a history keeps at least one key');
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  lookup(kind: HistoryKind, key: string): HistoryEntry | undefined {
    const name = nameOf(kind, key);
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#put(name, entry);
    return entry;
  }

  quantile(kind: HistoryKind, tier: string): number {
    return this.#quantiles.get(nameOf(kind, tier)) ?? QUANTILE_START;
  }

  /** Learns from one settled statement: every level that could have predicted it is scored, then updated. */
  record(outcome: Outcome): void {
    const keys = historyKeys(outcome);
    const values: Readonly<Record<HistoryKind, number | null>> = {
      'shape-size': outcome.seconds,
      shape: outcome.seconds * outcome.creditsPerHour,
      statistics:
        outcome.statisticsSeconds === null || outcome.statisticsSeconds <= 0
          ? null
          : outcome.seconds / outcome.statisticsSeconds,
    };
    for (const kind of HISTORY_KINDS) {
      const value = values[kind];
      if (value !== null) this.#learn(kind, keys[kind], outcome.tier, value);
    }
  }

  #learn(kind: HistoryKind, key: string, tier: string, value: number): void {
    const name = nameOf(kind, key);
    const before = this.#entries.get(name);
    if (before !== undefined)
      this.#quantiles.set(nameOf(kind, tier), calibrate(this.quantile(kind, tier), before, value));
    this.#put(name, observe(before, value));
  }

  #put(name: string, entry: HistoryEntry): void {
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    if (this.#entries.size <= this.#entriesMax) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  /** Every row, oldest touched first, so that an import keeps the order of forgetting. */
  *export(): Generator<HistoryRow> {
    for (const [name, entry] of this.#entries) yield { ...partsOf(name), ...entry };
    for (const [key, quantile] of this.#quantiles) yield { kind: 'quantile', key, quantile };
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
      if (row.kind === 'quantile') this.#quantiles.set(row.key, row.quantile);
      else
        this.#put(nameOf(row.kind, row.key), {
          count: row.count,
          logMean: row.logMean,
          logVariance: row.logVariance,
        });
    }
    return { imported, rejected };
  }
}

function isSound(row: HistoryRow): boolean {
  if (row.kind === 'quantile') return Number.isFinite(row.quantile);
  return (
    HISTORY_KINDS.includes(row.kind) &&
    Number.isFinite(row.logMean) &&
    Number.isFinite(row.logVariance) &&
    row.logVariance >= 0 &&
    row.count >= 1
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
