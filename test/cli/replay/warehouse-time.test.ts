import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WarehouseTimes, warehouseTimeKey } from '../../../cli/replay/warehouse-time.js';

interface Run {
  readonly warehouse: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Begins and ends of `runs` in the order of time, ends first. Returns what each used. */
function shares(runs: readonly Run[]): readonly number[] {
  const times = new WarehouseTimes();
  const used: number[] = [];
  const events = runs
    .flatMap(({ startedAt, endedAt }, index) => [
      { at: startedAt, index, isEnd: false },
      { at: endedAt, index, isEnd: true },
    ])
    .sort((a, b) => a.at - b.at || Number(a.isEnd && !b.isEnd) - Number(b.isEnd && !a.isEnd));
  for (const { at, index, isEnd } of events) {
    if (isEnd) used[index] = times.end(String(index), at)?.usedMs ?? NaN;
    else times.begin(String(index), runs[index]?.warehouse ?? '', at);
  }
  expect(times.size).toBe(0);
  return used;
}

/** The same moment by moment, as the definition says. */
function sharesByMoments(runs: readonly Run[]): readonly number[] {
  const used = runs.map(() => 0);
  const last = Math.max(0, ...runs.map(({ endedAt }) => endedAt));
  for (let at = 0; at < last; at += 1) {
    for (const warehouse of new Set(runs.map((run) => run.warehouse))) {
      const now = runs.flatMap((run, index) =>
        run.warehouse === warehouse && run.startedAt <= at && at < run.endedAt ? [index] : [],
      );
      for (const index of now) used[index] = (used[index] ?? 0) + 1 / now.length;
    }
  }
  return used;
}

const runsOf = fc.array(
  fc
    .record({
      warehouse: fc.constantFrom('A', 'B'),
      startedAt: fc.nat(120),
      elapsedMs: fc.nat(60),
    })
    .map(({ warehouse, startedAt, elapsedMs }) => ({
      warehouse,
      startedAt,
      endedAt: startedAt + elapsedMs,
    })),
  { maxLength: 15 },
);

test('a statement uses of each moment what the number running leaves it, and shares sum to the busy time', () => {
  fc.assert(
    fc.property(runsOf, (runs) => {
      const used = shares(runs);
      const exact = sharesByMoments(runs);
      for (const [index, usedMs] of used.entries())
        expect(Math.abs(usedMs - (exact[index] ?? NaN))).toBeLessThanOrEqual(0.5 + 1e-9);
      const busyMs = exact.reduce((sum, each) => sum + each, 0);
      const sum = used.reduce((total, each) => total + each, 0);
      // Each share is told in whole milliseconds.
      expect(Math.abs(sum - busyMs)).toBeLessThanOrEqual(runs.length / 2 + 1e-9);
    }),
    { numRuns: 200 },
  );
});

test('each cluster of a warehouse has its own time, where the history tells clusters', () => {
  const row = { account: null, warehouse: 'W' };
  const times = new WarehouseTimes();
  times.begin('one', warehouseTimeKey({ ...row, cluster: 1 }), 0);
  times.begin('two', warehouseTimeKey({ ...row, cluster: 2 }), 0);
  times.begin('also-one', warehouseTimeKey({ ...row, cluster: 1 }), 500);
  expect(times.usedMs('one', 1_000)).toBe(750);
  expect(times.end('two', 1_000)).toEqual({ usedMs: 1_000 });
  expect(times.end('also-one', 1_000)).toEqual({ usedMs: 250 });
  expect(times.end('one', 2_000)).toEqual({ usedMs: 1_750 });
});

test('keys of accounts, warehouses and clusters never meet', () => {
  const keys = [
    { account: null, warehouse: 'a', cluster: null },
    { account: 'a', warehouse: 'a', cluster: null },
    { account: 'a', warehouse: 'a', cluster: 1 },
    { account: 'a,1', warehouse: 'a', cluster: null },
    { account: 'null', warehouse: 'a', cluster: null },
  ].map(warehouseTimeKey);
  expect(new Set(keys).size).toBe(keys.length);
});

test('an id runs once and ends once', () => {
  const times = new WarehouseTimes();
  expect(times.begin('one', 'W', 0)).toBe(true);
  expect(times.begin('one', 'V', 10)).toBe(false);
  expect(times.end('one', 100)).toEqual({ usedMs: 100 });
  expect(times.end('one', 200)).toBeUndefined();
  expect(times.usedMs('one', 200)).toBeUndefined();
});
