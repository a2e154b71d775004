import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Credits, mulDiv } from '#base/units.js';
import {
  affordableEveryMs,
  DAY_MS,
  HOUR_MS,
  judgeRunRate,
  MINUTE_MS,
  MONTH_MS,
  type RunRateFinding,
  type ShapeSpend,
  type SpendBucket,
} from '#policies/rules/run-rate.js';
import { credits } from '../../support/builders.js';

const START = Date.UTC(2026, 6, 15, 12, 0, 30);
const LIMIT = {
  limitCredits: credits('1000'),
  warnAtPercent: 50,
  slowAtPercent: 80,
  stopAtPercent: 100,
};

const ORDER = ['none', 'warn', 'slow', 'stop'];

interface Run {
  readonly at: number;
  readonly credits: Credits;
}

function bucketsOf(runs: readonly Run[], spanMs: number): SpendBucket[] {
  const buckets = new Map<number, { runs: number; credits: bigint }>();
  for (const run of runs) {
    const startsAt = Math.floor(run.at / spanMs) * spanMs;
    const known = buckets.get(startsAt) ?? { runs: 0, credits: 0n };
    buckets.set(startsAt, { runs: known.runs + 1, credits: known.credits + run.credits });
  }
  return [...buckets].map(([startsAt, sum]) => ({
    startsAt,
    runs: sum.runs,
    credits: sum.credits as Credits,
  }));
}

function spendOf(runs: readonly Run[]): ShapeSpend {
  return {
    firstAt: Math.min(...runs.map(({ at }) => at)),
    minutes: bucketsOf(runs, MINUTE_MS),
    hours: bucketsOf(runs, HOUR_MS),
    days: bucketsOf(runs, DAY_MS),
  };
}

/** Asks before every run, as the proxy does, and runs unless it is stopped; what was found each time. */
function simulate(
  runs: readonly Run[],
  isSpeedLimited = true,
): { readonly ran: Run[]; readonly findings: RunRateFinding[] } {
  const ran: Run[] = [];
  const findings: RunRateFinding[] = [];
  for (const run of runs) {
    if (ran.length > 0) {
      const finding = judgeRunRate(spendOf(ran), LIMIT, run.at);
      findings.push(finding);
      if (isSpeedLimited && finding.rung === 'stop') continue;
    }
    ran.push(run);
  }
  return { ran, findings };
}

function regular(everyMs: number, cost: Credits, count: number): Run[] {
  return Array.from({ length: count }, (_, index) => ({
    at: START + index * everyMs,
    credits: cost,
  }));
}

const everyMs = fc.oneof(
  fc.integer({ min: 1_000, max: 10 * MINUTE_MS }),
  fc.integer({ min: 10 * MINUTE_MS, max: DAY_MS }),
  fc.integer({ min: DAY_MS, max: 20 * DAY_MS }),
);

test('a shape that repeats evenly within three quarters of what is told is never told of', () => {
  fc.assert(
    fc.property(everyMs, fc.integer({ min: 1, max: 75 }), (every, percent) => {
      const aMonth = mulDiv(LIMIT.limitCredits, BigInt(percent), 200n, 'down');
      const cost = mulDiv(aMonth, BigInt(every), BigInt(MONTH_MS), 'down') as Credits;
      const count = Math.min(150, Math.ceil((3 * MONTH_MS) / every));
      const rungs = simulate(regular(every, cost, count)).findings.map(({ rung }) => rung);
      expect(rungs.every((rung) => rung === 'none')).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a shape at twice its limit or more is told, slowed and stopped, in this order, in its first minutes or before a 25th of its limit', () => {
  const pace = fc.record({
    every: fc.integer({ min: 20_000, max: DAY_MS }),
    times: fc.integer({ min: 2, max: 50 }),
  });
  fc.assert(
    fc.property(pace, ({ every, times }) => {
      const cost = mulDiv(
        LIMIT.limitCredits * BigInt(times),
        BigInt(every),
        BigInt(MONTH_MS),
        'up',
      ) as Credits;
      const { findings } = simulate(regular(every, cost, 120), false);
      const rungs = findings.map(({ rung }) => rung);
      const [warned, slowed, stopped] = (['warn', 'slow', 'stop'] as const).map((rung) =>
        rungs.findIndex((each) => ORDER.indexOf(each) >= ORDER.indexOf(rung)),
      );
      expect(warned).toBeGreaterThanOrEqual(0);
      expect(warned).toBeLessThanOrEqual(slowed ?? -1);
      expect(slowed).toBeLessThanOrEqual(stopped ?? -1);
      expect(stopped).toBeGreaterThanOrEqual(0);
      // Fifteen of its minutes fit into an hour: that many are enough.
      if (every <= 4 * MINUTE_MS)
        expect(stopped).toBeLessThanOrEqual(Math.max(15, Math.ceil((16 * MINUTE_MS) / every)));
      // Further apart it is what is spent that counts, from the third span on; six runs are three spans at least.
      const runs = BigInt((stopped ?? 0) + 1);
      const spent = cost * runs;
      expect(runs <= 6n || spent <= LIMIT.limitCredits / 25n + cost * 2n).toBe(true);
    }),
    // Fourteen of its minutes are in an hour, so it takes hours to see a rhythm.
    { numRuns: 60, examples: [[{ every: 256_452, times: 2 }], [{ every: 276_667, times: 2 }]] },
  );
});

test('the same runs dearer are never judged more mildly, and a lower limit never more mildly', () => {
  const script = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 1_000, max: 6 * HOUR_MS }),
      cost: fc.bigInt({ min: 1n, max: 10n ** 14n }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(script, fc.bigInt({ min: 1n, max: 5n }), (steps, factor) => {
      let at = START;
      const runs = steps.map(({ afterMs, cost }) => {
        at += afterMs;
        return { at, credits: cost as Credits };
      });
      const dearer = runs.map((run) => ({ ...run, credits: (run.credits * factor) as Credits }));
      const now = at + MINUTE_MS;
      const rung = (of: readonly Run[], limit = LIMIT): number =>
        ORDER.indexOf(judgeRunRate(spendOf(of), limit, now).rung);
      expect(rung(dearer)).toBeGreaterThanOrEqual(rung(runs));
      const lower = { ...LIMIT, limitCredits: (LIMIT.limitCredits / factor) as Credits };
      expect(rung(runs, lower)).toBeGreaterThanOrEqual(rung(runs));
    }),
    { numRuns: 300 },
  );
});

test('however a shape insists, 30 days take no more than its limit and one run', () => {
  const cost = credits('3');
  const { ran } = simulate(regular(30 * MINUTE_MS, cost, 48 * 45));
  for (const run of ran) {
    const month = ran.filter(({ at }) => at <= run.at && at > run.at - 29 * DAY_MS);
    expect(month.length * 3).toBeLessThanOrEqual(1_000 + 3);
  }
  // It is let run again when its pace has come down.
  expect(ran.length).toBeGreaterThan(100);
});

test('twenty tiles of one dashboard every morning are not told of; the same shape every minute is', () => {
  const tile = credits('0.38');
  const mornings = Array.from({ length: 10 }, (_, day) =>
    Array.from({ length: 20 }, (_tile, index) => ({
      at: START + day * DAY_MS + index * 1_500,
      credits: tile,
    })),
  ).flat();
  expect(simulate(mornings).findings.every(({ rung }) => rung === 'none')).toBe(true);
  const last = mornings.at(-1)?.at ?? START;
  const loop = Array.from({ length: 90 }, (_, index) => ({
    at: last + DAY_MS + index * MINUTE_MS,
    credits: tile,
  }));
  const { ran } = simulate([...mornings, ...loop]);
  const firstHour = ran.filter(({ at }) => at > last && at <= last + DAY_MS + HOUR_MS);
  // The twenty of every morning, and four until what is above them would be the limit.
  expect(firstHour.length).toBeLessThanOrEqual(25);
});

test('what the limit would pay for is told', () => {
  const spend = spendOf(regular(MINUTE_MS, credits('1'), 10));
  const finding = judgeRunRate(spend, LIMIT, START + 10 * MINUTE_MS);
  // A credit a run, 1,000 a month: every 43 minutes and 12 seconds.
  expect(affordableEveryMs(finding, LIMIT.limitCredits)).toBe(2_592_000);
  expect(affordableEveryMs({ ...finding, runs: 0 }, LIMIT.limitCredits)).toBeNull();
});
