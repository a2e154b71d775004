import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { parseCredits } from '../../base/units.js';
import { DEMO_STATISTICS } from '../../cli/explanation/demo-statistics.js';
import { demoTables } from '../../cli/explanation/statistics.js';
import { main } from '../../cli/main.js';
import { readable } from '../../proxy/surface/explain-cost.js';
import { STEPS } from '../../proxy/events.js';
import { metricCatalogue } from '../support/metric-catalogue.js';
import { recordedTerminal } from '../cli/recorded-terminal.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { connectNode, type Client } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';
import { eventually } from './support/eventually.js';

let system: System;
let client: Client;

beforeAll(async () => {
  system = await startSystem();
  client = await connectNode(system.proxyUrl);
});

afterAll(async () => {
  await client?.close();
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

const STATEMENTS = [
  'SELECT 1 AS ONE',
  `SELECT n.N_NAME, COUNT(*) AS CUSTOMERS, SUM(c.C_ACCTBAL) AS BALANCE
     FROM CUSTOMER c JOIN NATION n ON c.C_NATIONKEY = n.N_NATIONKEY GROUP BY 1 ORDER BY 1`,
  `SELECT L_RETURNFLAG, L_LINESTATUS, SUM(L_QUANTITY) AS QUANTITY, MIN(L_SHIPDATE) AS FIRST_SHIPPED, COUNT(*) AS LINES
     FROM LINEITEM GROUP BY 1, 2 ORDER BY 1, 2`,
  `SELECT O_ORDERPRIORITY, COUNT(*) AS ORDERS FROM ORDERS
    WHERE EXISTS (SELECT 1 FROM LINEITEM WHERE L_ORDERKEY = O_ORDERKEY AND L_COMMITDATE < L_RECEIPTDATE)
    GROUP BY 1 ORDER BY 1`,
];

test('rows through the proxy equal the rows of a direct connection', async () => {
  const direct = await connectNode(system.warehouseUrl);
  for (const statement of STATEMENTS) {
    const expected = await direct.rows(statement);
    expect(expected.length).toBeGreaterThan(0);
    expect(await client.rows(statement)).toEqual(expected);
  }
  expect(
    await client.rows('SELECT COUNT(*) AS C FROM ORDERS WHERE O_ORDERKEY < ?', [1000]),
  ).toEqual(await direct.rows('SELECT COUNT(*) AS C FROM ORDERS WHERE O_ORDERKEY < ?', [1000]));
  await direct.close();
});

test("upstream's own errors pass with their codes, and the session goes on", async () => {
  expect(await client.run('SELEC 1')).toMatchObject({
    kind: 'error',
    code: '001003',
    sqlState: '42000',
  });
  expect(await client.run('SELECT * FROM NO_SUCH_TABLE')).toMatchObject({
    kind: 'error',
    code: '002003',
  });
  expect(await client.rows('SELECT 2 AS TWO')).toEqual([{ TWO: 2 }]);
});

test('a temporary table stays in its session', async () => {
  await client.rows('CREATE TEMPORARY TABLE MINE AS SELECT 7 AS N');
  await client.rows('INSERT INTO MINE SELECT 8');
  expect(await client.rows('SELECT SUM(N) AS S FROM MINE')).toEqual([{ S: 15 }]);
  const other = await connectNode(system.proxyUrl);
  expect(await other.run('SELECT * FROM MINE')).toMatchObject({ kind: 'error', code: '002003' });
  await other.close();
});

test('two sessions keep their own warehouse, and USE moves only one of them', async () => {
  const other = await connectNode(system.proxyUrl);
  await other.rows('USE WAREHOUSE BATCH_WH');
  expect(await other.rows('SELECT CURRENT_WAREHOUSE() AS W')).toEqual([{ W: 'BATCH_WH' }]);
  expect(await client.rows('SELECT CURRENT_WAREHOUSE() AS W')).toEqual([{ W: 'STANDARD_WH' }]);
  await other.rows('SELECT COUNT(*) FROM REGION WHERE R_NAME IS NOT NULL');
  await eventually(async () => {
    const rows = await other.rows(
      "SELECT TIER FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE '%FROM REGION%'",
    );
    expect(rows).toEqual([{ TIER: 'batch' }]);
  });
  await other.close();
});

test('a warehouse set within one text, chain or block is refused: what follows is priced for another', async () => {
  const before = system.warehouse.queryHistory().length;
  for (const sql of [
    'USE WAREHOUSE BATCH_WH; SELECT COUNT(*) FROM REGION',
    'USE WAREHOUSE BATCH_WH ->> SELECT COUNT(*) FROM REGION',
    'BEGIN USE WAREHOUSE BATCH_WH; SELECT COUNT(*) FROM REGION; END',
  ]) {
    const result = await client.run(sql);
    expect(result, sql).toMatchObject({ kind: 'error', code: '712101' });
    expect(result.kind === 'error' ? result.message : '').toContain(
      'USE WAREHOUSE stands in one text',
    );
  }
  expect(system.warehouse.queryHistory()).toHaveLength(before);
});

test('a full scan is refused before it runs, in one request, and the connection goes on', async () => {
  const before = system.warehouse.queryHistory().length;
  const result = await client.run('SELECT * FROM ANALYTICS.WEB.EVENTS');
  expect(result).toMatchObject({ kind: 'error', code: '712001', sqlState: '42501' });
  const message = result.kind === 'error' ? result.message : '';
  expect(message).toMatch(
    /^TG2001 Not run, nothing charged: needs about \$[\d.,]+, \$[\d.,]+ is left in marketing-monthly/,
  );
  expect(message).toContain('filter EVENT_DATE');
  expect(system.warehouse.queryHistory()).toHaveLength(before);
  expect(await client.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
  const { rows } = await system.database.db.query<{ n: string }>(
    `SELECT count(*) AS n FROM ticket WHERE refusal_code = 'TG2001'`,
  );
  expect(rows).toEqual([{ n: '1' }]);
});

test('the rewrite that EXPLAIN COST suggests runs, at within twice or half of the price it told; its receipt comes within a second', async () => {
  const priced = await client.rows(
    'EXPLAIN COST SELECT COUNTRY, SUM(REVENUE) AS R FROM ANALYTICS.WEB.EVENTS GROUP BY 1',
  );
  const items = new Map(priced.map((row) => [row['ITEM'], row]));
  const advised = Number(String(items.get('advice')?.['VALUE']).replace(' credits', ''));
  const rewrite = String(items.get('suggested rewrite')?.['VALUE']);
  expect(rewrite).toMatch(
    / FROM ANALYTICS\.WEB\.EVENTS WHERE EVENT_DATE = '[\d-]{10}' GROUP BY 1$/,
  );
  await client.rows(rewrite);
  await eventually(
    async () => {
      const [row] = await client.rows(
        `SELECT TEAM, TIER, WAREHOUSE, STATE, BASIS, ESTIMATED_BYTES, BYTES_SCANNED, ESTIMATED_CREDITS, CREDITS, AMOUNT
           FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE '%WEB.EVENTS WHERE%' AND STATE = 'SETTLED'`,
      );
      expect(row).toMatchObject({
        TEAM: 'marketing',
        TIER: 'standard',
        WAREHOUSE: 'STANDARD_WH',
        BASIS: 'TABLE_STATS',
      });
      for (const column of [
        'ESTIMATED_BYTES',
        'BYTES_SCANNED',
        'ESTIMATED_CREDITS',
        'CREDITS',
        'AMOUNT',
      ]) {
        expect(row?.[column], column).toBeGreaterThan(0);
      }
      for (const predicted of [advised, Number(row?.['ESTIMATED_CREDITS'])]) {
        expect(row?.['CREDITS']).toBeGreaterThan(predicted / 2);
        expect(row?.['CREDITS']).toBeLessThan(predicted * 2);
      }
    },
    { withinMs: 1000 },
  );
});

test('EXPLAIN COST names bytes, money, the binding budget and the missing filter, and costs nothing', async () => {
  const rows = await client.rows('EXPLAIN COST SELECT * FROM ANALYTICS.WEB.EVENTS');
  const items = new Map(rows.map((row) => [row['ITEM'], row]));
  expect(items.get('bytes')?.['VALUE']).toBe('50.0 TB');
  expect(items.get('basis')?.['VALUE']).toBe('EXPLAIN_BOUND');
  expect(items.get('decision')).toMatchObject({
    VALUE: 'refuse',
    DETAIL: expect.stringMatching(/^TG2001 Not run, nothing charged: needs about \$[\d.,]+, \$/),
  });
  expect(items.get('binds first')?.['VALUE']).toBe('marketing-monthly');
  expect(items.get('queue wait')?.['VALUE']).toBe('0 s');
  const advice = rows.filter((row) => row['ITEM'] === 'advice').map((row) => row['DETAIL']);
  expect(advice).toEqual([
    expect.stringMatching(/^filter EVENT_DATE of ANALYTICS\.WEB\.EVENTS to one day: .* less$/),
    expect.stringMatching(/^name the columns: \* reads all 12 .* PAYLOAD alone is .* less$/),
  ]);
  expect(items.get('suggested rewrite')?.['VALUE']).toMatch(
    /^SELECT \* FROM ANALYTICS\.WEB\.EVENTS WHERE EVENT_DATE = '/,
  );
  expect(
    await client.rows(
      "SELECT COUNT(*) AS N FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE 'EXPLAIN COST%'",
    ),
  ).toEqual([{ N: 0 }]);
});

test('EXPLAIN COST of a text of very many statements is refused with the number that it takes', async () => {
  const many = 'SELECT 1;'.repeat(60_000);
  await expect(client.rows(`EXPLAIN COST ${many}`)).rejects.toThrow(
    /at most 200 statements of one text, and this one has 60000/,
  );
  await expect(client.rows(`EXPLAIN COST ${'SELECT 1;'.repeat(200)}`)).resolves.toContainEqual(
    expect.objectContaining({ ITEM: 'statement 200' }),
  );
});

test('explain offline says what EXPLAIN COST says in the session, of the demo it knows by heart', async () => {
  const { rows: imported } = await system.database.db.query(
    `SELECT table_name, bytes::float8, rows::float8, partitions::float8, clustering_column, clustering_low,
            clustering_high, columns FROM table_statistics WHERE account = 'demo' ORDER BY table_name`,
  );
  const { statistics } = demoTables();
  expect(Object.keys(DEMO_STATISTICS).sort()).toEqual(imported.map((row) => row['table_name']));
  for (const row of imported)
    expect(statistics.table(String(row['table_name']))).toEqual({
      bytes: row['bytes'],
      rows: row['rows'],
      partitions: row['partitions'],
      clusteringColumn: row['clustering_column'],
      low: row['clustering_low'],
      high: row['clustering_high'],
      columns: row['columns'],
    });
  const sql = "SELECT PAGE FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE >= '2026-06-01'";
  // In a transaction Snowflake is not asked for its plan either.
  await client.rows('BEGIN');
  const items = new Map(
    (await client.rows(`EXPLAIN COST ${sql}`)).map((row) => [row['ITEM'], row['VALUE']]),
  );
  await client.rows('COMMIT');
  const terminal = recordedTerminal();
  expect(await main(['explain', sql, '--as', 'marketing_analyst', '--json'], terminal)).toBe(0);
  const told = offline.parse(JSON.parse(terminal.out()));
  expect(readable(parseCredits(told.estimate.expectedCredits))).toBe(items.get('credits'));
  expect(told.estimate.basis).toBe(items.get('basis'));
  expect(`${told.warehouse} (${told.warehouseSize})`).toBe(items.get('warehouse'));
  expect(told.decision.kind).toBe(items.get('decision'));
});

const offline = z.object({
  warehouse: z.string(),
  warehouseSize: z.string(),
  estimate: z.object({ expectedCredits: z.string(), basis: z.string() }),
  decision: z.object({ kind: z.string() }),
});

test('WHY explains a refusal to its own team only', async () => {
  const [refused] = await client.rows(
    "SELECT TICKET FROM TOLLGATE.MY_QUERIES WHERE REFUSAL LIKE 'TG2001%'",
  );
  const ticket = String(refused?.['TICKET']);
  const why = await client.rows(`SELECT * FROM TABLE(TOLLGATE.WHY('${ticket}'))`);
  expect(JSON.stringify(why)).toContain('TG2001');
  const sales = await connectNode(system.proxyUrl, { username: 'sales_analyst' });
  expect(await sales.run(`SELECT * FROM TABLE(TOLLGATE.WHY('${ticket}'))`)).toMatchObject({
    kind: 'error',
    code: '711021',
  });
  expect(await sales.rows('SELECT TEAM FROM TOLLGATE.MY_BUDGET')).toEqual([{ TEAM: 'sales' }]);
  await sales.close();
});

test('a raised budget admits the refused scan on the same connection, and a cancel ends it', async () => {
  const scan = 'SELECT * FROM ANALYTICS.WEB.EVENTS';
  expect(await client.run(scan)).toMatchObject({ code: '712001' });
  const raised = await system.admin('PUT', '/api/v1/budgets/marketing', {
    limitCredits: '500',
    reason: 'the yearly campaign review',
  });
  expect(raised.status).toBe(200);
  const running = new Promise<string>((resolve) => {
    const statement = client.connection.execute({
      sqlText: scan,
      complete: (error) => resolve(String(error?.code ?? 'finished')),
    });
    void eventually(() => {
      expect(system.warehouse.queryHistory().some((each) => each.started.text === scan)).toBe(true);
      return Promise.resolve();
    }).then(() => statement.cancel(() => undefined));
  });
  expect(await running).toBe('000604');
  await eventually(async () => {
    const [row] = await client.rows(
      "SELECT STATE, CREDITS FROM TOLLGATE.MY_QUERIES WHERE STATEMENT LIKE 'SELECT * FROM ANALYTICS.WEB.EVENTS' AND STATE = 'SETTLED'",
    );
    expect(row?.['CREDITS']).toBeGreaterThan(0);
  });
});

test('a grant is felt by the next statement, and the bill of the month sums to the ledger', async () => {
  const granted = await system.admin('POST', '/api/v1/budgets/marketing/grants', {
    credits: '5',
    reason: 'one more report',
  });
  expect(granted.status).toBeLessThan(300);
  const [budget] = await client.rows(
    "SELECT LIMIT_CREDITS FROM TOLLGATE.MY_BUDGET WHERE BUDGET = 'marketing-monthly'",
  );
  expect(budget).toEqual({ LIMIT_CREDITS: 505 });
  const month = new Date().toISOString().slice(0, 7);
  const bill = await system.admin('GET', `/api/v1/bills/marketing/${month}.json`);
  const { status, lines, totalCredits, totalAmount } = bill.body as {
    status: string;
    lines: { amount: string; credits: string; effectiveAmount: string }[];
    totalCredits: string;
    totalAmount: string;
  };
  expect(status).toBe('provisional');
  expect(lines.length).toBeGreaterThan(0);
  const { rows } = await system.database.db.query<{ credits: string; money: string }>(
    `SELECT sum(credits)::numeric(38,12)::text AS credits, sum(money)::numeric(38,12)::text AS money
     FROM charge WHERE team_id = 'marketing'`,
  );
  const sum = (field: 'amount' | 'credits' | 'effectiveAmount'): bigint =>
    lines.reduce((total, line) => total + pico(line[field]), 0n);
  expect(pico(totalCredits)).toBe(pico(rows[0]?.credits ?? ''));
  expect(sum('credits')).toBe(pico(totalCredits));
  expect(sum('effectiveAmount')).toBe(pico(rows[0]?.money ?? ''));
  expect(sum('amount')).toBe(pico(totalAmount));
});

function pico(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, '0'));
}

test('every statement upstream carries a tag with ticket and team, except those that dbt reads and writes it with', async () => {
  await client.rows("ALTER SESSION SET QUERY_TAG = 'mine'");
  const shown = await client.rows("SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION");
  expect(JSON.stringify(shown)).not.toContain('"tg"');
  await client.rows('SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL');
  const history = system.warehouse
    .queryHistory()
    .map((each) => each.started)
    .filter((each) => each.user !== 'TOLLGATE_SERVICE');
  const tagged = history.filter((each) => !/^(SHOW PARAMETERS|ALTER SESSION)/i.test(each.text));
  const untagged = history.filter((each) => /^(SHOW PARAMETERS|ALTER SESSION)/i.test(each.text));
  expect(untagged).toHaveLength(2);
  for (const each of untagged) expect(each.tag).not.toContain('"tg"');
  const byProxy = tagged.filter((each) => each.tag !== '');
  expect(byProxy.length).toBeGreaterThan(10);
  for (const each of byProxy.filter(({ text }) => !text.startsWith('EXPLAIN'))) {
    const tag = JSON.parse(each.tag) as Record<string, unknown>;
    expect(tag['tg']).toMatch(/^[0-9a-f-]{36}$/);
    expect(['marketing', 'sales']).toContain(tag['team']);
  }
  expect(byProxy.at(-1)?.tag).toContain('mine');
});

test('wrong passwords, unknown accounts and unmapped users each get their own answer', async () => {
  await expect(connectNode(system.proxyUrl, { password: 'wrong' })).rejects.toThrow(
    /incorrect username or password/i,
  );
  await expect(connectNode(system.proxyUrl, { account: 'elsewhere' })).rejects.toThrow(/TG1004/);
});

test('the metrics after all this are known ones, with words of fixed lists as labels and the time of every step', async () => {
  const text = await (await fetch(`${system.adminUrl}/metrics`)).text();
  const { metrics } = metricCatalogue();
  const known = new Map(metrics.map((each) => [each.name, each]));
  const samples = [...text.matchAll(/^(tollgate_\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/gm)];
  expect(samples.length).toBeGreaterThan(200);
  const values = new Set<string>();
  for (const [, base = '', suffix = '', labels = ''] of samples) {
    const metric = known.get(base) ?? known.get(base + suffix);
    expect(metric, base + suffix).toBeDefined();
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      if (label === 'le') continue;
      expect(metric?.labels, base).toContain(label);
      values.add(value);
    }
  }
  for (const value of ['marketing', 'standard', 'journal', 'reserve', 'settle'])
    expect(values).toContain(value);
  const { rows } = await system.database.db.query<{ id: string; query: string | null }>(
    'SELECT id::text, snowflake_query_id AS query FROM ticket',
  );
  expect(rows.length).toBeGreaterThan(10);
  for (const { id, query } of rows) {
    expect(values).not.toContain(id);
    if (query !== null) expect(text).not.toContain(query);
  }
  expect(text).not.toContain('_analyst');
  expect(text.toUpperCase()).not.toContain('LINEITEM');
  for (const step of STEPS.filter((each) => each !== 'settle'))
    expect(
      Number(new RegExp(`tollgate_step_seconds_count\\{step="${step}"\\} (\\d+)`).exec(text)?.[1]),
      step,
    ).toBeGreaterThan(5);
  // A resource that is used shows that it is.
  for (const resource of ['sessions', 'journal', 'requests', 'connections'])
    expect(
      Number(
        new RegExp(`tollgate_limit_used\\{resource="${resource}"[^}]*\\} (\\d+)`).exec(text)?.[1],
      ),
      resource,
    ).toBeGreaterThan(0);
});
