/** Terminated sign-in with the real Node driver against the real listeners: who gets in, as whom, and who does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRsaKeyPair, type NewKeyPair } from '../../base/key-pairs.js';
import { hashToken, newTokenSecret } from '../../base/issued-secrets.js';
import { randomBytes } from 'node:crypto';
import { editControl } from '../../admin/stores/control-store.js';
import type { ControlDocument, SignIn } from '../../policies/control/document.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { issue, issuedIn, post, type Issued } from './support/issue.js';
import { connectNode, type Client, type ClientOptions } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

let system: System;
let pair: NewKeyPair;
let password: Issued;
let token: Issued;

beforeAll(async () => {
  [system, pair] = await Promise.all([startSystem({ sessionFreshMs: 50 }), newRsaKeyPair()]);
  password = await issue(system, 'marketing_analyst', 'password');
  token = await issue(system, 'marketing_analyst', 'token');
  await issue(system, 'marketing_analyst', 'key-pair', { publicKey: pair.publicKey.pem });
});

afterAll(async () => {
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

const byPassword = (secret: string): ClientOptions => ({ password: secret });
const byToken = (secret: string): ClientOptions => ({
  authenticator: 'PROGRAMMATIC_ACCESS_TOKEN',
  token: secret,
});
const byKey = ({ privatePem }: NewKeyPair): ClientOptions => ({
  authenticator: 'SNOWFLAKE_JWT',
  privateKey: privatePem,
});

async function as<T>(options: ClientOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectNode(system.proxyUrl, options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Upstream user, role and team of a new session. */
function whoIs(options: ClientOptions): Promise<readonly unknown[]> {
  return as(options, async (client) => [
    ...(await client.rows('SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R')),
    ...(await client.rows('SELECT TEAM FROM TOLLGATE.MY_BUDGET')),
  ]);
}

/** Code and text of a login that must fail. */
async function refusalOf(options: ClientOptions): Promise<{ code: string; message: string }> {
  try {
    const client = await connectNode(system.proxyUrl, options);
    await client.close();
  } catch (thrown) {
    const { code, message } = thrown as { code?: unknown; message?: unknown };
    return { code: String(code), message: String(message) };
  }
  throw new Error('the login was accepted');
}

/** Puts a changed document in force, and waits until the proxy has it. */
async function changeControl(edit: (document: ControlDocument) => ControlDocument): Promise<void> {
  const outcome = await editControl(system.database.db, {
    edit,
    actor: { id: 'test', role: 'platform' },
    reason: 'a test',
    at: Date.now(),
  });
  const version = outcome.kind === 'invalid' ? NaN : outcome.version;
  await eventually(async () => {
    const metrics = await (await fetch(`${system.adminUrl}/metrics`)).text();
    expect(metrics).toContain(`tollgate_control_version ${version}\n`);
  });
}

function signInOf(signIn: SignIn): (document: ControlDocument) => ControlDocument {
  return (document) => ({
    ...document,
    accounts: document.accounts.map((account) => ({ ...account, signIn })),
  });
}

const MARKETING = [{ U: 'TOLLGATE_MARKETING', R: 'MARKETING_ROLE' }, { TEAM: 'marketing' }];

describe('each kind of credential signs in as the service user of its team', () => {
  test('a password, under the name of the principal in any case', async () => {
    expect(await whoIs(byPassword(password.secret))).toEqual(MARKETING);
    const upper = { ...byPassword(password.secret), username: 'MARKETING_ANALYST' };
    expect(await whoIs(upper)).toEqual(MARKETING);
  });

  test('a token, in its own field or in that of the password', async () => {
    expect(await whoIs(byToken(token.secret))).toEqual(MARKETING);
    expect(await whoIs(byPassword(token.secret))).toEqual(MARKETING);
  });

  test('a key pair, and its statement is charged to the principal and its team', async () => {
    await as(byKey(pair), async (client) => {
      expect(await client.rows('SELECT CURRENT_USER() AS U')).toEqual([
        { U: 'TOLLGATE_MARKETING' },
      ]);
      await client.rows('SELECT COUNT(*) AS C FROM SUPPLIER WHERE S_NAME IS NOT NULL');
    });
    await eventually(async () => {
      const { rows } = await system.database.db.query(
        `SELECT t.team_id, t.principal_id, t.snowflake_user, t.state, s.sign_in
           FROM ticket t JOIN session_state s USING (account, session_id)
          WHERE t.statement_shape LIKE '%SUPPLIER%'`,
      );
      expect(rows).toEqual([
        {
          team_id: 'marketing',
          principal_id: 'marketing_analyst',
          snowflake_user: 'TOLLGATE_MARKETING',
          state: 'SETTLED',
          sign_in: 'terminated',
        },
      ]);
    });
  });

  test('what a client says of itself in tags, application and comments chooses no team', async () => {
    const claims = { queryTag: '{"team":"sales"}', application: 'sales' };
    await as({ ...byToken(token.secret), ...claims }, async (client) => {
      await client.rows(
        "/* team: sales */ SELECT COUNT(*) AS C FROM PART WHERE P_NAME <> 'team=sales'",
      );
      expect(await client.rows('SELECT TEAM FROM TOLLGATE.MY_BUDGET')).toEqual([
        { TEAM: 'marketing' },
      ]);
    });
    const { rows } = await system.database.db.query(
      "SELECT team_id, principal_id FROM ticket WHERE statement_shape LIKE '%FROM PART %'",
    );
    expect(rows).toEqual([{ team_id: 'marketing', principal_id: 'marketing_analyst' }]);
  });

  test('what the login asked for beside its proof holds: role, warehouse, database, parameters', async () => {
    const client = await connectNode(system.proxyUrl, {
      ...byToken(token.secret),
      warehouse: 'BATCH_WH',
    });
    expect(
      await client.rows(
        'SELECT CURRENT_WAREHOUSE() AS W, CURRENT_DATABASE() AS D, CURRENT_SCHEMA() AS S',
      ),
    ).toEqual([{ W: 'BATCH_WH', D: 'ANALYTICS', S: 'TPCH' }]);
    await client.close();
    await expect(
      connectNode(system.proxyUrl, { ...byToken(token.secret), role: 'SALES_ROLE' }),
    ).rejects.toThrow(/Role 'SALES_ROLE' specified in the connect string does not exist/);
  });
});

describe('both ways in stand beside each other', () => {
  test('who has no credential of ours signs in with that of Snowflake', async () => {
    const sales = { username: 'sales_analyst', password: 'demo' };
    expect(await whoIs(sales)).toEqual([
      { U: 'SALES_ANALYST', R: 'SALES_ROLE' },
      { TEAM: 'sales' },
    ]);
  });

  test('who has one cannot come in by the other: a failed sign-in does not end up at Snowflake', async () => {
    expect(await refusalOf(byPassword('demo'))).toMatchObject({ code: '390100' });
  });

  test('results of one team are closed to another upstream too, by the query id', async () => {
    const sales = await issue(system, 'sales_analyst', 'token');
    const queryId = await as(byToken(token.secret), async (client) => {
      const result = await client.run('SELECT 42 AS N');
      return result.kind === 'rows' ? result.queryId : '';
    });
    await as({ ...byToken(sales.secret), username: 'sales_analyst' }, async (client) => {
      const scan = await client.run(`SELECT * FROM TABLE(RESULT_SCAN('${queryId}'))`);
      expect(scan).toMatchObject({ kind: 'error', code: '000002' });
    });
    // Inside a team there is no such wall: its members are one user upstream.
    await as(byPassword(password.secret), async (client) => {
      const scan = await client.rows(`SELECT * FROM TABLE(RESULT_SCAN('${queryId}'))`);
      expect(scan).toEqual([{ N: 42 }]);
    });
  });
});

describe('who does not get in', () => {
  test('a wrong password and an unknown name get one answer, which says where to get a credential', async () => {
    const wrong = await refusalOf(byPassword('tgpw_wrong'));
    expect(wrong.code).toBe('390100');
    expect(wrong.message).toMatch(/^TG1001 Not connected: the user name or password is not right/);
    expect(wrong.message).toContain('ask the platform admins');
    expect(await refusalOf({ username: 'nobody', password: 'tgpw_wrong' })).toEqual(wrong);
  });

  test('a wrong token, a token under another name and a token of another account', async () => {
    const id = token.secret.slice(4, 40);
    const other = newTokenSecret(id, (size) => Buffer.alloc(size, 1));
    const foreign = newTokenSecret('01890000-0000-7000-8000-000000000001', randomBytes);
    await system.database.db.query(
      `INSERT INTO credential (id, account, principal_id, kind, name, secret_hash, created_at, created_by, expires_at)
       VALUES ('01890000-0000-7000-8000-000000000001', 'elsewhere', 'marketing_analyst', 'token', 'x', $1, now(), 'x',
         now() + interval '1 day')`,
      [hashToken(foreign)],
    );
    for (const login of [
      byToken(other),
      byToken('tgp_nonsense'),
      byToken(foreign),
      { ...byToken(token.secret), username: 'sales_analyst' },
      { ...byPassword(token.secret), username: 'sales_analyst' },
    ]) {
      const refusal = await refusalOf(login);
      expect(refusal.code).toBe('394400');
      expect(refusal.message).toMatch(/^TG1001 Not connected: the token is not valid/);
    }
  });

  test("another team's key, and another's secret under one's own name", async () => {
    const refusal = await refusalOf({ ...byKey(pair), username: 'sales_analyst' });
    expect(refusal).toMatchObject({ code: '390144' });
    expect(refusal.message).toMatch(/^TG1001/);
    const secret = await refusalOf({ username: 'finance_analyst', password: password.secret });
    expect(secret).toMatchObject({ code: '390100' });
  });

  test('an expired token is told so, and a revoked one', async () => {
    const expired = await issue(system, 'growth_analyst', 'token');
    await system.database.db.query(
      "UPDATE credential SET expires_at = now() - interval '1 s' WHERE id = $1",
      [expired.id],
    );
    const growth = { username: 'growth_analyst' };
    const late = await refusalOf({ ...growth, ...byToken(expired.secret) });
    expect(late.message).toMatch(/this credential expired at 20/);
    await post(system, `credentials/${expired.id}/revoke`, { reason: 'a test' });
    const revoked = await refusalOf({ ...growth, ...byToken(expired.secret) });
    expect(revoked.message).toMatch(/this credential was revoked/);
  });

  test('guessing is stopped at once, for that name and not for others, and who knows the password comes in', async () => {
    const { secret } = await issue(system, 'legal_analyst', 'password');
    const legal = { username: 'legal_analyst', password: secret };
    expect(await whoIs(legal)).toMatchObject([{ U: 'TOLLGATE_LEGAL' }, {}]);
    const guesses = ['1', '2', '3', '4', '5', '6', '7', '8'].map((guess) =>
      refusalOf({ ...legal, password: `tgpw_${guess}` }),
    );
    const told = (await Promise.all(guesses)).map((each) => each.message);
    expect(told.filter((each) => each.includes('is not right'))).toHaveLength(5);
    expect(
      told.filter((each) => each.includes('too many failed sign-ins of this user')),
    ).toHaveLength(3);
    expect(await whoIs(legal)).toMatchObject([{ U: 'TOLLGATE_LEGAL' }, {}]);
    expect(await whoIs(byPassword(password.secret))).toEqual(MARKETING);
  });
});

describe('credentials change while they are in use', () => {
  test('a revoked credential ends the sessions that it opened, and no others', async () => {
    const doomed = await issue(system, 'product_analyst', 'token');
    const kept = await issue(system, 'product_analyst', 'token');
    const product = { username: 'product_analyst' };
    const one = await connectNode(system.proxyUrl, { ...product, ...byToken(doomed.secret) });
    const two = await connectNode(system.proxyUrl, { ...product, ...byToken(kept.secret) });
    await one.rows('SELECT 1');
    const revoked = await post(system, `credentials/${doomed.id}/revoke`, { reason: 'left' });
    expect(revoked).toMatchObject({ sessionsEnded: 1, credential: { state: 'revoked' } });
    await eventually(async () => {
      expect(await one.run('SELECT 1')).toMatchObject({ kind: 'error', code: '711001' });
    });
    await two.rows('SELECT 1');
    await two.close();
    await one.close().catch(() => undefined);
  });

  test('a rotation leaves the old secret its grace, and none without one', async () => {
    const first = await issue(system, 'support_analyst', 'password');
    const support = (secret: string): ClientOptions => ({
      username: 'support_analyst',
      password: secret,
    });
    const second = issuedIn(
      await post(system, `credentials/${first.id}/rotate`, { graceSeconds: 3600 }),
    );
    expect(second.secret).not.toBe(first.secret);
    for (const each of [first, second])
      expect(await whoIs(support(each.secret))).toMatchObject([{ U: 'TOLLGATE_SUPPORT' }, {}]);
    const third = issuedIn(await post(system, `credentials/${second.id}/rotate`));
    for (const each of [first, second])
      expect(await refusalOf(support(each.secret))).toMatchObject({ code: '390100' });
    expect(await whoIs(support(third.secret))).toMatchObject([{ U: 'TOLLGATE_SUPPORT' }, {}]);
  });

  test('a suspended principal is refused at sign-in and in its open session', async () => {
    const risk = {
      username: 'risk_analyst',
      ...byToken((await issue(system, 'risk_analyst', 'token')).secret),
    };
    const client = await connectNode(system.proxyUrl, risk);
    await client.rows('SELECT 1');
    await changeControl((document) => ({
      ...document,
      principals: document.principals.map((each) =>
        each.id === 'risk_analyst' ? { ...each, status: 'suspended' } : each,
      ),
    }));
    expect(await client.run('SELECT 1')).toMatchObject({ kind: 'error', code: '711003' });
    expect((await refusalOf(risk)).message).toMatch(
      /^TG1003 Not connected: risk_analyst is suspended/,
    );
    await client.close();
  });

  test('who changes teams does not go on as the service user of the old one', async () => {
    const people = {
      username: 'people_analyst',
      ...byToken((await issue(system, 'people_analyst', 'token')).secret),
    };
    const client = await connectNode(system.proxyUrl, people);
    await client.rows('SELECT 1');
    await changeControl((document) => ({
      ...document,
      principals: document.principals.map((each) =>
        each.id === 'people_analyst' ? { ...each, team: 'legal' } : each,
      ),
    }));
    expect(await client.run('SELECT 1')).toMatchObject({ kind: 'error', code: '711002' });
    await client.close();
    expect(await whoIs(people)).toMatchObject([{ U: 'TOLLGATE_LEGAL' }, { TEAM: 'legal' }]);
  });
});

test('a service key is rotated under running sign-ins: proven upstream first, then the old one retires', async () => {
  await as(byToken(token.secret), async (client) => client.rows('SELECT 1'));
  const added = await post(system, 'service-keys', { team: 'marketing' });
  const key = added['serviceKey'] as { readonly id: string };
  expect(added['serviceKey']).toMatchObject({ state: 'pending', slot: 2 });
  const sql = added['sql'] as readonly string[];
  expect(sql).toEqual([
    "CREATE USER IF NOT EXISTS TOLLGATE_MARKETING TYPE = SERVICE COMMENT = 'Tollgate, team marketing';",
    expect.stringMatching(/^ALTER USER TOLLGATE_MARKETING SET RSA_PUBLIC_KEY_2 = '[\w+/=]{392}';$/),
  ]);
  const path = `/api/v1/accounts/demo/service-keys/${key.id}/activate`;
  expect(await system.admin('POST', path, {})).toMatchObject({
    status: 502,
    body: { detail: expect.stringContaining('nothing was changed') },
  });
  const admin = await connectNode(system.warehouseUrl, {
    username: system.service.user,
    password: system.service.password,
  });
  for (const statement of sql) await admin.rows(statement);
  const activated = await post(system, `service-keys/${key.id}/activate`);
  expect(activated).toMatchObject({
    serviceKey: { state: 'active' },
    previous: { state: 'retired', slot: 1 },
    sql: ['ALTER USER TOLLGATE_MARKETING UNSET RSA_PUBLIC_KEY;'],
  });
  for (const statement of activated['sql'] as readonly string[]) await admin.rows(statement);
  await admin.close();
  expect(await whoIs(byToken(token.secret))).toEqual(MARKETING);
  const listed = await system.admin('GET', '/api/v1/accounts/demo/service-keys?team=marketing');
  expect(JSON.stringify(listed.body)).not.toMatch(/PRIVATE|sealed|tgk1/i);
});

test('a service user that is gone from the embedded warehouse is made again, under the key that is active', async () => {
  const { secret } = await issue(system, 'logistics_analyst', 'token');
  const logistics = { username: 'logistics_analyst', ...byToken(secret) };
  const expected = [{ U: 'TOLLGATE_LOGISTICS', R: 'LOGISTICS_ROLE' }, { TEAM: 'logistics' }];
  // Several at once need one user, not several.
  expect(await Promise.all([whoIs(logistics), whoIs(logistics), whoIs(logistics)])).toEqual([
    expected,
    expected,
    expected,
  ]);
  const admin = await connectNode(system.warehouseUrl, {
    username: system.service.user,
    password: system.service.password,
  });
  await admin.rows('DROP USER TOLLGATE_LOGISTICS');
  await admin.close();
  expect(await whoIs(logistics)).toEqual(expected);
  const { rows } = await system.database.db.query(
    "SELECT state FROM service_key WHERE team_id = 'logistics'",
  );
  expect(rows).toEqual([{ state: 'active' }]);
});

test('an account that is terminated takes nothing but credentials of ours', async () => {
  await changeControl(signInOf('terminated'));
  const sales = await refusalOf({ username: 'operations_analyst', password: 'demo' });
  expect(sales).toMatchObject({ code: '390100' });
  const oauth = await refusalOf({ authenticator: 'OAUTH', token: 'of somewhere else' });
  expect(oauth.code).toBe('711001');
  expect(oauth.message).toContain('this account takes credentials issued by Tollgate');
  expect(await whoIs(byToken(token.secret))).toEqual(MARKETING);
  await changeControl(signInOf('passthrough'));
  const ours = await refusalOf(byToken(token.secret));
  expect(ours.message).toContain('it was not passed on');
  await changeControl(signInOf('both'));
});
