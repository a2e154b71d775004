import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type {
  TranspileReply,
  TranspileRequest,
} from '../../../../warehouse/engine/sql/transpile-worker.js';
import { Transpiler, type TranspileWorker } from '../../../../warehouse/engine/sql/transpiler.js';

/** A worker that says what the test says. */
class SilentWorker extends EventEmitter {
  readonly asked: TranspileRequest[] = [];
  isTerminated = false;

  postMessage(request: TranspileRequest): void {
    this.asked.push(request);
  }

  unref(): void {
    expect(this.isTerminated).toBe(false);
  }

  terminate(): Promise<number> {
    this.isTerminated = true;
    return Promise.resolve(0);
  }

  says(reply: TranspileReply): void {
    this.emit('message', reply);
  }
}

let workers: SilentWorker[];
let transpiler: Transpiler;

beforeEach(() => {
  vi.useFakeTimers();
  workers = [];
  transpiler = new Transpiler(() => {
    const worker = new SilentWorker();
    workers.push(worker);
    return worker as unknown as TranspileWorker;
  });
});
afterEach(() => vi.useRealTimers());

/** What has become of a promise by now. */
async function now<T>(promise: Promise<T>): Promise<T | 'open'> {
  return Promise.race([promise, Promise.resolve('open' as const)]);
}

test('a worker that is still loading has thirty seconds for its first statements, one that has loaded five', async () => {
  const first = transpiler.transpile('SELECT 1');
  const second = transpiler.transpile('SELECT 2');
  await vi.advanceTimersByTimeAsync(29_000);
  expect(await now(first)).toBe('open');
  workers[0]?.says({ id: 1, kind: 'text', sql: 'SELECT 1' });
  expect(await first).toEqual({ kind: 'text', sql: 'SELECT 1' });
  const third = transpiler.transpile('SELECT 3');
  // The second was asked while it loaded, and its thirty seconds are over.
  await vi.advanceTimersByTimeAsync(1_000);
  expect([await second, await third]).toEqual([{ kind: 'broken' }, { kind: 'broken' }]);
  expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true]);
});

test('a loaded worker that does not answer for five seconds is replaced, and the next one loads anew', async () => {
  const first = transpiler.transpile('SELECT 1');
  workers[0]?.says({ id: 1, kind: 'refused', at: 7 });
  expect(await first).toEqual({ kind: 'refused', at: 7 });
  const stuck = transpiler.transpile('SELECT 2');
  await vi.advanceTimersByTimeAsync(4_999);
  expect(await now(stuck)).toBe('open');
  await vi.advanceTimersByTimeAsync(1);
  expect(await stuck).toEqual({ kind: 'broken' });
  const next = transpiler.transpile('SELECT 3');
  expect(workers).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(29_999);
  expect(await now(next)).toBe('open');
  await vi.advanceTimersByTimeAsync(1);
  expect(await next).toEqual({ kind: 'broken' });
});

test('what was answered is known from then on, and what broke is asked again', async () => {
  const first = transpiler.transpile('SELECT 1');
  workers[0]?.says({ id: 1, kind: 'text', sql: 'one' });
  await first;
  expect(await transpiler.transpile('SELECT 1')).toEqual({ kind: 'text', sql: 'one' });
  expect(workers[0]?.asked).toHaveLength(1);
  const broken = transpiler.transpile('SELECT 2');
  workers[0]?.emit('exit', 1);
  expect(await broken).toEqual({ kind: 'broken' });
  void transpiler.transpile('SELECT 2');
  expect(workers[1]?.asked.map(({ sql }) => sql)).toEqual(['SELECT 2']);
});
