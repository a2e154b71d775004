import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { type Client, connectNode, type Result } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

let system: System;
let client: Client;
let stranger: Client;

/** What was once taken for too complex is parsed again after a minute. */
const PARSER_READY = { withinMs: 90_000 };

/** A statement nobody can price is held at 0.2 credits; marketing has 0.143. */
const STATEMENT = 'SELECT SYSTEM$WAIT(0)';

beforeAll(async () => {
  system = await startSystem({
    control: (document) => ({
      ...document,
      budgets: document.budgets.map((budget) =>
        budget.id === 'marketing-monthly' ? { ...budget, limitCredits: '0.143' } : budget,
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
  client = await connectNode(system.proxyUrl);
  stranger = await connectNode(system.proxyUrl, { username: 'sales_analyst' });
  // A parser that is still warming up on a busy machine leaves the statement opaque, and an opaque guess is four times as dear.
  await eventually(async () => {
    const priced = JSON.stringify(await client.rows(`EXPLAIN COST ${STATEMENT}`));
    expect(priced).not.toContain('opaque');
    expect(priced).toContain('0.2');
  }, PARSER_READY);
}, 120_000);

afterAll(async () => {
  await client?.close();
  await stranger?.close();
  await system?.stop();
});

/** The ticket in the call that the refusal offers. */
function offered(result: Result): { readonly ticket: string; readonly call: string } {
  const message = result.kind === 'error' ? result.message : '';
  const [call = '', ticket = ''] =
    /CALL TOLLGATE\.REQUEST\('([0-9a-f-]{36})', 'reason'\)/.exec(message) ?? [];
  expect(ticket, message).not.toBe('');
  return { ticket, call };
}

test('a refused statement is asked for as its refusal says, granted, and then admitted', async () => {
  const refused = await client.run(STATEMENT);
  expect(refused).toMatchObject({ kind: 'error', code: '712001' });
  const { ticket, call } = offered(refused);
  expect(await stranger.run(call)).toMatchObject({ kind: 'error', code: '711021' });
  const upstreamCount = system.warehouse.queryHistory().length;
  const [asked] = await client.rows(call);
  expect(asked).toMatchObject({
    REQUEST: expect.stringMatching(/^Asked\. /),
    TICKET: ticket,
    STATE: 'waiting',
    OWNER: 'marketing-leads',
  });
  expect(Math.abs(Date.now() - Number(asked?.['ASKED_AT']))).toBeLessThan(60_000);
  const [again] = await client.rows('call tollgate.request(?, ?);', [ticket, 'once more']);
  expect(again).toMatchObject({ STATE: 'waiting', ASKED_AT: asked?.['ASKED_AT'] });
  expect(String(again?.['REQUEST'])).toMatch(/^Asked already, /);
  expect(system.warehouse.queryHistory()).toHaveLength(upstreamCount);

  const waiting = await system.admin('GET', '/api/v1/requests?state=waiting');
  expect(waiting).toMatchObject({
    status: 200,
    body: {
      requests: [
        {
          ticketId: ticket,
          team: 'marketing',
          principal: 'marketing_analyst',
          reason: 'reason',
          needsCredits: '0.200000000000',
          budgetId: 'marketing-monthly',
          shortCredits: '0.057000000000',
        },
      ],
    },
  });
  const granted = await system.admin('POST', `/api/v1/requests/${ticket}/decision`, {
    decision: 'granted',
    reason: 'the board waits for it',
  });
  expect(granted).toMatchObject({
    status: 200,
    body: { request: { decision: { grantedCredits: '0.060000000000' } } },
  });
  expect(await client.run(STATEMENT)).toMatchObject({ kind: 'rows' });
  const why = await client.rows(`SELECT ASPECT, DETAIL FROM TABLE(TOLLGATE.WHY('${ticket}'))`);
  const aspects = new Map(why.map((row) => [row['ASPECT'], String(row['DETAIL'])]));
  expect(aspects.get('request')).toMatch(/^granted: asked by marketing_analyst at .*: reason$/);
  expect(aspects.get('decision')).toMatch(
    /^granted by admin-token at .*, 0\.06 credits on marketing-monthly: the board waits for it$/,
  );
  expect(await client.rows('SELECT LIMIT_CREDITS FROM TOLLGATE.MY_BUDGET')).toEqual([
    { LIMIT_CREDITS: 0.203 },
  ]);
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
});

test('a rule’s refusal can be asked for at once, and the person reads why it was declined', async () => {
  const refused = await client.run('SELECT * FROM REGION CROSS JOIN NATION');
  expect(refused).toMatchObject({ kind: 'error', code: '712101' });
  const { ticket, call } = offered(refused);
  expect(await client.rows(call)).toMatchObject([{ STATE: 'waiting' }]);
  const declined = await system.admin('POST', `/api/v1/requests/${ticket}/decision`, {
    decision: 'declined',
    reason: 'join on the key',
  });
  expect(declined.status).toBe(200);
  const [row] = await client.rows(call);
  expect(row).toMatchObject({ STATE: 'declined' });
  expect(String(row?.['REQUEST'])).toMatch(/declined .*: join on the key$/);
});
