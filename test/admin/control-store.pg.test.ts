import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  applyControl,
  editControl,
  ensureControl,
  readControl,
} from '../../admin/stores/control-store.js';
import { readAudit } from '../../admin/stores/audit-store.js';
import { createLedger } from '../../billing/create-ledger.js';
import { CONTROL_CHANNEL } from '../../base/postgres/channels.js';
import { parseCredits } from '../../base/units.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

const clock = manualClock();
const demo = demoControlDocument();
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const apply = (document: ControlDocument, expectedVersion?: number) =>
  applyControl(database.db, {
    document,
    actor: { id: 'a test', role: 'platform' },
    reason: 'to see',
    at: clock.now(),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  });

const withLimit = (
  document: ControlDocument,
  id: string,
  limitCredits: string,
): ControlDocument => ({
  ...document,
  budgets: document.budgets.map((budget) =>
    budget.id === id ? { ...budget, limitCredits } : budget,
  ),
});

async function newest(): Promise<number> {
  return (await readControl(database.db))?.version ?? 0;
}

test('before the first version there is none, and several replicas make one together', async () => {
  const empty = await createTestDatabase();
  expect(await readControl(empty.db)).toBeUndefined();
  const versions = await Promise.all(
    Array.from({ length: 6 }, () => ensureControl(empty.db, demo, clock.now())),
  );
  expect(versions).toEqual([1, 1, 1, 1, 1, 1]);
  expect(await readControl(empty.db)).toEqual({ version: 1, document: demo });
  await empty.drop();
});

test('a version is projected: nodes, principals, budgets, tiers, prices, rates and rules', async () => {
  await ensureControl(database.db, demo, clock.now());
  const counts = await database.db.query<Record<string, string>>(
    `SELECT (SELECT count(*) FROM org_node) AS nodes, (SELECT count(*) FROM principal) AS principals,
       (SELECT count(*) FROM mapping_rule) AS mapping, (SELECT count(*) FROM budget WHERE is_active) AS budgets,
       (SELECT count(*) FROM tier) AS tiers, (SELECT count(*) FROM price) AS prices,
       (SELECT count(*) FROM warehouse_rate) AS rates, (SELECT count(*) FROM policy_document) AS rules`,
  );
  expect(counts.rows[0]).toEqual({
    nodes: '20',
    principals: '16',
    mapping: '16',
    budgets: '16',
    tiers: '3',
    prices: '1',
    rates: '10',
    rules: '5',
  });
});

test('replicas are told the new version once it is visible', async () => {
  await ensureControl(database.db, demo, clock.now());
  const told: string[] = [];
  let heard: (() => void) | undefined;
  const first = new Promise<void>((resolve) => (heard = resolve));
  const listener = await database.db.listen(
    [CONTROL_CHANNEL],
    (_channel, payload) => {
      told.push(payload);
      heard?.();
    },
    () => undefined,
  );
  const outcome = await apply(withLimit(demo, 'legal-monthly', '41'));
  await first;
  expect(outcome).toMatchObject({ kind: 'applied', version: Number(told[0]) });
  await listener.stop();
});

test('the same document again writes nothing', async () => {
  const document = withLimit(demo, 'legal-monthly', '42');
  const first = await apply(document);
  expect(first.kind).toBe('applied');
  const reordered = Object.fromEntries(
    Object.entries(document).reverse(),
  ) as unknown as ControlDocument;
  expect(await apply(reordered)).toEqual({ kind: 'unchanged', version: await newest() });
});

test('a change made from an older version is refused and writes nothing', async () => {
  const version = await newest();
  expect(await apply(withLimit(demo, 'legal-monthly', '43'), version - 1)).toEqual({
    kind: 'conflict',
    version,
  });
  expect(await newest()).toBe(version);
});

test('an invalid document names its problems and writes nothing', async () => {
  const version = await newest();
  const outcome = await apply({ ...demo, defaultTier: 'turbo' });
  expect(outcome).toMatchObject({ kind: 'invalid', problems: [{ path: 'defaultTier' }] });
  expect(await newest()).toBe(version);
});

test('a changed limit is felt by the period that is open, and the ledger stays balanced', async () => {
  await apply(demo);
  const ledger = createLedger(database.db, clock);
  const available = async (): Promise<bigint | null | undefined> =>
    (await ledger.standing(['risk-monthly'], clock.now()))[0]?.availableCredits;
  const open = await database.db.transaction(async (tx) => {
    const { grant } = await import('../../billing/control-writes.js');
    return grant(tx, {
      budgetId: 'risk-monthly',
      credits: parseCredits('1'),
      until: null,
      idempotencyKey: 'opens-it',
      author: 'a test',
      reason: 'opens the period',
      at: clock.now(),
    });
  });
  expect(open.kind).toBe('granted');
  expect(await available()).toBe(parseCredits('41'));
  await apply(withLimit(demo, 'risk-monthly', '50'));
  expect(await available()).toBe(parseCredits('51'));
  await apply(withLimit(demo, 'risk-monthly', 'unlimited'));
  expect(await available()).toBeNull();
  await apply(demo);
  expect(await available()).toBe(parseCredits('41'));
  await expectInvariants(database.db);
});

test('what a document no longer names is switched off, and comes back with it', async () => {
  await apply(demo);
  const without: ControlDocument = {
    ...demo,
    teams: demo.teams.filter((team) => team.id !== 'ml'),
    principals: demo.principals.filter((principal) => principal.team !== 'ml'),
    mapping: demo.mapping.filter((entry) => entry.principal !== 'ml_analyst'),
    budgets: demo.budgets.filter((budget) => budget.node !== 'ml'),
    accounts: demo.accounts.map((account) => ({
      ...account,
      serviceUsers: (account.serviceUsers ?? []).filter(({ team }) => team !== 'ml'),
    })),
  };
  const active = async (): Promise<unknown> =>
    (
      await database.db.query(
        `SELECT n.is_active AS node, b.is_active AS budget, (SELECT count(*) FROM principal WHERE team_id = 'ml') AS people
         FROM org_node n JOIN budget b ON b.node_id = n.id WHERE n.id = 'ml'`,
      )
    ).rows[0];
  expect((await apply(without)).kind).toBe('applied');
  expect(await active()).toEqual({ node: false, budget: false, people: '0' });
  expect((await apply(demo)).kind).toBe('applied');
  expect(await active()).toEqual({ node: true, budget: true, people: '1' });
});

test('a budget may hang on one person, and a week may begin on a Sunday', async () => {
  const document: ControlDocument = {
    ...demo,
    budgets: [
      ...demo.budgets,
      {
        id: 'one-person-weekly',
        node: 'sales_analyst',
        limitCredits: '2',
        hard: true,
        counts: 'direct',
        period: { kind: 'week', timeZone: 'America/New_York', weekStartsOn: 'sunday' },
      },
    ],
  };
  expect((await apply(document)).kind).toBe('applied');
  const { rows } = await database.db.query(
    `SELECT n.kind, n.parent_id, b.week_starts_on, b.time_zone FROM budget b JOIN org_node n ON n.id = b.node_id
     WHERE b.id = 'one-person-weekly'`,
  );
  expect(rows).toEqual([
    { kind: 'principal', parent_id: 'sales', week_starts_on: 7, time_zone: 'America/New_York' },
  ]);
});

test('a stored document that this program cannot read is a fault that names the version', async () => {
  const other = await createTestDatabase();
  await other.db.query(
    `INSERT INTO control_version (author, reason, created_at, document, document_hash)
     VALUES ('a', 'b', now(), '{"teams":[]}', 'x')`,
  );
  await expect(readControl(other.db)).rejects.toMatchObject({ code: 'controlStale' });
  await other.drop();
});

test('an edit is written by its actor and told in the audit log, and what writes nothing is not', async () => {
  await apply(demo);
  const before = await readAudit(database.db, { afterSequence: 0, limit: 500, subject: 'control' });
  const edit = (limitCredits: string) =>
    editControl(database.db, {
      actor: { id: 'the-lead', role: 'finance' },
      reason: 'a campaign',
      at: clock.now(),
      edit: (document) => withLimit(document, 'legal-monthly', limitCredits),
    });
  expect(await edit('44')).toMatchObject({ kind: 'applied' });
  expect(await edit('44')).toMatchObject({ kind: 'unchanged' });
  expect(await edit('-1')).toMatchObject({ kind: 'invalid' });
  expect(await apply(demo, 0)).toMatchObject({ kind: 'conflict' });
  const events = await readAudit(database.db, {
    afterSequence: before.at(-1)?.sequence ?? 0,
    limit: 500,
    subject: 'control',
  });
  const version = await newest();
  expect(events).toMatchObject([
    {
      actor: 'the-lead',
      role: 'finance',
      action: 'control.edit',
      reason: 'a campaign',
      before: { version: version - 1 },
      after: {
        version,
        changes: [
          'legal-monthly: hard limit 40 → 44 credits a month (+4 credits, +$12.00 at $3.00 a credit)',
        ],
        changesTotal: 1,
      },
    },
  ]);
  expect(await apply(withLimit(demo, 'legal-monthly', '44'), 0)).toEqual({
    kind: 'unchanged',
    version,
  });
});
