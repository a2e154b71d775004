import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { fingerprint } from '#policies/sql/fingerprint.js';
import { FINGERPRINT_VERSION } from '#policies/sql/fingerprint-version.js';

/** One statement of every kind that a shape is made differently of. Add none: another list has another hash. */
const STATEMENTS = [
  'SELECT a, \'x\', 1.5, -2, $1, ?, :name FROM "Db".s.t -- comment',
  'select * from t where a in (1, 2, 3) and b between 1 and 2 /* c */',
  "SELECT col:path.to[0]::NUMBER FROM t WHERE d = '2026-01-01'::DATE",
  "WITH c AS (SELECT 1) SELECT * FROM c UNION ALL SELECT * FROM IDENTIFIER('db.s.t')",
  "INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL)",
  'UPDATE t SET a = a + 1 WHERE b IS NOT NULL',
  'MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b',
  "COPY INTO t FROM @stage/path FILE_FORMAT = (TYPE = 'CSV')",
  'CREATE TABLE t AS SELECT * FROM s AT (OFFSET => -60)',
  "CALL proc('x', 1)",
  'SHOW TABLES ->> SELECT * FROM $1',
  'EXECUTE IMMEDIATE $$ BEGIN RETURN 1; END $$',
  'BEGIN; SELECT 1; COMMIT',
] as const;

/** What the statements' fingerprints hash to, by version. */
const KNOWN: Readonly<Record<number, string>> = {
  1: '5ed68cb59b49497662bf164594200256',
  2: '9d4f024464e13b5984ab0e98e411c1fe',
};

test('fingerprints stay what they are until their version rises, so that histories are never mixed', () => {
  const all = STATEMENTS.map((sql) => fingerprint(sql).hash);
  expect(new Set(all).size).toBe(STATEMENTS.length);
  const digest = createHash('sha256').update(all.join()).digest('hex').slice(0, 32);
  expect(digest, 'raise FINGERPRINT_VERSION and add its digest here').toBe(
    KNOWN[FINGERPRINT_VERSION],
  );
});
