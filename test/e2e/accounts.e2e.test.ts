/** Two Snowflake accounts behind one proxy: two embedded warehouses, told apart by the first label of the host. */
import { randomBytes, randomUUID } from 'node:crypto';
import dns from 'node:dns';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { must } from '../../base/assert.js';
import { systemIds } from '../../base/ids.js';
import { Lifecycle } from '../../base/lifecycle.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import { connectService } from '../../base/snowflake/service-connection.js';
import { systemClock } from '../../base/time.js';
import { applyControl } from '../../admin/stores/control-store.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { TokenSealer } from '../../proxy/identity/tokens.js';
import { startProxy, type Proxy } from '../../proxy/start-proxy.js';
import { startDemoEngine } from '../support/demo-engine.js';
import { startWarehouse } from '../../warehouse/start-warehouse.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

const SEAL_KEY = { id: 'test', key: Buffer.alloc(32, 7) };
const life = new Lifecycle();
let system: System;
let proxy: Proxy;
let secondDir: string;
let alpha: Client;
let beta: Client;

/** One analyst, who is marketing at alpha and sales at beta; a third account has no upstream here. */
function twoAccounts(document: ControlDocument): ControlDocument {
  return {
    ...document,
    accounts: [
      { id: 'alpha', upstream: 'first' },
      { id: 'beta', upstream: 'second' },
      { id: 'gamma', upstream: 'nowhere' },
    ],
    mapping: [
      { match: { account: 'alpha', snowflakeUser: 'MARKETING_ANALYST' }, team: 'marketing' },
      { match: { account: 'beta', snowflakeUser: 'MARKETING_ANALYST' }, team: 'sales' },
    ],
  };
}

beforeAll(async () => {
  system = await startSystem({ withProxy: false, control: twoAccounts });
  secondDir = await mkdtemp(join(tmpdir(), 'tollgate-second-'));
  const common = { host: '127.0.0.1', port: 0, clock: systemClock, log: silentLog };
  const engine = await startDemoEngine(secondDir);
  life.add('engine', engine);
  const second = await startWarehouse({ ...common, dataDir: secondDir, engine });
  life.add('second', second);
  const origins = { alpha: system.warehouseUrl, beta: `http://127.0.0.1:${second.port}` };
  const folders = { alpha: system.dataDir, beta: secondDir };
  proxy = await startProxy({
    ...common,
    ids: systemIds(),
    metrics: createMetrics(),
    db: system.database.db,
    dataDir: system.dataDir,
    replicaName: 'test',
    sealKeys: [SEAL_KEY],
    accounts: [
      { upstream: 'first', origin: origins.alpha },
      { upstream: 'second', origin: origins.beta, snowflakeAccount: 'MYORG-BETA' },
      { upstream: 'idle', origin: 'http://127.0.0.1:9' },
    ],
    sharedHosts: ['tollgate.localhost'],
    trustedProxies: [],
    connectService: async (account) =>
      connectService({
        origin: origins[account as 'alpha' | 'beta'],
        account,
        user: 'TOLLGATE_SERVICE',
        password: (
          await readFile(
            join(folders[account as 'alpha' | 'beta'], 'service-user-password'),
            'utf8',
          )
        ).trim(),
      }),
    limits: {
      requestBytesMax: 1024 * 1024,
      inflatedBytesMax: 1024 * 1024,
      statementBytesMax: 1024 * 1024,
      bodyTimeoutMs: 10_000,
    },
    sessionsCachedMax: 100,
    upstreamConnectionsMax: 16,
    upstreamConnectTimeoutMs: 2_000,
    meterIntervalMs: 500,
    parserSpareCount: 0,
  });
  life.add('proxy', proxy);
  resolveLocally();
  alpha = await connectNode(at('alpha.localhost'), { account: 'alpha' });
  beta = await connectNode(at('beta.localhost'), { account: 'beta' });
});

afterAll(async () => {
  await alpha?.close();
  await beta?.close();
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await life.drain();
  vi.restoreAllMocks();
  await system?.stop();
  await rm(secondDir, { recursive: true, force: true });
});

/** Names under .localhost lead here, as RFC 6761 has it; not every machine's resolver does so. */
function resolveLocally(): void {
  const real = dns.lookup;
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: unknown[]) =>
    (real as (...args: unknown[]) => void)(
      host.endsWith('.localhost') ? '127.0.0.1' : host,
      ...rest,
    )) as typeof dns.lookup);
}

function at(host: string): string {
  return `http://${host}:${proxy.port}`;
}

function refusal(host: string, account: string): Promise<string> {
  return connectNode(at(host), { account }).then(
    async (client) => {
      await client.close();
      return 'connected';
    },
    (error: Error) => error.message,
  );
}

describe('two accounts behind one proxy', () => {
  test('each have their own tables, under the host of their name', async () => {
    await alpha.rows('CREATE TABLE ANALYTICS.TPCH.ONLY_ALPHA AS SELECT 1 AS N');
    expect(await alpha.rows('SELECT N FROM ANALYTICS.TPCH.ONLY_ALPHA')).toEqual([{ N: 1 }]);
    expect(await beta.run('SELECT N FROM ANALYTICS.TPCH.ONLY_ALPHA')).toMatchObject({
      kind: 'error',
      code: '002003',
    });
  });

  test('map one Snowflake user to the team of each, and charges carry the account', async () => {
    const statement = 'SELECT COUNT(*) AS C FROM CUSTOMER WHERE C_ACCTBAL > 0';
    expect(await alpha.rows(statement)).toEqual(await beta.rows(statement));
    await eventually(async () => {
      const { rows } = await system.database.db.query(
        `SELECT t.account, t.team_id, c.account AS charged FROM ticket t JOIN charge c ON c.ticket_id = t.id
          WHERE t.statement_shape LIKE '%CUSTOMER%' ORDER BY 1`,
      );
      expect(rows).toEqual([
        { account: 'alpha', team_id: 'marketing', charged: 'alpha' },
        { account: 'beta', team_id: 'sales', charged: 'beta' },
      ]);
    });
  });

  test('are chosen by the login where the host stands for none', async () => {
    for (const [host, account, team] of [
      ['127.0.0.1', 'beta', 'sales'],
      ['localhost', 'ALPHA', 'marketing'],
      ['tollgate.localhost', 'MYORG-BETA', 'sales'],
    ] as const) {
      const client = await connectNode(at(host), { account });
      const budgets = await client.rows('SELECT BUDGET FROM TOLLGATE.MY_BUDGET');
      expect(budgets).toContainEqual({ BUDGET: `${team}-monthly` });
      await client.close();
    }
  });

  test.each([
    ['alpha.localhost', 'beta', 'TG1004 Not connected: the host name is that of account "alpha"'],
    [
      'other.localhost',
      'alpha',
      'TG1004 Not connected: the host name "other.localhost" begins with',
    ],
    ['gamma.localhost', 'gamma', 'TG1004 Not connected: no upstream is configured here'],
    ['127.0.0.1', 'delta', 'TG1004 Not connected: this Tollgate does not front'],
  ])('refuse a login at %s for %s in words', async (host, account, says) => {
    expect(await refusal(host, account)).toContain(says);
  });

  test('refuse a token of the one at the host of the other, on every route that opens one', async () => {
    const token = tokens(alpha);
    const own = await call('alpha.localhost', '/queries/v1/query-request', token.session);
    expect(own).toMatchObject({ success: true });
    for (const path of [
      '/queries/v1/query-request',
      '/session/heartbeat',
      '/queries/v1/abort-request',
    ])
      expect(await call('beta.localhost', path, token.session)).toMatchObject({
        success: false,
        code: '711001',
      });
    const renewal = { oldSessionToken: token.session, requestType: 'RENEW' };
    expect(
      await call('beta.localhost', '/session/token-request', token.master, renewal),
    ).toMatchObject({ success: false, code: '711001' });
    expect(await alpha.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
  });

  test('a renewal may not name a session of the same number at another account', async () => {
    const { rows } = await system.database.db.query<{ id: string }>('SELECT id FROM deployment');
    const sealer = new TokenSealer({
      keys: [SEAL_KEY],
      randomBytes,
      cachedMax: 10,
      audience: must(rows[0], 'there is one deployment').id,
      now: Date.now,
    });
    const own = sealer.open(tokens(alpha).session, 'session');
    const renew = (account: string): Promise<unknown> =>
      call('127.0.0.1', '/session/token-request', tokens(alpha).master, {
        requestType: 'RENEW',
        oldSessionToken: sealer.seal({ ...must(own, 'the token is ours'), account }),
      });
    expect(await renew('beta')).toMatchObject({ success: false, code: '711001' });
    expect(await renew('alpha')).toMatchObject({ success: true });
  });

  test('one that leaves the document is refused at once, the other goes on', async () => {
    const leave = demoControlDocument();
    const apply = (accounts: ControlDocument['accounts']): Promise<unknown> =>
      applyControl(system.database.db, {
        document: {
          ...twoAccounts(leave),
          accounts,
          mapping: [{ match: { snowflakeUser: '*' }, team: 'sales' }],
        },
        actor: { id: 'test', role: 'platform' },
        reason: 'test',
        at: Date.now(),
      });
    await apply([{ id: 'alpha', upstream: 'first' }]);
    await eventually(async () => {
      expect(await beta.run('SELECT 1 AS ONE')).toMatchObject({ kind: 'error', code: '711001' });
    });
    expect(await alpha.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
    expect(proxy.problems()).toEqual([]);
    await apply([{ id: 'omega', upstream: 'nowhere' }]);
    await eventually(() => {
      expect(proxy.problems()).toEqual([expect.stringContaining('no account')]);
    });
    await apply([
      { id: 'alpha', upstream: 'first' },
      { id: 'beta', upstream: 'second' },
    ]);
    await eventually(async () => {
      expect(await beta.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
    });
  });
});

/** The tokens that the driver holds: sealed ones of ours. */
function tokens(client: Client): { readonly session: string; readonly master: string } {
  const state = JSON.parse(client.connection.serialize()) as {
    readonly services: {
      readonly sf: { readonly tokenInfo: { sessionToken: string; masterToken: string } };
    };
  };
  const { sessionToken, masterToken } = state.services.sf.tokenInfo;
  return { session: sessionToken, master: masterToken };
}

/** With a Host header of our choice, which fetch does not let us make. */
function call(
  host: string,
  path: string,
  token: string,
  body: object = { sqlText: 'SELECT 1', sequenceId: 1 },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: proxy.port,
        path: `${path}?requestId=${randomUUID()}`,
        method: 'POST',
        headers: {
          host,
          authorization: `Snowflake Token="${token}"`,
          'content-type': 'application/json',
          accept: 'application/json',
        },
      },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}
