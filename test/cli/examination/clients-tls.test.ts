import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../../base/config.js';
import {
  checkListeners,
  checkShownCertificate,
  relayTo,
} from '../../../cli/examination/clients-tls.js';
import { makeCertificate, type TestCertificate } from '../../support/certificates.js';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const root = mkdtempSync(path.join(tmpdir(), 'tollgate-clients-'));
const certFile = path.join(root, 'tls.crt');
const keyFile = path.join(root, 'tls.key');
const TLS = { TOLLGATE_TLS_CERT_FILE: certFile, TOLLGATE_TLS_KEY_FILE: keyFile };
const own = makeCertificate();
let server: Server | undefined;

beforeEach(() => write(own));
afterEach(() => void server?.close());
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write({ certPem, keyPem }: TestCertificate): void {
  writeFileSync(certFile, certPem);
  writeFileSync(keyFile, keyPem, { mode: 0o600 });
}

function settings(environment: Record<string, string> = {}): Config {
  const outcome = loadConfig({ environment });
  if ('problems' in outcome) throw new Error(outcome.problems.join());
  return outcome.config;
}

/** A listener that shows `pair`, and answers. */
async function listening({ certPem: cert, keyPem: key }: TestCertificate): Promise<number> {
  const opened = createServer({ cert, key }, (_request, response) => response.end('answered'));
  server = opened;
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
  return (opened.address() as AddressInfo).port;
}

test('plain HTTP is fine where no other machine comes, and a note elsewhere', () => {
  expect(checkListeners(settings(), NOW).status).toBe('ok');
  expect(checkListeners(settings({ TOLLGATE_HOST: '0.0.0.0' }), NOW)).toMatchObject({
    status: 'note',
    fix: expect.stringContaining('TOLLGATE_TLS_CERT_FILE'),
  });
});

test('a certificate is told with its names and days, and complained of before it ends', () => {
  const config = settings({ ...TLS, TOLLGATE_HOST: '0.0.0.0' });
  const at = (days: number) => checkListeners(config, NOW + days * DAY_MS);
  expect(at(0)).toMatchObject({
    status: 'ok',
    says: 'certificate for localhost, 127.0.0.1, 29 days left',
  });
  expect(at(20).status).toBe('note');
  expect(at(31)).toMatchObject({ status: 'failed', says: expect.stringContaining('has expired') });
  write({ ...own, keyPem: makeCertificate().keyPem });
  expect(at(0)).toMatchObject({
    status: 'failed',
    says: expect.stringMatching(/^TOLLGATE_TLS_KEY_FILE: .*does not belong/),
    fix: expect.stringMatching(/^Name the key/),
  });
});

test('what the proxy shows is compared with its files', async () => {
  expect(await checkShownCertificate(settings())).toBeUndefined();
  const at = (port: number) =>
    checkShownCertificate(settings({ ...TLS, TOLLGATE_PROXY_PORT: String(port) }));
  const port = await listening(own);
  expect(await at(port)).toMatchObject({ status: 'ok' });
  write(makeCertificate());
  expect(await at(port)).toMatchObject({
    status: 'failed',
    says: expect.stringContaining('another certificate'),
  });
  expect(await at(1)).toMatchObject({
    status: 'failed',
    says: expect.stringContaining('no handshake'),
  });
});

test('a relay carries plain HTTP to the one certificate it was given, and to no other', async () => {
  const port = await listening(own);
  const said = async (fingerprint: string): Promise<string> => {
    const relay = await relayTo({ host: '127.0.0.1', port }, { fingerprint });
    const text = await new Promise<string>((resolve) => {
      get(relay.origin, { agent: false }, (response) => {
        response.setEncoding('utf8');
        response.once('data', (chunk: string) => resolve(chunk));
      }).once('error', () => resolve('cut off'));
    });
    relay.stop();
    return text;
  };
  const { X509Certificate } = await import('node:crypto');
  expect(await said(new X509Certificate(own.certPem).fingerprint256)).toBe('answered');
  expect(await said('AA:BB')).toBe('cut off');
});
