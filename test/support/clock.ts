import type { Clock, EpochMs } from '../../base/time.js';

/** A clock that stands still until told otherwise. */
export interface ManualClock extends Clock {
  advance(byMs: number): void;
  set(to: EpochMs): void;
}

/** Starts at a Wednesday noon in the middle of a month: 2026-07-15T12:00:00Z. */
export function manualClock(startsAt: EpochMs = Date.UTC(2026, 6, 15, 12)): ManualClock {
  let now = startsAt;
  return {
    scale: 1,
    now: () => now,
    advance: (byMs) => {
      now += byMs;
    },
    set: (to) => {
      now = to;
    },
  };
}
