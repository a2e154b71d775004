/**
 * How Postgres reads what panels ask, over enough rows that it has the choice: ranges of sums by their primary key, and charges that
 * hours have not followed by theirs. Whole tables are read in milliseconds here, and in a minute of ten million charges.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCHEMA } from '../../base/postgres/session.js';
import { writeCharges } from '../../bench/month.js';
import { writeTickets } from '../../bench/panels.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { expand } from './macros.js';
import { openingRange, panelQueries } from './panel-queries.js';

const CHARGES = 20_000;
const DAYS = 40;
const TABLES =
  'charge\\w*_months|charge_\\d+_\\d+|charge_shape_sum|charge_user_sum|charge_error_sum|journal';
const END = new Date('2026-10-31T23:59:59Z');
const ALL = ['team-0', 'team-1', 'team-2'];

let database: TestDatabase;
let owner: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  // Compiling takes longer than so few rows do, and changes no plan.
  await owner.query(`SET search_path = ${SCHEMA}; SET jit = off`);
  await writeCharges(owner, CHARGES, () => undefined);
  await writeTickets(owner, () => undefined);
  await owner.query(
    `INSERT INTO journal (id, kind, ticket_id, key, author, reason, occurred_at) OVERRIDING SYSTEM VALUE
     SELECT journal_id, 'settle', ticket_id, 'settle:' || journal_id, 'bench', 'bench', occurred_at FROM charge`,
  );
  await owner.query(`INSERT INTO ledger_follower VALUES ('panels', $1)`, [CHARGES]);
  // Three teams with ten keys each in every hour, and in every day.
  for (const [table, keys, values] of [
    [
      'charge_shape_sum',
      'fingerprint, currency, statement_class, ending, first_at',
      `'f' || n, 'USD', 'query', 'succeeded', at`,
    ],
    [
      'charge_user_sum',
      'principal_id, workload, tier, statement_class, currency',
      `'p' || n, '', 'batch', 'query', 'USD'`,
    ],
  ] as const)
    await owner.query(
      `INSERT INTO ${table} (grain, starts_at, team_id, ${keys}, statements, credits, money, delta_credits, delta_money)
       SELECT grain, at, 'team-' || team, ${values}, 1, 1, 1, 0, 0
       FROM (VALUES ('hour'), ('day')) AS g (grain), generate_series(0, 2) AS team, generate_series(1, 10) AS n,
         LATERAL generate_series('2026-09-01Z'::timestamptz, '2026-09-01Z'::timestamptz + interval '${DAYS} days', ('1 ' || grain)::interval) AS at`,
    );
  await owner.query(
    `INSERT INTO charge_error_sum (grain, starts_at, team_id, tier, basis, error_step, statements, covered)
     SELECT 'hour', at, 'team-' || team, 'batch', 'HISTORY', step, 1, 1
     FROM generate_series(0, 2) AS team, generate_series(1, 10) AS step,
       generate_series('2026-09-01Z'::timestamptz, '2026-11-01Z', '1 hour') AS at`,
  );
  await owner.query('ANALYZE');
  const { rows } = await owner.query<{ part: string; whole: string }>(
    'SELECT inhrelid::regclass::text AS part, inhparent::regclass::text AS whole FROM pg_inherits',
  );
  wholes = new Map(rows.map(({ part, whole }) => [part, whole]));
  const unwritten = await owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' AND pg_relation_size(oid) = 0`,
  );
  empty = new Set(unwritten.rows.map(({ name }) => name));
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** By the name of a partition or of its index: the table, or the index of it. */
let wholes: ReadonlyMap<string, string> = new Map();
/** Months of which there is nothing yet: reading them whole is reading nothing. */
let empty: ReadonlySet<string> = new Set();

/**
 * Tables that were read whole, and the entries that were read of each index, by their names of no month, as Postgres has counted
 * them: in functions too, whose plans no statement shows. The planner itself reads an entry of some, to know their ends.
 */
async function readsOf(sql: string): Promise<{ whole: Set<string>; indexes: Map<string, number> }> {
  await owner.query('BEGIN');
  try {
    await owner.query(sql);
    const { rows } = await owner.query<{ name: string; is_index: boolean; entries: number }>(
      `SELECT relname AS name, relkind = 'i' AS is_index, pg_stat_get_xact_tuples_returned(oid)::float8 AS entries
       FROM pg_class WHERE relkind IN ('r', 'i') AND pg_stat_get_xact_numscans(oid) > 0`,
    );
    const large = new RegExp(`^(${TABLES})$`);
    const whole = new Set<string>();
    const indexes = new Map<string, number>();
    for (const { name, is_index: isIndex, entries } of rows) {
      const of = wholes.get(name) ?? name;
      if (isIndex) indexes.set(of, (indexes.get(of) ?? 0) + entries);
      else if (large.test(name) && !empty.has(name)) whole.add(of);
    }
    return { whole, indexes };
  } finally {
    await owner.query('ROLLBACK');
  }
}

const RANGE = `('2026-09-20T05:17:00Z', '2026-09-27T05:17:00Z')`;
const ofTeams = (name: string): string =>
  `SELECT team_id, sum(credits) FROM ${name}${RANGE} WHERE team_id IN ('team-0', 'team-1', 'team-2') GROUP BY 1`;

test.each([
  ['dash_shapes', 'charge_shape_sum_pkey'],
  ['dash_users', 'charge_user_sum_pkey'],
  ['dash_user_hours', 'charge_user_sum_pkey'],
])('%s reads a week by the primary key of its sums', async (name, key) => {
  const { whole, indexes } = await readsOf(ofTeams(name));
  expect([...whole]).toEqual([]);
  expect(indexes.get(key)).toBeGreaterThan(100);
});

test('spending reads the charges that hours have not followed by their journals', async () => {
  await owner.query(`UPDATE ledger_follower SET sequence = sequence - 200 WHERE name = 'hours'`);
  const { whole, indexes } = await readsOf(ofTeams('dash_spend_hours'));
  expect([...whole]).toEqual([]);
  expect(indexes.get('charge_journal')).toBeGreaterThanOrEqual(200);
});

test(
  'no panel reads charges, journals or sums whole when its board is opened',
  { timeout: 60_000 },
  async () => {
    const found: string[] = [];
    const read = new Set<string>();
    for (const { board, panel, rawSql, opensAt, isOfTeams } of panelQueries()) {
      const team = isOfTeams ? ALL : ALL.slice(0, 1);
      const plan = await readsOf(expand(rawSql, openingRange(opensAt, END), { team }));
      for (const table of plan.whole) found.push(`${board}: ${panel}: ${table}`);
      for (const index of plan.indexes.keys()) read.add(index);
    }
    expect(found).toEqual([]);
    // It looked.
    for (const index of [
      'charge_journal',
      'charge_team',
      'charge_shape_sum_pkey',
      'charge_user_sum_pkey',
      'charge_error_sum_pkey',
      'journal_recorded',
    ])
      expect(read).toContain(index);
  },
);

test('a table that is read whole is seen', async () => {
  expect([...(await readsOf('SELECT sum(credits) FROM charge')).whole]).toEqual(['charge']);
});
