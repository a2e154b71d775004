import { afterEach, beforeEach, expect, test } from 'vitest';
import { merkleRoot, rootOfProof } from '../../../base/hash-chain.js';
import { formatAmount, parseMoney } from '../../../base/units.js';
import { billHash } from '../../../billing/bills/bill-hash.js';
import { type BilledMonth, UNALLOCATED } from '../../../billing/bills/billed-month.js';
import type { MonthTerms } from '../../../billing/bills/month-terms.js';
import { readBilledMonth, readMonthVersion } from '../../../billing/bills/read-billed-month.js';
import { freezeMonth } from '../../../billing/close/freeze.js';
import type { CloseOutcome } from '../../../billing/close/outcome.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { type StepOptions, takeStep } from '../../../billing/close/take-step.js';
import { buildSettlement, buildTicket, credits } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../../support/database.js';
import { NOVEMBER_5, OCTOBER, invoice, meter, terms } from '../../support/metered-month.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

/** 3.3 credits of Marketing, 1.2 of Sales, half a credit of nobody. */
async function meterOctober(): Promise<void> {
  await meter(database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2.3' },
        { bucket: 'direct', team: 'sales', credits: '1.2' },
        { bucket: 'idle', team: null, credits: '0.5' },
      ],
    },
    {
      at: '2026-10-31T23:00:00Z',
      lines: [{ bucket: 'direct', team: 'marketing', credits: '1' }],
    },
    {
      at: '2026-11-01T00:00:00Z',
      lines: [{ bucket: 'direct', team: 'marketing', credits: '99' }],
    },
  ]);
}

function freeze(
  by = 'ann',
  more: {
    readonly terms?: MonthTerms;
    readonly step?: 'freeze' | 'reopen';
    readonly month?: string;
  } = {},
): Promise<CloseOutcome> {
  return freezeMonth(database.db, {
    month: OCTOBER,
    step: 'freeze',
    terms: terms(),
    by,
    at: NOVEMBER_5,
    reason: null,
    audit: () => Promise.resolve(),
    ...more,
  });
}

function step(
  name: StepOptions['step'],
  by: string,
  more: Partial<StepOptions> = {},
): Promise<CloseOutcome> {
  return takeStep(database.db, {
    month: OCTOBER,
    step: name,
    by,
    at: NOVEMBER_5 + 1000,
    reason: 'because',
    twoApprovalsFrom: null,
    audit: () => Promise.resolve(),
    ...more,
  });
}

async function read(more: Partial<MonthTerms> = {}): Promise<BilledMonth> {
  return readBilledMonth(database.db, OCTOBER, terms(more));
}

/** What is owed, by team. */
function owed(month: BilledMonth): Readonly<Record<string, string>> {
  return Object.fromEntries(
    month.bills.map(({ teamId, totalAmount }) => [teamId, formatAmount(totalAmount).slice(0, -10)]),
  );
}

function states(outcomes: readonly CloseOutcome[]): readonly string[] {
  return outcomes.map((each) => (each.kind === 'taken' ? each.version.state : each.kind));
}

test('an open month is what its hours were allocated to, at the price of each day, with nobody in sight', async () => {
  await meterOctober();
  const month = await read();
  expect(month).toMatchObject({ state: 'open', version: 0, closedAt: null, approvals: [] });
  expect(owed(month)).toEqual({
    marketing: '6.60',
    platform: '0.00',
    sales: '2.40',
    [UNALLOCATED]: '1.00',
  });
  expect(formatAmount(month.totalAmount)).toBe('10.000000000000');
  expect(month.reconciliation).toMatchObject({ invoicedMoney: null, open: [], signedOff: null });
  expect(formatAmount(month.reconciliation.meteredCredits)).toBe('5.000000000000');
  expect(month.reconciliation.differenceCredits).toBe(0n);
  const [bill] = month.bills;
  expect(bill?.lines).toHaveLength(2);
  expect(bill?.lines[0]).toMatchObject({
    kind: 'direct',
    chargeDay: '2026-10-01',
    resource: 'BATCH_WH',
    method: 'attributed/2',
  });
});

test('an invoice that is a little more leaves a line of rounding, one that is much more a variance with its cause', async () => {
  await meterOctober();
  await invoice(database.db, [
    { day: '2026-10-01', serviceType: 'WAREHOUSE_METERING', usage: '4', money: '8.01' },
    { day: '2026-10-31', serviceType: 'WAREHOUSE_METERING', usage: '1', money: '2' },
    { day: '2026-10-31', serviceType: 'STORAGE', ratingType: 'STORAGE', money: '1.25' },
  ]);
  const close = await read();
  expect(owed(close)).toMatchObject({ platform: '0.01', [UNALLOCATED]: '2.25' });
  expect(formatAmount(close.totalAmount)).toBe('11.260000000000');
  expect(close.totalAmount).toBe(close.reconciliation.invoicedMoney);
  expect(close.reconciliation.open).toEqual([]);
  expect(close.bills.find(({ teamId }) => teamId === 'platform')?.lines).toEqual([
    expect.objectContaining({ kind: 'rounding', amount: parseMoney('0.01'), credits: 0n }),
  ]);
  await invoice(database.db, [
    { day: '2026-10-31', serviceType: 'WAREHOUSE_METERING', money: '-5', billingType: 'REBATE' },
  ]);
  const rebated = await read();
  expect(formatAmount(rebated.totalAmount)).toBe('6.260000000000');
  expect(rebated.reconciliation.open).toEqual([
    expect.objectContaining({
      what: 'money',
      cause: 'otherCharges',
      difference: '-5.000000000000',
    }),
  ]);
  expect(rebated.bills.at(-1)?.lines).toContainEqual(
    expect.objectContaining({
      kind: 'variance',
      amount: parseMoney('-5'),
      chargeDay: '2026-10-31',
    }),
  );
});

test('a month goes from frozen to closed by three people, and is read back as it was frozen', async () => {
  await meterOctober();
  expect(states([await freeze('ann'), await step('propose', 'ann')])).toEqual([
    'softClosed',
    'inReview',
  ]);
  // Nobody approves what is their own work.
  expect(await step('approve', 'ann')).toEqual({ kind: 'ownWork', did: 'propose' });
  const twice = { twoApprovalsFrom: parseMoney('10') };
  expect(states([await step('approve', 'ben', twice)])).toEqual(['inReview']);
  expect(await step('approve', 'ben', twice)).toEqual({ kind: 'ownWork', did: 'approve' });
  expect(states([await step('approve', 'cleo', twice), await step('close', 'ann')])).toEqual([
    'approved',
    'closed',
  ]);
  const closed = await read();
  expect(closed).toMatchObject({
    state: 'closed',
    version: 1,
    asOf: '2026-11-05T00:00:00.000Z',
    closedAt: '2026-11-05T00:00:01.000Z',
    approvals: [{ by: 'ben' }, { by: 'cleo' }],
  });
  for (const bill of closed.bills) {
    expect(bill.hash).toBe(billHash(bill, closed.currency));
    expect(rootOfProof(bill.hash, bill.proof)).toBe(closed.merkleRoot);
  }
  expect(merkleRoot(closed.bills.map(({ hash }) => hash))).toBe(closed.merkleRoot);
  // Closing twice says that it is done.
  expect(await step('close', 'ann')).toMatchObject({
    kind: 'wrongState',
    version: { state: 'closed', version: 1 },
  });
  expect(await freeze('ann')).toMatchObject({ kind: 'wrongState' });
});

async function closeOctober(): Promise<void> {
  await freeze('ann');
  await step('propose', 'ann');
  await step('approve', 'ben');
  expect(states([await step('close', 'ben')])).toEqual(['closed']);
}

test('criterion 18: a closed month changes by nothing: not by what comes later, not by other prices, not by another currency', async () => {
  await meterOctober();
  await closeOctober();
  const before = await read();
  await meter(database.db, [
    { at: '2026-10-02T08:00:00Z', lines: [{ bucket: 'direct', team: 'sales', credits: '7' }] },
  ]);
  const after = await read({
    currency: 'EUR',
    priceAt: () => undefined,
    teams: [],
    now: NOVEMBER_5 * 2,
  });
  expect(after).toEqual(before);
});

test('criterion 18: a reopened month has a new version; the closed one stands until that is closed, and both are kept', async () => {
  await meterOctober();
  await closeOctober();
  const first = await read();
  await meter(database.db, [
    { at: '2026-10-02T08:00:00Z', lines: [{ bucket: 'direct', team: 'sales', credits: '7' }] },
  ]);
  expect(states([await freeze('ann', { step: 'reopen' })])).toEqual(['softClosed']);
  expect(await read()).toEqual(first);
  for (const [name, by] of [
    ['propose', 'ann'],
    ['approve', 'ben'],
    ['close', 'ben'],
  ] as const)
    await step(name, by);
  const second = await read();
  expect(second).toMatchObject({ state: 'closed', version: 2 });
  expect(owed(second)).toMatchObject({ sales: '16.40' });
  const kept = await readMonthVersion(database.db, OCTOBER, 1);
  expect(kept).toEqual({ ...first, state: 'superseded' });
  expect(await readMonthVersion(database.db, OCTOBER, 3)).toBeUndefined();
});

test('what came late is taken in while a month is soft-closed, and no later', async () => {
  await meterOctober();
  await freeze('ann');
  await meter(database.db, [
    { at: '2026-10-02T08:00:00Z', lines: [{ bucket: 'direct', team: 'sales', credits: '7' }] },
  ]);
  await freeze('ben');
  expect(owed(await read())).toMatchObject({ sales: '16.40' });
  await step('propose', 'ann');
  expect(await freeze('ann')).toMatchObject({ kind: 'wrongState', version: { state: 'inReview' } });
  expect(states([await step('return', 'cleo')])).toEqual(['softClosed']);
  expect(
    states([await freeze('ann'), await step('propose', 'ann'), await step('approve', 'ben')]),
  ).toEqual(['softClosed', 'inReview', 'approved']);
});

test('variance is signed off by somebody else, with a reason, before anybody approves', async () => {
  await meterOctober();
  await invoice(database.db, [
    { day: '2026-10-01', serviceType: 'WAREHOUSE_METERING', usage: '4', money: '8' },
    { day: '2026-10-31', serviceType: 'WAREHOUSE_METERING', usage: '2', money: '4' },
  ]);
  await freeze('ann');
  await step('propose', 'ben');
  expect(await step('approve', 'cleo')).toEqual({ kind: 'openVariance', count: 1 });
  expect(await step('signOff', 'ann')).toEqual({ kind: 'ownWork', did: 'freeze' });
  expect(
    states([
      await step('signOff', 'cleo'),
      await step('approve', 'cleo'),
      await step('close', 'ann'),
    ]),
  ).toEqual(['inReview', 'approved', 'closed']);
  expect((await read()).reconciliation.signedOff).toEqual({
    by: 'cleo',
    at: '2026-11-05T00:00:01.000Z',
    reason: 'because',
  });
});

test('a month is not frozen before it is over, without data, or with figures still to come', async () => {
  const { db } = database;
  expect(await freeze('ann', { terms: terms({ now: Date.UTC(2026, 9, 20) }) })).toMatchObject({
    kind: 'notOver',
  });
  expect(await freeze('ann')).toEqual({ kind: 'noData' });
  await meterOctober();
  await meter(db, [
    {
      at: '2026-10-05T08:00:00Z',
      isStale: true,
      lines: [{ bucket: 'direct', team: 'sales', credits: '1' }],
    },
  ]);
  await db.query(`INSERT INTO usage_import (account, view_name, read_to, read_again_at, imported_at)
    VALUES ('demo', 'QUERY_HISTORY', '2026-11-01T01:00Z', now(), now())`);
  const refused = await freeze('ann', {
    terms: terms({
      priceAt: (_of, at) =>
        at === Date.UTC(2026, 9, 31)
          ? undefined
          : { pricePerCredit: parseMoney('2'), listPricePerCredit: null, currency: 'USD' },
    }),
  });
  expect(refused).toMatchObject({
    kind: 'notReady',
    problems: [
      { what: 'view', subject: 'demo QUERY_HISTORY' },
      { what: 'hours', subject: 'demo', why: '1 warehouse-hour not allocated' },
      {
        what: 'price',
        subject: 'demo WAREHOUSE_METERING 2026-10-31',
        why: 'no price is in force on that day',
      },
    ],
  });
  const { rows } = await db.query(
    'SELECT (SELECT count(*) FROM month_freeze) + (SELECT count(*) FROM month_close) AS rows',
  );
  expect(rows).toEqual([{ rows: '0' }]);
});

test('months are closed in their order', async () => {
  await meterOctober();
  await meter(database.db, [
    { at: '2026-12-01T08:00:00Z', lines: [{ bucket: 'direct', team: 'sales', credits: '1' }] },
  ]);
  await closeOctober();
  const later = terms({ now: Date.UTC(2027, 5, 1) });
  expect(await freeze('ann', { terms: later, month: '2026-12' })).toEqual({
    kind: 'earlierOpen',
    month: '2026-11',
  });
  await freeze('ann', { terms: later, month: '2026-11' });
  expect(await freeze('ann', { terms: later, step: 'reopen' })).toEqual({
    kind: 'laterClosed',
    month: '2026-11',
  });
});

test('a month without data after a closed one is frozen empty, so that the next can be closed', async () => {
  const october = [{ bucket: 'direct' as const, team: 'sales', credits: '1' }];
  await meter(database.db, [{ at: '2026-10-01T08:00:00Z', lines: october }]);
  const later = terms({ now: Date.UTC(2027, 5, 1) });
  expect(await freeze('ann', { terms: later, month: '2026-11' })).toEqual({ kind: 'noData' });
  await closeOctober();
  expect(await freeze('ann', { terms: later, month: '2026-11' })).toMatchObject({ kind: 'taken' });
});

test('of two who freeze or close at once one does it', async () => {
  await meterOctober();
  const frozen = await Promise.all(['ann', 'ben', 'cleo', 'dora'].map((by) => freeze(by)));
  expect(frozen.every(({ kind }) => kind === 'taken')).toBe(true);
  const { rows } = await database.db.query('SELECT count(*) AS versions FROM month_close');
  expect(rows).toEqual([{ versions: '1' }]);
  await step('propose', 'ann');
  await step('approve', 'eve');
  const closed = await Promise.all(['ann', 'ben', 'cleo', 'dora'].map((by) => step('close', by)));
  expect(closed.filter(({ kind }) => kind === 'taken')).toHaveLength(1);
  expect(closed.filter(({ kind }) => kind === 'wrongState')).toHaveLength(3);
});

test('what was charged and never metered waits for three days, then it is a difference, and on no bill', async () => {
  const { db } = database;
  await meterOctober();
  const ledger = createLedger(db, manualClock());
  const ticket = buildTicket({ warehouse: 'RENAMED_WH', teamId: 'sales', currency: 'USD' });
  await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
  const startedAt = Date.UTC(2026, 9, 20);
  await ledger.settle(
    buildSettlement(ticket.ticketId, {
      startedAt,
      endedAt: startedAt + 10,
      usedCredits: credits('4'),
    }),
  );
  // While it is open it is on the bill as it was charged.
  expect(owed(await read())).toMatchObject({ sales: '10.40' });
  const early = await freeze('ann', { terms: terms({ now: Date.UTC(2026, 10, 2) }) });
  expect(early).toMatchObject({
    kind: 'notReady',
    problems: [{ what: 'unmetered', subject: '1 statement' }],
  });
  expect(states([await freeze('ann')])).toEqual(['softClosed']);
  const frozen = await read();
  expect(owed(frozen)).toMatchObject({ sales: '2.40' });
  expect(frozen.reconciliation.open).toEqual([
    expect.objectContaining({
      subject: 'demo RENAMED_WH: 1 statements charged, never metered',
      difference: '-4.000000000000',
      cause: 'notMetered',
    }),
  ]);
});
