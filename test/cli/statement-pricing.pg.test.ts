/** `POST /explain`: the price of a statement by what the ledger knows, and whom it is told to. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdminApp } from '../../admin/server.js';
import type { PricedStatement } from '../../admin/statement-pricing.js';
import { createStatementPricing } from '../../cli/statement-pricing.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import { type AdminWorld, createAdminWorld, TOKEN } from '../admin/world.js';

const EVENTS = 'SELECT PAGE, COUNT(*) FROM ANALYTICS.WEB.EVENTS GROUP BY PAGE';

let world: AdminWorld;
let app: FastifyInstance;
let pricing: ReturnType<typeof createStatementPricing>;
let analyst: string;
let lead: string;

beforeAll(async () => {
  world = await createAdminWorld();
  const { db } = world.database;
  const { clock, ledger } = world;
  const metrics = createMetrics();
  pricing = createStatementPricing({ db, log: silentLog, metrics, clock, ledger, pricing: null });
  const api = { ...world.options.api, price: pricing.price };
  app = await createAdminApp({ ...world.options, metrics: createMetrics(), api });
  const scope = { team: 'marketing', principal: 'marketing_analyst' };
  analyst = await world.issue({ role: 'analyst', ...scope });
  lead = await world.issue({ role: 'team-lead', team: 'marketing' });
  await db.query(
    `INSERT INTO table_statistics (account, table_name, bytes, rows, clustering_column, clustering_low, clustering_high,
       columns, imported_at)
     VALUES ('demo', 'ANALYTICS.WEB.EVENTS', 50e12, 200e9, 'EVENT_DATE', '2022-01-01', '2026-12-31',
       '{"EVENT_DATE": 0.5, "PAGE": 0.5}', now())`,
  );
});
afterAll(async () => {
  await app.close();
  await pricing.stop(new AbortController().signal);
  await world.close();
});

async function ask(
  token: string,
  body: object,
): Promise<{ readonly status: number; readonly text: string; readonly priced: PricedStatement }> {
  const reply = await app.inject({
    method: 'POST',
    url: '/api/v1/explain',
    headers: { authorization: `Bearer ${token}` },
    payload: body,
  });
  return { status: reply.statusCode, text: reply.body, priced: reply.json() };
}

test('an analyst learns the price from the statistics, what would be held, and what would be cheaper', async () => {
  const { status, text, priced } = await ask(analyst, { sqlText: EVENTS, warehouse: 'BATCH_WH' });
  expect(status, text).toBe(200);
  expect(priced).toMatchObject({
    principal: 'marketing_analyst',
    team: 'marketing',
    warehouse: 'BATCH_WH',
    currency: 'USD',
    isFree: false,
    estimate: { basis: 'TABLE_STATS' },
    statements: [{ class: 'query', tablesRead: ['ANALYTICS.WEB.EVENTS'] }],
  });
  expect(Number(priced.estimate?.expected.credits)).toBeGreaterThan(1);
  expect(Number(priced.hold?.amount)).toBeGreaterThan(Number(priced.hold?.credits));
  const [cheaper] = priced.cheaper;
  expect(cheaper).toMatchObject({ table: 'ANALYTICS.WEB.EVENTS', column: 'EVENT_DATE' });
  expect(priced.budgets.map(({ budgetId }) => budgetId)).toContain('marketing-monthly');
});

test('what a budget cannot pay is told in the words of the refusal, and nothing is held or spent', async () => {
  await world.call('PUT', '/api/v1/budgets/marketing', {
    limitCredits: '0.000001',
    reason: 'test',
  });
  const { priced } = await ask(analyst, { sqlText: 'SELECT COUNT(*) FROM ANALYTICS.TPCH.ORDERS' });
  expect(priced.decision).toBe('refuse');
  expect(priced.refusal?.code).toBe('TG2001');
  expect(priced.refusal?.message).toMatch(/^TG2001 Not run, nothing charged: needs about/);
  const short = priced.budgets.filter(({ isShort }) => isShort).map(({ budgetId }) => budgetId);
  expect(short).toEqual(['marketing-monthly']);
  const { rows } = await world.database.db.query(
    'SELECT 1 FROM ticket UNION ALL SELECT 1 FROM hold',
  );
  expect(rows).toEqual([]);
});

test('what costs nothing and what Tollgate answers itself are told as such', async () => {
  expect((await ask(analyst, { sqlText: 'SELECT 1' })).priced).toMatchObject({
    decision: 'allow',
    isFree: true,
    budgets: [],
  });
  const own = await ask(analyst, { sqlText: 'SELECT * FROM TOLLGATE.MY_BUDGET' });
  expect(own.priced).toMatchObject({ decision: 'allow', isFree: true, estimate: null });
  const priced = await ask(analyst, { sqlText: `EXPLAIN COST ${EVENTS}` });
  expect(priced.priced.estimate?.basis).toBe('TABLE_STATS');
});

test('what is frozen is told', async () => {
  const body = { scope: 'warehouse', target: 'BATCH_WH', reason: 'a test' };
  const made = await world.call('POST', '/api/v1/freezes', body);
  const { priced } = await ask(analyst, { sqlText: EVENTS, warehouse: 'BATCH_WH' });
  expect(priced.refusal?.message).toMatch(/BATCH_WH.*frozen|frozen.*BATCH_WH/);
  const { id } = (made.json['freeze'] ?? {}) as { readonly id?: string };
  await world.call('POST', `/api/v1/freezes/${id}/thaw`, { reason: 'a test' });
});

test('each asks for whom it may: others are as if they did not exist', async () => {
  const sqlText = 'SELECT 1';
  expect((await ask(lead, { sqlText, principal: 'marketing_analyst' })).status).toBe(200);
  const foreign = await ask(lead, { sqlText, principal: 'sales_analyst' });
  const nobody = await ask(lead, { sqlText, principal: 'zales_analyst' });
  expect(foreign.status).toBe(404);
  expect(foreign.text.replace('sales', 'zales')).toBe(nobody.text);
  expect((await ask(analyst, { sqlText, principal: 'sales_analyst' })).status).toBe(404);
  expect((await ask(lead, { sqlText })).text).toContain('must say who would send it');
  expect((await ask(TOKEN, { sqlText, principal: 'sales_analyst' })).priced.team).toBe('sales');
  const finance = await world.issue({ role: 'finance' });
  expect((await ask(finance, { sqlText, principal: 'sales_analyst' })).status).toBe(403);
});

test('a text without a statement, an unknown account and a process that prices nothing are told so', async () => {
  expect((await ask(analyst, { sqlText: '-- nothing' })).text).toContain('must hold a statement');
  expect((await ask(analyst, { sqlText: ' ' })).text).toContain('must be the statement');
  const elsewhere = await ask(analyst, { sqlText: 'SELECT 1', account: 'elsewhere' });
  expect(elsewhere.status).toBe(404);
  const body = { sqlText: 'SELECT 1', principal: 'sales_analyst' };
  const unpriced = await world.call('POST', '/api/v1/explain', body);
  expect(unpriced.status).toBe(503);
  expect(unpriced.text).toContain('EXPLAIN COST');
});
