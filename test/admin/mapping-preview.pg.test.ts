import { afterAll, beforeAll, expect, test } from 'vitest';
import { previewMapping } from '../../admin/stores/mapping-preview.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { createAdminWorld, type AdminWorld } from './world.js';

let world: AdminWorld;
const DAY_MS = 86_400_000;

beforeAll(async () => {
  world = await createAdminWorld();
  await seed(40, 600);
});
afterAll(() => world.close());

/** `tickets` tickets of `users` users of sales, one in four charged at 0.5 credits, spread over 60 days. */
async function seed(users: number, tickets: number): Promise<void> {
  const { db } = world.database;
  const now = new Date(world.clock.now());
  await db.query(
    `INSERT INTO session_state (account, session_id, principal_id, snowflake_user, created_at, updated_at, sign_in)
     SELECT 'demo', n::text, 'sales_analyst', 'ETL_' || n, $2, $2,
       CASE WHEN n % 10 = 9 THEN 'terminated' ELSE 'passthrough' END FROM generate_series(0, $1 - 1) n`,
    [users, now],
  );
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id,
       via_principal_id, snowflake_user, role_name, tier, warehouse, statement_class, fingerprint, statement_shape, basis,
       low_credits, expected_credits, high_credits, expected_seconds, price_per_credit, currency, control_version,
       replica, hold_credits, occurred_at)
     SELECT ('0197a000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'SETTLED', 'demo', (n % $1)::text, 'r', 'h',
       'sales_analyst', 'sales', CASE WHEN n % $1 = 8 THEN 'looker' END, 'ETL_' || (n % $1),
       CASE WHEN n % 2 = 0 THEN 'LOADER' END, 'standard', 'STANDARD_WH', 'query', 'f', 'select ?', 'HISTORY',
       0, 0, 0, 1, 3, 'USD', 1, 'a', 0, $3::timestamptz - n * interval '60 days' / $2 - interval '1 minute'
     FROM generate_series(0, $2 - 1) n`,
    [users, tickets, now],
  );
  await db.query(
    `WITH j AS (INSERT INTO journal (kind, key, author, reason, occurred_at)
       SELECT 'settle', 'preview:' || id, 'test', 'test', occurred_at FROM ticket WHERE right(id::text, 1) IN ('0', '3', '6', '9')
       RETURNING id, key)
     INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, occurred_at, ended_at, credits,
       money, currency, price_per_credit, warehouse_ms)
     SELECT t.id, j.id, 'demo', 'sales', 'sales_analyst', 'standard', t.occurred_at, t.occurred_at, 0.5, 1.5, 'USD', 3, 1
     FROM j JOIN ticket t ON 'preview:' || t.id = j.key`,
  );
}

const withRules = (...rules: ControlDocument['mapping']): ControlDocument => {
  const document = demoControlDocument();
  return { ...document, mapping: [...rules, ...document.mapping] };
};
const sales = { match: { snowflakeUser: 'ETL_*' }, team: 'sales' };

test('only passthrough statements of the last 30 days without a claim are compared', async () => {
  const preview = await previewMapping(
    world.database.db,
    withRules(sales),
    withRules({ match: { snowflakeUser: 'ETL_1*' }, team: 'legal' }, sales),
    world.clock.now(),
  );
  const { rows } = await world.database.db.query<{ moving: string; credits: string; all: string }>(
    `SELECT count(*) AS all, count(*) FILTER (WHERE moves) AS moving, sum(c.credits) FILTER (WHERE moves) AS credits
     FROM (SELECT t.id, t.snowflake_user LIKE 'ETL_1%' AND t.via_principal_id IS NULL AND s.sign_in = 'passthrough' AS moves
       FROM ticket t JOIN session_state s USING (account, session_id) WHERE t.occurred_at >= $1) t
     LEFT JOIN charge c ON c.ticket_id = t.id`,
    [new Date(world.clock.now() - 30 * DAY_MS)],
  );
  const [move] = preview.moves;
  expect(preview.moves).toHaveLength(1);
  expect(move).toMatchObject({
    from: { kind: 'known', team: 'sales' },
    to: { kind: 'known', team: 'legal' },
    statements: Number(rows[0]?.moving),
    credits: rows[0]?.credits,
  });
  expect(move?.principals).toHaveLength(10);
  expect(move?.ticketIds).toHaveLength(5);
  const { untouchedStatements: untouched, staying } = preview;
  expect(untouched).toBeGreaterThan(0);
  expect((move?.statements ?? 0) + staying.statements + untouched).toBe(Number(rows[0]?.all));
  expect(preview.uncomparedStatements).toBe(0);
});

test('the API compares a whole document or a mapping alone with what is in force, and writes nothing', async () => {
  const path = '/api/v1/control/mapping-preview';
  const count = async (): Promise<string | undefined> =>
    (
      await world.database.db.query<{ n: string }>(
        'SELECT (SELECT count(*) FROM control_version) + (SELECT count(*) FROM audit_event) AS n',
      )
    ).rows[0]?.n;
  const before = await count();
  const reply = await world.call('POST', path, { mapping: withRules(sales).mapping });
  expect(reply.status).toBe(200);
  expect(reply.json).toMatchObject({
    controlVersion: 1,
    moves: [{ from: { kind: 'unknown', team: null }, to: { kind: 'known', team: 'sales' } }],
    isCut: false,
  });
  const whole = await world.call('POST', path, { document: withRules(sales) });
  expect(whole.json).toEqual(reply.json);
  expect(await count()).toBe(before);
});

test('a preview of nothing, of both, or of a mapping that does not hold together is refused by name', async () => {
  const path = '/api/v1/control/mapping-preview';
  const fieldOf = async (body: object) => {
    const { status, json } = await world.call('POST', path, body);
    return [status, (json['errors'] as { field: string }[])[0]?.field];
  };
  expect(await fieldOf({})).toEqual([400, 'document']);
  expect(await fieldOf({ mapping: [], document: {} })).toEqual([400, 'mapping']);
  expect(await fieldOf({ mapping: [{ match: { role: 'X' }, team: 'nobody' }] })).toEqual([
    400,
    'mapping[0].team',
  ]);
  expect(await fieldOf({ mapping: [], dryRun: true })).toEqual([400, 'dryRun']);
});

test('an empty ledger gives an empty preview', async () => {
  const empty = await createAdminWorld();
  const preview = await previewMapping(
    empty.database.db,
    withRules(),
    withRules(sales),
    empty.clock.now(),
  );
  expect(preview).toMatchObject({
    moves: [],
    staying: { statements: 0, credits: '0.000000000000', amounts: [] },
    untouchedStatements: 0,
    uncomparedStatements: 0,
  });
  await empty.close();
});
