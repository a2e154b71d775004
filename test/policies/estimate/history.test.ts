import { expect, test } from 'vitest';
import {
  historyKeys,
  observe,
  predictiveSigma,
  QUANTILE_START,
  valueAt,
} from '#policies/estimate/history.js';
import { type HistoryRow, HistoryStore, type Outcome } from '#policies/estimate/history-store.js';

/** A small generator with a seed (mulberry32): the runs below are the same every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const outcome = (changes: Partial<Outcome>): Outcome => ({
  fingerprint: 'f',
  warehouseSize: 'XSMALL',
  bytes: null,
  tier: 'interactive',
  creditsPerHour: 1,
  seconds: 10,
  statisticsSeconds: null,
  ...changes,
});

/** Runs a workload of repeated shapes and scores every prediction made before its run. */
function score(
  sigmaOf: (shape: number) => number,
  driftPerRun: number,
): {
  coverage: number;
  p50: number;
  p90: number;
} {
  const random = seeded(42);
  const store = new HistoryStore(10_000);
  const errors: number[] = [];
  let covered = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const shape = Math.floor(random() * 200);
    const fingerprint = `shape-${shape}`;
    const truth = Math.exp((shape % 9) - 2 + sigmaOf(shape) * normal(random) + driftPerRun * run);
    const keys = historyKeys(outcome({ fingerprint }));
    const entry = store.lookup('shape-size', keys['shape-size']);
    if (entry !== undefined && run > 2_000) {
      const expected = valueAt(entry, 0);
      errors.push(Math.max(expected / truth, truth / expected));
      if (truth <= valueAt(entry, store.quantile('shape-size', 'interactive'))) covered += 1;
    }
    store.record(outcome({ fingerprint, seconds: truth }));
  }
  errors.sort((a, b) => a - b);
  const at = (share: number): number => errors[Math.floor(errors.length * share)] ?? Number.NaN;
  return { coverage: covered / errors.length, p50: at(0.5), p90: at(0.9) };
}

test.each<[string, (shape: number) => number, number]>([
  ['steady shapes', () => 0.25, 0],
  ['shapes of very different spread', (shape) => (shape % 4 === 0 ? 1 : 0.15), 0],
  ['shapes that slow down for ever', () => 0.3, 1e-4],
])('a 90 %% hold covers 90 %% of the runs within a point: %s', (_name, sigmaOf, drift) => {
  const { coverage } = score(sigmaOf, drift);
  expect(coverage).toBeGreaterThan(0.89);
  expect(coverage).toBeLessThan(0.91);
});

test('repeated shapes are predicted within the goal: q-error 1.25 at the median, 2 at the 90 % point', () => {
  const { p50, p90 } = score(() => 0.25, 0);
  expect(p50).toBeLessThan(1.25);
  expect(p90).toBeLessThan(2);
});

test('one value is a guess with a wide range, many equal ones a narrow range', () => {
  const one = observe(undefined, 10);
  let many = one;
  for (let run = 0; run < 50; run += 1) many = observe(many, 10);
  expect(valueAt(one, 0)).toBeCloseTo(10);
  expect(valueAt(many, 0)).toBeCloseTo(10);
  expect(predictiveSigma(many)).toBeLessThan(predictiveSigma(one) * 0.65);
  expect(observe(undefined, 0).logMean).toBeGreaterThan(-Infinity);
});

test('the same shape over a day and over ten years are two keys, over two days are near', () => {
  const key = (bytes: number | null): string => historyKeys(outcome({ bytes }))['shape-size'];
  expect(key(1e9)).not.toBe(key(3e12));
  expect(key(1e9)).toBe(key(1.1e9));
  expect(key(null)).not.toBe(key(1e9));
});

test('the store forgets what was touched longest ago and stays within its bound', () => {
  const store = new HistoryStore(4);
  store.record(outcome({ fingerprint: 'a' }));
  store.record(outcome({ fingerprint: 'b' }));
  const keyA = historyKeys(outcome({ fingerprint: 'a' }));
  store.lookup('shape-size', keyA['shape-size']);
  store.record(outcome({ fingerprint: 'c' }));
  expect(store.size).toBe(4);
  expect(store.lookup('shape-size', keyA['shape-size'])).toBeDefined();
  expect(store.lookup('shape', keyA.shape)).toBeUndefined();
});

test('an exported history imported elsewhere predicts the same; broken rows are counted out', () => {
  const store = new HistoryStore(100);
  for (let run = 0; run < 20; run += 1)
    store.record(outcome({ seconds: 5 + run, statisticsSeconds: 3, fingerprint: `f${run % 3}` }));
  const rows = [...store.export()];
  const other = new HistoryStore(100);
  const broken: HistoryRow = {
    kind: 'shape',
    key: 'x',
    count: 1,
    logMean: Number.NaN,
    logVariance: 0,
  };
  expect(other.import([...rows, broken])).toEqual({ imported: rows.length, rejected: 1 });
  expect([...other.export()]).toEqual(rows);
  expect(other.quantile('shape-size', 'interactive')).not.toBe(QUANTILE_START);
});
