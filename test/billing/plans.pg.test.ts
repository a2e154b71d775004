/**
 * How Postgres finds what a batch closes, in a ledger that is large and was never analysed, as in the first minutes of a deployment
 * under load: by the index, not by reading every hold there ever was.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Queryable } from '../../base/postgres/pool.js';
import { must } from '../../base/assert.js';
import { releaseBatch, unsentRelease } from '../../billing/postgres/release.js';
import { settleBatch } from '../../billing/postgres/settle.js';
import { NOON, buildSettlement, buildTicket } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const TICKETS = Array.from({ length: 256 }, () => buildTicket());

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.db.query(
    `INSERT INTO hold (ticket_id, budget_period_id, credits)
     SELECT gen_random_uuid(), 1, 1 FROM generate_series(1, 20000)`,
  );
  await database.db.query('INSERT INTO open_ticket SELECT ticket_id FROM hold');
  await database.db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, snowflake_user, tier,
       statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits, expected_seconds,
       price_per_credit, currency, control_version, replica, hold_credits, occurred_at)
     SELECT ticket_id, 'SENT', 'demo', '1', ticket_id::text, '', 'ana', 'growth', 'ANA', 'standard', 'select', '', '', 'GUESS',
       0, 0, 0, 0, 3, 'USD', 1, 'r', 1, now() FROM hold`,
  );
});
afterAll(() => database.drop());

/** The plan of the first statement that `move` sends. */
async function planOf(move: (db: Queryable) => Promise<unknown>): Promise<string> {
  const sent: { readonly text: string; readonly values: unknown[] }[] = [];
  const watching = {
    query: (text: string, values: unknown[]) => {
      sent.push({ text, values });
      return Promise.reject(new Error('seen'));
    },
  };
  await expect(move(watching as unknown as Queryable)).rejects.toThrow('seen');
  const { text, values } = must(sent[0], 'the move sends a statement');
  const unprepared = text.replace(/\/\*.*?\*\//, '');
  const { rows } = await database.db.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN ${unprepared}`,
    values,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

test.each<[string, (db: Queryable) => Promise<unknown>]>([
  [
    'settling',
    (db) =>
      settleBatch(
        db,
        TICKETS.map(({ ticketId }) => buildSettlement(ticketId)),
      ),
  ],
  [
    'releasing',
    (db) =>
      releaseBatch(
        db,
        TICKETS.map(({ ticketId }) =>
          unsentRelease(ticketId, { kind: 'failed', reason: 'the client went away' }),
        ),
        NOON,
      ),
  ],
])('%s finds its holds and what it ends by the index', async (_name, move) => {
  const plan = await planOf(move);
  expect(plan).toMatch(/hold_pkey/);
  expect(plan).not.toMatch(/Seq Scan on hold/);
  expect(plan).toMatch(/open_ticket_pkey/);
  expect(plan).not.toMatch(/Seq Scan on open_ticket/);
  expect(plan).toMatch(/ticket_pkey on ticket/);
  expect(plan).not.toMatch(/Seq Scan on ticket/);
});

test('a join alone reads every hold, which is what the plan is looked at for', async () => {
  const plan = await planOf((db) =>
    db.query(
      `WITH t AS MATERIALIZED (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x (id uuid))
       SELECT h.credits FROM t JOIN hold h ON h.ticket_id = t.id`,
      ['[]'],
    ),
  );
  expect(plan).toMatch(/Seq Scan on hold/);
});

test('arrays whose length Postgres sees make it read every ticket, which is why it is not shown', async () => {
  const planOfUpdate = (ids: string): Promise<string> =>
    planOf((db) =>
      db.query(
        `WITH m AS MATERIALIZED (SELECT m.id FROM unnest(${ids}) AS m (id))
         UPDATE ticket SET ending = 'failed' FROM m WHERE ticket.id = m.id`,
        [TICKETS.map(({ ticketId }) => ticketId)],
      ),
    );
  expect(await planOfUpdate('$1::uuid[]')).toMatch(/Seq Scan on ticket/);
  expect(await planOfUpdate('(SELECT $1::uuid[])')).not.toMatch(/Seq Scan on ticket/);
});
