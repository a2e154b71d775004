/** The doctor against a running system, by password and by key pair: every part is reached, and no secret is told. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { connectService } from '../../base/snowflake/service-connection.js';
import type { Finding } from '../../cli/examination/finding.js';
import { main } from '../../cli/main.js';
import { recordedTerminal } from '../cli/recorded-terminal.js';
import { ADMIN_TOKEN, startSystem, type System } from './support/system.js';

const SEAL_KEY = Buffer.alloc(32, 7).toString('base64');
const PASSPHRASE = 'open sesame 4711';
let system: System;
let secrets: string[];

beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  const port = (url: string): string => new URL(url).port;
  vi.stubEnv('TOLLGATE_CONFIG', '');
  vi.stubEnv('TOLLGATE_DATA_DIR', system.dataDir);
  vi.stubEnv('TOLLGATE_DATABASE_URL', system.database.url);
  vi.stubEnv('TOLLGATE_UPSTREAM', system.warehouseUrl);
  vi.stubEnv('TOLLGATE_PROXY_PORT', port(system.proxyUrl));
  vi.stubEnv('TOLLGATE_ADMIN_PORT', port(system.adminUrl));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', ADMIN_TOKEN);
  vi.stubEnv('TOLLGATE_SEAL_KEYS', `test:${SEAL_KEY}`);
  vi.stubEnv('TOLLGATE_SERVICE_USER', system.service.user);
  secrets = [
    ADMIN_TOKEN,
    SEAL_KEY,
    PASSPHRASE,
    system.service.password,
    new URL(system.database.url).password,
    'PRIVATE KEY',
  ];
});
afterEach(() => vi.unstubAllEnvs());

async function doctor(...args: string[]): Promise<{ code: number; out: string }> {
  const terminal = recordedTerminal();
  const code = await main(['doctor', ...args], terminal);
  const out = terminal.out() + terminal.err();
  for (const secret of secrets) expect(out).not.toContain(secret);
  return { code, out };
}

async function statuses(): Promise<{ code: number; found: Record<string, Finding> }> {
  const { code, out } = await doctor('--json');
  const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] };
  return { code, found: Object.fromEntries(findings.map((each) => [each.check, each])) };
}

const WHOLE = [
  'database',
  'rights',
  'in force',
  'upstream',
  'sign-in',
  'evidence',
  'cancelling',
  'governed probe',
];

test('a system that runs is healthy from database to governed probe, by password', async () => {
  vi.stubEnv('TOLLGATE_SERVICE_PASSWORD', system.service.password);
  const { code, found } = await statuses();
  expect(Object.values(found).filter(({ status }) => status === 'failed')).toEqual([]);
  expect(code).toBe(0);
  for (const check of WHOLE) expect([check, found[check]?.status]).toEqual([check, 'ok']);
});

test('and by an encrypted key pair, as people read it', async () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = join(system.dataDir, 'service.p8');
  const sealed = {
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  } as const;
  writeFileSync(file, pair.privateKey.export(sealed), { mode: 0o600 });
  const connection = await connectService({
    origin: system.warehouseUrl,
    account: 'demo',
    ...system.service,
  });
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  await connection.query(`ALTER USER ${system.service.user} SET RSA_PUBLIC_KEY = '${publicKey}'`);
  await connection.close();
  vi.stubEnv('TOLLGATE_SERVICE_PRIVATE_KEY_FILE', file);
  vi.stubEnv('TOLLGATE_SERVICE_PRIVATE_KEY_PASSPHRASE', PASSPHRASE);
  const { code, out } = await doctor();
  expect(out).toMatch(/✓ private key of demo/);
  expect(out).toMatch(/✓ governed probe +signed in/);
  expect(out).toContain('nothing failed');
  expect(code).toBe(0);
});

test('a wrong password is told once and tried once, and nothing else suffers', async () => {
  vi.stubEnv('TOLLGATE_SERVICE_PASSWORD', 'wrong-password-9');
  secrets.push('wrong-password-9');
  const { code, found } = await statuses();
  expect(code).toBe(1);
  expect(
    Object.values(found)
      .filter(({ status }) => status === 'failed')
      .map(({ check }) => check),
  ).toEqual(['sign-in']);
  expect(found['governed probe']?.status).toBe('skipped');
});

test('without a service user the probe is skipped and the rest is looked at', async () => {
  vi.stubEnv('TOLLGATE_SERVICE_USER', undefined);
  const { code, found } = await statuses();
  expect(code).toBe(0);
  expect(found['governed probe']?.status).toBe('skipped');
  expect(found['sign-in']?.status).toBe('note');
});
