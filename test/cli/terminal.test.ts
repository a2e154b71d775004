import { expect, test } from 'vitest';
import { table } from '../../cli/terminal.js';

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

test('a wide table is cut to the terminal, in its widest column', () => {
  const lines = table(['id', 'text'], [['1', 'x'.repeat(200)]], 40).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBe(40);
  expect(lines[2]?.endsWith('…')).toBe(true);
});

test('a table without rows has its headers', () => {
  expect(table(['a'], [], 80)).toBe('a\n─');
});
