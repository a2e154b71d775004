/**
 * A lane is the queue of one tier with its permits, in the whole deployment. What is said here is plain values: who
 * waits, who runs, whose turn it is; `schedule.ts` decides by them, and Postgres keeps them between decisions.
 */
import type { LaneRunning, LaneWaiting } from '#base/kept-lanes.js';
import type { Credits } from '#base/units.js';

/** What one team may do in a lane; absent: what every team may. */
export interface TeamLane {
  readonly weight: number;
  /** Its statements that run at once; null: as many as the tier lets run. */
  readonly concurrencyMax: number | null;
  /** Its statements that wait; null: as many as the tier lets wait. */
  readonly queueMax: number | null;
  readonly queueTimeoutMs: number;
}

export interface LaneLimits extends Omit<TeamLane, 'concurrencyMax' | 'queueMax'> {
  readonly tier: string;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly teamConcurrencyMax: number | null;
  readonly teamQueueMax: number | null;
  readonly principalConcurrencyMax: number | null;
  /** Of `concurrencyMax`: permits that only administrators get, and the most they get at once; 0: there are none. */
  readonly administratorPermits: number;
  /** Principals and Snowflake roles, folded. */
  readonly administrators: {
    readonly principals: ReadonlySet<string>;
    readonly roles: ReadonlySet<string>;
  };
  /** Teams that differ from the others. */
  readonly teams: ReadonlyMap<string, TeamLane>;
}

/** Whose turn it is. Forgotten when nobody waits. */
export interface LaneTurns {
  /** Grants so far: every {@link AGED_EVERY}th goes by age. */
  readonly grants: number;
  /** Team that was granted last. */
  readonly last: string;
  /** Team that was granted by age last. */
  readonly lastAged: string;
  /** What each team has saved for its next statement; below zero: what it was given ahead of its turn. */
  readonly savedCredits: ReadonlyMap<string, Credits>;
}

export const NO_TURNS: LaneTurns = { grants: 0, last: '', lastAged: '', savedCredits: new Map() };

export interface LaneState {
  readonly turns: LaneTurns;
  readonly running: readonly LaneRunning[];
  /** In the order in which they came. */
  readonly waiting: readonly LaneWaiting[];
  /** Permits that replicas have at hand and nobody uses. */
  readonly idlePermits: number;
  /** Milliseconds for which permits are held ÷ those that were expected, of late. */
  readonly stretch: number;
}

/** What a team may do in the lane. */
export function teamLane(limits: LaneLimits, teamId: string): TeamLane {
  return (
    limits.teams.get(teamId) ?? {
      weight: limits.weight,
      concurrencyMax: limits.teamConcurrencyMax,
      queueMax: limits.teamQueueMax,
      queueTimeoutMs: limits.queueTimeoutMs,
    }
  );
}

/** Somebody's cap counts statements of all replicas, so that none may be let in without asking. */
export function isCapped(limits: LaneLimits): boolean {
  if (limits.principalConcurrencyMax !== null || limits.teamConcurrencyMax !== null) return true;
  return [...limits.teams.values()].some(({ concurrencyMax }) => concurrencyMax !== null);
}

/** Permits for everybody but administrators. */
export function sharedPermits(limits: LaneLimits): number {
  return limits.concurrencyMax - limits.administratorPermits;
}
