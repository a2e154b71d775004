import { expect, test } from 'vitest';
import { sessionChanges } from '../../../proxy/identity/session-effects.js';
import type { ScannedReply } from '../../../proxy/wire/reply-scanner.js';

function reply(data: Record<string, unknown> = {}, success = true): ScannedReply {
  return { isComplete: true, top: { success }, data };
}

test('where a session stands is read from the reply', () => {
  expect(
    sessionChanges(
      'USE ROLE x',
      reply({
        finalRoleName: 'R',
        finalWarehouseName: '',
        finalDatabaseName: null,
        finalSchemaName: 'S',
      }),
    ),
  ).toEqual({ role: 'R', warehouse: null, database: null, schema: 'S' });
  expect(sessionChanges('SELECT 1', reply({ finalRoleName: 7 }))).toEqual({});
});

test('a failed statement changes nothing', () => {
  expect(
    sessionChanges("ALTER SESSION SET QUERY_TAG = 'a'", reply({ finalRoleName: 'R' }, false)),
  ).toEqual({});
  expect(sessionChanges('USE ROLE x', { isComplete: false, top: {}, data: {} })).toEqual({});
});

test.each([
  ["ALTER SESSION SET QUERY_TAG = 'it''s'", { queryTag: "it's" }],
  [
    "alter /* x */ session set query_tag='a' statement_timeout_in_seconds = 30",
    { queryTag: 'a', statementTimeoutSeconds: 30 },
  ],
  [
    'ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 0, QUERY_TAG=$$b$$',
    { statementTimeoutSeconds: null, queryTag: 'b' },
  ],
  ["ALTER SESSION SET QUERY_TAG = ''", { queryTag: null }],
  ["ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = '60'", { statementTimeoutSeconds: 60 }],
  [
    'ALTER SESSION UNSET QUERY_TAG, STATEMENT_TIMEOUT_IN_SECONDS',
    { queryTag: null, statementTimeoutSeconds: null },
  ],
  ["ALTER SESSION SET TIMEZONE = 'America/Los_Angeles'", { timeZone: 'America/Los_Angeles' }],
  [
    "alter session set timezone='Etc/GMT+12' query_tag='a'",
    { timeZone: 'Etc/GMT+12', queryTag: 'a' },
  ],
  ['ALTER SESSION UNSET TIMEZONE', { timeZone: null }],
  ["SELECT 'ALTER SESSION SET QUERY_TAG = 1'", {}],
  // What can be no name of a zone is not known.
  ["ALTER SESSION SET TIMEZONE = 'QUERY_TAG = 5'", { timeZone: null }],
  ["-- ALTER SESSION SET QUERY_TAG = 'x'", {}],
  // Of several statements in one text every one, and nothing but those.
  [
    "SELECT 1; ALTER SESSION SET TIMEZONE = 'UTC'; ALTER SESSION UNSET QUERY_TAG",
    { timeZone: 'UTC', queryTag: null },
  ],
  [
    "ALTER SESSION SET TIMEZONE = 'UTC'; SELECT * FROM t WHERE QUERY_TAG = 'a'",
    { timeZone: 'UTC' },
  ],
  ["ALTER SESSION SET QUERY_TAG = 'a'; ALTER SESSION SET QUERY_TAG = 'b';", { queryTag: 'b' }],
  ['ALTER SESSION SET', {}],
  ['ALTER SESSION SET QUERY_TAG =', {}],
])('%s', (sqlText, expected) => {
  expect(sessionChanges(sqlText, reply())).toEqual(expected);
});
