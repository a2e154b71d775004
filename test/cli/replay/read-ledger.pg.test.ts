/** The ledger as a history: what ran with its charge, what never ran with its refusal, in the order of arrival. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { readLedger } from '../../../cli/replay/read-ledger.js';
import { toPastContext } from '../../../policies/rules/past-record.js';
import { bareFacts } from '../../../policies/sql/bare-facts.js';
import { Judgements } from '../../../proxy/judgements/judgements.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { buildSettlement, buildTicket, credits, NOON } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const NO_REASONS = { reasons: [], warnings: [], shadow: [] };
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const ledger = createLedger(database.db, manualClock());
  const ran = buildTicket({
    occurredAt: NOON + 2_000,
    fingerprint: 'shape-a',
    workload: 'dbt/shop.orders',
  });
  await ledger.reserve({ ticket: ran, budgetIds: [], holdCredits: credits('0.7') });
  await ledger.settle(
    buildSettlement(ran.ticketId, { startedAt: NOON + 2_500, endedAt: NOON + 9_000 }),
  );
  const judgements = new Judgements(database.db, silentLog, manualClock());
  judgements.note({
    teamId: 'marketing',
    decision: { kind: 'allow', ceilingCredits: credits('1'), ...NO_REASONS },
    expectedCredits: credits('0.5'),
    ticket: {
      ticketId: ran.ticketId,
      statements: [bareFacts('query', 'shape-a')],
      // It came within the hours that it chose, and did not wait.
      context: () => toPastContext('', [], true),
    },
  });
  await judgements.stop();
  const open = buildTicket({ occurredAt: NOON + 3_000 });
  await ledger.reserve({ ticket: open, budgetIds: [], holdCredits: credits('0') });
  const refused = buildTicket({ occurredAt: NOON + 1_000, basis: 'GUESS' });
  await ledger.recordUnheld([
    {
      ticket: refused,
      state: 'VOID',
      refusal: { code: '712101', message: 'Not run, nothing charged: a rule.', detail: null },
      snowflakeQueryId: null,
    },
  ]);
  const later = buildTicket({ occurredAt: NOON + 86_400_000 });
  await ledger.recordUnheld([
    { ticket: later, state: 'VOID', refusal: null, snowflakeQueryId: null },
  ]);
});
afterAll(() => database.drop());

const day = { startsAt: NOON, endsAt: NOON + 86_400_000 };

test('tickets of a span come in the order of their arrival, with what Tollgate made of them', async () => {
  const source = await readLedger(database.db, day);
  const rows: ReplayRow[] = [];
  for await (const batch of source.batches()) rows.push(...batch);
  expect(source.intake).toMatchObject({
    rows: 2,
    leftOut: { unreadable: 0, unfinished: 1, repeated: 0 },
  });
  expect(rows).toMatchObject([
    {
      submittedAt: NOON + 1_000,
      startedAt: NOON + 1_000,
      endedAt: NOON + 1_000,
      executionMs: 0,
      isOffPeak: false,
      isSuccess: false,
      credits: null,
      ticket: { state: 'VOID', basis: 'GUESS', refusalCode: '712101', ending: null },
    },
    {
      queryText: null,
      shapeHash: 'shape-a',
      account: 'demo',
      user: 'MARKETING_ANALYST',
      role: 'ANALYST',
      warehouse: 'INTERACTIVE_WH',
      warehouseSize: 'XSMALL',
      submittedAt: NOON + 2_000,
      startedAt: NOON + 2_500,
      endedAt: NOON + 9_000,
      executionMs: 6_500,
      isOffPeak: true,
      isSuccess: true,
      bytesScanned: 1_000_000,
      credits: '0.400000000000',
      ticket: {
        state: 'SETTLED',
        team: 'marketing',
        principal: 'marketing_analyst',
        workload: 'dbt/shop.orders',
        tier: 'interactive',
        basis: 'HISTORY',
        expectedSeconds: 3,
        expectedCredits: '0.500000000000',
        holdCredits: '0.700000000000',
        refusalCode: null,
        ending: 'succeeded',
      },
    },
  ]);
});

test('a reader that stops leaves no transaction behind, and another reads anew', async () => {
  const source = await readLedger(database.db, day);
  for await (const _ of source.batches()) break;
  const { rows } = await database.db.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
  );
  expect(rows).toEqual([]);
  let count = 0;
  for await (const batch of source.batches()) count += batch.length;
  expect(count).toBe(2);
});

test('a span without tickets is empty', async () => {
  const source = await readLedger(database.db, { startsAt: 0, endsAt: 1 });
  for await (const _ of source.batches()) expect.unreachable();
  expect(source.intake.rows).toBe(0);
});
