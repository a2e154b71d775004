import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import { formatAmount } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import { decideRequest, type GrantTerms } from '../../billing/decide-request.js';
import type { Ledger, TicketFacts } from '../../billing/ledger.js';
import {
  lastingPasses,
  placeOf,
  revokePass,
  usePasses,
  type PassUseOutcome,
  type StatementPass,
} from '../../billing/passes.js';
import { askApproval, findRequest } from '../../billing/requests.js';
import { buildSettlement, buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

/**
 * What shows that the barrier looks: without `FOR NO KEY UPDATE OF p` in `usePasses` more of the forty get through than
 * were granted (11 by a pass for 7); without `u.state <> 'VOID'` what was never sent stays used.
 */
let database: TestDatabase;
let ledger: Ledger;
let sessions = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
  await insertBudget(database.db, { id: 'plenty', limit: credits('100000') });
});
afterEach(() => expectInvariants(database.db));
afterAll(() => database.drop());

const HOUR_MS = 3_600_000;
const PLACE = placeOf({ role: 'ANALYST', database: 'DB', schema: 'S' });
const RULE = 'rule:no-joins';

/** What was granted to a statement that `passes` names refused; every test has a fingerprint of its own. */
async function granted(
  fingerprint: string,
  terms: Partial<GrantTerms> = {},
  passes: readonly string[] = [RULE],
): Promise<TicketId> {
  const ticket = buildTicket({ fingerprint, requestHash: `hash of ${fingerprint}` });
  const { ticketId } = ticket;
  const detail = { passes, place: PLACE };
  const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail };
  await ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  const outcome = await database.db.transaction(async (tx) => {
    const { teamId, principalId } = ticket;
    await askApproval(tx, { ticketId, teamId, principalId, reason: 'please', at: NOON });
    return decideRequest(tx, {
      ticketId,
      author: 'admin',
      reason: 'fine',
      at: NOON,
      state: 'granted',
      credits: null,
      ...terms,
    });
  });
  expect(outcome.kind).toBe('decided');
  return ticketId;
}

/** A reserved ticket of the same text, unless told otherwise. */
async function reserved(
  fingerprint: string,
  changes: Partial<TicketFacts> = {},
  hold = '1',
): Promise<TicketId> {
  sessions += 1;
  const ticket = buildTicket({
    fingerprint,
    requestHash: `hash of ${fingerprint}`,
    sessionId: String(sessions),
    ...changes,
  });
  const held = await ledger.reserve({ ticket, budgetIds: ['plenty'], holdCredits: credits(hold) });
  expect(held.kind).toBe('held');
  return ticket.ticketId;
}

function use(
  ticketId: TicketId,
  changes: { passes?: readonly string[]; place?: string; hold?: string; at?: number } = {},
): Promise<PassUseOutcome> {
  return usePasses(database.db, {
    ticketId,
    passes: changes.passes ?? [RULE],
    place: changes.place ?? PLACE,
    holdCredits: credits(changes.hold ?? '1'),
    at: changes.at ?? NOON + HOUR_MS,
  });
}

async function passOf(ticketId: TicketId): Promise<StatementPass | null | undefined> {
  return (await findRequest(database.db, ticketId))?.pass;
}

const PASSED = { kind: 'passed', ceilingCredits: null };
const NONE = { kind: 'none' };

test('one run of one text, by who sent it, in its place, within a day: nothing else passes', async () => {
  await granted('plain');
  const others: readonly Partial<TicketFacts>[] = [
    { requestHash: 'another text' },
    { principalId: 'colleague' },
    { teamId: 'sales' },
    { account: 'other' },
  ];
  for (const changes of others) expect(await use(await reserved('plain', changes))).toEqual(NONE);
  const own = await reserved('plain');
  const elsewhere = placeOf({ role: 'ANALYST', database: 'DB', schema: 'OTHER' });
  expect(await use(own, { place: elsewhere })).toEqual(NONE);
  expect(await use(own, { passes: ['rule:another'] })).toEqual(NONE);
  expect(await use(own, { passes: [RULE, 'opaque'] })).toEqual(NONE);
  expect(await use(own, { at: NOON + 25 * HOUR_MS })).toEqual(NONE);
  expect(await use(own)).toEqual(PASSED);
  expect(await use(await reserved('plain'))).toEqual(NONE);
});

test('a run that was never sent is given back; one that ended is counted with its charge', async () => {
  const pass = await granted('returned', { runs: 2 });
  const [first, second, third] = [
    await reserved('returned'),
    await reserved('returned'),
    await reserved('returned'),
  ];
  expect([await use(first), await use(second), await use(third)]).toEqual([PASSED, PASSED, NONE]);
  await ledger.release(first, { kind: 'failed', reason: 'not sent' });
  expect(await passOf(pass)).toMatchObject({ usedRuns: 1 });
  expect(await use(third)).toEqual(PASSED);
  await ledger.settle(buildSettlement(second, { usedCredits: credits('0.25') }));
  expect(await passOf(pass)).toMatchObject({ usedRuns: 2, usedCredits: credits('0.25') });
  expect(await use(await reserved('returned'))).toEqual(NONE);
  // Counted by now, and no different for it.
  expect(await passOf(pass)).toMatchObject({ usedRuns: 2, usedCredits: credits('0.25') });
});

test('a shape and a team: other texts and colleagues pass too, another shape does not', async () => {
  await granted('shape', { isForShape: true, isForTeam: true, runs: 9 });
  const other = { requestHash: 'other literals', principalId: 'colleague' };
  expect(await use(await reserved('shape', other))).toEqual(PASSED);
  expect(await use(await reserved('another shape', other))).toEqual(NONE);
});

test('an amount bounds each run by what it took, and all of them together', async () => {
  const pass = await granted('amount', { credits: credits('5') });
  const [first, second, third] = [
    await reserved('amount'),
    await reserved('amount'),
    await reserved('amount'),
  ];
  // Twice the hold of 1, twice, then what is left.
  expect(await use(first)).toEqual({ kind: 'passed', ceilingCredits: credits('2') });
  expect(await use(second)).toEqual({ kind: 'passed', ceilingCredits: credits('2') });
  expect(await use(third)).toEqual({ kind: 'passed', ceilingCredits: credits('1') });
  expect(await use(await reserved('amount'))).toEqual(NONE);
  await ledger.settle(buildSettlement(first, { usedCredits: credits('0.5') }));
  expect(await passOf(pass)).toMatchObject({ usedCredits: credits('3.5'), usedRuns: 3 });
  expect(await use(await reserved('amount'), { hold: '1.5' })).toMatchObject({ kind: 'passed' });
});

test('a ceiling is passed up to what the statement was said to need', async () => {
  const pass = await granted('ceiling', { runs: 3 }, ['ceiling']);
  expect(await passOf(pass)).toMatchObject({ amountCredits: credits('3'), runsMax: 3 });
});

test('what two things refuse needs both lifted, by one pass or two; all or nothing is taken', async () => {
  const opaque = await granted('both', {}, ['opaque']);
  const ticketId = await reserved('both');
  expect(await use(ticketId, { passes: ['opaque', RULE] })).toEqual(NONE);
  expect(await passOf(opaque)).toMatchObject({ usedRuns: 0 });
  const rule = await granted('both');
  expect(await use(ticketId, { passes: ['opaque', RULE] })).toEqual(PASSED);
  for (const each of [opaque, rule]) expect(await passOf(each)).toMatchObject({ usedRuns: 1 });
});

test('a revoked pass lifts nothing, on any replica, and stands among those that last no longer', async () => {
  const ticketId = await granted('revoked', { runs: 5 });
  const isListed = async (): Promise<boolean> =>
    (await lastingPasses(database.db, NOON)).some(
      ({ requestHash }) => requestHash === 'hash of revoked',
    );
  expect(await isListed()).toBe(true);
  const revoking = { ticketId, author: 'admin', reason: 'done', at: NOON };
  expect(await database.db.transaction((tx) => revokePass(tx, revoking))).toBe(true);
  expect(await database.db.transaction((tx) => revokePass(tx, revoking))).toBe(false);
  expect(await isListed()).toBe(false);
  expect(await use(await reserved('revoked'))).toEqual(NONE);
});

test('forty at once take exactly what was granted: runs, and credits to the last one', async () => {
  for (const [name, terms, expected] of [
    ['race for runs', { runs: 7 }, 7],
    ['race for credits', { credits: credits('10') }, 5],
  ] as const) {
    const pass = await granted(name, terms);
    const tickets = await Promise.all(Array.from({ length: 40 }, () => reserved(name)));
    const outcomes = await Promise.all(tickets.map((ticketId) => use(ticketId)));
    const passed = outcomes.filter(({ kind }) => kind === 'passed');
    expect(passed, name).toHaveLength(expected);
    const total = passed.reduce(
      (sum, each) => sum + (each.kind === 'passed' ? (each.ceilingCredits ?? 0n) : 0n),
      0n,
    );
    if ('credits' in terms) expect(formatAmount(total as never)).toBe('10.000000000000');
    expect(await passOf(pass)).toMatchObject({ usedRuns: expected });
  }
});
