import { createPublicKey, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLAIM_LENGTH_MAX, parseClaim, verifyClaim, type ClaimKey } from '#policies/claim.js';
import { base64url, keyPair, NOON_SECONDS, payload, SECRET, signHs256, signRaw } from './claims.js';

const ES256 = keyPair('ES256');
const RS256 = keyPair('RS256');
const EDDSA = keyPair('EdDSA');
const WEAK = keyPair('RS256', 1024);
const KEYS: Readonly<Record<string, ClaimKey>> = {
  'secret-1': { algorithm: 'HS256', key: createSecretKey(SECRET, 'utf8') },
  short: { algorithm: 'HS256', key: createSecretKey('too-short', 'utf8') },
  es: { algorithm: 'ES256', key: createPublicKey(ES256.pem) },
  rs: { algorithm: 'RS256', key: createPublicKey(RS256.pem) },
  ed: { algorithm: 'EdDSA', key: createPublicKey(EDDSA.pem) },
  weak: { algorithm: 'RS256', key: createPublicKey(WEAK.pem) },
  // The document says RS256, the PEM holds another kind of key.
  mixed: { algorithm: 'RS256', key: createPublicKey(ES256.pem) },
};

const read = (token: string, atSeconds = NOON_SECONDS, issuer = 'looker'): string => {
  const parsed = parseClaim(token);
  if (typeof parsed === 'string') return parsed;
  const reading = verifyClaim(parsed, KEYS[parsed.keyId], issuer, atSeconds * 1000);
  return reading.kind === 'valid' ? 'valid' : reading.problem;
};
const header = (alg: string, kid: string, more: object = {}): string =>
  JSON.stringify({ alg, kid, ...more });

test('a claim of each algorithm is believed and says team, subject and end', () => {
  const body = JSON.stringify(payload({ sub: 'marketing_analyst' }));
  expect(read(signRaw(header('ES256', 'es'), body, ES256.privateKey))).toBe('valid');
  expect(read(signRaw(header('RS256', 'rs'), body, RS256.privateKey))).toBe('valid');
  expect(read(signRaw(header('EdDSA', 'ed'), body, EDDSA.privateKey))).toBe('valid');
  const parsed = parseClaim(signHs256({ sub: 'marketing_analyst' }));
  if (typeof parsed === 'string') throw new Error(parsed);
  expect(verifyClaim(parsed, KEYS['secret-1'], 'looker', NOON_SECONDS * 1000)).toEqual({
    kind: 'valid',
    claim: {
      keyId: 'secret-1',
      team: 'marketing',
      subject: 'marketing_analyst',
      expiresAt: (NOON_SECONDS + 300) * 1000,
    },
  });
});

test('no signature, and a signature of another algorithm than the key has, are never believed', () => {
  const body = JSON.stringify(payload());
  const none = `${base64url(header('none', 'secret-1'))}.${base64url(body)}.`;
  expect(read(none)).toBe('malformed');
  expect(read(`${none}AAAA`)).toBe('algorithm');
  // The public key used as the secret of an HMAC: the old confusion of RS256 and HS256.
  for (const kid of ['rs', 'es', 'ed'])
    expect(read(signRaw(header('HS256', kid), body, kid === 'rs' ? RS256.pem : ES256.pem))).toBe(
      'algorithm',
    );
  expect(read(signRaw(header('HS256', 'es'), body, ES256.pem))).toBe('algorithm');
  expect(read(signRaw(header('ES256', 'secret-1'), body, ES256.privateKey))).toBe('algorithm');
  expect(read(signRaw(header('hs256', 'secret-1'), body, SECRET))).toBe('algorithm');
  expect(read(signRaw(header('RS256', 'mixed'), body, RS256.privateKey))).toBe('signature');
});

test('weak keys verify nothing', () => {
  const body = JSON.stringify(payload());
  expect(read(signRaw(header('RS256', 'weak'), body, WEAK.privateKey))).toBe('signature');
  expect(read(signHs256({}, { kid: 'short', secret: 'too-short' }))).toBe('signature');
});

test('another key, an unknown key and no key at all are told apart', () => {
  expect(read(signHs256({}, { secret: `${SECRET}x` }))).toBe('signature');
  expect(read(signHs256({}, { kid: 'secret-2' }))).toBe('unknown-key');
  expect(read(signRaw('{"alg":"HS256"}', JSON.stringify(payload()), SECRET))).toBe('unknown-key');
  expect(read(signRaw('{"alg":"HS256","kid":7}', JSON.stringify(payload()), SECRET))).toBe(
    'unknown-key',
  );
});

test.each([
  [{ iss: 'tableau' }, 'issuer'],
  [{ iss: undefined }, 'issuer'],
  [{ aud: 'snowflake' }, 'audience'],
  [{ aud: undefined }, 'audience'],
  [{ aud: ['tollgate', 'snowflake'] }, 'audience'],
  [{ aud: ['tollgate'] }, 'valid'],
  [{ exp: undefined }, 'malformed'],
  [{ iat: undefined }, 'malformed'],
  [{ exp: '9999999999' }, 'malformed'],
  [{ exp: 1e300 }, 'malformed'],
  [{ exp: NOON_SECONDS - 1 }, 'lifetime'],
  [{ iat: NOON_SECONDS - 100, exp: NOON_SECONDS - 60 }, 'expired'],
  [{ iat: NOON_SECONDS - 100, exp: NOON_SECONDS - 59 }, 'valid'],
  [{ iat: NOON_SECONDS + 60, exp: NOON_SECONDS + 90 }, 'valid'],
  [{ iat: NOON_SECONDS + 61, exp: NOON_SECONDS + 90 }, 'not-yet-valid'],
  [{ nbf: NOON_SECONDS + 61 }, 'not-yet-valid'],
  [{ exp: NOON_SECONDS + 86_400 }, 'valid'],
  [{ exp: NOON_SECONDS + 86_401 }, 'lifetime'],
  [{ team: undefined }, 'team'],
  [{ team: 7 }, 'team'],
  [{ sub: 7 }, 'subject'],
  [{ more: { of: ['something'] } }, 'valid'],
])('a claim with %o is %s', (changes, expected) => {
  expect(read(signHs256(changes))).toBe(expected);
});

test('what nobody else reads alike is malformed: double names, critical extensions, other types', () => {
  const body = JSON.stringify(payload());
  const hs = (head: string, text = body): string => read(signRaw(head, text, SECRET));
  const head = header('HS256', 'secret-1');
  expect(hs(head)).toBe('valid');
  expect(hs(head, body.replace('{', '{"team":"finance",'))).toBe('malformed');
  expect(hs(head, body.replace('{', '{"te\\u0061m":"finance",'))).toBe('malformed');
  expect(hs('{"alg":"none","alg":"HS256","kid":"secret-1"}')).toBe('malformed');
  expect(hs(header('HS256', 'secret-1', { crit: ['b64'], b64: false }))).toBe('malformed');
  expect(hs(header('HS256', 'secret-1', { typ: 'at+jwt' }))).toBe('malformed');
  expect(hs(head, '[]')).toBe('malformed');
  expect(hs(head, 'null')).toBe('malformed');
  expect(hs(head, `\ufeff${body}`)).toBe('malformed');
});

test('a claim has one spelling: padding, other alphabets, spare bits and more parts are malformed', () => {
  const token = signHs256();
  const [head = '', body = '', tail = ''] = token.split('.');
  expect(read(`${token}.`)).toBe('malformed');
  expect(read(`${token}.x`)).toBe('malformed');
  expect(read(`${head}.${body}`)).toBe('malformed');
  expect(read(`${head}=.${body}.${tail}`)).toBe('malformed');
  expect(read(`${head}.${body}.${tail} `)).toBe('malformed');
  expect(read(` ${token}`)).toBe('malformed');
  expect(read(`${head}.${body}.${tail}=`)).toBe('malformed');
  // 32 bytes leave two spare bits in the last character.
  const spare = tail.slice(0, -1) + String.fromCharCode(tail.charCodeAt(tail.length - 1) + 1);
  expect(['malformed', 'signature']).toContain(read(`${head}.${body}.${spare}`));
  const invalidUtf8 = base64url(Buffer.from([0x7b, 0xff, 0x7d]));
  expect(read(`${head}.${invalidUtf8}.${tail}`)).toBe('malformed');
});

test('a claim above the longest length is not read', () => {
  const token = signHs256({ pad: 'x'.repeat(CLAIM_LENGTH_MAX) });
  expect(token.length).toBeGreaterThan(CLAIM_LENGTH_MAX);
  expect(read(token)).toBe('too-long');
});

test('no mutation of a claim is believed, and no text throws', () => {
  const token = signHs256();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
  fc.assert(
    fc.property(
      fc.nat(token.length - 1),
      fc.constantFrom(...alphabet.split('')),
      fc.constantFrom('replace', 'insert', 'drop'),
      (at, character, how) => {
        const rest = token.slice(how === 'insert' ? at : at + 1);
        const mutated = token.slice(0, at) + (how === 'drop' ? '' : character) + rest;
        if (mutated !== token) expect(read(mutated)).not.toBe('valid');
      },
    ),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(read(text)).not.toBe('valid');
    }),
  );
});
