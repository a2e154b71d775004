import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createClientAddress } from '../../../proxy/identity/client-address.js';

const from = (remoteAddress: string | undefined, forwarded?: string) => ({
  socket: { remoteAddress },
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
});
const trusting = createClientAddress(['10.0.0.0/8', '2001:db8::/32']);

test('without trusted proxies the header is never read', () => {
  const none = createClientAddress([]);
  expect(none(from('203.0.113.9', '10.1.1.1'))).toBe('203.0.113.9');
  expect(none(from('127.0.0.1', '10.1.1.1'))).toBe('127.0.0.1');
  expect(none(from('::ffff:203.0.113.9'))).toBe('203.0.113.9');
});

test('a peer that is no trusted proxy cannot name another address', () => {
  expect(trusting(from('203.0.113.9', '10.1.1.1'))).toBe('203.0.113.9');
});

test.each([
  ['198.51.100.7', '198.51.100.7'],
  ['198.51.100.7, 10.0.0.9', '198.51.100.7'],
  // What the client wrote itself stands left of what the balancer saw.
  ['10.9.9.9, 198.51.100.7', '198.51.100.7'],
  ['evil, 198.51.100.7:4711, 10.0.0.9', '198.51.100.7'],
  ['2001:DB8::1, [2001:4860::1]:443, 2001:db8::2', '2001:4860::1'],
  ['10.0.0.1, 10.0.0.2', '10.0.0.1'],
])('behind a balancer the rightmost foreign hop of "%s" is the client', (forwarded, expected) => {
  expect(trusting(from('10.0.0.3', forwarded))).toBe(expected);
  expect(trusting(from('::ffff:10.0.0.3', forwarded))).toBe(expected);
});

test.each(['unknown', '', '198.51.100.7, unknown', '198.51.100.7,', '999.1.1.1', '_hidden'])(
  'a balancer that passes "%s" on leaves the address unknown',
  (forwarded) => {
    expect(trusting(from('10.0.0.3', forwarded))).toBeNull();
  },
);

test('a balancer without the header asks for itself, and a closed socket for nobody', () => {
  expect(trusting(from('10.0.0.3'))).toBe('10.0.0.3');
  expect(trusting(from(undefined, '198.51.100.7'))).toBeNull();
});

test('hops without end are not believed', () => {
  const forged = ['198.51.100.7', ...Array.from({ length: 5000 }, () => '10.0.0.1')].join(',');
  expect(trusting(from('10.0.0.3', forged))).toBeNull();
});

test('any header gives an address or none', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      const address = trusting(from('10.0.0.3', header));
      expect(address === null || /^[0-9a-f.:]+$/i.test(address)).toBe(true);
    }),
  );
});
