import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog, type Log } from '../../../base/log.js';
import { createMetrics, type Metrics } from '../../../base/metrics.js';
import { CertificateWatch } from '../../../proxy/listener/certificate-watch.js';
import { outOfForce, readCertificate } from '../../../proxy/listener/certificate.js';
import { makeCertificate, type TestCertificate } from '../../support/certificates.js';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const root = mkdtempSync(path.join(tmpdir(), 'tollgate-cert-'));
const files = { certFile: path.join(root, 'tls.crt'), keyFile: path.join(root, 'tls.key') };
const first = makeCertificate({ name: 'first' });
const second = makeCertificate({ name: 'second' });
const past = makeCertificate({
  validFrom: new Date(NOW - 9 * DAY_MS),
  validTo: new Date(NOW - DAY_MS),
});
const future = makeCertificate({ validFrom: new Date(NOW + DAY_MS) });

afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(files.keyFile, { force: true });
  write(first);
});

function write({ certPem, keyPem }: Partial<TestCertificate>, mode = 0o600): void {
  if (certPem !== undefined) writeFileSync(files.certFile, certPem);
  if (keyPem === undefined) return;
  rmSync(files.keyFile, { force: true });
  writeFileSync(files.keyFile, keyPem, { mode });
  chmodSync(files.keyFile, mode);
}

/** Problem and way out in one text, or what was read. */
function read(): string {
  const outcome = readCertificate(files);
  return 'problem' in outcome ? `${outcome.problem}; ${outcome.wayOut}` : outcome.names;
}

describe('a pair', () => {
  test('is read with its names, dates and fingerprint, of either kind of key', () => {
    expect(read()).toBe('localhost, 127.0.0.1');
    write(makeCertificate({ kind: 'rsa', dnsNames: ['a', 'b', 'c', 'd'] }));
    expect(read()).toBe('localhost, a, b, c, d and 1 more');
    const outcome = readCertificate(files);
    expect(outcome).toMatchObject({ fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/) });
  });

  test('may hold a chain, the certificate of the server first', () => {
    const leaf = makeCertificate({ name: 'leaf', issuer: second });
    write({ certPem: leaf.certPem + second.certPem, keyPem: leaf.keyPem });
    expect(read()).toBe('localhost, 127.0.0.1');
    write({ certPem: second.certPem + leaf.certPem });
    expect(read()).toMatch(
      /does not belong to the first.*put the certificate of the server before/,
    );
  });

  test.each([
    [
      'no certificate',
      { certPem: 'hello' },
      /TOLLGATE_TLS_CERT_FILE: .*no certificate chain in PEM/,
    ],
    [
      'a broken one',
      { certPem: first.certPem.replace(/M[A-Za-z]/, 'AA') },
      /CERT_FILE: .*no certificate/,
    ],
    [
      'the key of another',
      { keyPem: second.keyPem },
      /KEY_FILE: .*does not belong.*name the key from which/,
    ],
    ['no key', { keyPem: 'hello' }, /TOLLGATE_TLS_KEY_FILE: .*no private key in PEM/],
    [
      'an encrypted key',
      {
        keyPem:
          '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
      },
      /KEY_FILE: .*is encrypted.*without a passphrase/,
    ],
    [
      'more than a file of 1 MiB',
      { certPem: ' '.repeat(2 ** 20 + 1) },
      /CERT_FILE: .*larger than 1 MiB/,
    ],
  ])('of %s is refused by setting, rule and way out', (_what, pair, words) => {
    write(pair);
    expect(read()).toMatch(words);
    expect(read()).not.toContain('PRIVATE');
  });

  test('is refused when everybody may read the key, or nobody can read a file', () => {
    write(first, 0o644);
    expect(read()).toMatch(/KEY_FILE: .*every user.*mode 644.*chmod 600.*defaultMode: 0440/);
    rmSync(files.keyFile);
    expect(read()).toMatch(/KEY_FILE: .*cannot be read.*unset both/);
    mkdirSync(files.keyFile);
    expect(read()).toMatch(/KEY_FILE: .*is not a file/);
    rmSync(files.keyFile, { recursive: true });
  });

  test('of two kinds, or of a kind that TLS does not take, is refused and throws nothing', () => {
    write({ keyPem: makeCertificate({ kind: 'rsa' }).keyPem });
    expect(read()).toMatch(/KEY_FILE: .*does not belong/);
    for (const type of ['ed25519', 'x25519'] as const) {
      const { privateKey } = generateKeyPairSync(type as 'ed25519');
      write({ keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
      expect(read()).toMatch(/KEY_FILE: .*does not belong/);
    }
  });

  test('is in force between its dates', () => {
    const at = { validFromMs: 1000, validToMs: 2000 };
    expect(outOfForce(at, 999)).toMatch(/not valid before 1970-01-01T00:00:01/);
    expect(outOfForce(at, 1000)).toBeUndefined();
    expect(outOfForce(at, 2000)).toMatch(/has expired at 1970-01-01T00:00:02/);
  });
});

interface Watched {
  readonly watch: CertificateWatch;
  readonly errors: string[];
  readonly metrics: Metrics;
}

function watching(): Watched {
  const errors: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (fields, text) => void errors.push(JSON.stringify([fields, text])),
  };
  const metrics = createMetrics();
  return { watch: new CertificateWatch({ files, log, metrics, now: () => NOW }), errors, metrics };
}

async function metric(metrics: Metrics, line: string): Promise<string | undefined> {
  const { body } = await metrics.render();
  return body.split('\n').find((each) => each.startsWith(line));
}

describe('a watch', () => {
  test('takes a new pair, once', async () => {
    const { watch, metrics } = watching();
    expect(watch.look()).toBeUndefined();
    write(second);
    expect(watch.look()?.certPem).toBe(second.certPem);
    expect(watch.look()).toBeUndefined();
    expect(watch.current.keyPem).toBe(second.keyPem);
    expect(await metric(metrics, 'tollgate_tls_reloads_total{outcome="taken"}')).toMatch(/ 1$/);
    const expiry = await metric(metrics, 'tollgate_tls_certificate_expiry_seconds ');
    expect(Number(expiry?.split(' ')[1])).toBe(watch.current.validToMs / 1000);
  });

  test('follows links that are swapped under it, as secret mounts do', () => {
    for (const [folder, pair] of [
      ['one', first],
      ['two', second],
    ] as const) {
      mkdirSync(path.join(root, folder));
      writeFileSync(path.join(root, folder, 'tls.crt'), pair.certPem);
      writeFileSync(path.join(root, folder, 'tls.key'), pair.keyPem, { mode: 0o600 });
    }
    const data = path.join(root, '..data');
    symlinkSync('one', data);
    for (const name of ['tls.crt', 'tls.key']) {
      rmSync(path.join(root, name));
      symlinkSync(path.join('..data', name), path.join(root, name));
    }
    const { watch } = watching();
    symlinkSync('two', `${data}.tmp`);
    renameSync(`${data}.tmp`, data);
    expect(watch.look()?.certPem).toBe(second.certPem);
    for (const name of ['tls.crt', 'tls.key']) rmSync(path.join(root, name));
  });

  test('keeps the last good pair under a bad one, tells it once, and shows it until it is mended', async () => {
    const { watch, errors, metrics } = watching();
    const rejected = async (): Promise<string | undefined> =>
      (await metric(metrics, 'tollgate_tls_certificate_rejected '))?.split(' ')[1];
    for (const bad of [{ certPem: 'x' }, { ...second, keyPem: first.keyPem }, past, future]) {
      write(bad);
      for (let looks = 0; looks < 5; looks += 1) expect(watch.look()).toBeUndefined();
      expect(await rejected()).toBe('1');
    }
    expect(errors).toHaveLength(4);
    expect(errors.join()).toMatch(
      /no certificate chain.*does not belong.*has expired.*is not valid before/,
    );
    expect(errors.join()).not.toContain('PRIVATE');
    expect(await metric(metrics, 'tollgate_tls_reloads_total{outcome="rejected"}')).toMatch(/ 4$/);
    expect(watch.current.certPem).toBe(first.certPem);
    write(first);
    watch.look();
    expect(await rejected()).toBe('0');
  });

  test('says nothing of a swap that it saw half done', () => {
    const { watch, errors } = watching();
    write({ certPem: second.certPem });
    expect(watch.look()).toBeUndefined();
    write(second);
    expect(watch.look()?.certPem).toBe(second.certPem);
    expect(errors).toEqual([]);
  });

  test('serves a pair that has expired when there is no other, and says so', () => {
    write(past);
    const { watch, errors } = watching();
    expect(errors.join()).toMatch(/has expired.*clients will refuse it/);
    write(future);
    expect(watch.look()?.certPem).toBe(future.certPem);
  });

  test('does not start on a pair that cannot be served', () => {
    write({ keyPem: second.keyPem });
    expect(watching).toThrow(/TOLLGATE_TLS_KEY_FILE: .*does not belong.*name the key/);
  });
});
