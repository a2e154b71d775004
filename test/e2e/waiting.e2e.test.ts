/**
 * Statements that wait in a queue or run long are answered with where to ask again, and every replica answers: polls,
 * repeats, cancels and questions for their state; of the own team's statements only.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { must } from '#base/assert.js';
import { main } from '../../cli/main.js';
import type { BudgetDocument, ControlDocument, TierDocument } from '#policies/control/document.js';
import type { OffPeakDocument, RungDocument } from '#policies/control/ladder-documents.js';
import { recordedTerminal } from '../cli/recorded-terminal.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { RawClient, type Reply } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { connectNode } from './support/node-driver.js';
import { ADMIN_TOKEN, startSystem, type System } from './support/system.js';

const HOLD_MS = 400;
const ABANDONED_MS = 5000;
const GONE_MS = 2000;

/** Neither now nor in the next five hours. */
const OFF_PEAK: OffPeakDocument = {
  timeZone: 'UTC',
  windows: [{ from: hourIn(6), to: hourIn(8) }],
};

function hourIn(hours: number): string {
  return `${new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 13)}:00`;
}

/** Used up by the first statement of its team. */
function softBudget(team: string, ladder: readonly RungDocument[]): BudgetDocument {
  return {
    id: `${team}-soft`,
    node: team,
    limitCredits: '0.000000000001',
    hard: false,
    period: { kind: 'month', timeZone: 'UTC' },
    counts: 'direct',
    tier: 'standard',
    ladder,
  };
}

/** A tier whose warehouse is not there, or may not be used, which Snowflake says in the same words. */
function ghostTier({ tiers }: ControlDocument): TierDocument {
  return {
    ...must(tiers[0], 'a tier'),
    id: 'ghost',
    warehouse: 'GHOST_WH',
    switch: 'session',
  };
}

let system: System;
beforeAll(async () => {
  system = await startSystem({
    replicas: 2,
    patience: { holdMs: HOLD_MS, abandonedAfterMs: ABANDONED_MS, goneAfterMs: GONE_MS },
    control: (document) => ({
      ...document,
      warehouses: [
        ...document.warehouses,
        { name: 'GHOST_WH', size: 'XSMALL', kind: 'STANDARD', generation: '1' },
      ],
      budgets: [
        ...document.budgets,
        softBudget('people', [
          { atPercent: 100, step: 'slower-tier', tier: 'interactive' },
          { atPercent: 1000, step: 'smaller-warehouse', tier: 'batch' },
        ]),
        softBudget('risk', [{ atPercent: 100, step: 'off-peak' }]),
      ],
      tiers: [...document.tiers, ghostTier(document)].map((tier) => {
        if (tier.id === 'interactive')
          return { ...tier, concurrencyMax: 1, slo: { waitSeconds: 2, percent: '95' } };
        if (tier.id === 'standard') return { ...tier, offPeak: OFF_PEAK };
        return tier.id === 'batch'
          ? { ...tier, clientGone: 'cancel' as const, switch: 'session' as const }
          : tier;
      }),
      rules: [
        ...document.rules,
        {
          id: 'supplier-by-word',
          mode: 'enforce',
          effect: 'approve',
          waitSeconds: 20,
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.SUPPLIER")',
          message: 'suppliers are read by word of the platform',
        },
        {
          id: 'customers-in-line',
          mode: 'enforce',
          effect: 'queue',
          tier: 'interactive',
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.CUSTOMER")',
          message: 'customers are read one at a time',
        },
        {
          id: 'events-on-ghost',
          mode: 'enforce',
          effect: 'reroute',
          tier: 'ghost',
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.WEB.EVENTS") && statement.hasLimit',
          message: 'events are read where nobody may',
        },
        {
          id: 'science-elsewhere',
          mode: 'enforce',
          effect: 'reroute',
          tier: 'interactive',
          teams: ['data-science'],
          when: 'tier == "standard"',
          message: 'science runs on the interactive warehouse',
        },
        {
          id: 'logistics-on-batch',
          mode: 'enforce',
          effect: 'reroute',
          tier: 'batch',
          teams: ['logistics'],
          when: 'tier == "standard"',
          message: 'logistics run on the batch warehouse',
        },
        {
          id: 'lines-on-batch',
          mode: 'enforce',
          effect: 'reroute',
          tier: 'batch',
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.LINEITEM")',
          message: 'lines are read on the batch warehouse',
        },
        {
          id: 'nation-by-word',
          mode: 'enforce',
          effect: 'approve',
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.NATION")',
          message: 'nations are read by word of the platform',
        },
        {
          id: 'no-part',
          mode: 'enforce',
          effect: 'refuse',
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.PART")',
          message: 'parts are not read here',
        },
        {
          id: 'never-part-supplier',
          mode: 'enforce',
          effect: 'refuse',
          approvable: false,
          when: 'statement.tablesRead.exists(t, t == "ANALYTICS.TPCH.PARTSUPP")',
          message: 'supply is never read here',
        },
      ],
    }),
  });
  // The first statement of a replica waits for its parser.
  const client = await connected('STANDARD_WH');
  for (const index of [0, 1]) await at(index, client).run('SELECT 0 FROM ANALYTICS.TPCH.REGION');
});
afterAll(async () => {
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

function at(index: number, of?: RawClient): RawClient {
  const client = new RawClient(Number(new URL(system.proxyUrls[index] ?? '').port));
  if (of !== undefined) client.token = of.token;
  return client;
}

async function connected(warehouse: string, user = 'marketing_analyst'): Promise<RawClient> {
  const client = at(0);
  const reply = await client.login(user, 'demo', `&warehouse=${warehouse}`);
  expect(reply.body.success).toBe(true);
  return client;
}

interface TicketRow {
  readonly id: string;
  readonly state: string;
  readonly ending: string | null;
  readonly refusal_code: string | null;
  readonly charges: string;
}

async function ticketsOf(requestId: string): Promise<readonly TicketRow[]> {
  const { rows } = await system.database.db.query<TicketRow & Record<string, unknown>>(
    `SELECT id, state, ending, refusal_code, (SELECT count(*) FROM charge WHERE ticket_id = t.id) AS charges
       FROM ticket t WHERE request_id = $1`,
    [requestId],
  );
  return rows;
}

/** Takes the one place of the interactive tier at the first replica; what it returns gives it back. */
async function occupied(): Promise<() => Promise<void>> {
  const client = await connected('INTERACTIVE_WH', 'sales_analyst');
  const requestId = randomUUID();
  const reply = client.query('SELECT SYSTEM$WAIT(60)', {}, requestId);
  await eventually(async () => expect((await ticketsOf(requestId))[0]?.state).toBe('SENT'));
  return async () => {
    await client.send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, { requestId });
    await reply;
    await eventually(async () => expect((await ticketsOf(requestId))[0]?.state).toBe('SETTLED'));
  };
}

function expectInProgress(reply: Reply, code = '333333'): string {
  expect(reply.body).toMatchObject({ success: true, code });
  const id = reply.body.data.queryId as string;
  expect(reply.body.data.getResultUrl).toBe(`/queries/${id}/result`);
  return id;
}

/** The final answer of a request, however slow the machine is. */
async function answered(client: RawClient, text: string, requestId: string): Promise<Reply> {
  const reply = await client.query(text, {}, requestId);
  return reply.body.code === '333333' ? client.result(reply.body.data.queryId as string) : reply;
}

function abortById(client: RawClient, id: string): Promise<Reply> {
  return client.send('POST', `/queries/${id}/abort-request?requestId=${randomUUID()}`, {});
}

test('a statement in the queue is polled at any replica, and its rows come from there', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const requestId = randomUUID();
  const id = expectInProgress(
    await client.query('SELECT 41 + 1 FROM ANALYTICS.TPCH.REGION', {}, requestId),
  );
  expect((await ticketsOf(requestId)).map((each) => each.id)).toEqual([id]);
  for (const index of [1, 0])
    expectInProgress(await at(index, client).send('GET', `/queries/${id}/result`));
  // A repeat of the request itself, wherever it goes, is the same statement.
  expectInProgress(
    await at(1, client).query('SELECT 41 + 1 FROM ANALYTICS.TPCH.REGION', {}, requestId),
  );
  const state = await at(1, client).send('GET', `/monitoring/queries/${id}`);
  expect(state.body.data.queries[0]).toMatchObject({ id, status: 'QUEUED' });
  await release();
  const rows = { success: true, data: { rowset: Array.from({ length: 5 }, () => ['42']) } };
  expect((await at(1, client).result(id)).body).toMatchObject(rows);
  expect((await at(0, client).result(id)).body).toMatchObject(rows);
  await eventually(async () =>
    expect(await ticketsOf(requestId)).toEqual([expect.objectContaining({ charges: '1' })]),
  );
});

test('a permit counts in the whole deployment: who waits at one replica has it when another gives it back', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const requestId = randomUUID();
  const text = 'SELECT 42 FROM ANALYTICS.TPCH.REGION';
  const id = expectInProgress(await at(1, client).query(text, {}, requestId));
  for (const index of [0, 1]) {
    const told = await at(index, client).run(
      `SELECT QUEUE_POSITION, WAITS_FOR FROM TOLLGATE.MY_QUERIES WHERE TICKET = '${id}'`,
    );
    expect(told.body.data.rowset).toEqual([['1', 'tier']]);
  }
  expect(await system.admin('GET', `/api/v1/tickets/${id}`)).toMatchObject({
    status: 200,
    body: {
      queue: {
        position: 1,
        limitedBy: 'tier',
        expectedWaitSeconds: expect.any(Number) as number,
      },
    },
  });
  // Another rule's statement waits in the same queue, for another warehouse.
  const other = await connected('STANDARD_WH', 'legal_analyst');
  const second = expectInProgress(
    await other.query('SELECT COUNT(*) FROM ANALYTICS.TPCH.CUSTOMER', {}, randomUUID()),
  );
  await release();
  expect((await at(0, client).result(id)).body).toMatchObject({ success: true });
  await eventually(async () =>
    expect(await system.admin('GET', '/api/v1/tiers?by=day')).toMatchObject({
      status: 200,
      body: {
        tiers: expect.arrayContaining([
          expect.objectContaining({
            id: 'interactive',
            concurrencyMax: 1,
            slo: { waitSeconds: 2, percent: '95' },
            attainment: [expect.objectContaining({ valid: expect.any(Number) as number })],
          }),
        ]) as unknown,
      },
    }),
  );
  const counted = await at(1, other).result(second);
  expect(counted.body).toMatchObject({ success: true, data: { total: 1 } });
  const { rows } = await system.database.db.query<{ tier: string; warehouse: string }>(
    'SELECT tier, warehouse FROM ticket WHERE id = $1',
    [second],
  );
  expect(rows).toEqual([{ tier: 'standard', warehouse: 'STANDARD_WH' }]);
});

test('a frozen team: what runs goes on, what waits and what comes is refused at every replica, until it is thawed', async () => {
  const running = await connected('STANDARD_WH', 'growth_analyst');
  const runs = randomUUID();
  const rows = running.query('SELECT SYSTEM$WAIT(2)', {}, runs);
  await eventually(async () => expect((await ticketsOf(runs))[0]?.state).toBe('SENT'));
  const release = await occupied();
  const waiting = await connected('INTERACTIVE_WH', 'growth_analyst');
  const requestId = randomUUID();
  const text = 'SELECT 43 FROM ANALYTICS.TPCH.REGION';
  const id = expectInProgress(await waiting.query(text, {}, requestId));

  const body = { scope: 'team', target: 'growth', until: '1h', reason: 'a loop nobody owns' };
  const frozen = await system.admin('POST', '/api/v1/freezes', body);
  expect(frozen.status).toBe(201);
  const refused = { success: false, code: '712112', data: { tollgate: { code: 'TG2112' } } };
  const told = await at(1, waiting).result(id);
  expect(told.body).toMatchObject(refused);
  expect(told.body.message).toMatch(
    /^TG2112 Not run, nothing charged: .*: team growth is frozen by admin-token until .*Z\./,
  );
  expect(told.body.message).toContain('Reason   a loop nobody owns');
  for (const index of [0, 1])
    await eventually(
      async () => expect((await at(index, running).run(text)).body).toMatchObject(refused),
      { withinMs: 5_000 },
    );
  // Who asks before is told the same, and of what is free that it would run.
  const asked = await at(1, running).run(`EXPLAIN COST ${text}`);
  expect(asked.body.data.rowset[0]).toEqual([
    'decision',
    'refuse',
    expect.stringMatching(/^TG2112 Not run, nothing charged: .*team growth is frozen/),
  ]);
  const free = await at(1, running).run('EXPLAIN COST SHOW TABLES');
  expect(free.body.data.rowset[0].slice(0, 2)).toEqual(['decision', 'allow']);
  // Free statements, other teams, and what was sent go on.
  expect((await at(1, running).run('SELECT 1')).body).toMatchObject({ success: true });
  const other = await connected('STANDARD_WH', 'legal_analyst');
  expect((await at(1, other).run('SELECT 44 FROM ANALYTICS.TPCH.REGION')).body.success).toBe(true);
  const first = await rows;
  if (first.body.code === '333333')
    expect((await running.result(first.body.data.queryId as string)).body.success).toBe(true);
  else expect(first.body.success).toBe(true);
  expect(await ticketsOf(requestId)).toMatchObject([{ state: 'VOID', refusal_code: 'TG2112' }]);

  const { freeze } = frozen.body as { freeze: { id: string } };
  await system.admin('POST', `/api/v1/freezes/${freeze.id}/thaw`, { reason: 'it has ended' });
  for (const index of [0, 1])
    await eventually(
      async () => expect((await at(index, running).run(text)).body.success).toBe(true),
      { withinMs: 5_000 },
    );
  await release();
});

test('a frozen tier refuses what would run in it and nothing else, by the API and by the command line, until it is thawed', async () => {
  const text = 'SELECT 44 FROM ANALYTICS.TPCH.REGION';
  const inTier = await connected('INTERACTIVE_WH', 'growth_analyst');
  const beside = await connected('STANDARD_WH', 'growth_analyst');
  const reason = 'the warehouse is resized';
  const byApi = async (): Promise<void> => {
    const body = { scope: 'tier', target: 'interactive', until: '1h', reason };
    expect((await system.admin('POST', '/api/v1/freezes', body)).status).toBe(201);
  };
  const byCommand = async (): Promise<void> => {
    const said = await kill('--freeze', 'tier:interactive', '--until', '1h', '--reason', reason);
    expect(said).toMatch(/^Frozen: \d+ tier interactive until .*Z, by admin-token: .*resized\./);
  };
  const thawedByApi = async (): Promise<void> => {
    const { body } = await system.admin('GET', '/api/v1/freezes');
    const [freeze, ...others] = (body as { freezes: { id: string }[] }).freezes;
    expect(others).toEqual([]);
    const path = `/api/v1/freezes/${must(freeze, 'a freeze').id}/thaw`;
    expect((await system.admin('POST', path, { reason: 'it is resized' })).status).toBe(200);
  };
  const thawedByCommand = async (): Promise<void> =>
    expect(await kill('--thaw', 'tier:interactive')).toBe('Thawed: tier interactive.');
  for (const [freeze, thaw] of [
    [byApi, thawedByCommand],
    [byCommand, thawedByApi],
  ] as const) {
    await freeze();
    for (const index of [0, 1]) {
      await eventually(
        async () =>
          expect((await at(index, inTier).run(text)).body).toMatchObject({
            success: false,
            code: '712112',
            data: { tollgate: { code: 'TG2112' } },
            message: expect.stringMatching(
              /^TG2112 Not run, nothing charged: .*: tier interactive is frozen by admin-token until .*Z\.[^]*Reason {3}the warehouse is resized/,
            ) as string,
          }),
        { withinMs: 5_000 },
      );
      expect((await at(index, beside).run(text)).body).toMatchObject({ success: true });
    }
    await thaw();
    for (const index of [0, 1])
      await eventually(
        async () => expect((await at(index, inTier).run(text)).body.success).toBe(true),
        { withinMs: 5_000 },
      );
  }
});

/** `tollgate kill` against the system under test. @returns what it prints. */
async function kill(...args: readonly string[]): Promise<string> {
  vi.stubEnv('TOLLGATE_ADMIN_PORT', new URL(system.adminUrl).port);
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', ADMIN_TOKEN);
  const terminal = recordedTerminal();
  try {
    const code = await main(['kill', ...args], terminal);
    expect({ code, err: terminal.err() }).toEqual({ code: 0, err: '' });
    return terminal.out();
  } finally {
    vi.unstubAllEnvs();
  }
}

test('when the replica where it waits is gone, a poll is told to send it again', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const requestId = randomUUID();
  const id = expectInProgress(
    await client.query('SELECT 43 FROM ANALYTICS.TPCH.REGION', {}, requestId),
  );
  // For everybody else, its replica is one that does not live.
  await system.database.db.query("UPDATE ticket SET replica = 'gone#1' WHERE id = $1", [id]);
  const told = await at(1, client).result(id);
  expect(told.body).toMatchObject({
    success: false,
    code: '712303',
    message: expect.stringMatching(/Not run, nothing charged: .*send it again/) as string,
  });
  await release();
  expect((await ticketsOf(requestId)).map(({ state, charges }) => [state, charges])).toEqual([
    ['VOID', '0'],
  ]);
});

test('who asks before the run is told what is in its way; what has run elsewhere so far is estimated', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const priced = await client.run('EXPLAIN COST SELECT COUNT(*) FROM ANALYTICS.TPCH.ORDERS');
  expect(JSON.stringify(priced.body.data.rowset)).toMatch(
    /"queue wait","[\d.]+ s","1 of 1 permits of tier interactive are taken, 0 of at most \d+ wait; 0 would/,
  );
  expect(Number(priced.body.data.tollgate.queue.expectedWaitMs)).toBeGreaterThan(0);
  // Rules come first: of one that wants somebody's word it says whose turn it is.
  for (const [table, told] of [
    ['NATION', /^\["decision","approve","TG2401 /],
    ['SUPPLIER', /^\["decision","approve","waits up to 20 s for somebody's word, then: TG2401 /],
  ] as const) {
    const ruled = await client.run(`EXPLAIN COST SELECT 41 + 1 FROM ANALYTICS.TPCH.${table}`);
    expect(JSON.stringify(ruled.body.data.rowset[0])).toMatch(told);
  }
  const team = await connected('INTERACTIVE_WH', 'sales_analyst');
  for (const index of [0, 1]) {
    const seen = await at(index, team).run(
      "SELECT USED_CREDITS FROM TOLLGATE.MY_QUERIES WHERE STATE = 'SENT'",
    );
    expect(Number(seen.body.data.rowset[0][0])).toBeGreaterThan(0);
  }
  await release();
});

test('a waiting statement is cancelled by its request or its id, at any replica', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const cancelled = { success: false, code: '000604', data: { sqlState: '57014' } };
  const aborts: readonly ((requestId: string, id: string) => Promise<Reply>)[] = [
    (requestId) =>
      at(0, client).send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, {
        requestId,
      }),
    (requestId) =>
      at(1, client).send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, {
        requestId,
      }),
    (_requestId, id) => abortById(at(0, client), id),
    (_requestId, id) => abortById(at(1, client), id),
  ];
  for (const abort of aborts) {
    const requestId = randomUUID();
    const id = expectInProgress(
      await client.query('SELECT 1 FROM ANALYTICS.TPCH.REGION', {}, requestId),
    );
    expect((await abort(requestId, id)).body.success).toBe(true);
    for (const index of [0, 1])
      expect((await at(index, client).result(id)).body).toMatchObject(cancelled);
    const again = await answered(at(1, client), 'SELECT 1 FROM ANALYTICS.TPCH.REGION', requestId);
    expect(again.body).toMatchObject(cancelled);
    expect(await ticketsOf(requestId)).toEqual([
      expect.objectContaining({ state: 'VOID', ending: 'cancelled', charges: '0' }),
    ]);
  }
  await release();
});

test('a waiting statement that nobody asks for is given up, and a late poll is told so anywhere; one submitted asynchronously waits on and runs', async () => {
  const release = await occupied();
  const client = await connected('INTERACTIVE_WH');
  const forgotten = randomUUID();
  const text = 'SELECT 2 FROM ANALYTICS.TPCH.REGION';
  expectInProgress(await client.query(text, { asyncExec: true }, forgotten), '333334');
  const requestId = randomUUID();
  const id = expectInProgress(
    await client.query('SELECT 1 FROM ANALYTICS.TPCH.REGION', {}, requestId),
  );
  await eventually(async () => expect((await ticketsOf(requestId))[0]?.state).toBe('VOID'));
  const lost = {
    success: false,
    code: '712303',
    message: expect.stringMatching(/^TG2303 Not run, nothing charged: .*send it again/) as string,
  };
  for (const index of [0, 1]) expect((await at(index, client).result(id)).body).toMatchObject(lost);
  // Nobody has asked for it for longer than for the other.
  expect((await ticketsOf(forgotten))[0]?.state).toBe('RESERVED');
  await release();
  await eventually(async () =>
    expect(await ticketsOf(forgotten)).toEqual([
      expect.objectContaining({ state: 'SETTLED', ending: 'succeeded', charges: '1' }),
    ]),
  );
});

test('a statement that runs long is polled under our id, and a result of it can be scanned by that id', async () => {
  const client = await connected('STANDARD_WH');
  const requestId = randomUUID();
  const id = expectInProgress(await client.query('SELECT SYSTEM$WAIT(1)', {}, requestId));
  const result = await at(1, client).result(id);
  expect(result.body).toMatchObject({ success: true, data: { total: 1 } });
  expect(result.body.data.queryId).not.toBe(id);
  const scan = await at(1, client).run(`SELECT COUNT(*) FROM TABLE(RESULT_SCAN('${id}'))`);
  expect(scan.body).toMatchObject({ success: true, data: { rowset: [['1']] } });
  const state = await at(0, client).send('GET', `/monitoring/queries/${id}`);
  expect(state.body.data.queries[0]).toMatchObject({ status: 'SUCCESS' });
});

test('a running statement is cancelled under our id at a replica that does not have it', async () => {
  const client = await connected('STANDARD_WH');
  const id = expectInProgress(await client.query('SELECT SYSTEM$WAIT(60)'));
  expect((await abortById(at(1, client), id)).body.success).toBe(true);
  for (const index of [1, 0])
    expect((await at(index, client).result(id)).body).toMatchObject({ code: '000604' });
  expect((await abortById(at(1, client), id)).body).toMatchObject({ code: '000605' });
});

test('an asynchronous statement is fetched at another replica, by another session of the team', async () => {
  const client = await connected('STANDARD_WH');
  const requestId = randomUUID();
  const submitted = await client.query('SELECT SYSTEM$WAIT(1)', { asyncExec: true }, requestId);
  const id = expectInProgress(submitted, '333334');
  const other = await connected('STANDARD_WH');
  expect((await at(1, other).result(id)).body).toMatchObject({ success: true });
  await eventually(async () =>
    expect(await ticketsOf(requestId)).toEqual([
      expect.objectContaining({ state: 'SETTLED', charges: '1' }),
    ]),
  );
});

test("another team's statement is not there: result, state, cancel, and scan of its result", async () => {
  const owner = await connected('STANDARD_WH');
  const stranger = await connected('STANDARD_WH', 'legal_analyst');
  const ours = expectInProgress(await owner.query('SELECT SYSTEM$WAIT(60)'));
  const requestId = randomUUID();
  const ended = await owner.query('SELECT 7 FROM ANALYTICS.TPCH.REGION', {}, requestId);
  const theirs = ended.body.data.queryId as string;
  // Whose a query is is known by its charge; until then Snowflake's own wall between users refuses, in its words.
  await eventually(async () => expect((await ticketsOf(requestId))[0]?.state).toBe('SETTLED'));
  for (const id of [ours, theirs]) {
    for (const index of [0, 1]) {
      const client = at(index, stranger);
      const unknown = { success: false, code: '000709', message: `Statement ${id} not found` };
      expect((await client.send('GET', `/queries/${id}/result`)).body).toMatchObject(unknown);
      const state = await client.send('GET', `/monitoring/queries/${id}`);
      expect(state.body).toMatchObject({ success: true, data: { queries: [] } });
      expect((await abortById(client, id)).body).toMatchObject({ success: false, code: '000605' });
      const scan = await client.run(`SELECT * FROM TABLE(RESULT_SCAN('${id}'))`);
      expect(scan.body).toMatchObject({ success: false, code: '711021' });
    }
  }
  expect((await abortById(owner, ours)).body.success).toBe(true);
  expect((await owner.result(ours)).body.code).toBe('000604');
});

test('where the tier says so, a statement whose client went away is ended and charged what it used', async () => {
  const client = await connected('BATCH_WH');
  const requestId = randomUUID();
  const leaves = expectInProgress(await client.query('SELECT SYSTEM$WAIT(60)', {}, requestId));
  const state = await at(1, client).send('GET', `/monitoring/queries/${leaves}`);
  expect(state.body.data.queries[0].status).toBe('RUNNING');
  await eventually(async () => expect((await ticketsOf(requestId))[0]?.state).toBe('SETTLED'));
  for (const index of [1, 0])
    expect((await at(index, client).result(leaves)).body).toMatchObject({
      success: false,
      code: '714004',
      message: expect.stringMatching(/^TG4004 Stopped after .*nobody waits/) as string,
    });
  // One that is polled for, at the other replica, runs to its end.
  const stays = expectInProgress(await client.query('SELECT SYSTEM$WAIT(2)'));
  expect((await at(1, client).result(stays)).body.success).toBe(true);
});

test('a refused statement is refused alike at every replica, under one ticket', async () => {
  const client = await connected('STANDARD_WH');
  const refusals: readonly (readonly [string, string])[] = [
    ['SELECT * FROM ANALYTICS.WEB.EVENTS', '712001'],
    ["COPY INTO 's3://elsewhere/' FROM ANALYTICS.TPCH.REGION", '712101'],
  ];
  for (const [text, code] of refusals) {
    const requestId = randomUUID();
    const ask = (index: number): Promise<Reply> => answered(at(index, client), text, requestId);
    const both = await Promise.all([0, 1].map(ask));
    const [first] = both;
    expect(first?.body).toMatchObject({ success: false, code });
    for (const index of [0, 1]) both.push(await ask(index));
    for (const reply of both) expect(reply.body).toEqual(first?.body);
    expect(await ticketsOf(requestId)).toEqual([
      expect.objectContaining({ id: first?.body.data.queryId as string, state: 'VOID' }),
    ]);
  }
});

test('another text under the same request id is refused at every replica', async () => {
  const client = await connected('STANDARD_WH');
  const requestId = randomUUID();
  expect(
    (await client.query('SELECT 1 FROM ANALYTICS.TPCH.REGION', {}, requestId)).body.success,
  ).toBe(true);
  for (const index of [0, 1]) {
    const two = 'SELECT 2 FROM ANALYTICS.TPCH.REGION';
    const reply = await answered(at(index, client), two, requestId);
    expect(reply.body).toMatchObject({ success: false, code: '711012' });
  }
});

function decide(ticketId: string, decision: 'granted' | 'declined'): Promise<unknown> {
  const path = `/api/v1/requests/${ticketId}/decision`;
  return system.admin('POST', path, { decision, reason: 'seen by two' });
}

test('a statement that needs somebody to approve it waits for that, at any replica, and runs once', async () => {
  const client = await connected('STANDARD_WH');
  const text = 'SELECT COUNT(*) FROM ANALYTICS.TPCH.SUPPLIER';
  const requestId = randomUUID();
  const id = expectInProgress(await client.query(text, {}, requestId));
  expectInProgress(await at(1, client).send('GET', `/queries/${id}/result`));
  const listed = (await system.admin('GET', '/api/v1/requests')).body as { requests: object[] };
  expect(listed.requests).toEqual([
    expect.objectContaining({
      ticketId: id,
      wants: 'statement',
      reason: 'rule supplier-by-word: suppliers are read by word of the platform',
    }),
  ]);
  expect(await decide(id, 'granted')).toMatchObject({ status: 200 });
  expect((await at(1, client).result(id)).body).toMatchObject({ success: true });
  await eventually(async () =>
    expect(await ticketsOf(requestId)).toEqual([expect.objectContaining({ charges: '1' })]),
  );
  // The word was for one run: the next waits again, and is declined.
  const next = expectInProgress(await client.query(text));
  expect(await decide(next, 'declined')).toMatchObject({ status: 200 });
  for (const index of [0, 1])
    expect((await at(index, client).result(next)).body).toMatchObject({
      success: false,
      code: '712402',
      message: expect.stringMatching(
        /^TG2402 Not run, nothing charged: .*: seen by two\./,
      ) as string,
    });
});

test('where a rule does not wait, a statement is refused, asked for, and runs once when it is sent again', async () => {
  const client = await connected('STANDARD_WH');
  const text = 'SELECT COUNT(*) FROM ANALYTICS.TPCH.NATION';
  const refused = await client.run(text);
  expect(refused.body).toMatchObject({ success: false, code: '712401' });
  const id = refused.body.data.queryId as string;
  const asked = await client.run(`CALL TOLLGATE.REQUEST('${id}', 'month end')`);
  expect(asked.body.success).toBe(true);
  expect((await client.run(text)).body).toMatchObject({ code: '712401' });
  expect(await decide(id, 'granted')).toMatchObject({ status: 200 });
  expect((await at(1, client).run(text.replace('COUNT', 'MAX'))).body.success).toBe(false);
  expect((await at(1, client).run(text)).body.success).toBe(true);
  expect((await client.run(text)).body).toMatchObject({ code: '712401' });
});

test('what a rule refuses runs by a pass: its shape, at any replica, as often as granted, until it is revoked', async () => {
  const client = await connected('STANDARD_WH');
  const text = (n: number): string => `SELECT COUNT(*) + ${n} FROM ANALYTICS.TPCH.PART`;
  const refused = await client.run(text(1));
  expect(refused.body).toMatchObject({ success: false, code: '712101' });
  const id = refused.body.data.queryId as string;
  const asked = await client.run(
    `CALL TOLLGATE.REQUEST('${id}', 'audit', 'shape, 2 runs, 3 days')`,
  );
  expect(asked.body.success).toBe(true);
  const why = await client.run(`SELECT DETAIL FROM TABLE(TOLLGATE.WHY('${id}'))`);
  expect(JSON.stringify(why.body)).toContain('audit (asks for runs: 2, hours: 72, its shape)');
  expect((await client.run(text(2))).body).toMatchObject({ code: '712101' });
  expect(await decide(id, 'granted')).toMatchObject({
    body: {
      request: {
        pass: { isForShape: true, runsMax: 2, usedRuns: 0, passes: ['rule:no-part'] },
      },
    },
  });
  await eventually(async () =>
    expect((await at(1, client).run(text(3))).body).toMatchObject({ success: true }),
  );
  expect((await client.run(text(4))).body).toMatchObject({ success: true });
  expect((await client.run(text(5))).body).toMatchObject({ code: '712101' });
  const { rows } = await system.database.db.query(
    'SELECT action, actor FROM audit_event WHERE subject = $1 ORDER BY sequence',
    [`request/${id}`],
  );
  expect(rows).toEqual([
    { action: 'request.ask', actor: 'marketing_analyst' },
    { action: 'request.decide', actor: 'admin-token' },
  ]);
});

test('a rule that nobody lifts offers no request, and takes none', async () => {
  const client = await connected('STANDARD_WH');
  const refused = await client.run('SELECT COUNT(*) FROM ANALYTICS.TPCH.PARTSUPP');
  expect(refused.body).toMatchObject({ success: false, code: '712101' });
  expect(refused.body.message).not.toContain('REQUEST');
  const asked = await client.run(
    `CALL TOLLGATE.REQUEST('${refused.body.data.queryId as string}', 'please')`,
  );
  expect(asked.body.message).toMatch(
    /^TG1020 Rule never-part-supplier says that no request lifts it/,
  );
});

test('the request of a waiting statement that its client cancels is closed', async () => {
  const client = await connected('STANDARD_WH');
  const id = expectInProgress(
    await client.query('SELECT MAX(S_NAME) FROM ANALYTICS.TPCH.SUPPLIER'),
  );
  expect((await abortById(at(1, client), id)).body.success).toBe(true);
  await eventually(async () => {
    const { body } = await system.admin('GET', '/api/v1/requests?state=withdrawn');
    expect(body).toMatchObject({
      requests: [
        { ticketId: id, decision: { reason: 'the statement was cancelled while it waited' } },
      ],
    });
  });
});

test('a text that changes its warehouse on the way is refused: it is priced for one', async () => {
  const client = await connected('STANDARD_WH');
  const text = 'USE /* here */ WAREHOUSE BATCH_WH; SELECT 1 FROM ANALYTICS.TPCH.REGION';
  const reply = await client.run(text, { parameters: { MULTI_STATEMENT_COUNT: 2 } });
  expect(reply.body).toMatchObject({ success: false, code: '712101' });
  expect(reply.body.message).toContain('Send it as a statement of its own');
});

/** Texts that upstream ran from a mark on. */
function ranSince(mark: number): readonly string[] {
  return system.warehouse
    .queryHistory()
    .slice(mark)
    .map(({ started }) => started.text);
}

const LINES = 'SELECT COUNT(*) AS C FROM LINEITEM WHERE L_ORDERKEY < 100';

test('a statement that a rule moves runs on the other warehouse, and its session sees nothing of it', async () => {
  const driver = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  const before = await driver.run('SELECT 41 AS N FROM REGION');
  const mark = system.warehouse.queryHistory().length;
  const moved = await driver.run(LINES);
  expect(moved.kind === 'rows' ? moved.rows : moved).toEqual([{ C: expect.any(Number) as number }]);
  expect(ranSince(mark)).toEqual(['USE WAREHOUSE BATCH_WH', LINES, 'USE WAREHOUSE STANDARD_WH']);
  expect(await driver.rows('SELECT LAST_QUERY_ID() AS Q')).toEqual([
    { Q: moved.kind === 'rows' ? moved.queryId : '' },
  ]);
  expect(await driver.rows('SELECT CURRENT_WAREHOUSE() AS W')).toEqual([{ W: 'STANDARD_WH' }]);
  expect(await driver.rows('SELECT LAST_QUERY_ID(1) AS Q')).toEqual([
    { Q: before.kind === 'rows' ? before.queryId : '' },
  ]);
  const { rows } = await system.database.db.query<{ warehouse: string; tier: string }>(
    `SELECT warehouse, tier FROM ticket WHERE statement_shape LIKE '%LINEITEM%' ORDER BY occurred_at DESC LIMIT 1`,
  );
  expect(rows).toEqual([{ warehouse: 'BATCH_WH', tier: 'batch' }]);
  await driver.close();
});

test('who asks before is told of the move, with the price and the queue of where it would run', async () => {
  const client = await connected('STANDARD_WH');
  const told = await client.run('EXPLAIN COST SELECT COUNT(*) FROM ANALYTICS.TPCH.LINEITEM');
  const item = (name: string): readonly unknown[] | undefined =>
    (told.body.data.rowset as readonly (readonly unknown[])[]).find(([each]) => each === name);
  expect(item('decision')).toEqual([
    'decision',
    'reroute',
    expect.stringMatching(
      /lines are read on the batch warehouse; its session is switched to BATCH_WH, tier batch for it alone, and set back to STANDARD_WH/,
    ),
  ]);
  expect(item('tier')?.[1]).toBe('batch');
  expect(item('warehouse')?.[1]).toBe('BATCH_WH (XLARGE)');
  expect(item('queue wait')?.[2]).toContain('of tier batch');
});

test('another warehouse that a rule wants is told at once where it does not switch, also of what wants a word; free statements run where they are', async () => {
  const client = await connected('STANDARD_WH', 'data-science_analyst');
  const words = /science runs on the interactive warehouse; run USE WAREHOUSE INTERACTIVE_WH/;
  for (const table of ['REGION', 'NATION', 'SUPPLIER']) {
    const text = `SELECT COUNT(*) FROM ANALYTICS.TPCH.${table} WHERE 1 = 1`;
    const refused = await client.run(text);
    expect(refused.body).toMatchObject({ code: '712101' });
    expect(refused.body.message).toMatch(words);
    const told = await client.run(`EXPLAIN COST ${text}`);
    expect(told.body.data.rowset[0]).toEqual([
      'decision',
      'reroute',
      expect.stringMatching(/^TG2101 .*science runs on the interactive warehouse/),
    ]);
  }
  for (const text of ['SHOW TABLES', 'SELECT 1', 'USE WAREHOUSE INTERACTIVE_WH'])
    expect((await client.run(text)).body).toMatchObject({ success: true });
});

test('the reply of a moved statement names the warehouse that its client believes in, and its failure sets it back', async () => {
  const client = await connected('STANDARD_WH');
  const mark = system.warehouse.queryHistory().length;
  const own = { success: true, data: { finalWarehouseName: 'STANDARD_WH' } };
  expect((await client.run(LINES_IN_FULL)).body).toMatchObject(own);
  const failed = await client.run('SELECT NO_SUCH_COLUMN FROM ANALYTICS.TPCH.LINEITEM');
  expect(failed.body).toMatchObject({ success: false, code: '000904' });
  expect((await client.run('SELECT CURRENT_WAREHOUSE()')).body).toMatchObject({
    data: { rowset: [['STANDARD_WH']] },
  });
  const ours = ranSince(mark).filter((text) => text.startsWith('USE '));
  expect(ours).toEqual([
    'USE WAREHOUSE BATCH_WH',
    'USE WAREHOUSE STANDARD_WH',
    'USE WAREHOUSE BATCH_WH',
    'USE WAREHOUSE STANDARD_WH',
  ]);
});

const LINES_IN_FULL = 'SELECT COUNT(*) FROM ANALYTICS.TPCH.LINEITEM WHERE L_ORDERKEY < 50';

test('what is sent beside a moved statement waits until its session is set back', async () => {
  const client = await connected('STANDARD_WH', 'logistics_analyst');
  const mark = system.warehouse.queryHistory().length;
  const text = 'SELECT SYSTEM$WAIT(1)';
  const moved = client.run(text);
  await eventually(() => Promise.resolve(expect(ranSince(mark)).toContain(text)));
  const [first, second] = await Promise.all([
    client.run('SELECT CURRENT_WAREHOUSE() AS FIRST_ONE'),
    client.run(LINES_IN_FULL),
  ]);
  expect(first.body).toMatchObject({ data: { rowset: [['STANDARD_WH']] } });
  expect(second.body).toMatchObject({ success: true });
  expect((await moved).body).toMatchObject({ success: true });
  const texts = ranSince(mark);
  expect(texts.slice(0, 3)).toEqual(['USE WAREHOUSE BATCH_WH', text, 'USE WAREHOUSE STANDARD_WH']);
  expect(texts).toHaveLength(7);
});

test('a moved statement that its client cancels leaves the session where it was', async () => {
  const client = await connected('STANDARD_WH', 'logistics_analyst');
  const requestId = randomUUID();
  const mark = system.warehouse.queryHistory().length;
  const text = 'SELECT SYSTEM$WAIT(60)';
  const moved = client.query(text, {}, requestId);
  await eventually(() => Promise.resolve(expect(ranSince(mark)).toContain(text)));
  await client.send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, { requestId });
  const reply = await moved;
  const end =
    reply.body.code === '333333' ? await client.result(reply.body.data.queryId as string) : reply;
  expect(end.body).toMatchObject({ success: false, code: '000604' });
  expect((await client.run('SELECT CURRENT_WAREHOUSE()')).body).toMatchObject({
    data: { rowset: [['STANDARD_WH']] },
  });
});

/** Refused in words that name the warehouse, and nothing of ours sent. */
async function expectNamed(reply: Promise<Reply>, warehouse: string): Promise<void> {
  const mark = system.warehouse.queryHistory().length;
  expect((await reply).body).toMatchObject({
    success: false,
    code: '712101',
    message: expect.stringContaining(`run USE WAREHOUSE ${warehouse} and send it again`) as string,
  });
  expect(ranSince(mark)).toEqual([]);
}

test('where a session must not be switched, the refusal names the warehouse', async () => {
  const client = await connected('STANDARD_WH');
  await expectNamed(client.query(LINES_IN_FULL, { asyncExec: true }), 'BATCH_WH');
  await expectNamed(client.run(`${LINES_IN_FULL} AND CURRENT_WAREHOUSE() <> ''`), 'BATCH_WH');
  await client.run('BEGIN');
  await expectNamed(client.run(LINES_IN_FULL), 'BATCH_WH');
  await client.run('COMMIT');
  expect((await client.run(LINES_IN_FULL)).body.success).toBe(true);
  // Another replica sees the session: neither can know any more what the other sends.
  expect((await at(1, client).run('SELECT 1')).body.success).toBe(true);
  await expectNamed(client.run(LINES_IN_FULL), 'BATCH_WH');
  await expectNamed(at(1, client).run(LINES_IN_FULL), 'BATCH_WH');
});

test('a warehouse that the role may not use is not switched to, nothing is held, and the session stays', async () => {
  const client = await connected('STANDARD_WH');
  const requestId = randomUUID();
  const reply = await answered(
    client,
    "SELECT USER_ID FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '2026-01-01' LIMIT 1",
    requestId,
  );
  expect(reply.body).toMatchObject({
    code: '712101',
    message: expect.stringContaining('its role may not use it') as string,
  });
  expect(await ticketsOf(requestId)).toEqual([
    expect.objectContaining({ state: 'VOID', charges: '0' }),
  ]);
  expect((await client.run('SELECT CURRENT_WAREHOUSE()')).body).toMatchObject({
    data: { rowset: [['STANDARD_WH']] },
  });
});

test('a session that a dead replica left switched is set back before its next statement', async () => {
  const client = await connected('STANDARD_WH');
  await system.database.db.query(
    `INSERT INTO session_switch (account, session_id, home_replica, switched_from, switched_by)
     SELECT account, session_id, 'gone#1', 'STANDARD_WH', 'gone#1' FROM session_state
      ORDER BY created_at DESC LIMIT 1`,
  );
  const mark = system.warehouse.queryHistory().length;
  await client.run('SELECT 1 AS AFTER_IT');
  expect(ranSince(mark)).toEqual(['USE WAREHOUSE STANDARD_WH', 'SELECT 1 AS AFTER_IT']);
  expect((await client.run(LINES_IN_FULL)).body.success).toBe(true);
});

test('beyond a soft limit a statement climbs its ladder: a slower lane, then another warehouse', async () => {
  const client = await connected('STANDARD_WH', 'people_analyst');
  const text = 'SELECT COUNT(*) FROM ANALYTICS.TPCH.REGION';
  const decision = async (): Promise<unknown> =>
    (await client.run(`EXPLAIN COST ${text}`)).body.data.rowset[0];
  expect(await decision()).toEqual(['decision', 'allow', 'it would run']);
  expect((await client.run(text)).body.success).toBe(true);
  await eventually(async () =>
    expect(await decision()).toEqual([
      'decision',
      'reroute',
      expect.stringMatching(
        /ladder:people-soft: people-soft has used \d+ % of its limit/,
      ) as string,
    ]),
  );
  await eventually(async () => {
    const requestId = randomUUID();
    expect((await answered(client, text, requestId)).body.success).toBe(true);
    const { rows } = await system.database.db.query<{ tier: string }>(
      'SELECT tier FROM ticket WHERE request_id = $1',
      [requestId],
    );
    expect(rows).toEqual([{ tier: 'batch' }]);
  });
});

test('a ladder offers the off-peak hours; who waits for them is told when, at any replica, and may cancel', async () => {
  const client = await connected('STANDARD_WH', 'risk_analyst');
  const text = 'SELECT COUNT(*) FROM ANALYTICS.TPCH.REGION';
  expect((await client.run(text)).body.success).toBe(true);
  await eventually(async () =>
    expect((await client.run(text)).body).toMatchObject({
      code: '712104',
      message: expect.stringContaining('send it as /* tollgate: off-peak */ <statement>') as string,
    }),
  );
  const waiting = `/* tollgate: off-peak */ ${text}`;
  // The embedded account's token ends long before that: who polls for an answer is told so at once.
  expect((await client.run(waiting)).body).toMatchObject({
    code: '712303',
    message: expect.stringContaining('asynchronously') as string,
  });
  const submitted = await client.query(waiting, { asyncExec: true });
  const id = expectInProgress(submitted, '333334');
  for (const index of [0, 1]) {
    const told = await at(index, client).run(
      `SELECT WAITS_FOR, EXPECTED_WAIT_SECONDS FROM TOLLGATE.MY_QUERIES WHERE TICKET = '${id}'`,
    );
    expect(told.body.data.rowset[0][0]).toBe('off-peak');
    expect(Number(told.body.data.rowset[0][1])).toBeGreaterThan(4 * 3600);
  }
  expect(await system.admin('GET', `/api/v1/tickets/${id}`)).toMatchObject({
    body: { state: 'RESERVED', runsAt: expect.stringMatching(/:00:00\.000Z$/) as string },
  });
  expect((await abortById(at(1, client), id)).body.success).toBe(true);
  expect((await at(0, client).result(id)).body).toMatchObject({ code: '000604' });
});
