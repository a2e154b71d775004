import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { startEmbeddedPostgres } from '../../../base/postgres/launcher.js';
import { openTestPool } from '../../support/database.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'tollgate-launcher-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const running = new AbortController().signal;

test('what was written is there after a stop and a second start', async () => {
  const options = { dataDir: directory, log: silentLog, durable: false };
  const first = await startEmbeddedPostgres(options);
  const owner = openTestPool(first.ownerUrl, 1);
  await owner.query('CREATE TABLE kept AS SELECT 7 AS n');
  await owner.query('GRANT SELECT ON kept TO tollgate_app');
  await owner.stop();
  await first.stop(running);
  const second = await startEmbeddedPostgres(options);
  const app = openTestPool(second.appUrl, 1);
  expect((await app.query('SELECT n FROM kept')).rows).toEqual([{ n: 7 }]);
  await app.stop();
  await second.stop(running);
});
