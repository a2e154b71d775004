/** `GET /exports/{month}/focus.csv` and `/exports/{month}/journal.csv`. */
import { createHash } from 'node:crypto';
import type { LightMyRequestResponse as InjectedReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addMoney, formatAmount, parseMoney } from '#base/units.js';
import { demoControlDocument } from '#policies/control/demo.js';
import { csvRows } from '../support/csv-rows.js';
import { NOVEMBER_5, meter } from '../support/metered-month.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  const demo = demoControlDocument();
  const organisation = { ...demo.organisation, closing: { mode: 'chargeback' } } as const;
  world = await createAdminWorld({ first: { ...demo, organisation } });
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  tokens['lead'] = await world.issue({ role: 'team-lead', team: 'sales' });
  tokens['analyst'] = await world.issue({
    role: 'analyst',
    team: 'sales',
    principal: 'sales_analyst',
  });
  await meter(world.database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2.5' },
        { bucket: 'direct', team: 'sales', credits: '0.123456789012' },
        { bucket: 'idle', team: null, credits: '0.5' },
      ],
    },
  ]);
});
afterAll(() => world.close());

function get(path: string, who = 'ann'): Promise<AdminReply> {
  return world.call('GET', `/api/v1/exports/${path}`, undefined, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
  });
}

function sumOf(text: string, column: string): string {
  const amounts = csvRows(text).map((row) => parseMoney((row[column] ?? '') || '0'));
  return formatAmount(addMoney(...amounts));
}

describe('of an open month', () => {
  test('FOCUS is provisional: rows of no invoice that sum to the bills', async () => {
    const { status, type, text } = await get('2026-10/focus.csv');
    expect([status, type]).toEqual([200, 'text/csv; charset=utf-8']);
    const rows = csvRows(text);
    expect(new Set(rows.map((row) => row['x_TeamId']))).toEqual(
      new Set(['marketing', 'sales', 'unallocated']),
    );
    expect(rows.every((row) => row['InvoiceId'] === '' && row['x_BillState'] === 'open')).toBe(
      true,
    );
    expect(rows.some((row) => row['HostProviderName'] !== '')).toBe(true);
    const bills = await world.call('GET', '/api/v1/closes/2026-10');
    expect(sumOf(text, 'x_AmountOwed')).toBe(bills.json['totalAmount']);
  });

  test('the version of FOCUS is chosen, and another one is refused', async () => {
    const detail = await get('2026-10/focus.csv?dataset=InvoiceDetail');
    expect([detail.status, detail.text.split(',', 1)]).toEqual([200, ['BilledCost']]);
    const period = await get('2026-10/focus.csv?dataset=BillingPeriod');
    expect([period.status, period.text.split('\r\n').length]).toEqual([200, 3]);
    for (const wrong of [
      'dataset=InvoiceDetail&version=1.3',
      'dataset=InvoiceDetail&team=marketing',
    ])
      expect((await get(`2026-10/focus.csv?${wrong}`)).json).toMatchObject({
        errors: [{ field: 'dataset' }],
      });
    const old = await get('2026-10/focus.csv?version=1.2');
    expect(Object.keys(csvRows(old.text)[0] ?? {})).toContain('ProviderName');
    const { status, json } = await get('2026-10/focus.csv?version=1.1');
    expect([status, json['errors']]).toMatchObject([
      400,
      [{ field: 'querystring.version', rule: 'must be one of 1.2, 1.3, 1.4' }],
    ]);
  });

  test('a lead gets the rows of the own team and no others', async () => {
    expect((await get('2026-10/focus.csv?dataset=InvoiceDetail', 'lead')).status).toBe(400);
    const own = await get('2026-10/focus.csv', 'lead');
    expect(new Set(csvRows(own.text).map((row) => row['x_TeamId']))).toEqual(new Set(['sales']));
    for (const team of ['marketing', 'unallocated', 'nobody'])
      expect((await get(`2026-10/focus.csv?team=${team}`, 'lead')).status).toBe(404);
    expect((await get('2026-10/journal.csv', 'lead')).status).toBe(403);
    expect((await get('2026-10/focus.csv', 'analyst')).status).toBe(403);
  });

  test('the journal is an accrual, and has nothing to be taken back', async () => {
    const rows = csvRows((await get('2026-10/journal.csv')).text);
    // Two teams and the clearing account; what is of nobody is told only.
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row['Reversal Date']).toBe('2026-11-01');
    const { status, json } = await get('2026-10/journal.csv?reversal=true');
    expect([status, json['errors']]).toMatchObject([
      400,
      [{ field: 'reversal', rule: 'takes back what was posted, and 2026-10 is open' }],
    ]);
  });
});

test('a month that is none, without use, a team or a version that is none: said so, with the way out', async () => {
  expect((await get('october/focus.csv')).status).toBe(400);
  const none = await get('2026-08/journal.csv');
  expect([none.status, none.json['detail']]).toEqual([
    404,
    'Nothing was metered, charged or booked in 2026-08.',
  ]);
  expect((await get('2026-10/focus.csv?team=nobody')).status).toBe(404);
  const version = await get('2026-10/focus.csv?billVersion=3');
  expect([version.status, version.json['detail']]).toEqual([
    404,
    'There is no version 3 of 2026-10.',
  ]);
  expect((await get('2026-10/journal.csv?layout=excel')).status).toBe(400);
});

test('of a closed month the files are final, and the same bytes whenever they are asked for', async () => {
  const step = (who: string, name: string): Promise<AdminReply> =>
    world.call(
      'POST',
      `/api/v1/closes/2026-10/${name}`,
      {},
      {
        authorization: `Bearer ${tokens[who] ?? ''}`,
      },
    );
  for (const [who, name] of [
    ['ann', 'freeze'],
    ['ann', 'propose'],
    ['ben', 'approve'],
    ['ben', 'close'],
  ] as const) {
    const { status, json } = await step(who, name);
    expect([name, status, json['detail']]).toEqual([name, 200, undefined]);
  }
  const focus = await get('2026-10/focus.csv');
  const rows = csvRows(focus.text);
  expect(new Set(rows.map((row) => row['InvoiceId'])).size).toBe(1);
  expect(rows[0]?.['InvoiceId']).not.toBe('');
  expect((await get('2026-10/focus.csv?billVersion=1')).text).toBe(focus.text);
  const journal = await get('2026-10/journal.csv');
  expect((await get('2026-10/journal.csv')).text).toBe(journal.text);
  expect(csvRows(journal.text)).toHaveLength(3);
  expect(sumOf(journal.text, 'Journal Entry - Line: Debit')).toBe(
    sumOf(journal.text, 'Journal Entry - Line: Credit'),
  );
  const back = await get('2026-10/journal.csv?reversal=true&layout=sap');
  expect(csvRows(back.text).map((row) => row['Debit/Credit Indicator'])).toEqual(['H', 'H', 'S']);
});

describe('what proves a file', () => {
  const digestOf = (bytes: string | Buffer): string =>
    `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
  const ask = async (path: string): Promise<InjectedReply> =>
    world.app.inject({
      url: `/api/v1/${path}`,
      headers: { authorization: `Bearer ${tokens['ann'] ?? ''}` },
    });

  test.each([
    ['exports/2026-10/journal.csv', 'headers'],
    ['exports/2026-10/focus.csv?dataset=InvoiceDetail', 'headers'],
    ['bills/sales/2026-10.json', 'headers'],
    ['exports/2026-10/focus.csv', 'trailers'],
    ['exports/2026-10/bills.zip', 'trailers'],
  ] as const)('%s has the digest of its bytes in its %s', async (path, place) => {
    const reply = await ask(path);
    expect(reply.statusCode, reply.body).toBe(200);
    expect(reply[place]['repr-digest']).toBe(digestOf(reply.rawPayload));
  });

  test('FOCUS and journal have control totals beside them: those of the month, or of the one team', async () => {
    const focus = await ask('exports/2026-10/focus.csv');
    const { totalAmount } = (await ask('closes/2026-10')).json<{ totalAmount: string }>();
    const totals = String(focus.headers['tollgate-control-totals']);
    expect(totals).toMatch(
      /^lines=\d+, statements=\d+, credits="[\d.]+", amount="[\d.]+", currency="USD"$/,
    );
    const [, amount = ''] = /amount="([^"]+)"/.exec(totals) ?? [];
    expect(parseMoney(amount)).toEqual(parseMoney(totalAmount));
    const journal = await ask('exports/2026-10/journal.csv');
    expect(journal.headers['tollgate-control-totals']).toBe(totals);
    const own = await ask('exports/2026-10/focus.csv?team=sales');
    const bill = (await ask('bills/sales/2026-10.json')).json<{
      controlTotals: { credits: string; amount: string };
    }>();
    expect(own.headers['tollgate-control-totals']).toContain(
      `credits="${bill.controlTotals.credits}", amount="${bill.controlTotals.amount}"`,
    );
  });
});
