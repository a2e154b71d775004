/** What each role sees of a world in which three people of two teams have asked for something. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { editControl } from '../../admin/stores/control-store.js';
import { systemIds } from '../../base/ids.js';
import { askApproval } from '../../billing/requests.js';
import { buildTicket, credits, NOON } from '../support/builders.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

const ids = systemIds();
let world: AdminWorld;
let finance: string;
let lead: string;
let analyst: string;
/** Tickets by who sent them, the earliest first. */
const tickets: Record<'analyst' | 'colleague' | 'foreign', string> = {
  analyst: '',
  colleague: '',
  foreign: '',
};

beforeAll(async () => {
  world = await createAdminWorld();
  const outcome = await editControl(world.database.db, {
    actor: { id: 'test', role: 'platform' },
    reason: 'a colleague with a budget',
    at: world.clock.now(),
    edit: (document) => ({
      ...document,
      principals: [
        ...document.principals,
        {
          id: 'sales_colleague',
          team: 'sales',
          kind: 'person',
          shared: false,
          owner: 'sales-leads',
          status: 'active',
        },
      ],
      budgets: [
        ...document.budgets,
        {
          id: 'colleague-daily',
          node: 'sales_colleague',
          limitCredits: '2',
          hard: true,
          period: { kind: 'day', timeZone: 'UTC' },
          counts: 'direct',
        },
      ],
    }),
  });
  expect(outcome.kind).toBe('applied');
  world.clock.advance(3_600_000);
  finance = await world.issue({ role: 'finance' });
  lead = await world.issue({ role: 'team-lead', team: 'sales' });
  analyst = await world.issue({ role: 'analyst', team: 'sales', principal: 'sales_analyst' });
  tickets.analyst = await asked('sales', 'sales_analyst', 0);
  tickets.colleague = await asked('sales', 'sales_colleague', 1);
  tickets.foreign = await asked('legal', 'legal_analyst', 2);
});
afterAll(() => world.close());

/** A refused statement, `minutes` after noon, and a request for it. */
async function asked(teamId: string, principalId: string, minutes: number): Promise<string> {
  const at = NOON + minutes * 60_000;
  const ticketId = ids.ticket(at);
  const highCredits = credits('41');
  const ticket = buildTicket({ ticketId, teamId, principalId, highCredits, occurredAt: at });
  const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail: {} };
  await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  await world.database.db.transaction((tx) =>
    askApproval(tx, { ticketId, teamId, principalId, reason: 'please', at }),
  );
  return ticketId;
}

function get(path: string, token?: string): Promise<AdminReply> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return world.call('GET', `/api/v1${path}`, undefined, headers);
}

async function idsOf(path: string, token?: string): Promise<readonly string[]> {
  const { status, json } = await get(path, token);
  expect(status).toBe(200);
  const rows = Object.values(json).find((each) => Array.isArray(each)) as Record<string, string>[];
  return rows.map((row) => row['id'] ?? row['ticketId'] ?? '');
}

describe('statements', () => {
  const all = (): readonly string[] => [tickets.foreign, tickets.colleague, tickets.analyst];

  test('are listed the newest first: all, those of the team, or those of the principal', async () => {
    expect(await idsOf('/tickets')).toEqual(all());
    expect(await idsOf('/tickets', finance)).toEqual(all());
    expect(await idsOf('/tickets', lead)).toEqual([tickets.colleague, tickets.analyst]);
    expect(await idsOf('/tickets', analyst)).toEqual([tickets.analyst]);
  });

  test('are told one by one to the same people', async () => {
    const statusOf = async (id: string, token: string): Promise<number> =>
      (await get(`/tickets/${id}`, token)).status;
    expect(await statusOf(tickets.analyst, analyst)).toBe(200);
    expect(await statusOf(tickets.colleague, analyst)).toBe(404);
    expect(await statusOf(tickets.colleague, lead)).toBe(200);
    expect(await statusOf(tickets.foreign, lead)).toBe(404);
    expect(await statusOf(tickets.foreign, finance)).toBe(200);
  });

  test('are narrowed by team, state and time, and come in pages', async () => {
    expect(await idsOf('/tickets?team=legal')).toEqual([tickets.foreign]);
    expect(await idsOf('/tickets?state=SETTLED')).toEqual([]);
    expect(await idsOf('/tickets?state=VOID&team=sales')).toHaveLength(2);
    const from = '2026-07-15T12:01:00Z';
    expect(await idsOf(`/tickets?from=${from}`)).toEqual([tickets.foreign, tickets.colleague]);
    expect(await idsOf(`/tickets?to=${from}`)).toEqual([tickets.analyst]);
    expect(await idsOf(`/tickets?from=${from}&team=sales`)).toEqual([tickets.colleague]);
    expect(await idsOf('/tickets?to=2026-06-01')).toEqual([]);
    for (const [query, token, whole] of [
      ['', undefined, all()],
      ['&team=sales', undefined, [tickets.colleague, tickets.analyst]],
      ['', lead, [tickets.colleague, tickets.analyst]],
    ] as const) {
      const seen: unknown[] = [];
      let cursor = '';
      for (let page = 0; page < whole.length; page += 1) {
        const { json } = await get(`/tickets?limit=1${query}${cursor}`, token);
        seen.push(...(json['tickets'] as { ticketId: string }[]).map((each) => each.ticketId));
        cursor = `&cursor=${json['nextCursor'] as string}`;
        expect(json['nextCursor'] === null).toBe(page === whole.length - 1);
      }
      expect(seen).toEqual(whole);
    }
  });
});

describe('budgets', () => {
  test('are all for finance, those of the team for its lead, and without those of colleagues for an analyst', async () => {
    expect(await idsOf('/budgets', finance)).toHaveLength(17);
    expect(await idsOf('/budgets', lead)).toEqual(['colleague-daily', 'sales-monthly']);
    expect(await idsOf('/budgets', analyst)).toEqual(['sales-monthly']);
    for (const token of [finance, lead, analyst]) {
      const { json } = await get('/budgets/sales', token);
      expect(json).toMatchObject({ budget: { standing: { availableCredits: '40.000000000000' } } });
    }
  });
});

describe('teams, principals and requests', () => {
  test('are those of the team for its lead', async () => {
    expect(await idsOf('/teams', finance)).toHaveLength(15);
    expect(await idsOf('/teams', lead)).toEqual(['sales']);
    expect((await get('/teams/sales', lead)).json['team']).toMatchObject({
      id: 'sales',
      principals: 2,
    });
    expect(await idsOf('/principals', lead)).toEqual(['sales_analyst', 'sales_colleague']);
    expect(await idsOf('/principals?team=legal', finance)).toEqual(['legal_analyst']);
    expect(await idsOf('/requests', finance)).toHaveLength(3);
    expect(await idsOf('/requests', lead)).toEqual([tickets.analyst, tickets.colleague]);
  });

  test('bills are for finance and the own lead', async () => {
    expect((await get('/bills/sales/2026-07.json', lead)).status).toBe(200);
    expect((await get('/bills/sales/2026-07.csv', lead)).type).toContain('text/csv');
    expect((await get('/bills/legal/2026-07.json', lead)).status).toBe(404);
    expect((await get('/bills/legal/2026-07.json', finance)).status).toBe(200);
    expect((await get('/bills/sales/2026-07.json', analyst)).status).toBe(403);
  });
});

test('a new version of the control document is seen by the next request', async () => {
  await get('/teams/sales');
  const before = world.statements();
  await get('/teams/sales');
  expect(world.statements() - before).toBe(1);
  await world.call('PUT', '/api/v1/budgets/sales', { limitCredits: '44', reason: 'x' });
  expect((await get('/budgets/sales')).json).toMatchObject({ budget: { limitCredits: '44' } });
});
