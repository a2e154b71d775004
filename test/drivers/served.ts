/** One `tollgate serve`, as people start it, on free ports and a data directory of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './places.js';
import { tail } from './programs.js';

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 30_000;
const LOG_MAX = 256 * 1024;

export interface Served {
  readonly dataDir: string;
  /** 0 where the role is not among those it was started with. */
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly warehousePort: number;
  /** Warnings and errors that it has logged. */
  troubles(): readonly string[];
  stop(): Promise<void>;
}

/** Starts it under `folder`; rejects with the end of its output if it is not ready within two minutes. */
export async function startServed(
  folder: string,
  roles: readonly ('proxy' | 'admin' | 'worker' | 'warehouse')[],
  environment: Readonly<Record<string, string>>,
): Promise<Served> {
  const dataDir = path.join(folder, 'data');
  mkdirSync(folder, { recursive: true });
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_'));
  const script = path.join(ROOT, 'bin', 'tollgate.js');
  const child = spawn(process.execPath, [script, 'serve', '--role', roles.join(',')], {
    // A tollgate.yaml of the folder that this was started in is none of our business.
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      TOLLGATE_DATA_DIR: dataDir,
      TOLLGATE_PROXY_PORT: '0',
      TOLLGATE_ADMIN_PORT: '0',
      TOLLGATE_WAREHOUSE_PORT: '0',
      ...environment,
    },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_MAX);
  });
  try {
    const ports = await portsOf(child, roles, () => log);
    return { dataDir, ...ports, troubles: () => troubled(log), stop: () => ended(child) };
  } catch (thrown) {
    await ended(child);
    throw thrown;
  }
}

/** Where the embedded Postgres of a process listens, as the owner of the schema. */
export function databaseUrl({ dataDir }: Pick<Served, 'dataDir'>): string {
  const home = path.join(dataDir, 'postgres');
  const password = readFileSync(path.join(home, 'owner-password'), 'utf8').trim();
  const port = readFileSync(path.join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')[3] ?? '';
  return `postgres://tollgate:${password}@127.0.0.1:${port.trim()}/tollgate`;
}

type Ports = Pick<Served, 'proxyPort' | 'adminPort' | 'warehousePort'>;

function portsOf(child: ChildProcess, roles: readonly string[], log: () => string): Promise<Ports> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (what: string): void =>
      reject(new Error(`tollgate serve ${what}:\n${printed}${tail(log(), 20)}`));
    const timer = setTimeout(() => fail('was not ready in time'), START_LIMIT_MS);
    child.once('exit', (code) => fail(`ended with ${code}`));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const port = (name: string): number =>
        Number(new RegExp(`^  ${name} +https?://\\S+:(\\d+)`, 'm').exec(printed)?.[1] ?? 0);
      // The admin port has its line in every role.
      const awaited = ['admin', ...roles.filter((role) => role !== 'worker')];
      if (awaited.some((name) => port(name) === 0)) return;
      clearTimeout(timer);
      resolve({
        proxyPort: port('proxy'),
        adminPort: port('admin'),
        warehousePort: port('warehouse'),
      });
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exit;
  clearTimeout(timer);
}

// Levels of pino: 40 is a warning, 50 an error.
function troubled(log: string): readonly string[] {
  return log.split('\n').filter((line) => /^\{"level":[4-6]0,/.test(line));
}
