/** A simulated month in a database: how it is imported and allocated, and what came out. */
import { assert } from '../../base/assert.js';
import { hashOfBytes } from '../../base/hash-chain.js';
import type { Transaction } from '../../base/postgres/pool.js';
import { type Credits } from '../../base/units.js';
import { allocateStaleHours } from '../../billing/attribution/allocate-hours.js';
import type { AllocationOptions } from '../../billing/attribution/allocate-hours.js';
import { shareIdleTime } from '../../billing/attribution/policies/share-idle-time.js';
import { allocateServices } from '../../billing/attribution/services/allocate-services.js';
import { type BillFile, renderBill, renderMonth } from '../../billing/bills/bill-files.js';
import { readBilledLines } from '../../billing/bills/read-billed-month.js';
import type { UsageView } from '../../billing/usage/read-views.js';
import { storeUsage } from '../../billing/usage/store-usage.js';
import type { UsageRow } from '../../billing/usage/view-reading.js';
import type { TestDatabase } from './database.js';
import { OCTOBER, team, terms } from './metered-month.js';
import { RATES, type Size } from './warehouse-life.js';
import type { WarehouseMonth } from './warehouse-month.js';

export const ACCOUNT: string = 'demo';

type MonthRows = Exclude<keyof WarehouseMonth, 'truth'>;
type Views = readonly (readonly [UsageView, MonthRows])[];

/** In the order in which the import reads them. */
export const VIEWS: Views = [
  ['QUERY_HISTORY', 'queries'],
  ['QUERY_ATTRIBUTION_HISTORY', 'figures'],
  ['QUERY_METERING_HISTORY', 'queryHours'],
  ['WAREHOUSE_EVENTS_HISTORY', 'events'],
  ['WAREHOUSE_METERING_HISTORY', 'hours'],
  ['METERING_HISTORY', 'serviceHours'],
  ['METERING_DAILY_HISTORY', 'days'],
  ['USAGE_IN_CURRENCY_DAILY', 'money'],
];

/** Rows of one view as the import writes them; returns how many said something new. */
export async function storeRows(
  { db }: TestDatabase,
  view: UsageView,
  rows: readonly UsageRow[],
  chunk = 10_000,
): Promise<number> {
  let written = 0;
  for (let at = 0; at < rows.length; at += chunk)
    written += await db.transaction((tx) =>
      storeUsage(tx, ACCOUNT, view, rows.slice(at, at + chunk)),
    );
  return written;
}

/** Everything of the month, and tickets of most of its statements; the rest ran past Tollgate. */
export async function fillMonth(
  database: TestDatabase,
  month: Pick<WarehouseMonth, MonthRows>,
  { chunk, views = VIEWS }: { readonly chunk?: number; readonly views?: Views } = {},
): Promise<void> {
  const { db } = database;
  for (const [view, rows] of views) await storeRows(database, view, month[rows], chunk);
  // What came through Tollgate is proven by tickets; here by their ids alone.
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, workload, origin, snowflake_user,
       tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits, expected_seconds,
       price_per_credit, currency, control_version, replica, hold_credits, occurred_at, snowflake_query_id)
     SELECT md5(query_id)::uuid, 'SETTLED', $1, query_id, query_id, '', 'p', CASE WHEN digit < '8' THEN 'sales' ELSE 'ml' END, 'dbt/' || digit,
       jsonb_build_object('model', 'shop.' || digit, 'run', 'run-' || digit), 'U', 'standard', 'select', 'f' || digit, '', 'GUESS', 0, 0, 0, 0,
       3, 'USD', 1, 'r', 0, executed_at, query_id
     FROM usage_query, LATERAL (SELECT substr(md5(query_id), 1, 1) AS digit) d WHERE digit > '3'`,
    [ACCOUNT],
  );
  await db.query(
    'INSERT INTO ticket_query SELECT account, snowflake_query_id, id FROM ticket WHERE account = $1',
    [ACCOUNT],
  );
}

export const ALLOCATION: AllocationOptions = {
  account: ACCOUNT,
  rateOf: (_kind, _constraint, size) => RATES[size as Size] as Credits | undefined,
  payerOf: ({ snowflakeUser }) =>
    snowflakeUser === 'STRANGER' ? undefined : { teamId: 'sales', principalId: 'sales_analyst' },
};

/** Hours, who bears what nobody ran, and services; policies hold from the beginning of time. */
export async function allocateMonth({ db }: TestDatabase): Promise<void> {
  await allocateStaleHours(db, ALLOCATION);
  const policy = {
    policy: 'proRata',
    idle: 'proRata',
    resumeMinute: 'causer',
    shortQuery: 'owner',
  } as const;
  const teams = { ownerTeam: 'platform', platformTeam: null, budgets: [] };
  await shareIdleTime(db, ACCOUNT, () => [{ from: 0, entry: 'by-use', ...policy, ...teams }]);
  await allocateServices(db, {
    account: ACCOUNT,
    payerOf: ALLOCATION.payerOf,
    shared: {
      teamIds: ['ml', 'sales'],
      costOf: (service) =>
        service === 'SNOWPIPE' ? { id: 'pipes', by: 'direct', teams: [] } : undefined,
    },
    sharedText: '1',
  });
}

/** Everything that was allocated, as one text that differs where anything of it does. */
export async function allocatedBytes({ db }: TestDatabase): Promise<string> {
  const { rows } = await db.query(
    `SELECT (SELECT md5(string_agg(l::text, '|' ORDER BY warehouse_id, starts_at, ordinal)) FROM allocation_line l) AS lines,
       (SELECT md5(string_agg(s::text, '|' ORDER BY warehouse_id, starts_at, ordinal, team_id NULLS LAST)) FROM allocation_share s) AS shares,
       (SELECT md5(string_agg(v::text, '|' ORDER BY day, ordinal)) FROM service_line v) AS services`,
  );
  return JSON.stringify(rows);
}

/** Files of the month's bills by name and hash; `isWhole`: also those that are drawn, and those of the month alone. */
export async function billFiles(
  { db }: TestDatabase,
  isWhole: boolean,
): Promise<readonly string[]> {
  const teams = [team('ml'), team('platform'), team('sales')];
  const month = await readBilledLines(db, OCTOBER, terms({ teams }));
  assert(month.bills.filter(({ lines }) => lines.length > 0).length > 3, 'four that have lines');
  const files: BillFile[] = [];
  if (isWhole) for await (const file of renderMonth(month)) files.push(file);
  else
    for (const bill of month.bills)
      for (const form of ['json', 'csv'] as const) files.push(await renderBill(month, bill, form));
  return files.map(({ name, bytes }) => `${name} ${hashOfBytes(bytes)}`);
}

/** Does what is given, looks, and takes it back. */
export async function planted(
  { db }: TestDatabase,
  fault: string,
  look: (tx: Transaction) => Promise<void>,
): Promise<void> {
  const back = new Error('back');
  await db
    .transaction(async (tx) => {
      await tx.query(fault);
      await look(tx);
      throw back;
    })
    .catch((thrown: unknown) => {
      if (thrown !== back) throw thrown;
    });
}
