/** The benchmark itself, with a program in place of `tollgate replay` that predicts a cent of everything. */
import { describe, expect, test } from 'vitest';
import { runEstimates } from '../../bench/estimates.js';
import type { EstimatesOptions } from '../../bench/estimates.js';
import { estimatesText } from '../../bench/estimates/page.js';

const STUB = `
const { readFileSync, writeFileSync } = require('node:fs');
const [file, ...options] = process.argv.slice(1);
const ids = readFileSync(file, 'utf8').match(/^01be[0-9a-f-]{32}(?=,)/gm);
const line = (id) => id + ',HISTORY,1,0.010000000000,1000.000000000000';
const header = 'query_id,basis,expected_seconds,expected_credits,hold_credits';
const isWhole = true;
const predicted = isWhole ? ids : ids.slice(0, ids.length / 2);
writeFileSync(options[options.indexOf('--predictions') + 1], [header, ...predicted.map(line)].join('\\n'));
const decisions = { allowed: ids.length, queued: 0, refused: 0, stopped: 0 };
console.log(JSON.stringify({ rows: ids.length, byBasis: [], decisions }));`;

function optionsWith(script: string): EstimatesOptions {
  return {
    profiles: ['drift'],
    seeds: [5],
    rows: 120,
    liveSeconds: 0,
    hasMillion: false,
    timedStatements: 0,
    replay: [process.execPath, '-e', script, '--'],
    log: () => undefined,
  };
}

describe('the benchmark of estimates', () => {
  test('joins what was predicted with what happened, by bar, basis and warehouse', async () => {
    const report = await runEstimates(optionsWith(STUB));
    const [run] = report.runs;
    expect(run).toMatchObject({ profile: 'drift', rows: 120, missing: 0 });
    expect(run?.judged.length).toBe(run?.measured);
    expect(run?.measured).toBeGreaterThan(20);
    const text = estimatesText(report);
    expect(text).toMatch(
      /\| drift \| repeated shapes, coverage of the 90 % hold \| 0.89–0.91 \| \S+ \| \*\*no\*\* \|/,
    );
    expect(text).toMatch(/\| drift \| unseen \| HISTORY \| \d+ \|/);
    expect(text).toMatch(/\| drift \| (?:unseen|repeated) \| BATCH_WH \| \d+ \|/);
    expect(text).toMatch(/^- Seeds 5, 120 statements a file;/m);
    expect(text).not.toContain('were not predicted');
  });

  test('says how many statements were not predicted', async () => {
    const report = await runEstimates(
      optionsWith(STUB.replace('isWhole = true', 'isWhole = false')),
    );
    expect(report.runs[0]?.missing).toBeGreaterThan(0);
    expect(estimatesText(report)).toMatch(/\*\*drift: \d+ of \d+ statements were not predicted/);
  });

  test('fails with the words of the program, and on an answer of another shape', async () => {
    const failing = optionsWith("console.error('no such column'); process.exit(1)");
    await expect(runEstimates(failing)).rejects.toThrow('replay ended with 1: no such column');
    const other = optionsWith("console.log(JSON.stringify({ rows: 'many' }))");
    await expect(runEstimates(other)).rejects.toThrow('replay answered in another shape');
  });
});
