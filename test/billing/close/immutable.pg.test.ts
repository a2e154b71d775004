/** Criterion 18: neither the application's role nor the owner of the tables changes a month that is closed. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import { freezeMonth } from '../../../billing/close/freeze.js';
import { takeStep } from '../../../billing/close/take-step.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, OCTOBER, meter, terms } from '../../support/metered-month.js';

let database: TestDatabase;
let owner: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('SET search_path = tollgate');
  await meter(database.db, [
    { at: '2026-10-01T08:00:00Z', lines: [{ bucket: 'direct', team: 'sales', credits: '1.5' }] },
  ]);
  const of = { month: OCTOBER, at: NOVEMBER_5, reason: null, audit: () => Promise.resolve() };
  await freezeMonth(database.db, { ...of, step: 'freeze', by: 'ann', terms: terms() });
  for (const [step, by] of [
    ['propose', 'ann'],
    ['approve', 'ben'],
    ['close', 'ben'],
  ] as const)
    await takeStep(database.db, { ...of, step, by, twoApprovalsFrom: null });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const LINE = `INSERT INTO month_bill_line SELECT freeze_id, team_id, 99, 'x', kind, account, resource, service_type, charge_day,
  used_ms, statements, credits, list_price, contracted_price, effective_price, effective_money, amount, method, note,
  corrects_month, corrects_line_id FROM month_bill_line`;
const WRITES = [
  'UPDATE month_freeze SET total_amount = 0',
  'DELETE FROM month_freeze',
  'TRUNCATE month_freeze CASCADE',
  'UPDATE month_bill SET cost_centre = $$other$$',
  'DELETE FROM month_bill',
  'TRUNCATE month_bill CASCADE',
  'UPDATE month_bill_line SET amount = amount + 1',
  'DELETE FROM month_bill_line',
  'TRUNCATE month_bill_line',
  LINE,
  `INSERT INTO month_bill SELECT freeze_id, 'other', team_name, department_name, owner, legal_entity, cost_centre, gl_account,
    mode, total_credits, total_amount, budget_money, previous_money, trailing_money, drivers, hash FROM month_bill LIMIT 1`,
  'UPDATE month_step SET taken_by = $$other$$',
  'DELETE FROM month_step',
  'DELETE FROM month_close',
  'TRUNCATE month_close CASCADE',
  "UPDATE month_close SET state = 'softClosed', closed_at = NULL",
  "UPDATE month_close SET state = 'approved', closed_at = NULL",
  "UPDATE month_close SET closed_at = closed_at + interval '1 day'",
  'UPDATE month_close SET version = 2',
  "INSERT INTO month_close SELECT month, 2, 'closed', freeze_id, closed_at FROM month_close",
];

test('criterion 18: every write to it is refused, whoever sends it, and nothing of it changes', async () => {
  const before = await readBilledMonth(database.db, OCTOBER, terms());
  for (const sql of WRITES) {
    const asOwner = await owner.query(sql).then(
      () => 'done',
      (thrown: unknown) => (thrown as { code?: string }).code,
    );
    expect([sql, asOwner]).toEqual([sql, '42501']);
    const asApp = await database.db.query(sql).then(
      () => 'done',
      (thrown: unknown) => (thrown as { code?: string }).code,
    );
    expect([sql, asApp]).toEqual([sql, '42501']);
  }
  expect(await readBilledMonth(database.db, OCTOBER, terms())).toEqual(before);
});
