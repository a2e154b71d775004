/**
 * What finance may do wrong with a month, by the API and by the verbs against it: each is told field, rule and way out, and
 * leaves every row of closes and bookings as it was.
 */
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from '../admin/world.js';
import { csvRows } from '../support/csv-rows.js';
import { NOVEMBER_5, invoice, meter } from '../support/metered-month.js';
import { recordedTerminal } from './recorded-terminal.js';

const FORMULA = '=HYPERLINK("http://x","y")';
const tokens: Record<string, string> = {};
let world: AdminWorld;

beforeAll(async () => {
  const demo = demoControlDocument();
  world = await createAdminWorld({
    first: {
      ...demo,
      prices: (demo.prices ?? []).map((price) => ({ ...price, effectiveFrom: '2026-09-02' })),
      teams: demo.teams.map((team) => (team.id === 'sales' ? { ...team, name: FORMULA } : team)),
    },
  });
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  const lines = [
    { bucket: 'direct', team: 'marketing', credits: '2' },
    { bucket: 'direct', team: 'sales', credits: '1' },
  ];
  await meter(world.database.db, [
    { at: '2026-09-01T08:00:00Z', lines },
    { at: '2026-10-01T08:00:00Z', lines },
  ]);
  // Twice what the use comes to at the price in force.
  await invoice(world.database.db, [
    { day: '2026-10-01', serviceType: 'WAREHOUSE_METERING', usage: '3', money: '18' },
  ]);
});
afterAll(() => world.close());
afterEach(() => vi.unstubAllEnvs());

/** How many rows there are of anything that a step or a booking writes, and how far each version is. */
async function written(): Promise<unknown> {
  const { rows } = await world.database.db.query(
    `SELECT (SELECT count(*) FROM month_freeze) AS freezes, (SELECT count(*) FROM month_step) AS steps,
       (SELECT count(*) FROM bill_adjustment) AS adjustments, (SELECT count(*) FROM audit_event) AS events,
       (SELECT string_agg(concat_ws(' ', month, version, state), ',') FROM month_close) AS versions`,
  );
  return rows[0];
}

function api(who: string, path: string, body: object): Promise<AdminReply> {
  return world.call('POST', `/api/v1${path}`, body, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
  });
}

async function cli(
  who: string,
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { port } = world.app.server.address() as AddressInfo;
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String(port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', tokens[who] ?? '');
  const terminal = recordedTerminal(200);
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

interface Refused {
  readonly status: number;
  readonly detail: string;
  readonly field: string;
  readonly rule: string;
  readonly wayOut: string;
}

/** The same asked for twice, by the API and by a verb: both say why, by which rule and what to do, and nothing is written. */
async function expectRefused(
  who: string,
  [path, body, ...args]: readonly [string, object, ...string[]],
  { status, detail, field, rule, wayOut }: Refused,
): Promise<void> {
  const before = await written();
  const { json, ...reply } = await api(who, path, body);
  expect([reply.status, json['detail'], (json['errors'] as unknown[])[0]]).toEqual([
    status,
    detail,
    { field, rule, wayOut },
  ]);
  const { code, out, err } = await cli(who, ...args);
  expect([code, out]).toEqual([1, '']);
  for (const said of [detail, wayOut]) expect(err).toContain(said);
  expect(await written()).toEqual(before);
}

test('a month without data', () =>
  expectRefused('ann', ['/closes/2026-08/freeze', {}, 'close', '2026-08'], {
    status: 409,
    detail: 'Nothing was metered, charged or booked in 2026-08.',
    field: 'month',
    rule: 'must have data',
    wayOut: 'import its usage (tollgate import --from), or name another month',
  }));

test('a price that is missing for a day', () =>
  expectRefused('ann', ['/closes/2026-09/freeze', {}, 'close', '2026-09'], {
    status: 409,
    detail: '2026-09 cannot be frozen yet: figures are missing. Nothing was changed.',
    field: 'price',
    rule: 'demo WAREHOUSE_METERING 2026-09-01: no price is in force on that day',
    wayOut:
      'import the rate sheet, accept a held price, or add it to prices in the control document',
  }));

test('approving one’s own, and with a variance that is open', async () => {
  for (const step of ['freeze', 'propose'])
    expect((await api('ann', `/closes/2026-10/${step}`, {})).status).toBe(200);
  await expectRefused('ann', ['/closes/2026-10/approve', {}, 'close', '2026-10', '--approve'], {
    status: 403,
    detail: 'You have proposed 2026-10 yourself, so another person has to approve it.',
    field: 'actor',
    rule: 'must be another person',
    wayOut: 'let somebody of platform or finance do it with a token of their own',
  });
  await expectRefused('ben', ['/closes/2026-10/approve', {}, 'close', '2026-10', '--approve'], {
    status: 409,
    detail: '1 figure of 2026-10 does not agree, and nobody has signed it off.',
    field: 'month',
    rule: 'must agree with what Snowflake says, or be signed off',
    wayOut:
      'import what is missing and freeze it anew, or let a second person sign it off with a reason: --sign-off "<why>"',
  });
  await expectRefused(
    'ann',
    ['/closes/2026-10/sign-off', { reason: 'x' }, 'close', '2026-10', '--sign-off', 'x'],
    {
      status: 403,
      detail: 'You have proposed 2026-10 yourself, so another person has to sign it off.',
      field: 'actor',
      rule: 'must be another person',
      wayOut: 'let somebody of platform or finance do it with a token of their own',
    },
  );
});

test('closing twice', async () => {
  expect((await cli('ben', 'close', '2026-10', '--sign-off', 'rebate of SO-118')).code).toBe(0);
  const { out } = await cli('ben', 'close', '2026-10', '--approve');
  expect(out).toMatch(/^2026-10 is closed, version 1\./);
  const { steps } = (await world.call('GET', '/api/v1/closes/2026-10')).json;
  const by = (steps as { by: string }[]).at(-1)?.by ?? '';
  await expectRefused('ben', ['/closes/2026-10/close', {}, 'close', '2026-10'], {
    status: 409,
    detail: `2026-10 is closed already (version 1, closed by ${by} at 2026-11-05T00:00:00.000Z).`,
    field: 'month',
    rule: 'must not be closed to be closed',
    wayOut:
      'what is wrong of it becomes an adjustment or a correction in the open month; --reopen "<why>" begins another version',
  });
});

test('adjusting what is closed: the month itself, a line that it has not, and a line of another team', async () => {
  const before = await written();
  const body = { creditedTeam: 'marketing', debitedTeam: 'ml', amount: '1.00', reason: 'because' };
  const booked = await api('ann', '/adjustments', { ...body, month: '2026-10' });
  expect([booked.status, booked.json['errors']]).toMatchObject([
    409,
    [{ field: 'month', wayOut: 'leave month out, and say in corrects what it mends' }],
  ]);
  expect(await written()).toEqual(before);
  const bill = await world.call('GET', '/api/v1/bills/sales/2026-10.json');
  const [{ id: ofSales } = { id: '' }] = bill.json['lines'] as { id: string }[];
  for (const lineId of ['none', ofSales]) {
    const asked = { ...body, corrects: { month: '2026-10', lineId } };
    const refused = await api('ann', '/adjustments', asked);
    const [error] = refused.json['errors'] as Refused[];
    await expectRefused(
      'ann',
      [
        '/adjustments',
        asked,
        'close',
        'adjust',
        'marketing',
        '1.00',
        '--on',
        'ml',
        '--corrects',
        '2026-10',
        '--line',
        lineId,
        '--reason',
        'because',
      ],
      {
        status: lineId === 'none' ? 404 : 409,
        detail: String(refused.json['detail']),
        field: 'lineId',
        rule: error?.rule ?? '',
        wayOut: error?.wayOut ?? '',
      },
    );
    expect([error?.rule, error?.wayOut]).not.toContain('');
  }
});

test('an unknown team', async () => {
  const said = {
    status: 404,
    detail: 'There is no team "nobody".',
    field: 'team',
    rule: 'must exist',
    wayOut: 'GET /api/v1/teams lists the teams',
  };
  await expectRefused(
    'ann',
    [
      '/adjustments',
      { creditedTeam: 'nobody', amount: '1.00', reason: 'because' },
      'close',
      'adjust',
      'nobody',
      '1.00',
      '--reason',
      'because',
    ],
    said,
  );
  const bill = await world.call('GET', '/api/v1/bills/nobody/2026-10.json');
  expect([bill.status, bill.json['detail']]).toEqual([404, said.detail]);
  const { code, err } = await cli('ann', 'bill', 'nobody', '2026-10');
  expect([code, err]).toEqual([1, expect.stringContaining(said.detail)]);
});

test('a name and a reason that begin like a formula run nowhere, and are read as they were written', async () => {
  const asked = ['close', 'adjust', 'marketing', '1.00', '--on', 'sales', '--reason', FORMULA];
  const { code, out } = await cli('ann', ...asked);
  expect([code, out]).toEqual([0, expect.stringContaining('Another person approves it')]);
  expect((await cli('ben', 'close', 'decide', '1', '--approve', '--reason', FORMULA)).code).toBe(0);
  const byApi = await world.call('GET', '/api/v1/bills/sales/2026-11.csv');
  const byVerb = await cli('ann', 'bill', 'sales', '2026-11', '--csv');
  for (const text of [byApi.text, `${byVerb.out}\r\n`]) {
    const [line] = csvRows(text);
    expect(line?.['team_name']).toBe(`'${FORMULA}`);
    expect(line?.['note']).toContain(FORMULA);
    expect(line?.['note']?.[0]).not.toBe('=');
  }
  const json = await world.call('GET', '/api/v1/bills/sales/2026-11.json');
  expect(json.json['teamName']).toBe(FORMULA);
});
