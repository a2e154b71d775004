/** Snowflake's SQL API through Tollgate: the same path of a statement, in the statuses and bodies of that API. */
import { createPrivateKey, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRsaKeyPair, signKeyPairToken } from '../../base/key-pairs.js';
import type { NewKeyPair } from '../../base/key-pairs.js';
import type { AccessDocument } from '../../policies/control/document.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { SqlApiClient } from '../support/sql-api.js';
import { eventually } from './support/eventually.js';
import { issue } from './support/issue.js';
import { connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';
import { connectOwner, newUpstreamToken } from './support/upstream-tokens.js';

const HOLD_MS = 1000;
const ROWS = 60_000;
const LARGE = `SELECT SEQ4() AS N, 'row ' || SEQ4() AS T, SEQ4() % 2 = 0 AS B FROM TABLE(GENERATOR(ROWCOUNT => ${ROWS}))`;

const closed = { effect: 'deny', teams: ['sales'], owner: 'data@example.com' } as const;
const CLOSED_TO_SALES: readonly AccessDocument[] = [
  { id: 'vault', ...closed, databases: ['VAULT'] },
  { id: 'hr', ...closed, schemas: ['ANALYTICS.HR'] },
  { id: 'suppliers', ...closed, tables: ['ANALYTICS.TPCH.SUPP*'] },
  { id: 'balances', ...closed, columns: ['ANALYTICS.TPCH.CUSTOMER.C_ACCTBAL'] },
  { id: 'definitions', ...closed, classes: ['ddl'] },
];

let system: System;
let pair: NewKeyPair;
let marketing: SqlApiClient;
let direct: SqlApiClient;
let sales: SqlApiClient;
let legal: SqlApiClient;

beforeAll(async () => {
  [system, pair] = await Promise.all([
    startSystem({
      replicas: 2,
      patience: { holdMs: HOLD_MS },
      control: (document) => ({
        ...document,
        budgets: document.budgets.map((budget) =>
          budget.id === 'legal-monthly' ? { ...budget, limitCredits: '0.000001' } : budget,
        ),
        access: CLOSED_TO_SALES,
        rules: [
          ...document.rules,
          {
            id: 'told',
            mode: 'shadow',
            modes: { sales: 'warn' },
            effect: 'refuse',
            when: '"ANALYTICS.TPCH.NATION" in statement.tablesRead',
            message: 'NATION will be closed',
          },
        ],
        // In another role the same user is of another team.
        mapping: [
          {
            match: { account: 'demo', snowflakeUser: 'MARKETING_ANALYST', role: 'RISK_ROLE' },
            principal: 'risk_analyst',
          },
          ...document.mapping,
        ],
        // An X-Small costs 0.00028 credits a second.
        tiers: document.tiers.map((tier) => {
          if (tier.id === 'batch') return { ...tier, concurrencyMax: 1 };
          if (tier.id !== 'interactive') return tier;
          return {
            ...tier,
            guessExpectedCredits: '0.0001',
            guessHoldCredits: '0.0001',
            ceilingCredits: '0.0004',
          };
        }),
      }),
    }),
    newRsaKeyPair(),
  ]);
  const admin = await connectOwner(system);
  await admin.run('GRANT ROLE RISK_ROLE TO USER MARKETING_ANALYST');
  const token = await newUpstreamToken(admin, 'MARKETING_ANALYST');
  marketing = new SqlApiClient(system.proxyUrl, token, 'PROGRAMMATIC_ACCESS_TOKEN');
  direct = new SqlApiClient(system.warehouseUrl, token, 'PROGRAMMATIC_ACCESS_TOKEN');
  sales = new SqlApiClient(system.proxyUrl, await newUpstreamToken(admin, 'SALES_ANALYST'));
  legal = new SqlApiClient(system.proxyUrl, await newUpstreamToken(admin, 'LEGAL_ANALYST'));
  // The first statement of a replica waits for its parser.
  for (const url of system.proxyUrls)
    await new SqlApiClient(url, token).endOf('SELECT 0 AS Z FROM ANALYTICS.TPCH.REGION');
});

afterAll(async () => {
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

interface TicketRow {
  readonly [name: string]: unknown;
}

async function tickets(requestId: string): Promise<readonly TicketRow[]> {
  const { rows } = await system.database.db.query<TicketRow>(
    `SELECT id, state, team_id, principal_id, snowflake_user, role_name, warehouse, ending, refusal_code, snowflake_query_id,
            (SELECT count(*)::int FROM charge WHERE ticket_id = t.id) AS charges
       FROM ticket t WHERE request_id = $1`,
    [requestId],
  );
  return rows;
}

async function settled(requestId: string): Promise<TicketRow> {
  await eventually(async () =>
    expect((await tickets(requestId)).map(({ state }) => state)).toEqual(['SETTLED']),
  );
  const [row] = await tickets(requestId);
  return row ?? {};
}

describe('a statement', () => {
  test('runs, answers as Snowflake does, is tagged, charged once and shown in MY_QUERIES', async () => {
    const requestId = randomUUID();
    const sql = "SELECT COUNT(*) AS C, TRUE AS B FROM ANALYTICS.TPCH.SUPPLIER WHERE S_NAME <> 'x'";
    const parameters = { query_tag: 'mine' };
    const reply = await marketing.endOf(sql, { parameters }, `requestId=${requestId}`);
    expect([reply.status, reply.body.code, reply.body.data[0][1]]).toEqual([200, '090001', 'true']);
    const { statementHandle } = reply.body;
    expect(await settled(requestId)).toMatchObject({
      team_id: 'marketing',
      principal_id: 'marketing_analyst',
      snowflake_user: 'MARKETING_ANALYST',
      role_name: 'MARKETING_ROLE',
      warehouse: 'STANDARD_WH',
      ending: 'succeeded',
      snowflake_query_id: statementHandle,
      charges: 1,
    });
    const [logged] = system.warehouse
      .queryHistory()
      .filter(({ started }) => started.id === statementHandle);
    const [ticket] = await tickets(requestId);
    expect(JSON.parse(logged?.started.tag ?? '')).toMatchObject({
      tg: ticket?.['id'],
      team: 'marketing',
      src: 'sqlapi',
      tag: 'mine',
    });
    const mine = await marketing.endOf(
      "SELECT STATE, CREDITS FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE '%SUPPLIER%'",
    );
    expect([mine.status, mine.body.resultSetMetaData.format, mine.body.data[0][0]]).toEqual([
      200,
      'jsonv2',
      'SETTLED',
    ]);
  });

  test('that no budget can pay is 422 before it runs, and nothing is charged', async () => {
    const requestId = randomUUID();
    const before = system.warehouse.queryHistory().length;
    const sql = 'SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.LINEITEM';
    const reply = await legal.endOf(sql, {}, `requestId=${requestId}`);
    expect([reply.status, reply.body.code, reply.body.sqlState]).toEqual([422, '712001', '42501']);
    expect(reply.body.message).toMatch(/^TG2001 Not run, nothing charged: /);
    const [ticket] = await tickets(requestId);
    expect(ticket).toMatchObject({ state: 'VOID', refusal_code: 'TG2001', charges: 0 });
    expect(reply.body.statementHandle).toBe(ticket?.['id']);
    expect(reply.body.tollgate).toMatchObject({ code: 'TG2001', ticket: ticket?.['id'] });
    const ran = system.warehouse.queryHistory().slice(before);
    expect(ran.filter(({ started }) => started.text.includes('LINEITEM'))).toEqual([]);
    const why = await legal.endOf(
      `SELECT * FROM TABLE(TOLLGATE.WHY('${String(reply.body.statementHandle)}'))`,
    );
    expect(JSON.stringify(why.body.data)).toContain('TG2001');
    const asked = await legal.status(reply.body.statementHandle as string);
    expect([asked.status, asked.body.code]).toEqual([422, '712001']);
  });

  test('that fails in Snowflake fails in its words', async () => {
    const reply = await marketing.endOf('SELECT NOPE FROM ANALYTICS.TPCH.REGION');
    expect([reply.status, reply.body.code]).toEqual([422, '000904']);
    expect(reply.body.message).toContain('NOPE');
  });

  test('takes role, warehouse, database and schema from its body', async () => {
    const requestId = randomUUID();
    const place = { warehouse: 'BATCH_WH', database: 'ANALYTICS', schema: 'TPCH' };
    const reply = await marketing.endOf(
      'SELECT COUNT(*) AS C FROM NATION',
      place,
      `requestId=${requestId}`,
    );
    expect(reply.body.data).toEqual([['25']]);
    expect(await settled(requestId)).toMatchObject({ warehouse: 'BATCH_WH' });
    const refused = await marketing.submit('SELECT 1', { role: 'ACCOUNTADMIN' });
    expect([refused.status, refused.body.code]).toEqual([403, '390189']);
  });

  test('has our backstop as its timeout, also where it asks for the longest there is', async () => {
    const reply = await marketing.endOf('SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.PART', {
      timeout: 0,
    });
    expect(reply.status).toBe(200);
    const slow = await marketing.endOf('SELECT SYSTEM$WAIT(60)', { timeout: 1 }, 'async=true');
    expect([slow.status, slow.body.code]).toEqual([408, '000630']);
  });
});

describe('one request', () => {
  test('sent five times at once and once more with retry=true runs and is charged once', async () => {
    const requestId = randomUUID();
    const sql = "SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.CUSTOMER WHERE C_NAME <> 'five times'";
    const query = `requestId=${requestId}`;
    const replies = await Promise.all([0, 1, 2, 3, 4].map(() => marketing.endOf(sql, {}, query)));
    const again = await marketing.endOf(sql, {}, `${query}&retry=true`);
    const handles = new Set([...replies, again].map(({ body }) => String(body.statementHandle)));
    expect(handles.size).toBe(1);
    expect(new Set([...replies, again].map(({ status }) => status))).toEqual(new Set([200]));
    expect(await settled(requestId)).toMatchObject({ charges: 1 });
    const other = await marketing.submit('SELECT 2 AS OTHER', {}, query);
    expect([other.status, other.body.code]).toEqual([422, '711012']);
  });

  test('of several statements is one ticket, and its children are read by their handles', async () => {
    const requestId = randomUUID();
    const reply = await marketing.endOf(
      'SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.REGION; SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.NATION',
      { parameters: { MULTI_STATEMENT_COUNT: '2' } },
      `requestId=${requestId}`,
    );
    expect([reply.status, reply.body.data]).toEqual([
      200,
      [['Multiple statements executed successfully.']],
    ]);
    const [first, second] = reply.body.statementHandles as string[];
    expect(await settled(requestId)).toMatchObject({ charges: 1 });
    expect((await marketing.status(first ?? '')).body.data).toEqual([['5']]);
    expect((await marketing.status(second ?? '')).body.data).toEqual([['25']]);
    expect(await sales.status(first ?? '')).toMatchObject({
      status: 422,
      body: { code: '000709' },
    });
  });
});

describe('access lists', () => {
  const place = { database: 'ANALYTICS', schema: 'TPCH', warehouse: 'STANDARD_WH' };
  const denied: readonly (readonly [sql: string, list: string])[] = [
    ['SELECT A FROM VAULT.S.T', 'vault'],
    ['SELECT ID FROM HR.STAFF', 'hr'],
    ['SELECT COUNT(*) AS C FROM "SUPPLIER"', 'suppliers'],
    ["SELECT COUNT(*) AS C FROM IDENTIFIER('tpch.supplier')", 'suppliers'],
    ['WITH C AS (SELECT C_ACCTBAL FROM CUSTOMER) SELECT MAX(C_ACCTBAL) AS M FROM C', 'balances'],
    ['CREATE TEMPORARY TABLE T AS SELECT R_NAME FROM REGION', 'definitions'],
  ];
  const open = [
    'SELECT COUNT(*) AS C FROM REGION',
    "SELECT COUNT(*) AS C FROM IDENTIFIER('region')",
    'SELECT MAX(C_NAME) AS M FROM CUSTOMER',
    'SELECT COUNT(*) AS C FROM NATION',
  ];

  test('close each kind of object over the SQL API, several statements in one included', async () => {
    const before = system.warehouse.queryHistory().length;
    for (const [sql, list] of denied) {
      const { status, body } = await sales.endOf(sql, place);
      expect([sql, status, body.code, body.tollgate?.access?.list]).toEqual([
        sql,
        422,
        '712103',
        list,
      ]);
    }
    const two = { ...place, parameters: { MULTI_STATEMENT_COUNT: '2' } };
    const both = await sales.endOf('USE SCHEMA HR; SELECT ID FROM STAFF', two);
    expect([both.status, both.body.code]).toEqual([422, '712103']);
    expect(both.body.message).toContain('team sales has no access to ANALYTICS.HR.STAFF');
    const ran = system.warehouse.queryHistory().slice(before);
    expect(ran.filter(({ started }) => /SUPPLIER|ACCTBAL|STAFF|VAULT/.test(started.text))).toEqual(
      [],
    );
    for (const sql of open) expect((await sales.endOf(sql, place)).status).toBe(200);
    expect((await marketing.endOf('SELECT COUNT(*) AS C FROM SUPPLIER', place)).status).toBe(200);
  });

  test('close the same through the Node driver, whose author reads what rules warned of', async () => {
    const client = await connectNode(system.proxyUrl, { username: 'sales_analyst' });
    try {
      for (const [sql, list] of denied) {
        const result = await client.run(sql);
        expect(result).toMatchObject({ kind: 'error', code: '712103', sqlState: '42501' });
        expect(result.kind === 'error' && result.message).toContain(`(access list ${list})`);
      }
      for (const sql of open) expect((await client.run(sql)).kind).toBe('rows');
      const warned = await client.rows(
        "SELECT TICKET, WARNINGS FROM TOLLGATE.MY_QUERIES WHERE WARNINGS = 'told: NATION will be closed'",
      );
      expect(warned.length).toBeGreaterThan(0);
      const why = await client.rows(
        `SELECT DETAIL FROM TABLE(TOLLGATE.WHY('${String(warned[0]?.['TICKET'])}')) WHERE ASPECT = 'warning'`,
      );
      expect(why).toEqual([{ DETAIL: 'told: NATION will be closed' }]);
    } finally {
      await client.close();
    }
    await eventually(async () => {
      const { rows } = await system.database.db.query(
        `SELECT rule_id, mode, sum(hits)::int AS hits FROM rule_hit WHERE team_id = 'sales' AND rule_id IN ('told', 'suppliers') GROUP BY 1, 2 ORDER BY 1`,
      );
      expect(rows).toEqual([
        { rule_id: 'suppliers', mode: 'enforce', hits: 4 },
        { rule_id: 'told', mode: 'warn', hits: 2 },
      ]);
    });
  });
});

describe('a long statement', () => {
  test('asked for asynchronously is 202 until it has ended; polls charge nothing', async () => {
    const requestId = randomUUID();
    const query = `requestId=${requestId}&async=true`;
    const reply = await marketing.submit('SELECT SYSTEM$WAIT(1) AS W', {}, query);
    expect([reply.status, reply.body.code]).toEqual([202, '333334']);
    const handle = reply.body.statementHandle as string;
    expect((await marketing.status(handle)).status).toBe(202);
    expect((await marketing.ended(handle)).body.data).toEqual([['waited 1 seconds']]);
    expect(await settled(requestId)).toMatchObject({ charges: 1, snowflake_query_id: handle });
    expect((await marketing.status(handle)).status).toBe(200);
    expect((await tickets(requestId))[0]?.['charges']).toBe(1);
  });

  test('that runs beyond our patience is 202 under its ticket, which any replica answers', async () => {
    const reply = await marketing.submit('SELECT SYSTEM$WAIT(2) AS W');
    const handle = reply.body.statementHandle as string;
    expect([reply.status, handle.charAt(14)]).toEqual([202, '7']);
    const other = new SqlApiClient(system.proxyUrls[1] ?? '', marketing.token);
    expect((await other.status(handle)).status).toBe(202);
    expect((await marketing.ended(handle)).body.data).toEqual([['waited 2 seconds']]);
    await eventually(async () =>
      expect((await other.status(handle)).body.data).toEqual([['waited 2 seconds']]),
    );
  });

  test.each(['async=true', ''])('is cancelled by its handle (%s)', async (mode) => {
    const requestId = randomUUID();
    const reply = await marketing.submit(
      'SELECT SYSTEM$WAIT(60) AS W',
      {},
      `requestId=${requestId}&${mode}`,
    );
    const handle = reply.body.statementHandle as string;
    expect(reply.status).toBe(202);
    expect(await sales.cancel(handle)).toMatchObject({ status: 422, body: { code: '000709' } });
    expect(await marketing.cancel(handle)).toMatchObject({ status: 200, body: { code: '000604' } });
    expect(await marketing.ended(handle)).toMatchObject({ status: 422, body: { code: '000604' } });
    expect(await settled(requestId)).toMatchObject({ ending: 'cancelled', charges: 1 });
    expect(await marketing.cancel(handle)).toMatchObject({ status: 422, body: { code: '000605' } });
  });
});

describe('a statement that waits for its tier', () => {
  test('is 202 under its ticket, and cancelled by it at any replica with nothing charged', async () => {
    const place = { warehouse: 'BATCH_WH' };
    const running = await marketing.submit('SELECT SYSTEM$WAIT(60) AS W', place, 'async=true');
    const requestId = randomUUID();
    const sql = 'SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.PARTSUPP';
    const reply = await marketing.submit(sql, place, `requestId=${requestId}`);
    const handle = reply.body.statementHandle as string;
    expect([reply.status, (await marketing.status(handle)).status]).toEqual([202, 202]);
    expect((await sales.cancel(handle)).body.code).toBe('000709');
    const other = new SqlApiClient(system.proxyUrls[1] ?? '', marketing.token);
    expect((await other.status(handle)).status).toBe(202);
    expect(await other.cancel(handle)).toMatchObject({ status: 200, body: { code: '000604' } });
    for (const client of [marketing, other])
      await eventually(async () =>
        expect(await client.status(handle)).toMatchObject({
          status: 422,
          body: { code: '000604' },
        }),
      );
    expect(await tickets(requestId)).toMatchObject([{ state: 'VOID', charges: 0 }]);
    await marketing.cancel(running.body.statementHandle as string);
  });
});

describe('a statement that outruns its ceiling', () => {
  test('is stopped before Snowflake has told its handle, in our words for every replica', async () => {
    const requestId = randomUUID();
    const place = { warehouse: 'INTERACTIVE_WH' };
    const reply = await marketing.submit(
      'SELECT SYSTEM$WAIT(60) AS W',
      place,
      `requestId=${requestId}`,
    );
    expect(reply.status).toBe(202);
    const handle = reply.body.statementHandle as string;
    const stopped = await marketing.ended(handle);
    expect([stopped.status, stopped.body.code, stopped.body.sqlState]).toEqual([
      422,
      '714001',
      '57014',
    ]);
    expect(stopped.body.message).toMatch(/^TG4001 Stopped after \d+ s at /);
    expect(await settled(requestId)).toMatchObject({ ending: 'stopped', charges: 1 });
    const other = new SqlApiClient(system.proxyUrls[1] ?? '', marketing.token);
    expect((await other.status(handle)).body.code).toBe('714001');
  });
});

describe('a large result', () => {
  test('comes in partitions whose bytes are those of Snowflake', async () => {
    const reply = await marketing.endOf(LARGE);
    const handle = reply.body.statementHandle as string;
    const { numRows, partitionInfo } = reply.body.resultSetMetaData;
    expect(numRows).toBe(ROWS);
    expect(partitionInfo.length).toBeGreaterThan(1);
    let rows = reply.body.data.length as number;
    for (let at = 1; at < partitionInfo.length; at += 1) {
      const proxied = await marketing.status(handle, `partition=${at}`);
      const other = await direct.status(handle, `partition=${at}`);
      expect(proxied.headers['content-encoding']).toBe('gzip');
      expect(proxied.bytes.equals(other.bytes)).toBe(true);
      rows += proxied.body.data.length as number;
    }
    expect(rows).toBe(ROWS);
    expect((await sales.status(handle, 'partition=1')).body.code).toBe('000709');
  });
});

describe('callers', () => {
  test('with a credential of Tollgate run as the service user of their team, under their own name', async () => {
    const token = await issue(system, 'marketing_analyst', 'token');
    await issue(system, 'marketing_analyst', 'key-pair', { publicKey: pair.publicKey.pem });
    const jwt = await signKeyPairToken(
      {
        account: 'demo',
        user: 'marketing_analyst',
        privateKey: createPrivateKey(pair.privatePem),
        fingerprint: pair.publicKey.fingerprint,
      },
      Date.now(),
      1800,
    );
    for (const client of [
      new SqlApiClient(system.proxyUrl, token.secret, 'PROGRAMMATIC_ACCESS_TOKEN'),
      new SqlApiClient(system.proxyUrl, jwt, 'KEYPAIR_JWT'),
    ]) {
      const requestId = randomUUID();
      const reply = await client.endOf(
        'SELECT CURRENT_USER() AS U, COUNT(*) AS C FROM ANALYTICS.TPCH.REGION',
        {},
        `requestId=${requestId}`,
      );
      expect(reply.body.data).toEqual([['TOLLGATE_MARKETING', '5']]);
      expect(await settled(requestId)).toMatchObject({
        principal_id: 'marketing_analyst',
        snowflake_user: 'TOLLGATE_MARKETING',
        charges: 1,
      });
      expect((await client.endOf('SELECT TEAM FROM TOLLGATE.MY_BUDGET')).body.data).toEqual([
        ['marketing'],
      ]);
    }
    const wrong = await new SqlApiClient(system.proxyUrl, `${token.secret}x`).submit('SELECT 1');
    expect([wrong.status, wrong.body.code]).toEqual([401, '394400']);
  });

  test('in a role of another team are charged to that team, and read what they sent in it', async () => {
    const requestId = randomUUID();
    const sql = 'SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.NATION';
    const query = `requestId=${requestId}`;
    const reply = await marketing.endOf(sql, { role: 'RISK_ROLE' }, query);
    expect(await settled(requestId)).toMatchObject({ team_id: 'risk', role_name: 'RISK_ROLE' });
    const handle = reply.body.statementHandle as string;
    expect((await marketing.status(handle)).body.data).toEqual([['25']]);
    expect((await sales.status(handle)).body.code).toBe('000709');
  });

  test.each([
    ['nothing', { authorization: undefined }, '711001'],
    ['the token of a driver', { authorization: 'Snowflake Token="x"' }, '711001'],
    ['what Snowflake does not take', { authorization: 'Bearer nonsense' }, '394400'],
  ])('that present %s are 401', async (_name, headers, code) => {
    const body = { statement: 'SELECT 1' };
    const reply = await marketing.send('POST', '/api/v2/statements', { body, headers });
    expect([reply.status, reply.body.code]).toEqual([401, code]);
    const handle = `/api/v2/statements/${randomUUID()}`;
    expect((await marketing.send('GET', handle, { headers })).status).toBe(401);
    expect((await marketing.send('POST', `${handle}/cancel`, { headers })).status).toBe(401);
  });

  test('get one answer for handles of other teams and for handles that there are not', async () => {
    const reply = await marketing.endOf('SELECT COUNT(*) AS C FROM ANALYTICS.TPCH.ORDERS');
    const handle = reply.body.statementHandle as string;
    for (const id of [handle, randomUUID()]) {
      expect(await sales.status(id)).toMatchObject({
        status: 422,
        body: { code: '000709', statementHandle: id },
      });
      expect(await sales.cancel(id)).toMatchObject({ status: 422, body: { code: '000709' } });
    }
  });

  test.each([
    ['a name that stands twice', '{"statement":"SELECT 1","statement":"SELECT 2"}'],
    ['a name in another case', '{"statement":"SELECT 1","Role":"X"}'],
    ['no statement', '{}'],
    ['no JSON', '{'],
    ['a timeout below zero', '{"statement":"SELECT 1","timeout":-1}'],
  ])('that send %s are 400', async (_name, body) => {
    const reply = await marketing.send('POST', '/api/v2/statements', { body });
    expect([reply.status, reply.body.code]).toEqual([400, '711010']);
    expect(reply.body.message).toMatch(/^TG1010 Not run: /);
  });

  test('that ask for other paths are 404', async () => {
    for (const path of ['/api/v2/statements/', '/api/v2/databases', '/api/v2/statements/x'])
      expect((await marketing.send('GET', path)).status).toBe(404);
  });
});
