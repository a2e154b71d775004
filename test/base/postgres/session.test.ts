import { expect, test } from 'vitest';
import { connectionOf } from '#base/postgres/session.js';

test('options of the address stand before ours, which are the last word', () => {
  const address =
    'postgres://u:p%40ss@db:5433/ledger?sslmode=require&options=endpoint%3Dx+-c%20search_path%3Dpublic';
  const { connectionString, options } = connectionOf(address, 'application');
  expect(connectionString).toBe('postgres://u:p%40ss@db:5433/ledger?sslmode=require');
  expect(options).toMatch(/^endpoint=x -c search_path=public -c search_path=tollgate,public /);
  expect(options).toContain('-c default_transaction_isolation=read\\ committed');
  expect(options).not.toContain('statement_timeout');
});

test('a migration has no time-outs', () => {
  const { options } = connectionOf('postgres://db/ledger', 'migration');
  expect(options).toContain('-c statement_timeout=0');
  expect(options).toContain('-c lock_timeout=0');
});
