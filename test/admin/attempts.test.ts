import { expect, test } from 'vitest';
import { ADDRESSES_MAX, createAttempts, FAILED_ATTEMPTS_MAX } from '../../admin/attempts.js';

test('addresses are remembered up to a number, and the oldest is forgotten first', () => {
  const attempts = createAttempts(() => 0);
  for (let index = 0; index < FAILED_ATTEMPTS_MAX; index += 1)
    expect(attempts.failed('first')).toBeNull();
  expect(attempts.failed('first')).toBe(60);
  for (let index = 0; index < ADDRESSES_MAX; index += 1) attempts.failed(`address-${index}`);
  expect(attempts.failed('first')).toBeNull();
});
