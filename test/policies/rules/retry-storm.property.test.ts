import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterFailure,
  askBreaker,
  STORM_FAILURES,
  STORM_WINDOW_MS,
  type StormState,
} from '#policies/rules/retry-storm.js';

const failure = { kind: 'failed', code: '002003', message: 'gone' } as const;

/** One that is sent again a while after it was told that it failed; how many of them reached upstream. */
function loop(count: number, pauseMs: number): { readonly sent: number; readonly atMs: number } {
  let state: StormState | undefined;
  let atMs = 0;
  let sent = 0;
  for (let each = 0; each < count; each += 1) {
    atMs += pauseMs;
    const answer = askBreaker(state, atMs);
    if (answer.kind === 'open') continue;
    sent += 1;
    state = afterFailure(answer.state, failure, { arrivedAtMs: atMs, nowMs: atMs + 1 });
    atMs += 1;
  }
  return { sent, atMs };
}

test('of a loop twenty reach upstream, then one in fifteen seconds, and ever fewer down to one in five minutes', () => {
  const { sent, atMs } = loop(36_000, 100);
  // An hour: 20 at once, then after 15, 30, 60, 120, 240, 300, 300, … s.
  expect(atMs).toBeGreaterThan(3_600_000);
  expect(sent).toBeGreaterThanOrEqual(STORM_FAILURES + 14);
  expect(sent).toBeLessThanOrEqual(STORM_FAILURES + 17);
});

test('a statement that fails now and then, slower than the window, is always sent', () => {
  const pauseMs = Math.ceil(STORM_WINDOW_MS / (STORM_FAILURES - 2));
  expect(loop(500, pauseMs).sent).toBe(500);
});

test('any number at once is one failure: nobody repeats what it was not told of', () => {
  let state: StormState | undefined;
  for (let each = 0; each < 1_000; each += 1)
    state = afterFailure(state, failure, { arrivedAtMs: 0, nowMs: 10 + each });
  expect(state?.failures).toBe(1);
  expect(askBreaker(state, 2_000).kind).toBe('pass');
});

test('while it is open nothing passes, and then one at a time', () => {
  const times = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, (pauses) => {
      let state: StormState | undefined;
      for (let each = 0; each < STORM_FAILURES; each += 1)
        state = afterFailure(state, failure, { arrivedAtMs: each * 2, nowMs: each * 2 + 1 });
      let nowMs = STORM_FAILURES * 2;
      let passedAtMs = -Infinity;
      expect(state?.open).not.toBeNull();
      for (const pause of pauses) {
        nowMs += pause;
        const answer = askBreaker(state, nowMs);
        if (answer.kind === 'open') {
          expect(answer.untilMs).toBeGreaterThan(nowMs);
          continue;
        }
        // What was let through has not ended: no other for a minute.
        expect(nowMs - passedAtMs).toBeGreaterThanOrEqual(60_000);
        passedAtMs = nowMs;
        ({ state } = answer);
      }
    }),
    { numRuns: 100 },
  );
});
