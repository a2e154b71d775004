import type { Credits } from '#base/units.js';
import type { LevelBelief } from './history-store.js';
import type { ShapeFacts } from './shape.js';

/** Where an estimate comes from, best first. `FREE`: uses no warehouse. */
export const BASES = ['FREE', 'HISTORY', 'EXPLAIN_BOUND', 'TABLE_STATS', 'GUESS'] as const;
export type Basis = (typeof BASES)[number];

/** Predicted cost of one statement on the warehouse it would run on. */
export interface Estimate {
  readonly basis: Basis;
  readonly lowCredits: Credits;
  readonly expectedCredits: Credits;
  /** The calibrated 90 % quantile: what is held. */
  readonly highCredits: Credits;
  /** Expected warehouse-seconds (business time) on one cluster of that warehouse. */
  readonly expectedSeconds: number;
  /** Expected seconds from its start to its end, as busy as the warehouse has been; without queues. */
  readonly expectedElapsedSeconds: number;
  /** Bytes expected to be scanned, when statistics tell. */
  readonly bytes: number | null;
  /** Partitions expected to be scanned and in all, when statistics tell. */
  readonly partitions: { readonly assigned: number; readonly total: number } | null;
  /** What would make it cheaper: a partition column that is not filtered. */
  readonly advice: readonly Advice[];
  /** What the history is asked by, and learns from when it has ended; null: nothing is learnt. */
  readonly shape: ShapeFacts | null;
  /** What the hold rests on, for its calibration; null: on amounts of the tier. */
  readonly believed: LevelBelief | null;
}

/** "filter EVENT_DATE to one day: 0.02 credits". */
export interface Advice {
  readonly table: string;
  readonly column: string;
  /** What the filter would leave, in words: `one day`. */
  readonly range: string;
  readonly creditsAfter: Credits;
}
