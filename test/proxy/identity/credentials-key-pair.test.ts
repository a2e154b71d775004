import { createPrivateKey, createSign } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { newRsaKeyPair, signKeyPairToken, type NewKeyPair } from '../../../base/key-pairs.js';
import { keyPairFault, readKeyPairToken } from '../../../proxy/identity/credentials-key-pair.js';

const NOW = Date.UTC(2026, 6, 15, 12);
let pair: NewKeyPair;
let other: NewKeyPair;
beforeAll(async () => {
  [pair, other] = await Promise.all([newRsaKeyPair(), newRsaKeyPair()]);
});

interface Changes {
  readonly header?: object;
  readonly claims?: object;
  readonly signedBy?: NewKeyPair;
}

function tokenWith({ header, claims, signedBy = pair }: Changes = {}): string {
  const issuedAt = NOW / 1000;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    iss: `DEMO.MARKETING_ANALYST.${pair.publicKey.fingerprint}`,
    sub: 'DEMO.MARKETING_ANALYST',
    iat: issuedAt,
    exp: issuedAt + 60,
    ...claims,
  };
  const signed = `${part({ alg: 'RS256', typ: 'JWT', ...header })}.${part(body)}`;
  const signature = createSign('sha256').update(signed).sign(signedBy.privatePem);
  return `${signed}.${signature.toString('base64url')}`;
}

function faultOf(token: string, nowMs: number = NOW, account = 'demo'): string | undefined {
  const read = readKeyPairToken(token);
  if (read === undefined) return 'unread';
  const isAccount = (name: string): boolean => name.toLowerCase() === account;
  return keyPairFault(read, { isAccount, publicKey: pair.publicKey.pem }, nowMs);
}

test('what we sign ourselves verifies, and says who and with which key', async () => {
  const signer = {
    account: 'demo',
    user: 'marketing_analyst',
    privateKey: createPrivateKey(pair.privatePem),
    fingerprint: pair.publicKey.fingerprint,
  };
  const token = await signKeyPairToken(signer, NOW);
  expect(faultOf(token)).toBeUndefined();
  expect(readKeyPairToken(token)).toMatchObject({
    account: 'DEMO',
    user: 'MARKETING_ANALYST',
    fingerprint: pair.publicKey.fingerprint,
  });
});

test('names with dots, and times in milliseconds as the Node driver writes them, are read', () => {
  const subject = 'DEMO.JANE.DOE';
  const iss = `${subject}.${pair.publicKey.fingerprint}`;
  const claims = { iss, sub: subject, iat: NOW, exp: NOW + 60_000 };
  expect(readKeyPairToken(tokenWith({ claims }))).toMatchObject({
    account: 'DEMO',
    user: 'JANE.DOE',
  });
  expect(faultOf(tokenWith({ claims }))).toBeUndefined();
});

test.each<[string, Changes, string]>([
  ['no algorithm', { header: { alg: 'none' } }, 'algorithm'],
  ['a keyed hash', { header: { alg: 'HS256' } }, 'algorithm'],
  ['the subject of somebody else', { claims: { sub: 'DEMO.SALES_ANALYST' } }, 'subject'],
  ['no subject', { claims: { sub: undefined } }, 'subject'],
  ['no issue time', { claims: { iat: undefined } }, 'issue time'],
  ['an issue time ahead', { claims: { iat: NOW / 1000 + 61 } }, 'issue time'],
  ['no end', { claims: { exp: undefined } }, 'expired'],
  ['an end in the past', { claims: { exp: NOW / 1000 - 60 } }, 'expired'],
  ['a life of more than an hour', { claims: { exp: NOW / 1000 + 3601 } }, 'life above one hour'],
  ['a time before which it is not valid', { claims: { nbf: NOW / 1000 + 61 } }, 'not valid yet'],
])('%s does not prove anything', (_what, changes, fault) => {
  expect(faultOf(tokenWith(changes))).toBe(fault);
});

test('a skew of the clocks by up to a minute, and a life of an hour, are taken', () => {
  const issuedAt = NOW / 1000 + 60;
  expect(faultOf(tokenWith({ claims: { iat: issuedAt, exp: issuedAt + 3600 } }))).toBeUndefined();
  expect(
    faultOf(tokenWith({ claims: { iat: issuedAt - 200, exp: NOW / 1000 - 59 } })),
  ).toBeUndefined();
});

test('another signature, another key and another account are refused', () => {
  expect(faultOf(tokenWith({ signedBy: other }))).toBe('signature');
  const iss = `DEMO.MARKETING_ANALYST.${other.publicKey.fingerprint}`;
  expect(faultOf(tokenWith({ claims: { iss }, signedBy: other }))).toBe('fingerprint');
  expect(faultOf(tokenWith(), NOW, 'second')).toBe('account');
});

test('no changed character of a token proves anything', () => {
  const token = tokenWith();
  for (let at = 0; at < token.length; at += 7) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    expect(faultOf(changed), String(at)).toBeDefined();
  }
});

test.each(['', 'a.b', 'a.b.c', 'a.b.c.d', `${'x'.repeat(17_000)}.b.c`, 'e30.e30.x', 'W10.W10.x'])(
  'the text %.20s is no key-pair token',
  (text) => {
    expect(readKeyPairToken(text)).toBeUndefined();
  },
);
