import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { administrator, namesOf, rowsOf } from '../support/administrator.js';
import { RawClient } from '../support/raw-client.js';
import type { Reply } from '../support/raw-client.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';

describe('users, roles and grants', () => {
  let world: World;
  let admin: RawClient;
  beforeAll(async () => {
    world = await openWorld();
    admin = await administrator(world);
  });
  afterAll(() => world.end());

  async function ok(sql: string, client = admin): Promise<Reply> {
    const reply = await client.run(sql);
    expect([sql, reply.body.message]).toEqual([sql, null]);
    return reply;
  }

  async function refused(sql: string, code: string, client = admin): Promise<string> {
    const { body } = await client.run(sql);
    expect([sql, body.code]).toEqual([sql, code]);
    return body.message ?? '';
  }

  async function as(user: string, password = 'demo', query = ''): Promise<RawClient> {
    const client = new RawClient(world.port);
    expect((await client.login(user, password, query)).body.success).toBe(true);
    return client;
  }

  test('a user is created, described, altered and dropped, with its answers in order', async () => {
    const made = await ok(
      "CREATE USER ANNA PASSWORD = 's3cret' LOGIN_NAME = 'anna@x' COMMENT = 'of sales' DEFAULT_WAREHOUSE = BATCH_WH MUST_CHANGE_PASSWORD = FALSE",
    );
    expect(made.body.data.rowset).toEqual([['User ANNA successfully created.']]);
    expect(await refused('CREATE USER ANNA', '002002')).toContain('already exists');
    await ok('CREATE USER IF NOT EXISTS ANNA');
    await refused("CREATE USER OTHER LOGIN_NAME = 'ANNA@X'", '002002');
    const described = rowsOf(await ok('DESC USER ANNA'));
    expect(
      Object.fromEntries(described.map((row) => [row['property'], row['value']])),
    ).toMatchObject({
      NAME: 'ANNA',
      LOGIN_NAME: 'ANNA@X',
      COMMENT: 'of sales',
      PASSWORD: '********',
      DEFAULT_WAREHOUSE: 'BATCH_WH',
      DEFAULT_ROLE: null,
    });
    const anna = await as('Anna@x', 's3cret');
    const first = (await ok('SELECT 1', anna)).body.data;
    expect([first.finalRoleName, first.finalWarehouseName, first.finalDatabaseName]).toEqual([
      'PUBLIC',
      'BATCH_WH',
      null,
    ]);
    await ok("ALTER USER ANNA SET EMAIL = 'a@x.invalid', DISPLAY_NAME = 'A'");
    await ok('ALTER USER ANNA UNSET COMMENT');
    expect(rowsOf(await ok("SHOW USERS LIKE 'an%'"))).toMatchObject([
      {
        email: 'a@x.invalid',
        display_name: 'A',
        comment: '',
        has_password: 'true',
        has_pat: 'false',
      },
    ]);
    expect((await ok('DROP USER ANNA')).body.data.rowset).toEqual([['ANNA successfully dropped.']]);
    expect((await anna.run('SELECT 1')).body.code).toBe('390104');
    await refused('DROP USER ANNA', '002003');
    await ok('DROP USER IF EXISTS ANNA');
    await refused('DROP USER TOLLGATE_SERVICE', '003001');
  });

  test('no password is found in the history', async () => {
    await ok("CREATE USER HIDDEN PASSWORD = 'vErYsEcReT'");
    const started = world.warehouse.queryHistory().map((each) => each.started.text);
    expect(started.some((text) => text.includes('CREATE USER HIDDEN'))).toBe(true);
    expect(started.join('\n')).not.toContain('vErYsEcReT');
    expect(await readFile(join(world.dataDir, 'warehouse-users.json'), 'utf8')).not.toContain(
      'vErYsEcReT',
    );
  });

  test('a disabled user is out at once and stays out, until enabled', async () => {
    const client = await as('support_analyst');
    await ok('ALTER USER SUPPORT_ANALYST SET DISABLED = TRUE');
    expect((await client.run('SELECT 1')).body.code).toBe('390104');
    const { body } = await new RawClient(world.port).login('support_analyst');
    expect(body).toMatchObject({ code: '390100', success: false });
    expect(body.message).toContain('User access disabled');
    expect((await new RawClient(world.port).login('support_analyst', 'no')).body.message).toContain(
      'Incorrect username or password',
    );
    await ok('ALTER USER SUPPORT_ANALYST SET DISABLED = FALSE');
    await as('support_analyst');
  });

  test('users change their own password and defaults and nothing else', async () => {
    const client = await as('risk_analyst');
    await ok("ALTER USER RISK_ANALYST SET PASSWORD = 'mine', DEFAULT_WAREHOUSE = BATCH_WH", client);
    await ok("ALTER USER SET QUERY_TAG = 'always'", client);
    expect((await new RawClient(world.port).login('risk_analyst')).body.code).toBe('390100');
    const again = await as('risk_analyst', 'mine');
    expect(rowsOf(await ok("SHOW PARAMETERS LIKE 'QUERY_TAG'", again))).toMatchObject([
      { value: 'always', level: 'USER' },
    ]);
    await ok("ALTER SESSION SET QUERY_TAG = 'now'", again);
    await ok('ALTER SESSION UNSET QUERY_TAG', again);
    expect(rowsOf(await ok("SHOW PARAMETERS LIKE 'QUERY_TAG'", again))).toMatchObject([
      { value: 'always' },
    ]);
    for (const sql of [
      'CREATE USER X',
      'ALTER USER RISK_ANALYST SET DISABLED = FALSE',
      "ALTER USER SET LOGIN_NAME = 'sales_analyst'",
      "ALTER USER SALES_ANALYST SET PASSWORD = 'x'",
      "ALTER USER NOBODY SET PASSWORD = 'x'",
      'DROP USER SALES_ANALYST',
      'DESC USER SALES_ANALYST',
      'CREATE ROLE X',
      'GRANT ROLE ACCOUNTADMIN TO USER RISK_ANALYST',
      'SHOW USER PATS FOR USER SALES_ANALYST',
      'CREATE SECURITY INTEGRATION I TYPE = EXTERNAL_OAUTH',
      "ALTER ACCOUNT SET QUERY_TAG = 'x'",
    ])
      await refused(sql, '003001', client);
    const listed = rowsOf(await ok('SHOW USERS', client));
    expect(listed.find((row) => row['name'] === 'SALES_ANALYST')?.['login_name']).toBeNull();
    expect(listed.find((row) => row['name'] === 'RISK_ANALYST')?.['login_name']).toBe(
      'RISK_ANALYST',
    );
  });

  test('a role is granted through another, used, revoked under the session, renamed and dropped', async () => {
    await ok("CREATE ROLE READERS COMMENT = 'may read'");
    await ok('CREATE ROLE "Mixed Case"');
    await ok('GRANT ROLE "Mixed Case" TO ROLE READERS');
    expect(await refused('GRANT ROLE READERS TO ROLE "Mixed Case"', '003080')).toContain('circle');
    const client = await as('growth_analyst');
    await refused('USE ROLE READERS', '003001', client);
    await ok('GRANT ROLE READERS TO USER GROWTH_ANALYST');
    await ok('USE ROLE "Mixed Case"', client);
    expect(rowsOf(await ok('SHOW GRANTS TO USER GROWTH_ANALYST'))).toContainEqual(
      expect.objectContaining({ role: 'READERS', grantee_name: 'GROWTH_ANALYST' }),
    );
    expect(rowsOf(await ok('SHOW GRANTS TO ROLE READERS'))).toMatchObject([
      { privilege: 'USAGE', granted_on: 'ROLE', name: 'Mixed Case' },
    ]);
    expect(rowsOf(await ok('SHOW GRANTS OF ROLE READERS'))).toMatchObject([
      { granted_to: 'USER', grantee_name: 'GROWTH_ANALYST' },
    ]);
    expect(rowsOf(await ok("SHOW ROLES LIKE 'READERS'"))).toMatchObject([
      { assigned_to_users: '1', granted_roles: '1', comment: 'may read' },
    ]);
    await ok('REVOKE ROLE READERS FROM USER GROWTH_ANALYST');
    expect((await ok('SELECT 1', client)).body.data.finalRoleName).toBe('PUBLIC');
    await ok('ALTER ROLE READERS RENAME TO WRITERS');
    await ok('DROP ROLE WRITERS');
    await refused('DROP ROLE WRITERS', '002003');
    await ok('DROP ROLE IF EXISTS WRITERS');
    await refused('DROP ROLE PUBLIC', '003001');
    await refused('GRANT ROLE NONE_SUCH TO USER GROWTH_ANALYST', '002003');
  });

  test('who is granted ACCOUNTADMIN administers; SYSADMIN does not', async () => {
    await ok('GRANT ROLE ACCOUNTADMIN TO USER PLATFORM_ANALYST');
    await ok('GRANT ROLE SYSADMIN TO USER PEOPLE_ANALYST');
    const platform = await as('platform_analyst', 'demo', '&roleName=ACCOUNTADMIN');
    await ok('CREATE ROLE FROM_PLATFORM', platform);
    await ok('USE ROLE PLATFORM_ROLE', platform);
    await refused('CREATE ROLE AGAIN', '003001', platform);
    const people = await as('people_analyst', 'demo', '&roleName=SYSADMIN');
    await refused('CREATE ROLE AGAIN', '003001', people);
  });

  test('a service has no password and limits its tokens; secondary roles are the default of a user', async () => {
    await ok("CREATE USER BOT PASSWORD = 'x' TYPE = SERVICE DEFAULT_SECONDARY_ROLES = ('ALL')");
    expect((await new RawClient(world.port).login('bot', 'x')).body.code).toBe('390100');
    await refused("ALTER USER BOT SET PASSWORD = 'x'", '001423');
    await refused('ALTER USER BOT ADD PAT T', '001423');
    await ok("ALTER USER BOT ADD PAT T ROLE_RESTRICTION = 'PUBLIC'");
    await ok("ALTER USER BOT SET TYPE = PERSON, PASSWORD = 'x'");
    await ok('GRANT ROLE SALES_ROLE TO USER BOT');
    const bot = await as('bot', 'x');
    const read = async (): Promise<unknown> =>
      JSON.parse((await ok('SELECT CURRENT_SECONDARY_ROLES()', bot)).body.data.rowset[0][0]);
    expect(await read()).toEqual({ roles: 'SALES_ROLE', value: 'ALL' });
    await ok('USE SECONDARY ROLES NONE', bot);
    expect(await read()).toEqual({ roles: '', value: '' });
  });

  test('what is not kept is refused, not ignored', async () => {
    for (const sql of [
      'GRANT SELECT ON TABLE ANALYTICS.TPCH.ORDERS TO ROLE PUBLIC',
      'REVOKE USAGE ON DATABASE ANALYTICS FROM ROLE PUBLIC',
      'GRANT OWNERSHIP ON TABLE X TO ROLE PUBLIC',
      'CREATE USER Y MUST_CHANGE_PASSWORD = TRUE',
      "ALTER USER SALES_ANALYST SET NETWORK_POLICY = 'p'",
      'CREATE SECURITY INTEGRATION I TYPE = SAML2',
      'ALTER USER SALES_ANALYST SET WEEK_START = 1',
    ])
      expect(await refused(sql, '000002')).toContain('embedded warehouse');
    await refused('ALTER USER SALES_ANALYST RESET PASSWORD', '000002');
    await refused(`CREATE USER ${'Y'.repeat(256)}`, '000904');
    await refused(`CREATE ROLE ${'Y'.repeat(256)}`, '000904');
    await refused(`CREATE USER Y DISPLAY_NAME = '${'y'.repeat(9000)}'`, '001008');
    await refused('CREATE USER Y NO_SUCH = 1', '001420');
    await refused("CREATE USER Y RSA_PUBLIC_KEY = 'abc'", '001008');
    await refused('CREATE USER Y DISABLED = MAYBE', '001008');
    expect(rowsOf(await ok('SHOW GRANTS ON TABLE ANALYTICS.TPCH.ORDERS'))).toMatchObject([
      { privilege: 'OWNERSHIP', granted_on: 'TABLE', name: 'ANALYTICS.TPCH.ORDERS' },
    ]);
    expect(rowsOf(await ok('SHOW FUTURE GRANTS IN SCHEMA ANALYTICS.TPCH'))).toEqual([]);
  });

  test('account parameters reach sessions that are opened later', async () => {
    await ok('ALTER ACCOUNT SET STATEMENT_TIMEOUT_IN_SECONDS = 600');
    const client = await as('sales_analyst');
    const [row] = rowsOf(await ok("SHOW PARAMETERS LIKE 'STATEMENT_TIMEOUT%' IN SESSION", client));
    expect(row).toMatchObject({ value: '600', default: '172800', level: 'ACCOUNT' });
    await ok('ALTER ACCOUNT UNSET STATEMENT_TIMEOUT_IN_SECONDS');
    expect(rowsOf(await ok("SHOW PARAMETERS LIKE 'STATEMENT_TIMEOUT%' IN ACCOUNT"))).toMatchObject([
      { value: '172800', level: '' },
    ]);
  });

  test('users, roles, grants and tokens survive a restart', async () => {
    await ok("CREATE USER STAYS PASSWORD = 'kept' DEFAULT_ROLE = KEEPERS");
    await ok('CREATE ROLE KEEPERS');
    await ok('GRANT ROLE KEEPERS TO USER STAYS');
    const added = rowsOf(await ok('ALTER USER STAYS ADD PAT T'))[0];
    const again = await openWorld({ dataDir: world.dataDir });
    const client = new RawClient(again.port);
    const login = await client.login('stays', 'kept');
    expect(login.body.data.sessionInfo.roleName).toBe('KEEPERS');
    const byToken = await client.login('stays', String(added?.['token_secret']));
    expect(byToken.body.success).toBe(true);
    const shown = await client.run('SHOW USER PATS');
    expect(namesOf(shown).slice(0, 5)).toEqual([
      'name',
      'user_name',
      'role_restriction',
      'expires_at',
      'status',
    ]);
    await again.warehouse.stop(AbortSignal.abort());
  });
});
