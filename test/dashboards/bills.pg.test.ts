/** The panel "Bills" of the finance month: a frozen month is what its bills are, to the last digit; another one is provisional. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatAmount } from '../../base/units.js';
import { sumBy } from '../../billing/bills/bill-sums.js';
import { readBilledMonth } from '../../billing/bills/read-billed-month.js';
import { createLedger } from '../../billing/create-ledger.js';
import { buildSettlement, buildTicket, credits } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { closeMonth } from '../support/closing.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { meter, OCTOBER, terms } from '../support/metered-month.js';
import { expand } from './macros.js';
import { panelQueries } from './panel-queries.js';

const AUTUMN = { from: new Date('2026-10-01T00:00:00Z'), to: new Date('2026-11-30T23:59:59Z') };

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await meter(database.db, [
    {
      at: '2026-10-05T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '1.333333333333' },
        { bucket: 'bypass', team: 'sales', credits: '0.125000000001' },
        { bucket: 'bypass', team: null, credits: '0.015000000007' },
      ],
    },
  ]);
  const ledger = createLedger(database.db, manualClock());
  for (const month of [9, 10]) {
    const ticket = buildTicket({ teamId: 'marketing', warehouse: 'BATCH_WH' });
    await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
    const startedAt = Date.UTC(2026, month, 5, 8);
    const settled = { startedAt, endedAt: startedAt + 10, usedCredits: credits('0.7') };
    await ledger.settle(buildSettlement(ticket.ticketId, settled));
  }
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** The rows of the panel as `month team line status credits amount`. */
async function shown(): Promise<readonly string[]> {
  const [panel, ...more] = panelQueries().filter(({ rawSql }) => rawSql.includes('dash_bill_line'));
  expect([panel?.panel, more.length]).toEqual(['Bills', 0]);
  const { rows } = await client.query<Record<string, string | Date>>(
    expand(panel?.rawSql ?? '', AUTUMN, {}),
  );
  return rows
    .map((row) =>
      [
        (row['month'] as Date).toISOString().slice(0, 7),
        row['team'],
        row['line'],
        row['status'],
        row['exact credits'],
        row['exact amount'],
      ].join(' '),
    )
    .sort();
}

/** What the bills of October say, as {@link shown} has it. */
async function billed(): Promise<readonly string[]> {
  const { bills, state } = await readBilledMonth(database.db, OCTOBER, terms());
  const trimmed = (text: string): string => text.replace(/\.?0+$/, '') || '0';
  return bills
    .flatMap(({ teamId, lines }) =>
      [...sumBy(lines, ({ kind }) => kind)].map(([kind, sum]) =>
        [
          OCTOBER,
          teamId,
          kind,
          state,
          trimmed(formatAmount(sum.credits)),
          trimmed(formatAmount(sum.amount)),
        ].join(' '),
      ),
    )
    .sort();
}

test('what is charged is provisional until the month is frozen; then it is its bills, in the version in force', async () => {
  const charged = await shown();
  const november = charged[1] ?? '';
  expect(charged.map((row) => row.split(' ').slice(0, 4).join(' '))).toEqual([
    '2026-10 marketing direct provisional',
    '2026-11 marketing direct provisional',
  ]);
  await closeMonth(database.db, OCTOBER);
  const closed = await billed();
  expect(closed).toContain('2026-10 sales bypass closed 0.125000000001 0.25');
  expect(await shown()).toEqual([...closed, november].sort());
  // A second version, closed with other figures, takes its place.
  await meter(database.db, [
    { at: '2026-10-06T08:00:00Z', lines: [{ bucket: 'bypass', team: 'sales', credits: '2' }] },
  ]);
  await closeMonth(database.db, OCTOBER, { step: 'reopen' });
  expect(await billed()).not.toEqual(closed);
  expect(await shown()).toEqual([...(await billed()), november].sort());
});
