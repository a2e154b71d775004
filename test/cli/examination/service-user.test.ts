import { describe, expect, test } from 'vitest';
import type { ServiceConnection, ServiceRow } from '../../../base/snowflake/service-connection.js';
import { checkWholePath } from '../../../cli/examination/probe.js';
import { checkServiceUser } from '../../../cli/examination/service-user.js';

type Answers = Readonly<Record<string, readonly ServiceRow[] | Error>>;

const GOOD: Answers = {
  CURRENT_USER: [{ U: 'TOLLGATE', R: 'TOLLGATE_ROLE', W: 'SMALL', D: 'D' }],
  'INFORMATION_SCHEMA.QUERY_HISTORY': [],
  'ACCOUNT_USAGE.QUERY_HISTORY': [],
  WAREHOUSE_METERING_HISTORY: [],
  'SHOW WAREHOUSES': [{ NAME: 'BATCH_WH' }],
  'SHOW GRANTS TO ROLE TOLLGATE_ROLE': [
    { PRIVILEGE: 'MONITOR', GRANTED_ON: 'WAREHOUSE', NAME: 'BATCH_WH' },
    { PRIVILEGE: 'OPERATE', GRANTED_ON: 'WAREHOUSE', NAME: 'BATCH_WH' },
  ],
  'SHOW DATABASES': [{ NAME: 'ANALYTICS' }, { NAME: 'SNOWFLAKE' }],
  NETWORK_POLICY: [{ VALUE: 'ONLY_PROXIES' }],
};

/** An account that answers by a piece of the statement, and refuses what it does not know. */
function account(answers: Answers): ServiceConnection {
  return {
    query(sql) {
      const key = Object.keys(answers).find((piece) => sql.includes(piece));
      const answer = key === undefined ? undefined : answers[key];
      if (answer === undefined || answer instanceof Error)
        return Promise.reject(answer ?? new Error(`SQL compilation error: ${sql.slice(0, 20)}`));
      return Promise.resolve(answer);
    },
    close: () => Promise.resolve(),
  };
}

const refused = new Error(
  'the service statement failed: SQL access control error:\nnot authorized.',
);

async function findings(changes: Answers, isEmbedded = false) {
  const found = await checkServiceUser(account({ ...GOOD, ...changes }), {
    suffix: '',
    warehouses: ['BATCH_WH'],
    isEmbedded,
  });
  return Object.fromEntries(found.map((finding) => [finding.check, finding]));
}

describe('the service user', () => {
  test('with every right is fine throughout', async () => {
    const found = await findings({});
    expect(Object.values(found).map(({ status }) => status)).toEqual(Array(10).fill('ok'));
    expect(found['sign-in']?.says).toBe('TOLLGATE signs in with role TOLLGATE_ROLE');
  });

  test.each([
    [
      'INFORMATION_SCHEMA.QUERY_HISTORY',
      refused,
      'query history',
      'failed',
      'GRANT USAGE ON DATABASE <any database> TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'ACCOUNT_USAGE.QUERY_HISTORY',
      refused,
      'query view',
      'failed',
      'GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'WAREHOUSE_METERING_HISTORY',
      refused,
      'metering view',
      'failed',
      'GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'SHOW WAREHOUSES',
      [],
      'warehouses',
      'note',
      'GRANT MONITOR, OPERATE ON WAREHOUSE BATCH_WH TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'SHOW GRANTS TO ROLE TOLLGATE_ROLE',
      [{ PRIVILEGE: 'MONITOR', GRANTED_ON: 'WAREHOUSE', NAME: 'BATCH_WH' }],
      'cancelling',
      'failed',
      'GRANT OPERATE ON WAREHOUSE BATCH_WH TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'SHOW GRANTS TO ROLE TOLLGATE_ROLE',
      [{ PRIVILEGE: 'OPERATE', GRANTED_ON: 'WAREHOUSE', NAME: 'BATCH_WH' }],
      'evidence',
      'failed',
      'GRANT MONITOR ON WAREHOUSE BATCH_WH TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'SHOW DATABASES',
      [{ NAME: 'SNOWFLAKE' }],
      'table sizes',
      'note',
      'GRANT USAGE ON DATABASE <database> TO ROLE TOLLGATE_ROLE;',
    ],
    [
      'CURRENT_USER',
      [{ U: 'TOLLGATE', R: 'TOLLGATE_ROLE', W: null, D: null }],
      'own warehouse',
      'note',
      'GRANT USAGE ON WAREHOUSE <small warehouse> TO ROLE TOLLGATE_ROLE;',
    ],
    ['NETWORK_POLICY', [{ VALUE: '' }], 'way around', 'note', 'ALTER ACCOUNT SET NETWORK_POLICY'],
    ['NETWORK_POLICY', refused, 'way around', 'note', 'CREATE NETWORK POLICY TOLLGATE_ONLY'],
  ] as [string, readonly ServiceRow[] | Error, string, string, string][])(
    'without %s (%j): %s is %s, with the statement that gives it',
    async (piece, answer, check, status, statement) => {
      const finding = (await findings({ [piece]: answer }))[check];
      expect(finding?.status).toBe(status);
      expect(finding?.statements?.join('\n')).toContain(statement);
    },
  );

  const usageOf = (name: string): ServiceRow => ({
    PRIVILEGE: 'USAGE',
    GRANTED_ON: 'ROLE',
    NAME: name,
  });
  const ownerOf = (name: string): ServiceRow => ({
    PRIVILEGE: 'OWNERSHIP',
    GRANTED_ON: 'WAREHOUSE',
    NAME: name,
  });
  const OWN = 'SHOW GRANTS TO ROLE TOLLGATE_ROLE';

  test.each([
    ['by owning it', { [OWN]: [ownerOf('BATCH_WH')] }],
    [
      'by a role that it inherits, in a circle even',
      {
        [OWN]: [usageOf('"ops team"')],
        'TO ROLE "ops team"': [usageOf('TOLLGATE_ROLE'), ownerOf('"BATCH_WH"')],
      },
    ],
    ['as the account administrator', { [OWN]: [usageOf('ACCOUNTADMIN')] }],
    [
      'by managing all warehouses',
      { [OWN]: [{ PRIVILEGE: 'MANAGE WAREHOUSES', GRANTED_ON: 'ACCOUNT', NAME: 'X' }] },
    ],
    [
      'by a secondary role',
      {
        CURRENT_USER: [
          { U: 'T', R: 'TOLLGATE_ROLE', S: '{"roles":"OPS","value":"ALL"}', W: 'S', D: 'D' },
        ],
        [OWN]: [],
        'TO ROLE OPS': [ownerOf('BATCH_WH')],
      },
    ],
  ] as [string, Answers][])('may end what others run %s', async (_, changes) => {
    const found = await findings(changes);
    expect([found['evidence']?.status, found['cancelling']?.status]).toEqual(['ok', 'ok']);
  });

  test('is not said to lack a right where its grants could not be read', async () => {
    const found = await findings({ [OWN]: refused });
    expect(found['cancelling']).toMatchObject({
      status: 'skipped',
      says: expect.stringContaining('not authorized') as string,
    });
  });

  test('a warehouse that is not seen is told once, and its rights are not looked at', async () => {
    const found = await findings({ 'SHOW WAREHOUSES': [], [OWN]: [] });
    expect(found['warehouses']?.status).toBe('note');
    expect(found['cancelling']).toBeUndefined();
  });

  test('of the embedded warehouse may be gone around, which is a note without statements', async () => {
    const finding = (await findings({}, true))['way around'];
    expect(finding).toMatchObject({ status: 'note', says: expect.stringContaining('trials') });
    expect(finding?.statements).toBeUndefined();
  });

  test('names in grants are quoted as statements take them', async () => {
    const role = [{ U: 'a b', R: 'my"role', W: null, D: null }];
    const finding = (await findings({ CURRENT_USER: role }))['own warehouse'];
    expect(finding?.statements).toEqual([
      'GRANT USAGE ON WAREHOUSE <small warehouse> TO ROLE "my""role";',
      'ALTER USER "a b" SET DEFAULT_WAREHOUSE = <small warehouse>;',
    ]);
  });
});

describe('the governed probe', () => {
  const probe = (connect: () => Promise<ServiceConnection>) => checkWholePath('', connect, () => 0);

  test('tells what came back and how long it took', async () => {
    const good = account({ 'EXPLAIN COST': [{ ITEM: 'cost' }], 'SELECT 1': [{ ONE: '1' }] });
    const [finding] = await probe(() => Promise.resolve(good));
    expect(finding).toMatchObject({
      status: 'ok',
      says: 'signed in (0 ms), SELECT 1 came back (0 ms), EXPLAIN COST told 1 items (0 ms)',
    });
  });

  test.each([
    ['another answer', { 'EXPLAIN COST': [{ ITEM: 'x' }], 'SELECT 1': [{ ONE: '2' }] }],
    ['no answer to EXPLAIN COST', { 'EXPLAIN COST': [], 'SELECT 1': [{ ONE: '1' }] }],
    ['a refusal', { 'SELECT 1': new Error('TG2001 Not run, nothing charged') }],
  ] as [string, Answers][])('with %s fails', async (_, answers) => {
    const [finding] = await probe(() => Promise.resolve(account(answers)));
    expect(finding?.status).toBe('failed');
  });

  test.each([
    ['TG1002 Not connected: no team answers for it', 'note', 'no team answers'],
    ['connect ECONNREFUSED 127.0.0.1:8080', 'failed', 'the proxy does not answer'],
    ['TG2502 Not run, nothing charged', 'skipped', 'no control document'],
    ['TG5001 Snowflake could not be reached', 'failed', 'TG5001'],
  ])('refused with "%s" is %s', async (message, status, says) => {
    const [finding] = await probe(() => Promise.reject(new Error(message)));
    expect(finding).toMatchObject({ status, says: expect.stringContaining(says) });
  });
});
