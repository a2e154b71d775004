import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashResidentPassword, PasswordCheck } from '../../../warehouse/identity/passwords.js';
import { newUser } from '../../../warehouse/identity/user-records.js';
import { openUsers } from '../../../warehouse/identity/users.js';

const FILE = 'warehouse-users.json';
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-users-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test('the first form of the file still loads: names, roles in their order, passwords', async () => {
  const { salt, hash } = hashResidentPassword('demo');
  const rows = [{ name: 'marketing_analyst', roles: ['MARKETING_ROLE', 'PUBLIC'], salt, hash }];
  await writeFile(join(dataDir, FILE), JSON.stringify(rows));
  const users = await openUsers(dataDir);
  const user = users.byLogin('Marketing_Analyst');
  expect(user).toMatchObject({
    name: 'MARKETING_ANALYST',
    defaultRole: 'MARKETING_ROLE',
    defaultWarehouse: 'STANDARD_WH',
    roles: ['MARKETING_ROLE', 'PUBLIC'],
  });
  expect(users.roles().map((role) => role.name)).toContain('MARKETING_ROLE');
  const check = new PasswordCheck();
  expect(await check.matches(user?.password ?? null, 'wrong')).toBe(false);
  expect(await check.matches(user?.password ?? null, 'demo')).toBe(true);
  expect(await check.matches(null, 'demo')).toBe(false);
});

test('a change is on disk, for its owner only, when it is made; guests stay in memory', async () => {
  const users = await openUsers(dataDir, [{ name: 'guest', password: 'g', roles: ['PUBLIC'] }]);
  await Promise.all(
    ['A', 'B', 'C'].map((name) =>
      users.change((table) => ({
        ...table,
        users: new Map([...table.users, [name, newUser(name, 5)]]),
      })),
    ),
  );
  expect((await stat(join(dataDir, FILE))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(dataDir, FILE), 'utf8')).not.toContain('GUEST');
  const again = await openUsers(dataDir);
  expect(['A', 'B', 'C', 'GUEST'].map((name) => again.get(name)?.createdAtMs)).toEqual([
    5,
    5,
    5,
    undefined,
  ]);
});

test('a guest stands before the user of its name, who is still there without it', async () => {
  await openUsers(dataDir);
  const guest = { name: 'sales_analyst', password: 'other', roles: ['PUBLIC'] };
  const users = await openUsers(dataDir, [guest]);
  expect(users.get('SALES_ANALYST')?.roles).toEqual(['PUBLIC']);
  await users.change((table) => ({ ...table, accountParameters: { QUERY_TAG: 'x' } }));
  const again = await openUsers(dataDir);
  expect(again.get('SALES_ANALYST')?.roles).toEqual(['SALES_ROLE', 'PUBLIC']);
  expect(again.table.accountParameters).toEqual({ QUERY_TAG: 'x' });
});

test('a change that cannot be written changes nothing, and the next one is tried again', async () => {
  const users = await openUsers(dataDir);
  await rm(dataDir, { recursive: true });
  const add = (): Promise<void> =>
    users.change((table) => ({
      ...table,
      users: new Map([...table.users, ['A', newUser('A', 5)]]),
    }));
  await expect(add()).rejects.toThrow('cannot write the users');
  expect(users.get('A')).toBeUndefined();
  dataDir = await mkdtemp(dataDir);
  await expect(add()).rejects.toThrow('cannot write the users');
});

test('roles are reached through the roles they were granted to, circles included', async () => {
  const users = await openUsers(dataDir);
  const role = (name: string, roles: readonly string[]) =>
    [name, { name, comment: '', owner: 'ACCOUNTADMIN', createdAtMs: 0, roles }] as const;
  await users.change((table) => ({
    ...table,
    users: new Map([...table.users, ['A', { ...newUser('A', 0), roles: ['TOP'] }]]),
    roles: new Map([role('TOP', ['MIDDLE']), role('MIDDLE', ['LOW']), role('LOW', ['TOP'])]),
  }));
  expect(users.availableRoles('A')).toEqual(['TOP', 'PUBLIC', 'MIDDLE', 'LOW']);
  expect([...users.inheritedRoles('ACCOUNTADMIN')]).toContain('USERADMIN');
  expect(users.availableRoles('nobody')).toEqual([]);
});

test('a file that is no table of users is refused by name', async () => {
  await writeFile(join(dataDir, FILE), '{"version": 9}');
  await expect(openUsers(dataDir)).rejects.toThrow(FILE);
});
