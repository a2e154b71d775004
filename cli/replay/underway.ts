/** Statements of a replay between their arrival and their end, and what happens to them. */
import type { EpochMs } from '../../base/time.js';
import { approximate, type Credits } from '../../base/units.js';
import type { TimeShare } from '../../billing/shared-time.js';
import type { Guarded, Stop } from './guard.js';
import type { Allowed, Judged } from './judged.js';
import type { LaneSeat } from './lanes.js';
import type { Refused } from './refused.js';
import type { ReplayRow } from './row.js';
import type { Outcome } from './tally.js';
import { usageOf } from './usage.js';

/** A statement between its arrival and its end. */
export interface Underway {
  readonly row: ReplayRow;
  readonly judged: Judged;
  outcome: Outcome;
  /** What refused it; null: it was let in. */
  refused: Refused | null;
  holdsBudget: boolean;
  /** null: nothing stops it. */
  readonly guarded: Guarded | null;
  stop: Stop | null;
  share: TimeShare | null;
  /** null: it needs no permit. */
  seat: LaneSeat<Underway> | null;
  /** By how much its wait for a permit moves it; null: it waits. */
  waitedMs: number | null;
  /** What the guard would have seen of it, had it not waited. */
  readonly looks: Look[];
  /** In the end, of one that waited; null: it has not ended, in the history. */
  usedCredits: Credits | null;
}

/** What a statement had used at an instant of the history. */
interface Look {
  readonly at: EpochMs;
  readonly usedCredits: Credits;
}

export type Event =
  /** Of the history: what ran, ran. */
  | { readonly kind: 'begin' | 'look' | 'end'; readonly statement: Underway }
  /** Of a statement that waited for its permit: what comes of a look, its end, and that it waited too long. */
  | { readonly kind: 'looked'; readonly statement: Underway; readonly usedCredits: Credits }
  | { readonly kind: 'leave' | 'timeout'; readonly statement: Underway };

/** Asked anew: a look may have stopped it. */
export function isStopped({ stop }: Underway): boolean {
  return stop !== null;
}

/** What the guard watches of a statement that is let in; null: it has no ceiling. */
export function guardedOf(
  { queryId, startedAt }: ReplayRow,
  { creditsPerHour, estimate }: Judged,
  { ceilingCredits, holdCredits }: Allowed,
  isHeldByBudgets: boolean,
): Guarded | null {
  if (ceilingCredits === null || estimate.basis === 'FREE') return null;
  return { id: queryId, startedAt, ceilingCredits, creditsPerHour, isHeldByBudgets, holdCredits };
}

/** The rate of its warehouse; more where an export attributes more to it. */
export function creditsPerHourAtMost(row: ReplayRow, { creditsPerHour }: Guarded): number {
  const rate = approximate(creditsPerHour);
  if (row.credits === null) return rate;
  const used = approximate(usageOf(row, 0, creditsPerHour).credits);
  return Math.max(rate, (used * 3_600_000) / Math.max(1, row.endedAt - row.startedAt));
}
