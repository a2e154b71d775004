import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  credentialIdOf,
  hashPassword,
  hashToken,
  isPassword,
  isToken,
  looksIssued,
  looksLikeToken,
  newPasswordSecret,
  newTokenSecret,
} from '../../base/issued-secrets.js';

test('a token names its credential, and only its own hash knows it', () => {
  const id = randomUUID();
  const token = newTokenSecret(id, randomBytes);
  expect(credentialIdOf(token)).toBe(id);
  expect(looksIssued(token) && looksLikeToken(token)).toBe(true);
  expect(isToken(token, hashToken(token))).toBe(true);
  expect(isToken(`${token}x`, hashToken(token))).toBe(false);
  expect(isToken(token, '')).toBe(false);
  for (const text of [
    '',
    'tgp_',
    `${token} `,
    `x${token}`,
    token.slice(0, -1),
    newPasswordSecret(randomBytes),
  ])
    expect(credentialIdOf(text)).toBeUndefined();
});

test('a password is known by its hash, whose parameters stand in it, and by no other', async () => {
  const password = newPasswordSecret(randomBytes);
  expect(looksIssued(password)).toBe(true);
  expect(looksLikeToken(password)).toBe(false);
  const hash = await hashPassword(password, randomBytes);
  expect(hash).toMatch(/^scrypt\$14\$8\$1\$/);
  expect(hash).not.toContain(password);
  expect(await isPassword(password, hash)).toBe(true);
  expect(await isPassword(`${password}x`, hash)).toBe(false);
  expect(await isPassword(password, null)).toBe(false);
  expect(await isPassword(password, 'scrypt$14$8$1$short$nothing')).toBe(false);
  expect(await isPassword('x'.repeat(257), hash)).toBe(false);
});

test('a hash made with other parameters still opens', async () => {
  // RFC 7914 §12: scrypt("pleaseletmein", "SodiumChloride", N = 16384, r = 8, p = 1), the first 32 bytes.
  const derived = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2';
  const salt = Buffer.from('SodiumChloride').toString('base64url');
  const hash = Buffer.from(derived, 'hex').toString('base64url');
  expect(await isPassword('pleaseletmein', `scrypt$14$8$1$${salt}$${hash}`)).toBe(true);
});
