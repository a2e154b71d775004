import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import { formatAmount, parseMoney } from '../../base/units.js';
import { storeUsage } from '../../billing/usage/store-usage.js';
import type { UsageView } from '../../billing/usage/read-views.js';
import type { UsageRow } from '../../billing/usage/view-reading.js';
import { derivePricesOf } from '../../cli/usage-import.js';
import { startControlRefresher } from '../../proxy/control/refresher.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  for (const table of [
    'usage_rate_day',
    'usage_balance_day',
    'usage_money_day',
    'usage_day',
    'price_decision',
    'usage_warehouse_hour',
    'usage_service_hour',
  ])
    await world.database.db.query(`DELETE FROM ${table}`);
  await derivePricesOf(world.database.db, 'demo');
});

const TYPED = {
  rating_type: 'COMPUTE',
  service_type: 'WAREHOUSE_METERING',
  billing_type: 'CONSUMPTION',
  is_adjustment: false,
};
const rate = (day: string, price: string | null, more: UsageRow = {}): UsageRow => ({
  ...TYPED,
  day,
  usage_type: 'compute',
  currency: 'USD',
  effective_rate: price,
  region: null,
  edition: null,
  ...more,
});

async function store(
  view: UsageView,
  rows: readonly UsageRow[],
  by: string | null = null,
): Promise<void> {
  await world.database.db.transaction((tx) => storeUsage(tx, 'demo', view, rows, by));
  await derivePricesOf(world.database.db, 'demo');
}

async function priceAt(at: string): Promise<Record<string, unknown> | undefined> {
  const { json } = await world.call('GET', `/api/v1/prices?at=${at}`);
  return (json['prices'] as Record<string, unknown>[]).find(
    ({ account, serviceType }) => account === 'demo' && serviceType === 'WAREHOUSE_METERING',
  );
}

const HELD = {
  account: 'demo',
  ratingType: 'COMPUTE',
  serviceType: 'WAREHOUSE_METERING',
  from: '2026-10-05',
};

test('the price in force says its source and date; days before the rate sheet keep the book’s', async () => {
  await store('RATE_SHEET_DAILY', [rate('2026-10-01', '2.45'), rate('2026-10-09', '2.4')]);
  const sheet = { source: 'rateSheet', currency: 'USD' };
  expect(await priceAt('2026-09-30')).toMatchObject({
    source: 'book',
    since: '2020-01-01T00:00:00.000Z',
  });
  expect(await priceAt('2026-10-04')).toMatchObject({
    ...sheet,
    pricePerCredit: '2.450000000000',
    since: '2026-10-01T00:00:00.000Z',
  });
  // A rate sheet has no row for a day without use: the last price goes on.
  expect(await priceAt('2026-12-24')).toMatchObject({ ...sheet, pricePerCredit: '2.400000000000' });
  // Criterion 14: the same days again change nothing.
  const { rows: before } = await world.database.db.query(
    'SELECT version FROM imported_price_version',
  );
  await store('RATE_SHEET_DAILY', [rate('2026-10-09', '2.4'), rate('2026-10-01', '2.45')]);
  const { rows: after } = await world.database.db.query(
    'SELECT version FROM imported_price_version',
  );
  expect(after).toEqual(before);
  const key = { account: 'demo', ratingType: 'COMPUTE', serviceType: 'WAREHOUSE_METERING' };
  const first = await world.call('GET', '/api/v1/prices/sheets?limit=1');
  expect(first.json['prices']).toMatchObject([
    { ...key, from: '2026-10-01T00:00:00.000Z', pricePerCredit: '2.450000000000' },
  ]);
  const cursor = encodeURIComponent(String(first.json['nextCursor']));
  const second = await world.call('GET', `/api/v1/prices/sheets?limit=1&cursor=${cursor}`);
  expect(second.json).toMatchObject({
    prices: [{ ...key, from: '2026-10-09T00:00:00.000Z', to: null }],
    nextCursor: null,
  });
});

test('an implausible price is held until somebody else accepts it; replicas have it within a notification', async () => {
  const finance = await world.issue({ role: 'finance' });
  const as = { authorization: `Bearer ${finance}` };
  const refresher = await startControlRefresher({
    db: world.database.db,
    log: silentLog,
    pollIntervalMs: 60_000,
    onChange: () => undefined,
  });
  const now = async (): Promise<string> => {
    await refresher.refresh();
    const price = refresher.current()?.priceAt('compute', Date.UTC(2026, 9, 20));
    return formatAmount(price?.pricePerCredit ?? parseMoney('0'));
  };
  const { rows: known } = await world.database.db.query<{ actor: string }>(
    'SELECT actor FROM audit_event ORDER BY sequence DESC LIMIT 1',
  );
  await store(
    'RATE_SHEET_DAILY',
    [rate('2026-10-01', '2.5'), rate('2026-10-05', '25')],
    known[0]?.actor ?? '',
  );
  expect(await now()).toBe('2.500000000000');
  const { json } = await world.call('GET', '/api/v1/prices/held');
  expect(json['held']).toEqual([
    {
      ...HELD,
      to: null,
      pricePerCredit: '25.000000000000',
      currency: 'USD',
      why: 'it is more than twice the former price',
      inForce: '2.50 USD',
      importedBy: known[0]?.actor,
    },
  ]);
  const word = { ...HELD, decision: 'accept', reason: 'new contract, page 3' };
  // The administrator's token has imported it.
  expect(await world.call('POST', '/api/v1/prices/decisions', word)).toMatchObject({ status: 403 });
  // Nor can another token of whoever did.
  const own = await world.issue({ role: 'finance', name: known[0]?.actor ?? '' });
  const asSelf = { authorization: `Bearer ${own}` };
  expect(await world.call('POST', '/api/v1/prices/decisions', word, asSelf)).toMatchObject({
    status: 403,
  });
  expect(await now()).toBe('2.500000000000');
  expect(await world.call('POST', '/api/v1/prices/decisions', word, as)).toMatchObject({
    status: 200,
    json: { pricePerCredit: '25.000000000000' },
  });
  expect(await now()).toBe('25.000000000000');
  expect(await world.call('POST', '/api/v1/prices/decisions', word, as)).toMatchObject({
    status: 404,
  });
  const { rows } = await world.database.db.query(
    "SELECT action, subject, reason FROM audit_event WHERE action LIKE 'price.%'",
  );
  expect(rows).toEqual([
    {
      action: 'price.accept',
      subject: 'price/demo/COMPUTE/WAREHOUSE_METERING',
      reason: word.reason,
    },
  ]);
  await refresher.stop();
});

test('a declined price never holds, and a row without a price cannot be accepted', async () => {
  await store('RATE_SHEET_DAILY', [rate('2026-10-01', '2.5'), rate('2026-10-05', null)]);
  const word = { ...HELD, reason: 'asked Snowflake' };
  expect(
    await world.call('POST', '/api/v1/prices/decisions', { ...word, decision: 'accept' }),
  ).toMatchObject({ status: 400 });
  expect(
    await world.call('POST', '/api/v1/prices/decisions', { ...word, decision: 'decline' }),
  ).toMatchObject({ status: 200 });
  expect(await priceAt('2026-10-06')).toMatchObject({ pricePerCredit: '2.500000000000' });
});

test('with nothing left of the contract the price beyond it holds, else the usual one', async () => {
  const beyond = (day: string): UsageRow => rate(day, '4', { usage_type: 'overage-compute' });
  const balance = (day: string, left: string): UsageRow => ({
    contract: 'C',
    day,
    currency: 'USD',
    balance: left,
  });
  await store('REMAINING_BALANCE_DAILY', [
    balance('2026-10-01', '10'),
    balance('2026-10-03', '-1'),
  ]);
  await store('RATE_SHEET_DAILY', [
    ...['2026-10-02', '2026-10-04'].flatMap((day) => [rate(day, '2.5'), beyond(day)]),
    rate('2026-10-01', '99', { is_adjustment: true }),
  ]);
  expect(await priceAt('2026-10-02')).toMatchObject({ pricePerCredit: '2.500000000000' });
  expect(await priceAt('2026-10-04')).toMatchObject({ pricePerCredit: '4.000000000000' });
});

const money = (day: string, usage: string, amount: string): UsageRow => ({
  ...TYPED,
  day,
  usage_type: 'compute',
  balance_source: 'capacity',
  currency: 'USD',
  usage_amount: usage,
  money: amount,
});
const used = (day: string, credits: string): UsageRow => ({
  day,
  service_type: 'WAREHOUSE_METERING',
  compute_credits: credits,
  cloud_services_credits: '0',
  adjustment_credits: '0',
  billed_credits: credits,
});
const hour = (at: string, credits: string): readonly [UsageRow, UsageRow] => [
  {
    warehouse_id: '7',
    warehouse: 'STANDARD_WH',
    starts_at: at,
    metered_credits: credits,
    cloud_services_credits: '0',
    attributed_credits: null,
  },
  {
    service_type: 'WAREHOUSE_METERING',
    entity_id: '7',
    starts_at: at,
    entity_kind: 'WAREHOUSE',
    entity_name: 'STANDARD_WH',
    compute_credits: credits,
    cloud_services_credits: '0',
    credits,
  },
];

test('criterion 20: a month agrees in credits exactly and in money within the roundings; one credit is found by warehouse and hour', async () => {
  world.clock.set(Date.UTC(2026, 10, 5));
  const [first, firstOfServices] = hour('2026-10-01T10:00:00Z', '1.5');
  const [second, secondOfServices] = hour('2026-10-01T11:00:00Z', '2.5');
  await store('WAREHOUSE_METERING_HISTORY', [first, second]);
  await store('METERING_HISTORY', [firstOfServices, secondOfServices]);
  await store('METERING_DAILY_HISTORY', [used('2026-10-01', '4')]);
  await store('USAGE_IN_CURRENCY_DAILY', [money('2026-10-01', '4', '12')]);
  const path = '/api/v1/reconciliation/2026-10';
  expect(await world.call('GET', path)).toMatchObject({
    status: 200,
    json: {
      isReconciled: true,
      warehouseHours: 2,
      creditDifferences: [],
      moneyDifferences: [],
      computedAmount: '12.000000000000',
      billedAmount: '12.000000000000',
    },
  });
  await store('WAREHOUSE_METERING_HISTORY', [{ ...second, metered_credits: '3.5' }]);
  expect((await world.call('GET', path)).json).toMatchObject({
    isReconciled: false,
    creditDifferences: [
      {
        grain: 'hour',
        startsAt: '2026-10-01T11:00:00.000Z',
        warehouse: 'STANDARD_WH',
        hourCredits: '3.500000000000',
        otherCredits: '2.500000000000',
      },
      { grain: 'day', startsAt: '2026-10-01T00:00:00.000Z', warehouse: null },
    ],
  });
  await store('METERING_DAILY_HISTORY', [used('2026-10-01', '5')]);
  expect((await world.call('GET', path)).json['moneyDifferences']).toMatchObject([
    {
      day: '2026-10-01',
      cause: expect.stringMatching(/quantityDiffers|lateData/),
      differenceAmount: '3.000000000000',
    },
  ]);
  expect(await world.call('GET', '/api/v1/reconciliation/2026-13')).toMatchObject({ status: 400 });
});

test('criterion 27: prices of later days change neither the price of a past day nor the money of its month', async () => {
  world.clock.set(Date.UTC(2026, 10, 5));
  const [metered, ofServices] = hour('2026-10-01T10:00:00Z', '4');
  await store('WAREHOUSE_METERING_HISTORY', [metered]);
  await store('METERING_HISTORY', [ofServices]);
  await store('METERING_DAILY_HISTORY', [used('2026-10-01', '4')]);
  await store('USAGE_IN_CURRENCY_DAILY', [money('2026-10-01', '4', '10')]);
  await store('RATE_SHEET_DAILY', [rate('2026-10-01', '2.5')]);
  const october = async (): Promise<unknown> =>
    (await world.call('GET', '/api/v1/reconciliation/2026-10')).json;
  const before = await october();
  expect(before).toMatchObject({ isReconciled: true, computedAmount: '10.000000000000' });
  await store('RATE_SHEET_DAILY', [rate('2026-10-02', '2.4'), rate('2026-11-01', '2')]);
  expect(await october()).toEqual(before);
  expect(await priceAt('2026-10-01')).toMatchObject({ pricePerCredit: '2.500000000000' });
  expect(await priceAt('2026-11-02')).toMatchObject({ pricePerCredit: '2.000000000000' });
});
