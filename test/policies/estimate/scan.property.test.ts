import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { scanOf, type Scan } from '#policies/estimate/scan.js';
import type { TableStatistics } from '#policies/estimate/table-statistics.js';
import type { Filter } from '#policies/sql/facts.js';
import { AT, aStatement } from '../builders.js';

const TABLE = 'ANALYTICS.WEB.EVENTS';

const day = fc
  .integer({ min: 0, max: 20_000 })
  .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10));
const instant = fc
  .tuple(day, fc.constantFrom('', ' 00:00:00', ' 23:59:59.999'))
  .map(([date, time]) => date + time);
const number = fc.integer({ min: -1_000_000, max: 1_000_000 }).map(String);
const range = fc
  .oneof(fc.tuple(day, day), fc.tuple(instant, instant), fc.tuple(number, number))
  .map(([a, b]) => ((Number.isNaN(Number(a)) ? a < b : Number(a) < Number(b)) ? [a, b] : [b, a]));

const statistics = fc
  .tuple(range, fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 1e15 }))
  .map(([[low = '', high = ''], partitions, bytes]): TableStatistics => ({
    bytes,
    rows: 1,
    partitions,
    clusteringColumn: 'C',
    low,
    high,
    columns: { USER_ID: 0.5 },
  }));

const filter = (operator: Filter['operator'], low: string | null, high: string | null): Filter => ({
  table: TABLE,
  column: 'C',
  operator,
  low,
  high,
});
const others = fc.array(
  fc
    .tuple(
      fc.constantFrom<Filter['operator']>('>=', '<=', 'between', 'in', '<>'),
      fc.option(fc.oneof(day, number)),
      fc.option(fc.oneof(day, number)),
    )
    .map(([operator, low, high]) => filter(operator, low, high)),
  { maxLength: 3 },
);

function scan(known: TableStatistics, filters: readonly Filter[]): Scan {
  const found = scanOf(aStatement({ filters }), { table: () => known }, AT);
  return must(found, 'the table has statistics');
}

test('an equality costs no more than the scan without it and no less than one partition', () => {
  fc.assert(
    fc.property(statistics, others, (known, filters) => {
      const without = scan(known, filters);
      const equal = scan(known, [...filters, filter('=', null, null)]);
      expect(equal.partitions.assigned).toBeLessThanOrEqual(without.partitions.assigned);
      expect(equal.partitions.assigned).toBeGreaterThanOrEqual(1);
      expect(equal.bytes).toBeLessThanOrEqual(without.bytes);
      expect(equal.bytes).toBeGreaterThanOrEqual((known.bytes * 0.5) / known.partitions);
      expect(equal.bytes).toBeLessThanOrEqual(scan(known, []).bytes);
    }),
  );
});

test('an equality costs the same whether its value within the range is known or not', () => {
  fc.assert(
    fc.property(statistics, (known) => {
      const { low, high } = known;
      fc.pre(low !== high && !`${low}${high}`.includes(' '));
      const equal = scan(known, [filter('=', null, null)]);
      expect(equal).toEqual(scan(known, [filter('=', low, low)]));
      expect(equal.unfiltered).toEqual([]);
    }),
  );
});
