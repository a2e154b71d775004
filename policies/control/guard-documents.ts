/** Parts of the control document about guards: the pace of repeating shapes, and the way past them in an emergency. */
import type { RuleMode } from './choices.js';

/**
 * What one repeating shape of a team may take in 30 days. A pace that would take more is told, then slowed, then
 * stopped, from what its runs took so far (`rules/run-rate.ts`).
 */
export interface RunRateDocument {
  readonly id: string;
  /** Absent: enforce. */
  readonly mode?: RuleMode;
  readonly teams?: readonly string[];
  readonly tiers?: readonly string[];
  /** One of the two. */
  readonly limitCreditsPerMonth?: string;
  readonly limitMoneyPerMonth?: string;
  readonly warnAtPercent?: number;
  readonly slowAtPercent?: number;
  readonly stopAtPercent?: number;
  readonly slowSeconds?: number;
}

/** Who may pass budgets and rules in an emergency, with a reason, for a while; each use is told. */
export interface BreakGlassDocument {
  readonly id: string;
  readonly principals?: readonly string[];
  /** Snowflake roles. */
  readonly roles?: readonly string[];
  /** How long one reason opens it. */
  readonly minutes: number;
  readonly ceilingCredits: string;
}
