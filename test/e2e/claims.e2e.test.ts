import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlDocument } from '../../policies/control/document.js';
import { base64url, keyPair, payload, signRaw } from '../policies/claims.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { type Client, connectNode, type Row } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

const KEY = keyPair('EdDSA');
const STRANGE_KEY = keyPair('EdDSA');
const SHARED = 'platform_analyst';
let system: System;
let client: Client;
let bi: Client;
let secret: { readonly id: string; readonly secret: string };
let serial = 0;

/** `platform_analyst` is a BI tool; `people_analyst` pays for legal when it comes from this machine. */
function withSharedPrincipal(document: ControlDocument): ControlDocument {
  return {
    ...document,
    networks: [
      { id: 'machine', cidrs: ['127.0.0.0/8', '::1/128'] },
      { id: 'office', cidrs: ['10.0.0.0/8'] },
    ],
    principals: document.principals.map((principal) =>
      principal.id === SHARED
        ? {
            ...principal,
            shared: true,
            claimKeys: [{ id: 'ed', algorithm: 'EdDSA', publicKey: KEY.pem }],
          }
        : principal.id === 'risk_analyst'
          ? { ...principal, status: 'suspended' }
          : principal,
    ),
    mapping: [
      { match: { snowflakeUser: 'PEOPLE_ANALYST', network: 'machine' }, team: 'legal' },
      { match: { snowflakeUser: 'GROWTH_ANALYST', network: 'office' }, team: 'finance' },
      ...document.mapping,
    ],
    rules: [
      {
        id: 'no-people-through-bi',
        mode: 'enforce',
        effect: 'refuse',
        when: `caller.via == "${SHARED}" && caller.team == "people" && caller.principal == "people_analyst"`,
        message: 'people are not asked for through this tool',
      },
    ],
    budgets: [
      ...document.budgets,
      {
        id: 'support-dbt',
        node: 'support',
        limitCredits: '0',
        hard: true,
        period: { kind: 'month', timeZone: 'UTC' },
        counts: 'direct',
        workload: 'dbt/jaffle_*',
      },
    ],
  };
}

beforeAll(async () => {
  system = await startSystem({ control: withSharedPrincipal });
  client = await connectNode(system.proxyUrl);
  bi = await connectNode(system.proxyUrl, { username: SHARED });
  const issued = await system.admin('POST', `/api/v1/principals/${SHARED}/claim-secrets`, {
    reason: 'tests',
  });
  secret = issued.body as typeof secret;
});

afterAll(async () => {
  await client?.close();
  await bi?.close();
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

interface Ticket {
  readonly team_id: string;
  readonly principal_id: string;
  readonly via_principal_id: string | null;
  readonly workload: string | null;
  readonly tag: Record<string, unknown>;
}

/** Runs a statement of its own shape with a tag, and finds its ticket and the tag that went upstream. */
async function ticketOf(
  from: Client,
  options: { readonly tag?: string; readonly before?: string; readonly after?: string } = {},
): Promise<Ticket> {
  serial += 1;
  const alias = `ROW_COUNT_${serial}`;
  const sqlText = `${options.before ?? ''}SELECT COUNT(*) AS ${alias} FROM REGION WHERE R_NAME <> 'X'${options.after ?? ''}`;
  await new Promise<void>((resolve, reject) => {
    from.connection.execute({
      sqlText,
      ...(options.tag === undefined ? {} : { parameters: { QUERY_TAG: options.tag } }),
      complete: (error) => (error ? reject(error) : resolve()),
    });
  });
  const { rows } = await system.database.db.query<{ [name: string]: string | null }>(
    `SELECT id::text, team_id, principal_id, via_principal_id, workload FROM ticket
     WHERE statement_shape ILIKE $1`,
    [`%${alias} FROM REGION%`],
  );
  expect(rows).toHaveLength(1);
  const sent = system.warehouse.queryHistory().find(({ started }) => started.text === sqlText);
  const tag = JSON.parse(sent?.started.tag ?? '{}') as Record<string, unknown>;
  expect(tag['tg']).toBe(rows[0]?.['id']);
  return { ...(rows[0] as unknown as Ticket), tag };
}

const now = (): number => Math.floor(Date.now() / 1000);

/** A claim of the BI tool for sales, by its EdDSA key unless told otherwise. */
function claim(
  changes: Readonly<Record<string, unknown>> = {},
  options: { readonly header?: object; readonly key?: Parameters<typeof signRaw>[2] } = {},
): string {
  const header = { alg: 'EdDSA', kid: 'ed', ...options.header };
  const body = payload({ iss: SHARED, team: 'sales', iat: now(), exp: now() + 300, ...changes });
  return signRaw(JSON.stringify(header), JSON.stringify(body), options.key ?? KEY.privateKey);
}

const tagged = (token: string): string =>
  JSON.stringify({ app: 'bi', tollgate_claim: token, n: 1 });

async function claimsCounted(outcome: string): Promise<number> {
  const text = await (await fetch(`${system.adminUrl}/metrics`)).text();
  const line = new RegExp(`^tollgate_claims_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
    text,
  );
  return Number(line?.[1] ?? 0);
}

test('a tag, comments and application names that name another team change nothing', async () => {
  const forged = JSON.stringify({
    team: 'finance',
    tenant: 'finance',
    principal: 'finance_analyst',
  });
  for (const options of [
    { tag: forged },
    { tag: 'team=finance' },
    { before: `/* ${forged} */ ` },
    { after: `\n-- {"team":"finance","app":"dbt","node_id":"model.finance.x"}` },
    { tag: JSON.stringify({ tollgate_claim: { team: 'finance' } }) },
  ]) {
    const ticket = await ticketOf(client, options);
    expect(ticket).toMatchObject({
      team_id: 'marketing',
      principal_id: 'marketing_analyst',
      via_principal_id: null,
    });
    expect(ticket.tag).toMatchObject({ team: 'marketing' });
  }
  const named = await connectNode(system.proxyUrl, { application: 'finance' } as object);
  expect(await ticketOf(named)).toMatchObject({ team_id: 'marketing', workload: 'client/finance' });
  await named.close();
});

test('the network that a client comes from decides where the mapping says so', async () => {
  const person = await connectNode(system.proxyUrl, { username: 'people_analyst' });
  expect(await ticketOf(person)).toMatchObject({ team_id: 'legal' });
  await person.close();
});

test('an address that the client itself writes into a header is not believed', async () => {
  const response = await fetch(`${system.proxyUrl}/session/v1/login-request`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.0.0.1' },
    body: JSON.stringify({
      data: { ACCOUNT_NAME: 'demo', LOGIN_NAME: 'growth_analyst', PASSWORD: 'demo' },
    }),
  });
  expect(await response.json()).toMatchObject({ success: true });
  const { rows } = await system.database.db.query(
    `SELECT principal_id FROM session_state WHERE snowflake_user = 'GROWTH_ANALYST'`,
  );
  expect(rows).toEqual([{ principal_id: 'growth_analyst' }]);
});

test('a valid claim charges the end team, and its signature does not travel', async () => {
  const token = claim();
  const ticket = await ticketOf(bi, { tag: tagged(token) });
  expect(ticket).toMatchObject({
    team_id: 'sales',
    principal_id: SHARED,
    via_principal_id: SHARED,
  });
  expect(ticket.tag).toMatchObject({ team: 'sales', app: 'bi', n: 1 });
  expect(JSON.stringify(system.warehouse.queryHistory())).not.toContain(token.split('.')[2]);
  const { rows } = await system.database.db.query(
    `SELECT DISTINCT budget_id FROM hold h JOIN budget_period p ON p.id = h.budget_period_id
     JOIN ticket t ON t.id = h.ticket_id WHERE t.via_principal_id = $1 ORDER BY 1`,
    [SHARED],
  );
  expect(rows).toEqual([{ budget_id: 'demo-company-monthly' }, { budget_id: 'sales-monthly' }]);
});

test('a claim signed with an issued secret names an end principal, until the secret is revoked', async () => {
  const options = { header: { alg: 'HS256', kid: secret.id }, key: secret.secret };
  const token = claim({ sub: 'sales_analyst' }, options);
  expect(await ticketOf(bi, { tag: tagged(token) })).toMatchObject({
    team_id: 'sales',
    principal_id: 'sales_analyst',
    via_principal_id: SHARED,
  });
  const path = `/api/v1/principals/${SHARED}/claim-secrets/${secret.id}/revoke`;
  expect((await system.admin('POST', path, { reason: 'leaked' })).status).toBe(200);
  await eventually(
    async () => {
      expect(await ticketOf(bi, { tag: tagged(token) })).toMatchObject({ team_id: 'platform' });
    },
    { withinMs: 5000 },
  );
});

test('what is not believed is charged to the sender, counted, and told to the platform', async () => {
  const hour = { iat: now() - 7200, exp: now() - 3600 };
  const good = claim();
  const [head = '', , tail = ''] = good.split('.');
  const altered = base64url(JSON.stringify(payload({ iss: SHARED, team: 'finance' })));
  const cases: readonly (readonly [string, string])[] = [
    ['expired', claim(hour)],
    ['signature', `${head}.${altered}.${tail}`],
    ['algorithm', claim({}, { header: { alg: 'none' } })],
    ['unknown-key', claim({}, { header: { kid: 'other' } })],
    ['issuer', claim({ iss: 'sales_analyst' })],
    ['signature', claim({}, { key: STRANGE_KEY.privateKey })],
    ['team', claim({ team: 'nobody' })],
    ['subject', claim({ sub: 'finance_analyst' })],
    ['lifetime', claim({ exp: now() + 100_000 })],
    ['malformed', `${head}..`],
  ];
  for (const [problem, token] of cases) {
    const before = await claimsCounted(problem);
    const ticket = await ticketOf(bi, { tag: tagged(token) });
    expect(ticket, problem).toMatchObject({
      team_id: 'platform',
      principal_id: SHARED,
      via_principal_id: null,
    });
    expect(JSON.stringify(ticket.tag)).not.toContain('tollgate_claim');
    expect(await claimsCounted(problem)).toBe(before + 1);
  }
  await eventually(async () => {
    const { body } = await system.admin('GET', '/api/v1/claim-notices');
    const { notices } = body as { notices: { principal: string; problem: string }[] };
    expect(notices.map(({ problem }) => problem)).toEqual(
      expect.arrayContaining(cases.map(([problem]) => problem)),
    );
  });
});

test('a claim of a principal that is not shared is ignored and counted', async () => {
  const before = await claimsCounted('not-shared');
  const token = claim({ iss: 'marketing_analyst' });
  expect(await ticketOf(client, { tag: tagged(token) })).toMatchObject({ team_id: 'marketing' });
  expect(await claimsCounted('not-shared')).toBe(before + 1);
});

test('a true claim for a suspended principal is refused as it would be itself', async () => {
  const token = claim({ team: 'risk', sub: 'risk_analyst' });
  await expect(ticketOf(bi, { tag: tagged(token) })).rejects.toThrow(
    /^TG1003 Not run: risk_analyst is suspended/,
  );
});

test('a rule sees through whom a statement came', async () => {
  const token = claim({ team: 'people', sub: 'people_analyst' });
  await expect(ticketOf(bi, { tag: tagged(token) })).rejects.toThrow(
    /^TG2101 .*people are not asked for through this tool/,
  );
});

test('a claim in the tag of the session holds for its statements, and shows nobody the end team', async () => {
  const session = await connectNode(system.proxyUrl, { username: SHARED });
  const token = claim({ team: 'finance' });
  await session.rows(`ALTER SESSION SET QUERY_TAG = '${tagged(token)}'`);
  expect(await ticketOf(session)).toMatchObject({ team_id: 'finance', via_principal_id: SHARED });
  expect(
    await session.rows('SELECT TEAM, COUNT(*) AS N FROM TOLLGATE.MY_QUERIES GROUP BY TEAM'),
  ).toEqual([expect.objectContaining({ TEAM: 'platform' })]);
  const budgets = await session.rows('SELECT TEAM FROM TOLLGATE.MY_BUDGET GROUP BY TEAM');
  expect(budgets).toEqual([{ TEAM: 'platform' }]);
  const priced = await session.rows('EXPLAIN COST SELECT COUNT(*) FROM REGION');
  expect(JSON.stringify(priced)).toContain('finance-monthly');
  expect(JSON.stringify(system.warehouse.queryHistory())).not.toContain(token.split('.')[2]);
  await session.close();
  const atLogin = claim({ team: 'growth' });
  const other = await connectNode(system.proxyUrl, {
    username: SHARED,
    queryTag: tagged(atLogin),
  } as object);
  expect(await ticketOf(other)).toMatchObject({ team_id: 'growth', via_principal_id: SHARED });
  await other.rows("SHOW PARAMETERS LIKE 'QUERY_TAG'");
  expect(JSON.stringify(system.warehouse.queryHistory())).not.toContain(atLogin.split('.')[2]);
  await other.close();
});

test('a statement that dbt comments shows its workload, and a budget of that workload holds it', async () => {
  const after = `\n/* {"app": "dbt", "dbt_version": "1.9.4", "node_id": "model.jaffle_shop.customers"} */`;
  expect(await ticketOf(client, { after })).toMatchObject({
    workload: 'dbt/jaffle_shop.customers',
  });
  const rows: readonly Row[] = await client.rows(
    "SELECT TEAM, VIA FROM TOLLGATE.MY_QUERIES WHERE WORKLOAD = 'dbt/jaffle_shop.customers' GROUP BY TEAM, VIA",
  );
  expect(rows).toEqual([{ TEAM: 'marketing', VIA: null }]);
  const support = await connectNode(system.proxyUrl, { username: 'support_analyst' });
  expect(await ticketOf(support)).toMatchObject({ workload: 'client/JavaScript' });
  await expect(ticketOf(support, { after })).rejects.toThrow(/TG2001 .*support-dbt/);
  await support.close();
});
