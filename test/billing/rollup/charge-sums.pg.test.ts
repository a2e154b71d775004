/** Charges of three days with deltas, read by ranges of all lengths from sums and from the charges themselves. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rebuildChargeSums, sumCharges } from '../../../billing/rollup/charge-sums.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { sealAll } from '../../support/sealing.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

const SUMS = [
  'charge_shape_sum',
  'charge_shape_text',
  'charge_user_sum',
  'charge_error_sum',
  'charge_end_day',
] as const;

/** Full hours and days, both ends inside one hour, over midnight, and whole days without a rest. */
const RANGES: readonly (readonly [string, string])[] = [
  ['2026-10-01T00:00:00Z', '2026-10-04T00:00:00Z'],
  ['2026-10-01T10:20:30Z', '2026-10-03T22:10:05Z'],
  ['2026-10-01T23:30:00Z', '2026-10-02T00:30:00Z'],
  ['2026-10-02T05:05:00Z', '2026-10-02T05:50:00Z'],
  ['2026-10-02T00:00:00Z', '2026-10-02T23:59:59.999Z'],
  ['2026-10-05T00:00:00Z', '2026-10-06T00:00:00Z'],
];

/** Charges `from` to `to`, each eleven minutes after the last, of two teams; some without a warehouse or workload. */
async function charge(from: number, to: number): Promise<void> {
  const { db } = database;
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, workload, snowflake_user,
       tier, warehouse, warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
       high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits, occurred_at, ending)
     SELECT overlay(md5(n::text) PLACING left(replace(first_ticket_id(at)::text, '-', ''), 12) FROM 1)::uuid, 'SETTLED', 'demo', 's', n::text, 'h', 'p' || n % 3, CASE n % 2 WHEN 0 THEN 'sales' ELSE 'risk' END,
       CASE WHEN n % 5 > 0 THEN 'w' || n % 5 END, 'U', 'tier-' || n % 2, NULL, 'S' || n % 3, CASE n % 7 WHEN 0 THEN 'dml' ELSE 'query' END,
       'f' || n % 6, 'SELECT ' || n % 4, CASE n % 3 WHEN 0 THEN 'HISTORY' ELSE 'GUESS' END, 0, (n % 11) * 0.1 + 0.03, 0.6, 1, 3, 'USD', 1, 'r', 0,
       at, CASE n % 9 WHEN 0 THEN 'failed' ELSE 'succeeded' END
     FROM (SELECT n, '2026-10-01T00:04:01Z'::timestamptz + n * interval '11 minutes' AS at FROM generate_series($1::integer, $2::integer) n) s`,
    [from, to],
  );
  await db.query(
    `WITH j AS (
       INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
       SELECT 'settle', id, 'settle ' || id, 'test', 'test', occurred_at FROM ticket
       WHERE request_id::integer BETWEEN $1 AND $2 ORDER BY occurred_at
       RETURNING id, ticket_id
     )
     INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, occurred_at, ended_at, credits,
       money, currency, price_per_credit, warehouse_ms)
     SELECT t.id, j.id, 'demo', t.team_id, t.principal_id, t.tier, CASE WHEN n % 4 > 0 THEN 'W' END, t.occurred_at,
       t.occurred_at + interval '40 minutes', (n % 13) * 0.1 + n * 0.000000000001, (n % 13) * 0.3 + n * 0.000000000003,
       CASE n % 8 WHEN 0 THEN 'EUR' ELSE 'USD' END, 3, 1000
     FROM j JOIN ticket t ON t.id = j.ticket_id CROSS JOIN LATERAL (SELECT t.request_id::integer AS n) n`,
    [from, to],
  );
}

/** What metering made of every `every`th charge: twice as much, as journals of now. */
async function meter(every: number): Promise<void> {
  await database.db.query(
    `WITH j AS (
       INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
       SELECT 'adjustment', id, 'metered ' || id || clock_timestamp(), 'test', 'test', now() FROM ticket
       WHERE request_id::integer % $1 = 1
       RETURNING id, ticket_id
     )
     INSERT INTO charge_delta (ticket_id, ordinal, journal_id, stage, previous_credits, credits, delta_credits, previous_money,
       money, delta_money, price_per_credit)
     SELECT c.ticket_id, 1, j.id, 'metered', c.credits, 2 * c.credits + 1, c.credits + 1, c.money, 2 * c.money + 3, c.money + 3, 3
     FROM j JOIN charge c USING (ticket_id)`,
    [every],
  );
}

interface Read {
  readonly name: string;
  readonly sums: string;
  readonly charges: string;
}

const CHARGES = `(SELECT c.*, t.fingerprint, t.workload, t.statement_class, t.ending, t.warehouse_size
  FROM charge_final c LEFT JOIN ticket t ON t.id = c.ticket_id) c`;
const IN_RANGE = 'occurred_at BETWEEN $1 AND $2';
const SUMMED = `sum(statements) AS statements, sum(credits) AS credits, sum(amount) AS amount`;
const FINAL = 'sum(final_credits) AS final_credits, sum(final_amount) AS final_amount';
const COUNTED = `count(*) AS statements, sum(credits) AS credits, sum(money) AS amount`;
const FINAL_COUNTED = 'sum(final_credits) AS final_credits, sum(final_money) AS final_amount';
const READS: readonly Read[] = [
  {
    name: 'shapes',
    sums: `SELECT team_id, fingerprint, currency, statement_class, ending, ${SUMMED}, ${FINAL}, max(most_credits) AS most,
      min(first_at) AS first, min(workload) AS workload, min(warehouse_size) AS size FROM dash_shapes($1, $2) GROUP BY 1, 2, 3, 4, 5`,
    charges: `SELECT team_id, fingerprint, currency, statement_class, ending, ${COUNTED}, ${FINAL_COUNTED}, max(credits) AS most,
      min(occurred_at) AS first, min(workload) AS workload, min(warehouse_size) AS size FROM ${CHARGES} WHERE ${IN_RANGE} GROUP BY 1, 2, 3, 4, 5`,
  },
  ...['dash_users', 'dash_user_hours'].map((source) => ({
    name: source,
    sums: `SELECT team_id, principal_id, workload, tier, statement_class, currency, ${SUMMED}, ${FINAL} FROM ${source}($1, $2) GROUP BY 1, 2, 3, 4, 5, 6`,
    charges: `SELECT team_id, principal_id, workload, tier, statement_class, currency, ${COUNTED}, ${FINAL_COUNTED} FROM ${CHARGES}
      WHERE ${IN_RANGE} GROUP BY 1, 2, 3, 4, 5, 6`,
  })),
  {
    name: 'hours of users',
    sums: `SELECT date_trunc('hour', starts_at, 'UTC') AS hour, ${SUMMED} FROM dash_user_hours($1, $2) GROUP BY 1`,
    charges: `SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, ${COUNTED} FROM charge WHERE ${IN_RANGE} GROUP BY 1`,
  },
  {
    name: 'hours of spend',
    sums: `SELECT date_trunc('hour', starts_at, 'UTC') AS hour, team_id, warehouse, tier, currency, ${SUMMED} FROM dash_spend_hours($1, $2) GROUP BY 1, 2, 3, 4, 5`,
    charges: `SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, team_id, warehouse, tier, currency, ${COUNTED} FROM charge WHERE ${IN_RANGE} GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    name: 'estimates',
    sums: `SELECT team_id, tier, basis, ceil(ln(q_error) * 50 - 1e-9) AS step, sum(statements) AS statements,
      sum(covered) AS covered FROM dash_estimates($1, $2) GROUP BY 1, 2, 3, 4`,
    charges: `SELECT team_id, tier, basis, ceil(ln(q_error) * 50 - 1e-9) AS step, count(*) AS statements,
      count(*) FILTER (WHERE is_covered) AS covered FROM dash_estimate WHERE ${IN_RANGE} GROUP BY 1, 2, 3, 4`,
  },
];

/** Every read of every range: what sums say is what charges say. How many rows that were. */
async function compare(): Promise<number> {
  let rows = 0;
  for (const { name, sums, charges } of READS)
    for (const range of RANGES) {
      const of = async (text: string): Promise<readonly string[]> =>
        (
          await database.db.query<{ row: string }>(
            `SELECT (r.*)::text AS row FROM (${text}) r ORDER BY 1`,
            range,
          )
        ).rows.map(({ row }) => row);
      const expected = await of(charges);
      expect(await of(sums), `${name} from ${range.join(' to ')}`).toEqual(expected);
      rows += expected.length;
    }
  return rows;
}

async function tables(): Promise<Readonly<Record<string, string>>> {
  const texts: Record<string, string> = {};
  for (const table of SUMS) {
    const { rows } = await database.db.query<{ text: string | null }>(
      `SELECT string_agg(s::text, E'\\n' ORDER BY s::text) AS text FROM ${table} s`,
    );
    texts[table] = rows[0]?.text ?? '';
  }
  return texts;
}

test('panels read the same whether charges and late deltas are unsealed, behind the sums or in them', async () => {
  await charge(1, 200);
  expect(await compare()).toBeGreaterThan(1000);
  await sealAll(database.db);
  await compare();
  expect(await sumCharges(database.db)).toBe(200);
  await compare();
  // Half of all is in the sums; a delta of a summed charge is not, then is sealed, then is in them.
  await charge(201, 380);
  await meter(4);
  await compare();
  await sealAll(database.db);
  await compare();
  expect(await sumCharges(database.db)).toBe(180 + 95);
  expect(await compare()).toBeGreaterThan(1000);
  expect(await sumCharges(database.db)).toBe(0);
});

test('sums that are dropped and built anew are the same bytes, up to where they were read', async () => {
  await charge(1, 150);
  await sealAll(database.db);
  await sumCharges(database.db);
  await meter(3);
  await charge(151, 300);
  await sealAll(database.db, { batchMax: 40 });
  await sumCharges(database.db);
  const first = await tables();
  for (const table of SUMS) expect(first[table], table).not.toBe('');
  await charge(301, 320);
  await sealAll(database.db);
  await rebuildChargeSums(database.db);
  expect(await tables()).toEqual(first);
  await compare();
});

test('the day on which statements end is what is reconciled, with what is not summed yet', async () => {
  await charge(1, 200);
  await sealAll(database.db);
  await sumCharges(database.db);
  await charge(201, 300);
  await database.db.query(
    `INSERT INTO usage_day (account, day, service_type, compute_credits, cloud_services_credits, adjustment_credits, billed_credits)
     SELECT 'demo', day, 'WAREHOUSE_METERING', 1, 0, 0, 1 FROM generate_series('2026-10-01'::date, '2026-10-04', '1 day') AS day`,
  );
  const { rows } = await database.db.query<{ charged: string; summed: string }>(
    `SELECT r.charged_credits::text AS charged, (SELECT sum(c.credits) FROM charge c
       WHERE (c.ended_at AT TIME ZONE 'UTC')::date = r.day)::text AS summed
     FROM dash_reconciliation_day r WHERE r.charged_credits > 0`,
  );
  expect(rows).toHaveLength(3);
  for (const { charged, summed } of rows) expect(charged).toBe(summed);
});
