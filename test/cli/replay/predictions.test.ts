/** The file of predictions: whole or not there, exact, quoted. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_CREDITS } from '../../../base/units.js';
import { openPredictions, type Prediction } from '../../../cli/replay/predictions.js';
import { credits } from '../../support/builders.js';
import { createTestFolder, type TestFolder } from './exports.js';

let folder: TestFolder;
beforeEach(() => {
  folder = createTestFolder();
});
afterEach(() => folder.remove());

const aPrediction = (changes: Partial<Prediction> = {}): Prediction => ({
  queryId: 'q1',
  basis: 'HISTORY',
  expectedSeconds: 1.5,
  expectedCredits: credits('0.000000000001'),
  holdCredits: credits('2.5'),
  ...changes,
});

test('rows are written with exact credits and plain seconds', async () => {
  const file = path.join(folder.path, 'out.csv');
  const writer = await openPredictions(file);
  await writer.write([
    aPrediction(),
    aPrediction({ queryId: 'a,"b"\n', basis: 'GUESS', expectedSeconds: 1e-7 }),
    aPrediction({ expectedSeconds: 100, expectedCredits: NO_CREDITS }),
  ]);
  await writer.write([
    aPrediction({ basis: '', expectedSeconds: null, expectedCredits: null, holdCredits: null }),
  ]);
  expect(readdirSync(folder.path)).not.toContain('out.csv');
  expect(await writer.finish()).toBe(4);
  expect(readdirSync(folder.path)).toEqual(['out.csv']);
  expect(readFileSync(file, 'utf8')).toBe(
    [
      'query_id,basis,expected_seconds,expected_credits,hold_credits',
      'q1,HISTORY,1.5,0.000000000001,2.500000000000',
      '"a,""b""\n",GUESS,0,0.000000000001,2.500000000000',
      'q1,HISTORY,100,0.000000000000,2.500000000000',
      'q1,,,,',
      '',
    ].join('\n'),
  );
});

test('many rows are all there', async () => {
  const file = path.join(folder.path, 'out.csv');
  const writer = await openPredictions(file);
  for (let batch = 0; batch < 20; batch += 1)
    await writer.write(
      Array.from({ length: 1_000 }, (_, row) =>
        aPrediction({ queryId: `q${batch * 1_000 + row}` }),
      ),
    );
  await writer.finish();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(20_001);
  expect(lines.at(-1)).toBe('q19999,HISTORY,1.5,0.000000000001,2.500000000000');
});

test('a replay that is given up leaves the file that was there, and nothing else', async () => {
  const file = folder.write('out.csv', 'before');
  const writer = await openPredictions(file);
  await writer.write([aPrediction()]);
  await writer.abandon();
  expect(readdirSync(folder.path)).toEqual(['out.csv']);
  expect(readFileSync(file, 'utf8')).toBe('before');
});

test('a file that was there is replaced, behind a link too', async () => {
  const file = folder.write('real.csv', 'before');
  const link = path.join(folder.path, 'link.csv');
  symlinkSync(file, link);
  const writer = await openPredictions(link);
  await writer.finish();
  await writer.abandon();
  expect(readFileSync(file, 'utf8')).toMatch(/^query_id,basis/);
  expect(readdirSync(folder.path).sort()).toEqual(['link.csv', 'real.csv']);
});

test('where no file can be, that is said before the replay begins', async () => {
  const nested = path.join(folder.path, 'folder');
  mkdirSync(nested);
  const refusals: readonly (readonly [string, string])[] = [
    [nested, 'is a folder; name a file in it'],
    [`${nested}/`, 'names no file'],
    ['', 'names no file'],
    [path.join(folder.path, 'no/such/out.csv'), 'the folder that should hold it does not exist'],
    ['/dev/null', 'not a regular file'],
  ];
  for (const [file, reason] of refusals)
    await expect(openPredictions(file)).rejects.toMatchObject({
      name: 'VerbError',
      exitCode: 2,
      message: expect.stringContaining(reason) as unknown,
    });
});
