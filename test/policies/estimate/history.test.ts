import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import {
  type Belief,
  choose,
  type HistoryKind,
  observe,
  QUANTILE_START,
  valueAt,
} from '#policies/estimate/history.js';
import { HistoryStore } from '#policies/estimate/history-store.js';
import { believe } from '#policies/estimate/levels.js';
import { historyKeys } from '#policies/estimate/shape.js';
import { FINGERPRINT_VERSION } from '#policies/sql/fingerprint-version.js';
import { anOutcome, aShape } from '../builders.js';

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

/** Runs a workload of repeated shapes and scores every prediction made before its run. */
function score(
  sigmaOfShape: (shape: number) => number,
  driftPerRun: number,
): {
  coverage: number;
  p50: number;
  p90: number;
} {
  const random = seeded(42);
  const history = new HistoryStore(10_000);
  const errors: number[] = [];
  let covered = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const number = Math.floor(random() * 200);
    const shape = aShape({ fingerprint: `shape-${number}` });
    const truth = Math.exp(
      (number % 9) - 2 + sigmaOfShape(number) * normal(random) + driftPerRun * run,
    );
    const { own } = believe(history, shape, null, 1);
    if (own !== null && run > 2_000) {
      const expected = valueAt(own, 0);
      errors.push(Math.max(expected / truth, truth / expected));
      if (truth <= valueAt(own, history.quantile(own.level, shape.tier))) covered += 1;
    }
    history.record(anOutcome({ shape, seconds: truth, believed: own }));
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

test('a shape that jumps to four times its cost is followed within three runs', () => {
  const history = new HistoryStore(100);
  const random = seeded(7);
  const expected = (): number => {
    const { own } = believe(history, aShape(), null, 1);
    return own === null ? Number.NaN : valueAt(own, 0);
  };
  const run = (seconds: number): readonly HistoryKind[] =>
    history.record(anOutcome({ seconds: seconds * Math.exp(0.15 * normal(random)) }));
  for (let n = 0; n < 30; n += 1) run(10);
  const broken = Array.from({ length: 6 }, () => run(40)).flat();
  expect(expected()).toBeGreaterThan(30);
  expect(broken).toContain('shape-size');
});

test('steady shapes do not break', () => {
  const history = new HistoryStore(100);
  const random = seeded(11);
  let breaks = 0;
  for (let n = 0; n < 5_000; n += 1)
    breaks += history.record(anOutcome({ seconds: 10 * Math.exp(0.25 * normal(random)) })).length;
  expect(breaks / 5_000).toBeLessThan(0.002);
});

test('one value is a guess with a wide range, many equal ones a narrow range', () => {
  const learnt = (runs: number): Belief => {
    const history = new HistoryStore(100);
    for (let run = 0; run < runs; run += 1) history.record(anOutcome());
    return must(believe(history, aShape(), null, 1).own, 'the shape was seen');
  };
  const [one, many] = [learnt(1), learnt(50)];
  expect(valueAt(one, 0)).toBeCloseTo(10);
  expect(valueAt(many, 0)).toBeCloseTo(10);
  expect(many.sigma).toBeLessThan(one.sigma * 0.65);
});

test('a run of no time at all has a logarithm', () => {
  const { entry } = observe('shape', undefined, { work: 0, elapsed: 0 });
  expect(entry.work.means[0]).toBeGreaterThan(-Infinity);
});

test('the same shape over a day and over ten years are two keys, over two days are near', () => {
  const key = (bytes: number | null): string | null => historyKeys(aShape({ bytes }))['shape-size'];
  expect(key(1e9)).not.toBe(key(3e12));
  expect(key(1e9)).toBe(key(1.1e9));
  expect(key(null)).not.toBe(key(1e9));
});

test('the keys of a shape carry the version of its fingerprint', () => {
  const keys = historyKeys(aShape({ fingerprint: 'f', literalsHash: 'l' }));
  for (const kind of ['values', 'shape-size', 'shape'] as const)
    expect(keys[kind]).toContain(`f.${FINGERPRINT_VERSION}|`);
});

test('the store forgets what it learnt longest ago and stays within its bound', () => {
  const history = new HistoryStore(6);
  for (const fingerprint of ['a', 'b', 'a', 'c'])
    history.record(anOutcome({ shape: aShape({ fingerprint }) }));
  const isKnown = (fingerprint: string): boolean =>
    history.lookup('shape', must(historyKeys(aShape({ fingerprint })).shape, 'it has')) !==
    undefined;
  expect(history.size).toBe(6);
  expect([isKnown('a'), isKnown('b'), isKnown('c')]).toEqual([true, false, true]);
});

test('an exported history imported elsewhere predicts the same; broken rows are counted out', () => {
  const history = new HistoryStore(100);
  for (let run = 0; run < 20; run += 1) {
    const shape = aShape({ fingerprint: `f${run % 3}` });
    const { own } = believe(history, shape, null, 1);
    history.record(anOutcome({ shape, seconds: 5 + run, statisticsSeconds: 3, believed: own }));
  }
  const rows = [...history.export()];
  const other = new HistoryStore(100);
  const [sound] = rows;
  const broken = { ...must(sound, 'there are rows'), count: Number.NaN };
  expect(other.import([...rows, broken])).toEqual({ imported: rows.length, rejected: 1 });
  expect([...other.export()]).toEqual(rows);
  const { own } = believe(other, aShape({ fingerprint: 'f0' }), null, 1);
  const { level } = must(own, 'a shape that ran is known');
  expect(other.quantile(level, 'interactive')).not.toBe(QUANTILE_START);
});

/** Runs one shape over scans of the given sizes and returns the middle that is believed of one over `bytes`. */
function learnt(
  runs: readonly { readonly bytes: number; readonly seconds: number }[],
  bytes: number,
  leftOut: readonly HistoryKind[] = [],
): number {
  const history = new HistoryStore(1_000);
  const predicted = (of: number): number => of / 1e9;
  for (const run of runs)
    history.record(
      anOutcome({
        shape: aShape({ bytes: run.bytes }),
        seconds: run.seconds,
        statisticsSeconds: predicted(run.bytes),
      }),
    );
  const other = new HistoryStore(1_000);
  other.import([...history.export()].filter(({ kind }) => !leftOut.some((each) => each === kind)));
  const { own, scanned } = believe(other, aShape({ bytes }), predicted(bytes), 1);
  return valueAt(must(own ?? scanned, 'statistics tell'), 0);
}

test('a shape that follows its bytes is predicted over bytes that it never ran over', () => {
  const runs = Array.from({ length: 12 }, (_, n) => {
    const bytes = 1e10 * 4 ** (n % 3);
    return { bytes, seconds: bytes / 5e8 };
  });
  expect(learnt(runs, 4e12) / (4e12 / 5e8)).toBeGreaterThan(0.8);
  expect(learnt(runs, 4e12) / (4e12 / 5e8)).toBeLessThan(1.25);
});

test('a shape that does not follow its bytes is predicted as it ran, whatever statistics say', () => {
  const runs = Array.from({ length: 12 }, (_, n) => ({ bytes: 1e10 * 8 ** (n % 3), seconds: 20 }));
  expect(learnt(runs, 4e13)).toBeGreaterThan(16);
  expect(learnt(runs, 4e13)).toBeLessThan(25);
});

test('a history from before shapes were measured against statistics goes on telling what it knows', () => {
  const runs = Array.from({ length: 12 }, () => ({ bytes: 1e10, seconds: 20 }));
  expect(learnt(runs, 1e10, ['shape-statistics', 'shape-all'])).toBeCloseTo(20, 0);
});

test('of two beliefs the one that errs less is believed, and neither is made surer by the other', () => {
  const [sure, vague]: readonly [Belief, Belief] = [
    { logMean: 1, sigma: 0.2 },
    { logMean: 3, sigma: 0.8 },
  ];
  expect(choose(sure, vague).logMean).toBeCloseTo(1, 3);
  expect(choose(vague, sure).logMean).toBeCloseTo(1, 3);
  expect(choose(sure, { ...sure, logMean: 2 })).toEqual({ logMean: 1.5, sigma: 0.2 });
  expect(choose(sure, { ...sure, logMean: 2 }, 4).logMean).toBeCloseTo(1.2);
  expect(choose(sure, vague).sigma).toBeGreaterThanOrEqual(0.2);
});
