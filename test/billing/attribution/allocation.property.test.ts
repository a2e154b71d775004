import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addCredits, formatAmount, parseCredits } from '../../../base/units.js';
import type { Credits } from '../../../base/units.js';
import { METHODS, methodFor } from '../../../billing/attribution/methods.js';
import { HOUR_MS, millisIn } from '../../../billing/attribution/warehouse-hour.js';
import type {
  AllocationLine,
  ClusterSpan,
  Execution,
  WarehouseHour,
} from '../../../billing/attribution/warehouse-hour.js';

const TEN = Date.UTC(2026, 9, 1, 10);
const RATES = ['1', '2', '1.35', '16'].map(parseCredits);

const execution: fc.Arbitrary<Execution> = fc
  .record({
    queryId: fc.integer({ min: 0, max: 10_000 }).map((number) => `q${number}`),
    cluster: fc.integer({ min: 1, max: 3 }),
    startsAt: fc.integer({ min: -HOUR_MS, max: 2 * HOUR_MS }).map((ms) => TEN + ms),
    lastsMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 * HOUR_MS })),
    creditsPerHour: fc.constantFrom(...RATES),
    isGoverned: fc.boolean(),
    attributedCredits: fc.option(fc.bigInt({ min: 0n, max: 10n ** 13n }).map((n) => n as Credits)),
  })
  .map(({ lastsMs, ...rest }) => ({ ...rest, endsAt: rest.startsAt + lastsMs }));

const span: fc.Arbitrary<ClusterSpan> = fc
  .record({
    cluster: fc.integer({ min: 1, max: 3 }),
    startsAt: fc.integer({ min: -HOUR_MS, max: 2 * HOUR_MS }).map((ms) => TEN + ms),
    lastsMs: fc.option(fc.integer({ min: 0, max: 3 * HOUR_MS })),
    creditsPerHour: fc.constantFrom(...RATES),
    minimumMs: fc.constantFrom(60_000, 3_600_000),
  })
  .map(({ lastsMs, ...rest }) => ({
    ...rest,
    endsAt: lastsMs === null ? null : rest.startsAt + lastsMs,
  }));

const hour: fc.Arbitrary<WarehouseHour> = fc.record({
  startsAt: fc.constant(TEN),
  meteredCredits: fc.oneof(
    fc.constant(0n as Credits),
    fc.bigInt({ min: 1n, max: 5n * 10n ** 14n }).map((n) => n as Credits),
  ),
  attributedCredits: fc.option(fc.bigInt({ min: 0n, max: 10n ** 14n }).map((n) => n as Credits)),
  executions: fc.uniqueArray(execution, { selector: ({ queryId }) => queryId, maxLength: 12 }),
  spans: fc.option(fc.array(span, { maxLength: 5 })),
  queryCredits: fc.option(
    fc.uniqueArray(
      fc.record({
        queryId: fc.integer({ min: 0, max: 99 }).map((number) => `q${number}`),
        isGoverned: fc.boolean(),
        credits: fc.bigInt({ min: 0n, max: 10n ** 14n }).map((n) => n as Credits),
      }),
      { selector: ({ queryId }) => queryId, maxLength: 5 },
    ),
  ),
});

const method = fc.constantFrom(...Object.values(METHODS));

function creditsOf(lines: readonly AllocationLine[], queryId: string): Credits {
  return addCredits(
    ...lines.flatMap((line) =>
      line.queryId === queryId && (line.bucket === 'direct' || line.bucket === 'bypass')
        ? [line.credits]
        : [],
    ),
  );
}

test('criterion 1: the lines of an hour sum to what was metered, whatever ran and whatever is known of it', () => {
  fc.assert(
    fc.property(method, hour, (by, of) => {
      const lines = by.allocate(of);
      expect(formatAmount(addCredits(...lines.map(({ credits }) => credits)))).toBe(
        formatAmount(of.meteredCredits),
      );
      for (const { bucket, credits } of lines)
        expect(credits > 0n || bucket === 'unexplained').toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('criterion 4: the order of rows changes nothing', () => {
  fc.assert(
    fc.property(method, hour, fc.infiniteStream(fc.nat()), (by, of, numbers) => {
      const shuffled = <T>(values: readonly T[]): readonly T[] =>
        values
          .map((value) => ({ value, at: numbers.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ value }) => value);
      const other = {
        ...of,
        executions: shuffled(of.executions),
        spans: of.spans === null ? null : shuffled(of.spans),
        queryCredits: of.queryCredits === null ? null : shuffled(of.queryCredits),
      };
      expect(by.allocate(other)).toEqual(by.allocate(of));
    }),
  );
});

test('no statement takes more than was metered in its hour, and one outside the hour takes nothing', () => {
  fc.assert(
    fc.property(hour, (of) => {
      for (const by of [METHODS.sweep, METHODS.elapsedShare]) {
        const lines = by.allocate(of);
        for (const each of of.executions) {
          const credits = creditsOf(lines, each.queryId);
          expect(credits <= of.meteredCredits).toBe(true);
          if (millisIn(of.startsAt, each) === 0) expect(credits).toBe(0n);
        }
      }
    }),
  );
});

test('statements that ran alike take alike, to the last unit but one', () => {
  fc.assert(
    fc.property(hour, execution, fc.integer({ min: 2, max: 9 }), (of, alike, count) => {
      const twins = Array.from({ length: count }, (_, index) => ({
        ...alike,
        queryId: `twin${index}`,
      }));
      const lines = METHODS.sweep.allocate({ ...of, executions: [...of.executions, ...twins] });
      const amounts = twins.map(({ queryId }) => creditsOf(lines, queryId));
      const [least, most] = [amounts, amounts].map((all, index) =>
        all.reduce((a, b) => ((index === 0) === a < b ? a : b)),
      );
      expect((most ?? 0n) - (least ?? 0n) <= 1n).toBe(true);
    }),
  );
});

test('the method of an hour is that of Snowflake once its figures are there', () => {
  fc.assert(
    fc.property(hour, (of) => {
      const expected = of.attributedCredits === null ? 'sweep' : 'attributed';
      expect(methodFor(of).name).toBe(of.queryCredits === null ? expected : 'perQuery');
    }),
  );
});

test('criterion 6: what runs past Tollgate beside them raises nothing that those who came through pay', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(METHODS.sweep, METHODS.attributed, METHODS.elapsedShare),
      hour,
      execution,
      (by, of, each) => {
        const stranger = { ...each, queryId: 'stranger', isGoverned: false };
        const alone = by.allocate(of);
        const beside = by.allocate({ ...of, executions: [...of.executions, stranger] });
        for (const { queryId, isGoverned } of of.executions) {
          if (!isGoverned) continue;
          // A remainder of the split may fall on another line: one unit of 1e-12 credits.
          expect(creditsOf(beside, queryId) - creditsOf(alone, queryId) <= 1n).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

const SWEPT_RATE = parseCredits('21.6');
/** Of one cluster and second at that rate: whole for up to six that share it. */
const SECOND = 6_000_000_000n;
const HOUR_SECONDS = 3_600;

const clusterHour = fc.record({
  upTo: fc.integer({ min: 1, max: HOUR_SECONDS }),
  ran: fc.array(
    fc.tuple(fc.integer({ min: -60, max: 3_599 }), fc.integer({ min: 0, max: 4_000 })),
    { maxLength: 6 },
  ),
});

test('criterion 5: the sweep of an hour is what a walk over its seconds comes to, whoever shares them', () => {
  fc.assert(
    fc.property(fc.array(clusterHour, { minLength: 1, maxLength: 3 }), (clusters) => {
      const took = new Map<string, bigint>();
      let idle = 0n;
      const executions: Execution[] = [];
      for (const [cluster, { upTo, ran }] of clusters.entries()) {
        const own = ran
          .filter(([from]) => from < upTo)
          .map(([from, lasts], index) => {
            return { id: `q${cluster}-${index}`, from, to: Math.min(upTo, from + lasts) };
          });
        for (let second = 0; second < upTo; second += 1) {
          const running = own.filter(({ from, to }) => from <= second && second < to);
          if (running.length === 0) idle += SECOND;
          for (const { id } of running)
            took.set(id, (took.get(id) ?? 0n) + SECOND / BigInt(running.length));
        }
        for (const { id, from, to } of own)
          executions.push({
            queryId: id,
            cluster,
            startsAt: TEN + from * 1000,
            endsAt: TEN + to * 1000,
            creditsPerHour: SWEPT_RATE,
            isGoverned: true,
            attributedCredits: null,
          });
      }
      const lines = METHODS.sweep.allocate({
        startsAt: TEN,
        meteredCredits: (clusters.reduce((sum, { upTo }) => sum + BigInt(upTo), 0n) *
          SECOND) as Credits,
        attributedCredits: null,
        executions,
        spans: clusters.map(({ upTo }, cluster) => ({
          cluster,
          startsAt: TEN - 60_000,
          endsAt: TEN + upTo * 1000,
          creditsPerHour: SWEPT_RATE,
          minimumMs: 60_000,
        })),
        queryCredits: null,
      });
      for (const { queryId } of executions)
        expect(creditsOf(lines, queryId)).toBe(took.get(queryId) ?? 0n);
      const stood = lines.filter(({ bucket }) => bucket === 'idle');
      expect(addCredits(...stood.map(({ credits }) => credits))).toBe(idle);
    }),
    { numRuns: 40 },
  );
});
