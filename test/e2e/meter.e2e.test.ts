import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { connectNode, type Client, type Row } from './support/node-driver.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

/**
 * Sixty seconds of business in one. A Medium warehouse costs 4 credits an hour: 0.0667 a minute. Guesses hold half a
 * minute, so every run is topped up.
 */
let system: System;
let client: Client;

beforeAll(async () => {
  system = await startSystem({
    timeScale: 60,
    control: (document) => ({
      ...document,
      breakGlass: [
        { id: 'on-call', principals: ['people_analyst'], minutes: 60, ceilingCredits: '5' },
      ],
      tiers: document.tiers.map((tier) =>
        tier.id === 'standard'
          ? {
              ...tier,
              guessHoldCredits: '0.036',
              guessExpectedCredits: '0.018',
              ceilingCredits: '0.24',
            }
          : tier.id === 'batch'
            ? { ...tier, guessHoldCredits: '0.2', ceilingCredits: '1.1' }
            : tier,
      ),
      budgets: document.budgets.map((budget) =>
        budget.id === 'sales-monthly'
          ? { ...budget, limitCredits: '0.6' }
          : budget.id === 'people-monthly'
            ? { ...budget, limitCredits: '0' }
            : budget,
      ),
    }),
  });
  client = await connectNode(system.proxyUrl);
});

afterAll(async () => {
  await client?.close();
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

async function topUps(team: string): Promise<number> {
  const { rows } = await system.database.db.query<{ n: string }>(
    `SELECT count(*) AS n FROM journal j JOIN ticket t ON t.id = j.ticket_id WHERE j.kind = 'top_up' AND t.team_id = $1`,
    [team],
  );
  return Number(rows[0]?.n);
}

// First of all: once the history knows what a wait takes, sales would be refused before the run.
test('a budget with nothing left to hold stops the statement before the hold is outrun', async () => {
  const sales = await connectNode(system.proxyUrl, { username: 'sales_analyst' });
  // An XL, so that what a busy machine makes of a first statement is little beside the budget.
  await sales.rows('USE WAREHOUSE BATCH_WH');
  const result = await sales.run('SELECT SYSTEM$WAIT(3600)');
  expect(result).toMatchObject({ kind: 'error', code: '714002', sqlState: '57014' });
  expect(result.kind === 'error' ? result.message : '').toContain('sales-monthly has nothing left');
  await sales.close();
});

test('a statement that outlives its hold is topped up and charged what it used', async () => {
  await client.rows('SELECT SYSTEM$WAIT(120)');
  expect(await topUps('marketing')).toBeGreaterThan(0);
  await eventually(async () => {
    const [row] = await client.rows(
      "SELECT CREDITS, STATE FROM TOLLGATE.MY_QUERIES WHERE STATE = 'SETTLED' AND STATEMENT LIKE '%WAIT%'",
    );
    // Two minutes of 4 credits an hour, and what the reply took on top.
    expect(Number(row?.['CREDITS'])).toBeGreaterThanOrEqual(0.133);
    expect(Number(row?.['CREDITS'])).toBeLessThan(0.24);
  });
});

test('a running statement shows its estimate and what it has used within a second, and its charge within a second of its end', async () => {
  const other = await connectNode(system.proxyUrl);
  const receipt = async (): Promise<Row> => {
    const [row] = await other.rows(
      `SELECT STATE, ESTIMATED_CREDITS, USED_CREDITS, CREDITS FROM TOLLGATE.MY_QUERIES
        WHERE STATEMENT LIKE '%WAIT%' ORDER BY STARTED_AT DESC LIMIT 1`,
    );
    return row ?? {};
  };
  let isRunning = true;
  const long = client.rows('SELECT SYSTEM$WAIT(150)').finally(() => (isRunning = false));
  let first: Row = {};
  await eventually(
    async () => {
      first = await receipt();
      expect(first).toMatchObject({ STATE: 'SENT', CREDITS: null });
    },
    { withinMs: 1000 },
  );
  expect(first['ESTIMATED_CREDITS']).toBeGreaterThan(0);
  await eventually(async () => {
    const later = await receipt();
    expect(isRunning).toBe(true);
    expect(Number(later['USED_CREDITS'])).toBeGreaterThan(Number(first['USED_CREDITS']));
  });
  await long;
  await eventually(
    async () => {
      const last = await receipt();
      expect(last['STATE']).toBe('SETTLED');
      expect(last['CREDITS']).toBeGreaterThan(Number(first['USED_CREDITS']));
      expect(last['USED_CREDITS']).toBe(last['CREDITS']);
    },
    { withinMs: 1000 },
  );
  await other.close();
});

test('the ceiling stops a running statement, the driver is told in our words, and what it used is charged', async () => {
  const result = await client.run('SELECT SYSTEM$WAIT(3600)');
  expect(result).toMatchObject({ kind: 'error', code: '714001', sqlState: '57014' });
  const message = result.kind === 'error' ? result.message : '';
  expect(message).toMatch(
    /^TG4001 Stopped after \d+ min at \$0\.\d\d: one statement in tier standard may cost \$0\.72/,
  );
  expect(await client.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
  await eventually(async () => {
    const { rows } = await system.database.db.query(
      "SELECT ending FROM ticket WHERE state = 'SETTLED' AND ending = 'stopped' AND team_id = 'marketing'",
    );
    expect(rows).toHaveLength(1);
  });
});

test('a statement that would run four hours on an XL is stopped at its ceiling, at most 15 s of its rate above it, and says so once', async () => {
  await client.rows('USE WAREHOUSE BATCH_WH');
  // 15 s are a quarter of a second here: how long this process did not get the processor at all is not the meter's.
  const stalls = monitorEventLoopDelay({ resolution: 10 });
  stalls.enable();
  const result = await client.run('SELECT SYSTEM$WAIT(14400)');
  expect(result).toMatchObject({ kind: 'error', code: '714001', sqlState: '57014' });
  const [first, ...others] = (result.kind === 'error' ? result.message : '').split('\n');
  expect(first).toMatch(
    /^TG4001 Stopped after 4 min at \$3\.\d\d: one statement in tier batch may cost \$3\.30\. The result is lost\.$/,
  );
  expect(others).toHaveLength(1);
  await eventually(async () => {
    const { rows } = await system.database.db.query<{ credits: string; ending: string }>(
      `SELECT c.credits, t.ending FROM charge c JOIN ticket t ON t.id = c.ticket_id WHERE t.tier = 'batch' AND t.team_id = 'marketing'`,
    );
    expect(rows).toMatchObject([{ ending: 'stopped' }]);
    const credits = Number(rows[0]?.credits);
    expect(credits).toBeGreaterThanOrEqual(1.1);
    const stalledSeconds = (60 * stalls.max) / 1e9;
    expect(credits).toBeLessThanOrEqual(1.1 + (16 * (15 + stalledSeconds)) / 3_600);
  });
});

async function ticketOf(team: string, states: readonly string[]): Promise<string> {
  let ticketId = '';
  await eventually(async () => {
    const { rows } = await system.database.db.query<{ id: string }>(
      'SELECT id FROM ticket WHERE team_id = $1 AND state = ANY($2::text[])',
      [team, states],
    );
    ticketId = rows[0]?.id ?? '';
    expect(ticketId).not.toBe('');
  });
  return ticketId;
}

test('an administrator ends a running statement: its author is told who and why, what it used is charged, and the audit log has it', async () => {
  const growth = await connectNode(system.proxyUrl, { username: 'growth_analyst' });
  await growth.rows('USE WAREHOUSE INTERACTIVE_WH');
  const running = growth.run('SELECT SYSTEM$WAIT(3600)');
  const ticketId = await ticketOf('growth', ['SENT', 'RUNNING']);
  await eventually(async () => {
    const { body } = await system.admin('GET', '/api/v1/running?team=growth');
    expect(body).toMatchObject({
      running: [{ ticketId, principal: 'growth_analyst', ceilingCredits: '10.000000000000' }],
      nextCursor: null,
    });
    const { running: [one] = [] } = body as { running?: { usedCredits: string }[] };
    expect(Number(one?.usedCredits)).toBeGreaterThan(0);
  });
  const path = `/api/v1/tickets/${ticketId}/kill`;
  const reason = 'it reads ten years';
  expect(await system.admin('POST', path, { reason })).toEqual({
    status: 200,
    body: { ticketId, team: 'growth', isReplayed: false, isInDoubt: false },
  });
  const result = await running;
  expect(result).toMatchObject({ kind: 'error', code: '714003', sqlState: '57014' });
  expect(result.kind === 'error' ? result.message : '').toMatch(
    /^TG4003 Stopped after .+ at \$\d+\.\d\d: ended by admin-token: it reads ten years\. The result is lost\.\n/,
  );
  expect(await growth.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
  await eventually(async () => {
    const { rows } = await system.database.db.query(
      `SELECT t.ending, c.credits > 0 AS is_charged, k.taken_at IS NOT NULL AS is_taken
       FROM ticket t JOIN charge c ON c.ticket_id = t.id JOIN kill_request k ON k.ticket_id = t.id WHERE t.id = $1`,
      [ticketId],
    );
    expect(rows).toEqual([{ ending: 'stopped', is_charged: true, is_taken: true }]);
  });
  const { rows } = await system.database.db.query(
    "SELECT actor, reason FROM audit_event WHERE action = 'ticket.kill' AND subject = $1",
    [`ticket/${ticketId}`],
  );
  expect(rows).toEqual([{ actor: 'admin-token', reason }]);
  // It is over now, and one that never was is not told apart from one of another team.
  expect(await system.admin('POST', path, { reason })).toMatchObject({ status: 409 });
  await growth.close();
});

test('revoking the sessions of a principal ends what they run, and says so', async () => {
  const support = await connectNode(system.proxyUrl, { username: 'support_analyst' });
  await support.rows('USE WAREHOUSE INTERACTIVE_WH');
  const running = support.run('SELECT SYSTEM$WAIT(3600)');
  await ticketOf('support', ['SENT', 'RUNNING']);
  const body = { principal: 'support_analyst', reason: 'the laptop was lost' };
  expect(await system.admin('POST', '/api/v1/sessions/revoke', body)).toMatchObject({
    status: 200,
  });
  const result = await running;
  expect(result).toMatchObject({ kind: 'error', code: '714003' });
  expect(result.kind === 'error' ? result.message : '').toContain(
    'ended by the administrators of Tollgate: its session was revoked',
  );
  await support.close().catch(() => undefined);
});

test('break-glass passes an empty budget with a reason, is told, and charged into debt; nobody else may', async () => {
  const people = await connectNode(system.proxyUrl, { username: 'people_analyst' });
  expect(await people.run('SELECT SYSTEM$WAIT(1)')).toMatchObject({ code: '712001' });
  const bare = await people.run('/* tollgate: break-glass */ SELECT SYSTEM$WAIT(1)');
  expect(bare).toMatchObject({ code: '712101' });
  expect(bare.kind === 'error' ? bare.message : '').toContain('break-glass wants a reason');
  const asked = '/* tollgate: break-glass payroll is late */ SELECT SYSTEM$WAIT(1)';
  expect(await client.run(asked)).toMatchObject({ kind: 'error', code: '712101' });
  expect(await people.run(asked)).toMatchObject({ kind: 'rows' });
  const { db } = system.database;
  await eventually(async () => {
    const { rows } = await db.query(
      `SELECT t.state, g.reason, c.credits > 0 AS is_charged, p.spent_credits > 0 AS is_in_debt,
         p.overrun_credits = p.spent_credits AS is_all_overrun
       FROM break_glass_use g JOIN ticket t ON t.id = g.ticket_id JOIN charge c ON c.ticket_id = t.id
         JOIN budget_period p ON p.budget_id = 'people-monthly'`,
    );
    expect(rows).toEqual([
      {
        state: 'SETTLED',
        reason: 'payroll is late',
        is_charged: true,
        is_in_debt: true,
        is_all_overrun: true,
      },
    ]);
  });
  const { rows } = await db.query(
    "SELECT actor, reason FROM audit_event WHERE action = 'break-glass.use'",
  );
  expect(rows).toEqual([{ actor: 'principal/people_analyst', reason: 'payroll is late' }]);
  expect(
    await people.rows('SELECT BREAK_GLASS FROM TOLLGATE.MY_QUERIES WHERE BREAK_GLASS IS NOT NULL'),
  ).toEqual([{ BREAK_GLASS: 'payroll is late' }]);
  expect(await people.run('SELECT SYSTEM$WAIT(1)')).toMatchObject({ code: '712001' });
  await people.close();
});
