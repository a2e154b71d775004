/**
 * A control document of 10,000 teams, each with a principal, a mapping and a budget. What is asserted are counts: the
 * statements that an apply sends do not grow with the document, and nothing is left out.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyControl } from '../../admin/stores/control-store.js';
import type { Database, Transaction } from '../../base/postgres/pool.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { parseControlDocument } from '../../policies/control/parse.js';
import { planControl } from '../../policies/control/plan.js';
import { createSnapshot } from '../../policies/control/snapshot.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const TEAMS = 10_000;
const AT = Date.UTC(2026, 6, 15, 12);
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function largeDocument(): ControlDocument {
  const demo = demoControlDocument();
  const ids = Array.from({ length: TEAMS }, (_, index) => `team-${index}`);
  const period = { kind: 'month', timeZone: 'UTC' } as const;
  // What names teams of the demo says nothing of these.
  const { idlePolicies: _idle, warehouseOwners: _owners, sharedCosts: _shared, ...rest } = demo;
  return {
    ...rest,
    organisation: { id: 'demo-company', name: 'Demo Company', currency: 'USD' },
    accounts: [{ id: 'demo', upstream: 'embedded' }],
    teams: ids.map((id) => ({
      id,
      name: id,
      department: 'commercial',
      costCentre: id,
      owner: `${id}-leads`,
    })),
    principals: ids.map((id) => ({
      id: `${id}_analyst`,
      team: id,
      kind: 'person',
      shared: false,
      owner: `${id}-leads`,
      status: 'active',
    })),
    mapping: ids.map((id) => ({
      match: { account: 'demo', snowflakeUser: `${id}_ANALYST` },
      principal: `${id}_analyst`,
    })),
    budgets: ids.map((id) => ({
      id: `${id}-monthly`,
      node: id,
      limitCredits: '40',
      hard: true,
      period,
      counts: 'direct',
    })),
  };
}

/** The database, with every statement of its transactions counted. */
function counting(db: Database): { readonly db: Database; readonly sent: () => number } {
  let sent = 0;
  const counted: Database = {
    query: (text, values) => db.query(text, values),
    listen: (channels, onNotify, onLost) => db.listen(channels, onNotify, onLost),
    load: () => db.load(),
    stop: () => db.stop(),
    transaction: (work) =>
      db.transaction((tx) => {
        const query: Transaction['query'] = (text, values) => {
          sent += 1;
          return tx.query(text, values);
        };
        return work({ ...tx, query });
      }),
  };
  return { db: counted, sent: () => sent };
}

const apply = (db: Database, document: ControlDocument) =>
  applyControl(db, {
    document,
    actor: { id: 'a test', role: 'platform' },
    reason: 'scale',
    at: AT,
  });

test('it is read and indexed whole', () => {
  const parsed = parseControlDocument(largeDocument());
  expect(parsed.ok).toBe(true);
  const snapshot = createSnapshot(largeDocument(), 1);
  const caller = {
    account: 'demo',
    snowflakeUser: `TEAM-${TEAMS - 1}_ANALYST`,
    role: null,
    address: null,
  };
  expect(snapshot.resolvePrincipal(caller)).toMatchObject({
    kind: 'known',
    team: { id: `team-${TEAMS - 1}` },
  });
});

test('an apply sends as many statements as for 15 teams, and one more pair per changed limit', async () => {
  const demo = demoControlDocument();
  const small = counting(database.db);
  await apply(small.db, demo);
  const limited = counting(database.db);
  const [budget, ...budgets] = demo.budgets;
  await apply(limited.db, { ...demo, budgets: [{ ...budget!, limitCredits: '41' }, ...budgets] });
  expect(limited.sent()).toBe(small.sent() + 2);
  const large = counting(database.db);
  expect(await apply(large.db, largeDocument())).toMatchObject({
    kind: 'applied',
    changesTotal: expect.toSatisfy((total: number) => total > 3 * TEAMS),
  });
  expect(large.sent()).toBe(small.sent());
  const { rows } = await database.db.query(
    `SELECT (SELECT count(*) FROM org_node WHERE is_active AND kind = 'team') AS teams,
       (SELECT count(*) FROM principal) AS principals, (SELECT count(*) FROM mapping_rule) AS mapping,
       (SELECT count(*) FROM budget WHERE is_active) AS budgets`,
  );
  const all = String(TEAMS);
  expect(rows).toEqual([{ teams: all, principals: all, mapping: all, budgets: all }]);
});

test('a plan over all of it says one sentence a team, or one when one mapping moves', () => {
  const large = largeDocument();
  const raised = {
    ...large,
    budgets: large.budgets.map((budget) => ({ ...budget, limitCredits: '41' })),
  };
  expect(planControl(large, raised, AT).changes).toHaveLength(TEAMS);
  const moved = { ...large, mapping: [...large.mapping.slice(1), large.mapping[0]!] };
  expect(planControl(large, moved, AT).changes).toHaveLength(1);
  const reversed = { ...large, mapping: large.mapping.toReversed() };
  expect(planControl(large, reversed, AT).changes).toHaveLength(TEAMS - 1);
});
