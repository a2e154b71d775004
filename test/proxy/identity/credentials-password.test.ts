import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { hashPassword } from '../../../base/issued-secrets.js';
import { PasswordCheck } from '../../../proxy/identity/credentials-password.js';

let hash: string;
beforeAll(async () => {
  hash = await hashPassword('right', randomBytes);
});

test('what was proven once is known without hashing, and only for its own hash', async () => {
  const check = new PasswordCheck(randomBytes);
  expect(check.isProven('right', hash)).toBe(false);
  expect(await check.matches('right', hash)).toBe(true);
  expect(check.isProven('right', hash)).toBe(true);
  expect(check.isProven('wrong', hash)).toBe(false);
  expect(check.isProven('right', `${hash}x`)).toBe(false);
  expect(await check.matches('wrong', hash)).toBe(false);
  expect(check.isProven('wrong', hash)).toBe(false);
});

test('beyond the wait for hashing the answer is busy, and the line moves on', async () => {
  const check = new PasswordCheck(randomBytes);
  const many = Array.from({ length: 70 }, () =>
    check.matches('wrong', 'scrypt$1$1$1$c2FsdHNhbHRzYWx0c2FsdA$' + 'A'.repeat(43)),
  );
  const answers = await Promise.all(many);
  expect(answers.filter((each) => each === 'busy')).toHaveLength(70 - 2 - 64);
  expect(await check.matches('right', hash)).toBe(true);
});

test('attempts of one name come one after the other, those of others do not wait for them', async () => {
  const check = new PasswordCheck(randomBytes);
  const order: string[] = [];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = check.inTurn('a', async () => {
    await held;
    order.push('first');
  });
  const second = check.inTurn('a', () => Promise.resolve(order.push('second')));
  await check.inTurn('b', () => Promise.resolve(order.push('other')));
  release();
  await Promise.all([first, second]);
  expect(order).toEqual(['other', 'first', 'second']);
});

test('an attempt that fails does not hold up the next, and too many of one name are told to wait', async () => {
  const check = new PasswordCheck(randomBytes);
  await expect(check.inTurn('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await check.inTurn('a', () => Promise.resolve(1))).toBe(1);
  const many = Array.from({ length: 101 }, () => check.inTurn('a', () => Promise.resolve(1)));
  expect((await Promise.all(many)).filter((each) => each === 'busy')).toHaveLength(1);
});
