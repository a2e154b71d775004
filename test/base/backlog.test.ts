import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Backlog, FlushLoop } from '../../base/backlog.js';
import { deferred } from '../../base/deferred.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('over its cap the oldest go, and are counted; what went is not written twice', () => {
  const backlog = new Backlog<string>(2);
  expect([backlog.add('a'), backlog.add('b')]).toEqual([undefined, undefined]);
  const batch = backlog.first(1);
  expect(batch).toEqual(['a']);
  expect(backlog.add('c')).toBe('a');
  backlog.written(batch);
  expect(backlog.first(9)).toEqual(['b', 'c']);
  expect({ ...backlog.occupancy, dropped: backlog.dropped }).toEqual({
    used: 2,
    max: 2,
    dropped: 1,
  });
});

test('writes come one after another, a failed one is told and the next one tries again', async () => {
  const [first, problems] = [deferred<Promise<void>>(), [] as unknown[]];
  let writes = 0;
  const loop = new FlushLoop({
    write: () => {
      writes += 1;
      return writes === 1 ? first.promise.then((outcome) => outcome) : Promise.resolve();
    },
    everyMs: 100,
    onProblem: (thrown) => problems.push(thrown),
  });
  await vi.advanceTimersByTimeAsync(250);
  expect({ writes, isWriting: loop.isWriting }).toEqual({ writes: 1, isWriting: true });
  first.resolve(Promise.reject(new Error('away')));
  await loop.flush();
  expect({ writes, isWriting: loop.isWriting, problems }).toEqual({
    writes: 3,
    isWriting: false,
    problems: [new Error('away')],
  });
  await loop.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(writes).toBe(4);
});
