/** Bills over the API: every form of a frozen month, who may read it, and the archive of all. */
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdminApp } from '../../admin/server.js';
import { sealBills } from '../../billing/bills/bill-hash.js';
import { type BilledMonth, billOf } from '../../billing/bills/billed-month.js';
import { MANIFEST_NAME } from '../../billing/bills/bill-files.js';
import { verifyFiles } from '../../billing/bills/manifest.js';
import { createBillRenderer } from '../../billing/bills/render/render-host.js';
import { createMetrics } from '../../base/metrics.js';
import { formatMoney } from '../../base/currency.js';
import { madeUpMonth } from '../support/billed-month.js';
import { readXlsx, totalOf } from '../support/xlsx-reader.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

const made = madeUpMonth({ days: 3 });
const TEAMS = ['growth', 'legal', 'sales', 'unallocated'];
const bills = made.bills.filter((bill) => TEAMS.includes(bill.teamId));
const month = { ...made, ...sealBills(bills, made.currency) };
const growth = month.bills.find((bill) => bill.teamId === 'growth')!;
let world: AdminWorld;
let app: Awaited<ReturnType<typeof createAdminApp>>;
beforeAll(async () => {
  world = await createAdminWorld();
  const { options } = world;
  const readMonth = (asked: string): Promise<BilledMonth> =>
    Promise.resolve(
      asked === '2026-10'
        ? month
        : { ...month, month: asked, state: 'open' as const, bills: month.bills.slice(-1) },
    );
  const offered = {
    readMonth,
    readBill: async (asked: string, team: string) => billOf(await readMonth(asked), team),
    readMonthAsOf: () => Promise.resolve(undefined),
    renderer: createBillRenderer(),
    targets: { mailer: null, objectStore: null },
  };
  app = await createAdminApp({
    ...options,
    metrics: createMetrics(),
    api: { ...options.api, bills: offered },
  });
});
afterAll(async () => {
  await app.close();
  await world.close();
});

async function get(
  path: string,
  token = TOKEN,
): Promise<{ status: number; type: string; name: string; bytes: Buffer }> {
  const reply = await app.inject({
    method: 'GET',
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${token}` },
  });
  return {
    status: reply.statusCode,
    type: String(reply.headers['content-type']),
    name: String(reply.headers['content-disposition']),
    bytes: reply.rawPayload,
  };
}

test('a frozen bill comes in every form with the same amount, twice the same bytes', async () => {
  const amount = formatMoney(growth.totalAmount, month.currency);
  const forms = await Promise.all(
    (['json', 'csv', 'pdf', 'xlsx'] as const).map((form) => get(`/bills/growth/2026-10.${form}`)),
  );
  const [json, csv, pdf, xlsx] = forms as [never, never, never, never] as typeof forms;
  for (const [index, form] of ['json', 'csv', 'pdf', 'xlsx'].entries()) {
    expect(forms[index]).toMatchObject({ status: 200 });
    expect(forms[index]?.name).toBe(`attachment; filename="2026-10-v1-growth.${form}"`);
  }
  expect(JSON.parse(json!.bytes.toString())).toMatchObject({
    status: 'closed',
    totalAmount: amount,
    hash: growth.hash,
    proof: growth.proof,
    merkleRoot: month.merkleRoot,
  });
  expect(csv!.bytes.toString()).toContain(`,${amount},`);
  const again = await get('/bills/growth/2026-10.pdf');
  expect(again.bytes.equals(pdf!.bytes)).toBe(true);
  expect(pdf!.type).toBe('application/pdf');
  expect(pdf!.bytes.subarray(0, 5).toString()).toBe('%PDF-');
  const total = totalOf(readXlsx(xlsx!.bytes).get('Detail'), 'Amount, USD');
  expect(Number(total?.value)).toBe(Number(amount));
  const withMark = await get('/bills/growth/2026-10.csv?bom=true');
  expect(withMark.bytes.subarray(0, 3).toString('hex')).toBe('efbbbf');
});

test('a lead reads the bill of the own team alone, and nobody but finance and platform all of them', async () => {
  const lead = await world.issue({ role: 'team-lead', team: 'sales' });
  expect((await get('/bills/sales/2026-10.csv', lead)).status).toBe(200);
  for (const form of ['csv', 'pdf', 'xlsx', 'json'])
    expect((await get(`/bills/growth/2026-10.${form}`, lead)).status).toBe(404);
  expect((await get('/exports/2026-10/bills.zip', lead)).status).toBe(403);
});

test('what is of nobody is a bill in every form, open or not, for those who see all', async () => {
  for (const [at, status] of [
    ['2026-10', 'closed'],
    ['2026-11', 'provisional'],
  ] as const) {
    const { bytes, ...json } = await get(`/bills/unallocated/${at}.json`);
    expect(json.status).toBe(200);
    expect(JSON.parse(bytes.toString())).toMatchObject({ status, team: 'unallocated' });
    for (const form of ['csv', 'pdf', 'xlsx'])
      expect((await get(`/bills/unallocated/${at}.${form}`)).status, form).toBe(200);
  }
  const lead = await world.issue({ role: 'team-lead', team: 'sales' });
  expect((await get('/bills/unallocated/2026-10.json', lead)).status).toBe(404);
});

test('the archive of all bills is what its manifest says', async () => {
  const { type, name, bytes } = await get(
    '/exports/2026-10/bills.zip',
    await world.issue({ role: 'finance' }),
  );
  expect([type, name]).toEqual(['application/zip', 'attachment; filename="bills-2026-10-v1.zip"']);
  const files = unzipSync(bytes);
  const outcome = await verifyFiles(Buffer.from(files[MANIFEST_NAME]!).toString(), (file) =>
    Promise.resolve(files[file]),
  );
  expect(outcome).toMatchObject({ kind: 'intact', bills: 4, merkleRoot: month.merkleRoot });
});

test('nothing is delivered where neither a mail server nor an object store is set', async () => {
  const reply = await app.inject({
    method: 'POST',
    url: '/api/v1/exports/2026-10/deliveries',
    headers: { authorization: `Bearer ${TOKEN}` },
    payload: {},
  });
  expect([reply.statusCode, reply.body]).toEqual([
    409,
    expect.stringContaining('set TOLLGATE_MAIL_HOST or TOLLGATE_BILLS_S3_BUCKET'),
  ]);
});

test('what is not a month, a form or a bill of the month is said so', async () => {
  expect((await get('/exports/2026-13/bills.zip')).status).toBe(400);
  expect((await get('/bills/growth/2026-10.docx')).status).toBe(404);
  const gone = await get('/bills/growth/2026-09.pdf');
  expect(gone.status).toBe(404);
  expect(gone.bytes.toString()).toContain('2026-09 has no bill of team');
});
