/** A lead splits the team's budget: within its limit, of the own team alone, and no other budget. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoControlDocument } from '../../policies/control/demo.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

const SPLIT = '/api/v1/teams/marketing/split';
let world: AdminWorld;
let lead: string;
let limitCredits: string;

beforeAll(async () => {
  const document = demoControlDocument();
  const own = document.budgets.find(({ node }) => node === 'marketing');
  limitCredits = own?.limitCredits ?? '';
  // Written by the platform: the lead must not touch it.
  const platforms = { ...own, id: 'platform-says', node: 'marketing_analyst', limitCredits: '1' };
  world = await createAdminWorld({
    first: {
      ...document,
      budgets: [...document.budgets, platforms as (typeof document.budgets)[number]],
    },
  });
  lead = await world.issue({ role: 'team-lead', team: 'marketing' });
});
afterAll(() => world.close());

const put = (body: object, path = SPLIT, token = lead): Promise<AdminReply> =>
  world.call('PUT', path, { reason: 'fair shares', ...body }, { authorization: `Bearer ${token}` });

const partsOf = ({ json }: AdminReply): unknown =>
  (json['parts'] as { node: string; standing: { limitCredits: string } | null }[]).map(
    ({ node, standing }) => [node, standing?.limitCredits],
  );

test('a member and workloads get parts, which count beside the budget of the team', async () => {
  const member = await put({ principal: 'marketing_analyst', limitCredits: '5' });
  expect(member.status, member.text).toBe(200);
  expect(partsOf(member)).toEqual([['marketing_analyst', '5.000000000000']]);
  await put({ workload: 'dbt/*', limitCredits: '7' });
  const again = await put({ principal: 'marketing_analyst', limitCredits: '6' });
  expect(partsOf(again)).toEqual([
    ['marketing', '7.000000000000'],
    ['marketing_analyst', '6.000000000000'],
  ]);
  const events = await world.call('GET', '/api/v1/audit?action=control.edit&limit=1');
  expect(events.text).toContain('fair shares');
  expect(events.text).toContain('team-lead');
});

test('a part is taken away again, once', async () => {
  const gone = await put({ workload: 'dbt/*', limitCredits: 'none' });
  expect(partsOf(gone)).toEqual([['marketing_analyst', '6.000000000000']]);
  expect((await put({ workload: 'dbt/*', limitCredits: 'none' })).status).toBe(404);
});

test('what the platform wrote stays as it is', async () => {
  await put({ principal: 'marketing_analyst', limitCredits: 'none' });
  const { json } = await world.call('GET', '/api/v1/control');
  const { budgets } = json['document'] as { budgets: { id: string; limitCredits: string }[] };
  expect(budgets.find(({ id }) => id === 'platform-says')?.limitCredits).toBe('1');
  expect(budgets.filter(({ id }) => id.startsWith('split-'))).toEqual([]);
});

test('no part is larger than the whole, and none is of somebody else', async () => {
  const large = await put({ principal: 'marketing_analyst', limitCredits: `${limitCredits}1` });
  expect(large.status).toBe(400);
  expect(large.text).toContain("must be at most the team's own limit");
  expect((await put({ principal: 'sales_analyst', limitCredits: '1' })).status).toBe(404);
  const foreign = await put(
    { principal: 'sales_analyst', limitCredits: '1' },
    '/api/v1/teams/sales/split',
  );
  const nobody = await put(
    { principal: 'sales_analyst', limitCredits: '1' },
    '/api/v1/teams/zales/split',
  );
  expect(foreign.status).toBe(404);
  expect(foreign.text.replace('sales', 'zales')).toBe(nobody.text);
  const analyst = await world.issue({
    role: 'analyst',
    team: 'marketing',
    principal: 'marketing_analyst',
  });
  expect((await put({ limitCredits: '1' }, SPLIT, analyst)).status).toBe(403);
});

test('a part names a member or workloads', async () => {
  expect((await put({ limitCredits: '1' })).text).toContain('and not both');
  const both = { principal: 'marketing_analyst', workload: 'dbt/*', limitCredits: '1' };
  expect((await put(both)).text).toContain('and not both');
  expect((await put({ workload: 'dbt/*', limitCredits: '-1' })).status).toBe(400);
});
