import { expect, test } from 'vitest';
import { SCALARS } from '../../../../warehouse/engine/scalars/all.js';

function randstr(length: bigint): string {
  const scalar = SCALARS.find(({ name }) => name === 'tg_randstr');
  return String(scalar?.evaluate([length, 1n], []));
}

test('a random text has the length asked for, of letters and digits, all of which come', () => {
  for (const length of [0n, 1n, 7n, 1000n]) expect(randstr(length)).toHaveLength(Number(length));
  expect(randstr(-5n)).toBe('');
  const long = randstr(100_000n);
  expect(long).toMatch(/^[A-Za-z0-9]{100000}$/);
  expect(new Set(long).size).toBe(62);
  expect(randstr(1000n)).not.toBe(randstr(1000n));
});

test('it is drawn anew for every row, and above a million characters it is refused', () => {
  expect(SCALARS.find(({ name }) => name === 'tg_randstr')?.isVolatile).toBe(true);
  expect(randstr(1_000_000n)).toHaveLength(1_000_000);
  expect(() => randstr(1_000_001n)).toThrow(/RANDSTR of this length/);
});
