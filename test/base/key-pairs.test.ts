import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { newRsaKeyPair, publicKeyOf, readRsaPublicKey } from '../../base/key-pairs.js';

test('a new pair reads back, with one fingerprint from either half', async () => {
  const { publicKey, privatePem } = await newRsaKeyPair();
  expect(readRsaPublicKey(publicKey.pem)).toMatchObject({
    fingerprint: publicKey.fingerprint,
    base64: publicKey.base64,
  });
  expect(publicKeyOf(createPrivateKey(privatePem)).fingerprint).toBe(publicKey.fingerprint);
  expect(publicKey.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}=$/);
});

test('what is no public RSA key of 2048 bits is refused: short, private, of another kind, none', async () => {
  const pem = { format: 'pem', type: 'spki' } as const;
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export(pem);
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(pem);
  const { privatePem, publicKey } = await newRsaKeyPair();
  for (const text of [String(short), String(curve), privatePem, publicKey.base64, '', 'x'])
    expect(readRsaPublicKey(text)).toBeUndefined();
});
