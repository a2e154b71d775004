import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SealKey } from '../../../base/sealing.js';
import {
  TokenSealer,
  tokenOfAuthorization,
  type SealedIdentity,
} from '../../../proxy/identity/tokens.js';

const KEY: SealKey = { id: 'k1', key: Buffer.alloc(32, 1) };
const OTHER: SealKey = { id: 'k2', key: Buffer.alloc(32, 2) };
const IDENTITY: SealedIdentity = {
  kind: 'session',
  account: 'demo',
  sessionId: '9223372036854775807',
  snowflakeUser: 'ANALYST',
  upstreamToken: 'ver:3-hint:1-ETMsDgAAAY',
};

const NOW_MS = Date.UTC(2026, 10, 25);
const DAY_MS = 86_400_000;

/** Without a cache that could hide what decryption says. */
function sealer(...keys: readonly SealKey[]): TokenSealer {
  return sealerAt(() => NOW_MS, ...keys);
}

function sealerAt(now: () => number, ...keys: readonly SealKey[]): TokenSealer {
  return new TokenSealer({ keys, randomBytes, cachedMax: 1, audience: 'deployment-a', now });
}

test('what was sealed opens to the same identity, on any replica with the key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (upstreamToken, account) => {
      const identity = { ...IDENTITY, upstreamToken, account };
      const token = sealer(KEY).seal(identity);
      expect(token).toMatch(/^tg1\.k1\.[\w-]+$/);
      expect(sealer(KEY).open(token, 'session')).toEqual(identity);
    }),
  );
});

test('a changed character anywhere in a token opens nothing', () => {
  const token = sealer(KEY).seal(IDENTITY);
  for (let at = 0; at < token.length; at += 1) {
    for (const replacement of ['A', 'B', '!', '.', '']) {
      const altered = token.slice(0, at) + replacement + token.slice(at + 1);
      if (altered !== token) expect(sealer(KEY).open(altered, 'session'), altered).toBeUndefined();
    }
  }
  for (const altered of [
    `${token}A`,
    `${token}=`,
    `${token}.x`,
    ` ${token}`,
    '',
    'tg1..',
    'tg1.k1.',
    'tg1.k1.AAAA',
  ]) {
    expect(sealer(KEY).open(altered, 'session')).toBeUndefined();
  }
});

test('a master token is no session token, whether or not it was opened before', () => {
  const one = sealer(KEY);
  const master = one.seal({ ...IDENTITY, kind: 'master' });
  expect(one.open(master, 'session')).toBeUndefined();
  expect(one.open(master, 'master')).toMatchObject({ kind: 'master' });
  expect(one.open(master, 'session')).toBeUndefined();
});

test('a token of another deployment opens nowhere, even under the same key id', () => {
  const token = sealer(KEY).seal(IDENTITY);
  expect(sealer(OTHER).open(token, 'session')).toBeUndefined();
  expect(sealer({ id: 'k1', key: OTHER.key }).open(token, 'session')).toBeUndefined();
  expect(
    sealer({ id: 'k2', key: KEY.key }).open(token.replace('k1', 'k2'), 'session'),
  ).toBeUndefined();
});

test('a token of another deployment with the same keys opens nowhere', () => {
  const token = sealer(KEY).seal(IDENTITY);
  const other = new TokenSealer({
    keys: [KEY],
    randomBytes,
    cachedMax: 1,
    audience: 'deployment-b',
    now: () => NOW_MS,
  });
  expect(other.open(token, 'session')).toBeUndefined();
});

test('a token opens for thirty days, and not before its time; also once it was opened', () => {
  let at = NOW_MS;
  const one = sealerAt(() => at, KEY);
  const token = one.seal(IDENTITY);
  expect(one.open(token, 'session')).toEqual(IDENTITY);
  at = NOW_MS + 30 * DAY_MS - 1000;
  expect(one.open(token, 'session')).toEqual(IDENTITY);
  at = NOW_MS + 30 * DAY_MS;
  expect(one.open(token, 'session')).toBeUndefined();
  at = NOW_MS - 300_000;
  expect(one.open(token, 'session')).toEqual(IDENTITY);
  at = NOW_MS - 300_001;
  expect(one.open(token, 'session')).toBeUndefined();
});

test('after a rotation old tokens open and new ones are sealed with the new key', () => {
  const old = sealer(KEY).seal(IDENTITY);
  const rotated = sealer(OTHER, KEY);
  expect(rotated.open(old, 'session')).toEqual(IDENTITY);
  const fresh = rotated.seal(IDENTITY);
  expect(fresh).toMatch(/^tg1\.k2\./);
  expect(sealer(KEY).open(fresh, 'session')).toBeUndefined();
  expect(sealer(OTHER).open(old, 'session')).toBeUndefined();
});

test('two tokens of one identity differ', () => {
  const one = sealer(KEY);
  expect(one.seal(IDENTITY)).not.toBe(one.seal(IDENTITY));
});

test('the token is read from its header, and from nothing that resembles it', () => {
  expect(tokenOfAuthorization('Snowflake Token="abc"')).toBe('abc');
  for (const header of [
    undefined,
    '',
    'Bearer abc',
    'Snowflake Token="None"',
    'Snowflake Token=""',
    'Snowflake Token="a" ',
    'snowflake token="a"',
    'Snowflake Token="a", Token="b"',
  ]) {
    expect(tokenOfAuthorization(header), header).toBeUndefined();
  }
});
