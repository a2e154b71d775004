/** A seeded month of statements that cross hours, by tools and people, read from its lines and from the sums of its days. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseMoney } from '../../../base/units.js';
import { sumStaleDays } from '../../../billing/bills/day-sums.js';
import { readDrivers } from '../../../billing/bills/drivers.js';
import { readMonthParts } from '../../../billing/bills/month-parts.js';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import { freezeMonth } from '../../../billing/close/freeze.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, OCTOBER, meter, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await seed();
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

const PERIOD = { startsAt: Date.UTC(2026, 9, 1), endsAt: Date.UTC(2026, 10, 1) };
const DAYS = ['01', '02', '15', '31'] as const;
const HOURS = ['00', '09', '23'] as const;
const LINES = 60;
// A price of its own each day, so that a sum of credits over days is not enough.
const TERMS = terms({
  priceAt: (_of, at) => ({
    pricePerCredit: parseMoney(`2.${String(new Date(at).getUTCDate()).padStart(2, '0')}7`),
    listPricePerCredit: null,
    currency: 'USD',
  }),
});

/** Hours at both ends of days and month; each line's statement began in its hour or before it, or is not known. */
async function seed(): Promise<void> {
  const { db } = database;
  await meter(
    db,
    DAYS.flatMap((day) =>
      HOURS.map((hour, index) => ({
        at: `2026-10-${day}T${hour}:00:00Z`,
        lines: Array.from({ length: LINES }, (_, line) => ({
          bucket: line % 11 === 0 ? 'idle' : line % 3 === 0 ? 'bypass' : 'direct',
          team:
            line % 11 === 0 || line % 13 === 5 ? null : (['marketing', 'sales'][line % 2] ?? ''),
          credits: `0.${String((line + 1) * 7919 + index).padStart(12, '0')}`,
        })),
      })),
    ),
  );
  await db.query(
    `INSERT INTO usage_query (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user,
       query_type, executed_at, ended_at, cloud_services_credits)
     SELECT account, concat_ws('-', to_char(starts_at, 'DDHH24'), ordinal), warehouse_id, 1, 'Medium', 'STANDARD',
       'U' || ordinal % 5, 'SELECT',
       starts_at + interval '1 second' * (ordinal * 97 - 1800), starts_at + interval '1.000001 second' * (ordinal * 97 + 10), 0
     FROM allocation_line WHERE bucket <> 'idle' AND ordinal % 7 > 0`,
  );
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, workload, origin, snowflake_user,
       tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits, expected_seconds,
       price_per_credit, currency, control_version, replica, hold_credits, occurred_at)
     SELECT md5(concat_ws('-', starts_at, ordinal))::uuid, 'SETTLED', account, concat_ws('-', starts_at, ordinal), 'r', '', 'p',
       'sales', CASE ordinal % 4 WHEN 1 THEN 'etl' END,
       CASE ordinal % 6 WHEN 0 THEN '{"dashboard": "Sales"}' WHEN 1 THEN '{"dag": "nightly"}' WHEN 2 THEN '{"model": "m", "dag": "d"}' END::jsonb,
       'U', 'standard', 'select', 'f' || ordinal % 3, '', 'GUESS', 0, 0, 0, 0, 3, 'USD', 1, 'r', 0, starts_at
     FROM allocation_line WHERE bucket = 'direct'`,
  );
  await db.query(
    `UPDATE allocation_line SET query_id = CASE WHEN bucket <> 'idle' THEN concat_ws('-', to_char(starts_at, 'DDHH24'), ordinal) END,
       ticket_id = CASE WHEN bucket = 'direct' THEN md5(concat_ws('-', starts_at, ordinal))::uuid END`,
  );
  await db.query('UPDATE service_day SET is_stale = false');
}

/** Days with sums in force, and those without. */
async function days(): Promise<{ readonly summed: number; readonly stale: number }> {
  const { rows } = await database.db.query<{ summed: number; stale: number }>(
    `SELECT count(*) FILTER (WHERE NOT is_stale)::integer AS summed, count(*) FILTER (WHERE is_stale)::integer AS stale
     FROM allocation_summed_day`,
  );
  return rows[0] ?? { summed: 0, stale: 0 };
}

async function read(): Promise<unknown> {
  const { db } = database;
  const parts = await readMonthParts(db, PERIOD, 'USD');
  return {
    parts: parts.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)),
    drivers: await readDrivers(db, PERIOD, TERMS, null),
    month: await readBilledMonth(db, OCTOBER, TERMS),
  };
}

function keyOf({
  kind,
  chargeDay,
  teamId,
}: {
  kind: string;
  chargeDay: string;
  teamId: string | null;
}): string {
  return JSON.stringify([kind, chargeDay, teamId]);
}

test('a month is the same from its lines, from sums, and from some of each', async () => {
  const { db } = database;
  const fromLines = await read();
  expect(await days()).toEqual({ summed: 0, stale: DAYS.length });
  expect(await sumStaleDays(db, 'demo', Date.UTC(2026, 9, 15, 12))).toBe(2);
  expect(await days()).toEqual({ summed: 2, stale: 2 });
  expect(await read()).toEqual(fromLines);
  expect(await sumStaleDays(db, 'demo', NOVEMBER_5)).toBe(2);
  expect(await sumStaleDays(db, 'demo', NOVEMBER_5)).toBe(0);
  expect(await read()).toEqual(fromLines);
  // It looked: without a line of the summed days it is still the same, until the day is marked.
  await db.query('DELETE FROM allocation_hour_sum');
  expect(await read()).not.toEqual(fromLines);
  await db.query('UPDATE allocation_summed_day SET is_stale = true');
  expect(await read()).toEqual(fromLines);
});

test('the lines of a bill and its drivers are what its lines come to, counted apart', async () => {
  const { db } = database;
  await sumStaleDays(db, 'demo', NOVEMBER_5);
  const { rows } = await db.query<{ credits: string; statements: string; used: string }>(
    `SELECT sum(l.credits) AS credits, count(*) FILTER (WHERE q.executed_at >= l.starts_at) AS statements,
       (1000 * sum(extract(epoch FROM least(q.ended_at, l.starts_at + interval '1 hour') - greatest(q.executed_at, l.starts_at)))
         FILTER (WHERE q.query_id IS NOT NULL))::bigint AS used
     FROM allocation_line l LEFT JOIN usage_query q USING (account, query_id)
     WHERE bucket = 'direct' AND team_id = 'sales' AND starts_at >= '2026-10-31T00:00Z'`,
  );
  const parts = await readMonthParts(db, PERIOD, 'USD');
  const part = parts.find(
    (each) => each.kind === 'direct' && each.teamId === 'sales' && each.chargeDay === '2026-10-31',
  );
  expect(Number(rows[0]?.statements)).toBeGreaterThan(10);
  expect(part).toMatchObject({
    credits: BigInt((rows[0]?.credits ?? '').replace('.', '')),
    statements: Number(rows[0]?.statements),
    usedMs: Number(rows[0]?.used),
  });
  const drivers = (await readDrivers(db, PERIOD, TERMS, null)).get('sales') ?? [];
  expect(drivers.length).toBeGreaterThan(3);
  const dag = await db.query<{ credits: string }>(
    `SELECT sum(l.credits) AS credits FROM allocation_line l JOIN ticket t ON t.id = l.ticket_id
     WHERE l.team_id = 'sales' AND t.origin ->> 'dag' = 'nightly'`,
  );
  expect(drivers.find(({ name }) => name === 'nightly')?.credits).toBe(
    BigInt((dag.rows[0]?.credits ?? '').replace('.', '')),
  );
});

test('a day whose lines change is read from them until it is summed anew, and no other day is', async () => {
  const { db } = database;
  await sumStaleDays(db, 'demo', NOVEMBER_5);
  await db.query(
    "DELETE FROM allocation_line WHERE starts_at = '2026-10-02T09:00Z' AND ordinal = 1",
  );
  expect(await days()).toEqual({ summed: DAYS.length - 1, stale: 1 });
  const fromLines = await read();
  expect(await sumStaleDays(db, 'demo', NOVEMBER_5)).toBe(1);
  expect(await read()).toEqual(fromLines);
  await db.query(
    `WITH gone AS (DELETE FROM allocation_line WHERE starts_at = '2026-10-02T09:00Z' AND ordinal = 2 RETURNING credits)
     UPDATE allocation_line l SET team_id = 'platform', credits = l.credits + g.credits FROM gone g
     WHERE starts_at = '2026-10-15T23:00Z' AND ordinal = 3`,
  );
  expect(await days()).toEqual({ summed: DAYS.length - 2, stale: 2 });
  await db.query(
    `UPDATE usage_warehouse_hour h SET metered_credits = l.credits FROM (
       SELECT starts_at, sum(credits) AS credits FROM allocation_line GROUP BY 1) l WHERE l.starts_at = h.starts_at`,
  );
});

test('a day that is being written is left for the next time, and what was written then counts', async () => {
  const { db } = database;
  await sumStaleDays(db, 'demo', NOVEMBER_5);
  await db.transaction(async (tx) => {
    await tx.query(
      "UPDATE allocation_line SET team_id = 'sales' WHERE starts_at = '2026-10-01T00:00Z' AND ordinal = 1",
    );
    expect(await sumStaleDays(db, 'demo', NOVEMBER_5)).toBe(0);
  });
  expect(await days()).toEqual({ summed: DAYS.length - 1, stale: 1 });
  const fromLines = await read();
  expect(await sumStaleDays(db, 'demo', NOVEMBER_5)).toBe(1);
  expect(await read()).toEqual(fromLines);
});

test('freezing sums what is left, and freezing again gives the same root', async () => {
  const { db } = database;
  const of = { month: OCTOBER, step: 'freeze', by: 'ann', at: NOVEMBER_5, reason: null } as const;
  const freeze = async (): Promise<string | null> => {
    const outcome = await freezeMonth(db, { ...of, terms: TERMS, audit: () => Promise.resolve() });
    expect(outcome).toEqual(expect.objectContaining({ kind: 'taken' }));
    return (await readBilledMonth(db, OCTOBER, TERMS)).merkleRoot;
  };
  const open = await readBilledMonth(db, OCTOBER, { ...TERMS });
  const first = await freeze();
  expect(await days()).toEqual({ summed: DAYS.length, stale: 0 });
  expect(await freeze()).toBe(first);
  await db.query('UPDATE allocation_summed_day SET is_stale = true');
  expect(await freeze()).toBe(first);
  const frozen = await readBilledMonth(db, OCTOBER, TERMS);
  expect(frozen.bills.map(({ drivers }) => drivers)).toEqual(
    open.bills.map(({ drivers }) => drivers),
  );
});

test('sums that are not what lines are, are named', async () => {
  const { db } = database;
  await sumStaleDays(db, 'demo', NOVEMBER_5);
  const wrong = async (): Promise<number> =>
    (await db.query('SELECT * FROM invariant_day_sum')).rows.length;
  expect(await wrong()).toBe(0);
  await db.query("UPDATE allocation_driver_sum SET credits = credits + 1 WHERE day = '2026-10-02'");
  await db.query("DELETE FROM allocation_hour_sum WHERE day = '2026-10-15'");
  await db.query("DELETE FROM allocation_summed_day WHERE day = '2026-10-31'");
  expect(await wrong()).toBe(3);
  await db.query("INSERT INTO allocation_summed_day (account, day) VALUES ('demo', '2026-10-31')");
  await db.query('UPDATE allocation_summed_day SET is_stale = true');
  expect(await wrong()).toBe(0);
});
