/** What callers of the real driver are told of budgets, and how much of the demo's traffic is served beyond soft limits. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OffPeakDocument, RungDocument } from '#policies/control/ladder-documents.js';
import { beat } from '../../billing/postgres/replicas.js';
import { refillLeases, returnAll } from '../../billing/postgres/lease-rows.js';
import { readGauges } from '../../billing/gauges.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { HABITS } from '../../cli/demo/statements.js';
import { credits } from '../support/builders.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

/** Later, then cheaper, and of what is dear something else than a run now. */
const LADDER: readonly RungDocument[] = [
  { atPercent: 100, step: 'slower-tier', tier: 'batch' },
  { atPercent: 120, step: 'smaller-warehouse', tier: 'interactive', aboveCredits: '0.5' },
  { atPercent: 150, step: 'off-peak', aboveCredits: '2' },
  { atPercent: 200, step: 'refuse', aboveCredits: '5' },
];
/** Hours away, so that nothing is served in them. */
const OFF_PEAK: OffPeakDocument = {
  timeZone: 'UTC',
  windows: [{ from: hourIn(6), to: hourIn(8) }],
};
/** Its budget stays hard. */
const LEASED = 'legal';
const TEAMS = Object.entries(HABITS).filter(([team]) => team !== LEASED);

function hourIn(hours: number): string {
  return `${new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 13)}:00`;
}

let system: System;
const clients = new Map<string, Client>();

beforeAll(async () => {
  system = await startSystem({
    control: (document) => ({
      ...document,
      budgets: document.budgets.map((budget) =>
        budget.node === 'demo-company' || budget.node === LEASED
          ? budget
          : // Used up by the first statement, so that every rung is in force.
            { ...budget, hard: false, limitCredits: '0.000000000001', ladder: LADDER },
      ),
      tiers: document.tiers.map((tier) => ({
        ...tier,
        offPeak: OFF_PEAK,
        ...(tier.id === 'interactive' ? { switch: 'session' as const } : {}),
      })),
    }),
  });
  const connect = async (team: string): Promise<void> => {
    const { warehouse } = HABITS[team] ?? { warehouse: 'STANDARD_WH' };
    const username = `${team}_analyst`;
    clients.set(team, await connectNode(system.proxyUrl, { username, warehouse }));
  };
  await Promise.all(Object.keys(HABITS).map(connect));
});

afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.close()));
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

function clientOf(team: string): Client {
  const client = clients.get(team);
  if (client === undefined) throw new Error(`nobody is connected for ${team}`);
  return client;
}

test('what another replica has leased and no statement holds is available, whoever is asked', async () => {
  const { db } = system.database;
  const budgetId = `${LEASED}-monthly`;
  const at = Date.now();
  await openPeriods(db, [budgetId], at);
  await beat(db, 'another#1', { version: null, problem: null });
  const refill = { budgetId, wantedCredits: credits('3'), sequence: 1n };
  const [lease] = await refillLeases(db, 'another#1', [refill], at);
  expect(lease?.idleCredits).toBe(credits('3'));
  const { rows: kept } = await db.query(
    'SELECT leased_credits FROM my_budget WHERE budget_id = $1',
    [budgetId],
  );
  expect(kept).toEqual([{ leased_credits: '3.000000000000' }]);

  const amounts = { held: '0.000000000000', available: '40.000000000000' };
  for (const [view, available] of [
    ['my_budget', 'available_credits'],
    ['dash_budget', 'remaining_credits'],
  ]) {
    const { rows } = await db.query(
      `SELECT held_credits AS held, ${available} AS available FROM ${view} WHERE budget_id = $1`,
      [budgetId],
    );
    expect(rows, view).toEqual([amounts]);
  }
  const gauges = await readGauges(db, at);
  expect(gauges.budgets.find(({ budget }) => budget === budgetId)).toMatchObject({
    heldCredits: 0,
    limitCredits: 40,
  });
  const reply = await system.admin('GET', `/api/v1/budgets?limit=500`);
  const { budgets } = reply.body as { budgets: { id: string; standing: object }[] };
  expect(budgets.find(({ id }) => id === budgetId)?.standing).toMatchObject({
    heldCredits: amounts.held,
    availableCredits: amounts.available,
  });
  const client = clientOf(LEASED);
  expect(
    await client.rows(
      `SELECT HELD_CREDITS, AVAILABLE_CREDITS FROM TOLLGATE.MY_BUDGET WHERE BUDGET = '${budgetId}'`,
    ),
  ).toEqual([{ HELD_CREDITS: 0, AVAILABLE_CREDITS: 40 }]);
  const told = await client.rows('EXPLAIN COST SELECT COUNT(*) FROM ANALYTICS.TPCH.ORDERS');
  expect(told.find(({ ITEM }) => ITEM === `budget ${budgetId}`)).toMatchObject({
    VALUE: '40.00 credits available',
  });
  await returnAll(db, 'another#1', at);
});

/** What one team's analyst sends and how each of it ends; what Tollgate answers itself is not counted. */
async function shift(team: string, statements: readonly string[]): Promise<readonly string[]> {
  const ends: string[] = [];
  for (const sql of statements) {
    const result = await clientOf(team).run(sql);
    ends.push(result.kind === 'rows' ? 'served' : `${result.code} ${result.message}`);
  }
  return ends;
}

/** Of the team's latest statement that has been let into a lane. */
async function newestLane(team: string): Promise<string | undefined> {
  const { rows } = await system.database.db.query<{ tier: string }>(
    `SELECT e.tier FROM lane_event e JOIN ticket t ON t.id = e.ticket_id
     WHERE t.team_id = $1 AND e.outcome = 'admitted' ORDER BY e.at DESC LIMIT 1`,
    [team],
  );
  return rows[0]?.tier;
}

test('beyond their soft limits at least 90 % of what the demo teams send is served, later or cheaper', async () => {
  const { db } = system.database;
  // Each its own text: the result of another's would be free.
  const spend = (team: string): string =>
    `SELECT COUNT(*) AS LINES FROM ANALYTICS.TPCH.LINEITEM WHERE L_COMMENT <> '${team}'`;
  await Promise.all(TEAMS.map(([team]) => clientOf(team).rows(spend(team))));
  await eventually(async () => {
    const { rows } = await db.query<{ node_id: string }>(
      'SELECT node_id FROM my_budget WHERE NOT is_hard AND spent_credits > limit_credits',
    );
    expect(rows).toHaveLength(TEAMS.length);
  });
  // Those of the slowest tier have no slower one; they are told of the ladder only where something is dear. What is asked is
  // told at once, and statements go by standings of up to a second ago.
  const slowed = TEAMS.filter(([, { warehouse }]) => warehouse !== 'BATCH_WH');
  await Promise.all(
    slowed.map(async ([team]) => {
      const [first] = await clientOf(team).rows(`EXPLAIN COST ${spend(team)}`);
      expect(JSON.stringify(first), team).toContain(`ladder:${team}-monthly`);
      let sent = 0;
      await eventually(async () => {
        sent += 1;
        await clientOf(team).rows(
          `SELECT COUNT(*) AS N FROM ANALYTICS.TPCH.NATION WHERE N_COMMENT <> '${team} ${sent}'`,
        );
        expect(await newestLane(team)).toBe('batch');
      });
    }),
  );
  const { rows: before } = await db.query<{ at: Date }>('SELECT clock_timestamp() AS at');

  const governed = TEAMS.map(([team, { statements }]) => {
    const sent = statements.filter((sql) => !/TOLLGATE\.|^EXPLAIN COST/.test(sql));
    return [team, sent] as const;
  });
  const ends = (await Promise.all(governed.map(([team, sent]) => shift(team, sent)))).flat();
  const refused = ends.filter((end) => end !== 'served');
  const said = `${refused.length} of ${ends.length}: ${[...new Set(refused)].join('; ')}`;
  expect(ends.length).toBeGreaterThan(50);
  // The full scans; and for the reason that the ladder has.
  const scans = governed.flatMap(([, sent]) => sent.filter((sql) => sql.startsWith('SELECT URL ')));
  expect(scans.length).toBeGreaterThan(1);
  expect(refused, said).toHaveLength(scans.length);
  for (const end of refused)
    expect(end).toMatch(/^71210[14] .*-monthly has used \d+ % of its limit/);
  expect((ends.length - refused.length) / ends.length, said).toBeGreaterThanOrEqual(0.9);

  // Later: what was served had its permit in the lane of the slowest tier; or cheaper, on the smallest warehouse.
  await eventually(async () => {
    const { rows } = await db.query<{ tier: string; team_id: string; at: Date; shape: string }>(
      `SELECT e.tier, e.team_id, e.at, t.statement_shape AS shape
        FROM lane_event e JOIN ticket t ON t.id = e.ticket_id
        WHERE e.at >= $1 AND e.outcome = 'admitted'`,
      [before[0]?.at],
    );
    expect(rows).toHaveLength(ends.length - refused.length);
    const inTier = (tier: string): typeof rows => rows.filter((each) => each.tier === tier);
    expect(inTier('standard')).toEqual([]);
    expect(inTier('batch').length).toBeGreaterThan(rows.length / 2);
  });
});
