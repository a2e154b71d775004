import { expect, test } from 'vitest';
import { isSamePerson } from '../../base/actors.js';

test.each([
  ['ann (0123456789abcdef)', 'ann (fedcba9876543210)', true],
  ['ann@example.com (oidc)', 'Ann@Example.com (0123456789abcdef)', true],
  ['ann', 'ann (oidc)', true],
  ['admin-token', 'admin-token', true],
  ['ann (0123456789abcdef)', 'ben (0123456789abcdef)', false],
  ['ann (finance) (0123456789abcdef)', 'ann (0123456789abcdef)', false],
  ['admin-token', 'ann (0123456789abcdef)', false],
  [null, 'ann', false],
  [null, null, false],
])('%s and %s are one person: %s', (one, other, isOne) => {
  expect(isSamePerson(one, other)).toBe(isOne);
});
