import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_RESULT_LIMITS, ResultSpool } from '../../../warehouse/results/spool.js';
import type { ResultLimits, WrittenResult } from '../../../warehouse/results/spool.js';
import { isKept, pageRows } from '../../../warehouse/results/stored-result.js';

let directory: string;
let now = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollgate-spool-'));
  now = 1_000_000;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (limits: Partial<ResultLimits>): ResultSpool =>
  new ResultSpool(directory, { ...DEFAULT_RESULT_LIMITS, ...limits }, () => now);

const row = (n: number): string => JSON.stringify([String(n), 'x'.repeat(20)]);

/** Rows that gzip cannot shrink much, so that bytes on disk can be counted on. */
const noise = (n: number): string =>
  JSON.stringify([
    Array.from({ length: 50 }, (_, at) => (n * 7919 + at * at * 104_729) % 9973).join(),
  ]);

function write(spool: ResultSpool, texts: readonly string[]): WrittenResult | undefined {
  const writer = spool.begin();
  for (const text of texts)
    if (!writer.add(text)) {
      writer.discard();
      return undefined;
    }
  return writer.finish();
}

const rows = (count: number, make = row): string[] =>
  Array.from({ length: count }, (_, n) => make(n));

describe('the spool', () => {
  test('keeps a small result inline and writes nothing', () => {
    const written = write(open({ inlineBytes: 1000 }), rows(3));
    expect(written).toEqual({ rowTexts: rows(3) });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('writes what does not fit inline in pages that read back as the same rows, in order', async () => {
    const written = write(open({ inlineBytes: 100, pageBytes: 500 }), rows(100));
    const stored = written?.stored;
    expect(written?.rowTexts).toEqual(rows(100).slice(0, 3));
    expect(stored?.rowCount).toBe(97);
    expect(stored?.pages.length).toBeGreaterThan(5);
    const read = await Promise.all((stored?.pages ?? []).map((page) => pageRows(page)));
    expect(read.flatMap((page) => page ?? []).map((cells) => JSON.stringify(cells))).toEqual(
      rows(100).slice(3),
    );
    const counted = stored?.pages.reduce((sum, page) => sum + page.rowCount, 0);
    expect(counted).toBe(97);
  });

  test('has the first row inline however large it is', () => {
    const written = write(open({ inlineBytes: 1 }), rows(2));
    expect(written?.rowTexts).toEqual([row(0)]);
    expect(written?.stored?.rowCount).toBe(1);
  });

  test('refuses a result above the limit of one, and leaves nothing of it', () => {
    const spool = open({ inlineBytes: 10, pageBytes: 100, resultBytesMax: 2000 });
    expect(write(spool, rows(100))).toBeUndefined();
    expect([spool.bytes, readdirSync(directory)]).toEqual([0, []]);
  });

  test('makes room on disk with the oldest results, and never above its limit', async () => {
    const spool = open({ inlineBytes: 10, pageBytes: 2000, spoolBytesMax: 20_000 });
    const kept = Array.from({ length: 12 }, () => write(spool, rows(40, noise))?.stored);
    expect(spool.bytes).toBeLessThanOrEqual(20_000);
    const alive = await Promise.all(
      kept.map(async (stored) => stored !== undefined && (await isKept(stored))),
    );
    expect(alive.at(-1)).toBe(true);
    expect(alive[0]).toBe(false);
    expect(alive.slice(alive.indexOf(true))).not.toContain(false);
  });

  test('refuses a result that finds no room even alone', () => {
    const spool = open({ inlineBytes: 10, pageBytes: 2000, spoolBytesMax: 3000 });
    expect(write(spool, rows(200, noise))).toBeUndefined();
    expect(spool.bytes).toBe(0);
  });

  test('never takes the pages of a result that is still being written', () => {
    const spool = open({ inlineBytes: 10, pageBytes: 1000, spoolBytesMax: 6000 });
    const writer = spool.begin();
    for (const text of rows(20, noise)) expect(writer.add(text)).toBe(true);
    expect(write(spool, rows(200, noise))).toBeUndefined();
    const stored = writer.finish()?.stored;
    expect(stored?.pages.every(({ path }) => existsSync(path))).toBe(true);
  });

  test('gives results up at their age, and on demand; a page that is gone reads as none', async () => {
    const spool = open({ inlineBytes: 10, pageBytes: 500, keptMs: 1000 });
    const first = write(spool, rows(30))?.stored;
    now += 600;
    const second = write(spool, rows(30))?.stored;
    now += 600;
    spool.sweep();
    if (first === undefined || second === undefined) throw new Error('nothing was stored');
    expect([await isKept(first), await isKept(second)]).toEqual([false, true]);
    expect(await pageRows(first.pages[0]!)).toBeUndefined();
    spool.drop(second.id);
    spool.drop(second.id);
    expect([spool.bytes, readdirSync(directory)]).toEqual([0, []]);
  });

  test('is empty when it is opened', () => {
    writeFileSync(join(directory, 'left by an earlier process'), 'x');
    open({});
    expect(readdirSync(directory)).toEqual([]);
  });
});
