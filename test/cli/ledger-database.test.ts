import { describe, expect, test } from 'vitest';
import { Fault } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Database } from '../../base/postgres/pool.js';
import { applicationNameOf, migrateOrExplain, startFailure } from '../../cli/ledger-database.js';
import { whyUnusable } from '../../cli/unusable-database.js';

test('a connection names the roles and the replica, within what Postgres keeps of a name', () => {
  expect(applicationNameOf(['proxy', 'admin', 'worker', 'warehouse'], 'gate-1:0a1b2c3d')).toBe(
    'tollgate proxy+admin+worker gate-1:0a1b2c3d',
  );
  const long = applicationNameOf(['proxy'], `${'x'.repeat(80)}gate-1:0a1b2c3d`);
  expect(long).toHaveLength(63);
  expect(long.endsWith('xgate-1:0a1b2c3d')).toBe(true);
});

test('a Postgres that cannot be used any more ends a start in words, and a bug as what it is', () => {
  const full = Object.assign(new Error('sorry, too many clients already'), { code: '53300' });
  const failure = startFailure(full);
  expect(failure).toBeInstanceOf(Fault);
  expect((failure as Fault).message).toBe(
    'Postgres could not be used while this process started: sorry, too many clients already. Raise max_connections of Postgres (or the limit of the role or database), or lower TOLLGATE_DATABASE_CONNECTIONS_MAX of each process.',
  );
  const bug = new TypeError('undefined is no function');
  expect(startFailure(bug)).toBe(bug);
});

describe('a Postgres that is not ours to start', () => {
  const log = createLog('silent');
  /** Nobody listens there: a migration that is tried says so. */
  const NOWHERE = 'postgres://u:hunter2@127.0.0.1:1/d';
  const answering = (row: object): Database =>
    ({ query: () => Promise.resolve({ rows: [row], rowCount: 1 }) }) as never;
  const failing = (error: Error): Database => ({ query: () => Promise.reject(error) }) as never;

  test('is not touched when it is too old, or when a pooler stands before it', async () => {
    const old = answering({ number: 140_023, name: '14.23' });
    await expect(migrateOrExplain(old, NOWHERE, log)).rejects.toThrow(
      /^Postgres is 14\.23 there\. Use PostgreSQL 15 or newer\.$/,
    );
    const right = { number: 150_018, name: '15.18', path: 'tollgate,public' };
    const pooled = answering({ ...right, mark: null });
    await expect(migrateOrExplain(pooled, NOWHERE, log)).rejects.toThrow(/^A pooler stands before/);
    // What is right goes on to be migrated.
    const session = answering({ ...right, mark: 'kept' });
    await expect(migrateOrExplain(session, NOWHERE, log)).rejects.toThrow(/nobody listens/);
  });

  test.each([
    ['28P01', 'refuses the user or its password (no), Mend them in'],
    ['42501', 'make or change our tables (no), Give the user CREATE'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'not trusted here (no), sslrootcert=/path/ca.pem'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'of another host name (no), Write the host'],
    ['CERT_HAS_EXPIRED', 'that has expired (no), Give the server a new one'],
    ['ENOENT', 'names is not there (no), Mend sslrootcert'],
  ])('%s is told with the way out that fits it', async (code, words) => {
    const failure = migrateOrExplain(
      failing(Object.assign(new Error('no'), { code })),
      NOWHERE,
      log,
    );
    for (const part of words.split(', ')) await expect(failure).rejects.toThrow(part);
    await expect(failure).rejects.not.toThrow('hunter2');
  });

  test('without TLS, and one that says what nobody knows', async () => {
    const plain = new Error('The server does not support SSL connections');
    await expect(migrateOrExplain(failing(plain), NOWHERE, log)).rejects.toThrow(/speaks no TLS/);
    expect(whyUnusable(new Error('else'))).toBeUndefined();
    await expect(migrateOrExplain(failing(new Error('else')), NOWHERE, log)).rejects.toThrow(
      /^else\. Check TOLLGATE_DATABASE_URL/,
    );
  });
});
