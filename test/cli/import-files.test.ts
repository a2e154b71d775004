import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { USAGE_VIEWS } from '../../billing/usage/read-views.js';
import type { AdminClient } from '../../cli/admin-client.js';
import { exportsOf, sendFiles } from '../../cli/verbs/import-files.js';
import { runUnload, unloadSql } from '../../cli/verbs/import-unload.js';
import { VerbError } from '../../cli/verb-error.js';
import { recordedTerminal } from './recorded-terminal.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-exports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), 'A\n1\n');
  }
}

const found = (given: string): readonly string[] =>
  exportsOf(given, undefined).files.map(
    (file) => `${file.view} ${path.relative(folder, file.path)}`,
  );

/** Answers uploads; of one whose path has `refused` by a refusal. */
function api(refused: string, sent: string[]): AdminClient {
  return {
    upload: (apiPath: string) => {
      sent.push(apiPath);
      if (apiPath.includes(refused)) return Promise.reject(new VerbError('row 3: is bad.'));
      return Promise.resolve(
        JSON.stringify({
          request: { id: '7', rowsWritten: 0, file: { rows: 0 } },
          leftOutRows: 0,
          waitingFigures: 0,
          unreadColumns: [],
          absentColumns: [],
        }),
      );
    },
  } as unknown as AdminClient;
}

test('files of a folder are those named by views, and those in folders named by views; the rest is told', () => {
  put('warehouse_metering_history.csv', 'QUERY_HISTORY_0_0_0.snappy.parquet', 'notes.zip');
  put('query_history/data_0_0_1.csv.gz', 'query_history/data_0_0_0.csv.gz', 'sessions/_SUCCESS');
  put('other/query_history.csv');
  expect(found(folder)).toEqual([
    'QUERY_HISTORY QUERY_HISTORY_0_0_0.snappy.parquet',
    'QUERY_HISTORY query_history/data_0_0_0.csv.gz',
    'QUERY_HISTORY query_history/data_0_0_1.csv.gz',
    'WAREHOUSE_METERING_HISTORY warehouse_metering_history.csv',
  ]);
  expect(exportsOf(folder, undefined).left).toEqual(['notes.zip', 'other', 'sessions/_SUCCESS']);
  // The folder of one view alone.
  expect(found(path.join(folder, 'query_history'))).toHaveLength(2);
});

test('a file that tells no view, and a folder without files, are refused with the way out', () => {
  put('data_0_0_0.csv', 'empty/notes.zip');
  expect(() => exportsOf(folder, undefined)).toThrow(
    /data_0_0_0\.csv is not named by a view; name it such as query_history\.csv, put it into a folder/,
  );
  expect(() => exportsOf(path.join(folder, 'empty'), undefined)).toThrow(/has no \.csv/);
  expect(() => exportsOf(folder, 'SESSIONS')).toThrow(/--view is for a single file/);
  expect(exportsOf(path.join(folder, 'data_0_0_0.csv'), 'sessions').files).toMatchObject([
    { view: 'SESSIONS' },
  ]);
});

test('a file that is refused says which were imported before it, which were not sent, and what to do', async () => {
  put('query_history.csv', 'sessions.csv', 'warehouse_events_history.csv', 'notes.zip');
  const terminal = recordedTerminal();
  const sent: string[] = [];
  const client = api('WAREHOUSE_EVENTS', sent);
  const refused = sendFiles(client, terminal, exportsOf(folder, undefined), {});
  await expect(refused).rejects.toThrow(
    /^row 3: is bad\.\n {2}1 of 3 files were imported before it; not sent: sessions\.csv\. Send the folder again/,
  );
  expect(sent).toHaveLength(2);
  expect(terminal.err()).toMatch(/^Not sent, as they end in none of .*: notes\.zip\.$/);
  expect(terminal.out()).toContain('It has names of columns and no rows.');
});

test('rows that a file must have are asked of one file', async () => {
  put('query_history.csv', 'sessions.csv');
  const sent: string[] = [];
  const terminal = recordedTerminal();
  const all = exportsOf(folder, undefined);
  await expect(sendFiles(api('-', sent), terminal, all, { rows: '5' })).rejects.toThrow(/--rows/);
  const one = exportsOf(path.join(folder, 'sessions.csv'), undefined);
  expect(await sendFiles(api('-', sent), terminal, one, { rows: '5', account: 'a' })).toBe('7');
  expect(sent).toEqual([expect.stringMatching(/view=SESSIONS.*account=a&rows=5/)]);
});

test('what unloads the views asks each for what the import would, in files that are named by it', () => {
  const sql = unloadSql({ startsAt: Date.UTC(2026, 9, 1), endsAt: Date.UTC(2026, 10, 1) });
  expect(sql.match(/COPY INTO @~\/tollgate\/(\w+) FROM/g)).toHaveLength(USAGE_VIEWS.length);
  expect(sql).toContain("ALTER SESSION SET TIMEZONE = 'UTC';");
  expect(sql).toMatch(
    /COPY INTO @~\/tollgate\/WAREHOUSE_METERING_HISTORY FROM \(\n {2}SELECT .*DATE_PART\(EPOCH_MILLISECOND, v\.START_TIME\) AS START_TIME.* FROM SNOWFLAKE\.ACCOUNT_USAGE\.WAREHOUSE_METERING_HISTORY AS v WHERE v\.START_TIME >= '2026-10-01 00:00:00\.000 \+0000'::TIMESTAMP_TZ/,
  );
  const terminal = recordedTerminal();
  expect(runUnload(terminal, '2026-10-01', Date.UTC(2026, 10, 1))).toBe(0);
  expect(terminal.out()).toBe(sql);
  expect(() => runUnload(terminal, 'soon', 0)).toThrow(/--from must be an instant in the past/);
});
