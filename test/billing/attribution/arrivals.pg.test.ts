/**
 * Rows arrive in any order, some of them first in an earlier form, and hours are allocated in between: what comes out in the
 * end must be what one import of all the last rows gives. Criteria 4 and 15 of the billing domain, with clusters that come and
 * go, resizes, statements inside of others, and figures that come before their statements.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseCredits } from '../../../base/units.js';
import { allocateStaleHours } from '../../../billing/attribution/allocate-hours.js';
import type { AllocationOptions } from '../../../billing/attribution/allocate-hours.js';
import { storeUsage } from '../../../billing/usage/store-usage.js';
import type { UsageView } from '../../../billing/usage/read-views.js';
import type { UsageRow } from '../../../billing/usage/view-reading.js';
import { createTestDatabase, expectInvariants } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';
import { type Draw, drawer, shuffled } from '../../support/drawer.js';

const ACCOUNT = 'demo';
const START = Date.UTC(2026, 9, 1);
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const HOURS = 36;
/** Orders of arrival that are tried; each has another seed. */
const ORDERS = 3;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());
beforeEach(empty);

async function empty(): Promise<void> {
  for (const table of [
    'allocation_line',
    'usage_warehouse_hour',
    'usage_query',
    'usage_query_ahead',
    'usage_query_hour',
    'usage_warehouse_event',
    'service_day',
  ])
    await database.db.query(`DELETE FROM ${table}`);
}

interface Piece {
  readonly view: UsageView;
  readonly row: UsageRow;
  /** The row as it was told before; null: it came once. */
  readonly earlier: UsageRow | null;
}

const iso = (at: number): string => new Date(at).toISOString();

function event(
  warehouse: string,
  at: number,
  name: string,
  cluster: number,
  size: string,
): UsageRow {
  return {
    warehouse_id: warehouse,
    occurred_at: iso(at),
    name,
    cluster,
    state: 'COMPLETED',
    warehouse_size: name === 'WAREHOUSE_CONSISTENT' ? size : null,
    resource_constraint: null,
  };
}

/** Clusters of one warehouse: up for some time, down for some, resized now and then. */
function eventsOf(warehouse: string, draw: Draw): readonly UsageRow[] {
  const events: UsageRow[] = [];
  for (let at = START; at < START + HOURS * HOUR_MS; at += (1 + draw(120)) * MINUTE_MS) {
    const size = draw(4) === 0 ? 'Large' : 'Medium';
    const clusters = draw(3) === 0 ? [1, 2] : [1];
    events.push(event(warehouse, at, 'RESUME_WAREHOUSE', -1, size));
    for (const cluster of clusters)
      events.push(event(warehouse, at, 'RESUME_CLUSTER', cluster, size));
    events.push(event(warehouse, at + 1000, 'WAREHOUSE_CONSISTENT', -1, size));
    at += draw(3) === 0 ? 20_000 : (1 + draw(300)) * MINUTE_MS;
    if (draw(3) === 0) {
      events.push(event(warehouse, at, 'RESIZE_WAREHOUSE', -1, size));
      events.push(event(warehouse, at + 1000, 'WAREHOUSE_CONSISTENT', -1, 'Large'));
      at += (1 + draw(90)) * MINUTE_MS;
    }
    for (const cluster of clusters)
      events.push(event(warehouse, at, 'SUSPEND_CLUSTER', cluster, size));
    events.push(event(warehouse, at, 'SUSPEND_WAREHOUSE', -1, size));
  }
  return events;
}

function query(id: string, warehouse: string, draw: Draw): Piece {
  const startsAt = START + draw(HOURS * HOUR_MS);
  const endsAt = startsAt + (draw(8) === 0 ? draw(90) : draw(90 * MINUTE_MS));
  const row = {
    query_id: id,
    warehouse_id: warehouse,
    cluster: 1 + draw(2),
    warehouse_size: draw(4) === 0 ? 'Large' : 'Medium',
    warehouse_kind: 'STANDARD',
    snowflake_user: 'SALES_ANALYST',
    role_name: 'ANALYST',
    query_type: 'SELECT',
    is_container: false,
    executed_at: iso(startsAt),
    ended_at: iso(endsAt),
    shape_hash: 'shape',
    bytes_scanned: 1000,
    cloud_services_credits: '0.001',
    session_id: null,
  };
  const earlier =
    draw(4) === 0
      ? {
          ...row,
          warehouse_id: draw(2) === 0 ? '1' : '2',
          executed_at: iso(startsAt - draw(4 * HOUR_MS)),
          ended_at: iso(endsAt + draw(4 * HOUR_MS)),
        }
      : null;
  return { view: 'QUERY_HISTORY', row, earlier };
}

function attribution(id: string, parent: string | null, draw: Draw): Piece {
  const row = {
    query_id: id,
    parent_query_id: parent,
    root_query_id: parent,
    attributed_credits: `0.${1000 + draw(8999)}`,
    acceleration_credits: null,
  };
  const earlier = draw(4) === 0 ? { ...row, attributed_credits: '0.01' } : null;
  return { view: 'QUERY_ATTRIBUTION_HISTORY', row, earlier };
}

function generated(): readonly Piece[] {
  const draw = drawer(11);
  const pieces: Piece[] = [];
  for (const warehouse of ['1', '2']) {
    for (const row of eventsOf(warehouse, draw))
      pieces.push({ view: 'WAREHOUSE_EVENTS_HISTORY', row, earlier: null });
    for (let hour = 0; hour < HOURS; hour += 1) {
      const row = {
        warehouse_id: warehouse,
        warehouse: `WH_${warehouse}`,
        starts_at: iso(START + hour * HOUR_MS),
        metered_credits: `${draw(5)}.${draw(999_999)}`,
        cloud_services_credits: '0',
        attributed_credits: draw(3) === 0 ? null : '1.5',
      };
      const earlier =
        draw(3) === 0 ? { ...row, metered_credits: '9.5', attributed_credits: null } : null;
      pieces.push({ view: 'WAREHOUSE_METERING_HISTORY', row, earlier });
    }
    for (let each = 0; each < 30; each += 1) {
      const id = `q${warehouse}-${each}`;
      pieces.push(query(id, warehouse, draw));
      if (draw(3) > 0)
        pieces.push(attribution(id, each % 5 === 0 ? `q${warehouse}-p${each}` : null, draw));
      if (each % 5 === 0) pieces.push(query(`q${warehouse}-p${each}`, warehouse, draw));
    }
  }
  return pieces;
}

const OPTIONS: AllocationOptions = {
  account: ACCOUNT,
  rateOf: (_kind, _constraint, size) => parseCredits(size === 'Large' ? '8' : '4'),
  payerOf: () => ({ teamId: 'sales', principalId: 'sales_analyst' }),
};

async function store(view: UsageView, rows: readonly UsageRow[]): Promise<void> {
  await database.db.transaction((tx) => storeUsage(tx, ACCOUNT, view, rows));
}

async function lines(): Promise<readonly string[]> {
  await allocateStaleHours(database.db, OPTIONS);
  const { rows } = await database.db.query<{ line: string }>(
    `SELECT concat_ws(' ', warehouse_id, to_char(starts_at AT TIME ZONE 'UTC', 'DD HH24'), method, bucket, reason, query_id, credits) AS line
     FROM allocation_line JOIN usage_warehouse_hour USING (account, warehouse_id, starts_at) ORDER BY warehouse_id, starts_at, ordinal`,
  );
  return rows.map(({ line }) => line);
}

const VIEWS = [
  'QUERY_HISTORY',
  'QUERY_ATTRIBUTION_HISTORY',
  'WAREHOUSE_EVENTS_HISTORY',
  'WAREHOUSE_METERING_HISTORY',
] as const;

async function atOnce(pieces: readonly Piece[]): Promise<readonly string[]> {
  for (const view of VIEWS)
    await store(
      view,
      pieces.filter((piece) => piece.view === view).map(({ row }) => row),
    );
  return lines();
}

/** Earlier forms come before what replaced them; all else comes as the draw has it. */
async function oneByOne(pieces: readonly Piece[], draw: Draw): Promise<readonly string[]> {
  const earlier = pieces.flatMap(({ view, earlier: row }) => (row === null ? [] : [{ view, row }]));
  for (const arrivals of [shuffled(earlier, draw), shuffled(pieces, draw)])
    for (let at = 0; at < arrivals.length;) {
      const batch = arrivals.slice(at, at + 1 + draw(40));
      at += batch.length;
      for (const view of shuffled(VIEWS, draw)) {
        const rows = batch.filter((piece) => piece.view === view).map(({ row }) => row);
        if (rows.length > 0) await store(view, rows);
      }
      await allocateStaleHours(database.db, OPTIONS);
    }
  return lines();
}

test('criteria 4 and 15: however rows arrive, and in whatever earlier form, hours end as one import of the last ones has them', async () => {
  const pieces = generated();
  const wanted = await atOnce(pieces);
  expect(new Set(wanted.map((line) => line.split(' ')[4]))).toEqual(
    new Set(['bypass', 'idle', 'resumeMinute', 'shortQuery', 'unexplained']),
  );
  for (let seed = 1; seed <= ORDERS; seed += 1) {
    await empty();
    expect([seed, await oneByOne(pieces, drawer(seed))]).toEqual([seed, wanted]);
    await expectInvariants(database.db);
  }
});
