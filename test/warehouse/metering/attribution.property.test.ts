import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCredits, formatAmountTo } from '#base/units.js';
import { must } from '#base/assert.js';
import { Attributor, attribute } from '../../../warehouse/metering/attribution.js';
import type { Attribution } from '../../../warehouse/metering/attribution.js';
import { incidentEnd } from '../../../warehouse/metering/events.js';
import type { LoggedStatement, WarehouseEvent } from '../../../warehouse/metering/events.js';
import { meterHours } from '../../../warehouse/metering/metering.js';

const START = Date.UTC(2026, 10, 2, 9, 59, 0);

function ran(id: string, fromMs: number, lastsMs: number): LoggedStatement {
  const started = {
    type: 'started' as const,
    at: START + fromMs,
    id,
    text: 'SELECT 1',
    queryType: 'SELECT',
    tag: '',
    user: 'U',
    role: 'R',
    sessionId: 1,
    database: null,
    schema: null,
  };
  return {
    started,
    ended: {
      ...incidentEnd(started, START + fromMs + lastsMs),
      status: 'SUCCESS',
      warehouse: 'W',
      size: 'MEDIUM',
      cluster: 1,
    },
  };
}

function event(
  at: number,
  name: WarehouseEvent['event'],
  size: WarehouseEvent['size'] = 'MEDIUM',
): WarehouseEvent {
  return { type: 'warehouse', at, warehouse: 'W', cluster: 1, event: name, size, reason: 'TEST' };
}

const ALWAYS_ON = [event(START, 'RESUMED')];

const shares = (
  statements: readonly LoggedStatement[],
  events: readonly WarehouseEvent[] = ALWAYS_ON,
): readonly string[] =>
  attribute(statements, events).statements.map(({ credits }) => formatAmountTo(credits, 6));

describe('attribution of compute to statements', () => {
  test('a statement alone takes the whole rate, two at once half each', () => {
    expect(shares([ran('a', 0, 900_000)])).toEqual(['1.000000']);
    expect(shares([ran('a', 0, 900_000), ran('b', 0, 900_000)])).toEqual(['0.500000', '0.500000']);
    expect(shares([ran('a', 0, 900_000), ran('b', 450_000, 450_000)])).toEqual([
      '0.750000',
      '0.250000',
    ]);
  });

  test('statements of 100 ms and less are left out', () => {
    expect(shares([ran('a', 0, 100)])).toEqual([]);
  });

  test('never exceeds what is metered, in total and in no hour', () => {
    const statement = fc.tuple(
      fc.integer({ min: 0, max: 7_200_000 }),
      fc.integer({ min: 1, max: 600_000 }),
    );
    const resizeTimes = fc
      .array(fc.integer({ min: 1, max: 7_000_000 }), { maxLength: 4 })
      .map((times) => times.sort((a, b) => a - b));
    fc.assert(
      fc.property(
        fc.array(statement, { minLength: 1, maxLength: 30 }),
        resizeTimes,
        (spans, resizes) => {
          const statements = spans.map(([from, lasts], index) => ran(String(index), from, lasts));
          const first = Math.min(...spans.map(([from]) => from));
          const last = Math.max(...spans.map(([from, lasts]) => from + lasts));
          const sizes = ['MEDIUM', 'LARGE', 'SMALL', 'XLARGE', 'XSMALL'] as const;
          const events = [
            event(START + first, 'RESUMED'),
            ...resizes.map((after, index) =>
              event(START + first + after, 'RESIZED', sizes[(index + 1) % sizes.length]),
            ),
            event(START + Math.max(last, first + (resizes.at(-1) ?? 0)), 'SUSPENDED'),
          ];
          const metered = meterHours(events, START + 20_000_000);
          const { byHour, statements: shared } = attribute(statements, events);
          for (const hour of metered)
            expect(byHour.get(`${hour.hourStartsAt} W`) ?? 0n).toBeLessThanOrEqual(hour.credits);
          const byStatement = addCredits(...shared.map(({ credits }) => credits));
          expect(byStatement).toBe(addCredits(...byHour.values()));
        },
      ),
      { numRuns: 200, seed: 20261102 },
    );
  });

  test('the rate is that of the instant: a resize halfway counts from then on, a cluster of another is apart', () => {
    const resized = [event(START, 'RESUMED'), event(START + 450_000, 'RESIZED', 'LARGE')];
    expect(shares([ran('a', 0, 900_000)], resized)).toEqual(['1.500000']);
    expect(shares([ran('a', 0, 900_000)], [])).toEqual(['0.000000']);
  });

  test('compiling is not charged to the warehouse', () => {
    const one = ran('a', 0, 900_000);
    const compiled = { ...one, ended: { ...must(one.ended, 'it ended'), executionMs: 450_000 } };
    expect(shares([compiled])).toEqual(['0.500000']);
  });

  test('piece by piece in the order of the log it comes to the same, and what is final stays', () => {
    const span = fc.tuple(
      fc.integer({ min: 0, max: 3_600_000 }),
      fc.integer({ min: 101, max: 900_000 }),
    );
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 30 }), (spans) => {
        const statements = spans.map(([from, lasts], index) => ran(String(index), from, lasts));
        const records = statements
          .flatMap(({ started, ended }) => (ended === undefined ? [started] : [started, ended]))
          .sort((a, b) => a.at - b.at);
        const attributor = new Attributor();
        for (const one of ALWAYS_ON) attributor.add(one);
        const final: Attribution[] = [];
        for (const record of records) {
          attributor.add(record);
          final.push(...attributor.settle());
        }
        const rest = attributor.provisional();
        const whole = attribute(statements, ALWAYS_ON);
        expect(
          [...final, ...rest.statements].map(({ ended, credits }) => [ended.id, credits]),
        ).toEqual(whole.statements.map(({ ended, credits }) => [ended.id, credits]));
        expect(Object.fromEntries(rest.byHour)).toEqual(Object.fromEntries(whole.byHour));
        for (const { ended } of final) expect(ended.at).toBeLessThanOrEqual(attributor.settledTo);
      }),
      { numRuns: 200, seed: 20261103 },
    );
  });
});
