/** A statement of a history that came, and what today's Tollgate makes of it. */
import type { EpochMs } from '../../base/time.js';
import type { Credits, Money } from '../../base/units.js';
import type { Estimate } from '../../policies/estimate/estimate.js';
import type { HistoryView } from '../../policies/estimate/history-store.js';
import type { StatisticsView } from '../../policies/estimate/table-statistics.js';
import type { TextFacts } from '../../policies/sql/facts.js';
import type { ShapeKey } from '../../proxy/running/shape-spend-rows.js';
import type { LanePlace } from './lanes.js';
import type { Refused } from './refused.js';
import type { ReplayRow } from './row.js';

export interface Allowed {
  readonly kind: 'allowed';
  readonly teamId: string | null;
  readonly budgetIds: readonly string[];
  readonly holdCredits: Credits;
  readonly ceilingCredits: Credits | null;
  /** Where it runs: that of its session, or of the tier that it is moved to; null: its session has none. */
  readonly warehouse: string | null;
  /** The tier in whose lane it waits. */
  readonly laneTier: string;
  /** What it needs a permit of; null: none, it uses no warehouse. */
  readonly lane: LanePlace | null;
  /** Until the off-peak hours, which it chose, or because its shape is slowed down. */
  readonly isKeptBack: boolean;
  /** What its run is counted by, where a run rate holds for it; null: none does. */
  readonly paced: ShapeKey | null;
  /** It wants somebody's word, and nobody gives one: what it is told once its hold is taken. null: it needs none. */
  readonly unapproved: Refused | null;
}

export interface Judged {
  readonly estimate: Estimate;
  /** Credits per hour of one cluster of the warehouse. */
  readonly creditsPerHour: Credits;
  readonly pricePerCredit: Money;
  readonly tier: string;
  readonly isWarned: boolean;
  readonly answer: Refused | Allowed;
}

/** A statement that came. */
export interface Arrival {
  readonly row: ReplayRow;
  readonly facts: TextFacts;
  readonly at: EpochMs;
  /** That its session has set; absent or null: it is not known. */
  readonly timeZone?: string | null;
}

export type Judge = (arrival: Arrival) => Judged;

export interface JudgeParts {
  readonly history: HistoryView;
  readonly statistics: StatisticsView;
}
