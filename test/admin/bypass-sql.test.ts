import { expect, test } from 'vitest';
import { closingStatements, problemOfAddress } from '../../admin/api/bypass-sql.js';

const of = (...users: readonly (string | null)[]): readonly { snowflakeUser: string | null }[] =>
  users.map((snowflakeUser) => ({ snowflakeUser }));

test('the policy holds exactly the addresses that were asked for, also where an earlier run made one', () => {
  expect(
    closingStatements(of('EVE', 'bob "b"', 'EVE', null), [
      '203.0.113.10/32',
      '203.0.113.10/32',
      '198.51.100.0/24',
    ]),
  ).toEqual([
    "CREATE OR ALTER NETWORK POLICY TOLLGATE_ONLY ALLOWED_IP_LIST = ('203.0.113.10/32', '198.51.100.0/24');",
    'ALTER USER "EVE" SET NETWORK_POLICY = TOLLGATE_ONLY;',
    'ALTER USER "bob ""b""" SET NETWORK_POLICY = TOLLGATE_ONLY;',
  ]);
});

test('without an address it is a text that Snowflake does not run', () => {
  expect(closingStatements(of('EVE'), [])[0]).toContain("('<address of Tollgate>/32')");
});

test('nobody past Tollgate, or nobody whose name is known, has no statement', () => {
  expect(closingStatements([], ['203.0.113.10/32'])).toEqual([]);
  expect(closingStatements(of(null), ['203.0.113.10/32'])).toEqual([]);
});

test('whom no statement closes the way for is told, not dropped: tasks, unspellable names, more users than are shown', () => {
  expect(closingStatements(of('SYSTEM'), [])).toEqual([
    expect.stringMatching(/^-- SYSTEM is no user: tasks run inside Snowflake/),
  ]);
  const many = Array.from({ length: 203 }, (_, at) => `U${String(at).padStart(3, '0')}`);
  const sql = closingStatements(of(...many, 'a\nDROP', 'SYSTEM'), ['203.0.113.10/32']);
  expect(sql).toHaveLength(1 + 200 + 3);
  expect(sql.slice(-3)).toEqual([
    expect.stringMatching(/^-- 3 more users came another way/),
    expect.stringMatching(/^-- 1 users have control characters/),
    expect.stringMatching(/^-- SYSTEM is no user/),
  ]);
  expect(sql.join('\n')).not.toContain('DROP');
});

test('an address that Snowflake refuses, or that lets everybody in, is refused by its rule', () => {
  expect(problemOfAddress('203.0.113.10/32')).toBeUndefined();
  expect(problemOfAddress('2001:db8::/32')).toMatch(/IPv4 networks/);
  expect(problemOfAddress('0.0.0.0/0')).toMatch(/every address/);
  for (const none of ['', '203.0.113.10', "1.2.3.4/32') --", '1.2.3.4/33', 'host/32'])
    expect(problemOfAddress(none)).toMatch(/networks such as/);
});
