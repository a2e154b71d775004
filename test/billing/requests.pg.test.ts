import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { type DecideOutcome, decideRequest, type Decision } from '../../billing/decide-request.js';
import {
  askApproval,
  type AskOutcome,
  type Asking,
  listRequests,
  NO_WISH,
} from '../../billing/requests.js';
import { formatAmount } from '../../base/units.js';
import { NOON, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, openTestPool } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

/**
 * What shows that the race looks: without `FOR NO KEY UPDATE OF r` in `decideRequest` both of the two decisions find
 * the request waiting, and the later one fails.
 */
let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterEach(() => expectInvariants(database.db));
afterAll(() => database.drop());

const HOUR_MS = 3_600_000;

/** A statement that needs 1 credit, refused by a budget of its own that had `limit` left. */
async function refusedBy(budgetId: string, limit = '0.2349'): Promise<TicketId> {
  await insertBudget(database.db, { id: budgetId, limit: credits(limit) });
  const ticket = buildTicket();
  const outcome = await ledger.reserve({
    ticket,
    budgetIds: [budgetId],
    holdCredits: ticket.highCredits,
  });
  if (outcome.kind !== 'refused') throw new Error(outcome.kind);
  await ledger.recordRefusal(ticket.ticketId, {
    code: 'TG2001',
    message: 'TG2001 Not run, nothing charged: …',
    detail: {
      budget: {
        id: budgetId,
        availableCredits: formatAmount(outcome.budget.availableCredits ?? credits('0')),
      },
    },
  });
  return ticket.ticketId;
}

function ask(ticketId: TicketId, changes: Partial<Asking> = {}): Promise<AskOutcome> {
  const asking: Asking = {
    ticketId,
    teamId: 'marketing',
    principalId: 'marketing_analyst',
    reason: 'the yearly report',
    at: NOON,
    ...changes,
  };
  return database.db.transaction((tx) => askApproval(tx, asking));
}

function decide(
  ticketId: TicketId,
  decision: { state: 'declined' } | { state: 'granted'; credits?: string },
): Promise<DecideOutcome> {
  const common = { ticketId, author: 'admin-api', reason: 'agreed', at: NOON + HOUR_MS };
  const made: Decision =
    decision.state === 'declined'
      ? { ...common, state: 'declined' }
      : {
          ...common,
          state: 'granted',
          credits: decision.credits === undefined ? null : credits(decision.credits),
        };
  return database.db.transaction((tx) => decideRequest(tx, made));
}

test('a request keeps who asked, why, what was needed and what the budget was short of', async () => {
  const ticketId = await refusedBy('asked');
  const outcome = await ask(ticketId);
  expect(outcome).toEqual({
    kind: 'asked',
    request: {
      ticketId,
      state: 'waiting',
      teamId: 'marketing',
      principalId: 'marketing_analyst',
      senderId: 'marketing_analyst',
      askedBy: null,
      reason: 'the yearly report',
      wants: 'credits',
      passes: [],
      wish: NO_WISH,
      refusalCode: 'TG2001',
      statementShape: 'SELECT ? FROM t',
      needsCredits: credits('1'),
      needsMoney: 3_000_000_000_000n,
      currency: 'USD',
      budgetId: 'asked',
      shortCredits: credits('0.7651'),
      askedAt: NOON,
      expiresAt: NOON + 7 * 24 * HOUR_MS,
      decision: null,
      pass: null,
    },
  });
  expect(
    await listRequests(database.db, { state: 'waiting', teamId: null, limit: 10 }),
  ).toContainEqual(outcome.kind === 'asked' ? outcome.request : null);
});

test('asking again, also at the same time and by somebody else, leaves the first request as it is', async () => {
  const ticketId = await refusedBy('repeated');
  const outcomes = await Promise.all(
    [0, 1, 2, 3].map((index) =>
      ask(ticketId, { reason: `reason ${index}`, principalId: `p${index}`, at: NOON + index }),
    ),
  );
  expect(outcomes.filter(({ kind }) => kind === 'asked')).toHaveLength(1);
  const requests = outcomes.map((each) => ('request' in each ? each.request : null));
  expect(new Set(requests.map((each) => each?.reason)).size).toBe(1);
  const again = await ask(ticketId, { reason: 'another', at: NOON + HOUR_MS });
  expect(again).toEqual({ kind: 'replayed', request: requests[0] });
});

test('another team’s ticket is as unknown as one that never was, before and after it was asked for', async () => {
  const ticketId = await refusedBy('private');
  expect(await ask(ticketId, { teamId: 'sales' })).toEqual({ kind: 'unknown' });
  expect(await ask(buildTicket().ticketId)).toEqual({ kind: 'unknown' });
  await ask(ticketId);
  expect(await ask(ticketId, { teamId: 'sales' })).toEqual({ kind: 'unknown' });
});

test('what was admitted, or refused by a full queue, cannot be asked for', async () => {
  await insertBudget(database.db, { id: 'plenty', limit: credits('9') });
  const held = buildTicket();
  await ledger.reserve({ ticket: held, budgetIds: ['plenty'], holdCredits: credits('1') });
  expect(await ask(held.ticketId)).toEqual({ kind: 'notRefused' });
  await ledger.release(held.ticketId, { kind: 'failed', reason: 'not sent' });
  await ledger.recordRefusal(held.ticketId, { code: 'TG2301', message: 'queue', detail: {} });
  expect(await ask(held.ticketId)).toEqual({ kind: 'notRefused' });
});

test('a grant is what was lacking, rounded up to a cent of a credit, and admits the statement', async () => {
  const ticketId = await refusedBy('granted');
  await ask(ticketId);
  const outcome = await decide(ticketId, { state: 'granted' });
  expect(outcome).toMatchObject({
    kind: 'decided',
    request: {
      state: 'granted',
      decision: { at: NOON + HOUR_MS, author: 'admin-api', grantedCredits: credits('0.77') },
    },
  });
  expect(await decide(ticketId, { state: 'granted' })).toEqual({
    ...outcome,
    kind: 'replayed',
  });
  expect(await decide(ticketId, { state: 'granted', credits: '0.77' })).toMatchObject({
    kind: 'replayed',
  });
  expect(await decide(ticketId, { state: 'granted', credits: '5' })).toMatchObject({
    kind: 'conflict',
  });
  expect(await decide(ticketId, { state: 'declined' })).toMatchObject({ kind: 'conflict' });
  expect(await ledger.standing(['granted'], NOON)).toMatchObject([
    { limitCredits: credits('1.0049') },
  ]);
  const again = buildTicket();
  const reserved = await ledger.reserve({
    ticket: again,
    budgetIds: ['granted'],
    holdCredits: credits('1'),
  });
  expect(reserved.kind).toBe('held');
  await ledger.release(again.ticketId, { kind: 'failed', reason: 'seen' });
});

test('what the budget lost between refusal and decision is granted too; a named amount is taken as named', async () => {
  const ticketId = await refusedBy('dwindled', '0.5');
  await ask(ticketId);
  const other = buildTicket({ highCredits: credits('0.4') });
  await ledger.reserve({ ticket: other, budgetIds: ['dwindled'], holdCredits: credits('0.4') });
  expect(await decide(ticketId, { state: 'granted' })).toMatchObject({
    request: { shortCredits: credits('0.5'), decision: { grantedCredits: credits('0.9') } },
  });
  await ledger.release(other.ticketId, { kind: 'failed', reason: 'seen' });
  const named = await refusedBy('named');
  await ask(named);
  expect(await decide(named, { state: 'granted', credits: '12.345' })).toMatchObject({
    request: { decision: { grantedCredits: credits('12.345') } },
  });
});

test('a declined request grants nothing and stays declined', async () => {
  const ticketId = await refusedBy('declined');
  await ask(ticketId);
  const outcome = await decide(ticketId, { state: 'declined' });
  expect(outcome).toMatchObject({
    kind: 'decided',
    request: { state: 'declined', decision: { reason: 'agreed', grantedCredits: null } },
  });
  expect(await decide(ticketId, { state: 'declined' })).toEqual({ ...outcome, kind: 'replayed' });
  expect(await decide(ticketId, { state: 'granted' })).toMatchObject({ kind: 'conflict' });
  expect(await ledger.standing(['declined'], NOON)).toMatchObject([
    { limitCredits: credits('0.2349') },
  ]);
  expect(await ask(ticketId)).toMatchObject({ kind: 'replayed', request: { state: 'declined' } });
});

test('of two decisions at once one wins and the other is told, and credits are granted once or not at all', async () => {
  for (let round = 0; round < 8; round += 1) {
    const budgetId = `race-${round}`;
    const ticketId = await refusedBy(budgetId);
    await ask(ticketId);
    const outcomes = await Promise.all([
      decide(ticketId, { state: 'granted' }),
      decide(ticketId, { state: 'declined' }),
      decide(ticketId, { state: 'granted' }),
    ]);
    expect(outcomes.filter(({ kind }) => kind === 'decided')).toHaveLength(1);
    const isGranted = outcomes[1].kind === 'conflict';
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(
      isGranted ? ['conflict', 'decided', 'replayed'] : ['conflict', 'conflict', 'decided'],
    );
    const [standing] = await ledger.standing([budgetId], NOON);
    expect(standing?.limitCredits).toBe(credits(isGranted ? '1.0049' : '0.2349'));
  }
});

test('where a rule refused, a pass for one run of the text is granted, unless nobody lifts the rule', async () => {
  const refused = async (detail: object): Promise<TicketId> => {
    const ticket = buildTicket();
    const refusal = { code: 'TG2101', message: 'TG2101 Not run', detail };
    await ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
    return ticket.ticketId;
  };
  const ticketId = await refused({ rule: 'no-joins', passes: ['rule:no-joins'], place: '["R"]' });
  expect(await ask(ticketId)).toMatchObject({
    kind: 'asked',
    request: {
      refusalCode: 'TG2101',
      wants: 'statement',
      passes: ['rule:no-joins'],
      budgetId: null,
      shortCredits: null,
    },
  });
  expect(await decide(ticketId, { state: 'granted' })).toMatchObject({
    kind: 'decided',
    request: {
      decision: { grantedCredits: null },
      pass: {
        ticketId,
        principalId: 'marketing_analyst',
        isForShape: false,
        passes: ['rule:no-joins'],
        amountCredits: null,
        runsMax: 1,
        usedRuns: 0,
        expiresAt: NOON + 25 * HOUR_MS,
        revoked: null,
      },
    },
  });
  const never = await refused({ rule: 'secret', isApprovable: false });
  expect(await ask(never)).toEqual({ kind: 'notApprovable', rule: 'secret' });
});

test('a ticket that nobody asked for cannot be decided', async () => {
  expect(await decide(await refusedBy('unasked'), { state: 'granted' })).toEqual({
    kind: 'unknown',
  });
});

test('the table takes no second decision, no other question and no removal, from the owner either', async () => {
  const ticketId = await refusedBy('guarded');
  await ask(ticketId);
  const owner = openTestPool(database.ownerUrl, 1);
  const decided = `decided_at = now(), decided_by = 'x', decision_reason = 'y'`;
  const of = `WHERE ticket_id = '${ticketId}'`;
  for (const [change, sqlState] of [
    [`UPDATE approval_request SET reason = 'other' ${of}`, '23514'],
    [`UPDATE approval_request SET state = 'declined', reason = 'other', ${decided} ${of}`, '23514'],
    [`UPDATE approval_request SET state = 'granted', ${decided} ${of}`, '23514'],
    [`UPDATE approval_request SET state = 'declined' ${of}`, '23514'],
    [`DELETE FROM approval_request ${of}`, '42501'],
    [`TRUNCATE approval_request CASCADE`, '42501'],
  ] as const) {
    await expect(owner.query(change), change).rejects.toMatchObject({ code: sqlState });
  }
  await owner.query(`UPDATE approval_request SET state = 'declined', ${decided} ${of}`);
  for (const state of ['waiting', 'granted', 'declined'])
    await expect(
      owner.query(`UPDATE approval_request SET state = '${state}' ${of}`),
    ).rejects.toMatchObject({ code: '23514' });
  await owner.stop();
});
