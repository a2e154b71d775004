/**
 * Panels over three years of months: Postgres plans a statement for every month wherever it names what is kept by months, so
 * how often a panel does that is what planning it takes; and a range is, to the last decimal, the charges within it.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCHEMA } from '../../base/postgres/session.js';
import { rollUpHours } from '../../billing/rollup/charge-hours.js';
import { sumCharges } from '../../billing/rollup/charge-sums.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { sealAll } from '../support/sealing.js';
import { expand } from './macros.js';
import { openingRange, panelQueries } from './panel-queries.js';
import { NOON, seed } from './seed.js';

/** Charges at both ends of two ranges, or of one with what charges became. */
const MOST_NAMED = 4;
const MONTHS = 36;
const DAY_MS = 86_400_000;

let database: TestDatabase;
let owner: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(`SET search_path = ${SCHEMA}`);
  await seed(owner);
  for (const months of [0, 18])
    await owner.query('SELECT open_months(now() + make_interval(months => $1), 18)', [months]);
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** How often the plan of a statement names each month, at most. */
async function timesNamed(sql: string): Promise<number> {
  const { rows } = await owner.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`);
  const times = new Map<string, number>();
  for (const { 'QUERY PLAN': line } of rows) {
    const month = / on charge(?:_delta)?(_\d{4}_\d\d)\b/.exec(line)?.[1];
    if (month !== undefined) times.set(month, (times.get(month) ?? 0) + 1);
  }
  return Math.max(0, ...times.values());
}

test('no panel names the months of the ledger more than four times', async () => {
  const { rows } = await owner.query("SELECT FROM month_partition WHERE of_table = 'charge'");
  expect(rows.length).toBeGreaterThanOrEqual(MONTHS);
  const named: [string, number][] = [];
  for (const { board, panel, rawSql, opensAt } of panelQueries()) {
    const sql = expand(rawSql, openingRange(opensAt, NOON), { team: ['sales'] });
    named.push([`${board}: ${panel}`, await timesNamed(sql)]);
  }
  expect(named.filter(([, times]) => times > MOST_NAMED)).toEqual([]);
  // It looked.
  expect(named.filter(([, times]) => times > 0).length).toBeGreaterThan(10);
  expect(await timesNamed('SELECT * FROM charge_final')).toBe(2);
});

const AT = NOON.getTime();

/** Ranges as panels have them: cut anywhere, within an hour, of whole hours, of days. */
const RANGES = [
  [AT - 40 * DAY_MS, AT + 40 * DAY_MS],
  [AT - 2 * DAY_MS - 1_234_567, AT + 1_111],
  [AT - 3_599_999, AT + 1],
  [AT - 600_000, AT + 600_000],
  [AT - 3_600_000, AT + 3_600_000],
  [AT - 12 * 3_600_000, AT + 12 * 3_600_000],
] as const;

/** What the functions of ranges have, beside what the charges themselves have: both as text, to the last decimal. */
async function both(from: number, to: number): Promise<readonly [unknown, unknown]> {
  const values = [new Date(from), new Date(to)];
  const OF =
    'team_id, currency, sum(statements)::text AS n, sum(credits) AS credits, sum(amount) AS amount';
  const FINAL = 'sum(final_credits) AS final_credits, sum(final_amount) AS final_amount';
  const kept: unknown[] = [];
  for (const name of ['dash_shapes', 'dash_users', 'dash_user_hours'])
    kept.push(
      (
        await owner.query(
          `SELECT ${OF}, ${FINAL} FROM ${name}($1, $2) GROUP BY 1, 2 ORDER BY 1, 2`,
          values,
        )
      ).rows,
    );
  const spent = await owner.query(
    `SELECT ${OF} FROM dash_spend_hours($1, $2) GROUP BY 1, 2 ORDER BY 1, 2`,
    values,
  );
  const { rows } = await owner.query<Record<string, string>>(
    `SELECT team_id, currency, count(*)::text AS n, sum(credits) AS credits, sum(money) AS amount,
       sum(final_credits) AS final_credits, sum(final_money) AS final_amount
     FROM charge_final WHERE occurred_at >= $1 AND occurred_at <= $2 GROUP BY 1, 2 ORDER BY 1, 2`,
    values,
  );
  const provisional = rows.map(({ final_credits: _c, final_amount: _a, ...row }) => row);
  return [
    [...kept, spent.rows],
    [rows, rows, rows, provisional],
  ];
}

async function rangesAreTheirCharges(): Promise<number> {
  let charged = 0;
  for (const [from, to] of RANGES) {
    const [found, expected] = await both(from, to);
    expect(found, new Date(from).toISOString()).toEqual(expected);
    charged += (expected as readonly unknown[][])[0]?.length ?? 0;
  }
  return charged;
}

test('a range is the charges within it: none sealed, some followed, all of them', async () => {
  expect(await rangesAreTheirCharges()).toBeGreaterThan(3);
  await sealAll(database.db);
  expect(await rangesAreTheirCharges()).toBeGreaterThan(3);
  await rollUpHours(database.db);
  expect(await rangesAreTheirCharges()).toBeGreaterThan(3);
  await sumCharges(database.db);
  expect(await rangesAreTheirCharges()).toBeGreaterThan(3);
  const { rows } = await owner.query("SELECT FROM charges_behind('panels')");
  expect(rows).toEqual([]);
});
