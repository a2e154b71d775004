/** What estimates know of tables before anything ran on them. */
import type { EpochMs } from '#base/time.js';

/** Statistics of one table. */
export interface TableStatistics {
  readonly bytes: number;
  readonly rows: number;
  readonly partitions: number;
  /** Column the table is ordered by; null: none. */
  readonly clusteringColumn: string | null;
  /** Least and greatest value of the clustering column, as text; null: not known. */
  readonly low: string | null;
  readonly high: string | null;
  /** Share of the bytes per column, 0–1; undefined: not known. */
  readonly columns: Readonly<Record<string, number | undefined>>;
}

/** Statistics per `DB.SCHEMA.TABLE`; undefined: none. */
export interface StatisticsView {
  table(name: string): TableStatistics | undefined;
  /** When they were taken, where that may be later than the statements that are priced by them: in a replay. */
  readonly takenAt?: EpochMs;
}
