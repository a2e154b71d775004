import fc from 'fast-check';
import type { ToldWait } from '../../../proxy/admission/waits.js';
import { must } from '#base/assert.js';
import { tryParseTicketId } from '#base/ids.js';
import { parseCredits, parseMoney } from '#base/units.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createSurface, type Surface, type SurfaceAnswer } from '../../../proxy/surface/surface.js';
import { recognise } from '../../../proxy/surface/recognise.js';
import type { SurfaceBind } from '../../../proxy/surface/values.js';
import { VIEWS, type UsedSoFar } from '../../../proxy/surface/views.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const OURS = '0197a000-0000-7000-8000-000000000001';
const REFUSED = '0197a000-0000-7000-8000-000000000002';
const THEIRS = '0197a000-0000-7000-8000-0000000000ff';
const clock = manualClock(Date.UTC(2026, 6, 15, 12));
let database: TestDatabase;
let surface: Surface;
/** What statements of a team that run here have used. */
const used = new Map<string, UsedSoFar[]>();
/** What statements of a team that wait are told. */
const waits = new Map<string, ToldWait[]>();

beforeAll(async () => {
  database = await createTestDatabase();
  surface = createSurface({
    db: database.db,
    clock,
    running: { usedOfTeam: (teamId) => used.get(teamId) ?? [] },
    waits: (teamId) => Promise.resolve(waits.get(teamId) ?? []),
  });
  await seed();
});
afterAll(() => database.drop());
beforeEach(() => clock.set(Date.UTC(2026, 6, 15, 12)));

async function seed(): Promise<void> {
  const { db } = database;
  await db.query(`INSERT INTO org_node (id, parent_id, kind, name) VALUES
    ('org', NULL, 'organisation', 'Org'), ('risk', 'org', 'team', 'Risk'), ('legal', 'org', 'team', 'Legal'),
    ('ana', 'risk', 'principal', 'Ana'), ('lee', 'legal', 'principal', 'Lee')`);
  await db.query(
    `INSERT INTO principal (id, team_id, kind) VALUES ('ana', 'risk', 'person'), ('lee', 'legal', 'person')`,
  );
  await db.query(`INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind, time_zone, week_starts_on) VALUES
    ('risk-month', 'risk', 'limited', 100.5, true, 'month', 'Europe/Berlin', 1),
    ('risk-week', 'risk', 'limited', 20, false, 'week', 'UTC', 7),
    ('risk-quarter', 'risk', 'unlimited', NULL, false, 'quarter', 'UTC', 1),
    ('ana-day', 'ana', 'limited', 1, true, 'day', 'Asia/Kolkata', 1),
    ('legal-month', 'legal', 'limited', 7, true, 'month', 'UTC', 1),
    ('lee-day', 'lee', 'limited', 7, true, 'day', 'UTC', 1),
    ('org-month', 'org', 'limited', 999, true, 'month', 'UTC', 1)`);
  await db.query(`INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits, granted_credits, spent_credits, held_credits)
    VALUES ('risk-month', '2026-06-30T22:00Z', '2026-07-31T22:00Z', 'limited', 100.5, 4.5, 10.000000000001, 2)`);
  await ticket(OURS, 'risk', 'ana', 'SETTLED', '2026-07-15T10:00:00.123456Z');
  await ticket(
    REFUSED,
    'risk',
    'ana',
    'VOID',
    '2026-07-15T11:00:00Z',
    'TG2001 Not run, nothing charged: no budget',
  );
  await ticket(THEIRS, 'legal', 'lee', 'SETTLED', '2026-07-15T10:30:00Z');
  await charge(OURS, 'risk', 'ana');
  await charge(THEIRS, 'legal', 'lee');
}

async function ticket(
  id: string,
  team: string,
  principal: string,
  state: string,
  at: string,
  refusal?: string,
): Promise<void> {
  await database.db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, snowflake_user, tier,
       warehouse, warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
       high_credits, expected_seconds, estimated_bytes, price_per_credit, currency, control_version, replica, hold_credits,
       refusal_code, refusal_message, occurred_at, started_at, ended_at, ending, snowflake_query_id, bytes_scanned)
     VALUES ($1::uuid, $2, 'demo', 's', 'r', 'h', $3, $4, 'U', 'interactive', 'INTERACTIVE_WH', 'XS', 'query', 'f', 'select * from t where a = ?',
       'HISTORY', 0.1, 0.25, 0.5, 4, 9007199254740993, 2.5, 'EUR', 3, 'a', 0.5, $5, $6, $7, $7, $7, $8, $1::uuid::text, 12)`,
    [
      id,
      state,
      principal,
      team,
      refusal === undefined ? null : 'TG2001',
      refusal ?? null,
      at,
      state === 'SETTLED' ? 'succeeded' : null,
    ],
  );
  if (state === 'RESERVED')
    await database.db.query('INSERT INTO open_ticket (ticket_id) VALUES ($1)', [id]);
}

async function charge(id: string, team: string, principal: string): Promise<void> {
  const { rows } = await database.db.query<{ id: string }>(
    `INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at) VALUES ('settle', $1, $2, 'a', 'b', now()) RETURNING id`,
    [id, `settle ${id}`],
  );
  await database.db.query(
    `INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, occurred_at, ended_at, credits, money, currency,
       price_per_credit, warehouse_ms) VALUES ($1, $2, 'demo', $3, $4, 'interactive', now(), now(), 0.3, 0.75, 'EUR', 2.5, 1234)`,
    [id, rows[0]!.id, team, principal],
  );
}

async function ask(
  text: string,
  binds: readonly SurfaceBind[] = [],
  teamId = 'risk',
): Promise<SurfaceAnswer> {
  const recognised = recognise(text);
  if (recognised.kind !== 'select' && recognised.kind !== 'why')
    throw new Error(`not recognised: ${text}`);
  // As a price that begins on the 20th.
  const pricePerCredit = parseMoney(clock.now() < Date.UTC(2026, 6, 20) ? '2.5' : '3');
  const price = { pricePerCredit, currency: 'EUR' };
  return surface.answer(recognised, { teamId, price }, binds);
}

async function rows(
  text: string,
  binds: readonly SurfaceBind[] = [],
): Promise<readonly (readonly (string | null)[])[]> {
  const answer = await ask(text, binds);
  if (answer.kind === 'refused') throw new Error(answer.refusal.message);
  return answer.result.rows;
}

async function refusal(text: string, binds: readonly SurfaceBind[] = []): Promise<string> {
  const answer = await ask(text, binds);
  if (answer.kind === 'answer') throw new Error(`answered: ${JSON.stringify(answer.result.rows)}`);
  return answer.refusal.message;
}

test('MY_BUDGET shows the team and its principals in their current periods, exact to the last decimal', async () => {
  expect(
    await rows(
      'select budget, period_start, period_end, limit_credits, spent_credits, held_credits, available_credits from tollgate.my_budget order by 1',
    ),
  ).toEqual([
    [
      'ana-day',
      '1784053800.000000000',
      '1784140200.000000000',
      '1.000000000000',
      '0.000000000000',
      '0.000000000000',
      '1.000000000000',
    ],
    [
      'risk-month',
      '1782856800.000000000',
      '1785535200.000000000',
      '105.000000000000',
      '10.000000000001',
      '2.000000000000',
      '92.999999999999',
    ],
    [
      'risk-quarter',
      '1782864000.000000000',
      '1790812800.000000000',
      null,
      '0.000000000000',
      '0.000000000000',
      null,
    ],
    [
      'risk-week',
      '1783814400.000000000',
      '1784419200.000000000',
      '20.000000000000',
      '0.000000000000',
      '0.000000000000',
      '20.000000000000',
    ],
  ]);
});

test('MY_BUDGET prices its amounts by the price in force', async () => {
  const text =
    "select team, limit_amount, spent_amount, available_amount, currency, is_hard from tollgate.my_budget where budget = 'risk-month'";
  expect(await rows(text)).toEqual([
    ['risk', '262.500000000000', '25.000000000002', '232.499999999998', 'EUR', '1'],
  ]);
  clock.set(Date.UTC(2026, 6, 25));
  expect((await rows(text))[0]?.[1]).toBe('315.000000000000');
});

test('MY_BUDGET tells what was carried, the forecast, and a limit that is passed', async () => {
  const { db } = database;
  const { rows: periods } = await db.query<{ id: string }>(
    `INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits, carried_credits, spent_credits)
     VALUES ('risk-week', '2026-07-12T00:00Z', '2026-07-19T00:00Z', 'limited', 20, -2, 21.5) RETURNING id`,
  );
  await db.query(
    `INSERT INTO budget_forecast (budget_period_id, forecast_at, low_credits, expected_credits, high_credits, exhausted_at,
       has_profile) VALUES ($1, '2026-07-15T12:00Z', 22, 30.5, 31, '2026-07-15T12:00Z', true)`,
    [periods[0]?.id],
  );
  const text = `select granted_credits, carried_credits, forecast_credits, forecast_amount, exhausted_at, passed_credits, notice
    from tollgate.my_budget where budget = 'risk-week'`;
  const answer = await ask(text);
  if (answer.kind === 'refused') throw new Error(answer.refusal.message);
  expect(answer.result.rows).toEqual([
    [
      '0.000000000000',
      '-2.000000000000',
      '30.500000000000',
      '76.250000000000',
      '1784116800.000000000',
      '3.500000000000',
      'the limit is passed; it is soft, so statements still run',
    ],
  ]);
  expect(answer.result.columns.map(({ type }) => type)).toEqual([
    'fixed',
    'fixed',
    'fixed',
    'fixed',
    'timestamp_ltz',
    'fixed',
    'text',
  ]);
  await db.query('DELETE FROM budget_forecast');
  await db.query('UPDATE budget_period SET carried_credits = 0, spent_credits = 0 WHERE id = $1', [
    periods[0]?.id,
  ]);
  expect((await rows(text))[0]?.slice(4)).toEqual([null, null, null]);
});

test('a budget of fiscal months, or of its own days, is shown by its open period', async () => {
  const { db } = database;
  await db.query(`INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind) VALUES
    ('risk-span', 'risk', 'limited', 1, true, 'custom'), ('risk-year', 'risk', 'limited', 2, true, 'fiscal')`);
  await db.query(`INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits)
    VALUES ('risk-span', '2026-07-15T00:00Z', '2026-07-16T00:00Z', 'limited', 1)`);
  const text = `select budget, period_end, limit_credits from tollgate.my_budget where budget in ('risk-span', 'risk-year') order by 1`;
  const year = ['risk-year', null, '2.000000000000'];
  expect(await rows(text)).toEqual([['risk-span', '1784160000.000000000', '1.000000000000'], year]);
  clock.set(Date.UTC(2026, 6, 17));
  expect(await rows(text)).toEqual([year]);
  await db.query(`UPDATE budget SET is_active = false WHERE id IN ('risk-span', 'risk-year')`);
});

test('a budget in a period nobody has used yet is shown with its whole limit', async () => {
  clock.set(Date.UTC(2026, 7, 2));
  expect(
    await rows(
      "select period_start, available_credits from tollgate.my_budget where budget = 'risk-month'",
    ),
  ).toEqual([['1785535200.000000000', '100.500000000000']]);
});

test('MY_QUERIES has every column in the fixed order, with exact cells', async () => {
  const answer = await ask(`select * from tollgate.my_queries where ticket = '${OURS}'`);
  if (answer.kind === 'refused') throw new Error(answer.refusal.message);
  expect(answer.result.columns.map((column) => column.name).join()).toBe(
    'TICKET,STARTED_AT,ENDED_AT,TEAM,PRINCIPAL,TIER,WAREHOUSE,STATE,QUERY_ID,STATEMENT,BASIS,ESTIMATED_BYTES,BYTES_SCANNED,ESTIMATED_CREDITS,HELD_CREDITS,CREDITS,ESTIMATED_AMOUNT,AMOUNT,CURRENCY,REFUSAL,WORKLOAD,VIA,USED_CREDITS,USED_AMOUNT,BREAK_GLASS,QUEUE_POSITION,WAITS_FOR,EXPECTED_WAIT_SECONDS,WARNINGS,REQUEST_STATE,PASS_UNTIL,FINAL_CREDITS,FINAL_AMOUNT,STAGE,RUNS_AT',
  );
  expect(answer.result.rows).toEqual([
    [
      OURS,
      '1784109600.123456000',
      '1784109600.123456000',
      'risk',
      'ana',
      'interactive',
      'INTERACTIVE_WH',
      'SETTLED',
      OURS,
      'select * from t where a = ?',
      'HISTORY',
      '9007199254740993',
      '12',
      '0.250000000000',
      '0.500000000000',
      '0.300000000000',
      '0.625000000000',
      '0.750000000000',
      'EUR',
      null,
      null,
      null,
      '0.300000000000',
      '0.750000000000',
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      '0.300000000000',
      '0.750000000000',
      'provisional',
      null,
    ],
  ]);
});

test('a running statement shows what it has used: exactly here, its share of the time elsewhere', async () => {
  const [here, elsewhere, beside] = [4, 5, 6].map((n) => `0197a000-0000-7000-8000-00000000000${n}`);
  const tickets = [here, elsewhere, beside].map((id) => must(id, 'three ids'));
  for (const id of tickets) {
    await ticket(id, 'people', 'pia', 'RESERVED', '2026-07-15T11:59:00Z');
    await database.db.query(
      "UPDATE ticket SET state = 'SENT', ended_at = NULL, started_at = NULL, sent_at = '2026-07-15T11:59:50Z' WHERE id = $1",
      [id],
    );
  }
  await database.db.query(
    "UPDATE ticket SET warehouse = 'BATCH_WH' WHERE id <> $1 AND team_id = 'people'",
    [here],
  );
  const usedCredits = parseCredits('0.123456789012');
  used.set('people', [{ ticketId: must(tryParseTicketId(here ?? ''), 'an id'), usedCredits }]);
  const text = `select used_credits, used_amount, credits from tollgate.my_queries where ticket in ('${tickets.join("', '")}') order by ticket`;
  const answer = await ask(text, [], 'people');
  expect(answer.kind === 'answer' && answer.result.rows).toEqual([
    ['0.123456789012', '0.308641972530', null],
    // 0.25 credits take 4 s; two run there, 10 s have passed.
    ['0.312500000000', '0.781250000000', null],
    ['0.312500000000', '0.781250000000', null],
  ]);
  const why = await ask(
    `select aspect, detail from table(tollgate.why('${here}')) where aspect like 'used%'`,
    [],
    'people',
  );
  expect(why).toMatchObject({ result: { rows: [['used so far', '0.123456789012 credits']] } });
  used.clear();
});

test('a statement that is only described needs no values, and says how many it takes', async () => {
  const recognised = recognise(
    'select ticket, used_credits from tollgate.my_queries where state = ? and started_at > ? limit ?',
  );
  if (recognised.kind !== 'select') throw new Error(recognised.kind);
  expect(await surface.answer(recognised, { teamId: 'risk' }, null)).toMatchObject({
    kind: 'answer',
    bindCount: 3,
    result: { columns: [{ name: 'TICKET' }, { name: 'USED_CREDITS', scale: 12 }], rows: [] },
  });
  const why = recognise('select * from table(tollgate.why(?))');
  if (why.kind !== 'why') throw new Error(why.kind);
  expect(await surface.answer(why, { teamId: 'risk' }, null)).toMatchObject({
    bindCount: 1,
    result: { columns: [{ name: 'LINE' }, { name: 'ASPECT' }, { name: 'DETAIL' }], rows: [] },
  });
});

test('grouping, aggregates, aliases, positions, order and limit work together', async () => {
  expect(
    await rows(
      'select state, count(*) n, sum(credits), count(credits) c from tollgate.my_queries group by state order by n desc, 1 limit 5',
    ),
  ).toEqual([
    ['SETTLED', '1', '0.300000000000', '1'],
    ['VOID', '1', null, '0'],
  ]);
  const answer = await ask('select count(*), sum(bytes_scanned) as "b" from tollgate.my_queries');
  expect(answer).toMatchObject({
    result: {
      columns: [
        { name: 'COUNT(*)', type: 'fixed', scale: 0 },
        { name: 'b', type: 'fixed', scale: 0 },
      ],
      rows: [['2', '24']],
    },
  });
  expect(await rows('select state, state from tollgate.my_queries order by state limit 1')).toEqual(
    [['SETTLED', 'SETTLED']],
  );
});

test.each([
  ["state like 'S%'", 1],
  ["statement like '%\\\\%'", 0],
  ["state ilike 's%'", 1],
  ["state not like 'S%'", 1],
  ["started_at > '2026-07-15 10:30'", 1],
  ["started_at >= '2026-07-15T10:00:00.123456Z' and started_at < '2026-07-15 16:00+05:30'", 1],
  ["started_at between '2026-07-15' and '2026-07-16'", 2],
  ['credits > .29', 1],
  ["credits = '0.3'", 1],
  ['credits is null', 1],
  ["refusal is not null and state in ('VOID', 'X')", 1],
  ['held_credits >= credits', 1],
  ['0.3 = credits', 1],
  ["not (state = 'VOID')", 1],
  ["state = 'VOID' or 1 = credits or ticket <> ticket", 1],
  ['estimated_bytes = 9007199254740993', 2],
  ["state = 'it''s'", 0],
  ["team = 'legal'", 0],
])('WHERE %s finds %i', async (condition, count) => {
  expect(await rows(`select ticket from tollgate.my_queries where ${condition}`)).toHaveLength(
    count,
  );
});

test('binds are taken in order or by number, with their types', async () => {
  const text = (value: string): SurfaceBind => ({ type: 'TEXT', value });
  expect(
    await rows('select ticket from tollgate.my_queries where state = ? and credits > ?', [
      text('SETTLED'),
      { type: 'REAL', value: '0.1' },
    ]),
  ).toHaveLength(1);
  expect(
    await rows('select ticket from tollgate.my_queries where credits > :2 and state = :1', [
      text('SETTLED'),
      { type: 'FIXED', value: '0' },
    ]),
  ).toHaveLength(1);
  expect(
    await rows('select ticket from tollgate.my_queries where started_at >= ?', [
      { type: 'TIMESTAMP_NTZ', value: '1784111400000000000' },
    ]),
  ).toHaveLength(1);
  expect(
    await rows('select ticket from tollgate.my_queries where started_at >= ?', [
      { type: 'DATE', value: '1784073600000' },
    ]),
  ).toHaveLength(2);
  expect(
    await rows('select ticket from tollgate.my_queries where state = ?', [
      { type: 'TEXT', value: null },
    ]),
  ).toHaveLength(0);
  expect(
    await rows('select ticket from tollgate.my_queries limit ?', [{ type: 'FIXED', value: '1' }]),
  ).toHaveLength(1);
  expect(await refusal('select ticket from tollgate.my_queries where state = ?')).toContain(
    'Bind 1 has no value',
  );
});

test.each([
  [
    'select nothing from tollgate.my_budget',
    'MY_BUDGET has no column NOTHING; it has BUDGET, TEAM, ',
  ],
  ['select "team" from tollgate.my_budget', 'MY_BUDGET has no column team'],
  ['select budget from tollgate.my_budget where secret = 1', 'no column SECRET'],
  ['select sum(team) from tollgate.my_budget', 'SUM needs a number'],
  [
    'select team, count(*) from tollgate.my_budget',
    'TEAM is neither in GROUP BY nor in COUNT or SUM',
  ],
  ['select count(*) from tollgate.my_budget order by team', 'ORDER BY takes'],
  ['select team from tollgate.my_budget order by 2', 'no column at position 2'],
  ['select team from tollgate.my_budget group by count(*)', 'GROUP BY takes columns'],
  [
    "select team from tollgate.my_budget where limit_credits > 'lots'",
    'LIMIT_CREDITS cannot be compared with lots',
  ],
  [
    'select team from tollgate.my_budget where period_start > 5',
    'PERIOD_START cannot be compared with 5',
  ],
  [
    "select team from tollgate.my_budget where period_start > '2026-02-30'",
    'PERIOD_START cannot be compared',
  ],
  ["select team from tollgate.my_budget where is_hard = 'maybe'", 'IS_HARD cannot be compared'],
  ['select team from tollgate.my_budget where team = limit_credits', 'of different types'],
  ["select team from tollgate.my_budget where limit_credits like '1%'", 'LIKE needs text'],
  ["select team from tollgate.my_budget where 'a' = 'a'", 'A comparison needs a column'],
  ['select team from tollgate.my_budget limit 1.5', 'LIMIT takes a whole number'],
  ['select coverage from tollgate.estimate_accuracy where coverage > 1e999', 'out of range'],
])('%s is refused: %s', async (text, why) => {
  const message = await refusal(text);
  expect(message).toMatch(/^TG1020 /);
  expect(message).toContain(why);
});

test('WHY tells the whole story of a ticket in order', async () => {
  const story = await rows(`select * from table(tollgate.why('${REFUSED}'))`);
  expect(story.map(([line]) => line)).toEqual(story.map((_, index) => String(index + 1)));
  expect(story).toContainEqual(['1', 'state', 'VOID']);
  expect(story).toContainEqual(['2', 'refusal', 'TG2001 Not run, nothing charged: no budget']);
  const settled = await rows(
    "select aspect, detail from table(tollgate.why(?)) where aspect in ('charge', 'state', 'estimate') order by line",
    [{ type: 'TEXT', value: OURS.toUpperCase() }],
  );
  expect(settled).toEqual([
    ['state', 'SETTLED (succeeded)'],
    ['estimate', 'expected 0.25 credits, range 0.10 to 0.50, basis HISTORY'],
    ['charge', '0.30 credits, 0.75 EUR, 1234 warehouse milliseconds'],
  ]);
});

test('a ticket of another team and one that does not exist are refused in the same words', async () => {
  const missing = THEIRS.replace('ff', 'fe');
  const theirs = await refusal(`select * from table(tollgate.why('${THEIRS}'))`);
  expect(theirs).toMatch(/^TG1021 /);
  expect(
    (await refusal(`select * from table(tollgate.why('${missing}'))`)).replace(missing, THEIRS),
  ).toBe(theirs);
  expect(await refusal("select * from table(tollgate.why('1; select 1'))")).toContain(
    'WHY takes a ticket id',
  );
});

test('ESTIMATE_ACCURACY shows the caller’s own shapes', async () => {
  expect(
    await rows(
      'select basis, day, statements, q_error_p50, coverage from tollgate.estimate_accuracy',
    ),
  ).toEqual([['HISTORY', expect.stringMatching(/^\d+\.0{9}$/), '1', '1.2', '1']]);
});

test('a database that does not answer is the fault ledgerUnavailable', async () => {
  const gone = await createTestDatabase();
  await gone.drop();
  const broken = createSurface({
    db: gone.db,
    clock,
    running: { usedOfTeam: () => [] },
    waits: () => Promise.resolve([]),
  });
  await expect(
    broken.answer(
      { kind: 'select', text: 'select * from tollgate.my_budget' },
      { teamId: 'risk' },
      [],
    ),
  ).rejects.toMatchObject({ code: 'ledgerUnavailable' });
});

const column = fc.constantFrom(
  'TICKET',
  'TEAM',
  'STATE',
  'CREDITS',
  'STARTED_AT',
  'REFUSAL',
  'PRINCIPAL',
  'HELD_CREDITS',
  'IS_HARD',
  'BUDGET',
  'LINE',
);
const literal = fc.oneof(
  fc.constantFrom(
    "'legal'",
    "'risk'",
    `'${THEIRS}'`,
    "'%'",
    "''' or 1=1 --'",
    "'\\' or true --'",
    '0',
    '-1.5',
    'true',
    'null',
    '?',
    ':1',
    "'2026-07-15'",
    '$$x$$',
    '"TEAM"',
    "') or (v.\"TEAM\" = ''legal'",
  ),
  fc
    .string({ maxLength: 12 })
    .map((text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`),
);
const comparison = fc
  .tuple(column, fc.constantFrom('=', '<>', '<', '>=', 'like', 'not like', 'ilike'), literal)
  .map((parts) => parts.join(' '));
const simple = fc.oneof(
  comparison,
  column.map((name) => `${name} is not null`),
  column.map((name) => `${name} is null`),
  fc.tuple(column, literal, literal).map(([name, a, b]) => `${name} in (${a}, ${b})`),
  fc.tuple(column, literal, literal).map(([name, a, b]) => `${name} not between ${a} and ${b}`),
  fc.constantFrom(
    '1 = 1',
    'true',
    '1 = 1 --',
    'TEAM = TEAM',
    "TEAM = 'risk') or (TEAM = 'legal'",
    'STATE <> STATE or STATE = STATE',
  ),
);
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    simple,
    fc
      .tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition'))
      .map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('condition').map((inner) => `not (${inner})`),
  ),
}));
const source = fc.constantFrom(
  'TOLLGATE.MY_QUERIES',
  'TOLLGATE.MY_BUDGET',
  'TOLLGATE.ESTIMATE_ACCURACY',
  `TABLE(TOLLGATE.WHY('${OURS}'))`,
  `TABLE(TOLLGATE.WHY('${THEIRS}'))`,
);

test('no condition, however it is put, shows a row of another team, or fails other than by a refusal', async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      source,
      condition,
      fc.constantFrom('', ' order by 1', ' limit 3'),
      async (from, where, tail) => {
        const answer = await ask(`select * from ${from} where ${where}${tail}`, [
          { type: 'TEXT', value: 'legal' },
        ]);
        if (answer.kind === 'refused') return;
        answered += answer.result.rows.length;
        const seen = JSON.stringify(answer.result.rows);
        for (const secret of ['legal', 'lee', THEIRS]) expect(seen).not.toContain(secret);
      },
    ),
    { numRuns: 400 },
  );
  expect(answered).toBeGreaterThan(20);
});

const columnsOf = (answer: SurfaceAnswer): readonly string[] =>
  answer.kind === 'answer' ? answer.result.columns.map((each) => each.name) : [];

async function request(
  text: string,
  binds: readonly SurfaceBind[] | null = [],
  teamId = 'risk',
): Promise<SurfaceAnswer> {
  const recognised = recognise(text);
  if (recognised.kind !== 'request') throw new Error(`not recognised: ${text}`);
  const caller = { teamId, principalId: 'ana', owner: 'risk-leads' };
  return surface.request(recognised, caller, binds);
}

async function requestRefusal(
  text: string,
  binds: readonly SurfaceBind[] = [],
  teamId = 'risk',
): Promise<string> {
  const answer = await request(text, binds, teamId);
  if (answer.kind === 'answer') throw new Error(`answered: ${JSON.stringify(answer.result.rows)}`);
  return answer.refusal.message;
}

const asText = (value: string): SurfaceBind => ({ type: 'TEXT', value });

test('REQUEST answers one row, and the same ticket again says when it was asked', async () => {
  clock.set(Date.UTC(2026, 6, 15, 12) + 7);
  const answer = await request(`CALL TOLLGATE.REQUEST('${REFUSED}', ' for the ''board'' ');`);
  expect(columnsOf(answer)).toEqual(['REQUEST', 'TICKET', 'STATE', 'OWNER', 'ASKED_AT']);
  expect(answer).toMatchObject({
    result: {
      rows: [
        [
          `Asked. The answer will be in SELECT * FROM TABLE(TOLLGATE.WHY('${REFUSED}')).`,
          REFUSED,
          'waiting',
          'risk-leads',
          '1784116800.007000000',
        ],
      ],
    },
  });
  clock.advance(3_600_000);
  for (const [text, binds] of [
    ['call tollgate.request(?, ?)', [asText(REFUSED), asText('other')]],
    ['Call "TOLLGATE"."REQUEST"(:2, :1);', [asText('other'), asText(REFUSED.toUpperCase())]],
    [`CALL TOLLGATE.REQUEST('${REFUSED}', ?)`, [asText('other')]],
    [`CALL TOLLGATE.REQUEST(?, $$other$$)`, [asText(REFUSED)]],
  ] as const) {
    const again = await request(text, binds);
    expect(again, text).toMatchObject({
      result: {
        rows: [
          [
            'Asked already, 2026-07-15 12:00 UTC; it waits until 2026-07-22 12:00 UTC, and nothing was changed.',
            REFUSED,
            'waiting',
            'risk-leads',
            '1784116800.007000000',
          ],
        ],
      },
    });
  }
  const { rows: kept } = await database.db.query('SELECT reason FROM approval_request');
  expect(kept).toEqual([{ reason: "for the 'board'" }]);
  expect(await rows(`select aspect, detail from table(tollgate.why('${REFUSED}'))`)).toContainEqual(
    ['request', "waiting: asked by ana at 2026-07-15 12:00 UTC: for the 'board'"],
  );
});

test('a client that only asks to describe REQUEST learns its columns and asks for nothing', async () => {
  const { rowCount } = await database.db.query('SELECT 1 FROM approval_request');
  const answer = await request('CALL TOLLGATE.REQUEST(?, ?)', null);
  expect(columnsOf(answer)).toHaveLength(5);
  expect(answer).toMatchObject({ result: { rows: [] } });
  expect((await database.db.query('SELECT 1 FROM approval_request')).rowCount).toBe(rowCount);
});

test('REQUEST of another team’s ticket is refused in the words of WHY for an unknown one', async () => {
  const unknown = '0197a000-0000-7000-8000-00000000abcd';
  for (const id of [THEIRS, unknown]) {
    const said = await requestRefusal(`CALL TOLLGATE.REQUEST('${id}', 'please')`);
    expect(said).toBe(`TG1021 There is no ticket ${id} in your team.`);
    expect(await refusal(`select * from table(tollgate.why('${id}'))`)).toBe(said);
  }
  expect(
    await requestRefusal(`CALL TOLLGATE.REQUEST('${REFUSED}', 'please')`, [], 'legal'),
  ).toMatch(/^TG1021/);
});

test('REQUEST of a ticket that ran says that there is nothing to ask for', async () => {
  expect(await requestRefusal(`CALL TOLLGATE.REQUEST('${OURS}', 'please')`)).toBe(
    `TG1020 Ticket ${OURS} was not refused by a budget, a ceiling or a rule, so there is nothing to ask for.`,
  );
});

test.each([
  ["''", [], 'The reason must say why'],
  ["'  '", [], 'The reason must say why'],
  ['?', [{ type: 'TEXT', value: null }], 'The reason must say why'],
  [`'${'x'.repeat(501)}'`, [], 'The reason must be at most 500 characters'],
  ['?', [asText('😀'.repeat(501))], 'The reason must be at most 500 characters'],
  ['?', [asText('x'.repeat(100_000))], 'The reason must be at most 500 characters'],
  [':2', [], 'Bind 2 has no value'],
  [':name', [], 'The bind :name must be'],
  ['7', [], 'REQUEST takes a ticket and a reason'],
  ["'a', 'b', 'c'", [], 'REQUEST takes a ticket and a reason'],
  ["'a', 'b'", [], '"b" is not understood; write'],
  ["'a', '0 USD'", [], '"0 USD" must be more than zero'],
  ["'a', '0 runs'", [], '"0 runs" must have a whole number from 1 to'],
  ["'a', '1.5 days'", [], '"1.5 days" must have a whole number from 1 to'],
  ["'a', '9 years'", [], '"9 years" is not understood'],
  ["'a', '12 CHF'", [], 'Money is asked for in '],
  ["'a', ''", [], '"" is not understood'],
  [`'a', '${'x'.repeat(201)}'`, [], 'What is wanted must be at most 200 characters'],
  ['?, ?', [asText('a'), asText('-1 USD')], '"-1 USD" is not understood'],
  ["'a'); select 1; (", [], 'REQUEST takes a ticket and a reason'],
  ["'a' || 'b'", [], 'REQUEST takes a ticket and a reason'],
  ["'a", [], 'REQUEST takes a ticket and a reason'],
] as const)('a reason written %s is refused with its rule', async (reason, binds, rule) => {
  const said = await requestRefusal(`CALL TOLLGATE.REQUEST('${REFUSED}', ${reason})`, binds);
  expect(said).toContain(`TG1020 ${rule}`);
  expect(said).toContain("CALL TOLLGATE.REQUEST('<ticket>', '<reason>')");
});

test.each([
  ['CALL TOLLGATE.REQUEST'],
  ['CALL TOLLGATE.REQUEST()'],
  [`CALL TOLLGATE.REQUEST('${REFUSED}')`],
  ["CALL TOLLGATE.REQUEST('no ticket', 'please')"],
  [`select 1; CALL TOLLGATE.REQUEST('${REFUSED}', 'please')`],
  [`CALL TOLLGATE.REQUEST('${REFUSED}', 'please') INTO x`],
])('%s is refused with the form', async (text) => {
  expect(await requestRefusal(text)).toMatch(/^TG1020 REQUEST takes a ticket/);
});

test('500 characters of any script are a reason', async () => {
  const refused = '0197a000-0000-7000-8000-000000000003';
  await ticket(refused, 'risk', 'ana', 'VOID', '2026-07-15T11:30:00Z', 'TG2001 Not run');
  const answer = await request('CALL TOLLGATE.REQUEST(?, ?)', [
    asText(refused),
    asText('😀'.repeat(500)),
  ]);
  expect(answer.kind).toBe('answer');
});

test('every view answers SELECT * for a team that has nothing', async () => {
  for (const view of ['MY_BUDGET', 'MY_QUERIES', 'ESTIMATE_ACCURACY'] as const) {
    const answer = await ask(`select * from tollgate.${view}`, [], 'nobody');
    expect(answer).toMatchObject({ kind: 'answer', result: { rows: [] } });
    if (answer.kind === 'answer')
      expect(answer.result.columns).toHaveLength(VIEWS[view].columns.length);
  }
});

test('a waiting statement shows its position, what keeps it and for how long; one that nobody approved, that', async () => {
  const [queued, asked] = [7, 8].map((n) => `0197a000-0000-7000-8000-00000000000${n}`);
  for (const id of [queued, asked])
    await ticket(must(id, 'an id'), 'people', 'pia', 'RESERVED', '2026-07-15T11:59:00Z');
  await database.db.query(
    "INSERT INTO approval_request (ticket_id, principal_id, reason, wants, asked_at) VALUES ($1, 'pia', 'why', 'statement', now())",
    [asked],
  );
  waits.set('people', [
    { ticketId: must(queued, 'an id'), position: 3, limitedBy: 'team', expectedWaitMs: 41_500 },
  ]);
  const columns = 'queue_position, waits_for, expected_wait_seconds';
  const text = `select ${columns} from tollgate.my_queries where ticket in ('${queued}', '${asked}') order by ticket`;
  expect(await ask(text, [], 'people')).toMatchObject({
    result: {
      rows: [
        ['3', 'team', '41.5'],
        [null, 'approval', null],
      ],
    },
  });
  const why = `select detail from table(tollgate.why('${queued}')) where aspect = 'waits'`;
  expect(await ask(why, [], 'people')).toMatchObject({
    result: { rows: [['number 3 in its queue, for the team; about 42 s']] },
  });
  waits.clear();
});
