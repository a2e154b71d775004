import { expect, test } from 'vitest';
import { applicationNameOf } from '../../cli/ledger-database.js';

test('a connection names the roles and the replica, within what Postgres keeps of a name', () => {
  expect(applicationNameOf(['proxy', 'admin', 'worker', 'warehouse'], 'gate-1:0a1b2c3d')).toBe(
    'tollgate proxy+admin+worker gate-1:0a1b2c3d',
  );
  const long = applicationNameOf(['proxy'], `${'x'.repeat(80)}gate-1:0a1b2c3d`);
  expect(long).toHaveLength(63);
  expect(long.endsWith('xgate-1:0a1b2c3d')).toBe(true);
});
