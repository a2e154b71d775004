import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import type { Log } from '../../base/log.js';
import type { Database } from '../../base/postgres/pool.js';
import { createLedger } from '../../billing/create-ledger.js';
import {
  assertSchemaKnown,
  knownMigrations,
  migrate,
  migrationText,
  migrationsDirectory,
  olderMayRun,
} from '../../migrations/migrate.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, openTestPool } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { schemaListing } from './schema-listing.js';

let empty: TestDatabase;
let owner: Database;
beforeAll(async () => {
  empty = await createTestDatabase({ empty: true });
  owner = openTestPool(empty.ownerUrl, 2);
});
afterAll(async () => {
  await owner.stop();
  await empty.drop();
});

test('an empty database is not taken for ours, and migrating it makes it so', async () => {
  await expect(assertSchemaKnown(owner)).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  await migrate(empty.ownerUrl, { log: silentLog });
  await assertSchemaKnown(owner);
  await assertSchemaKnown(empty.db);
  const { rows } = await owner.query<{ name: string }>(
    'SELECT name FROM tollgate.migration ORDER BY id',
  );
  expect(rows.map(({ name }) => name)).toEqual(knownMigrations());
});

test('two programs that start at once migrate once, and a third finds nothing to do', async () => {
  const fresh = await createTestDatabase({ empty: true });
  const said: string[] = [];
  const log: Log = { ...silentLog, info: (_fields, message) => void said.push(message) };
  await Promise.all([migrate(fresh.ownerUrl, { log }), migrate(fresh.ownerUrl, { log })]);
  await migrate(fresh.ownerUrl, { log });
  expect(said).toEqual(['database migrated']);
  await fresh.drop();
});

test('the schema is the committed one', async () => {
  const listing = await schemaListing(owner);
  const file = path.join(migrationsDirectory(), 'schema.txt');
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(file, listing);
  expect(listing).toBe(readFileSync(file, 'utf8'));
});

test('every migration says whether older binaries may run, and the database repeats it', async () => {
  const { rows } = await owner.query(
    'SELECT name, older_may_run FROM tollgate.schema_release ORDER BY name',
  );
  expect(rows).toEqual(
    knownMigrations().map((name) => ({ name, older_may_run: olderMayRun(migrationText(name)) })),
  );
  for (const name of knownMigrations()) {
    expect(migrationText(name)).toMatch(/^-- .+\n-- older binaries: (may run|must not run)\n/);
  }
});

test('a program refuses a newer schema that does not want it, and takes one that does', async () => {
  const older = mkdtempSync(path.join(os.tmpdir(), 'tollgate-older-'));
  try {
    cpSync(
      path.join(migrationsDirectory(), '0001_control.sql'),
      path.join(older, '0001_control.sql'),
    );
    for (const name of knownMigrations()) {
      if (olderMayRun(migrationText(name))) continue;
      if (name !== '0001_control')
        await expect(assertSchemaKnown(owner, older)).rejects.toThrow(name);
      cpSync(path.join(migrationsDirectory(), `${name}.sql`), path.join(older, `${name}.sql`));
    }
    await assertSchemaKnown(owner, older);
  } finally {
    rmSync(older, { recursive: true, force: true });
  }
});

test('a database that cannot be reached is one clear fault', async () => {
  const attempt = migrate('postgres://nobody:none@127.0.0.1:1/none', { log: silentLog });
  await expect(attempt).rejects.toMatchObject({ code: 'ledgerUnavailable' });
});

test('migrating again over a ledger in use leaves it as it was', async () => {
  const used = await createTestDatabase();
  const ledger = createLedger(used.db, manualClock());
  await insertBudget(used.db, { id: 'b', limit: credits('9') });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['b'], holdCredits: credits('1') });
  await ledger.settle(buildSettlement(ticket.ticketId));
  await migrate(used.ownerUrl, { log: silentLog });
  expect((await used.db.query('SELECT ticket_id FROM charge')).rows).toEqual([
    { ticket_id: ticket.ticketId },
  ]);
  await expectInvariants(used.db);
  await used.drop();
});

test('the reporting views answer over charged, refused and open statements', async () => {
  const used = await createTestDatabase();
  const ledger = createLedger(used.db, manualClock());
  await insertBudget(used.db, { id: 'b', limit: credits('2') });
  const [charged, refused, open] = [buildTicket(), buildTicket(), buildTicket()];
  await ledger.reserve({ ticket: charged, budgetIds: ['b'], holdCredits: credits('1') });
  await ledger.settle(buildSettlement(charged.ticketId, { usedCredits: credits('0.25') }));
  await ledger.reserve({ ticket: refused, budgetIds: ['b'], holdCredits: credits('5') });
  await ledger.reserve({ ticket: open, budgetIds: ['b'], holdCredits: credits('1') });
  const budget = await used.db.query(
    'SELECT spent_credits, held_credits, available_credits FROM my_budget',
  );
  expect(budget.rows).toEqual([
    {
      spent_credits: '0.250000000000',
      held_credits: '1.000000000000',
      available_credits: '0.750000000000',
    },
  ]);
  const accuracy = await used.db.query(
    'SELECT basis, q_error_p50, coverage FROM estimate_accuracy',
  );
  expect(accuracy.rows).toEqual([{ basis: 'HISTORY', q_error_p50: 2, coverage: 1 }]);
  expect((await used.db.query('SELECT ticket_id, refusal_code FROM refusals')).rows).toEqual([
    { ticket_id: refused.ticketId, refusal_code: 'TG2001' },
  ]);
  expect((await used.db.query('SELECT ticket_id FROM my_queries')).rowCount).toBe(3);
  await used.drop();
});

/** A database as it is just before a migration, and one connection of its owner. */
async function databaseBefore(last: string): Promise<{ before: TestDatabase; one: Database }> {
  const before = await createTestDatabase({ empty: true });
  const one = openTestPool(before.ownerUrl, 1);
  await one.query('CREATE SCHEMA IF NOT EXISTS tollgate');
  await one.query('CREATE TABLE tollgate.migration (id integer, name text, run_on timestamp)');
  await one.query('SET search_path TO tollgate');
  for (const name of knownMigrations().filter((each) => each < last))
    await one.query(migrationText(name));
  return { before, one };
}

test('tickets of before what is open was a table are open, and found by their queries, as they were', async () => {
  const last = '0048_settled_in_place';
  const { before, one } = await databaseBefore(last);
  const states = ['RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT', 'VOID', 'SETTLED', 'SETTLED'];
  await one.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id,
       snowflake_user, tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
       high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits, occurred_at,
       snowflake_query_id)
     SELECT lpad(n::text, 32, '0')::uuid, state, 'demo', '1', n::text, 'hash', 'ada', 'risk', 'ADA', 'batch', 'query', 'f', 's',
       'GUESS', 0, 1, 2, 1, 3, 'USD', 1, 'r', 1, now(), CASE WHEN n > 1 THEN 'query-' || n END
     FROM unnest($1::text[]) WITH ORDINALITY AS x (state, n)`,
    [states],
  );
  // The sixth was charged by its query; the seventh is the parent of a multi-statement, which has none of its own.
  await one.query(
    `INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, snowflake_query_id, occurred_at,
       ended_at, credits, money, currency, price_per_credit, warehouse_ms)
     SELECT id, 1, account, team_id, principal_id, tier, CASE request_id WHEN '6' THEN snowflake_query_id END, occurred_at,
       occurred_at, 1, 3, 'USD', 3, 1 FROM ticket WHERE state = 'SETTLED'`,
  );
  await one.query(migrationText(last));
  const open = await one.query(
    'SELECT t.state FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id ORDER BY t.id',
  );
  expect(open.rows.map((row) => row['state'])).toEqual(states.slice(0, 4));
  expect((await one.query('SELECT * FROM invariant_open_tickets')).rows).toEqual([]);
  const found = await one.query(
    `SELECT t.request_id, q.snowflake_query_id FROM ticket_of_query q JOIN ticket t ON t.id = q.ticket_id ORDER BY t.id`,
  );
  expect(found.rows).toEqual(
    ['2', '3', '4', '5', '6', '7'].map((n) => ({
      request_id: n,
      snowflake_query_id: `query-${n}`,
    })),
  );
  await one.stop();
  await before.drop();
});

test('requests of before passes are told of, and what was granted to a statement is a pass for one run of it', async () => {
  const last = '0014_approvals';
  const { before, one } = await databaseBefore(last);
  const decided = "now(), 'admin', 'fine'";
  const rows: readonly (readonly [code: string | null, detail: object, values: string])[] = [
    ['TG2401', { rule: 'x' }, `'granted', 'statement', 'please', ${decided}`],
    [null, {}, `'granted', 'statement', 'rule y: by word', ${decided}`],
    ['TG2102', {}, `'waiting', 'credits', 'please', NULL, NULL, NULL`],
    ['TG2201', {}, `'declined', 'credits', 'please', ${decided}`],
    ['TG2001', {}, `'waiting', 'credits', 'please', NULL, NULL, NULL`],
  ];
  for (const [index, [code, detail, values]] of rows.entries()) {
    const id = `019a0000-0000-7000-8000-00000000000${index}`;
    await one.query(
      `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id,
         snowflake_user, tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
         high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits,
         refusal_code, refusal_detail, occurred_at)
       VALUES ($1::uuid, 'VOID', 'demo', '1', $1::text, 'hash', 'ada', 'risk', 'ADA', 'batch', 'query', 'f', 's', 'GUESS', 0, 1,
         2, 1, 3, 'USD', 1, 'r', 0, $2, $3, now())`,
      [id, code, detail],
    );
    await one.query(
      `INSERT INTO approval_request (ticket_id, principal_id, state, wants, reason, decided_at, decided_by,
         decision_reason, asked_at) VALUES ('${id}', 'ada', ${values}, now())`,
    );
  }
  await one.query(
    "UPDATE approval_request SET used_by = ticket_id WHERE ticket_id = '019a0000-0000-7000-8000-000000000001'",
  );
  await one.query(migrationText(last));
  const requests = await one.query(
    'SELECT passes, state = audited_state AS is_told FROM approval_request ORDER BY ticket_id',
  );
  expect(requests.rows).toEqual(
    [['rule:x'], ['rule:y'], ['opaque'], ['ceiling'], []].map((passes) => ({
      passes,
      is_told: true,
    })),
  );
  const passes = await one.query(
    `SELECT p.passes, p.runs_max, p.principal_id, count(u.ticket_id)::integer AS uses
     FROM statement_pass p LEFT JOIN pass_use u ON u.pass_ticket_id = p.ticket_id
     GROUP BY p.ticket_id ORDER BY p.ticket_id`,
  );
  expect(passes.rows).toEqual([
    { passes: ['rule:x'], runs_max: 1, principal_id: 'ada', uses: 0 },
    { passes: ['rule:y'], runs_max: 1, principal_id: 'ada', uses: 1 },
  ]);
  await one.stop();
  await before.drop();
});
