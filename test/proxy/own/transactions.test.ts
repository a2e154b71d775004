import { expect, test } from 'vitest';
import { transactionEffect } from '../../../proxy/own/transactions.js';

test.each([
  ['SELECT 1', null, null],
  ['BEGIN', 'opened', null],
  ['begin transaction;', 'opened', null],
  ['START TRANSACTION NAME T', 'opened', null],
  ['/* dbt */ COMMIT', null, 'closed'],
  ['ROLLBACK WORK', null, 'closed'],
  ['BEGIN; INSERT INTO T SELECT 1; COMMIT', 'opened', 'closed'],
  ['COMMIT; BEGIN', 'opened', null],
  ['ALTER SESSION SET AUTOCOMMIT = FALSE, QUERY_TAG = TRUE', 'manual', null],
  ['alter session /* JDBC */ set autocommit=true', null, 'automatic'],
  ['ALTER SESSION UNSET AUTOCOMMIT', 'manual', null],
  ["ALTER SESSION SET QUERY_TAG = 'begin'", null, null],
  ["EXECUTE IMMEDIATE 'BEGIN'", 'unclear', null],
  ['BEGIN LET X := 1; RETURN X; END', null, null],
  ['BEGIN BEGIN TRANSACTION; DELETE FROM T; COMMIT; END', 'unclear', null],
  ['SELECT "BEGIN" FROM T -- COMMIT', null, null],
  ["SELECT 'COMMIT'", null, null],
])('%s', (text, whenSent, whenSucceeded) => {
  expect(transactionEffect(text)).toEqual({ whenSent, whenSucceeded });
});
