import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { administrator, rowsOf } from '../support/administrator.js';
import { RawClient } from '../support/raw-client.js';
import type { Reply } from '../support/raw-client.js';
import { connect } from '../support/snowflake.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';
import { keyPairClaims, publicText, signedToken } from './signing.js';

const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ISSUER = 'https://identity.invalid/';

describe('logins', () => {
  let world: World;
  let admin: RawClient;
  beforeAll(async () => {
    world = await openWorld();
    admin = await administrator(world);
    await ok(
      `CREATE USER KEYS RSA_PUBLIC_KEY = '${publicText(own)}' DEFAULT_ROLE = SALES_ROLE
        DEFAULT_WAREHOUSE = BATCH_WH DEFAULT_NAMESPACE = ANALYTICS.TPCH EMAIL = 'keys@x.invalid'`,
    );
    await ok('GRANT ROLE SALES_ROLE TO USER KEYS');
    await ok('GRANT ROLE RISK_ROLE TO USER KEYS');
  });
  afterAll(() => world.end());

  async function ok(sql: string): Promise<Reply> {
    const reply = await admin.run(sql);
    expect(reply.body.message).toBeNull();
    return reply;
  }

  async function login(data: Record<string, unknown>, query = ''): Promise<Reply['body']> {
    const path = `/session/v1/login-request?requestId=${randomUUID()}${query}`;
    const body = { data: { ACCOUNT_NAME: 'demo', CLIENT_APP_ID: 'RAW', ...data } };
    const reply = await new RawClient(world.port).send('POST', path, body);
    expect(reply.status).toBe(200);
    return reply.body;
  }

  const withToken = (token: string, data: Record<string, unknown> = {}): Promise<Reply['body']> =>
    login({ AUTHENTICATOR: 'SNOWFLAKE_JWT', LOGIN_NAME: 'keys', TOKEN: token, ...data });

  async function reasonOf(body: Reply['body']): Promise<unknown> {
    expect(body.code).toMatch(/^(390144|390303|390318)$/);
    const id = /\[([0-9a-f-]{36})\]/.exec(body.message ?? '')?.[1] ?? '';
    const details = await admin.run(`SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('${id}') AS D`);
    return JSON.parse(rowsOf(details)[0]?.['D'] ?? 'null').errorCode;
  }

  test('the Node driver logs in with a key pair and finds the defaults of its user', async () => {
    const privateKey = own.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const client = await connect(world.port, {
      username: 'keys',
      password: undefined,
      authenticator: 'SNOWFLAKE_JWT',
      privateKey,
    });
    for (const [name, value] of [
      ['USER', 'KEYS'],
      ['ROLE', 'SALES_ROLE'],
      ['WAREHOUSE', 'BATCH_WH'],
      ['SCHEMA', 'TPCH'],
    ])
      expect((await client.query(`SELECT CURRENT_${name}()`)).rows).toEqual([
        { [`CURRENT_${name}`]: value },
      ]);
    await client.close();
  });

  test('both keys of a user are good, so that one can be replaced', async () => {
    expect((await withToken(signedToken(keyPairClaims('KEYS', next), next.privateKey))).code).toBe(
      '390144',
    );
    await ok(`ALTER USER KEYS SET RSA_PUBLIC_KEY_2 = '${publicText(next)}'`);
    for (const pair of [own, next])
      expect(
        (await withToken(signedToken(keyPairClaims('KEYS', pair), pair.privateKey))).success,
      ).toBe(true);
    await ok('ALTER USER KEYS UNSET RSA_PUBLIC_KEY_2');
    expect(
      (await withToken(signedToken(keyPairClaims('KEYS', next), next.privateKey))).success,
    ).toBe(false);
  });

  test('what is wrong with a key-pair token is told to the administrator, not to the client', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const claims = (more: object = {}) => keyPairClaims('KEYS', own, { ...more });
    const cases: readonly (readonly [string, Promise<Reply['body']>])[] = [
      ['JWT_TOKEN_INVALID', withToken('no.token')],
      ['JWT_TOKEN_INVALID_SIGNATURE', withToken(signedToken(claims(), next.privateKey))],
      [
        'JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH',
        withToken(signedToken(keyPairClaims('KEYS', next), next.privateKey)),
      ],
      [
        'JWT_TOKEN_INVALID_ISSUE_TIME',
        withToken(signedToken(claims({ iat: seconds - 120 }), own.privateKey)),
      ],
      [
        'JWT_TOKEN_INVALID_ISSUE_TIME',
        withToken(signedToken(claims({ iat: seconds + 120, exp: seconds + 180 }), own.privateKey)),
      ],
      [
        'JWT_TOKEN_INVALID_EXPIRATION_TIME',
        withToken(signedToken(claims({ iat: seconds - 30, exp: seconds - 1 }), own.privateKey)),
      ],
      [
        'JWT_TOKEN_INVALID_EXPIRATION_TIME',
        withToken(signedToken(claims({ exp: seconds + 7200 }), own.privateKey)),
      ],
      [
        'JWT_TOKEN_INVALID_ISSUER',
        withToken(signedToken(claims({ sub: 'DEMO.X' }), own.privateKey)),
      ],
      [
        'JWT_TOKEN_ACCOUNT_MISMATCH',
        withToken(signedToken(claims(), own.privateKey), { ACCOUNT_NAME: 'other' }),
      ],
      [
        'JWT_TOKEN_INVALID_USER_IN_ISSUER',
        withToken(signedToken(claims(), own.privateKey), { LOGIN_NAME: 'sales_analyst' }),
      ],
      [
        'JWT_TOKEN_INVALID_USER_IN_ISSUER',
        withToken(signedToken(keyPairClaims('NOBODY', own), own.privateKey), { LOGIN_NAME: '' }),
      ],
    ];
    for (const [reason, refused] of cases) expect(await reasonOf(await refused)).toBe(reason);
    const analyst = new RawClient(world.port);
    await analyst.login();
    expect((await analyst.run("SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('x')")).body.code).toBe(
      '003001',
    );
  });

  test('a programmatic access token is shown once and opens a session in its role, as token and as password', async () => {
    const added = await ok(
      "ALTER USER KEYS ADD PROGRAMMATIC ACCESS TOKEN T ROLE_RESTRICTION = 'RISK_ROLE' DAYS_TO_EXPIRY = 1",
    );
    const secret = String(rowsOf(added)[0]?.['token_secret']);
    const listed = await ok('SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER KEYS');
    expect(rowsOf(listed)).toMatchObject([
      {
        name: 'T',
        role_restriction: 'RISK_ROLE',
        status: 'ACTIVE',
        created_by: 'TOLLGATE_SERVICE',
      },
    ]);
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    for (const options of [
      { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: secret, password: undefined },
      { password: secret },
    ]) {
      const client = await connect(world.port, { username: 'keys', ...options });
      expect((await client.query('SELECT CURRENT_ROLE()')).rows).toEqual([
        { CURRENT_ROLE: 'RISK_ROLE' },
      ]);
      await expect(client.query('USE ROLE SALES_ROLE')).rejects.toMatchObject({ code: '003001' });
      await expect(client.query('USE SECONDARY ROLES ALL')).rejects.toMatchObject({
        code: '003001',
      });
      await expect(client.query('ALTER USER ADD PAT MORE')).rejects.toMatchObject({
        code: '003001',
      });
      await expect(client.query("ALTER USER SET PASSWORD = 'x'")).rejects.toMatchObject({
        code: '003001',
      });
      await client.close();
    }
    const pat = (token: string, name = 'keys'): Promise<Reply['body']> =>
      login({ AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN', LOGIN_NAME: name, TOKEN: token });
    expect((await pat(`${secret}x`)).code).toBe('394400');
    expect((await pat(secret, 'sales_analyst')).code).toBe('394400');
    await ok('ALTER USER KEYS MODIFY PAT T SET DISABLED = TRUE');
    expect((await pat(secret)).code).toBe('394400');
    await ok('ALTER USER KEYS MODIFY PAT T SET DISABLED = FALSE');
    const rotated = rowsOf(
      await ok('ALTER USER KEYS ROTATE PAT T EXPIRE_ROTATED_TOKEN_AFTER_HOURS = 0'),
    )[0];
    expect((await pat(secret)).code).toBe('394400');
    expect((await pat(String(rotated?.['token_secret']))).success).toBe(true);
    await ok('ALTER USER KEYS REMOVE PAT T');
    expect((await pat(String(rotated?.['token_secret']))).code).toBe('394400');
  });

  test('a bearer token of a trusted identity provider opens a session in the roles of its scopes', async () => {
    await ok(
      `CREATE SECURITY INTEGRATION IDP TYPE = EXTERNAL_OAUTH ENABLED = TRUE EXTERNAL_OAUTH_TYPE = CUSTOM
        EXTERNAL_OAUTH_ISSUER = '${ISSUER}' EXTERNAL_OAUTH_RSA_PUBLIC_KEY = '${publicText(provider)}'
        EXTERNAL_OAUTH_AUDIENCE_LIST = ('tollgate') EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'upn'
        EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'EMAIL_ADDRESS'`,
    );
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: ISSUER,
      aud: ['tollgate'],
      upn: 'KEYS@x.invalid',
      scp: ['session:role:SALES_ROLE', 'session:role:ACCOUNTADMIN'],
      iat: seconds,
      exp: seconds + 600,
    };
    const token = (more: object = {}, key = provider.privateKey): string =>
      signedToken({ ...claims, ...more }, key);
    const client = await connect(world.port, {
      username: 'keys',
      password: undefined,
      authenticator: 'OAUTH',
      token: token(),
    });
    expect((await client.query('SELECT CURRENT_ROLE()')).rows).toEqual([
      { CURRENT_ROLE: 'SALES_ROLE' },
    ]);
    await expect(client.query('USE ROLE RISK_ROLE')).rejects.toMatchObject({ code: '003001' });
    await client.close();
    const bearer = (text: string, query = ''): Promise<Reply['body']> =>
      login({ AUTHENTICATOR: 'OAUTH', TOKEN: text }, query);
    for (const [reason, text] of [
      ['OAUTH_ACCESS_TOKEN_INVALID', 'opaque'],
      ['EXTERNAL_OAUTH_INVALID_ISSUER', token({ iss: 'https://else.invalid/' })],
      ['EXTERNAL_OAUTH_INVALID_SIGNATURE', token({}, own.privateKey)],
      ['EXTERNAL_OAUTH_INVALID_AUDIENCE', token({ aud: 'else' })],
      ['EXTERNAL_OAUTH_USER_NOT_FOUND', token({ upn: 'nobody@x.invalid' })],
      ['OAUTH_ACCESS_TOKEN_INVALID', token({ exp: undefined })],
      ['OAUTH_ACCESS_TOKEN_EXPIRED', token({ exp: seconds - 1 })],
    ] as const)
      expect(await reasonOf(await bearer(text))).toBe(reason);
    expect((await bearer(token({ exp: seconds - 1 }))).code).toBe('390318');
    expect((await bearer(token(), '&roleName=ACCOUNTADMIN')).code).toBe('390317');
    expect((await bearer(token({ scp: 'session:role-any' }))).code).toBe('390317');
    await ok("ALTER SECURITY INTEGRATION IDP SET EXTERNAL_OAUTH_ANY_ROLE_MODE = 'ENABLE'");
    const any = await bearer(token({ scp: 'session:role-any' }), '&roleName=RISK_ROLE');
    expect(any.data.sessionInfo.roleName).toBe('RISK_ROLE');
    await ok('ALTER SECURITY INTEGRATION IDP SET ENABLED = FALSE');
    expect((await bearer(token())).code).toBe('390303');
  });

  test('five wrong passwords lock a name, known or not, even for the right one', async () => {
    for (const name of ['legal_analyst', 'nobody']) {
      const answers = await Promise.all(
        Array.from({ length: 7 }, () => login({ LOGIN_NAME: name, PASSWORD: 'guess' })),
      );
      const locked = answers.filter(({ message }) => /temporarily locked/.test(message ?? ''));
      expect(locked).toHaveLength(2);
      expect(answers.every(({ code }) => code === '390100')).toBe(true);
      expect((await login({ LOGIN_NAME: name, PASSWORD: 'demo' })).success).toBe(false);
    }
    await ok('ALTER USER LEGAL_ANALYST SET MINS_TO_UNLOCK = 0');
    const many = await Promise.all(
      Array.from({ length: 12 }, () => login({ LOGIN_NAME: 'legal_analyst', PASSWORD: 'demo' })),
    );
    expect(many.every(({ success }) => success)).toBe(true);
  });

  test('other authenticators are refused in words', async () => {
    for (const [authenticator, code] of [
      ['EXTERNALBROWSER', '390190'],
      ['https://x.okta.invalid', '390142'],
      ['WORKLOAD_IDENTITY', '390142'],
    ])
      expect(await login({ AUTHENTICATOR: authenticator, LOGIN_NAME: 'keys' })).toMatchObject({
        code,
        success: false,
      });
    const mfa = { AUTHENTICATOR: 'USERNAME_PASSWORD_MFA', LOGIN_NAME: 'ml_analyst' };
    expect((await login({ ...mfa, PASSWORD: 'demo' })).success).toBe(true);
  });

  test('a login names a role that is not granted, or validates names that do not exist', async () => {
    const data = { LOGIN_NAME: 'ml_analyst', PASSWORD: 'demo' };
    expect((await login(data, '&roleName=ACCOUNTADMIN')).code).toBe('390189');
    expect((await login(data, '&warehouse=NONE_WH')).data.sessionInfo.warehouseName).toBeNull();
    const strict = { ...data, SESSION_PARAMETERS: { CLIENT_VALIDATE_DEFAULT_PARAMETERS: true } };
    for (const [query, kind] of [
      ['&warehouse=NONE_WH', 'warehouse'],
      ['&databaseName=NONE', 'database'],
      ['&schemaName=NONE', 'schema'],
    ])
      expect(await login(strict, query)).toMatchObject({
        code: '390201',
        message: `The requested ${kind} does not exist or not authorized.`,
      });
    expect((await login(strict)).success).toBe(true);
  });

  test('ISSUE opens another session of the user, RENEW and CLONE go on with the same', async () => {
    const client = new RawClient(world.port);
    const opened = await client.login('ml_analyst', 'demo');
    await client.run('USE WAREHOUSE BATCH_WH');
    const id = opened.body.data.sessionId as number;
    const ask = async (requestType: string): Promise<Reply['body']['data']> =>
      (
        await client.send(
          'POST',
          '/session/token-request',
          { oldSessionToken: client.token, requestType },
          { token: client.masterToken },
        )
      ).body.data;
    expect((await ask('RENEW')).sessionId).toBe(id);
    expect((await ask('CLONE')).sessionId).toBe(id);
    const issued = await ask('ISSUE');
    expect(issued.sessionId).not.toBe(id);
    const other = new RawClient(world.port);
    other.token = issued.sessionToken as string;
    expect((await other.run('SELECT 1')).body.data.finalWarehouseName).toBe('BATCH_WH');
    await other.run('USE WAREHOUSE STANDARD_WH');
    expect((await client.run('SELECT 1')).body.data.finalWarehouseName).toBe('BATCH_WH');
  });
});
