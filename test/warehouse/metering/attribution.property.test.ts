import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCredits, formatAmountTo } from '#base/units.js';
import { attribute } from '../../../warehouse/metering/attribution.js';
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

const shares = (statements: readonly LoggedStatement[]): readonly string[] =>
  attribute(statements).statements.map(({ credits }) => formatAmountTo(credits, 6));

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
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 30 }), (spans) => {
        const statements = spans.map(([from, lasts], index) => ran(String(index), from, lasts));
        const event = (at: number, name: 'RESUMED' | 'SUSPENDED'): WarehouseEvent => ({
          type: 'warehouse',
          at,
          warehouse: 'W',
          cluster: 1,
          event: name,
          size: 'MEDIUM',
          reason: 'TEST',
        });
        const first = Math.min(...spans.map(([from]) => from));
        const last = Math.max(...spans.map(([from, lasts]) => from + lasts));
        const metered = meterHours(
          [event(START + first, 'RESUMED'), event(START + last, 'SUSPENDED')],
          START + last,
        );
        const { byHour, statements: shared } = attribute(statements);
        for (const hour of metered)
          expect(byHour.get(`${hour.hourStartsAt} W`) ?? 0n).toBeLessThanOrEqual(hour.credits);
        const byStatement = addCredits(...shared.map(({ credits }) => credits));
        expect(byStatement).toBe(addCredits(...byHour.values()));
      }),
      { numRuns: 200, seed: 20261102 },
    );
  });
});
