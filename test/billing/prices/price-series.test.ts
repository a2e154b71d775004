import { describe, expect, test } from 'vitest';
import { parseMoney } from '../../../base/units.js';
import { priceSeries } from '../../../billing/prices/price-series.js';
import type { PriceDecision, SheetDay } from '../../../billing/prices/price-series.js';

const day = (of: number, price: string | null, more: Partial<SheetDay> = {}): SheetDay => ({
  day: new Date(Date.UTC(2026, 9, of)).toISOString().slice(0, 10),
  currency: 'USD',
  price: price === null ? null : parseMoney(price),
  isContradicted: false,
  importedBy: null,
  ...more,
});

/** Steps in short: `2026-10-01 3 inForce`, with why and what stays where it is held. */
function steps(
  days: readonly SheetDay[],
  decisions: readonly PriceDecision[] = [],
  before: string | null = null,
): readonly string[] {
  const known = before === null ? null : { price: parseMoney(before), currency: 'USD' };
  return priceSeries(days, decisions, known).map((step) =>
    [
      `${step.fromDay.slice(8)}–${step.toDay?.slice(8) ?? ''}`,
      step.price.replace(/\.?0+$/, ''),
      step.state,
      ...(step.why === null ? [] : [`(${step.why}; ${step.former ?? 'nothing'} stays)`]),
    ].join(' '),
  );
}

describe('prices of a rate sheet', () => {
  test('hold until they change, over days without a row, and past days keep theirs (criterion 27)', () => {
    const past = [day(1, '3'), day(2, '3'), day(9, '3')];
    expect(steps(past)).toEqual(['01– 3 inForce']);
    expect(steps([...past, day(20, '2.45')])).toEqual(['01–20 3 inForce', '20– 2.45 inForce']);
    // Order of import says nothing.
    expect(steps([day(20, '2.45'), ...[...past].reverse()])).toEqual(
      steps([...past, day(20, '2.45')]),
    );
  });

  test.each([
    ['6.01', {}, 'it is more than twice the former price'],
    ['1.49', {}, 'it is less than half of the former price'],
    ['0', {}, 'it is zero'],
    ['-3', {}, 'it is negative'],
    [null, {}, 'the sheet has a row without a price'],
    ['3', { currency: 'EUR' }, 'it is in EUR, and was in USD'],
    ['3.1', { isContradicted: true }, 'the sheet has other prices of the same day'],
  ] as const)('%s is held, and the former price stays and is named', (price, more, why) => {
    const held = `05– ${price ?? ''} held (${why}; 3.00 USD stays)`;
    expect(steps([day(1, '3'), day(5, price, more), day(6, price, more)])).toEqual([
      '01– 3 inForce',
      held,
    ]);
  });

  test('exactly twice and half are believed', () => {
    expect(steps([day(1, '3'), day(2, '6'), day(3, '3')])).toEqual([
      '01–02 3 inForce',
      '02–03 6 inForce',
      '03– 3 inForce',
    ]);
  });

  test('a price that changed in a hole is held, the same price after a hole is not', () => {
    expect(steps([day(1, '3'), day(33, '3.1')])).toEqual([
      '01– 3 inForce',
      '02– 3.1 held (it changed in a hole of 32 days without a row; 3.00 USD stays)',
    ]);
    expect(steps([day(1, '3'), day(33, '3')])).toEqual(['01– 3 inForce']);
  });

  test('what is accepted holds from its own day, what is declined never, and a price that comes back ends both', () => {
    const days = [day(1, '3'), day(5, '9'), day(6, '9'), day(8, '3')];
    const said = (decision: PriceDecision['decision']): PriceDecision => ({
      fromDay: '2026-10-05',
      currency: 'USD',
      price: '9.000000000000',
      decision,
    });
    expect(steps(days.slice(0, 3), [said('accepted')])).toEqual([
      '01–05 3 inForce',
      '05– 9 inForce (it is more than twice the former price; 3.00 USD stays)',
    ]);
    expect(steps(days, [said('declined')])).toEqual([
      '01– 3 inForce',
      '05–08 9 declined (it is more than twice the former price; 3.00 USD stays)',
    ]);
    // The word was for that price of that day and for no other.
    expect(steps([day(1, '3'), day(4, '9')], [said('accepted')])[1]).toContain('held');
  });

  test('the first is measured by what the price book says', () => {
    expect(steps([day(1, '3')], [], '2.9')).toEqual(['01– 3 inForce']);
    expect(steps([day(1, '3')], [], '3')).toEqual(['01– 3 inForce']);
    expect(steps([day(1, '30')], [], '3')).toEqual([
      '01– 3 held (it is more than twice the former price; 3.00 USD stays)'.replace(
        ' 3 held',
        ' 30 held',
      ),
    ]);
  });
});
