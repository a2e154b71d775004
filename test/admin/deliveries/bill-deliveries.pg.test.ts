/** Bills delivered over the API: to real SMTP and S3 listeners, once, with failures told and mended. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createObjectStore } from '../../../admin/deliveries/object-store.js';
import { createMailer } from '../../../admin/mail.js';
import { createAdminApp } from '../../../admin/server.js';
import { createMetrics } from '../../../base/metrics.js';
import { sealBills } from '../../../billing/bills/bill-hash.js';
import type { BilledMonth, MonthState } from '../../../billing/bills/billed-month.js';
import { verifyFiles } from '../../../billing/bills/manifest.js';
import { renderBill, renderMonth } from '../../../billing/bills/bill-files.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import { madeUpMonth } from '../../support/billed-month.js';
import { type MailSink, startMailSink } from '../../support/mail-sink.js';
import { type ObjectSink, startObjectSink } from '../../support/object-sink.js';
import { type AdminWorld, createAdminWorld, TOKEN } from '../world.js';

const TEAMS = ['growth', 'legal', 'sales', 'unallocated'];
const FOLDER = 'acme-bills/finance/2026-10/v1/';

function monthOf(month: string, state: MonthState): BilledMonth {
  const made = madeUpMonth({ days: 1, state });
  const bills = made.bills
    .filter(({ teamId }) => TEAMS.includes(teamId))
    .map((bill) => ({ ...bill, id: bill.id.replace('2026-10', month) }));
  return { ...made, month, ...sealBills(bills, made.currency) };
}

const MONTHS = new Map(
  [monthOf('2026-10', 'closed'), monthOf('2026-09', 'inReview')].map((each) => [each.month, each]),
);
let world: AdminWorld;
let mails: MailSink;
let objects: ObjectSink;
let app: Awaited<ReturnType<typeof createAdminApp>>;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'of-the-test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hidden');
  const demo = demoControlDocument();
  const channel = (id: string): { id: string; kind: 'email'; target: string } => ({
    id,
    kind: 'email',
    target: `${id}@example.com`,
  });
  world = await createAdminWorld({
    first: {
      ...demo,
      channels: [channel('growth-leads'), channel('sales-leads'), channel('sales-finance')],
      teams: demo.teams.map((team) => {
        if (team.id === 'growth') return { ...team, channels: ['growth-leads'] };
        if (team.id === 'sales') return { ...team, channels: ['sales-leads', 'sales-finance'] };
        return team;
      }),
    },
  });
  [mails, objects] = await Promise.all([startMailSink(), startObjectSink()]);
  const { options } = world;
  const bills = {
    readMonth: (month: string) => Promise.resolve(MONTHS.get(month) ?? monthOf(month, 'open')),
    readBill: () => Promise.resolve(undefined),
    readMonthAsOf: () => Promise.resolve(undefined),
    // In this thread: what is drawn in which is another test's.
    renderer: {
      bill: renderBill,
      month: (month: BilledMonth) => Promise.resolve(renderMonth(month)),
    },
    targets: {
      mailer: createMailer(mails.settings),
      objectStore: createObjectStore({
        billsS3Bucket: 'acme-bills',
        billsS3Endpoint: objects.endpoint,
        billsS3Prefix: 'finance',
        billsS3Region: null,
      }),
    },
  };
  app = await createAdminApp({
    ...options,
    metrics: createMetrics(),
    api: { ...options.api, bills },
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await app.close();
  await Promise.all([mails.close(), objects.close(), world.close()]);
});
afterEach(() => {
  mails.refuse = null;
  objects.refuse = null;
});

type Reply = { readonly status: number; readonly json: Record<string, unknown> };

async function ask(
  method: 'GET' | 'POST',
  month: string,
  payload?: object,
  token = TOKEN,
): Promise<Reply> {
  const reply = await app.inject({
    method,
    url: `/api/v1/exports/${month}/deliveries`,
    headers: { authorization: `Bearer ${token}` },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: reply.statusCode, json: reply.json() };
}

const subjectOf = (source: string): string => /^Subject: (.*)$/m.exec(source)?.[1] ?? '';

test('a closed month reaches every team by e-mail once; what was refused is told, and alone sent again', async () => {
  mails.refuse = 'sales-finance@example.com';
  const first = await ask('POST', '2026-10', { to: ['email'] });
  expect(first).toMatchObject({
    status: 200,
    json: {
      sent: 2,
      alreadySent: 0,
      failed: 1,
      failures: [{ target: 'sales-finance@example.com', item: '2026-10-v1-sales' }],
      teamsWithoutAddress: ['legal'],
    },
  });
  expect(mails.mails.map(({ to }) => to)).toEqual([
    ['growth-leads@example.com'],
    ['sales-leads@example.com'],
  ]);
  const { source } = mails.mails[0]!;
  expect(subjectOf(source)).toMatch(/^Bill of .* for 2026-10, USD [\d.]+$/);
  expect(source).toContain('filename=2026-10-v1-growth.pdf');
  expect(source).not.toContain('sales');
  mails.refuse = null;
  const second = await ask('POST', '2026-10', { to: ['email'] });
  expect(second.json).toMatchObject({ sent: 1, alreadySent: 2, failed: 0 });
  expect(mails.mails.at(-1)?.to).toEqual(['sales-finance@example.com']);
  const third = await ask('POST', '2026-10', { to: ['email'] });
  expect(third.json).toMatchObject({ sent: 0, alreadySent: 3, failed: 0 });
  expect(mails.mails).toHaveLength(3);
  const list = await ask('GET', '2026-10', undefined, await world.issue({ role: 'finance' }));
  const rows = list.json['deliveries'] as readonly Record<string, unknown>[];
  expect(rows.find(({ target }) => target === 'sales-finance@example.com')).toMatchObject({
    kind: 'email',
    item: '2026-10-v1-sales',
    team: 'sales',
    forms: ['pdf'],
    state: 'sent',
    attempts: 2,
    problem: null,
    actor: 'admin-token',
  });
  const { rows: events } = await world.database.db.query<{ subject: string; problem: string }>(
    `SELECT subject, after ->> 'problem' AS problem FROM audit_event
     WHERE action = 'bill.deliver' ORDER BY sequence`,
  );
  expect(events.map(({ subject }) => subject)).toEqual([
    'bill/2026-10-v1-growth',
    'bill/2026-10-v1-sales',
    'bill/2026-10-v1-sales',
    'bill/2026-10-v1-sales',
  ]);
  expect(events.filter(({ problem }) => problem !== null)).toHaveLength(1);
});

test('other forms are another delivery', async () => {
  mails.mails.length = 0;
  const { json } = await ask('POST', '2026-10', { to: ['email'], forms: ['csv', 'xlsx'] });
  expect(json).toMatchObject({ sent: 3 });
  for (const form of ['pdf', 'xlsx', 'csv'])
    expect(mails.mails[0]?.source).toContain(`filename=2026-10-v1-growth.${form}`);
});

test('the set is whole in the object store, proven by its manifest, which comes last and not before the others', async () => {
  objects.refuse = '2026-10-v1-legal.csv';
  const first = await ask('POST', '2026-10', { to: ['object-store'] });
  expect(first.json).toMatchObject({
    failed: 2,
    failures: [
      { item: '2026-10-v1-legal.csv', why: 'AccessDenied: not yours' },
      { item: 'manifest.json', why: 'waits for 1 files before it that have not arrived' },
    ],
  });
  expect(objects.objects.has(`${FOLDER}manifest.json`)).toBe(false);
  const before = objects.asked.length;
  objects.refuse = null;
  const second = await ask('POST', '2026-10', { to: ['object-store'] });
  expect(second.json).toMatchObject({ sent: 2, failed: 0, alreadySent: first.json['sent'] });
  expect(objects.asked.slice(before)).toEqual([
    `PUT ${FOLDER}2026-10-v1-legal.csv`,
    `PUT ${FOLDER}manifest.json`,
  ]);
  const names = [...objects.objects.keys()].map((key) => key.slice(FOLDER.length));
  expect(names).toEqual(
    expect.arrayContaining([
      '2026-10-v1-growth.pdf',
      '2026-10-v1-all.xlsx',
      '2026-10-v1-focus-1.4.csv',
      '2026-10-v1-journal-netsuite.csv',
    ]),
  );
  const read = (name: string): Buffer | undefined => objects.objects.get(FOLDER + name);
  const outcome = await verifyFiles(String(read('manifest.json')), (name) =>
    Promise.resolve(read(name)),
  );
  expect(outcome).toMatchObject({ kind: 'intact', bills: 4, files: names.length - 1 });
  const third = await ask('POST', '2026-10', { to: ['object-store'] });
  expect(third.json).toMatchObject({ sent: 0, alreadySent: names.length, failed: 0 });
});

test('a month that is not closed goes out only when it is asked for so, and says it in the subject', async () => {
  mails.mails.length = 0;
  const refused = await ask('POST', '2026-09', { to: ['email'] });
  expect(refused).toMatchObject({ status: 409, json: { errors: [{ field: 'provisional' }] } });
  expect(mails.mails).toHaveLength(0);
  const sent = await ask('POST', '2026-09', { to: ['email'], provisional: true });
  expect(sent.json).toMatchObject({ sent: 3, state: 'inReview' });
  expect(subjectOf(mails.mails[0]!.source)).toMatch(/^PROVISIONAL \(in review\): Bill of /);
});

test('what was written over in the object store is sent again when it comes back', async () => {
  const one = MONTHS.get('2026-09')!;
  const other = { ...one, ...sealBills(one.bills.slice(0, 1), one.currency) };
  const folder = 'acme-bills/finance/2026-09/v1/';
  for (const month of [one, other, one]) {
    MONTHS.set('2026-09', month);
    const { json } = await ask('POST', '2026-09', { to: ['object-store'], provisional: true });
    expect(json).toMatchObject({ failed: 0, underWay: 0 });
    const read = (name: string): Buffer | undefined => objects.objects.get(folder + name);
    const outcome = await verifyFiles(String(read('manifest.json')), (name) =>
      Promise.resolve(read(name)),
    );
    expect(outcome).toMatchObject({ kind: 'intact', bills: month.bills.length });
  }
});

test('two who ask at once send each thing once', async () => {
  mails.mails.length = 0;
  const body = { to: ['email'], forms: ['csv'] };
  const both = await Promise.all([ask('POST', '2026-10', body), ask('POST', '2026-10', body)]);
  expect(both.reduce((sum, { json }) => sum + Number(json['sent']), 0)).toBe(3);
  expect(mails.mails).toHaveLength(3);
});

test('finance and platform alone; nothing goes where nothing is set', async () => {
  const lead = await world.issue({ role: 'team-lead', team: 'sales' });
  expect((await ask('POST', '2026-10', {}, lead)).status).toBe(403);
  expect((await ask('GET', '2026-10', undefined, lead)).status).toBe(403);
  expect((await ask('POST', '2026-10', { to: ['fax'] })).status).toBe(400);
  expect((await ask('POST', '2026-13', {})).status).toBe(400);
});
