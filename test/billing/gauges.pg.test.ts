/** What the worker shows of the ledger, read from a database with known rows. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import { checkInvariants, readGauges } from '../../billing/gauges.js';
import { exposeLedgerGauges, startLedgerGauges } from '../../cli/ledger-gauges.js';
import { NOON, seed } from '../dashboards/seed.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query('SET search_path = tollgate');
  await seed(client);
  await client.end();
});

afterAll(() => database.drop());

test('the gauges say what budgets, queues, tickets, imports and hours are', async () => {
  const gauges = await readGauges(database.db, NOON.getTime());
  expect(gauges.budgets).toContainEqual({
    budget: 'sales-day',
    node: 'sales',
    isHard: true,
    limitCredits: 10,
    spentCredits: 2,
    heldCredits: 1.5,
    forecastCredits: 4,
    periodSeconds: 86_400,
    leftSeconds: 43_200,
  });
  expect(gauges.lanes).toMatchObject([{ tier: 'interactive', waiting: 1 }]);
  expect(gauges.lanes[0]?.oldestWaitSeconds).toBeGreaterThan(29);
  expect(gauges.tickets).toEqual([
    { state: 'RUNNING', count: 1, heldCredits: 1.5, oldestSeconds: 3600 },
  ]);
  expect(gauges.imports).toMatchObject([{ account: 'demo', view: 'WAREHOUSE_METERING_HISTORY' }]);
  expect(gauges.imports[0]?.ageSeconds).toBeGreaterThan(599);
  expect(gauges.metered).toContainEqual({ account: 'demo', bucket: 'bypass', credits: 0.5 });
  // Two of two and a half credits came through Tollgate.
  expect(gauges.coverage).toEqual([{ account: 'demo', warehouse: 'STANDARD_WH', ratio: 0.8 }]);
  expect(gauges.hours).toEqual([{ account: 'demo', state: 'problem', hours: 1 }]);
  expect(gauges.replicas).toEqual({ live: 1, silent: 0 });
});

test('a period that is over is not shown', async () => {
  const gauges = await readGauges(database.db, Date.parse('2026-07-16T00:00:00Z'));
  expect(gauges.budgets).toEqual([]);
});

test('every invariant is looked at, and a broken one is counted', async () => {
  const found = new Map<string, number>();
  await checkInvariants(database.db, (name, outcome) => {
    if ('rows' in outcome) found.set(name, outcome.rows);
  });
  expect(found.size).toBeGreaterThan(9);
  // The seed writes amounts without their entries, which is just what these views are for.
  expect(found.get('invariant_entries')).toBe(2);
  expect(found.get('invariant_limit')).toBe(0);
});

test('what cannot be looked at is told, and the others are looked at all the same', async () => {
  const told: string[] = [];
  const db = {
    query: (text: string, values?: readonly unknown[]) =>
      text.includes('tollgate.invariant_holds ')
        ? Promise.reject(new Error('canceling statement due to statement timeout'))
        : database.db.query<never>(text, values),
  };
  await checkInvariants(db, (name, outcome) => {
    if ('failed' in outcome) told.push(name);
    else told.push('ok');
  });
  expect(told.filter((name) => name !== 'ok')).toEqual(['invariant_holds']);
  expect(told.length).toBeGreaterThan(9);
});

test('the worker shows them, and nothing once Postgres is away', async () => {
  const metrics = createMetrics();
  const clock = { now: () => NOON.getTime(), scale: 1 };
  const shown = startLedgerGauges({ db: database.db, clock, log: silentLog, metrics });
  await shown.stop(AbortSignal.timeout(1000));
  const { body } = await metrics.render();
  expect(body).toContain(
    'tollgate_budget_spent_credits{budget="sales-day",node="sales",kind="hard"} 2\n',
  );
  expect(body).toContain('tollgate_queue_waiting{tier="interactive"} 1\n');
  // Nobody seals here, as when the worker that should is busy.
  expect(body).toMatch(/^tollgate_ledger_unsealed_journals [1-9]/m);
  expect(body).toMatch(/^tollgate_ledger_unsealed_seconds [\d.e]+$/m);
  expect(body).toContain('tollgate_metered_credits{account="demo",bucket="direct"} 2\n');
  expect(body).toContain('tollgate_coverage_ratio{account="demo",warehouse="STANDARD_WH"} 0.8\n');
  const other = createMetrics();
  const away = {
    ...database.db,
    query: () => Promise.reject(new Error('away')),
  };
  const failing = startLedgerGauges({ db: away, clock, log: silentLog, metrics: other });
  await failing.stop(AbortSignal.timeout(1000));
  const text = (await other.render()).body;
  expect(text).toContain('tollgate_ledger_reads_failed_total 1\n');
  expect(text).not.toContain('tollgate_queue_waiting{');
  expect(text).toContain('tollgate_ledger_unsealed_seconds Nan\n');
});

test('an invariant that was looked at shows its rows and when', async () => {
  const metrics = createMetrics();
  const invariants = new Map([['invariant_limit', { rows: 3, checkedAtSeconds: 1000 }]]);
  exposeLedgerGauges(metrics, { gauges: null, backlog: null, invariants });
  const { body } = await metrics.render();
  expect(body).toContain('tollgate_invariant_broken_rows{invariant="invariant_limit"} 3\n');
  expect(body).toContain(
    'tollgate_invariant_checked_timestamp_seconds{invariant="invariant_limit"} 1000\n',
  );
});
