import { afterAll, beforeAll, expect, test } from 'vitest';
import { acknowledgeAnomaly, findAnomalies, listAnomalies } from '../../billing/anomalies.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Wednesday, 10:00. */
const TEN = Date.UTC(2026, 10, 25, 10);
const AFTER = TEN + HOUR_MS + 15 * 60_000;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.db.query(
    `INSERT INTO org_node (id, parent_id, kind, name) VALUES ('org', NULL, 'organisation', 'Org'),
      ('steady', 'org', 'team', 'Steady'), ('wild', 'org', 'team', 'Wild'), ('new', 'org', 'team', 'New')`,
  );
  for (let day = 0; day <= 28; day += 1) {
    await spend(
      'steady',
      TEN - day * DAY_MS,
      day === 0 ? '9.5' : day === 3 ? '40' : `1.${day % 5}`,
    );
    // One day in three is dear: nine credits are nothing new there.
    await spend('wild', TEN - day * DAY_MS, day % 2 === 0 ? '9' : '3');
  }
  await spend('new', TEN, '50');
});
afterAll(() => database.drop());

async function spend(team: string, at: number, credits: string): Promise<void> {
  await database.db.query(
    `INSERT INTO charge_hour (hour_at, team_id, warehouse, tier, currency, stage, statements, credits, money, warehouse_ms)
      VALUES ($1, $2, 'WH', 'standard', 'USD', 'provisional', 3, $3, $3, 1000)`,
    [new Date(at), team, credits],
  );
}

const ALL = { teamId: null, isOpenOnly: false, before: null, limit: 10 };

test('an hour far above the same hour of four weeks is found once, whoever looks, with its owner; one dear day hides nothing', async () => {
  const { db } = database;
  const found = await Promise.all(
    Array.from({ length: 3 }, () => findAnomalies(db, AFTER, { steady: 'steady-leads' })),
  );
  expect(found.reduce((sum, count) => sum + count, 0)).toBe(1);
  expect(await listAnomalies(db, ALL)).toMatchObject([
    {
      teamId: 'steady',
      grain: 'hour',
      startsAt: new Date(TEN),
      spentCredits: '9.500000000000',
      usualCredits: '1.200000000000',
      owner: 'steady-leads',
      shapes: [],
      acknowledgedAt: null,
    },
  ]);
  expect(await findAnomalies(db, AFTER, {})).toBe(0);
});

test('a day is looked at when it is over', async () => {
  expect(await findAnomalies(database.db, TEN + DAY_MS, {})).toBe(1);
  expect((await listAnomalies(database.db, ALL))[0]).toMatchObject({
    teamId: 'steady',
    grain: 'day',
  });
});

test('the first word of a person stays, and another team has no such anomaly', async () => {
  const { db } = database;
  const [newest] = await listAnomalies(db, ALL);
  const id = newest?.id ?? '';
  const by = (teamId: string | null, person: string): Parameters<typeof acknowledgeAnomaly>[2] => ({
    teamId,
    person,
    note: `by ${person}`,
    at: AFTER,
  });
  expect(await acknowledgeAnomaly(db, id, by('wild', 'eve'))).toBeUndefined();
  expect(await acknowledgeAnomaly(db, id, by('steady', 'ann'))).toMatchObject({
    acknowledgedBy: 'ann',
  });
  expect(await acknowledgeAnomaly(db, id, by(null, 'bob'))).toMatchObject({ note: 'by ann' });
  expect(await listAnomalies(db, { ...ALL, isOpenOnly: true })).toHaveLength(1);
});
