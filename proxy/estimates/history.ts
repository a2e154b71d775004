/**
 * The history of shapes as the estimator reads it: in memory, filled from Postgres at start, written back in batches
 * off the path of any statement. A lost batch costs accuracy for a moment, never money.
 */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import { HistoryStore } from '#policies/estimate/history-store.js';
import type { HistoryRow, Outcome } from '#policies/estimate/history-store.js';
import { HISTORY_KINDS, historyKeys } from '#policies/estimate/history.js';
import type { HistoryKind, HistoryView } from '#policies/estimate/history.js';

const FLUSH_INTERVAL_MS = 1000;
/** Keys written in one statement; the others wait for the next. */
const FLUSH_ROWS_MAX = 1000;
const ENTRIES_MAX = 100_000;

interface ShapeRow {
  key_kind: string;
  key: string;
  samples: string;
  log_mean: number;
  log_variance: number;
}

export class HistoryCache {
  readonly #db: Database;
  readonly #log: Log;
  readonly #store = new HistoryStore(ENTRIES_MAX);
  readonly #dirty = new Map<string, { kind: HistoryKind; key: string; seconds: number }>();
  readonly #tiers = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(db: Database, log: Log) {
    this.#db = db;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /**
   * What statements of one account took. The same text may read a day on one account and ten years on another, so
   * shapes are an account's own; how fast a warehouse scans, and how far a tier's holds reach, are everybody's.
   */
  viewOf(account: string): HistoryView {
    const store = this.#store;
    return {
      lookup: (kind, key) =>
        store.lookup(kind, kind === 'statistics' ? key : shapeOf(account, key)),
      quantile: (kind, tier) => store.quantile(kind, tier),
    };
  }

  /** Loads the most recently touched keys. */
  async load(): Promise<void> {
    const { rows } = await this.#db.query<ShapeRow & Record<string, unknown>>(
      `SELECT key_kind, key, samples, log_mean, log_variance FROM
         (SELECT * FROM shape_history ORDER BY updated_at DESC LIMIT $1) recent ORDER BY updated_at`,
      [ENTRIES_MAX],
    );
    this.#store.import(rows.flatMap(toHistoryRow));
  }

  /** Learns from a settled statement of an account. */
  record(account: string, settled: Outcome): void {
    const outcome = { ...settled, fingerprint: shapeOf(account, settled.fingerprint) };
    this.#store.record(outcome);
    this.#tiers.add(outcome.tier);
    const keys = historyKeys(outcome);
    for (const kind of HISTORY_KINDS) {
      this.#dirty.set(`${kind}:${keys[kind]}`, { kind, key: keys[kind], seconds: outcome.seconds });
    }
  }

  /** Writes what changed since the last call; what fails is written with the next. */
  async flush(): Promise<void> {
    const batch = [...this.#dirty.entries()].slice(0, FLUSH_ROWS_MAX);
    if (batch.length === 0) return;
    for (const [name] of batch) this.#dirty.delete(name);
    const rows = batch.flatMap(([, { kind, key, seconds }]) => {
      const entry = this.#store.lookup(kind, key);
      return entry === undefined
        ? []
        : [[kind, key, entry.count, entry.logMean, entry.logVariance, seconds] as const];
    });
    for (const tier of this.#tiers) {
      for (const kind of HISTORY_KINDS) {
        rows.push([
          'quantile' as HistoryKind,
          `${kind}:${tier}`,
          1,
          this.#store.quantile(kind, tier),
          0,
          0,
        ]);
      }
    }
    try {
      await this.#write(rows);
    } catch (thrown) {
      this.#log.warn(
        { err: toError(thrown) },
        'the history of shapes could not be written; it will be tried again',
      );
      for (const [name, value] of batch) if (!this.#dirty.has(name)) this.#dirty.set(name, value);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(
    rows: readonly (readonly [string, string, number, number, number, number])[],
  ): Promise<void> {
    await this.#db.query(
      `INSERT INTO shape_history (key_kind, key, samples, log_mean, log_variance, last_seconds, updated_at)
       SELECT kind, key, samples, mean, variance, seconds, now()
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[])
              AS given (kind, key, samples, mean, variance, seconds)
        ORDER BY kind, key
       ON CONFLICT (key_kind, key) DO UPDATE SET samples = excluded.samples, log_mean = excluded.log_mean,
         log_variance = excluded.log_variance, last_seconds = excluded.last_seconds, updated_at = excluded.updated_at`,
      [0, 1, 2, 3, 4, 5].map((column) => rows.map((row) => row[column])),
    );
  }
}

/** Keys of the history begin with the fingerprint, so this prefix holds for both. */
function shapeOf(account: string, fingerprintOrKey: string): string {
  return `${account}/${fingerprintOrKey}`;
}

function toHistoryRow(row: ShapeRow): HistoryRow[] {
  if (row.key_kind === 'quantile')
    return [{ kind: 'quantile', key: row.key, quantile: row.log_mean }];
  const kind = HISTORY_KINDS.find((candidate) => candidate === row.key_kind);
  if (kind === undefined) return [];
  return [
    {
      kind,
      key: row.key,
      count: Number(row.samples),
      logMean: row.log_mean,
      logVariance: row.log_variance,
    },
  ];
}
