import { expect, test } from 'vitest';
import { demoControlDocument } from '../../../policies/control/demo.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import { serviceUserOf } from '../../../policies/control/service-users.js';

function problemsOf(serviceUsers: readonly object[]): readonly string[] {
  const demo = demoControlDocument();
  const accounts = [{ id: 'demo', upstream: 'embedded', signIn: 'both', serviceUsers }];
  const parsed = parseControlDocument({ ...demo, accounts });
  return parsed.ok ? [] : parsed.problems.map(({ path, rule }) => `${path}: ${rule}`);
}

test('every team of the demo has a service user of its own', () => {
  const demo = demoControlDocument();
  const [account] = demo.accounts;
  const users = demo.teams.map((team) => account && serviceUserOf(account, team.id));
  expect(users).toContain('TOLLGATE_DATA_SCIENCE');
  expect(new Set(users).size).toBe(demo.teams.length);
});

test('two teams do not share a Snowflake user, in any case of its letters, and a team has one', () => {
  const marketing = { team: 'marketing', snowflakeUser: 'TG_M' };
  expect(problemsOf([marketing, { team: 'sales', snowflakeUser: 'TG_S' }])).toEqual([]);
  expect(problemsOf([marketing, { team: 'sales', snowflakeUser: 'tg_m' }])).toEqual([
    'accounts[0].serviceUsers[1].snowflakeUser: "tg_m" stands at accounts[0].serviceUsers[0].snowflakeUser already',
  ]);
  expect(problemsOf([marketing, { team: 'marketing', snowflakeUser: 'TG_N' }])).toEqual([
    'accounts[0].serviceUsers[1].team: "marketing" stands at accounts[0].serviceUsers[0].team already',
  ]);
});

test('a team that does not exist is named', () => {
  expect(problemsOf([{ team: 'nobody', snowflakeUser: 'X' }])).toEqual([
    'accounts[0].serviceUsers[0].team: "nobody" is no team of this document',
  ]);
});
