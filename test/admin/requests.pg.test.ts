import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import { askApproval } from '../../billing/requests.js';
import { buildTicket, credits, NOON } from '../support/builders.js';
import { expectInvariants } from '../support/database.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(async () => {
  await expectInvariants(world.database.db);
  await world.close();
});

/** A statement of the team that needs 41 credits where 40 are left, or one that a rule refused; then asked for. */
async function asked(teamId: string, by: 'budget' | 'rule', at: number = NOON): Promise<TicketId> {
  const ticket = buildTicket({ teamId, highCredits: credits('41') });
  const { ticketId } = ticket;
  if (by === 'rule') {
    const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail: {} };
    await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  } else {
    const budgetId = `${teamId}-monthly`;
    await world.ledger.reserve({ ticket, budgetIds: [budgetId], holdCredits: credits('41') });
    const detail = { budget: { id: budgetId, availableCredits: '40.000000000000' } };
    await world.ledger.recordRefusal(ticketId, { code: 'TG2001', message: 'TG2001', detail });
  }
  await world.database.db.transaction((tx) =>
    askApproval(tx, {
      ticketId,
      teamId,
      principalId: `${teamId}_analyst`,
      reason: 'please',
      at,
    }),
  );
  return ticketId;
}

const decisionPath = (ticketId: string): string => `/api/v1/requests/${ticketId}/decision`;

test('what waits is listed with its team, its amounts, its budget and its reason, the oldest first', async () => {
  const first = await asked('sales', 'budget');
  const second = await asked('risk', 'rule', NOON + 1);
  const { status, json } = await world.call('GET', '/api/v1/requests?state=waiting');
  expect(status).toBe(200);
  expect(json['requests']).toEqual([
    {
      ticketId: first,
      state: 'waiting',
      team: 'sales',
      principal: 'sales_analyst',
      reason: 'please',
      wants: 'credits',
      refusalCode: 'TG2001',
      needsCredits: '41.000000000000',
      needsAmount: '123.000000000000',
      currency: 'USD',
      budgetId: 'sales-monthly',
      shortCredits: '1.000000000000',
      askedAt: '2026-07-15T12:00:00.000Z',
      decision: null,
      passes: [],
      asked: { credits: null, runs: null, hours: null, shape: false },
      statement: 'SELECT ? FROM t',
      expiresAt: '2026-07-22T12:00:00.000Z',
      pass: null,
    },
    expect.objectContaining({ ticketId: second, refusalCode: 'TG2101', budgetId: null }),
  ]);
  expect((await world.call('GET', '/api/v1/requests?limit=1')).json['requests']).toHaveLength(1);
  expect((await world.call('GET', '/api/v1/requests?state=granted')).json['requests']).toEqual([]);
});

test('a grant raises the refusing budget once, however often it is sent', async () => {
  const ticketId = await asked('finance', 'budget');
  const body = { decision: 'granted', reason: 'quarter end' };
  const replies = await Promise.all(
    [0, 1, 2].map(() => world.call('POST', decisionPath(ticketId), body)),
  );
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(replies.filter(({ json }) => json['isReplayed'] === false)).toHaveLength(1);
  for (const { json } of replies)
    expect(json['request']).toMatchObject({
      state: 'granted',
      decision: { author: 'admin-token', reason: 'quarter end', grantedCredits: '1.000000000000' },
    });
  expect((await world.call('GET', '/api/v1/budgets/finance')).json).toMatchObject({
    budget: { standing: { limitCredits: '41.000000000000' } },
  });
  const other = await world.call('POST', decisionPath(ticketId), { ...body, credits: '7' });
  expect(other).toMatchObject({ status: 409, json: { title: 'Conflict' } });
  expect((await world.call('GET', '/api/v1/requests?state=granted')).json['requests']).toEqual([
    expect.objectContaining({ ticketId }),
  ]);
});

test('a declined request is not granted later, and keeps why', async () => {
  const ticketId = await asked('legal', 'budget');
  const declined = await world.call('POST', decisionPath(ticketId), {
    decision: 'declined',
    reason: 'filter it',
  });
  expect(declined).toMatchObject({
    status: 200,
    json: { request: { decision: { reason: 'filter it', grantedCredits: null } } },
  });
  const granted = await world.call('POST', decisionPath(ticketId), {
    decision: 'granted',
    reason: 'changed my mind',
  });
  expect(granted.status).toBe(409);
  expect(granted.json['errors']).toEqual([
    expect.objectContaining({ wayOut: expect.stringContaining('/grants') }),
  ]);
});

test('where a rule refused, a pass is granted, as asked or as the decision says, and can be revoked', async () => {
  const ticketId = await asked('people', 'rule');
  const reply = await world.call('POST', decisionPath(ticketId), {
    decision: 'granted',
    reason: 'fine',
    amount: '30',
    currency: 'USD',
    until: 'friday',
    shape: true,
    scope: 'team',
  });
  const pass = {
    ticketId,
    team: 'people',
    principal: null,
    isForShape: true,
    passes: ['opaque'],
    amountCredits: '10.000000000000',
    leftCredits: '10.000000000000',
    runsMax: null,
    usedRuns: 0,
    // Wednesday noon: to the end of Friday.
    expiresAt: '2026-07-18T00:00:00.000Z',
  };
  expect(reply).toMatchObject({ status: 200, json: { request: { state: 'granted', pass } } });
  expect((await world.call('GET', '/api/v1/passes')).json).toMatchObject({ passes: [pass] });
  const revoke = (): ReturnType<AdminWorld['call']> =>
    world.call('POST', `/api/v1/passes/${ticketId}/revoke`, { reason: 'done' });
  expect(await revoke()).toMatchObject({
    status: 200,
    json: { isReplayed: false, pass: { revoked: { author: 'admin-token', reason: 'done' } } },
  });
  expect(await revoke()).toMatchObject({ status: 200, json: { isReplayed: true } });
  expect((await world.call('GET', '/api/v1/passes')).json).toMatchObject({ passes: [] });
});

test.each([
  [{ decision: 'maybe', reason: 'x' }, 'decision'],
  [{ decision: 'granted' }, 'reason'],
  [{ decision: 'granted', reason: '' }, 'reason'],
  [{ decision: 'granted', reason: 'x', credits: '0.0' }, 'credits'],
  [{ decision: 'granted', reason: 'x', credits: 1 }, 'credits'],
  [{ decision: 'granted', reason: 'x', credits: '-1' }, 'credits'],
  [{ decision: 'declined', reason: 'x', credits: '1' }, 'credits'],
  [{ decision: 'granted', reason: 'x', days: 3 }, 'days'],
  [{ decision: 'declined', reason: 'x', until: 'friday' }, 'until'],
  [{ decision: 'granted', reason: 'x', runs: 0 }, 'runs'],
  [{ decision: 'granted', reason: 'x', runs: 1.5 }, 'runs'],
  [{ decision: 'granted', reason: 'x', scope: 'everybody' }, 'scope'],
  [{ decision: 'granted', reason: 'x', amount: '1e400' }, 'amount'],
])('the decision %j is refused by its field', async (body, field) => {
  const ticketId = buildTicket().ticketId;
  const { status, json } = await world.call('POST', decisionPath(ticketId), body);
  expect(status).toBe(400);
  expect(json['errors']).toEqual([expect.objectContaining({ field })]);
});

test('unknown tickets, other texts and a missing token each get their own answer', async () => {
  const body = { decision: 'granted', reason: 'x' };
  const unknown = await world.call('POST', decisionPath(buildTicket().ticketId), body);
  expect(unknown.status).toBe(404);
  expect((await world.call('POST', decisionPath('nothing'), body)).status).toBe(400);
  expect((await world.call('GET', '/api/v1/requests?state=lost')).status).toBe(400);
  for (const path of ['/api/v1/requests', decisionPath('nothing')]) {
    const method = path.endsWith('decision') ? 'POST' : 'GET';
    const reply = await world.call(method, path, undefined, { authorization: 'Bearer wrong' });
    expect(reply.status).toBe(401);
  }
});
