/**
 * Several replicas: tokens carry what a replica must know, keys rotate, a revocation reaches all, a new control
 * version is in force on each within a second, and repeats never charge twice, whichever replica they reach.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants } from '../support/database.js';
import {
  type Decide,
  firstReplyOfEach,
  startBalancer,
  statementRequestId,
} from '../support/tcp-balancer.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { longRun, type LongRun } from '../support/long-run.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import {
  directAnswers,
  expectChargedOnce,
  expectOnce,
  expectTextsChargedOnce,
  linesAround,
  type Figures,
  type Lines,
  type Scenario,
  ticketsOf,
  TROUBLES,
} from './support/once.js';
import { DRIVERS, runByDriver } from './support/once-drivers.js';
import { ownerQuery } from './support/owner-query.js';
import {
  asked,
  MARKINGS,
  RepeatingClient,
  type Answer,
  type Asked,
  type Marking,
} from './support/repeating-client.js';
import { startSystem, type System } from './support/system.js';

const K1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const K2 = { id: 'k2', key: Buffer.alloc(32, 2) };
/** The three steps of a rotation: the new key opens everywhere, seals everywhere, and the old one is gone. */
const OLD_SEALS = [K1, K2];
const NEW_SEALS = [K2, K1];
const OLD_GONE = [K2];

/** Finance repeats, and never runs out; people cannot pay for anything. */
const LIMITS: Readonly<Record<string, string>> = { finance: '1000000', people: '0.000001' };

let system: System;
let lines: Lines;
beforeAll(async () => {
  const around = linesAround();
  system = await startSystem({
    replicas: 3,
    sealKeys: [OLD_SEALS, NEW_SEALS, OLD_GONE],
    upstreamVia: around.via,
    control: (document) => ({
      ...document,
      budgets: document.budgets.map((budget) =>
        budget.node in LIMITS ? { ...budget, limitCredits: LIMITS[budget.node] ?? '' } : budget,
      ),
      // One at a time, so that the next one waits.
      tiers: document.tiers.map((tier) =>
        tier.id === 'batch'
          ? { ...tier, concurrencyMax: 1, teams: [{ team: 'growth', queueTimeoutSeconds: 1 }] }
          : tier,
      ),
      rules: [
        {
          id: 'no-cross-joins',
          mode: 'enforce',
          effect: 'refuse',
          when: 'statement.crossJoin',
          message: 'cross joins are not run here',
        },
      ],
    }),
  });
  lines = await around.open(system);
});
afterAll(async () => {
  await lines?.stop();
  await system?.stop();
});

function clientAt(index: number, of?: RawClient): RawClient {
  const client = new RawClient(Number(new URL(system.proxyUrls[index] ?? '').port));
  if (of !== undefined) {
    client.token = of.token;
    client.masterToken = of.masterToken;
  }
  return client;
}

async function connectedAt(index: number, user?: string): Promise<RawClient> {
  const client = clientAt(index);
  expect((await client.login(user)).body.success).toBe(true);
  return client;
}

test('a token of one replica works at the others, and one under the old key ends with its grace', async () => {
  const old = await connectedAt(0);
  const fresh = await connectedAt(1);
  expect(old.token).toMatch(/^tg1\.k1\./);
  expect(fresh.token).toMatch(/^tg1\.k2\./);
  for (const index of [0, 1])
    expect((await clientAt(index, old).query('SELECT 1')).body.success, String(index)).toBe(true);
  for (const index of [0, 1, 2])
    expect((await clientAt(index, fresh).query('SELECT 1')).body.success, String(index)).toBe(true);
  expect((await clientAt(2, old).query('SELECT 1')).body).toMatchObject({
    success: false,
    code: '711001',
  });
});

test('sessions of a principal are listed and revoked: every replica refuses them, and nobody else', async () => {
  const mine = await connectedAt(0, 'sales_analyst');
  const again = await connectedAt(1, 'sales_analyst');
  const other = await connectedAt(1, 'risk_analyst');
  const used = [clientAt(0, mine), clientAt(1, mine), clientAt(2, again), clientAt(1, again)];
  for (const client of used) expect((await client.query('SELECT 1')).body.success).toBe(true);
  const path = '/api/v1/sessions?principal=sales_analyst';
  const listed = (await system.admin('GET', path)).body as { sessions: { principal: string }[] };
  expect(listed.sessions.map((each) => each.principal)).toEqual(['sales_analyst', 'sales_analyst']);

  const revoked = await system.admin('POST', '/api/v1/sessions/revoke', {
    principal: 'sales_analyst',
    reason: 'laptop lost',
  });
  expect(revoked).toEqual({ status: 200, body: { revoked: 2 } });
  await eventually(
    async () => {
      for (const client of used)
        expect((await client.query('SELECT 1')).body).toMatchObject({
          success: false,
          code: '711001',
          message: expect.stringContaining('closed or revoked. Connect again') as string,
        });
    },
    { withinMs: 4000 },
  );
  expect((await other.query('SELECT 1')).body.success).toBe(true);
  expect((await system.admin('GET', path)).body).toEqual({ sessions: [], nextCursor: null });
  // Repeated, it finds nothing; without a choice it is refused.
  expect(
    await system.admin('POST', '/api/v1/sessions/revoke', {
      principal: 'sales_analyst',
      reason: 'again',
    }),
  ).toEqual({ status: 200, body: { revoked: 0 } });
  for (const body of [{ reason: 'all' }, { sessionId: '1', reason: 'no account' }])
    expect((await system.admin('POST', '/api/v1/sessions/revoke', body)).status).toBe(400);
});

test('a revoked session does not come back by renewal', async () => {
  const client = await connectedAt(1, 'legal_analyst');
  await system.admin('POST', '/api/v1/sessions/revoke', {
    principal: 'legal_analyst',
    reason: 'left',
  });
  await eventually(async () =>
    expect((await client.query('SELECT 1')).body).toMatchObject({ success: false }),
  );
  const renewed = await client.send(
    'POST',
    '/session/token-request',
    { oldSessionToken: client.token, requestType: 'RENEW' },
    { token: client.masterToken },
  );
  if (renewed.body.success) client.token = renewed.body.data.sessionToken as string;
  expect((await client.query('SELECT 1')).body).toMatchObject({ success: false, code: '711001' });
});

test('what a session does at one replica counts for its next statement at another', async () => {
  const homes = await connectedAt(0, 'growth_analyst');
  const clients = [homes, clientAt(1, homes)];
  const warehouses = ['BATCH_WH', 'INTERACTIVE_WH', 'STANDARD_WH'];
  const wanted: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const [here, there] = [clients[round % 2], clients[(round + 1) % 2]];
    const warehouse = warehouses[round % warehouses.length] ?? '';
    // Both have seen it, so that both have something to remember.
    for (const client of clients) await client.query('SELECT 1');
    const used = await here?.query(`USE WAREHOUSE ${warehouse}`);
    const asked = await there?.query(
      `SELECT COUNT(*) AS N${round} FROM ANALYTICS.TPCH.NATION WHERE N_NATIONKEY <> ${round}`,
    );
    expect([used?.body.success, asked?.body.success]).toEqual([true, true]);
    wanted.push(warehouse);
  }
  const tickets = await ownerQuery<{ warehouse: string }>(
    system.database,
    `SELECT warehouse FROM ticket WHERE principal_id = 'growth_analyst' ORDER BY occurred_at`,
  );
  expect(tickets.map(({ warehouse }) => warehouse)).toEqual(wanted);
});

const CLIENTS_PER_REPLICA = 2;
/** After this long every replica decides by the new version. */
const STALE_AFTER_MS = 1000;

async function connectAll(): Promise<Client[]> {
  const clients: Client[] = [];
  for (const url of system.proxyUrls.slice(0, 2))
    for (let index = 0; index < CLIENTS_PER_REPLICA; index += 1)
      clients.push(await connectNode(url));
  return clients;
}

interface Applied {
  readonly version: number;
  /** When the API had answered. */
  readonly atMs: number;
}

async function setLimit(limitCredits: string): Promise<Applied> {
  const { status, body } = await system.admin('PUT', '/api/v1/budgets/marketing', {
    limitCredits,
    reason: 'reload',
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return { version: (body as { controlVersion: number }).controlVersion, atMs: Date.now() };
}

/** Runs statements on every connection until told to stop; how many ended well, and what went wrong. */
function startLoad(clients: readonly Client[]): {
  stop(): Promise<{ ran: number; failures: readonly string[] }>;
} {
  let isStopping = false;
  let ran = 0;
  const failures: string[] = [];
  const loops = clients.map(async (client, index) => {
    for (let turn = 0; !isStopping; turn += 1) {
      const result = await client.run(
        `SELECT COUNT(*) FROM NATION WHERE N_NATIONKEY >= ${index * 1000 + (turn % 1000)}`,
      );
      if (result.kind === 'rows') ran += 1;
      else failures.push(`${result.code} ${result.message}`);
    }
  });
  return {
    async stop() {
      isStopping = true;
      await Promise.all(loops);
      return { ran, failures };
    },
  };
}

interface Decided {
  readonly control_version: string;
  readonly occurred_at: Date;
}

/** Of one ticket: by how long it was decided on a version that had a successor; 0: it had none. */
function staleMs(ticket: Decided, applied: readonly Applied[]): number {
  const version = Number(ticket.control_version);
  const successor = applied.find((each) => each.version > version);
  return successor === undefined ? 0 : Math.max(0, ticket.occurred_at.getTime() - successor.atMs);
}

/**
 * A ticket names the version that decided about it and when it came in, so that what was decided on a version too old
 * is counted afterwards, over every ticket. Shown to look: without the notification and with a poll of four seconds in
 * `proxy/control/refresher.ts` it fails.
 */
test(
  'new versions under load fail no statement, and after a second none is decided on an old one',
  { timeout: 120_000 },
  async () => {
    const run = longRun('reloads', 12);
    const clients = await connectAll();
    const load = startLoad(clients);
    const applied: Applied[] = [];
    for (let index = 0; index < run.count; index += 1) {
      applied.push(await setLimit(String(1000 + (index % 2))));
      if (index % 10 === 9) {
        const refused = await system.admin('PUT', '/api/v1/control', {
          document: { teams: 'none' },
          reason: 'broken',
        });
        expect(refused.status).toBe(400);
      }
    }
    const last = applied.at(-1);
    await eventually(async () => {
      const { body } = await system.admin('GET', '/api/v1/replicas');
      const { replicas } = body as { replicas: { controlVersion: number }[] };
      expect(replicas.map((each) => each.controlVersion)).toEqual([
        last?.version,
        last?.version,
        last?.version,
      ]);
    });
    const { ran, failures } = await load.stop();
    await Promise.all(clients.map((client) => client.close()));
    expect(failures.slice(0, 5)).toEqual([]);
    const tickets = await ownerQuery<Decided>(
      system.database,
      'SELECT control_version, occurred_at FROM tollgate.ticket ORDER BY occurred_at',
    );
    const staleness = tickets.map((ticket) => staleMs(ticket, applied));
    const staleMax = staleness.reduce((a, b) => Math.max(a, b), 0);
    const versions = new Set(tickets.map((ticket) => ticket.control_version));
    // It looked: statements ran all along, and on many of the versions.
    expect(tickets.length).toBeGreaterThanOrEqual(ran);
    expect(ran).toBeGreaterThan(run.count / 2);
    expect(staleMax).toBeLessThanOrEqual(STALE_AFTER_MS);
    expect(versions.size).toBeGreaterThan(run.count / 4);
    run.report({
      versions: applied.length,
      statements: ran,
      failed: failures.length,
      onOldVersionAfter1s: staleness.filter((each) => each > STALE_AFTER_MS).length,
      staleMsMax: staleMax,
    });
  },
);

let direct: readonly Answer[] | undefined;

function markingOf(index: number): Marking {
  return MARKINGS[index % MARKINGS.length] ?? MARKINGS[0];
}

const COMBINATIONS = ([2, 1] as const).flatMap((replicas) =>
  TROUBLES.map((trouble) => ({ replicas, trouble })),
);

/** A long run does one combination a chunk, with every marking in turn. */
function scenarioOf(
  { seed, count, isLong }: LongRun,
  { replicas, trouble }: (typeof COMBINATIONS)[number],
): Scenario | undefined {
  const scenario = { replicas, trouble, markingOf, seed };
  if (!isLong) return { ...scenario, count: replicas === 2 ? count : count / 4 };
  const wanted = COMBINATIONS[(seed - 1) % COMBINATIONS.length];
  const isWanted = wanted?.replicas === replicas && wanted.trouble === trouble;
  return isWanted ? { ...scenario, count } : undefined;
}

const retriesRun = longRun('retries', 20);

test.each(COMBINATIONS)(
  'each statement is charged once: $trouble, replicas $replicas',
  { timeout: retriesRun.isLong ? 1_800_000 : 60_000 },
  async (combination) => {
    const scenario = scenarioOf(retriesRun, combination);
    if (scenario === undefined) return;
    direct ??= await directAnswers(system);
    const figures = await expectOnce(system, lines, direct, scenario);
    expect(figures).toMatchObject<Partial<Figures>>({ charges: scenario.count });
    retriesRun.report({ ...figures });
  },
);

/** A statement whose text nobody else has, about rows that cost something. */
let texts = 0;
function priced(where = 'N_REGIONKEY >= 0'): string {
  texts += 1;
  return `SELECT COUNT(*) FROM NATION WHERE ${where} AND 'text-${texts}' <> N_NAME`;
}

/** Sends a request five times at once and then once more to each replica. */
async function sendSixTimes(client: RepeatingClient, statement: Asked): Promise<readonly Answer[]> {
  const together = await client.sendTogether(statement, 5);
  const after = await client.run(statement, { from: 5 });
  const other = await client.run(statement, { from: 6 });
  return [...together, after, other];
}

function ranUpstream(statement: Asked): number {
  const history = system.warehouse.queryHistory();
  return history.filter((each) => each.started.text === statement.sqlText).length;
}

test.each(MARKINGS)(
  'a refused statement that comes again is refused in the same words, under one ticket: %s',
  async (marking) => {
    const client = await RepeatingClient.connect(lines.two.port, 'people_analyst');
    const byBudget = asked(priced(), marking);
    const byRule = asked(`SELECT 'x-${marking}' FROM REGION CROSS JOIN NATION`, marking);
    for (const [statement, code] of [
      [byBudget, '712001'],
      [byRule, '712101'],
    ] as const) {
      const answers = await sendSixTimes(client, statement);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toMatchObject({ success: false, code });
      await eventually(async () =>
        expect(await ticketsOf(system, [statement])).toMatchObject([
          { id: answers[0]?.data.queryId as unknown, state: 'VOID', charged_query: null },
        ]),
      );
      expect(ranUpstream(statement)).toBe(0);
    }
    await client.close();
  },
);

test('a request id that comes with other SQL, binds or parameters is refused on every replica', async () => {
  const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
  const first = asked(priced(), 'retryReason');
  expect(await client.run(first)).toMatchObject({ success: true });
  const others: readonly Asked[] = [
    { ...first, sqlText: priced() },
    { ...first, body: { bindings: { '1': { type: 'FIXED', value: '1' } } } },
    { ...first, body: { parameters: { TIMEZONE: 'UTC' } } },
    { ...first, body: { describeOnly: true } },
  ];
  for (const other of others)
    for (const attempt of [0, 1, 2])
      expect(await client.run(other, { from: attempt }), JSON.stringify(other)).toMatchObject({
        success: false,
        code: '711012',
      });
  await expectChargedOnce(system, [first]);
  expect(ranUpstream(others[0] ?? first)).toBe(0);
  await client.close();
});

test('what was answered 390112 keeps its hold and runs once after the renewal, wherever it comes again', async () => {
  const clients = await Promise.all(
    [0, 1, 2, 3].map(() => RepeatingClient.connect(lines.two.port, 'finance_analyst')),
  );
  const statements = clients.map(() => asked(priced(), 'renewed'));
  system.warehouse.faults.expireTokens();
  for (const [index, client] of clients.entries()) {
    const statement = statements[index] ?? asked('', 'renewed');
    const sent = await client.send(statement);
    expect(sent).toMatchObject({ kind: 'answered', answer: { success: false, code: '390112' } });
    expect(await ticketsOf(system, [statement])).toMatchObject([{ is_open: true }]);
    expect(ranUpstream(statement)).toBe(0);
    const answers = await client.sendTogether(statement, 5);
    for (const answer of answers) expect(answer).toMatchObject({ success: true });
    const upstream = lines.forwarded.of(statement.requestId);
    expect(upstream?.times, 'once for 390112, once for the answer').toBe(2);
  }
  await expectChargedOnce(system, statements);
  await Promise.all(clients.map((client) => client.close()));
});

async function chargesOf(principal: string): Promise<number> {
  const [row] = await ownerQuery<{ n: string }>(
    system.database,
    `SELECT count(*) AS n FROM charge WHERE principal_id = '${principal}'`,
  );
  return Number(row?.n);
}

test('describes and polls never charge, and an asynchronous statement charges once', async () => {
  const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
  const before = await chargesOf('finance_analyst');
  const described = asked(priced(), 'retryTrue', { describeOnly: true });
  for (const answer of await sendSixTimes(client, described))
    expect(answer).toMatchObject({ success: true, data: { rowset: [] } });
  expect(await chargesOf('finance_analyst')).toBe(before);
  const later = asked(priced(), 'retryReason', { asyncExec: true });
  const answers = await sendSixTimes(client, later);
  for (const answer of answers) expect(answer).toMatchObject({ success: true });
  const queryId = String(answers[0]?.data.queryId);
  for (let poll = 0; poll < 6; poll += 1)
    expect(await client.call('GET', `/queries/${queryId}/result`)).toMatchObject({
      answer: { success: true, data: { rowset: answers[0]?.data.rowset as unknown } },
    });
  await expectChargedOnce(system, [later]);
  expect(await chargesOf('finance_analyst')).toBe(before + 1);
  await client.close();
});

test('the statements of a multi-statement are charged once, as parts of one charge, and their parent never twice', async () => {
  const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
  const both = `${priced()}; ${priced()}`;
  const script = asked(both, 'unmarked', { parameters: { MULTI_STATEMENT_COUNT: 2 } });
  const answers = await sendSixTimes(client, script);
  const children = new Set(answers.map((answer) => String(answer.data.resultIds)));
  expect(children.size).toBe(1);
  const childIds = [...children].join().split(',');
  for (const id of [...childIds, ...childIds])
    expect(await client.call('GET', `/queries/${id}/result`)).toMatchObject({
      answer: { success: true, data: { rowset: [['25']] } },
    });
  await eventually(async () =>
    expect(await ticketsOf(system, [script])).toMatchObject([
      // The parent's own id is charged to nobody.
      { state: 'SETTLED', is_charged: true, charged_query: null, is_open: false },
    ]),
  );
  const ran = system.warehouse.queryHistory().filter(({ started }) => both.includes(started.text));
  expect(ran.map(({ started }) => started.id).sort()).toEqual(
    [String(answers[0]?.data.queryId), ...childIds].sort(),
  );
  const parts = await ownerQuery<{ snowflake_query_id: string; is_whole: boolean }>(
    system.database,
    `SELECT p.snowflake_query_id, sum(p.credits) OVER () = c.credits AS is_whole
       FROM charge_part p JOIN charge c USING (ticket_id) JOIN ticket t ON t.id = p.ticket_id
      WHERE t.request_id = '${script.requestId}' ORDER BY p.ordinal`,
  );
  expect(parts).toEqual(childIds.map((id) => ({ snowflake_query_id: id, is_whole: true })));
  await expectInvariants(system.database.db);
  await client.close();
});

test('writes that come again write once, whatever is lost on their way', async () => {
  const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
  const table = asked('CREATE TABLE ANALYTICS.TPCH.WRITTEN_ONCE (N INTEGER)', 'retryReason');
  for (const answer of await sendSixTimes(client, table))
    expect(answer).toMatchObject({ success: true });
  const all = MARKINGS.map((marking, index) =>
    asked(`INSERT INTO ANALYTICS.TPCH.WRITTEN_ONCE SELECT ${index}`, marking),
  );
  const lossy = [lines.two, lines.upstream];
  for (const line of lossy)
    line.lose(firstReplyOfEach(statementRequestId, () => ({ kind: 'lost' })));
  for (const insert of all)
    for (const answer of await client.sendTogether(insert, 3, { repeatsNotKnown: true }))
      expect(answer).toMatchObject({ success: true, data: { rowset: [['1']] } });
  for (const line of lossy) line.lose();
  await expectChargedOnce(system, all);
  const count = asked('SELECT COUNT(*), SUM(N) FROM ANALYTICS.TPCH.WRITTEN_ONCE', 'unmarked');
  expect(await client.run(count)).toMatchObject({ data: { rowset: [['5', '10']] } });
  await client.close();
});

test('a repeat that comes after evidence has settled the lost reply gets the rows, and nothing is sent again', async () => {
  const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
  const all = MARKINGS.map((marking) => asked(priced(), marking));
  lines.upstream.lose(firstReplyOfEach(statementRequestId, () => ({ kind: 'gone' })));
  for (const statement of all)
    expect(await client.send(statement)).toMatchObject({ answer: { code: '715001' } });
  lines.upstream.lose();
  await expectChargedOnce(system, all);
  for (const statement of all) {
    for (const answer of await sendSixTimes(client, statement))
      expect(answer).toMatchObject({ success: true, data: { rowset: [['25']] } });
    expect(lines.forwarded.of(statement.requestId)?.times).toBe(1);
  }
  await expectChargedOnce(system, all);
  await client.close();
});

/** Tickets of a team that have not ended. */
function openOf(team: string): Promise<readonly { id: string; state: string }[]> {
  return ownerQuery(
    system.database,
    `SELECT id, state FROM ticket JOIN open_ticket ON ticket_id = id WHERE team_id = '${team}'`,
  );
}

/** A statement on the batch warehouse that runs on, and whose reply was lost. */
async function lostOnBatch(
  user: string,
): Promise<{ readonly client: RepeatingClient; readonly statement: Asked }> {
  const client = await RepeatingClient.connect(lines.two.port, user);
  const use = asked('USE WAREHOUSE BATCH_WH', 'unmarked');
  expect(await client.run(use)).toMatchObject({ success: true });
  const statement = asked('SELECT SYSTEM$WAIT(3600)', 'retryCount');
  lines.upstream.lose(firstReplyOfEach(statementRequestId, () => ({ kind: 'gone' })));
  expect(await client.send(statement)).toMatchObject({ answer: { code: '715001' } });
  lines.upstream.lose();
  return { client, statement };
}

/** Takes the one permit of the tier at another replica until `leave`. */
async function occupyBatch(user: string, team: string): Promise<{ leave(): Promise<void> }> {
  const client = await connectNode(system.proxyUrls[2] ?? '', { username: user });
  await client.rows('USE WAREHOUSE BATCH_WH');
  const occupying = client.run('SELECT SYSTEM$WAIT(3601)');
  await eventually(async () => {
    expect(await openOf(team)).toMatchObject([{ state: 'SENT' }]);
  });
  return {
    async leave() {
      const [{ id } = { id: '' }] = await openOf(team);
      await system.admin('POST', `/api/v1/tickets/${id}/kill`, { reason: WHY_ENDED });
      expect(await occupying).toMatchObject({ kind: 'error', code: '714003' });
      await client.close();
    },
  };
}

const WHY_ENDED = 'it reads ten years';

test('a repeat of what was lost waits for its turn; what runs on upstream is metered meanwhile, and ended for whoever wants it', async () => {
  const { client, statement } = await lostOnBatch('finance_analyst');
  const occupant = await occupyBatch('growth_analyst', 'growth');
  const answered = client.send(statement, 1);
  const usedCredits = async (): Promise<number> => {
    const [row] = await ownerQuery<{ used: string }>(
      system.database,
      `SELECT u.used_credits AS used FROM running_use u JOIN lane_waiting w ON w.ticket_id = u.ticket_id`,
    );
    return Number(row?.used ?? 0);
  };
  await eventually(async () => expect(await usedCredits()).toBeGreaterThan(0));
  const before = await usedCredits();
  await eventually(async () => expect(await usedCredits()).toBeGreaterThan(before));
  const [doubtful] = await openOf('finance');
  expect(doubtful?.state).toBe('IN_DOUBT');
  const id = doubtful?.id ?? '';
  expect(
    await system.admin('POST', `/api/v1/tickets/${id}/kill`, { reason: WHY_ENDED }),
  ).toMatchObject({ status: 200, body: { ticketId: id, isInDoubt: true } });
  const sent = await answered;
  expect(sent).toMatchObject({ kind: 'answered', answer: { success: false, code: '714003' } });
  expect(sent.kind === 'answered' ? sent.answer.message : '').toContain(WHY_ENDED);
  // It was not sent again, and what it used is charged.
  expect(lines.forwarded.of(statement.requestId)?.times).toBe(1);
  const charged = await ownerQuery(
    system.database,
    `SELECT t.ending, c.credits > 0 AS is_charged FROM charge c JOIN ticket t ON t.id = c.ticket_id WHERE t.id = '${id}'`,
  );
  expect(charged).toEqual([{ ending: 'stopped', is_charged: true }]);
  await occupant.leave();
  await client.close();
});

test('a repeat that waits too long for its turn is not told that nothing ran', async () => {
  const { client, statement } = await lostOnBatch('growth_analyst');
  const occupant = await occupyBatch('finance_analyst', 'finance');
  const sent = await client.send(statement, 1);
  expect(sent).toMatchObject({ kind: 'answered', answer: { success: false, code: '712302' } });
  expect(sent.kind === 'answered' ? sent.answer.message : '').toMatch(
    /^TG2302 Not sent again: [^\n]+\nIts first sending may run, and what that uses is charged; MY_QUERIES tells\.\n/,
  );
  const [doubtful] = await openOf('growth');
  expect(doubtful?.state).toBe('IN_DOUBT');
  const id = doubtful?.id ?? '';
  await system.admin('POST', `/api/v1/tickets/${id}/kill`, { reason: WHY_ENDED });
  await eventually(async () => expect(await openOf('growth')).toEqual([]));
  await occupant.leave();
  await client.close();
});

/** One a chunk; the first needs only Node. */
const driversRun = longRun('retries-drivers', 2);
const drivers = DRIVERS.slice(driversRun.seed - 1, driversRun.seed);

test.each(drivers)(
  'the real driver %s loses the first reply to every statement, sees what it sees directly, and each is charged once',
  { timeout: 1_800_000 },
  async (driver) => {
    const { count } = driversRun;
    const texts = Array.from({ length: count }, (_, index) =>
      priced(`N_NATIONKEY < ${index % 25}`),
    );
    const loseFirst = (): Decide => {
      let losses = 0;
      return firstReplyOfEach(statementRequestId, () => {
        losses += 1;
        return { kind: losses % 2 === 0 ? 'gone' : 'lost' };
      });
    };
    const straight = await startBalancer({
      backends: [Number(new URL(system.warehouseUrl).port)],
    });
    const seen: (readonly string[])[] = [];
    for (const line of [straight, lines.two]) {
      const own = line === straight ? texts.map((text) => text.replace('text', 'direct')) : texts;
      const before = line.resets;
      line.lose(loseFirst());
      const ran = await runByDriver(driver, line.port, 'finance_analyst', own);
      line.lose();
      if (ran.kind === 'absent') {
        process.stderr.write(`skipped: ${ran.why}\n`);
        driversRun.report({ skipped: 1 });
        return straight.stop();
      }
      seen.push(ran.outcomes);
      expect(line.resets - before).toBe(count);
    }
    await straight.stop();
    expect(seen[1]).toEqual(seen[0]);
    const charges = await expectTextsChargedOnce(system, texts);
    expect(charges).toBe(count);
    await expectInvariants(system.database.db);
    driversRun.report({ statements: count, repliesLost: count, charges });
  },
);

/** Ends connections to Postgres, a few at a time, until told to stop; how many. */
function cutConnections(): { stop(): Promise<number> } {
  let isStopping = false;
  const cutting = (async () => {
    let cuts = 0;
    while (!isStopping) {
      const [row] = await ownerQuery<{ n: string }>(
        system.database,
        `SELECT count(pg_terminate_backend(pid)) AS n FROM (
           SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3) AS chosen`,
      );
      cuts += Number(row?.n);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return cuts;
  })();
  return {
    stop() {
      isStopping = true;
      return cutting;
    },
  };
}

const cutsRun = longRun('retries-cuts', 6);

test(
  'with connections to Postgres cut all along, repeats run once at most, and what ran is charged once, whatever was told',
  { timeout: 600_000 },
  async () => {
    const client = await RepeatingClient.connect(lines.two.port, 'finance_analyst');
    const all = Array.from({ length: cutsRun.count }, (_, index) =>
      asked(priced(), MARKINGS[index % (MARKINGS.length - 1)] ?? 'unmarked'),
    );
    const cutting = cutConnections();
    let rows = 0;
    for (const statement of all) {
      const answers = await client.sendTogether(statement, 3, { repeatsNotKnown: true });
      for (const answer of answers)
        expect([null, '712501'], JSON.stringify(answer)).toContain(answer.code);
      if (answers.some((answer) => answer.success)) rows += 1;
    }
    const cuts = await cutting.stop();
    const ran = all.filter((statement) => ranUpstream(statement) > 0);
    await eventually(
      async () =>
        expect((await ticketsOf(system, all)).filter((ticket) => ticket.is_open)).toEqual([]),
      { withinMs: 60_000 },
    );
    expect(all.filter((statement) => ranUpstream(statement) > 1)).toEqual([]);
    const charged = (await ticketsOf(system, all)).filter((ticket) => ticket.is_charged);
    expect(charged.map((ticket) => ticket.request_id).sort()).toEqual(
      ran.map((statement) => statement.requestId).sort(),
    );
    await expectInvariants(system.database.db);
    const charges = charged.length;
    cutsRun.report({ cuts, statements: all.length, answered: rows, ran: ran.length, charges });
  },
);

// Last, because what it leaves behind is what must never be.
test('without the key of one ticket a request, repeats that race are charged twice, and that is seen', async () => {
  await ownerQuery(system.database, 'DROP INDEX tollgate.ticket_request_once');
  direct ??= await directAnswers(system);
  const scenario: Scenario = {
    trouble: 'five times at once',
    replicas: 2,
    markingOf: () => 'unmarked',
    count: 8,
    seed: 1,
  };
  await expect(expectOnce(system, lines, direct, scenario)).rejects.toThrow(
    /^[1-8] of 8 are not charged once/,
  );
  const [twice] = await ownerQuery<{ n: string }>(
    system.database,
    `SELECT count(*) AS n FROM (
       SELECT t.request_id FROM charge c JOIN ticket t ON t.id = c.ticket_id
       GROUP BY t.request_id HAVING count(*) > 1) AS doubled`,
  );
  expect(Number(twice?.n)).toBeGreaterThan(0);
});
