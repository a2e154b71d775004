import { expect, test } from 'vitest';
import { demoControlDocument } from '../../../policies/control/demo.js';
import { serviceUserOf } from '../../../policies/control/service-users.js';

test('every team of the demo has a service user of its own', () => {
  const demo = demoControlDocument();
  const [account] = demo.accounts;
  const users = demo.teams.map((team) => account && serviceUserOf(account, team.id));
  expect(users).toContain('TOLLGATE_DATA_SCIENCE');
  expect(new Set(users).size).toBe(demo.teams.length);
});
