import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExplain } from '#policies/estimate/explain-bound.js';

const plan = (stats: object): string =>
  JSON.stringify({ GlobalStats: stats, Operations: [[{ id: 0, operation: 'Result' }]] });

test('bytes and partitions are those of GlobalStats', () => {
  const stats = { partitionsTotal: 10, partitionsAssigned: 4, bytesAssigned: 123_456, other: 1 };
  expect(parseExplain(plan(stats))).toEqual({
    bytes: 123_456,
    partitions: { assigned: 4, total: 10 },
  });
});

test('a plan that prunes everything is a bound of nothing', () => {
  const stats = { partitionsTotal: 10, partitionsAssigned: 0, bytesAssigned: 0 };
  expect(parseExplain(plan(stats))?.bytes).toBe(0);
});

test.each([
  ['no text', ''],
  ['no JSON', 'GlobalStats: partitionsTotal=1'],
  ['another document', '[]'],
  ['no GlobalStats', '{"Operations":[]}'],
  ['a part missing', plan({ partitionsTotal: 1, partitionsAssigned: 1 })],
  ['text for a number', plan({ partitionsTotal: '1', partitionsAssigned: 1, bytesAssigned: 1 })],
  ['a negative one', plan({ partitionsTotal: 1, partitionsAssigned: 1, bytesAssigned: -1 })],
  ['a fraction', plan({ partitionsTotal: 1.5, partitionsAssigned: 1, bytesAssigned: 1 })],
  [
    'what no number holds',
    plan({ partitionsTotal: 1, partitionsAssigned: 1, bytesAssigned: 1e300 }),
  ],
  [
    'more assigned than there are',
    plan({ partitionsTotal: 1, partitionsAssigned: 2, bytesAssigned: 1 }),
  ],
  ['no partition at all', plan({ partitionsTotal: 0, partitionsAssigned: 0, bytesAssigned: 0 })],
  [
    'too long',
    plan({ partitionsTotal: 1, partitionsAssigned: 1, bytesAssigned: 1 }) + ' '.repeat(600_000),
  ],
])('%s is no bound', (_name, text) => {
  expect(parseExplain(text)).toBeUndefined();
});

test('any text is read or not, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const bound = parseExplain(text);
      if (bound !== undefined) expect(bound.bytes).toBeGreaterThanOrEqual(0);
    }),
  );
});
