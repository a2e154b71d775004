import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  splitOutside,
  withoutBrackets,
  zoneTest,
  type Extremes,
} from '../../../warehouse/engine/statistics/zone-tests.js';

const extremes = (column: string): Extremes | undefined =>
  column === 'K'
    ? { least: 'lo', greatest: 'hi', someNull: 'nulls', someValue: 'values' }
    : undefined;

test.each([
  ['K=5', '(lo <= 5 AND hi >= 5)'],
  ["(K >= '2024-01-01'::DATE)", "(hi >= '2024-01-01'::DATE)"],
  ['K<7 AND K>=3', '((lo < 7) AND (hi >= 3))'],
  ['(K BETWEEN 1 AND 3)', '((hi >= 1) AND (lo <= 3))'],
  ['K IN (1, 9)', '((lo <= 1 AND hi >= 1) OR (lo <= 9 AND hi >= 9))'],
  ['((K = 1) OR (K > 8))', '((lo <= 1 AND hi >= 1) OR (hi > 8))'],
  ["prefix(K, 'ab')", "(hi >= 'ab' AND left(lo, length('ab')) <= 'ab')"],
  ['K IS NULL', 'nulls'],
  ['(K IS NOT NULL)', 'values'],
  ['(OTHER = 1)', 'true'],
  ['((K = 1) OR (OTHER = 1))', '((lo <= 1 AND hi >= 1) OR true)'],
  ['(year(K) = 2024)', 'true'],
  ["K='it''s AND so'", "(lo <= 'it''s AND so' AND hi >= 'it''s AND so')"],
])('%s keeps runs of rows with %s', (filter, expected) => {
  expect(zoneTest(filter, extremes)).toBe(expected);
});

test('the AND of a BETWEEN parts nothing, and neither does one inside brackets or a text', () => {
  expect(splitOutside("A BETWEEN 1 AND 2 AND B = 'x AND y' AND (C AND D)", 'AND')).toEqual([
    'A BETWEEN 1 AND 2',
    "B = 'x AND y'",
    '(C AND D)',
  ]);
  expect(withoutBrackets('((a) OR (b))')).toBe('(a) OR (b)');
  expect(withoutBrackets("(')')")).toBe("')'");
});

test('no run that holds a row to keep is pruned', () => {
  const value = fc.integer({ min: 0, max: 20 });
  type Filter = { readonly sql: string; readonly keeps: (row: number) => boolean };
  const atom: fc.Arbitrary<Filter> = fc.oneof(
    value.map((a) => ({ sql: `K=${a}`, keeps: (row: number) => row === a })),
    value.map((a) => ({ sql: `(K < ${a})`, keeps: (row: number) => row < a })),
    fc.tuple(value, value).map(([a, b]) => ({
      sql: `(K BETWEEN ${a} AND ${b})`,
      keeps: (row: number) => row >= a && row <= b,
    })),
    fc.array(value, { minLength: 1, maxLength: 3 }).map((list) => ({
      sql: `K IN (${list.join(', ')})`,
      keeps: (row: number) => list.includes(row),
    })),
  );
  const filter: fc.Arbitrary<Filter> = fc.oneof(
    atom,
    fc.tuple(atom, atom, fc.constantFrom('AND', 'OR')).map(([a, b, word]) => ({
      sql: `(${a.sql} ${word} ${b.sql})`,
      keeps: (row: number) =>
        word === 'AND' ? a.keeps(row) && b.keeps(row) : a.keeps(row) || b.keeps(row),
    })),
  );
  fc.assert(
    fc.property(filter, fc.array(value, { minLength: 1, maxLength: 6 }), ({ sql, keeps }, rows) => {
      const test = zoneTest(sql, extremes)
        .replaceAll('lo', String(Math.min(...rows)))
        .replaceAll('hi', String(Math.max(...rows)))
        .replaceAll('AND', '&&')
        .replaceAll('OR', '||')
        .replaceAll(/(?<![<>])=/g, '===');
      if (rows.some(keeps)) expect(evaluated(test)).toBe(true);
    }),
  );
});

/** Comparisons of numbers joined by && and ||, in brackets. */
function evaluated(text: string): boolean {
  const reduced = text
    .replaceAll(/(\d+) (<=|>=|<|>|===) (\d+)/g, (_, a: string, operator: string, b: string) =>
      String(compared(Number(a), operator, Number(b))),
    )
    .replaceAll(/\((true|false)\)/g, '$1');
  for (let now = reduced; ;) {
    const next = now
      .replaceAll(/(true|false) && (true|false)/g, (_, a, b) =>
        String(a === 'true' && b === 'true'),
      )
      .replaceAll(/\(((?:true|false)(?: \|\| (?:true|false))*)\)/g, (_, list: string) =>
        String(list.includes('true')),
      );
    if (next === now) return now.includes('true');
    now = next;
  }
}

function compared(a: number, operator: string, b: number): boolean {
  switch (operator) {
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    default:
      return a === b;
  }
}
