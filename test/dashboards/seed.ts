/** Two teams, a month of Snowflake's figures, charges, holds, refusals: enough for every panel to show something. */
import type pg from 'pg';

/** The end of the chosen time; everything happens in the day before. */
export const NOON: Date = new Date('2026-07-15T12:00:00Z');
const AT = '2026-07-15T11:00:00Z';

interface SeedTicket {
  readonly id: number;
  readonly team?: string;
  readonly state: string;
  readonly hold?: number;
  readonly refusal?: string;
  readonly at?: string;
  readonly fingerprint?: string;
  readonly ending?: string;
}

/**
 * sales: a budget of 10 credits a day with 2 charged and 1.5 held, one statement refused. `o'brien`: 0.25 charged of a
 * statement that failed. The warehouse-hour of 11:00 metered 3 credits: 2 direct, 0.5 bypass, 0.25 idle, 0.25 nowhere.
 */
export async function seed(db: pg.Client): Promise<void> {
  await db.query(`INSERT INTO org_node (id, parent_id, kind, name) VALUES ('org', NULL, 'organisation', 'Org'),
    ('sales', 'org', 'team', 'Sales'), ('o''brien', 'org', 'team', 'O''Brien')`);
  await db.query(
    `INSERT INTO tier (id, warehouse, concurrency_max, queue_max) VALUES ('interactive', 'STANDARD_WH', 4, 100)`,
  );
  await seedBudget(db);
  await ticket(db, { id: 1, state: 'SETTLED', hold: 2 });
  await ticket(db, { id: 2, state: 'RUNNING', hold: 1.5 });
  await ticket(db, { id: 3, state: 'VOID', refusal: 'TG2001' });
  await ticket(db, {
    id: 4,
    state: 'SETTLED',
    hold: 2,
    team: "o'brien",
    fingerprint: 'g',
    ending: 'failed',
  });
  // A day earlier: the shape was cheaper then.
  await ticket(db, { id: 5, state: 'SETTLED', hold: 2, at: '2026-07-14T10:00:00Z' });
  // After the chosen time, in the same day.
  await ticket(db, { id: 6, state: 'SETTLED', hold: 2, at: '2026-07-15T13:00:00Z' });
  await charge(db, { id: 1, credits: 1.5, at: AT });
  await charge(db, { id: 4, credits: 0.25, at: AT, team: "o'brien" });
  await charge(db, { id: 5, credits: 0.5, at: '2026-07-14T10:00:00Z' });
  await charge(db, { id: 6, credits: 4, at: '2026-07-15T13:00:00Z' });
  await ticket(db, { id: 7, state: 'SETTLED', hold: 2 });
  await charge(db, { id: 7, credits: 0.5, at: AT });
  await db.query(
    `INSERT INTO running_use (ticket_id, replica, used_credits, hold_credits, ceiling_credits, used_at, updated_at)
     VALUES ($1, 'a#1', 0.75, 1.5, 3, $2, now())`,
    [idOf(2), AT],
  );
  await db.query(
    `INSERT INTO replica (id, control_version) VALUES ('a#1', 1);
     INSERT INTO lane (tier) VALUES ('interactive');
     INSERT INTO lane_permit (tier, replica, idle, running, told_at) VALUES ('interactive', 'a#1', 0, '[{}, {}]', now());
     INSERT INTO lane_waiting (ticket_id, tier, replica, team_id, principal_id, is_administrator, expected_credits,
       expected_ms, since)
     VALUES ('00000000-0000-7000-8000-000000000009', 'interactive', 'a#1', 'sales', 'p', false, 1, 1,
       clock_timestamp() - interval '30 seconds')`,
  );
  await seedUsage(db);
}

async function seedBudget(db: pg.Client): Promise<void> {
  await db.query(
    `INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind)
     VALUES ('sales-day', 'sales', 'limited', 10, true, 'day'), ('brien-day', 'o''brien', 'limited', 5, false, 'day')`,
  );
  await db.query(
    `INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits, spent_credits, held_credits)
     VALUES ('sales-day', '2026-07-15', '2026-07-16', 'limited', 10, 2, 1.5),
       ('brien-day', '2026-07-15', '2026-07-16', 'limited', 5, 0.25, 0)`,
  );
  await db.query(
    `INSERT INTO budget_forecast (budget_period_id, forecast_at, low_credits, expected_credits, high_credits,
       exhausted_at, has_profile)
     SELECT id, $1, 3, 4, 5, NULL, false FROM budget_period WHERE budget_id = 'sales-day'`,
    [AT],
  );
  await db.query(
    `INSERT INTO budget_notice (budget_period_id, measure, threshold, fired_at, limit_credits, spent_credits)
     SELECT id, 'use', 20, $1, 10, 2 FROM budget_period WHERE budget_id = 'sales-day'`,
    [AT],
  );
  await db.query(
    `INSERT INTO spend_anomaly (team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at)
     VALUES ('sales', 'hour', $1, 2, 0.25, 0.75, '[]', 'sales-leads', $1)`,
    [AT],
  );
}

/** The hours of 11:00, and of 12:00 which waits. */
async function seedUsage(db: pg.Client): Promise<void> {
  await db.query(
    `INSERT INTO usage_import (account, view_name, read_to, read_again_at, imported_at)
     VALUES ('demo', 'WAREHOUSE_METERING_HISTORY', $1, $1, clock_timestamp() - interval '10 minutes')`,
    [AT],
  );
  await db.query(
    `INSERT INTO usage_warehouse_hour (account, warehouse_id, starts_at, warehouse, metered_credits,
       cloud_services_credits, is_stale, problem, allocated_at)
     VALUES ('demo', '1', $1, 'STANDARD_WH', 3, 0.1, false, NULL, $1),
       ('demo', '1', '2026-07-15T12:00:00Z', 'STANDARD_WH', 1, 0, true, 'no rate', NULL)`,
    [AT],
  );
  await db.query(
    `INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, query_id, ticket_id, team_id, credits)
     VALUES ('demo', '1', $1, 1, 'direct', 'q1', $2, 'sales', 2), ('demo', '1', $1, 2, 'bypass', 'q2', NULL, 'o''brien', 0.5),
       ('demo', '1', $1, 3, 'idle', NULL, NULL, NULL, 0.25), ('demo', '1', $1, 4, 'unexplained', NULL, NULL, NULL, 0.25)`,
    [AT, idOf(1)],
  );
  await db.query(
    `INSERT INTO usage_day (account, service_type, day, compute_credits, cloud_services_credits, adjustment_credits,
       billed_credits)
     VALUES ('demo', 'WAREHOUSE_METERING', '2026-07-15', 4, 0.1, -0.1, 4)`,
  );
}

function idOf(id: number): string {
  return `00000000-0000-7000-8000-00000000000${id}`;
}

async function ticket(db: pg.Client, given: SeedTicket): Promise<void> {
  const { id, team = 'sales', state, hold = 0, refusal, at = AT, fingerprint = 'f' } = given;
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id,
       snowflake_user, tier, warehouse, statement_class, fingerprint, statement_shape, basis, low_credits,
       expected_credits, high_credits, expected_seconds, price_per_credit, currency, control_version, replica,
       hold_credits, refusal_code, refusal_message, occurred_at, ending)
     VALUES ($1::uuid, $2, 'demo', 's', $1::uuid::text, 'h', 'sales_analyst', $3, 'SALES', 'interactive', 'STANDARD_WH', 'query',
       $4, 'SELECT ?', 'GUESS', 0, 1, 2, 1, 3, 'USD', 1, 'a', $5, $6, $7, $8, $9)`,
    [
      idOf(id),
      state,
      team,
      fingerprint,
      hold,
      refusal ?? null,
      refusal === undefined ? null : 'Not run, nothing charged.',
      at,
      state === 'SETTLED' ? (given.ending ?? 'succeeded') : null,
    ],
  );
  if (state !== 'SETTLED' && state !== 'VOID')
    await db.query('INSERT INTO open_ticket (ticket_id) VALUES ($1)', [idOf(id)]);
}

async function charge(
  db: pg.Client,
  given: {
    readonly id: number;
    readonly credits: number;
    readonly at: string;
    readonly team?: string;
  },
): Promise<void> {
  const { id, credits, at, team = 'sales' } = given;
  await db.query(
    `WITH j AS (
       INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
       VALUES ('settle', $1::uuid, 'k' || $1::uuid::text, 'test', 'test', $3::timestamptz) RETURNING id
     )
     INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, occurred_at, ended_at,
       credits, money, currency, price_per_credit, warehouse_ms)
     SELECT $1::uuid, id, 'demo', $4, 'sales_analyst', 'interactive', 'STANDARD_WH', $3::timestamptz, $3::timestamptz,
       $2::numeric, $2::numeric * 3, 'USD',
       3, 1000 FROM j`,
    [idOf(id), credits, at, team],
  );
}
