import { expect, test } from 'vitest';
import type { AdminClient } from '../../cli/admin-client.js';
import { runStatus, type ImportStatus } from '../../cli/verbs/import-status.js';
import { recordedTerminal } from './recorded-terminal.js';

const AT = '2026-10-02T08:00:00Z';
const STATUS: ImportStatus = {
  views: [
    {
      account: 'closed',
      view: 'EVERY VIEW',
      readTo: null,
      problem: 'the service user TOLLGATE could not sign in',
      wayOut: 'tollgate doctor says what the service user lacks',
      file: null,
    },
    {
      account: 'files',
      view: 'QUERY_ATTRIBUTION_HISTORY',
      readTo: null,
      problem: null,
      wayOut: null,
      file: { name: 'a.csv', rows: 3, givenAt: AT },
    },
    { account: 'read', view: 'SESSIONS', readTo: AT, problem: null, wayOut: null, file: null },
  ],
  waiting: [
    {
      account: 'files',
      figures: 2,
      credits: '1.25',
      firstEndedAt: '2026-10-01T00:00:00Z',
      lastEndedAt: AT,
      wayOut: 'import QUERY_HISTORY from 2026-10-01 on',
    },
  ],
};
const client = {
  call: () => Promise.resolve(JSON.stringify(STATUS)),
} as unknown as AdminClient;

test('what is read, given in files, not read and waiting is told by account', async () => {
  const terminal = recordedTerminal();
  expect(await runStatus(client, terminal, {})).toBe(1);
  expect(terminal.out()).toBe(`closed

EVERY VIEW is not read: the service user TOLLGATE could not sign in
  tollgate doctor says what the service user lacks

files
view                       read to  last file
─────────────────────────  ───────  ───────────────────────────────────
QUERY_ATTRIBUTION_HISTORY  never    a.csv, 3 rows, 2026-10-02T08:00:00Z

2 figures of Snowflake's own, 1.25 credits, wait for statements that are not imported (ended 2026-10-01T00:00:00Z to 2026-10-02T08:00:00Z).
  import QUERY_HISTORY from 2026-10-01 on

read
view      read to
────────  ────────────────────
SESSIONS  2026-10-02T08:00:00Z`);
});

test('of one account that alone, and well when nothing of it is amiss', async () => {
  const terminal = recordedTerminal();
  expect(await runStatus(client, terminal, { account: 'read' })).toBe(0);
  expect(terminal.out()).toMatch(/^read\nview {6}read to\n─+ {2}─+\nSESSIONS/);
  const other = recordedTerminal();
  expect(await runStatus(client, other, { account: 'none' })).toBe(0);
  expect(other.out()).toBe('Nothing is imported yet.');
});
