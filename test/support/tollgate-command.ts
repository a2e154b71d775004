/** `bin/tollgate.js` as somebody types it beside a running system. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../drivers/places.js';
import type { Served } from '../drivers/served.js';

/**
 * Runs a command against `served`.
 * @param more settings beside where the system listens; an own one wins.
 * @returns what it printed. Rejects with `code`, `stdout` and `stderr` when it ends with another code than 0.
 */
export async function runTollgate(
  served: Served,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(ROOT, 'bin', 'tollgate.js'), ...args],
    {
      // A tollgate.yaml of the folder that this was started in is none of our business.
      cwd: served.dataDir,
      env: {
        ...Object.fromEntries(inherited),
        TOLLGATE_DATA_DIR: served.dataDir,
        TOLLGATE_PROXY_PORT: String(served.proxyPort),
        TOLLGATE_ADMIN_PORT: String(served.adminPort),
        TOLLGATE_WAREHOUSE_PORT: String(served.warehousePort),
        ...more,
      },
    },
  );
  return stdout;
}
