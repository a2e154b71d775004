import { describe, expect, test } from 'vitest';
import { loadConfig, printConfig, type ConfigOutcome } from '../../../base/config.js';

const PROD = 'https://myorg-prod.snowflakecomputing.com';
const DEV = 'https://myorg-dev.snowflakecomputing.com';

function load(environment: Record<string, string>, yamlText?: string): ConfigOutcome {
  return loadConfig(yamlText === undefined ? { environment } : { environment, yamlText });
}

function loaded(environment: Record<string, string>, yamlText?: string) {
  const outcome = load(environment, yamlText);
  if ('problems' in outcome) throw new Error(outcome.problems.join('\n'));
  return outcome;
}

function problems(environment: Record<string, string>, yamlText?: string): readonly string[] {
  const outcome = load(environment, yamlText);
  return 'problems' in outcome ? outcome.problems : [];
}

describe('several accounts', () => {
  test('are named in the environment with their origins', () => {
    const { config } = loaded({ TOLLGATE_ACCOUNTS: `prod=${PROD}/, dev=${DEV}` });
    expect(config.accounts).toEqual([
      {
        upstream: 'prod',
        origin: PROD,
        snowflakeAccount: null,
        serviceUser: null,
        privateKeyFile: null,
      },
      expect.objectContaining({ upstream: 'dev', origin: DEV }),
    ]);
  });

  test('are a map in the file, with user, key and name of each', () => {
    const { config, sources } = loaded(
      {},
      `accounts:\n  prod: { upstream: '${PROD}', serviceUser: TG, privateKeyFile: /run/secrets/prod.p8 }\n  dev:\n    upstream: ${DEV}\n    account: MYORG-DEV\n`,
    );
    expect(config.accounts).toEqual([
      {
        upstream: 'prod',
        origin: PROD,
        snowflakeAccount: null,
        serviceUser: 'TG',
        privateKeyFile: '/run/secrets/prod.p8',
      },
      {
        upstream: 'dev',
        origin: DEV,
        snowflakeAccount: 'MYORG-DEV',
        serviceUser: null,
        privateKeyFile: null,
      },
    ]);
    expect(sources.accounts).toBe('file');
  });

  test('of the environment replace those of the file', () => {
    const { config } = loaded(
      { TOLLGATE_ACCOUNTS: `a=${PROD}` },
      `accounts: { b: { upstream: '${DEV}' } }\n`,
    );
    expect(config.accounts.map(({ upstream }) => upstream)).toEqual(['a']);
  });

  test('are none of them the embedded warehouse, whoever asks', () => {
    const { config } = loaded({ TOLLGATE_ACCOUNTS: `prod=${PROD},dev=${DEV}` });
    expect(config).toMatchObject({ upstream: { kind: 'origin', origin: PROD }, account: 'prod' });
    expect(
      problems({ TOLLGATE_ACCOUNTS: `prod=${PROD}`, TOLLGATE_TIME_SCALE: '60' }).join(),
    ).toContain('TOLLGATE_TIME_SCALE');
  });

  test('stand alone: a single one beside them is a problem', () => {
    for (const name of ['TOLLGATE_ACCOUNT', 'TOLLGATE_UPSTREAM']) {
      const single = name === 'TOLLGATE_ACCOUNT' ? 'prod' : PROD;
      expect(problems({ TOLLGATE_ACCOUNTS: `prod=${PROD}`, [name]: single })).toEqual([
        expect.stringContaining('unset these two'),
      ]);
    }
  });

  test('are printed with their origins, and the single settings point to them', () => {
    const printed = printConfig(loaded({ TOLLGATE_ACCOUNTS: `prod=${PROD}` }));
    const value = (name: string): string | undefined =>
      printed.find((each) => each.name === name)?.value;
    expect(value('TOLLGATE_ACCOUNTS')).toBe(`prod=${PROD}`);
    expect(value('TOLLGATE_UPSTREAM')).toBe('see TOLLGATE_ACCOUNTS');
    expect(value('TOLLGATE_SHARED_HOSTS')).toBe('not set');
  });

  test.each([
    ['no origin', 'prod'],
    ['no name', `=${PROD}`],
    ['a name with a dot', `pr.od=${PROD}`],
    ['the embedded warehouse', 'prod=embedded'],
    ['an origin with a path', `prod=${PROD}/x`],
    ['a password', 'prod=https://u:p@h'],
    ['one name twice', `prod=${PROD},PROD=${DEV}`],
    ['names that a host label cannot tell apart', `a_b=${PROD},a-b=${DEV}`],
  ])('with %s are one problem', (_, text) => {
    expect(problems({ TOLLGATE_ACCOUNTS: text })).toHaveLength(1);
  });

  test.each([
    [
      'an unknown field',
      'prod: { upstream: https://h, colour: blue }',
      'accounts.prod.colour: there is no such setting; an upstream has upstream, account, serviceUser, privateKeyFile',
    ],
    ['no upstream', 'prod: { serviceUser: TG }', 'accounts.prod: has no upstream'],
    [
      'a bad upstream',
      'prod: { upstream: ftp://h }',
      'accounts.prod.upstream: "ftp://h" is not an http(s) origin',
    ],
    ['a bare value', 'prod: https://h', 'accounts.prod: there is no such setting'],
    ['a bad name', '-prod: { upstream: https://h }', 'accounts.-prod: is not a name of its own'],
    [
      'a deeper map',
      'prod: { upstream: { a: b } }',
      'accounts.prod.upstream.a: there is no such setting',
    ],
  ])('with %s in the file are reported with line and field', (_, entry, says) => {
    const found = problems({}, `accounts:\n  ${entry}\n`);
    expect(found).toEqual([expect.stringContaining(`tollgate.yaml line 2, ${says}`)]);
  });

  test('beyond a hundred are refused', () => {
    const many = Array.from({ length: 101 }, (_, n) => `a${n}=${PROD}`).join(',');
    expect(problems({ TOLLGATE_ACCOUNTS: many })).toHaveLength(1);
  });
});

describe('the service user', () => {
  const KEY = { TOLLGATE_SERVICE_PRIVATE_KEY_FILE: '/run/secrets/key.p8' };
  const USER = { TOLLGATE_SERVICE_USER: 'TG' };

  test('has a key or a password', () => {
    expect(problems({ ...USER, ...KEY })).toEqual([]);
    expect(problems({ ...USER, ...KEY, TOLLGATE_SERVICE_PRIVATE_KEY_PASSPHRASE: 'p' })).toEqual([]);
    expect(problems({ ...USER, TOLLGATE_SERVICE_PASSWORD: 'p' })).toEqual([]);
  });

  test.each([
    ['without a secret', USER, 'has no secret'],
    ['missing beside a key', KEY, 'without a user'],
    ['missing beside a password', { TOLLGATE_SERVICE_PASSWORD: 'p' }, 'without a user'],
    ['with both', { ...USER, ...KEY, TOLLGATE_SERVICE_PASSWORD: 'hunter2' }, 'both are set'],
    [
      'with a passphrase and no key',
      {
        ...USER,
        TOLLGATE_SERVICE_PASSWORD: 'p',
        TOLLGATE_SERVICE_PRIVATE_KEY_PASSPHRASE: 'hunter2',
      },
      'without a private key file',
    ],
  ] as [string, Record<string, string>, string][])('%s is one problem', (_, environment, says) => {
    const found = problems(environment);
    expect(found).toEqual([expect.stringContaining(says)]);
    expect(found.join()).not.toContain('hunter2');
  });

  test('of one account has its own key, or that of all', () => {
    const file = (entry: string): string =>
      `accounts:\n  prod: { upstream: '${PROD}', ${entry} }\n`;
    expect(problems({}, file('serviceUser: A, privateKeyFile: /k'))).toEqual([]);
    expect(problems(USER, file('privateKeyFile: /k'))).toEqual([]);
    expect(problems({ ...USER, ...KEY }, file('serviceUser: A'))).toEqual([]);
    expect(problems(KEY, file('serviceUser: A'))).toEqual([]);
    expect(problems({}, file('privateKeyFile: /k'))).toEqual([
      expect.stringContaining('add accounts.prod.serviceUser'),
    ]);
    expect(problems({}, file('serviceUser: A'))).toEqual([
      expect.stringContaining('add accounts.prod.privateKeyFile'),
    ]);
  });
});

test.each([
  ['TOLLGATE_SHARED_HOSTS', 'a.example.com:8080'],
  ['TOLLGATE_SHARED_HOSTS', 'a,,b'],
  ['TOLLGATE_ALLOW_LOCAL_UPSTREAMS', 'yes'],
])('%s=%s is one problem', (name, text) => {
  expect(problems({ [name]: text })).toHaveLength(1);
});

test('shared hosts are kept in lower case', () => {
  expect(loaded({ TOLLGATE_SHARED_HOSTS: 'Tollgate.Example.com, gw' }).config.sharedHosts).toEqual([
    'tollgate.example.com',
    'gw',
  ]);
});
