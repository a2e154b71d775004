/** Asking, deciding and ending what was asked for through the API: who may, how far, and what the audit log tells. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { editControl } from '../../admin/stores/control-store.js';
import { auditRequests } from '../../admin/stores/request-audit.js';
import type { TicketId } from '../../base/ids.js';
import { expireRequests } from '../../billing/decide-request.js';
import { askApproval } from '../../billing/requests.js';
import { buildTicket, credits } from '../support/builders.js';
import { expectInvariants } from '../support/database.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

const DAY_MS = 86_400_000;

let world: AdminWorld;
/** A lead that is sales_lead, one that says nothing of itself, and the analyst. */
let lead: string;
let unnamed: string;
let analyst: string;

beforeAll(async () => {
  world = await createAdminWorld();
  const outcome = await editControl(world.database.db, {
    actor: { id: 'test', role: 'platform' },
    reason: 'leads grant up to ten credits',
    at: world.clock.now(),
    edit: (document) => ({
      ...document,
      teams: document.teams.map((team) =>
        team.id === 'sales' ? { ...team, leadsGrantCredits: '10' } : team,
      ),
      principals: [
        ...document.principals,
        {
          id: 'sales_lead',
          team: 'sales',
          kind: 'person',
          shared: false,
          owner: 'sales-leads',
          status: 'active',
        },
      ],
    }),
  });
  expect(outcome.kind).toBe('applied');
  lead = await world.issue({ role: 'team-lead', team: 'sales', principal: 'sales_lead' });
  unnamed = await world.issue({ role: 'team-lead', team: 'sales' });
  analyst = await world.issue({ role: 'analyst', team: 'sales', principal: 'sales_analyst' });
});
afterAll(async () => {
  await expectInvariants(world.database.db);
  await world.close();
});

/** A statement that a rule, or the named thing, refused. */
async function refused(
  changes: { team?: string; principal?: string; passes?: readonly string[]; high?: string } = {},
): Promise<TicketId> {
  const { team = 'sales', passes = ['rule:no-joins'], high = '2' } = changes;
  const ticket = buildTicket({
    teamId: team,
    principalId: changes.principal ?? `${team}_analyst`,
    highCredits: credits(high),
  });
  const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail: { passes } };
  await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  return ticket.ticketId;
}

function send(path: string, body: object, token?: string): Promise<AdminReply> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return world.call('POST', `/api/v1${path}`, body, headers);
}

async function askedBy(token: string, ticketId: TicketId, more: object = {}): Promise<AdminReply> {
  return send('/requests', { ticketId, reason: 'please', ...more }, token);
}

function approve(ticketId: TicketId, token?: string, more: object = {}): Promise<AdminReply> {
  return send(
    `/requests/${ticketId}/decision`,
    { decision: 'granted', reason: 'fine', ...more },
    token,
  );
}

async function eventsOf(ticketId: TicketId): Promise<readonly unknown[]> {
  const { rows } = await world.database.db.query<{ action: string; actor: string; role: string }>(
    'SELECT action, actor, role FROM audit_event WHERE subject = $1 ORDER BY sequence',
    [`request/${ticketId}`],
  );
  return rows.map(
    ({ action, actor, role }) => `${action} ${actor.replace(/ \d+ \(.*/, '')} ${role}`,
  );
}

test('an analyst asks for its own statement, once, sees it, and takes it back', async () => {
  const ticketId = await refused();
  const wish = { amount: '30', currency: 'USD', runs: 3, hours: 48, shape: true };
  const first = await askedBy(analyst, ticketId, wish);
  expect(first).toMatchObject({
    status: 201,
    json: {
      isReplayed: false,
      request: {
        principal: 'sales_analyst',
        asked: { credits: '10.000000000000', runs: 3, hours: 48, shape: true },
      },
    },
  });
  expect((await askedBy(analyst, ticketId)).status).toBe(200);
  const mine = await world.call('GET', '/api/v1/requests', undefined, {
    authorization: `Bearer ${analyst}`,
  });
  expect(mine.json).toMatchObject({ requests: [{ ticketId }] });
  const withdrawn = await send(`/requests/${ticketId}/withdraw`, {}, analyst);
  expect(withdrawn.json).toMatchObject({ request: { state: 'withdrawn' } });
  expect((await approve(ticketId)).status).toBe(409);
  expect(await eventsOf(ticketId)).toEqual([
    'request.ask of the test analyst',
    'request.withdraw of the test analyst',
  ]);
});

test('everybody is told who decides, and leads how far', async () => {
  const leaveOf = async (token?: string): Promise<unknown> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { json } = await world.call('GET', '/api/v1/requests', undefined, headers);
    return (json as { readonly leave: unknown }).leave;
  };
  const note = (pattern: RegExp): unknown => expect.stringMatching(pattern);
  const legal = await world.issue({ role: 'team-lead', team: 'legal', principal: 'legal_analyst' });
  expect(await leaveOf()).toMatchObject({ grants: true, declines: true });
  expect(await leaveOf(lead)).toEqual({
    grants: true,
    declines: true,
    note: note(/^Leads of team sales grant up to 10 credits together in 30 days\./),
  });
  expect(await leaveOf(legal)).toEqual({
    grants: false,
    declines: true,
    note: note(/no leadsGrantCredits/),
  });
  for (const [token, why] of [
    [unnamed, /names the principal/],
    [analyst, /^Administrators decide, and leads/],
  ] as const)
    expect(await leaveOf(token)).toEqual({ grants: false, declines: false, note: note(why) });
});

test('nobody asks for what is not theirs, or for what ran', async () => {
  for (const [ticketId, token] of [
    [await refused({ principal: 'sales_colleague' }), analyst],
    [await refused({ team: 'legal' }), analyst],
    [await refused({ team: 'legal' }), lead],
    [buildTicket().ticketId, lead],
  ] as const)
    expect((await askedBy(token, ticketId)).status).toBe(404);
  const ticket = buildTicket({ teamId: 'sales', principalId: 'sales_analyst' });
  await world.ledger.reserve({ ticket, budgetIds: ['sales-monthly'], holdCredits: credits('1') });
  expect((await askedBy(analyst, ticket.ticketId)).status).toBe(409);
  await world.ledger.release(ticket.ticketId, { kind: 'failed', reason: 'not sent' });
});

test('nobody decides what was refused to them or what they asked for, administrators neither', async () => {
  const own = await refused({ principal: 'sales_lead' });
  expect((await askedBy(lead, own)).status).toBe(201);
  expect((await approve(own, lead)).status).toBe(403);
  const forOther = await refused();
  expect((await askedBy(lead, forOther)).status).toBe(201);
  expect((await approve(forOther, lead)).text).toContain('Nobody decides');
  const byPlatform = await refused();
  expect((await send('/requests', { ticketId: byPlatform, reason: 'for them' })).status).toBe(201);
  expect((await approve(byPlatform)).status).toBe(403);
  expect((await approve(own)).status).toBe(200);
});

test('a lead decides up to what leads may grant together, for the own team, and never what only administrators lift', async () => {
  const [first, second, third, opaque, budgetOther] = [
    await refused(),
    await refused(),
    await refused(),
    await refused({ passes: ['opaque'] }),
    await refused({ team: 'legal' }),
  ];
  for (const ticketId of [first, second, third, opaque])
    expect((await askedBy(analyst, ticketId)).status).toBe(201);
  expect((await approve(first, unnamed)).text).toContain('does not say which principal');
  expect((await approve(first, lead, { credits: '6' })).status).toBe(200);
  const tooMuch = await approve(second, lead, { runs: 3 });
  expect(tooMuch.status).toBe(403);
  expect(tooMuch.text).toContain('with 6 credits that leads of team sales have granted in 30 days');
  expect((await approve(second, lead, { runs: 2 })).status).toBe(200);
  expect((await approve(third, lead)).status).toBe(403);
  expect((await approve(third)).status).toBe(200);
  expect((await approve(opaque, lead)).text).toContain('Administrators only decide this: opaque');
  expect((await approve(budgetOther, lead)).status).toBe(404);
  const declined = await send(
    `/requests/${opaque}/decision`,
    { decision: 'declined', reason: 'write it out' },
    lead,
  );
  expect(declined.status).toBe(200);
});

test('leads of a team at once grant no more than they may together', async () => {
  world.clock.advance(31 * DAY_MS);
  const tickets = await Promise.all(Array.from({ length: 8 }, () => refused()));
  for (const ticketId of tickets) expect((await askedBy(analyst, ticketId)).status).toBe(201);
  const replies = await Promise.all(tickets.map((ticketId) => approve(ticketId, lead)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(5);
});

test('where the document names no limit, leads grant nothing', async () => {
  const token = await world.issue({ role: 'team-lead', team: 'legal', principal: 'legal_analyst' });
  const ticketId = await refused({ team: 'legal', principal: 'somebody' });
  await send('/requests', { ticketId, reason: 'please' });
  expect((await approve(ticketId, token)).text).toContain('leadsGrantCredits');
});

test('what was asked for in SQL and what nobody decides are in the audit log too', async () => {
  const ticketId = await refused();
  const at = world.clock.now();
  await world.database.db.transaction((tx) =>
    askApproval(tx, {
      ticketId,
      teamId: 'sales',
      principalId: 'sales_analyst',
      reason: 'please',
      at,
    }),
  );
  expect(await auditRequests(world.database.db)).toBeGreaterThan(0);
  expect(await eventsOf(ticketId)).toEqual(['request.ask sales_analyst analyst']);
  // Those of the tests before.
  await expireRequests(world.database.db, at);
  expect(await expireRequests(world.database.db, at + 7 * DAY_MS - 1)).toBe(0);
  expect(await expireRequests(world.database.db, at + 7 * DAY_MS)).toBeGreaterThan(0);
  await auditRequests(world.database.db);
  expect(await auditRequests(world.database.db)).toBe(0);
  expect(await eventsOf(ticketId)).toEqual([
    'request.ask sales_analyst analyst',
    'request.expire tollgate platform',
  ]);
  expect(await world.call('GET', '/api/v1/requests?state=expired')).toMatchObject({
    json: {
      requests: expect.arrayContaining([
        expect.objectContaining({
          ticketId,
          decision: expect.objectContaining({ reason: 'nobody decided within 7 days' }) as unknown,
        }),
      ]) as unknown,
    },
  });
});

test('a budget is raised in money until a day of its zone, is listed, and is taken back', async () => {
  const key = (text: string): Record<string, string> => ({ 'idempotency-key': text });
  const body = { budget: 'finance', amount: '250', until: 'tomorrow', reason: 'audit' };
  const raised = await world.call('POST', '/api/v1/raises', body, key('one'));
  expect(raised).toMatchObject({
    status: 201,
    json: { budgetId: 'finance-monthly', credits: '83.333333333333', currency: 'USD' },
  });
  const now = world.clock.now();
  expect(Date.parse(String(raised.json['endsAt']))).toBe(
    Math.min(Math.floor(now / DAY_MS) * DAY_MS + 2 * DAY_MS, Date.UTC(2026, 8, 1)),
  );
  const { json } = await world.call('GET', '/api/v1/raises');
  const [raise] = json['raises'] as readonly { id: string; budgetId: string }[];
  expect(raise).toMatchObject({ budgetId: 'finance-monthly', amount: '249.999999999999' });
  const limitOf = async (): Promise<unknown> =>
    (
      (await world.call('GET', '/api/v1/budgets/finance')).json['budget'] as Record<string, unknown>
    )['standing'];
  expect(await limitOf()).toMatchObject({ limitCredits: '123.333333333333' });
  const revoke = (): Promise<AdminReply> =>
    send(`/raises/${raise?.id ?? ''}/revoke`, { reason: 'wrong team' });
  expect((await revoke()).status).toBe(200);
  expect((await revoke()).status).toBe(404);
  expect(await limitOf()).toMatchObject({ limitCredits: '40.000000000000' });
  expect((await world.call('GET', '/api/v1/raises')).json['raises']).toEqual([]);
});

test.each([
  [{ budget: 'nothing', credits: '1' }, 404, 'budget'],
  [{ budget: 'finance', credits: '1', until: 'soon' }, 400, 'until'],
  [{ budget: 'finance', credits: '1', until: '2020-01-01' }, 400, 'until'],
  [{ budget: 'finance', credits: '1', until: '9999-01-01' }, 400, 'until'],
  [{ budget: 'finance', credits: '1', amount: '1' }, 400, 'amount'],
  [{ budget: 'finance', amount: '1', currency: 'EUR' }, 400, 'currency'],
  [{ budget: 'finance', credits: '10000000000000000' }, 400, 'credits'],
  [{ budget: 'finance' }, 400, 'credits'],
])('the raise %j is refused by its field', async (body, status, field) => {
  const reply = await world.call(
    'POST',
    '/api/v1/raises',
    { reason: 'x', ...body },
    { 'idempotency-key': 'bad' },
  );
  expect(reply.status).toBe(status);
  expect(reply.json['errors'] ?? JSON.parse(reply.text).errors).toEqual([
    expect.objectContaining({ field }),
  ]);
});
