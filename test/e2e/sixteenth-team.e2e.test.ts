/** A team more, from document to driver and back, by the command line and by the API, while statements run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { main } from '../../cli/main.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { recordedTerminal } from '../cli/recorded-terminal.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import { ownerQuery } from './support/owner-query.js';
import { ADMIN_TOKEN, startSystem, type System } from './support/system.js';

const USERS = ['aviation_pilot', 'aviation_mechanic'];
const LONG_STATEMENT = 'SELECT SYSTEM$WAIT(2)';

let system: System;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-16-'));
  system = await startSystem();
  const owner = await connectNode(system.warehouseUrl, {
    username: system.service.user,
    password: system.service.password,
  });
  for (const user of USERS) await owner.rows(`CREATE USER ${user} PASSWORD = 'demo'`);
  await owner.rows("CREATE WAREHOUSE AVIATION_WH WAREHOUSE_SIZE = 'SMALL'");
  await owner.close();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The document with a team, its budget, two people and a tier on a warehouse of its own. */
function withAviation(document: ControlDocument): ControlDocument {
  const [tier] = document.tiers;
  if (tier === undefined) throw new Error('the demo has tiers');
  return {
    ...document,
    teams: [
      ...document.teams,
      {
        id: 'aviation',
        name: 'Aviation',
        department: 'service',
        costCentre: 'CC-3040',
        owner: 'aviation-leads',
      },
    ],
    principals: [
      ...document.principals,
      ...USERS.map((id) => ({
        id,
        team: 'aviation',
        kind: 'person' as const,
        shared: false,
        owner: 'aviation-leads',
        status: 'active' as const,
      })),
    ],
    mapping: [
      ...document.mapping,
      ...USERS.map((id) => ({ match: { account: 'demo', snowflakeUser: id }, principal: id })),
    ],
    budgets: [
      ...document.budgets,
      {
        id: 'aviation-monthly',
        node: 'aviation',
        limitCredits: '12',
        hard: true,
        period: { kind: 'month', timeZone: 'UTC' },
        counts: 'direct',
      },
    ],
    tiers: [...document.tiers, { ...tier, id: 'aviation', warehouse: 'AVIATION_WH' }],
    warehouses: [
      ...document.warehouses,
      { name: 'AVIATION_WH', size: 'SMALL', kind: 'STANDARD', generation: '1' },
    ],
  };
}

async function inForce(): Promise<{ version: number; document: ControlDocument }> {
  const { body } = await system.admin('GET', '/api/v1/control');
  const { controlVersion, document } = body as {
    controlVersion: number;
    document: ControlDocument;
  };
  return { version: controlVersion, document };
}

/** Both people connect, run a priced statement each, and one of them starts a long one. */
async function use(): Promise<{ ended: Promise<unknown>; leave(): Promise<void> }> {
  const clients: Client[] = [];
  for (const username of USERS) {
    let client: Client | undefined;
    // The version is in force within a second.
    await eventually(async () => {
      client = await connectNode(system.proxyUrl, { username, warehouse: 'AVIATION_WH' });
    });
    const [row] = (await client?.rows('SELECT COUNT(*) AS N FROM NATION')) ?? [];
    expect(row).toEqual({ N: 25 });
    if (client !== undefined) clients.push(client);
  }
  const running = clients[0]?.run(LONG_STATEMENT);
  await eventually(async () =>
    expect(await longTickets()).toContainEqual(
      expect.objectContaining({ state: expect.stringMatching(/^(SENT|RUNNING)$/) as string }),
    ),
  );
  return {
    ended: Promise.resolve(running),
    leave: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

interface TicketState {
  readonly state: string;
  readonly team_id: string;
  readonly tier: string;
  readonly control_version: string;
}

/** Tickets of the long statement, the oldest first. */
function longTickets(): Promise<readonly TicketState[]> {
  return ownerQuery<TicketState & Record<string, unknown>>(
    system.database,
    `SELECT state, team_id, tier, control_version FROM tollgate.ticket
     WHERE statement_shape ILIKE '%SYSTEM$WAIT%' ORDER BY id`,
  );
}

/** The team is gone: nobody of it connects or runs, and what ran ended on the version that admitted it. */
async function expectGone(
  used: Awaited<ReturnType<typeof use>>,
  admittedBy: number,
): Promise<void> {
  expect(await used.ended).toMatchObject({ kind: 'rows' });
  await eventually(async () =>
    expect((await longTickets()).at(-1)).toEqual({
      state: 'SETTLED',
      team_id: 'aviation',
      tier: 'aviation',
      control_version: String(admittedBy),
    }),
  );
  await used.leave();
  await eventually(async () => {
    const refused = connectNode(system.proxyUrl, { username: USERS[1] ?? '' });
    await expect(refused).rejects.toThrow(/no team/i);
  });
}

test('by the API: planned, applied, used by a real driver, rolled back under a running statement', async () => {
  const before = await inForce();
  const document = withAviation(before.document);
  const plan = await system.admin('POST', '/api/v1/control/plan', { document });
  expect(plan.status).toBe(200);
  expect(JSON.stringify(plan.body)).toContain('aviation-monthly');
  expect((await inForce()).version).toBe(before.version);

  const applied = await system.admin('PUT', '/api/v1/control', {
    document,
    reason: 'a sixteenth team',
    expectedVersion: before.version,
  });
  expect(applied).toMatchObject({ status: 200, body: { isChanged: true } });
  const { version } = await inForce();
  const used = await use();

  const rolledBack = await system.admin('POST', '/api/v1/control/rollback', {
    version: before.version,
    reason: 'not yet',
  });
  expect(rolledBack).toMatchObject({ status: 200, body: { isChanged: true } });
  expect((await inForce()).document).toEqual(before.document);
  await expectGone(used, version);
});

test('by the command line: the same from a file', async () => {
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('TOLLGATE_')))
    vi.stubEnv(name, undefined);
  vi.stubEnv('TOLLGATE_ADMIN_PORT', new URL(system.adminUrl).port);
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', ADMIN_TOKEN);
  const run = async (...args: string[]): Promise<string> => {
    const terminal = recordedTerminal();
    const code = await main(args, terminal);
    expect(code, terminal.err()).toBe(0);
    return terminal.out();
  };
  const before = await inForce();
  const file = path.join(folder, 'control.yaml');
  writeFileSync(file, stringify(withAviation(before.document)));
  expect(readFileSync(file, 'utf8')).toContain('aviation-monthly');

  expect(await run('plan', file)).toMatch(/aviation/);
  expect((await inForce()).version).toBe(before.version);
  expect(await run('apply', file, '--reason', 'a sixteenth team')).toMatch(/Version \d+/);
  const { version } = await inForce();
  const used = await use();
  expect(await run('rollback', String(before.version), '--reason', 'not yet')).toMatch(
    /Version \d+/,
  );
  expect((await inForce()).document).toEqual(before.document);
  await expectGone(used, version);
});
