import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Transaction } from '../../../base/postgres/pool.js';
import { formatAmount, parseMoney } from '../../../base/units.js';
import { readBilledMonth } from '../../../billing/bills/read-billed-month.js';
import {
  type AdjustmentOutcome,
  type ProposedAdjustment,
  decideAdjustment,
  proposeAdjustment,
} from '../../../billing/close/adjust.js';
import { endDispute, raiseDispute } from '../../../billing/close/disputes.js';
import { closeMonth } from '../../support/closing.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, OCTOBER, meter, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await meter(database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '3' },
        { bucket: 'direct', team: 'sales', credits: '1' },
      ],
    },
  ]);
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

const later = terms({ now: Date.UTC(2027, 1, 10) });
const ADJUSTMENT: ProposedAdjustment = {
  creditedTeam: 'marketing',
  debitedTeam: 'platform',
  amount: parseMoney('1.5'),
  currency: 'USD',
  corrects: { month: OCTOBER, lineId: null },
  account: 'demo',
  reason: 'a backfill of others',
  by: 'ann',
  at: NOVEMBER_5,
  approvalFrom: parseMoney('100'),
};

const within = <T>(move: (tx: Transaction) => Promise<T>): Promise<T> =>
  database.db.transaction(move);
const propose = (more: Partial<ProposedAdjustment> = {}): Promise<AdjustmentOutcome> =>
  within((tx) => proposeAdjustment(tx, { ...ADJUSTMENT, ...more }));
const approve = (id: string, by: string): Promise<AdjustmentOutcome> =>
  within((tx) =>
    decideAdjustment(tx, { id, decision: 'approved', by, at: NOVEMBER_5, reason: 'yes' }),
  );

async function owed(month: string): Promise<Readonly<Record<string, string>>> {
  const { bills } = await readBilledMonth(database.db, month, later);
  return Object.fromEntries(
    bills.map(({ teamId, totalAmount }) => [teamId, formatAmount(totalAmount).slice(0, -10)]),
  );
}

test('criterion 23: an adjustment after the close is in the open month only, takes from one what it gives another, and says what it mends', async () => {
  await closeMonth(database.db, OCTOBER);
  const closed = await readBilledMonth(database.db, OCTOBER, later);
  expect(await propose()).toMatchObject({
    kind: 'done',
    adjustment: { decision: { decision: 'approved', month: '2026-11', by: 'ann' } },
  });
  expect(await readBilledMonth(database.db, OCTOBER, later)).toEqual(closed);
  expect(await owed('2026-11')).toEqual({ marketing: '-1.50', platform: '1.50', sales: '0.00' });
  expect((await owed('2026-12'))['marketing']).toBe('0.00');
  const november = await readBilledMonth(database.db, '2026-11', later);
  expect(november.bills[0]?.lines).toEqual([
    expect.objectContaining({
      kind: 'adjustment',
      chargeDay: '2026-10-01',
      corrects: { month: OCTOBER, lineId: null },
      note: 'Credit note 1, borne by platform: a backfill of others',
    }),
  ]);
  expect(november.totalAmount).toBe(0n);
  // The month that is booked in can be closed with nothing else in it.
  await closeMonth(database.db, '2026-11', { terms: later });
  expect(await owed('2026-11')).toMatchObject({ marketing: '-1.50' });
  expect((await owed('2026-12'))['marketing']).toBe('0.00');
});

test('criterion 23: above the limit another person approves it, once; below it nobody is asked', async () => {
  await closeMonth(database.db, OCTOBER);
  const large = await propose({ amount: parseMoney('100') });
  expect(large).toMatchObject({ kind: 'done', adjustment: { decision: null } });
  const id = large.kind === 'done' ? large.adjustment.id : '';
  expect((await owed('2026-11'))['marketing']).toBe('0.00');
  expect(await approve(id, 'ann')).toEqual({ kind: 'ownWork' });
  expect(await approve(id, 'ben')).toMatchObject({ adjustment: { decision: { by: 'ben' } } });
  expect(await approve(id, 'cleo')).toMatchObject({ kind: 'decidedAlready' });
  expect((await owed('2026-11'))['marketing']).toBe('-100.00');
  expect(await approve('99', 'ben')).toEqual({ kind: 'unknown' });
});

test('what a closed line is to be is refused, with the month that takes it', async () => {
  const { db } = database;
  expect(await propose()).toEqual({ kind: 'notClosed', month: OCTOBER });
  await closeMonth(db, OCTOBER);
  expect(await propose({ month: OCTOBER })).toEqual({ kind: 'monthFrozen', open: '2026-11' });
  expect(await propose({ corrects: { month: OCTOBER, lineId: 'nothing' } })).toEqual({
    kind: 'unknownLine',
    month: OCTOBER,
    lineId: 'nothing',
  });
  const { bills } = await readBilledMonth(db, OCTOBER, later);
  const lineId = bills.find(({ teamId }) => teamId === 'sales')?.lines[0]?.id ?? '';
  expect(await propose({ corrects: { month: OCTOBER, lineId } })).toEqual({
    kind: 'otherTeamsLine',
    teamId: 'sales',
  });
  expect(
    await propose({ creditedTeam: 'sales', corrects: { month: OCTOBER, lineId } }),
  ).toMatchObject({
    kind: 'done',
  });
  for (const sql of [
    'UPDATE bill_adjustment SET amount = 9',
    'DELETE FROM bill_adjustment_decision',
    'TRUNCATE bill_dispute CASCADE',
  ])
    await expect(db.query(sql)).rejects.toMatchObject({ code: '42501' });
});

test('a dispute has an owner and a day; accepted by another person it becomes an adjustment, refused it has a reason', async () => {
  const { db } = database;
  const raised = {
    month: OCTOBER,
    teamId: 'marketing',
    lineId: null,
    amount: parseMoney('2'),
    currency: 'USD',
    reason: 'not ours',
    raisedBy: 'lead',
    raisedAt: NOVEMBER_5,
    owner: 'fiona',
    dueOn: '2026-11-19',
  };
  const word = {
    by: 'fiona',
    at: NOVEMBER_5,
    reason: 'looked at it',
    debitedTeam: 'platform',
    account: 'demo',
    approvalFrom: parseMoney('100'),
  };
  expect(await within((tx) => raiseDispute(tx, raised))).toEqual({
    kind: 'noBill',
    month: OCTOBER,
  });
  await closeMonth(db, OCTOBER);
  expect(await within((tx) => raiseDispute(tx, { ...raised, teamId: 'nobody' }))).toMatchObject({
    kind: 'noBill',
  });
  const { bills } = await readBilledMonth(db, OCTOBER, later);
  const lineOf = (team: string): string =>
    bills.find(({ teamId }) => teamId === team)?.lines[0]?.id ?? '';
  const over = async (lineId: string | null, amount: string, teamId = 'marketing') =>
    within((tx) => raiseDispute(tx, { ...raised, teamId, lineId, amount: parseMoney(amount) }));
  const billed = parseMoney('6');
  for (const lineId of [null, lineOf('marketing')])
    expect(await over(lineId, '6.01')).toEqual({
      kind: 'moreThanBilled',
      billed,
      currency: 'USD',
      lineId,
    });
  expect(await over(null, '0.01', 'platform')).toMatchObject({ kind: 'moreThanBilled' });
  expect(await over(lineOf('sales'), '1')).toMatchObject({ kind: 'unknownLine' });
  for (const id of ['1', '2'])
    expect(await within((tx) => raiseDispute(tx, raised))).toMatchObject({
      dispute: { id, owner: 'fiona', dueOn: '2026-11-19', end: null },
    });
  const end = (id: string, outcome: 'accepted' | 'refused', by = 'fiona') =>
    within((tx) => endDispute(tx, { ...word, id, outcome, by }));
  expect(await end('1', 'accepted', 'lead')).toEqual({ kind: 'ownWork' });
  expect(await end('1', 'accepted')).toMatchObject({
    dispute: { end: { outcome: 'accepted', adjustmentId: '1' } },
  });
  expect(await end('1', 'refused')).toMatchObject({ kind: 'endedAlready' });
  expect(await end('2', 'refused')).toMatchObject({
    dispute: { end: { outcome: 'refused', reason: 'looked at it', adjustmentId: null } },
  });
  expect(await owed('2026-11')).toEqual({ marketing: '-2.00', platform: '2.00', sales: '0.00' });
});
