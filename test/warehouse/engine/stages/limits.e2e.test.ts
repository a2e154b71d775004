import { mkdtempSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { createEngine } from '../../../../warehouse/engine/create-engine.js';
import type { RunningEngine } from '../../../../warehouse/engine/create-engine.js';
import { failureOf, rowsOf } from '../support.js';
import { IN_D, locationOf, putFile } from './support.js';

const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-limits-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const open = (): Promise<RunningEngine> =>
  createEngine({
    dataDir,
    log: silentLog,
    demoWorld: false,
    stageLimits: { filesMax: 3, statementBytesMax: 1000 },
  });

test('caps hold, and a restart keeps stages and their files but nothing temporary', async () => {
  const first = await open();
  const session = await first.openSession();
  await rowsOf(session, 'CREATE DATABASE D');
  await rowsOf(session, 'CREATE STAGE s', IN_D);
  await putFile(session, '@s', 'small.csv', '1\n');
  await putFile(session, '@s', 'big.csv', '1,2,3\n'.repeat(200));
  await putFile(session, '@s', 'bomb.csv.gz', gzipSync('1,2,3\n'.repeat(20_000)));
  expect(await failureOf(session, 'PUT file:///x @s', IN_D)).toMatchObject({ code: '000002' });
  for (const file of ['big.csv', 'bomb.csv.gz'])
    expect(await failureOf(session, `SELECT $1 FROM @s/${file}`, IN_D)).toMatchObject({
      code: '000002',
    });
  expect((await rowsOf(session, 'SELECT $1 FROM @s/small.csv', IN_D)).rows).toEqual([['1']]);
  const many = `COPY INTO @~ FROM (SELECT 'x' FROM TABLE(GENERATOR(ROWCOUNT => 1000)))`;
  expect(await failureOf(session, many, IN_D)).toMatchObject({ code: '000002' });
  await rowsOf(session, 'CREATE TEMPORARY STAGE gone', IN_D);
  await putFile(session, '@gone', 'a.csv', '1\n');
  const temporary = await locationOf(session, '@gone');
  const { pid } = first;
  expect(pid).toBeDefined();
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  await first.stop();

  const second = await open();
  const later = await second.openSession();
  expect(existsSync(temporary)).toBe(false);
  expect(await failureOf(later, 'LIST @gone', IN_D)).toMatchObject({ code: '002003' });
  expect((await rowsOf(later, 'SELECT $1 FROM @s/small.csv', IN_D)).rows).toEqual([['1']]);
  await second.stop();
});
