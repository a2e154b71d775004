/** A month of which one team's bill is in its own currency: every answer that tells what is owed tells both amounts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoControlDocument } from '../../policies/control/demo.js';
import { NOVEMBER_5, meter } from '../support/metered-month.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

const tokens: Record<string, string> = {};
let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld({
    first: {
      ...demoControlDocument(),
      bookings: [{ node: 'marketing', effectiveFrom: '2026-10-01', currency: 'JPY' }],
    },
  });
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  await meter(world.database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2' },
        { bucket: 'direct', team: 'sales', credits: '0.5' },
      ],
    },
  ]);
});
afterAll(() => world.close());

function call(
  who: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<AdminReply> {
  return world.call(method, `/api/v1${path}`, body, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
  });
}

const OWED_IN_YEN = {
  currency: 'JPY',
  amount: '897',
  rate: '149.505000000000',
  source: 'BOJ, 30 October 2026',
  day: '2026-10-01',
  roundingAmount: '-0.030000000000',
};
const TOTAL_IN_YEN = [{ currency: 'JPY', amount: '897', invoicedAmount: '6.000000000000' }];

test('without a rate the freeze is refused, and nothing of the month is frozen', async () => {
  const refused = await call('ann', 'POST', '/closes/2026-10/freeze', {});
  expect([refused.status, refused.json['errors']]).toEqual([
    409,
    [
      {
        field: 'exchangeRate',
        rule: 'USD to JPY, 2026-10: bills are in JPY, and no exchange rate is in force on 2026-10-31',
        wayOut:
          'enter one (tollgate close rate JPY <rate> --from 2026-10-01) and let another person accept it',
      },
    ],
  ]);
  expect((await call('ann', 'GET', '/closes')).json['closes']).toEqual([]);
});

test('open, frozen and closed, a month and its bills tell what is owed in both currencies', async () => {
  const rate = {
    to: 'JPY',
    rate: '149.505',
    fromDay: '2026-10-01',
    source: 'BOJ, 30 October 2026',
  };
  const entered = await call('ann', 'POST', '/exchange-rates', {
    rates: [rate],
    reason: 'October',
  });
  const [{ id } = { id: '' }] = entered.json['rates'] as { id: string }[];
  await call('ben', 'POST', `/exchange-rates/${id}/decision`, {
    decision: 'accepted',
    reason: 'as the BOJ has it',
  });
  const open = await call('ann', 'GET', '/closes/2026-10');
  await call('ann', 'POST', '/closes/2026-10/freeze', {});
  await call('ann', 'POST', '/closes/2026-10/propose', {});
  await call('ben', 'POST', '/closes/2026-10/approve', {});
  const closed = await call('ann', 'POST', '/closes/2026-10/close', {});
  for (const { json } of [open, closed]) {
    expect(json).toMatchObject({
      currency: 'USD',
      totalAmount: '7.500000000000',
      convertedTotals: TOTAL_IN_YEN,
      roundingTeam: 'platform',
    });
    const bills = json['bills'] as { team: string; totalAmount: string; conversion: object }[];
    expect(bills.filter(({ conversion }) => conversion !== null)).toMatchObject([
      { team: 'marketing', totalAmount: '6.000000000000', conversion: OWED_IN_YEN },
    ]);
  }
});

test('so do the list of months, the list of bills and the bill itself', async () => {
  const { closes } = (await call('ann', 'GET', '/closes')).json;
  expect(closes).toMatchObject([
    { month: '2026-10', totalAmount: '7.500000000000', convertedTotals: TOTAL_IN_YEN },
  ]);
  const listed = async (team: string): Promise<unknown> =>
    (await call('ann', 'GET', `/bills?team=${team}`)).json['bills'];
  expect(await listed('marketing')).toMatchObject([
    { totalAmount: '6.000000000000', currency: 'USD', conversion: OWED_IN_YEN },
  ]);
  expect(await listed('sales')).toMatchObject([
    { totalAmount: '1.500000000000', conversion: null },
  ]);
  const bill = await call('ann', 'GET', '/bills/marketing/2026-10.json');
  expect(bill.json).toMatchObject({ totalAmount: '6.00', conversion: OWED_IN_YEN });
});
