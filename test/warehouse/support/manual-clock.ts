import type { Clock } from '#base/time.js';

/** A clock that stands until a test moves it. */
export interface ManualClock extends Clock {
  at: number;
}

export function manualClock(at: number): ManualClock {
  const clock: ManualClock = { at, scale: 1, now: () => clock.at };
  return clock;
}
