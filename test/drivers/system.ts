/** The whole system as people start it, `tollgate serve`, on free ports and a data directory of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './places.js';
import { tail } from './programs.js';

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 30_000;
const LOG_MAX = 256 * 1024;

export interface ServedSystem {
  readonly proxyPort: number;
  readonly warehousePort: number;
  /** Warnings and errors that the system has logged. */
  troubles(): readonly string[];
  stop(): Promise<void>;
}

/** Starts it; rejects with the end of its output if it is not ready within two minutes. */
export async function serveSystem(): Promise<ServedSystem> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tollgate-drivers-data-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_'));
  const child = spawn(process.execPath, [path.join(ROOT, 'bin', 'tollgate.js'), 'serve'], {
    // A tollgate.yaml of the folder that this was started in is none of our business.
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      TOLLGATE_DATA_DIR: path.join(dataDir, 'data'),
      TOLLGATE_PROXY_PORT: '0',
      TOLLGATE_ADMIN_PORT: '0',
      TOLLGATE_WAREHOUSE_PORT: '0',
    },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_MAX);
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const { proxyPort, warehousePort } = await ports(child, () => log);
    return { proxyPort, warehousePort, troubles: () => troubled(log), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function ports(
  child: ChildProcess,
  log: () => string,
): Promise<{ readonly proxyPort: number; readonly warehousePort: number }> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (what: string): void =>
      reject(new Error(`tollgate serve ${what}:\n${printed}${tail(log(), 20)}`));
    const timer = setTimeout(() => fail('was not ready in time'), START_LIMIT_MS);
    child.once('exit', (code) => fail(`ended with ${code}`));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const port = (name: string): number =>
        Number(new RegExp(`^  ${name} +http://\\S+:(\\d+)`, 'm').exec(printed)?.[1] ?? 0);
      if (port('proxy') === 0 || port('warehouse') === 0) return;
      clearTimeout(timer);
      resolve({ proxyPort: port('proxy'), warehousePort: port('warehouse') });
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
