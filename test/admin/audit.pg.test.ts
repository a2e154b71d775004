import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyChain } from '../../admin/audit-chain.js';
import { appendAudit, AUDIT_GENESIS } from '../../admin/stores/audit-store.js';
import { askApproval } from '../../billing/requests.js';
import { buildTicket, credits, NOON } from '../support/builders.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

interface Event {
  readonly sequence: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string | null;
  readonly after: unknown;
}

async function events(query = ''): Promise<readonly Event[]> {
  return (await world.call('GET', `/api/v1/audit${query}`)).json['events'] as Event[];
}

async function exported(): Promise<readonly string[]> {
  const { text, type } = await world.call('GET', '/api/v1/audit/export.jsonl');
  expect(type).toContain('application/jsonl');
  return text.split('\n').slice(0, -1);
}

test('an empty log has the head of none, and its export is intact', async () => {
  const { rows } = await world.database.db.query('SELECT 1 FROM audit_event');
  if (rows.length > 0) return;
  const head = { sequence: 0, hash: AUDIT_GENESIS };
  expect((await world.call('GET', '/api/v1/audit/head')).json).toEqual(head);
  expect(await exported()).toEqual([]);
});

test('a grant, a decision and a token each leave an event with who, what and why; repeats leave none', async () => {
  const path = '/api/v1/budgets/sales/grants';
  const grant = { credits: '1.5', reason: 'launch' };
  for (const key of ['a', 'a', 'b'])
    await world.call('POST', path, grant, { 'idempotency-key': key });
  const grants = await events('?subject=budget/sales-monthly');
  const ofGrants = grants.filter(({ action }) => action === 'budget.grant');
  expect(ofGrants).toHaveLength(2);
  expect(ofGrants[0]).toMatchObject({
    actor: 'admin-token',
    subject: 'budget/sales-monthly',
    reason: 'launch',
    before: null,
    after: { grantedCredits: '1.500000000000', endsAt: '2026-08-01T00:00:00.000Z' },
  });

  const ticketId = await asked();
  const decision = `/api/v1/requests/${ticketId}/decision`;
  for (let round = 0; round < 2; round += 1)
    await world.call('POST', decision, { decision: 'declined', reason: 'filter it' });
  expect(await events(`?subject=request/${ticketId}`)).toMatchObject([
    { action: 'request.decide', reason: 'filter it', after: { state: 'declined', team: 'sales' } },
    { action: 'request.ask', actor: 'sales_analyst', reason: 'please' },
  ]);

  await world.call('POST', '/api/v1/tokens', { name: 'x', role: 'finance', reason: 'month end' });
  const [newest] = await events('?limit=1');
  expect(newest).toMatchObject({ action: 'token.issue', reason: 'month end' });
});

test('a write that is refused leaves none', async () => {
  const before = await events();
  await world.call('POST', '/api/v1/tokens', { name: 'x', role: 'team-lead', team: 'nobody' });
  await world.call('POST', `/api/v1/tokens/${'0'.repeat(16)}/revoke`, {});
  expect(await events()).toEqual(before);
});

test('whatever is written, the export is intact to its head, and pages hold the same events', async () => {
  const samples = fc.sample(fc.jsonValue({ maxDepth: 3 }), { seed: 7, numRuns: 40 });
  const texts = ['\u2028 \u2029 \r x', '\0 NUL', 'half \ud83d', '😀', '"\\', '__proto__'];
  for (const [index, value] of [...samples, ...texts, 1e21, 5e-324, -0, undefined].entries()) {
    const text = texts[index % texts.length] ?? '';
    await world.database.db.transaction((tx) =>
      appendAudit(tx, {
        actor: { id: text, role: 'platform' },
        action: 'test.write',
        subject: `test/${text}`,
        reason: text,
        before: value,
        after: { 10: value, 9: [value], a: value },
        at: NOON + index,
      }),
    );
  }
  const { sequence, hash } = (await world.call('GET', '/api/v1/audit/head')).json;
  const lines = await exported();
  expect(await verifyChain(lines, String(hash))).toEqual({
    kind: 'intact',
    events: sequence,
    head: hash,
  });
  const seen: number[] = [];
  let cursor: unknown = null;
  do {
    const query = typeof cursor === 'string' ? `&cursor=${cursor}` : '';
    const { json } = await world.call('GET', `/api/v1/audit?limit=7${query}`);
    seen.push(...(json['events'] as Event[]).map((event) => event.sequence));
    cursor = json['nextCursor'];
  } while (cursor !== null);
  expect(seen).toEqual(lines.map((_line, index) => index + 1).toReversed());
});

/** A request of sales that waits. */
async function asked(): Promise<string> {
  const ticket = buildTicket({ teamId: 'sales', highCredits: credits('41') });
  const { ticketId } = ticket;
  const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail: {} };
  await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  await world.database.db.transaction((tx) =>
    askApproval(tx, {
      ticketId,
      teamId: 'sales',
      principalId: 'sales_analyst',
      reason: 'please',
      at: NOON,
    }),
  );
  return ticketId;
}
