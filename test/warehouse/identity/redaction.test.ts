import { expect, test } from 'vitest';
import { withoutPasswords } from '../../../warehouse/identity/redaction.js';

test.each([
  [
    "CREATE USER A PASSWORD = 's3cret' COMMENT = 'x'",
    "CREATE USER A PASSWORD = '********' COMMENT = 'x'",
  ],
  [
    "alter user a set password='it''s', email='e'",
    "alter user a set password='********', email='e'",
  ],
  [
    'ALTER USER A SET PASSWORD /* new */ = $$s3cret$$',
    "ALTER USER A SET PASSWORD /* new */ = '********'",
  ],
  [
    "SELECT 1; ALTER USER A SET PASSWORD = 'open",
    "SELECT 1; ALTER USER A SET PASSWORD = '********'",
  ],
])('a password is not in the text that is kept: %s', (sql, kept) => {
  expect(withoutPasswords(sql)).toBe(kept);
});

test.each(["SELECT 'PASSWORD = ''x'''", "SELECT password FROM t WHERE a = 'b'", 'SELECT 1'])(
  'other texts stay as they are: %s',
  (sql) => {
    expect(withoutPasswords(sql)).toBe(sql);
  },
);
