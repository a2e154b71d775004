import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parsePrivateKey, readPrivateKey } from '../../../base/snowflake/private-key.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const plain = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const sealed = privateKey
  .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
  .toString();
const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string, mode: number): string {
  const place = path.join(folder, name);
  writeFileSync(place, text);
  chmodSync(place, mode);
  return place;
}

describe('the private key of a service user', () => {
  test('is read from a file of its owner, and through a symbolic link', () => {
    const place = file('key.p8', plain, 0o600);
    const link = path.join(folder, 'link.p8');
    symlinkSync(place, link);
    expect(readPrivateKey(place, null)).toEqual({ pem: plain });
    expect(readPrivateKey(link, null)).toEqual({ pem: plain });
  });

  test('that its group may read is taken, because secret mounts do so', () => {
    expect(readPrivateKey(file('group.p8', plain, 0o640), null)).toEqual({ pem: plain });
  });

  test.each([[0o644], [0o602], [0o777]])(
    'with mode %o is refused with the mode and a fix',
    (mode) => {
      const place = file(`open-${mode}.p8`, plain, mode);
      expect(readPrivateKey(place, null)).toEqual({
        problem: `may be read or written by every user of this machine (mode ${mode.toString(8)})`,
        wayOut: `run \`chmod 600 ${place}\``,
      });
    },
  );

  test('that is world-readable behind a symbolic link is refused too', () => {
    const link = path.join(folder, 'open-link.p8');
    symlinkSync(file('open.p8', plain, 0o604), link);
    expect(readPrivateKey(link, null)).toMatchObject({ problem: expect.stringContaining('604') });
  });

  test('that is missing, a folder or far too large is a problem in words', () => {
    expect(readPrivateKey(path.join(folder, 'none'), null)).toMatchObject({
      problem: expect.stringContaining('cannot be read'),
    });
    expect(readPrivateKey(folder, null)).toMatchObject({ problem: 'is not a file' });
    expect(readPrivateKey(file('big.p8', 'x'.repeat(65_537), 0o600), null)).toMatchObject({
      problem: expect.stringContaining('64 KiB'),
    });
  });

  test('with a passphrase is opened by it, and by no other', () => {
    expect(parsePrivateKey(sealed, 'open sesame')).toEqual({ pem: plain });
    expect(parsePrivateKey(sealed, 'wrong')).toMatchObject({
      problem: 'does not open with the passphrase',
    });
    expect(parsePrivateKey(sealed, null)).toMatchObject({
      problem: 'is encrypted, and no passphrase is set',
    });
  });

  test('a passphrase beside a key that needs none is not asked for', () => {
    expect(parsePrivateKey(plain, 'unused')).toEqual({ pem: plain });
  });

  test.each([
    ['text', 'hunter2'],
    [
      'a public key',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .publicKey.export({ format: 'pem', type: 'spki' })
        .toString(),
    ],
    ['half a key', plain.slice(0, 900)],
    [
      'an elliptic key',
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
    ],
    [
      'an RSA key of 1024 bits',
      generateKeyPairSync('rsa', { modulusLength: 1024 })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
    ],
  ])('%s is refused, and nothing of it is repeated', (_, text) => {
    const outcome = parsePrivateKey(text, null);
    expect(outcome).toMatchObject({ problem: expect.any(String), wayOut: expect.any(String) });
    expect(JSON.stringify(outcome)).not.toContain(text.split('\n')[1] ?? text);
  });
});
