import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOVEMBER_5, meter } from '../support/metered-month.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  world = await createAdminWorld();
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  await meter(world.database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2.5' },
        { bucket: 'idle', team: null, credits: '0.5' },
      ],
    },
  ]);
});
afterAll(() => world.close());

function step(who: string, path: string, body: object = {}, key?: string): Promise<AdminReply> {
  return world.call('POST', `/api/v1/closes/2026-10/${path}`, body, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  });
}

test('an open month tells what it comes to, how it agrees, and that nothing stands in its way', async () => {
  const { status, json } = await world.call('GET', '/api/v1/closes/2026-10');
  expect(status).toBe(200);
  expect(json).toMatchObject({
    state: 'open',
    version: 0,
    totalAmount: '9.000000000000',
    problems: [],
    steps: [],
    approvalsNeeded: 1,
    reconciliation: { differenceCredits: '0.000000000000', open: [], invoicedAmount: null },
  });
  const running = await world.call('GET', '/api/v1/closes/2026-11');
  expect(running.json['problems']).toContainEqual({
    what: 'month',
    subject: 'the month',
    why: 'goes on until 2026-12-01T00:00:00.000Z',
    wayOut: 'wait for its end',
  });
});

test('a month that has not begun says so, in place of bills of nothing', async () => {
  const { json } = await world.call('GET', '/api/v1/closes/2031-01');
  expect(json['problems']).toEqual([
    {
      what: 'month',
      subject: 'the month',
      why: 'has not begun: it begins at 2031-01-01T00:00:00.000Z',
      wayOut: 'name a month that has begun',
    },
  ]);
  const frozen = await world.call('POST', '/api/v1/closes/2031-01/freeze', {});
  expect([frozen.status, frozen.json['detail']]).toEqual([
    409,
    '2031-01 has not begun: it begins at 2031-01-01T00:00:00.000Z.',
  ]);
  for (const path of [
    'bills/marketing/2031-01.json',
    'exports/2031-01/focus.csv',
    'costs?month=2031-01',
    'costs/services?month=2031-01',
    'bypass?month=2031-01',
    'reconciliation/2031-01',
  ]) {
    const reply = await world.call('GET', `/api/v1/${path}`);
    expect([reply.status, reply.json['detail']], path).toEqual([
      404,
      '2031-01 has not begun: it begins at 2031-01-01T00:00:00.000Z.',
    ]);
  }
  const ahead = await world.call('GET', '/api/v1/costs?from=2031-01-05&to=2031-01-06');
  expect([ahead.status, ahead.json['detail'], ahead.json['errors']]).toEqual([
    404,
    'The period has not begun: it begins at 2031-01-05T00:00:00.000Z.',
    [{ field: 'from', rule: 'must have begun', wayOut: 'name an earlier one' }],
  ]);
  // One that runs is provisional, with lines or without.
  for (const path of ['bills/marketing/2026-11.json', 'costs?month=2026-11'])
    expect((await world.call('GET', `/api/v1/${path}`)).status, path).toBe(200);
});

test('what is not a month is refused in the same words on every route that takes one', async () => {
  for (const [path, field] of [
    ['bills/marketing/2026-13.json', 'month'],
    ['exports/2026-13/bills.zip', 'month'],
    ['exports/2026-13/focus.csv', 'month'],
    ['exports/2026-13/deliveries', 'month'],
    ['costs?month=2026-13', 'month'],
    ['reconciliation/2026-13', 'month'],
    ['closes/2026-13', 'month'],
    ['adjustments', 'corrects.month'],
    ['disputes', 'month'],
  ] as const) {
    const asked =
      path === 'adjustments'
        ? { creditedTeam: 'marketing', corrects: { month: '2026-13' } }
        : { team: 'marketing', month: '2026-13' };
    const reply = await (path === 'adjustments' || path === 'disputes'
      ? world.call('POST', `/api/v1/${path}`, { ...asked, amount: '1.00', reason: 'why' })
      : world.call('GET', `/api/v1/${path}`));
    expect([reply.status, reply.json['errors']], path).toEqual([
      400,
      [
        {
          field,
          rule: 'must be a month of 2000 to 2999',
          wayOut: 'write it as YYYY-MM, such as 2026-10',
        },
      ],
    ]);
  }
});

test('the bill of an open month that is imported says in JSON and CSV what the close shows, and that it is provisional', async () => {
  const { json } = await world.call('GET', '/api/v1/closes/2026-10');
  const { bills } = json as {
    bills: { team: string; totalCredits: string; totalAmount: string }[];
  };
  for (const { team, totalCredits, totalAmount } of bills) {
    const bill = await world.call('GET', `/api/v1/bills/${team}/2026-10.json`);
    const amount = totalAmount.slice(0, -10);
    expect(bill.json).toMatchObject({
      status: 'provisional',
      bill: `2026-10-v0-${team}`,
      totalCredits,
      totalAmount: amount,
    });
    const csv = await world.call('GET', `/api/v1/bills/${team}/2026-10.csv`);
    const last = csv.text.trim().split('\r\n').at(-1) ?? '';
    expect(last).toContain(`,provisional,2026-10,`);
    expect(last).toContain(`,${totalCredits},`);
    expect(last).toContain(`,${amount},USD,`);
  }
  const marketing = bills.find(({ team }) => team === 'marketing');
  expect(marketing?.totalAmount).not.toBe('0.000000000000');
});

test('steps are refused with rule and way out, and leave nothing behind', async () => {
  const early = await step('ann', 'approve');
  expect([early.status, early.json['detail']]).toEqual([409, '2026-10 is open.']);
  const none = await world.call('POST', '/api/v1/closes/2026-08/freeze', {});
  expect([none.status, none.json['detail']]).toEqual([
    409,
    'Nothing was metered, charged or booked in 2026-08.',
  ]);
  const nonsense = await world.call('POST', '/api/v1/closes/october/freeze', {});
  expect(nonsense.status).toBe(400);
  const silent = await step('ann', 'reopen', {});
  expect([silent.status, silent.json['errors']]).toEqual([
    400,
    [expect.objectContaining({ field: 'reason' })],
  ]);
  expect((await world.call('GET', '/api/v1/closes')).json).toEqual({
    closes: [],
    nextCursor: null,
  });
});

test('a month is closed by two people, once under a key, and every step is in the audit log', async () => {
  const frozen = await step('ann', 'freeze', {}, 'freeze-october');
  expect([frozen.status, frozen.json['state']]).toEqual([200, 'softClosed']);
  const again = await step('ann', 'freeze', {}, 'freeze-october');
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json).toEqual(frozen.json);
  expect((await step('ann', 'propose')).status).toBe(200);
  const own = await step('ann', 'approve');
  expect([own.status, own.json['detail']]).toEqual([
    403,
    'You have proposed 2026-10 yourself, so another person has to approve it.',
  ]);
  expect((await step('ben', 'approve')).json['state']).toBe('approved');
  const closed = await step('ann', 'close', { reason: 'October' });
  expect(closed.json).toMatchObject({ state: 'closed', version: 1, approvals: [{}] });
  const twice = await step('ben', 'close');
  expect([twice.status, twice.json['detail']]).toEqual([
    409,
    expect.stringMatching(/^2026-10 is closed already \(version 1, closed by .* at 2026-11-05T/),
  ]);
  const audit = await world.call('GET', '/api/v1/audit?subject=month/2026-10');
  const actions = (audit.json['events'] as { action: string }[]).map(({ action }) => action);
  expect(actions).toEqual(['close.close', 'close.approve', 'close.propose', 'close.freeze']);
  const first = await world.call('GET', '/api/v1/closes/2026-10?version=1');
  expect(first.json).toEqual(closed.json);
  expect((await world.call('GET', '/api/v1/closes/2026-10?version=2')).status).toBe(404);
});

test('a month says which steps whoever asks may take now: not those of others, nor on own work', async () => {
  const seenBy = async (who: string, month = '2026-10'): Promise<unknown> =>
    (
      await world.call('GET', `/api/v1/closes/${month}`, undefined, {
        authorization: `Bearer ${tokens[who] ?? ''}`,
      })
    ).json['stepsOpen'];
  expect(await seenBy('ann')).toEqual(['reopen']);
  expect((await step('ann', 'reopen', { reason: 'to see' })).json['stepsOpen']).toEqual([
    'freeze',
    'propose',
  ]);
  expect((await step('ann', 'propose')).json['stepsOpen']).toEqual(['return']);
  expect(await seenBy('ben')).toEqual(['approve', 'return']);
  expect((await step('ben', 'approve')).json['stepsOpen']).toEqual(['return', 'close']);
  expect((await step('ben', 'close')).json['version']).toBe(2);
  expect(await seenBy('ben', '2026-10?version=1')).toEqual([]);
  // Not over, and without data.
  expect(await seenBy('ben', '2026-11')).toEqual([]);
  const problemsOf = async (month: string): Promise<unknown> =>
    (await world.call('GET', `/api/v1/closes/${month}`)).json['problems'];
  const problem = { what: 'month', subject: 'the month' };
  const why = 'nothing was metered, charged or booked in it';
  expect(await problemsOf('2026-08')).toEqual([expect.objectContaining({ ...problem, why })]);
  const inOrder = 'months are closed in their order, and 2026-11 is not closed';
  expect(await problemsOf('2026-12')).toContainEqual(
    expect.objectContaining({ ...problem, why: inOrder, wayOut: 'tollgate close 2026-11' }),
  );
});

test('the list of months has totals and what does not agree; bills are listed, to a lead the own ones in force', async () => {
  const { closes } = (await world.call('GET', '/api/v1/closes')).json as { closes: object[] };
  expect(closes).toEqual([
    expect.objectContaining({ month: '2026-10', version: 2, state: 'closed', openCount: 0 }),
    expect.objectContaining({ version: 1, state: 'superseded', totalAmount: '9.000000000000' }),
  ]);
  const lead = {
    authorization: `Bearer ${await world.issue({ role: 'team-lead', team: 'marketing' })}`,
  };
  const { bills } = (await world.call('GET', '/api/v1/bills', undefined, lead)).json;
  expect(bills).toEqual([
    expect.objectContaining({ month: '2026-10', version: 2, team: 'marketing', state: 'closed' }),
  ]);
  const foreign = await world.call('GET', '/api/v1/bills?team=sales', undefined, lead);
  expect(foreign.status).toBe(404);
  const first = (await world.call('GET', '/api/v1/bills?limit=1')).json as {
    bills: { team: string }[];
    nextCursor: string;
  };
  const rest = (await world.call('GET', `/api/v1/bills?cursor=${first.nextCursor}`)).json as {
    bills: { team: string }[];
  };
  const teams = [...first.bills, ...rest.bills].map(({ team }) => team);
  expect(teams).toEqual([...new Set(teams)].toSorted());
  expect(teams.length).toBeGreaterThan(2);
});

test('a team lead disputes the own bill only; finance accepts it, and above the limit another one approves', async () => {
  const lead = {
    authorization: `Bearer ${await world.issue({ role: 'team-lead', team: 'marketing' })}`,
  };
  const dispute = { team: 'marketing', month: '2026-10', amount: '2.50', reason: 'not ours' };
  const bill = (await world.call('GET', '/api/v1/bills/marketing/2026-10.json')).json as {
    totalAmount: string;
    lines: [{ id: string; amount: string }];
  };
  const { id: lineId, amount: ofLine } = bill.lines[0];
  for (const [named, of, billed, other] of [
    [{}, 'bill', bill.totalAmount, 'let finance move money by an adjustment'],
    [{ lineId }, 'line', ofLine, 'leave lineId out to dispute the bill as a whole'],
  ] as const) {
    const more = { ...dispute, ...named, amount: '1000.00' };
    const { status, json } = await world.call('POST', '/api/v1/disputes', more, lead);
    expect([status, json['errors']]).toEqual([
      400,
      [
        {
          field: 'amount',
          rule: `must be at most what the ${of} comes to, ${billed} USD`,
          wayOut: `dispute ${billed} USD or less, or ${other}`,
        },
      ],
    ]);
  }
  const raised = await world.call('POST', '/api/v1/disputes', dispute, lead);
  expect([raised.status, raised.json['dispute']]).toEqual([
    200,
    expect.objectContaining({ id: '1', owner: 'finance', dueOn: '2026-11-19', state: 'waiting' }),
  ]);
  const foreign = await world.call('POST', '/api/v1/disputes', { ...dispute, team: 'sales' }, lead);
  expect(foreign.status).toBe(404);
  const accepted = { outcome: 'accepted', reason: 'right', debitedTeam: 'platform' };
  const own = await world.call('POST', '/api/v1/disputes/1/decision', accepted, lead);
  expect([own.status, own.json['detail']]).toEqual([400, 'outcome must be withdrawn for a team.']);
  const as = (who: string): Record<string, string> => ({
    authorization: `Bearer ${tokens[who] ?? ''}`,
  });
  const ended = await world.call('POST', '/api/v1/disputes/1/decision', accepted, as('ann'));
  expect(ended.json['dispute']).toMatchObject({ state: 'accepted', adjustmentId: '1' });
  const mine = await world.call(
    'POST',
    '/api/v1/adjustments/1/decision',
    { decision: 'approved', reason: 'yes' },
    as('ann'),
  );
  expect(mine.status).toBe(403);
  const yes = await world.call(
    'POST',
    '/api/v1/adjustments/1/decision',
    { decision: 'approved', reason: 'yes' },
    as('ben'),
  );
  expect(yes.json['adjustment']).toMatchObject({ state: 'approved', bookedIn: '2026-11' });
  const seen = await world.call('GET', '/api/v1/disputes?state=waiting', undefined, lead);
  expect(seen.json).toEqual({ disputes: [], nextCursor: null });
  const audit = await world.call('GET', '/api/v1/audit?subject=dispute/1');
  expect((audit.json['events'] as { action: string }[]).map(({ action }) => action)).toEqual([
    'dispute.accept',
    'dispute.raise',
  ]);
});

test('an adjustment is refused by field: an unknown team, an amount that cannot be paid, a month that is closed', async () => {
  const body = {
    creditedTeam: 'marketing',
    debitedTeam: 'sales',
    amount: '1.00',
    reason: 'because',
  };
  const answers = await Promise.all(
    [
      { ...body, creditedTeam: 'nobody' },
      { ...body, debitedTeam: 'marketing' },
      { ...body, amount: '1.005' },
      { ...body, amount: '-1.00' },
      { ...body, month: '2026-10' },
      { ...body, corrects: { month: '2026-09' } },
      { ...body, corrects: { month: '2026-10', lineId: 'none' } },
    ].map((each) => world.call('POST', '/api/v1/adjustments', each)),
  );
  expect(
    answers.map(({ status, json }) => [status, (json['errors'] as { field: string }[])[0]?.field]),
  ).toEqual([
    [404, 'team'],
    [400, 'debitedTeam'],
    [400, 'amount'],
    [400, 'amount'],
    [409, 'month'],
    [409, 'corrects.month'],
    [404, 'lineId'],
  ]);
});
