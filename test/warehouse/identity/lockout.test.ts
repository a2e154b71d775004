import { expect, test } from 'vitest';
import { Lockout } from '../../../warehouse/identity/lockout.js';

test('five failures in a row lock a name for a minute, whatever its case', () => {
  let now = 1_000_000;
  const lockout = new Lockout(() => now);
  for (let count = 0; count < 4; count += 1) lockout.failed('somebody');
  expect(lockout.isLocked('SOMEBODY')).toBe(false);
  lockout.failed('Somebody');
  expect(lockout.isLocked('somebody')).toBe(true);
  expect(lockout.isLocked('another')).toBe(false);
  now += 59_999;
  expect(lockout.isLocked('somebody')).toBe(true);
  now += 1;
  expect(lockout.isLocked('somebody')).toBe(false);
});

test('a success forgets the failures before it', () => {
  const lockout = new Lockout(() => 0);
  for (let count = 0; count < 4; count += 1) lockout.failed('somebody');
  lockout.clear('somebody');
  lockout.failed('somebody');
  expect(lockout.isLocked('somebody')).toBe(false);
});

test('names are remembered up to a number, the latest of them', () => {
  const lockout = new Lockout(() => 0);
  for (let count = 0; count < 5; count += 1) lockout.failed('first');
  for (let name = 0; name < 10_000; name += 1) lockout.failed(`name ${name}`);
  expect(lockout.isLocked('first')).toBe(false);
  for (let count = 0; count < 4; count += 1) lockout.failed('name 9999');
  expect(lockout.isLocked('name 9999')).toBe(true);
});

test('attempts of one name come one after the other, and only so many wait', async () => {
  const lockout = new Lockout(() => 0);
  const order: string[] = [];
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = lockout.inTurn('a', async () => {
    await gate;
    order.push('first');
  });
  const second = lockout.inTurn('A', () => Promise.resolve(order.push('second')));
  const others = Array.from({ length: 498 }, () => lockout.inTurn('a', () => Promise.resolve(1)));
  expect(await lockout.inTurn('a', () => Promise.resolve('ran'))).toBeUndefined();
  expect(await lockout.inTurn('b', () => Promise.resolve('ran'))).toBe('ran');
  release();
  await Promise.all([first, second, ...others]);
  expect(order).toEqual(['first', 'second']);
  expect(await lockout.inTurn('a', () => Promise.resolve('ran'))).toBe('ran');
});
