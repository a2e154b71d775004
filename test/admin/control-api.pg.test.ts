import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readAudit } from '../../admin/stores/audit-store.js';
import { parseCredits } from '../../base/units.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { buildSettlement, buildTicket } from '../support/builders.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
  await charge('0.4', 'ml', 'ml_analyst', 'BATCH_WH');
  await charge('12', 'marketing', 'marketing_analyst', 'INTERACTIVE_WH');
});
afterAll(() => world.close());

const demo = demoControlDocument();

async function charge(
  used: string,
  teamId: string,
  principalId: string,
  warehouse: string,
): Promise<void> {
  const tier = warehouse === 'BATCH_WH' ? 'batch' : 'interactive';
  const ticket = buildTicket({
    teamId,
    principalId,
    warehouse,
    tier,
    occurredAt: world.clock.now(),
  });
  await world.ledger.reserve({
    budgetIds: [`${teamId}-monthly`],
    holdCredits: parseCredits(used),
    ticket,
  });
  await world.ledger.markSent(ticket.ticketId, world.clock.now());
  await world.ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: parseCredits(used) }));
}

function withLimit(limitCredits: string): ControlDocument {
  return {
    ...demo,
    budgets: demo.budgets.map((budget) =>
      budget.id === 'marketing-monthly' ? { ...budget, limitCredits } : budget,
    ),
  };
}

function without(team: string): ControlDocument {
  return {
    ...demo,
    teams: demo.teams.filter((each) => each.id !== team),
    principals: demo.principals.filter((each) => each.team !== team),
    mapping: demo.mapping.filter((each) => each.principal !== `${team}_analyst`),
    budgets: demo.budgets.filter((each) => each.node !== team),
    accounts: demo.accounts.map((account) => ({
      ...account,
      serviceUsers: (account.serviceUsers ?? []).filter((each) => each.team !== team),
    })),
  };
}

const plan = async (document: ControlDocument): Promise<Record<string, unknown>> =>
  (await world.call('POST', '/api/v1/control/plan', { document })).json;

async function newest(): Promise<number> {
  return (await world.call('GET', '/api/v1/control')).json['controlVersion'] as number;
}

test('a plan says what changes in words and money, against which version, and writes nothing', async () => {
  const version = await newest();
  expect(await plan(withLimit('250'))).toMatchObject({
    controlVersion: version,
    inForce: { version, author: 'tollgate', reason: 'first start' },
    isChanged: true,
    changesTotal: 1,
    changes: [
      {
        text: 'marketing-monthly: hard limit 40 → 250 credits a month (+210 credits, +$630.00 at $3.00 a credit)',
        deltaCredits: '210.000000000000',
        deltaAmount: '630.000000000000',
      },
    ],
    lastDays: [],
    differences: [{ part: 'budgets', key: 'marketing-monthly', change: 'changed' }],
  });
  expect(await newest()).toBe(version);
  expect(await plan(demo)).toMatchObject({ isChanged: false, changes: [], changesTotal: 0 });
});

test('a limit that falls is held against what is spent and held now', async () => {
  expect(await plan(withLimit('20'))).toMatchObject({
    lastDays: [
      'marketing-monthly: 12 credits spent and 0 credits held in the period to 1 Aug 00:00 UTC; the new limit leaves 8 credits ($24.00)',
    ],
  });
  expect(await plan(withLimit('10'))).toMatchObject({
    lastDays: [
      'marketing-monthly: 12 credits spent and 0 credits held in the period to 1 Aug 00:00 UTC; it would be in debt by 2 credits ($6.00): the next statement is refused',
    ],
  });
});

test('what goes is told with what it ran in the last 30 days', async () => {
  const smaller: ControlDocument = {
    ...without('ml'),
    warehouses: demo.warehouses.filter(({ name }) => name !== 'BATCH_WH'),
    tiers: demo.tiers.filter(({ id }) => id !== 'batch'),
  };
  expect((await plan(smaller))['lastDays']).toEqual([
    'team ml ran 1 statement for 0.4 credits ($1.20) in the last 30 days',
    'principal ml_analyst ran 1 statement for 0.4 credits ($1.20) in the last 30 days',
    'warehouse BATCH_WH ran 1 statement for 0.4 credits ($1.20) in the last 30 days',
    'tier batch ran 1 statement for 0.4 credits ($1.20) in the last 30 days',
  ]);
});

test('another price is told by what the last 30 days would have cost', async () => {
  const prices = [{ ...demo.prices[0]!, effectiveFrom: '2026-08-01', pricePerCredit: '3.5' }];
  expect((await plan({ ...demo, prices: [...demo.prices, ...prices] }))['lastDays']).toEqual([
    'the last 30 days took 12.4 credits in 2 statements: $43.40 at $3.50 a credit instead of $37.20 (+$6.20); what is charged stays',
  ]);
});

test('a document is applied once, from the version it was planned against, and rolled back as a new one', async () => {
  const version = await newest();
  const body = { document: withLimit('250'), reason: 'a campaign', expectedVersion: version };
  const early = await world.call('PUT', '/api/v1/control', {
    ...body,
    expectedVersion: version - 1,
  });
  expect([early.status, early.json['errors']]).toMatchObject([409, [{ field: 'expectedVersion' }]]);
  const words = [
    'marketing-monthly: hard limit 40 → 250 credits a month (+210 credits, +$630.00 at $3.00 a credit)',
  ];
  expect((await world.call('PUT', '/api/v1/control', body)).json).toEqual({
    controlVersion: version + 1,
    isChanged: true,
    changes: words,
    changesTotal: 1,
  });
  const again = { ...body, expectedVersion: version + 1 };
  expect((await world.call('PUT', '/api/v1/control', again)).json).toEqual({
    controlVersion: version + 1,
    isChanged: false,
    changes: [],
    changesTotal: 0,
  });
  const back = await world.call('POST', '/api/v1/control/rollback', {
    version,
    reason: 'it is over',
  });
  expect(back.json).toEqual({
    controlVersion: version + 2,
    isChanged: true,
    changes: [
      'marketing-monthly: hard limit 250 → 40 credits a month (-210 credits, -$630.00 at $3.00 a credit)',
    ],
    changesTotal: 1,
  });
  expect((await world.call('GET', '/api/v1/control')).json['document']).toEqual(demo);
});

test('every version that was written has its audit event, in words and without the document', async () => {
  const events = await readAudit(world.database.db, {
    afterSequence: 0,
    limit: 100,
    subject: 'control',
  });
  expect(events.map(({ actor, role, action, reason }) => [actor, role, action, reason])).toEqual([
    ['tollgate', 'platform', 'control.start', 'first start'],
    ['admin-token', 'platform', 'control.apply', 'a campaign'],
    ['admin-token', 'platform', 'control.rollback', 'it is over'],
  ]);
  expect(events[1]).toMatchObject({
    before: { version: 1 },
    after: { version: 2, changes: [expect.stringContaining('40 → 250')], changesTotal: 1 },
  });
  expect(JSON.stringify(events)).not.toContain('demo-company');
});

test('versions come in pages, and each can be read and compared with another', async () => {
  const first = await world.call('GET', '/api/v1/control/versions?limit=2');
  expect(first.json).toMatchObject({
    versions: [
      { version: 3, reason: 'it is over' },
      { version: 2, author: 'admin-token' },
    ],
    nextCursor: expect.any(String) as string,
  });
  const cursor = String(first.json['nextCursor']);
  const next = await world.call('GET', `/api/v1/control/versions?limit=2&cursor=${cursor}`);
  expect(next.json).toMatchObject({ versions: [{ version: 1 }], nextCursor: null });
  expect((await world.call('GET', '/api/v1/control/versions/1')).json).toMatchObject({
    version: 1,
    reason: 'first start',
    document: demo,
  });
  expect((await world.call('GET', '/api/v1/control/diff?from=1&to=2')).json).toMatchObject({
    isChanged: true,
    changes: [{ text: expect.stringContaining('hard limit 40 → 250') }],
  });
  expect((await world.call('GET', '/api/v1/control/diff?from=1&to=3')).json).toMatchObject({
    isChanged: false,
  });
  for (const path of ['versions/99', 'diff?from=1&to=99', 'diff?from=99&to=1'])
    expect((await world.call('GET', `/api/v1/control/${path}`)).status).toBe(404);
  for (const path of [
    'versions/x',
    'versions/0',
    'diff?from=1',
    'versions?before=2',
    'versions?cursor=x',
  ])
    expect((await world.call('GET', `/api/v1/control/${path}`)).status).toBe(400);
});

test('a document that is not valid names every problem; a text names their lines too', async () => {
  const reply = await world.call('PUT', '/api/v1/control', {
    document: { teams: [], color: 1 },
    reason: 'x',
  });
  expect(reply.status).toBe(400);
  const fields = (reply.json['errors'] as { field: string }[]).map((error) => error.field);
  expect(fields).toEqual(expect.arrayContaining(['organisation', 'tiers', 'color']));
  const text = stringify(withLimit('forty'), { aliasDuplicateObjects: false });
  const placed = await world.call('POST', '/api/v1/control/plan', { text });
  const line = text.split('\n').findIndex((each) => each.includes('forty')) + 1;
  expect(placed.json['errors']).toMatchObject([
    { field: 'budgets[0].limitCredits', line, column: 19 },
  ]);
  const good = stringify(withLimit('50'), { aliasDuplicateObjects: false });
  expect((await world.call('POST', '/api/v1/control/plan', { text: good })).json).toMatchObject({
    changesTotal: 1,
  });
});

test.each<[object, string]>([
  [{}, 'document'],
  [{ document: {}, text: 'a: 1' }, 'document'],
  [{ text: 'a'.repeat(1_100_000) }, 'text'],
])('a plan takes either a document or a text, and not a long one', async (body, field) => {
  const reply = await world.call('POST', '/api/v1/control/plan', body);
  expect(reply.status).toBe(400);
  expect(reply.json['errors']).toMatchObject([{ field }]);
});

test('a version that never was, or is not valid any more, is not rolled back to', async () => {
  const never = { version: 999_999, reason: 'x' };
  expect((await world.call('POST', '/api/v1/control/rollback', never)).status).toBe(404);
  const { rows } = await world.database.db.query<{ version: string }>(
    `INSERT INTO control_version (author, reason, created_at, document, document_hash)
     VALUES ('a', 'b', now(), $1, 'x') RETURNING version`,
    [JSON.stringify({ ...demo, defaultTier: 'turbo' })],
  );
  const old = Number(rows[0]?.version);
  await world.database.db.query(
    `INSERT INTO control_version (author, reason, created_at, document, document_hash)
     VALUES ('a', 'b', now(), $1, 'y')`,
    [JSON.stringify(demo)],
  );
  const reply = await world.call('POST', '/api/v1/control/rollback', { version: old, reason: 'x' });
  expect(reply.status).toBe(400);
  expect(reply.json).toMatchObject({
    detail: `Version ${old} is not valid any more; nothing was changed. Correct a copy of it and apply that.`,
    errors: [{ field: 'defaultTier', rule: '"turbo" is no tier of this document' }],
  });
  const read = await world.call('GET', `/api/v1/control/versions/${old}`);
  expect(read.json['document']).toMatchObject({ defaultTier: 'turbo' });
});

test('the JSON Schema for editors is served', async () => {
  const { status, json } = await world.call('GET', '/api/v1/control/schema.json');
  expect(status).toBe(200);
  expect(json).toMatchObject({ title: 'Tollgate control document', type: 'object' });
});

test('before the first version a plan is made against nothing, and applied from version 0', async () => {
  const empty = await createAdminWorld({ first: null });
  const planned = await empty.call('POST', '/api/v1/control/plan', { document: demo });
  expect(planned.json).toMatchObject({
    controlVersion: 0,
    inForce: { version: 0, reason: 'no document is in force yet' },
    isChanged: true,
    lastDays: [],
  });
  const words = (planned.json['changes'] as { text: string }[]).map(({ text }) => text);
  expect(words).toContain(
    'team legal is new in corporate, with budget legal-monthly of 40 credits a month ($120.00 at $3.00 a credit), hard',
  );
  const body = { document: demo, reason: 'first', expectedVersion: 0 };
  expect((await empty.call('PUT', '/api/v1/control', body)).json).toMatchObject({
    controlVersion: 1,
    isChanged: true,
  });
  await empty.close();
});
