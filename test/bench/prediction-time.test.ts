import { expect, test } from 'vitest';
import { predictionText } from '../../bench/estimates/page.js';
import { timePredictions } from '../../bench/estimates/prediction-time.js';
import { HistoryStore } from '#policies/estimate/history-store.js';
import { aStatement, AT, aSnapshot, credits } from '../policies/builders.js';

test('every statement is timed once a round, by the basis of its prediction', async () => {
  const context = {
    tier: aSnapshot().defaultTier(),
    warehouse: 'W',
    warehouseSize: 'XSMALL',
    creditsPerHour: credits('1'),
    history: new HistoryStore(10),
    statistics: { table: () => undefined },
    bytesPerSecondPerCredit: 1e9,
    at: AT,
  };
  const of = (
    isFree: boolean,
  ): { fingerprint: string; statements: [ReturnType<typeof aStatement>] } => ({
    fingerprint: 'f',
    statements: [aStatement({ isFree })],
  });
  const times = await timePredictions(
    [of(true), of(false), of(false)].map((facts) => ({ facts, context })),
    4,
  );
  expect(times.statements).toBe(3);
  expect(times.groups.map(({ basis, calls }) => [basis, calls])).toEqual([
    ['all', 12],
    ['FREE', 4],
    ['GUESS', 8],
  ]);
  for (const { p50Micros, p99Micros, maxMicros } of times.groups) {
    expect(p50Micros).toBeGreaterThan(0);
    expect(p99Micros).toBeGreaterThanOrEqual(p50Micros);
    // The histogram keeps three digits.
    expect(maxMicros).toBeGreaterThanOrEqual(p99Micros * 0.99);
  }
  expect(predictionText(times)).toMatch(/^\| all \| 12 \| \d+\.\d \|/m);
});
