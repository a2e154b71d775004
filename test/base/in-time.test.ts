import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deferred } from '../../base/deferred.js';
import { inTime, within } from '../../base/in-time.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('work that ends in time is told as it ended, and leaves no timer', async () => {
  expect(await inTime(1_000, Promise.resolve('done'))).toBe('done');
  expect(await within(1_000, Promise.resolve(undefined))).toBeUndefined();
  const failed = new Error('it failed');
  await expect(inTime(1_000, Promise.reject(failed))).rejects.toBe(failed);
  await expect(within(1_000, Promise.reject(failed))).rejects.toBe(failed);
  expect(vi.getTimerCount()).toBe(0);
});

test('work that takes longer is not waited for, and what becomes of it is not heard', async () => {
  const work = deferred<string>();
  const answers = [
    expect(inTime(1_500, work.promise)).resolves.toBeUndefined(),
    expect(within(1_500, work.promise)).rejects.toThrow('no answer within 1.5 s'),
  ];
  await vi.advanceTimersByTimeAsync(1_499);
  expect(vi.getTimerCount()).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(answers);
  work.resolve('too late');
  expect(vi.getTimerCount()).toBe(0);
});
