import { expect, test } from 'vitest';
import { Fault } from '../../base/errors.js';
import { applicationNameOf, startFailure } from '../../cli/ledger-database.js';

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
