import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig, type Config, type Secrets } from '../../../base/config.js';
import { checkClock } from '../../../cli/examination/clock.js';
import * as machine from '../../../cli/examination/machine.js';

const GIB = 1024 ** 3;
const folders: string[] = [];
let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'tollgate-doctor-'));
  folders.push(dataDir);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function settings(environment: Record<string, string> = {}): { config: Config; secrets: Secrets } {
  const outcome = loadConfig({ environment });
  if ('problems' in outcome) throw new Error(outcome.problems.join('\n'));
  return outcome;
}

test.each([
  ['20.18.9', 'failed'],
  ['18.20.0', 'failed'],
  ['20.19.0', 'ok'],
  ['24.1.0', 'ok'],
])('Node %s is %s', (version, status) => {
  expect(machine.checkNode(version).status).toBe(status);
});

describe('the data directory', () => {
  test('is made where it is missing, and refused where it is a file', () => {
    expect(machine.checkDataDir(dataDir)).toMatchObject({ status: 'ok', says: dataDir });
    expect(machine.checkDataDir(path.join(dataDir, 'a', 'b'))).toMatchObject({
      status: 'ok',
      says: expect.stringContaining('will be made'),
    });
    writeFileSync(path.join(dataDir, 'file'), '');
    expect(machine.checkDataDir(path.join(dataDir, 'file'))).toMatchObject({ status: 'failed' });
  });

  test.each([
    [0.05 * GIB, 'failed'],
    [0.5 * GIB, 'note'],
    [5 * GIB, 'ok'],
  ])('with %d bytes left is %s', (freeBytes, status) => {
    expect(machine.checkDisk({ freeBytes, totalBytes: 100 * GIB }).status).toBe(status);
  });

  test('has room that can be read', () => {
    const facts = machine.readDisk(path.join(dataDir, 'not', 'yet'));
    expect(facts.freeBytes).toBeGreaterThan(0);
    expect(facts.totalBytes).toBeGreaterThanOrEqual(facts.freeBytes);
  });

  test('tells the size of its journal, and what was set aside as damaged', () => {
    expect(machine.checkJournal(machine.readJournal(dataDir))).toMatchObject({ status: 'ok' });
    mkdirSync(path.join(dataDir, 'journal'));
    writeFileSync(path.join(dataDir, 'journal', '1.journal'), 'x'.repeat(2048));
    expect(machine.checkJournal(machine.readJournal(dataDir))).toMatchObject({
      status: 'ok',
      says: '2.0 KiB of at most 1.0 GiB',
    });
    writeFileSync(path.join(dataDir, 'journal', '0.damaged'), '');
    expect(machine.checkJournal(machine.readJournal(dataDir))).toMatchObject({ status: 'note' });
    expect(machine.checkJournal({ bytes: 0.6 * GIB, damaged: [] })).toMatchObject({
      status: 'note',
      says: expect.stringContaining('outcomes wait for the ledger'),
    });
  });

  test('keeps secrets for their owner only', () => {
    expect(machine.checkKeptSecrets(dataDir)).toMatchObject({ status: 'ok', says: 'none yet' });
    const file = path.join(dataDir, 'admin-token');
    writeFileSync(file, 'hunter2', { mode: 0o600 });
    expect(machine.checkKeptSecrets(dataDir).status).toBe('ok');
    chmodSync(file, 0o640);
    const finding = machine.checkKeptSecrets(dataDir);
    expect(finding).toMatchObject({ status: 'failed', fix: expect.stringContaining('chmod 600') });
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });
});

describe('seal keys', () => {
  const KEY = Buffer.alloc(32, 7).toString('base64');

  test('of the settings are told by their ids, never by themselves', () => {
    const { secrets } = settings({ TOLLGATE_SEAL_KEYS: `new:${KEY},old:${KEY}` });
    const finding = machine.checkSealKeys(machine.readSealKeys(secrets, dataDir), true);
    expect(finding).toMatchObject({ status: 'ok', says: '2 set; new seals, all open' });
    expect(JSON.stringify(finding)).not.toContain(KEY.slice(0, 10));
  });

  test('of the data directory are fine alone, a note beside a shared database, and broken ones fail', () => {
    const { secrets } = settings();
    const check = (isShared: boolean) =>
      machine.checkSealKeys(machine.readSealKeys(secrets, dataDir), isShared).status;
    expect([check(false), check(true)]).toEqual(['ok', 'note']);
    writeFileSync(path.join(dataDir, 'seal-keys'), `first:${KEY}\n`);
    expect([check(false), check(true)]).toEqual(['ok', 'note']);
    writeFileSync(path.join(dataDir, 'seal-keys'), 'first:short\n');
    expect(check(false)).toBe('failed');
  });
});

describe('ports', () => {
  test('of another program fail with the variable to change; of a running Tollgate they are fine', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { config } = settings({
      TOLLGATE_PROXY_PORT: String(port),
      TOLLGATE_ADMIN_PORT: '0',
      TOLLGATE_WAREHOUSE_PORT: '0',
    });
    const [stranger] = await machine.checkPorts(config, false);
    expect(stranger).toMatchObject({
      check: 'proxy port',
      status: 'failed',
      fix: expect.stringContaining('TOLLGATE_PROXY_PORT'),
    });
    const own = await machine.checkPorts(config, true);
    expect(own.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    await new Promise((resolve) => server.close(resolve));
  });
});

test.each([
  [0, 0, 'ok', 'agree to 1 s'],
  [4_000, 0, 'ok', 'agree to 4 s'],
  [8_000, 4_000, 'ok', 'agree to 8 s'],
  [-8_000, 100, 'note', '7.9 s behind the database'],
  [59_000, 0, 'note', '59.0 s ahead of the database'],
  [61_000, 500, 'failed', '60.5 s ahead of the database'],
  [-7_200_000, 0, 'failed', '7200.0 s behind the database'],
])('a clock %d ms off, exact to %d, is %s', (skewMs, exactToMs, status, says) => {
  const finding = checkClock('Database', 'clock', 'the database', { skewMs, exactToMs });
  expect(finding).toMatchObject({ status, says: expect.stringContaining(says) });
});
