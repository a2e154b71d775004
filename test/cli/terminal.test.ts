import { expect, test } from 'vitest';
import { detail, freeText, table } from '../../cli/terminal.js';

test('numbers stand to the right, texts to the left', () => {
  expect(
    table(
      ['team', 'credits'],
      [
        ['sales', '1.50'],
        ['ml', '12.25'],
      ],
      80,
    ),
  ).toBe(['team   credits', '─────  ───────', 'sales     1.50', 'ml       12.25'].join('\n'));
});

test('a wide table is cut to the terminal, in its widest free text', () => {
  const lines = table(['id', freeText('text')], [['1', 'x'.repeat(200)]], 40).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBe(40);
  expect(lines[2]?.endsWith('…')).toBe(true);
});

test('a table without rows has its headers', () => {
  expect(table(['a'], [], 80)).toBe('a\n─');
});

const ID = '019ac0de-0000-7000-8000-000000000001';
const WHEN = '2026-11-26T09:59:30.000Z';
const LONG = 'the quarter ends and the board wants its figures by Friday';
const EVENTS = [freeText('why'), 'id', 'when', 'amount'];

test('ids, instants and amounts are whole at every width, in a table or in a line a field', () => {
  for (let columns = 1; columns <= 160; columns += 1) {
    const text = table(EVENTS, [[LONG, ID, WHEN, '1,234.50']], columns);
    for (const whole of [ID, WHEN, '1,234.50']) expect(text).toContain(whole);
  }
  const laidOut = table(
    EVENTS,
    [
      [LONG, ID, WHEN, '1,234.50'],
      ['', ID, WHEN, '2.00'],
    ],
    60,
  );
  expect(laidOut).toBe(
    [
      `why     ${LONG}`,
      `id      ${ID}`,
      `when    ${WHEN}`,
      'amount  1,234.50',
      '',
      `id      ${ID}`,
      `when    ${WHEN}`,
      'amount  2.00',
    ].join('\n'),
  );
});

test('a pipe gets every cell whole, and a terminal no wider a table than it is', () => {
  const rows = [[LONG.repeat(20), ID, WHEN, '1.00']];
  expect(table(EVENTS, rows, Number.POSITIVE_INFINITY)).toContain(LONG.repeat(20));
  const lines = table(EVENTS, rows, 100).split('\n');
  expect(lines.map((line) => line.length)).toEqual([100, 100, 100]);
  expect(lines[2]).toContain('…');
});

const COSTS = ['team', detail('direct', 2), detail('idle', 1), 'credits'];
const COST_ROWS = [
  ['marketing', '12.250', '0.250', '12.500'],
  ['sales', '1.000', '0.000', '1.000'],
];

test('a narrow terminal does without details, the lowest first, and is told which', () => {
  const headOf = (columns: number): readonly string[] => {
    const lines = table(COSTS, COST_ROWS, columns).split('\n');
    return [lines[0] ?? '', ...lines.slice(4)];
  };
  expect(headOf(80)).toEqual(['team       direct   idle  credits']);
  expect(headOf(33)).toEqual(['team       direct   idle  credits']);
  expect(headOf(32)).toEqual([
    'team       direct  credits',
    'Without idle, which a wider terminal shows.',
  ]);
  expect(headOf(20)).toEqual([
    'team       credits',
    'Without idle, direct, which a wider terminal shows.',
  ]);
});

test('where even that is too wide, every cell is there, details too', () => {
  for (const cell of COST_ROWS.flat()) expect(table(COSTS, COST_ROWS, 10)).toContain(cell);
  expect(table(COSTS, COST_ROWS, 10)).not.toContain('Without');
});

test('free text gives way before a detail goes', () => {
  const lines = table([freeText('why'), detail('idle', 1)], [[LONG, '0.250']], 40).split('\n');
  expect(lines[0]).toMatch(/^why +idle$/);
  expect(lines).toHaveLength(3);
});
