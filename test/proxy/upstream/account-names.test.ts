import { describe, expect, test } from 'vitest';
import { AccountNames, accountNameOfOrigin } from '../../../proxy/upstream/account-names.js';

const names = new AccountNames(
  [
    { account: 'prod', otherNames: ['myorg-prod'] },
    { account: 'my_acct', otherNames: ['xy12345'] },
    { account: 'eu.west', otherNames: [] },
  ],
  ['tollgate.example.com'],
);

describe('the host name', () => {
  test.each([
    ['prod.gw.example.com', 'prod'],
    ['PROD.GW.EXAMPLE.COM:8443', 'prod'],
    ['prod.gw.example.com.', 'prod'],
    ['prod', 'prod'],
    ['my-acct.gw.example.com', 'my_acct'],
    ['my_acct.gw.example.com', 'my_acct'],
    ['myorg-prod.gw.example.com', 'prod'],
    ['eu-west.gw.example.com', 'eu.west'],
    ['prod.localhost:8080', 'prod'],
  ])('%s chooses %s, whatever else the login leaves out', (host, account) => {
    expect(names.choose(host, undefined)).toEqual({ kind: 'chosen', account });
    expect(names.choose(host, 'unknown-to-us')).toEqual({ kind: 'chosen', account });
    expect(names.ofHost(host)).toBe(account);
  });

  test.each([
    ['127.0.0.1:8080'],
    ['[::1]:8080'],
    ['10.1.2.3'],
    ['localhost:8080'],
    ['LOCALHOST'],
    ['tollgate:8080'],
    ['tollgate.example.com'],
    ['Tollgate.Example.com:443'],
    [''],
    [undefined],
  ])('%s stands for no account, so the login chooses', (host) => {
    expect(names.choose(host, 'PROD')).toEqual({ kind: 'chosen', account: 'prod' });
    expect(names.choose(host, undefined)).toEqual({ kind: 'unknownName', name: '' });
    expect(names.choose(host, 'other')).toEqual({ kind: 'unknownName', name: 'other' });
    expect(names.ofHost(host)).toBeUndefined();
  });

  test('that begins with no account and is not shared chooses none, even beside a known login', () => {
    expect(names.choose('typo.gw.example.com:443', 'prod')).toEqual({
      kind: 'unknownHost',
      host: 'typo.gw.example.com',
    });
  });

  test('of one account and a login of another are refused', () => {
    expect(names.choose('prod.gw.example.com', 'MY_ACCT')).toEqual({
      kind: 'conflict',
      ofHost: 'prod',
      ofLogin: 'my_acct',
    });
    expect(names.choose('prod.gw.example.com', 'MYORG-PROD')).toMatchObject({ kind: 'chosen' });
  });

  test('that is an address is never a label, even where an account is called so', () => {
    const odd = new AccountNames([{ account: '127', otherNames: [] }], []);
    expect(odd.choose('127.0.0.1', undefined)).toMatchObject({ kind: 'unknownName' });
    expect(odd.choose('127.example.com', undefined)).toEqual({ kind: 'chosen', account: '127' });
  });
});

describe("the login's account name", () => {
  test.each([
    ['prod', 'prod'],
    ['MYORG-PROD', 'prod'],
    ['MYORG.PROD', 'prod'],
    ['myorg_prod', 'prod'],
    ['myorg-prod.privatelink', 'prod'],
    ['xy12345', 'my_acct'],
    ['XY12345.eu-central-1.aws', 'my_acct'],
    ['EU.WEST', 'eu.west'],
  ])('%s is account %s', (name, account) => {
    expect(names.ofLogin(name)).toBe(account);
  });

  test.each([[''], ['otherorg-prod'], ['prod2'], ['.prod'], [undefined]])('%s is none', (name) => {
    expect(names.ofLogin(name)).toBeUndefined();
  });
});

describe('names that are not one account’s', () => {
  test('ids that only an underscore tells apart choose neither, and are listed', () => {
    const twins = new AccountNames(
      [
        { account: 'a_b', otherNames: [] },
        { account: 'a-b', otherNames: [] },
        { account: 'c', otherNames: [] },
      ],
      [],
    );
    expect(twins.ofHost('a-b.example.com')).toBeUndefined();
    expect(twins.ofLogin('a_b')).toBeUndefined();
    expect(twins.ofHost('c.example.com')).toBe('c');
    expect([...twins.ambiguous].sort()).toEqual(['a-b', 'a_b']);
  });

  test('two accounts at one origin are told apart by their ids only', () => {
    const shared = new AccountNames(
      [
        { account: 'one', otherNames: ['myorg-x'] },
        { account: 'two', otherNames: ['myorg-x'] },
      ],
      [],
    );
    expect(shared.ofLogin('myorg-x')).toBeUndefined();
    expect(shared.ofLogin('two')).toBe('two');
    expect(shared.ambiguous).toEqual([]);
  });

  test('an id wins over what another account goes by', () => {
    const crossed = new AccountNames(
      [
        { account: 'alpha', otherNames: ['beta'] },
        { account: 'beta', otherNames: [] },
      ],
      [],
    );
    expect(crossed.ofHost('beta.example.com')).toBe('beta');
  });
});

test.each([
  ['https://myorg-prod.snowflakecomputing.com', 'myorg-prod'],
  ['https://xy12345.eu-central-1.snowflakecomputing.com', 'xy12345'],
  ['https://myorg-prod.privatelink.snowflakecomputing.com', 'myorg-prod'],
  ['https://myorg-prod.snowflakecomputing.cn', 'myorg-prod'],
  ['https://snowflakecomputing.com.example.com', undefined],
  ['http://127.0.0.1:8082', undefined],
  ['http://warehouse:8082', undefined],
])('the account at %s is called %s', (origin, name) => {
  expect(accountNameOfOrigin(origin)).toBe(name);
});
