/** `tollgate serve --role proxy` in a process of its own, on a test's Postgres and warehouse. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { System } from './system.js';

export interface ProxyProcess {
  readonly process: ChildProcess;
  readonly url: string;
  readonly dataDir: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** For several that open each other's tokens. */
export const SHARED_KEYS: Readonly<Record<string, string>> = {
  TOLLGATE_SEAL_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
};

export async function startProxyProcess(
  system: System,
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ProxyProcess> {
  const child = spawn(process.execPath, ['bin/tollgate.js', 'serve', '--role', 'proxy'], {
    env: {
      ...environment(),
      TOLLGATE_DATA_DIR: dataDir,
      TOLLGATE_DATABASE_URL: system.database.ownerUrl,
      TOLLGATE_UPSTREAM: system.warehouseUrl,
      TOLLGATE_SERVICE_USER: system.service.user,
      TOLLGATE_SERVICE_PASSWORD: system.service.password,
      TOLLGATE_PROXY_PORT: '0',
      TOLLGATE_ADMIN_PORT: '0',
      TOLLGATE_LOG_LEVEL: 'error',
      // Every budget that is held against is leased.
      TOLLGATE_LEASE_FROM_PER_SECOND: '1',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-20_000);
      const port = /proxy\s+(http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(port);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code}: ${said}`)));
  });
  return {
    process: child,
    url,
    dataDir,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Without what a long run tells its tests: the program knows every setting that begins as its own do. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_LONG_')),
  );
}
