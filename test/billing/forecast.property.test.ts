import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Credits } from '../../base/units.js';
import { HOURS_OF_WEEK, forecast, hourOfWeek } from '../../billing/forecast.js';
import type { ForecastInput, HourProfile } from '../../billing/forecast.js';
import { credits } from '../support/builders.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const MONDAY = Date.UTC(2026, 5, 29);
const amount = fc.bigInt({ min: 0n, max: 10n ** 18n }).map((units) => units as Credits);
const profile: fc.Arbitrary<HourProfile> = fc.record({
  credits: fc.array(
    fc.oneof(
      fc.constant(0n as Credits),
      fc.bigInt({ min: 0n, max: 10n ** 15n }).map((u) => u as Credits),
    ),
    { minLength: HOURS_OF_WEEK, maxLength: HOURS_OF_WEEK },
  ),
  weeks: fc.integer({ min: 1, max: 6 }),
});
const input: fc.Arbitrary<ForecastInput> = fc
  .record({
    startsAt: fc.integer({ min: MONDAY, max: MONDAY + 60 * DAY_MS }),
    lengthMs: fc.integer({ min: 1, max: 366 * DAY_MS }),
    share: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    spentCredits: amount,
    limitCredits: fc.option(amount, { nil: null }),
    profile: fc.option(profile, { nil: null }),
  })
  .map(({ startsAt, lengthMs, share, ...rest }) => ({
    ...rest,
    period: { startsAt, endsAt: startsAt + lengthMs },
    at: startsAt + Math.floor(lengthMs * share),
  }));

test('a forecast is at least what is spent, inside its interval, and ends inside the period or not at all', () => {
  fc.assert(
    fc.property(input, (asked) => {
      const { lowCredits, expectedCredits, highCredits, exhaustedAt } = forecast(asked);
      expect(lowCredits).toBeGreaterThanOrEqual(asked.spentCredits);
      expect(expectedCredits).toBeGreaterThanOrEqual(lowCredits);
      expect(expectedCredits).toBeLessThanOrEqual(highCredits);
      if (exhaustedAt === null) {
        if (asked.limitCredits !== null)
          expect(expectedCredits).toBeLessThanOrEqual(asked.limitCredits);
        return;
      }
      expect(Number.isSafeInteger(exhaustedAt)).toBe(true);
      expect(exhaustedAt).toBeGreaterThanOrEqual(asked.at);
      expect(exhaustedAt).toBeLessThanOrEqual(asked.period.endsAt);
    }),
    { numRuns: 400 },
  );
});

test('without a history it is the run rate', () => {
  fc.assert(
    fc.property(input, (asked) => {
      const { period, at, spentCredits } = asked;
      const [elapsed, length] = [at - period.startsAt, period.endsAt - period.startsAt].map(BigInt);
      if (elapsed === 0n || elapsed === undefined || length === undefined) return;
      const { lowCredits, expectedCredits, highCredits } = forecast({ ...asked, profile: null });
      expect(lowCredits).toBe(expectedCredits);
      expect(highCredits).toBe(expectedCredits);
      const exact = spentCredits * length;
      const off = expectedCredits * elapsed - exact;
      // Within half a unit of 1e-12 credits.
      expect(2n * (off < 0n ? -off : off)).toBeLessThanOrEqual(elapsed);
    }),
  );
});

test('who has spent more is forecast more and is through earlier; a higher limit lasts longer', () => {
  fc.assert(
    fc.property(input, amount, (asked, more) => {
      const spentMore = forecast({
        ...asked,
        spentCredits: (asked.spentCredits + more) as Credits,
      });
      const before = forecast(asked);
      expect(spentMore.expectedCredits).toBeGreaterThanOrEqual(before.expectedCredits);
      const never = Number.POSITIVE_INFINITY;
      expect(spentMore.exhaustedAt ?? never).toBeLessThanOrEqual(before.exhaustedAt ?? never);
      if (asked.limitCredits === null) return;
      const raised = forecast({ ...asked, limitCredits: (asked.limitCredits + more) as Credits });
      expect(raised.exhaustedAt ?? never).toBeGreaterThanOrEqual(before.exhaustedAt ?? never);
    }),
    { numRuns: 300 },
  );
});

/** One credit in each working hour, 9 to 17 o'clock from Monday to Friday: 40 a week. */
const office: HourProfile = {
  credits: Array.from({ length: HOURS_OF_WEEK }, (_, hour) =>
    hour < 120 && hour % 24 >= 9 && hour % 24 < 17 ? credits('3') : credits('0'),
  ),
  weeks: 3,
};

test('a quiet weekend is not forecast as a busy one', () => {
  const period = { startsAt: MONDAY, endsAt: MONDAY + 7 * DAY_MS };
  const fridayEvening = MONDAY + 4 * DAY_MS + 17 * HOUR_MS;
  const asked = { period, at: fridayEvening, spentCredits: credits('40'), limitCredits: null };
  expect(forecast({ ...asked, profile: office }).expectedCredits).toBe(credits('40'));
  expect(forecast({ ...asked, profile: null }).expectedCredits).toBeGreaterThan(credits('59'));
});

test('the end of a limit falls into a working hour, and the profile speaks before anything is spent', () => {
  const period = { startsAt: MONDAY, endsAt: MONDAY + 7 * DAY_MS };
  const limited = { period, at: MONDAY, spentCredits: credits('0'), limitCredits: credits('12') };
  const found = forecast({ ...limited, profile: office });
  expect(found.expectedCredits).toBe(credits('40'));
  // Eight on Monday, the other four until one o'clock on Tuesday.
  expect(found.exhaustedAt).toBe(MONDAY + DAY_MS + 13 * HOUR_MS);
  expect(forecast({ ...limited, profile: null })).toEqual({
    lowCredits: 0n,
    expectedCredits: 0n,
    highCredits: 0n,
    exhaustedAt: null,
  });
  expect(forecast({ ...limited, spentCredits: credits('12'), profile: null }).exhaustedAt).toBe(
    MONDAY,
  );
});

test('hours of the week are counted from Monday in UTC', () => {
  expect(hourOfWeek(MONDAY)).toBe(0);
  expect(hourOfWeek(MONDAY - 1)).toBe(167);
  expect(hourOfWeek(Date.UTC(1970, 0, 1))).toBe(72);
});
