/** Parts of the control document about what comes before a refusal: ladders of budgets, off-peak hours and SLOs of tiers. */
import type { Weekday } from '#base/time.js';

/** From the mildest to the strictest. */
export const LADDER_STEPS = [
  'warn',
  'slower-tier',
  'smaller-warehouse',
  'off-peak',
  'approve',
  'refuse',
] as const;
export type LadderStep = (typeof LADDER_STEPS)[number];

/** What becomes of statements once their budget is used so far (`rules/ladder.ts`). */
export interface RungDocument {
  /** Percent of the limit that is spent or held. */
  readonly atPercent: number;
  readonly step: LadderStep;
  /** Only for slower-tier and smaller-warehouse: the tier. */
  readonly tier?: string;
  /** Only statements whose estimate ends above; absent: all. */
  readonly aboveCredits?: string;
  /** Only for approve: how long one waits for it; absent: it is refused meanwhile. */
  readonly waitSeconds?: number;
}

/** A daily window; one whose end is not after its start ends on the next day. */
export interface OffPeakWindowDocument {
  /** Days on which it begins; absent: every day. */
  readonly days?: readonly Weekday[];
  /** `HH:MM` on the clock of the zone. */
  readonly from: string;
  readonly to: string;
}

/** When statements that chose to wait for it run. */
export interface OffPeakDocument {
  readonly timeZone: string;
  readonly windows: readonly OffPeakWindowDocument[];
}

/** What a tier promises: so many percent of its statements have their permit within so many seconds. */
export interface SloDocument {
  readonly waitSeconds: number;
  /** A decimal such as "99.5". */
  readonly percent: string;
}

/** How a statement comes onto the warehouse of a tier that a rule moves it to; session: by USE WAREHOUSE in its session. */
export const WAREHOUSE_SWITCHES = ['refuse', 'session'] as const;
export type WarehouseSwitch = (typeof WAREHOUSE_SWITCHES)[number];

/** What a tier says of moved and deferred statements, and what it promises. */
export interface TierServiceDocument {
  /** Absent: refuse. */
  readonly switch?: WarehouseSwitch;
  readonly offPeak?: OffPeakDocument;
  readonly slo?: SloDocument;
}
