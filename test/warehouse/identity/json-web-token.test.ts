import { createHmac, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  isSignedBy,
  keyObject,
  parseWebToken,
  readPublicKey,
} from '../../../warehouse/identity/json-web-token.js';
import { publicText, signedToken } from './signing.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function isSigned(token: string, publicKey: string): boolean {
  const read = parseWebToken(token);
  const key = keyObject(publicKey);
  return read !== undefined && key !== undefined && isSignedBy(read, key);
}

test.each(['RS256', 'RS384', 'RS512'])('%s of the key is its signature', (algorithm) => {
  expect(isSigned(signedToken({ sub: 'a' }, rsa.privateKey, algorithm), publicText(rsa))).toBe(
    true,
  );
});

test('ES256 of the key is its signature', () => {
  expect(isSigned(signedToken({ sub: 'a' }, curve.privateKey, 'ES256'), publicText(curve))).toBe(
    true,
  );
});

test('another key, another text, another algorithm are not', () => {
  const token = signedToken({ sub: 'a' }, rsa.privateKey, 'RS256');
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [head = '', , signature = ''] = token.split('.');
  const body = Buffer.from('{"sub":"b"}').toString('base64url');
  expect(isSigned(token, publicText(other))).toBe(false);
  expect(isSigned(`${head}.${body}.${signature}`, publicText(rsa))).toBe(false);
  const renamed = Buffer.from('{"alg":"RS512"}').toString('base64url');
  expect(isSigned(`${renamed}${token.slice(head.length)}`, publicText(rsa))).toBe(false);
});

test('no signature at all, and a keyed hash with the public key as its secret, are none', () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const none = `${part({ alg: 'none' })}.${part({ sub: 'a' })}.`;
  const signed = `${part({ alg: 'HS256' })}.${part({ sub: 'a' })}`;
  const key = publicText(rsa);
  const hashed = createHmac('sha256', Buffer.from(key, 'base64'))
    .update(signed)
    .digest('base64url');
  expect(parseWebToken(none)).toBeDefined();
  expect(isSigned(none, key)).toBe(false);
  expect(isSigned(`${signed}.${hashed}`, key)).toBe(false);
});

test('a key of one kind proves no token of the other', () => {
  expect(isSigned(signedToken({ sub: 'a' }, rsa.privateKey, 'RS256'), publicText(curve))).toBe(
    false,
  );
  expect(isSigned(signedToken({ sub: 'a' }, curve.privateKey, 'ES256'), publicText(rsa))).toBe(
    false,
  );
});

test.each(['', 'a.b', 'a.b.c', 'a.b.c.d', `${'a'.repeat(20_000)}.b.c`])(
  'a text that is no token is none: %#',
  (text) => {
    expect(parseWebToken(text)).toBeUndefined();
  },
);

test('a public key is read from PEM and from bare base64, to the same fingerprint', () => {
  const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const fromPem = readPublicKey(pem);
  expect(fromPem?.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}=$/);
  expect(readPublicKey(publicText(rsa))).toEqual(fromPem);
});

test('a private key, a short key and other texts are no public key', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
  expect(readPublicKey(publicText(short))).toBeUndefined();
  const secret = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  expect(readPublicKey(secret)).toBeUndefined();
  for (const text of ['', 'key', 'A'.repeat(400)]) expect(readPublicKey(text)).toBeUndefined();
});
