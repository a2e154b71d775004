/**
 * Snowflake's own EXPLAIN as the bound of what nothing is known of: when it is sent in a client's session, and that
 * the client sees nothing of it, by the real Node driver and on two replicas.
 */
import { randomUUID } from 'node:crypto';
import type { RuleDocument } from '#policies/control/document.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client, type Row } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

const refuse = (id: string, when: string): RuleDocument => ({
  id,
  mode: 'enforce',
  effect: 'refuse',
  when,
  message: 'ask for something else',
});

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem({
    replicas: 2,
    // Other tests run beside this one.
    patience: { planMs: 30_000 },
    control: (document) => ({
      ...document,
      tiers: document.tiers.map((tier) =>
        tier.id === 'standard' ? { ...tier, explainAboveCredits: '0.000001' } : tier,
      ),
      rules: [
        ...document.rules,
        refuse('no-phones', 'statement.columns.exists(c, c == "ANALYTICS.TPCH.CUSTOMER.C_PHONE")'),
        refuse(
          'no-guessed-balances',
          'estimate.basis == "TABLE_STATS" && statement.columns.exists(c, c == "ANALYTICS.TPCH.CUSTOMER.C_ACCTBAL")',
        ),
      ],
    }),
  });
  client = await connectNode(system.proxyUrl, { warehouse: 'INTERACTIVE_WH' });
});
afterAll(async () => {
  await client?.close();
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

/** Plans that were asked for, whoever asked. */
function plans(): readonly string[] {
  return system.warehouse
    .queryHistory()
    .map(({ started }) => started.text)
    .filter((text) => text.startsWith('EXPLAIN'));
}

function itemsOf(rows: readonly Row[]): ReadonlyMap<unknown, unknown> {
  return new Map(rows.map((row) => [row['ITEM'], row['VALUE']]));
}

async function basisOf(of: Client, sql: string, binds: readonly number[] = []): Promise<unknown> {
  return itemsOf(await of.rows(`EXPLAIN COST ${sql}`, binds)).get('basis');
}

async function idOf(of: Client, sql: string): Promise<string> {
  const result = await of.run(sql);
  if (result.kind === 'error') throw new Error(`${sql}: ${result.message}`);
  return result.queryId;
}

/** A text that nobody has sent before. */
let texts = 0;
function cold(): string {
  texts += 1;
  return `SELECT C_NAME FROM CUSTOMER WHERE C_CUSTKEY = ${texts} AND C_COMMENT <> 'x'`;
}

test('EXPLAIN COST of a cold statement is bounded by the plan, which is asked for once', async () => {
  const sql = cold();
  const direct = await connectNode(system.warehouseUrl, { warehouse: 'INTERACTIVE_WH' });
  const [plan] = await direct.rows(`EXPLAIN USING JSON ${sql}`);
  await direct.close();
  const { GlobalStats: stats } = JSON.parse(String(plan?.['content'])) as {
    GlobalStats: Record<string, number>;
  };
  const before = plans().length;
  const items = itemsOf(await client.rows(`EXPLAIN COST ${sql}`));
  expect(items.get('basis')).toBe('EXPLAIN_BOUND');
  expect(items.get('partitions')).toBe(
    `${stats['partitionsAssigned']} of ${stats['partitionsTotal']}`,
  );
  expect(await basisOf(client, sql)).toBe('EXPLAIN_BOUND');
  expect(plans().slice(before)).toEqual([`EXPLAIN USING JSON ${sql}`]);
  const plansTags = system.warehouse
    .queryHistory()
    .filter(({ started }) => started.text.startsWith('EXPLAIN') && started.tag !== '')
    .map(({ started }) => JSON.parse(started.tag) as unknown);
  expect(plansTags).toEqual([{ src: 'tollgate', team: 'marketing' }]);
});

test('LAST_QUERY_ID and RESULT_SCAN see nothing of our statements', async () => {
  const first = await idOf(client, "SELECT 'first' AS A");
  const second = await idOf(client, "SELECT 'second' AS A");
  expect(await basisOf(client, cold())).toBe('EXPLAIN_BOUND');
  expect(await client.rows('SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))')).toEqual([
    { A: 'second' },
  ]);
  const asked = await idOf(client, 'SELECT LAST_QUERY_ID(-2)');
  const [row] = await client.rows('SELECT LAST_QUERY_ID(), last_query_id(-3) AS OLDER');
  expect(row).toMatchObject({ 'LAST_QUERY_ID()': asked, OLDER: second });
  expect(await client.rows('SELECT * FROM TABLE(RESULT_SCAN(-2))')).toEqual([
    { 'LAST_QUERY_ID(-2)': second },
  ]);
  expect(await client.rows('SELECT LAST_QUERY_ID(-6) AS ID')).toEqual([{ ID: first }]);
});

test('another replica leaves them out too, at once', async () => {
  const raw = new RawClient(Number(new URL(system.proxyUrls[0] ?? '').port));
  await raw.login(
    'marketing_analyst',
    'demo',
    '&warehouse=INTERACTIVE_WH&databaseName=ANALYTICS&schemaName=TPCH',
  );
  const other = new RawClient(Number(new URL(system.proxyUrls[1] ?? '').port));
  other.token = raw.token;
  await other.run('SELECT 1');
  const latest = (await raw.run("SELECT 'mine'")).body.data.queryId as string;
  const before = plans().length;
  const priced = await raw.run(`EXPLAIN COST ${cold()}`);
  expect(JSON.stringify(priced.body.data.rowset)).toContain('EXPLAIN_BOUND');
  expect(plans()).toHaveLength(before + 1);
  const told = await other.run('SELECT LAST_QUERY_ID() AS ID');
  expect(told.body.data.rowset).toEqual([[latest]]);
});

test('a count that cannot be set is refused in such a session, and passes in every other', async () => {
  await basisOf(client, cold());
  const sql = 'SELECT LAST_QUERY_ID(0 - 1)';
  expect(await client.run(sql)).toMatchObject({ kind: 'error', code: '711021' });
  const fresh = await connectNode(system.proxyUrl);
  const result = await fresh.run(sql);
  if (result.kind === 'error') expect(result.code).not.toMatch(/^71/);
  await fresh.close();
});

test('a cold statement above what its tier says is held by its plan, a warm one by its history', async () => {
  const standard = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  const before = plans().length;
  const sql = "SELECT MAX(L_COMMENT) AS M FROM LINEITEM WHERE L_SHIPMODE <> 'above'";
  await standard.rows(sql);
  expect(plans().slice(before)).toEqual([`EXPLAIN USING JSON ${sql}`]);
  const basis = async (): Promise<readonly unknown[]> =>
    (
      await standard.rows(
        "SELECT BASIS FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE '%MAX%L_COMMENT%' AND STATE = 'SETTLED' ORDER BY STARTED_AT",
      )
    ).map((row) => row['BASIS']);
  await eventually(async () => expect(await basis()).toEqual(['EXPLAIN_BOUND']));
  await standard.rows(sql.replace('above', 'again'));
  await eventually(async () => expect(await basis()).toEqual(['EXPLAIN_BOUND', 'HISTORY']));
  expect(plans().slice(before)).toEqual([`EXPLAIN USING JSON ${sql}`]);
  // On a tier without an amount nothing is sent.
  await client.rows("SELECT MIN(O_COMMENT) AS M FROM ORDERS WHERE O_CLERK <> 'x'");
  expect(plans().slice(before)).toEqual([`EXPLAIN USING JSON ${sql}`]);
  await standard.close();
});

test('a statement that is refused whatever a plan says is refused without one', async () => {
  const standard = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  const before = plans().length;
  const refused = await standard.run('SELECT C_PHONE FROM CUSTOMER');
  expect(refused).toMatchObject({ kind: 'error', code: '712101' });
  expect(plans()).toHaveLength(before);
  // The same tier asks where the plan decides.
  const sql = 'SELECT C_ACCTBAL FROM CUSTOMER WHERE C_CUSTKEY = 1';
  await standard.rows(sql);
  expect(plans().slice(before)).toEqual([`EXPLAIN USING JSON ${sql}`]);
  await standard.close();
});

test('in a transaction nothing is sent, nor while AUTOCOMMIT is off; after its end it is', async () => {
  const mine = await connectNode(system.proxyUrl, { warehouse: 'INTERACTIVE_WH' });
  await mine.rows('BEGIN');
  expect(await basisOf(mine, cold())).toBe('TABLE_STATS');
  await mine.rows('COMMIT');
  expect(await basisOf(mine, cold())).toBe('EXPLAIN_BOUND');
  await mine.rows('ALTER SESSION SET AUTOCOMMIT = FALSE');
  expect(await basisOf(mine, cold())).toBe('TABLE_STATS');
  await mine.close();
});

test.each<[string, string, readonly number[]]>([
  ['binds', 'SELECT C_NAME FROM CUSTOMER WHERE C_CUSTKEY = ?', [7]],
  ['a bind without a value', 'SELECT C_NAME FROM CUSTOMER WHERE C_NATIONKEY = ?', []],
  ['two statements', 'SELECT C_NAME FROM CUSTOMER; SELECT O_CLERK FROM ORDERS', []],
  ['an earlier result', 'SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())), CUSTOMER', []],
  ['a definition', 'CREATE TABLE COPIED AS SELECT * FROM CUSTOMER', []],
  ['no table', 'INSERT INTO CUSTOMER (C_CUSTKEY) VALUES (1)', []],
  ['a file', 'PUT file:///tmp/x @~', []],
  ['a call', 'CALL SOMETHING(1)', []],
  ['no warehouse', 'SHOW TABLES', []],
])('nothing is sent for a text with %s', async (_name, sql, binds) => {
  const before = plans().length;
  await client.run(`EXPLAIN COST ${sql}`, binds);
  expect(plans()).toHaveLength(before);
});

test('nothing is sent while another statement of the session is open', async () => {
  const before = plans().length;
  const raw = new RawClient(Number(new URL(system.proxyUrl).port));
  await raw.login(
    'marketing_analyst',
    'demo',
    '&warehouse=INTERACTIVE_WH&databaseName=ANALYTICS&schemaName=TPCH',
  );
  const requestId = randomUUID();
  const submitted = await raw.query('SELECT SYSTEM$WAIT(60)', { asyncExec: true }, requestId);
  const sql = cold();
  const priced = await raw.run(`EXPLAIN COST ${sql}`);
  expect(JSON.stringify(priced.body.data.rowset)).toContain('TABLE_STATS');
  expect(plans()).toHaveLength(before);
  const id = submitted.body.data.queryId as string;
  await raw.send('POST', `/queries/${id}/abort-request?requestId=${randomUUID()}`, {});
  await eventually(async () =>
    expect(JSON.stringify((await raw.run(`EXPLAIN COST ${sql}`)).body.data.rowset)).toContain(
      'EXPLAIN_BOUND',
    ),
  );
});

test('a plan that fails leaves the estimate as it was, and is not asked for again at once', async () => {
  const latest = await idOf(client, "SELECT 'before' AS A");
  const before = plans().length;
  const sql = 'SELECT NO_SUCH_COLUMN FROM CUSTOMER';
  for (let n = 0; n < 2; n += 1) expect(await basisOf(client, sql)).toBe('TABLE_STATS');
  expect(plans()).toHaveLength(before + 1);
  expect(await client.rows('SELECT LAST_QUERY_ID() AS ID')).toEqual([{ ID: latest }]);
});

test.each<[string, string]>([
  ['cut', "SYSTEM$FAULT('malformed', 1, '/queries/v1/query-request')"],
  ['lost', "SYSTEM$FAULT('reset', 20, 1, '/queries/v1/query-request')"],
])(
  'a plan whose reply is %s is done without, and its id is left out all the same',
  async (_name, fault) => {
    const mine = await connectNode(system.proxyUrl, { warehouse: 'INTERACTIVE_WH' });
    const latest = await idOf(mine, "SELECT 'before' AS A");
    const operator = new RawClient(system.warehouse.port);
    await operator.login(system.service.user, system.service.password);
    await operator.query(`CALL ${fault}`);
    expect(await basisOf(mine, cold())).toBe('TABLE_STATS');
    expect(await mine.rows('SELECT LAST_QUERY_ID() AS ID')).toEqual([{ ID: latest }]);
    await mine.close();
  },
);

test('bounds that the clock decides are of the zone of the session, set by its login or by itself', async () => {
  // From a day of the clock to one that is written; a day has as many partitions as any other.
  const ago = Math.round((Date.now() - Date.UTC(2026, 2, 1)) / 86_400_000);
  const sql = `EXPLAIN COST SELECT PAGE FROM ANALYTICS.WEB.EVENTS
    WHERE EVENT_DATE >= DATEADD('day', ${-ago}, CURRENT_DATE()) AND EVENT_DATE <= '2026-03-10'`;
  const own = await connectNode(system.proxyUrl);
  const zone = async (): Promise<unknown> => {
    const { rows } = await system.database.db.query(
      'SELECT time_zone FROM session_state ORDER BY created_at DESC LIMIT 1',
    );
    return rows[0]?.['time_zone'];
  };
  const partitions = async (): Promise<number> => {
    // In a transaction Snowflake is not asked for its plan, which knows the day.
    await own.rows('BEGIN');
    const items = itemsOf(await own.rows(sql));
    await own.rows('COMMIT');
    expect(items.get('basis')).toBe('TABLE_STATS');
    return Number.parseInt(String(items.get('partitions')), 10);
  };
  expect(await zone()).toBe('Etc/UTC');
  await own.rows("ALTER SESSION SET TIMEZONE = 'Pacific/Kiritimati'");
  expect(await zone()).toBe('Pacific/Kiritimati');
  const ahead = await partitions();
  await own.rows("ALTER SESSION SET TIMEZONE = 'Etc/GMT+12'");
  const behind = await partitions();
  expect(behind).toBeGreaterThan(ahead);
  await own.rows('ALTER SESSION UNSET TIMEZONE');
  expect(await zone()).toBeNull();
  // Anywhere on Earth: the dearest.
  expect(await partitions()).toBe(behind);
  await own.close();
  const login = {
    LOGIN_NAME: 'marketing_analyst',
    PASSWORD: 'demo',
    ACCOUNT_NAME: 'DEMO',
    CLIENT_APP_ID: 'RAW',
    CLIENT_APP_VERSION: '1',
    SESSION_PARAMETERS: { TIMEZONE: 'Asia/Tokyo' },
  };
  const raw = new RawClient(Number(new URL(system.proxyUrl).port));
  const path = `/session/v1/login-request?requestId=${randomUUID()}`;
  expect((await raw.send('POST', path, { data: login })).body.success).toBe(true);
  expect(await zone()).toBe('Asia/Tokyo');
});
