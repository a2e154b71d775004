import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { createEngine } from '../../../warehouse/engine/create-engine.js';

/** A program that starts an engine, prints the id of its process and runs a statement without end. */
const HOLDER = `
  const { createEngine } = await import(process.argv[1]);
  const log = { error() {}, warn() {}, info() {}, debug() {}, child: () => log };
  const engine = await createEngine({ dataDir: process.argv[2], log, demoWorld: false });
  const session = await engine.openSession();
  const sql = 'select sum(a.x * b.x) from (select seq4() x from table(generator(rowcount => 10000000))) a, (select seq4() x from table(generator(rowcount => 10000000))) b';
  session.execute({ sql, database: null, schema: null, binds: [], context: {}, result: () => undefined }, new AbortController().signal);
  console.log(engine.pid);
  setTimeout(() => undefined, 60_000);
`;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a second engine on a directory is refused; the first ends with its killed parent, even in a query', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-engine-'));
  const built = new URL('../../../dist/warehouse/engine/create-engine.js', import.meta.url).href;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, built, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const enginePid = await new Promise<number>((resolve) =>
    createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line))),
  );
  expect(isAlive(enginePid)).toBe(true);
  await expect(createEngine({ dataDir, log: silentLog, demoWorld: false })).rejects.toThrow(
    'the embedded warehouse could not start: another process has its database open',
  );
  parent.kill('SIGKILL');
  // The lock goes with the process; where nobody reaps orphans its entry would stay.
  await expect
    .poll(
      async () => {
        const engine = await createEngine({ dataDir, log: silentLog, demoWorld: false }).catch(
          () => undefined,
        );
        await engine?.stop();
        return engine !== undefined;
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  rmSync(dataDir, { recursive: true, force: true });
});
