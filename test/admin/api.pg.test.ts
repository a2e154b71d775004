import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import { NO_CREDITS, parseCredits, parseMoney } from '../../base/units.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

const ticketId = '019a0000-0000-7000-8000-0000000000a1' as TicketId;

test.each([
  '/api/v1/teams',
  '/api/v1/budgets',
  '/api/v1/budgets/marketing',
  `/api/v1/tickets/${ticketId}`,
])('%s wants the token', async (path) => {
  for (const authorization of [
    '',
    'Bearer ',
    'Bearer wrong',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
  ]) {
    const reply = await world.call('GET', path, undefined, { authorization });
    expect(reply.status).toBe(401);
    expect(reply.type).toContain('application/problem+json');
    expect(reply.text).not.toContain(TOKEN);
  }
});

test('teams are listed with their cost centre and budgets', async () => {
  const { status, json } = await world.call('GET', '/api/v1/teams');
  expect(status).toBe(200);
  expect(json['teams']).toHaveLength(15);
  expect(json['teams']).toContainEqual({
    id: 'platform',
    name: 'Platform',
    department: 'technology',
    costCentre: 'CC-4010',
    owner: 'platform-leads',
    principals: 2,
    budgets: ['platform-monthly'],
  });
});

test('a new limit is a new control version and the standing of the open period', async () => {
  const before = await world.call('GET', '/api/v1/budgets/sales');
  expect(before.json).toMatchObject({
    team: 'sales',
    budget: { limitCredits: '40', isHard: true },
  });
  const put = await world.call('PUT', '/api/v1/budgets/sales', {
    limitCredits: '55.5',
    reason: 'launch',
  });
  expect(put.status).toBe(200);
  expect(put.json).toMatchObject({
    controlVersion: Number(before.json['controlVersion']) + 1,
    budget: {
      id: 'sales-monthly',
      limitCredits: '55.5',
      standing: { availableCredits: '55.500000000000', periodEndsAt: '2026-08-01T00:00:00.000Z' },
    },
  });
  const { rows } = await world.database.db.query(
    'SELECT author, reason FROM control_version ORDER BY version DESC LIMIT 1',
  );
  expect(rows).toEqual([{ author: 'admin-token', reason: 'launch' }]);
  expect((await world.call('GET', '/api/v1/budgets')).json['budgets']).toHaveLength(16);
});

test('twelve changes at the same time are twelve versions and none is lost', async () => {
  const { json } = await world.call('GET', '/api/v1/teams');
  const teams = (json['teams'] as { id: string }[]).slice(0, 12).map((team) => team.id);
  const replies = await Promise.all(
    teams.map((team, index) =>
      world.call('PUT', `/api/v1/budgets/${team}`, {
        limitCredits: String(60 + index),
        reason: 'race',
      }),
    ),
  );
  expect(replies.map((reply) => reply.status)).toEqual(teams.map(() => 200));
  for (const [index, team] of teams.entries()) {
    const reply = await world.call('GET', `/api/v1/budgets/${team}`);
    expect(reply.json['budget']).toMatchObject({ limitCredits: String(60 + index) });
  }
  for (const team of teams)
    await world.call('PUT', `/api/v1/budgets/${team}`, { limitCredits: '40', reason: 'as it was' });
  const versions = await world.database.db.query<{ count: string }>(
    "SELECT count(*) FROM control_version WHERE reason = 'race'",
  );
  expect(versions.rows[0]?.count).toBe('12');
});

test.each<[string, unknown, string]>([
  ['a number', { limitCredits: 40, reason: 'x' }, 'limitCredits'],
  ['a negative amount', { limitCredits: '-1', reason: 'x' }, 'limitCredits'],
  ['an exponent', { limitCredits: '1e3', reason: 'x' }, 'limitCredits'],
  ['thirteen decimals', { limitCredits: '0.0000000000001', reason: 'x' }, 'limitCredits'],
  ['no reason', { limitCredits: '1' }, 'reason'],
  ['an unknown field', { limitCredits: '1', reason: 'x', hard: false }, 'hard'],
])(
  'a limit with %s is a 400 that names the field, the rule and the way out',
  async (_name, body, field) => {
    const reply = await world.call('PUT', '/api/v1/budgets/sales', body);
    expect(reply.status).toBe(400);
    expect(reply.type).toContain('application/problem+json');
    expect(reply.json).toMatchObject({ status: 400, type: 'about:blank' });
    const errors = reply.json['errors'] as { field: string; rule: string; wayOut: string }[];
    expect(errors.map((error) => error.field)).toContain(field);
    for (const error of errors) {
      expect(error.rule).not.toBe('');
      expect(error.wayOut).not.toBe('');
    }
  },
);

test('a team that does not exist is a 404 everywhere', async () => {
  const replies = [
    await world.call('GET', '/api/v1/budgets/nobody'),
    await world.call('PUT', '/api/v1/budgets/nobody', { limitCredits: '1', reason: 'x' }),
    await world.call(
      'POST',
      '/api/v1/budgets/nobody/grants',
      { credits: '1', reason: 'x' },
      { 'idempotency-key': 'k' },
    ),
    await world.call('GET', '/api/v1/bills/nobody/2026-07.json'),
  ];
  expect(replies.map((reply) => reply.status)).toEqual([404, 404, 404, 404]);
  for (const reply of replies) expect(reply.json['errors']).toMatchObject([{ field: 'team' }]);
});

test('a grant counts once per key, and a key names one grant', async () => {
  const available = async (team: string): Promise<unknown> =>
    (
      (await world.call('GET', `/api/v1/budgets/${team}`)).json['budget'] as {
        standing: { availableCredits: string };
      }
    ).standing.availableCredits;
  const give = (team: string, key = 'one') =>
    world.call(
      'POST',
      `/api/v1/budgets/${team}/grants`,
      { credits: '25', reason: 'quarter end' },
      { 'idempotency-key': key },
    );
  const first = await give('growth');
  expect(first.status).toBe(201);
  expect(first.json).toEqual({
    team: 'growth',
    budgetId: 'growth-monthly',
    credits: '25.000000000000',
    endsAt: '2026-08-01T00:00:00.000Z',
    isReplayed: false,
  });
  const again = await give('growth');
  expect(again).toMatchObject({
    status: 201,
    json: first.json,
    headers: { 'idempotency-replayed': 'true' },
  });
  expect(await available('growth')).toBe('65.000000000000');
  expect((await give('product')).status).toBe(422);
  expect((await give('product', 'two')).status).toBe(201);
  expect(await available('product')).toBe('65.000000000000');
  await expectInvariants(world.database.db);
});

test('a grant ends when a raise of the same words does', async () => {
  const { status, json } = await world.call(
    'POST',
    '/api/v1/budgets/sales/grants',
    { credits: '1', until: '3d', reason: 'quarter end' },
    { 'idempotency-key': 'span' },
  );
  expect([status, json['endsAt']]).toEqual([
    201,
    new Date(world.clock.now() + 3 * 86_400_000).toISOString(),
  ]);
  const date = await world.call(
    'POST',
    '/api/v1/budgets/sales/grants',
    { credits: '1', until: json['endsAt']?.toString().slice(0, 10), reason: 'quarter end' },
    { 'idempotency-key': 'date' },
  );
  const raised = await world.call(
    'POST',
    '/api/v1/raises',
    {
      budget: 'sales',
      credits: '1',
      until: json['endsAt']?.toString().slice(0, 10),
      reason: 'quarter end',
    },
    { 'idempotency-key': 'raise' },
  );
  expect(date.json['endsAt']).toBe(raised.json['endsAt']);
});

test('a grant of nothing, one without a key and one that has ended are refused', async () => {
  const give = (body: object, headers: Record<string, string> = { 'idempotency-key': 'z' }) =>
    world.call(
      'POST',
      '/api/v1/budgets/growth/grants',
      { credits: '1', reason: 'x', ...body },
      headers,
    );
  const field = (reply: { json: Record<string, unknown> }): string =>
    (reply.json['errors'] as { field: string }[])[0]?.field ?? '';
  expect(field(await give({ credits: '0.00' }))).toBe('credits');
  expect(field(await give({ until: 'someday' }))).toBe('until');
  expect(field(await give({ until: '2020-01-01' }))).toBe('until');
  expect(field(await give({}, {}))).toBe('headers.idempotency-key');
});

test('credits are transferred between budgets once per key, with an audit event, or not at all', async () => {
  const send = (from: string, body: object, key = 'transfer-1') =>
    world.call(
      'POST',
      `/api/v1/budgets/${from}/transfers`,
      { to: 'ml-monthly', credits: '15', reason: 'moved work', ...body },
      { 'idempotency-key': key },
    );
  const first = await send('research-monthly', {});
  expect(first).toMatchObject({
    status: 201,
    json: {
      from: 'research-monthly',
      to: 'ml-monthly',
      credits: '15.000000000000',
      fromAvailableCredits: '25.000000000000',
      toAvailableCredits: '55.000000000000',
      isReplayed: false,
    },
  });
  expect((await send('research-monthly', {})).json).toEqual(first.json);
  const short = await send('research-monthly', { credits: '25.000000000001' }, 'transfer-2');
  expect(short).toMatchObject({
    status: 409,
    json: {
      errors: [{ field: 'credits', rule: expect.stringContaining('at most 25.000000000000') }],
    },
  });
  expect(await send('research-monthly', { to: 'research-monthly' }, 'transfer-3')).toMatchObject({
    status: 400,
    json: { errors: [{ field: 'to' }] },
  });
  expect((await send('research-monthly', { to: 'nobody' }, 'transfer-4')).status).toBe(404);
  expect((await send('nobody', {}, 'transfer-5')).status).toBe(404);
  // A team stands for its monthly budget, on either side.
  expect(await send('research', { to: 'research-monthly' }, 'transfer-6')).toMatchObject({
    status: 400,
    json: { errors: [{ field: 'to' }] },
  });
  expect(
    (await send('research', { to: 'ml', credits: '25.000000000001' }, 'transfer-7')).json,
  ).toMatchObject({
    detail: 'research-monthly cannot give that much.',
  });
  const { rows } = await world.database.db.query(
    `SELECT subject, after FROM audit_event WHERE action = 'budget.transfer'`,
  );
  expect(rows).toEqual([
    {
      subject: 'budget/research-monthly',
      after: {
        to: 'ml-monthly',
        transferredCredits: '15.000000000000',
        availableCredits: '25.000000000000',
        toAvailableCredits: '55.000000000000',
      },
    },
  ]);
  await expectInvariants(world.database.db);
});

// Five different things: below nothing, no number, more digits than are kept, nothing, and not there.
test.each([
  ['-1', 'credits'],
  ['NaN', 'credits'],
  ['Infinity', 'credits'],
  ['1e3', 'credits'],
  ['999999999999999999999999999', 'credits'],
  ['0.0000000000001', 'credits'],
  ['0', 'credits'],
  [undefined, 'credits'],
  [15, 'credits'],
])('a transfer of %s is refused and names the field', async (credits, field) => {
  const reply = await world.call(
    'POST',
    '/api/v1/budgets/legal-monthly/transfers',
    { to: 'people-monthly', reason: 'x', ...(credits === undefined ? {} : { credits }) },
    { 'idempotency-key': `bad-${String(credits)}` },
  );
  expect(reply.status).toBe(400);
  expect(reply.json['errors']).toMatchObject([{ field }]);
});

test('a limit of zero is one, below zero, NaN, too many digits and none at all are not', async () => {
  const put = (limitCredits: unknown) =>
    world.call('PUT', '/api/v1/budgets/risk', {
      reason: 'x',
      ...(limitCredits === undefined ? {} : { limitCredits }),
    });
  for (const bad of ['-1', '-0', 'NaN', '9'.repeat(27), undefined, null, 0])
    expect([bad, (await put(bad)).status]).toEqual([bad, 400]);
  expect(await put('0')).toMatchObject({
    status: 200,
    json: { budget: { standing: { limitCredits: '0.000000000000', isPassed: false } } },
  });
  expect(await put('unlimited')).toMatchObject({
    json: { budget: { standing: { limitCredits: null, availableCredits: null } } },
  });
  expect((await put('40')).status).toBe(200);
});

test('the bill of an open month is provisional, sums to its lines, and is the same as CSV', async () => {
  await chargeOneStatement();
  const { status, json } = await world.call('GET', '/api/v1/bills/marketing/2026-07.json');
  expect(status).toBe(200);
  expect(json).toMatchObject({
    status: 'provisional',
    team: 'marketing',
    month: '2026-07',
    currency: 'USD',
    lines: [
      {
        kind: 'direct',
        day: '2026-07-15',
        statements: 1,
        credits: '0.250000000000',
        effectiveAmount: '0.750000000000',
        amount: '0.75',
      },
    ],
    totalAmount: '0.75',
  });
  const csv = await world.call('GET', '/api/v1/bills/marketing/2026-07.csv');
  expect(csv.type).toContain('text/csv');
  expect(csv.text.trim().split('\r\n')).toHaveLength(3);
  const empty = await world.call('GET', '/api/v1/bills/marketing/2026-06.json');
  expect(empty.json).toMatchObject({ lines: [], totalAmount: '0.00' });
  await expectNoOpenHolds(world.database.db);
});

test.each([
  ['2026-13.json', 400],
  ['26-07.json', 400],
  ['2026-07.docx', 404],
])('a bill asked for as %s is a %d', async (file, status) => {
  const reply = await world.call('GET', `/api/v1/bills/marketing/${file}`);
  expect(reply.status).toBe(status);
  expect(reply.json['errors']).toHaveLength(1);
});

test('a ticket tells what became of a statement', async () => {
  await chargeOneStatement();
  const { status, json } = await world.call('GET', `/api/v1/tickets/${ticketId}`);
  expect(status).toBe(200);
  expect(json).toMatchObject({
    ticketId,
    state: 'SETTLED',
    team: 'marketing',
    ending: 'succeeded',
    refusal: null,
    charge: { credits: '0.250000000000', amount: '0.750000000000', currency: 'USD' },
  });
  expect((await world.call('GET', `/api/v1/tickets/${ticketId.replace('a1', 'a2')}`)).status).toBe(
    404,
  );
  expect((await world.call('GET', '/api/v1/tickets/what')).status).toBe(400);
});

test('the OpenAPI document describes every route and needs no token', async () => {
  const reply = await world.app.inject({ method: 'GET', url: '/api/v1/openapi.json' });
  expect(reply.statusCode).toBe(200);
  const document = reply.json<{
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
  }>();
  expect(document.openapi).toBe('3.1.0');
  // Routes that register later need no line here: the sweep holds the document against what is really served.
  expect(Object.keys(document.paths).sort()).toEqual(
    expect.arrayContaining([
      '/api/v1/audit',
      '/api/v1/audit/export.jsonl',
      '/api/v1/audit/head',
      '/api/v1/bills/{team}/{month}.{format}',
      '/api/v1/budgets',
      '/api/v1/budgets/{team}',
      '/api/v1/budgets/{team}/grants',
      '/api/v1/control',
      '/api/v1/control/plan',
      '/api/v1/control/rollback',
      '/api/v1/control/versions',
      '/api/v1/me',
      '/api/v1/principals',
      '/api/v1/requests',
      '/api/v1/requests/{ticket}/decision',
      '/api/v1/teams',
      '/api/v1/teams/{team}',
      '/api/v1/tickets',
      '/api/v1/tickets/{id}',
      '/api/v1/tokens',
      '/api/v1/tokens/{id}/revoke',
      '/api/v1/tokens/{id}/rotate',
    ]),
  );
  expect(Object.keys(document.paths['/api/v1/budgets/{team}'] ?? {}).sort()).toEqual([
    'get',
    'put',
  ]);
});

test('a body that is too large or is not JSON is a problem too', async () => {
  const large = await world.call('PUT', '/api/v1/budgets/sales', {
    limitCredits: '1',
    reason: 'x'.repeat(2_000_000),
  });
  expect(large.status).toBe(413);
  const reply = await world.app.inject({
    method: 'PUT',
    url: '/api/v1/budgets/sales',
    payload: '{"limitCredits":',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
  expect(reply.statusCode).toBe(400);
  expect(reply.headers['content-type']).toContain('problem+json');
});

/** One statement of marketing: 0.25 credits at 3 dollars. Repeating it changes nothing. */
async function chargeOneStatement(): Promise<void> {
  const at = world.clock.now();
  await world.ledger.reserve({
    budgetIds: ['demo-company-monthly', 'marketing-monthly'],
    holdCredits: parseCredits('0.5'),
    ticket: {
      ticketId,
      account: 'demo',
      sessionId: '1',
      requestId: 'r',
      requestHash: 'h',
      principalId: 'marketing_analyst',
      viaPrincipalId: null,
      teamId: 'marketing',
      workload: null,
      snowflakeUser: 'MARKETING_ANALYST',
      roleName: null,
      tier: 'interactive',
      warehouse: 'INTERACTIVE_WH',
      warehouseSize: 'XSMALL',
      statementClass: 'query',
      fingerprint: 'f',
      statementShape: 'SELECT ?',
      basis: 'GUESS',
      lowCredits: NO_CREDITS,
      expectedCredits: parseCredits('0.1'),
      highCredits: parseCredits('0.5'),
      expectedSeconds: 360,
      estimatedBytes: null,
      pricePerCredit: parseMoney('3'),
      currency: 'USD',
      controlVersion: 1,
      replica: 'a',
      occurredAt: at,
    },
  });
  await world.ledger.markSent(ticketId, at);
  await world.ledger.settle({
    ticketId,
    ending: 'succeeded',
    endCode: null,
    snowflakeQueryId: null,
    usedCredits: parseCredits('0.25'),
    warehouseMs: 900_000,
    bytesScanned: 1,
    rowsProduced: 1,
    startedAt: at,
    endedAt: at,
  });
}

test('the bridge of a budget leads on to the bill of its month, of which an analyst reads nothing', async () => {
  await openPeriods(world.database.db, ['legal-monthly'], world.clock.now());
  const bridge = async (role: 'team-lead' | 'analyst'): Promise<unknown> => {
    const of = role === 'analyst' ? { principal: 'legal_analyst' } : {};
    const token = await world.issue({ role, team: 'legal', ...of });
    const headers = { authorization: `Bearer ${token}` };
    const { json } = await world.call('GET', '/api/v1/budgets/legal/bridge', undefined, headers);
    return (json['budgets'] as readonly { readonly bill: unknown }[])[0]?.bill;
  };
  const nothing = '0.000000000000';
  expect(await bridge('team-lead')).toEqual({
    month: new Date(world.clock.now()).toISOString().slice(0, 7),
    status: 'provisional',
    version: 0,
    lines: ['otherHours', 'notMetered', 'foundLater', 'earlierMonths', 'bill'].map((line) => ({
      line,
      credits: nothing,
    })),
  });
  expect(await bridge('analyst')).toBeNull();
});
