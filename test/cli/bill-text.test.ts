import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMoney, formatAmountTo, parseMoney } from '../../base/units.js';
import { billText } from '../../cli/verbs/bill-text.js';

/** `days` lines of one kind and resource, of 1.05 each. */
function line(kind: string, day: number, changes: object = {}): object {
  return {
    id: `${kind}-${day}`,
    kind,
    account: 'demo',
    resource: 'BATCH_WH',
    serviceType: 'WAREHOUSE_METERING',
    day: `2026-10-${String(day).padStart(2, '0')}`,
    statements: 2,
    credits: '0.350000000000',
    amount: '1.05',
    note: 'why',
    corrects: null,
    ...changes,
  };
}
const days = Array.from({ length: 31 }, (_, index) => index + 1);

function textOf(lines: readonly object[], columns: number, more: object = {}): string {
  const answer = { status: 'provisional', totalAmount: '65.10', currency: 'USD', lines, ...more };
  return billText(JSON.stringify(answer), 'ml', '2026-10', columns);
}

test('on a terminal the days of a kind and resource are one row, and it says where each of them is', () => {
  const lines = [
    ...days.map((day) => line('direct', day)),
    ...days.map((day) => line('idle', day)),
  ];
  expect(textOf(lines, 80)).toBe(
    [
      'Bill of ml for 2026-10 (provisional)',
      '',
      'kind    resource  days     statements  credits  amount',
      '──────  ────────  ───────  ──────────  ───────  ──────',
      'direct  BATCH_WH  31 days          62    10.85   32.55',
      'idle    BATCH_WH  31 days          62    10.85   32.55',
      '',
      'Total 65.10 USD',
      'Days are summed up: each of the 62 lines is in --pdf, --csv, --json and in a pipe.',
      'The month is open and its figures still change.',
    ].join('\n'),
  );
});

test('a pipe has every line, and so has a terminal that all of them fit on', () => {
  const lines = days.map((day) => line('direct', day));
  const piped = textOf(lines, Number.POSITIVE_INFINITY);
  for (const day of days) expect(piped).toContain(`2026-10-${String(day).padStart(2, '0')}`);
  expect(piped).not.toContain('summed up');
  expect(textOf(lines.slice(0, 24), 80)).toContain('2026-10-24');
});

test('what corrects another month, or is converted, is summed up apart', () => {
  const correction = { corrects: { month: '2026-09' }, convertedAmount: '1.00' };
  const text = textOf(
    [
      ...days.map((day) => line('direct', day, { convertedAmount: '0.95' })),
      line('direct', 31, correction),
    ],
    100,
    { conversion: { amount: '30.45', currency: 'EUR' } },
  );
  expect(text).toMatch(/31 days +62 +10\.85 +32\.55 +29\.45/);
  expect(text).toMatch(/2026-10-31 +2 +0\.35 +1\.05 +1\.00/);
  expect(text).toContain('Total 65.10 USD, owed as 30.45 EUR');
});

test('rows of a bill that is summed up have its sum', () => {
  const amount = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 10_000_000 }));
  fc.assert(
    fc.property(fc.array(amount, { minLength: 25, maxLength: 80 }), (amounts) => {
      const texts = amounts.map(
        ([isBelow, cents]) =>
          `${isBelow && cents > 0 ? '-' : ''}${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`,
      );
      const lines = texts.map((text, index) =>
        line(['direct', 'idle', 'bypass'][index % 3] ?? '', (index % 28) + 1, { amount: text }),
      );
      const rows = textOf(lines, 120).split('\n\n')[1]?.split('\n').slice(2) ?? [];
      const sums = rows.map((row) => parseMoney(row.split(/\s+/).at(-1) ?? ''));
      expect(formatAmountTo(addMoney(...sums), 2)).toBe(
        formatAmountTo(addMoney(...texts.map(parseMoney)), 2),
      );
    }),
    { numRuns: 50 },
  );
});
