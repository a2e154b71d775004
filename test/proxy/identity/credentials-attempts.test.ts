import { expect, test } from 'vitest';
import {
  Attempts,
  BLOCKED_MS,
  FAILURES_OF_ADDRESS_MAX,
  FAILURES_OF_NAME_MAX,
  type Attempt,
} from '../../../proxy/identity/credentials-attempts.js';
import { manualClock } from '../../support/clock.js';

const clock = manualClock();
const attempt = (changes: Partial<Attempt> = {}): Attempt => ({
  account: 'demo',
  loginName: 'marketing_analyst',
  address: '192.0.2.1',
  ...changes,
});

function after(failures: number, changes: Partial<Attempt> = {}): Attempts {
  const attempts = new Attempts(() => clock.now());
  for (let count = 0; count < failures; count += 1) attempts.passwordFailed(attempt(changes));
  return attempts;
}

test('a name is blocked after five wrong passwords, for a minute after the last, in any case', () => {
  expect(after(FAILURES_OF_NAME_MAX - 1).nameBlockedMs(attempt())).toBe(0);
  const attempts = after(FAILURES_OF_NAME_MAX);
  expect(attempts.nameBlockedMs(attempt({ loginName: 'MARKETING_ANALYST' }))).toBe(BLOCKED_MS);
  clock.advance(BLOCKED_MS - 1);
  expect(attempts.nameBlockedMs(attempt())).toBe(1);
  clock.advance(1);
  expect(attempts.nameBlockedMs(attempt())).toBe(0);
});

test('other names, other accounts and other addresses go on', () => {
  const attempts = after(FAILURES_OF_ADDRESS_MAX);
  expect(attempts.nameBlockedMs(attempt({ loginName: 'sales_analyst' }))).toBe(0);
  expect(attempts.nameBlockedMs(attempt({ account: 'second' }))).toBe(0);
  expect(attempts.addressBlockedMs(attempt())).toBeGreaterThan(0);
  expect(attempts.addressBlockedMs(attempt({ address: '192.0.2.2' }))).toBe(0);
});

test('the right password clears the name and not the address; a refused token counts for the address alone', () => {
  const attempts = after(FAILURES_OF_ADDRESS_MAX - 1);
  attempts.passwordProven(attempt());
  expect(attempts.nameBlockedMs(attempt())).toBe(0);
  attempts.proofFailed(attempt());
  expect(attempts.nameBlockedMs(attempt())).toBe(0);
  expect(attempts.addressBlockedMs(attempt())).toBeGreaterThan(0);
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1::5', '2001:db8:0:1:ffff::9'],
  ['2001:db8::1', '2001:db8:0:0:9::'],
])('%s and %s count as one client', (first, second) => {
  const attempts = after(FAILURES_OF_ADDRESS_MAX, { address: first });
  expect(attempts.addressBlockedMs(attempt({ address: second }))).toBeGreaterThan(0);
});

test('what is remembered is bounded', () => {
  const attempts = after(FAILURES_OF_NAME_MAX);
  for (let count = 0; count < 30_000; count += 1)
    attempts.passwordFailed(
      attempt({ loginName: `someone-${count}`, address: `address-${count}` }),
    );
  // Forgotten, as the one that failed longest ago.
  expect(attempts.nameBlockedMs(attempt())).toBe(0);
});
