/** Reads what a day has beside the compute of warehouses, as it was imported. */
import type { Queryable } from '#base/postgres/pool.js';
import { NO_CREDITS, addCredits, parseCredits } from '#base/units.js';
import type { PayerOf } from '../allocate-hours.js';
import { ticketOf } from '../ticket-of.js';
import type { ServiceDay } from './service-day.js';

type Row = Readonly<Record<string, string | null>>;

/** @param day `YYYY-MM-DD`, UTC. Faults of Postgres propagate. */
export async function readServiceDay(
  db: Queryable,
  account: string,
  day: string,
  payerOf: PayerOf,
): Promise<ServiceDay> {
  const from = `${day}T00:00:00Z`;
  const rowsOf = async (sql: string, key: string): Promise<readonly Row[]> =>
    (await db.query<Row>(sql, [account, key])).rows;
  const warehouses = await rowsOf(WAREHOUSES, from);
  const statements = await rowsOf(STATEMENTS, from);
  const services = await rowsOf(SERVICES, from);
  const billed = await rowsOf(BILLED, day);
  const storage = await rowsOf(STORAGE, day);
  const transfers = await rowsOf(TRANSFERS, from);
  const ran = await rowsOf(RAN, from);
  return {
    day,
    warehouses: warehouses.map((row) => ({
      id: text(row, 'id'),
      name: text(row, 'name'),
      computeCredits: credits(row, 'compute'),
      cloudServicesCredits: credits(row, 'services'),
    })),
    statements: byTeam(statements, account, payerOf),
    services: services.map((row) => ({
      serviceType: text(row, 'service_type'),
      entityId: text(row, 'entity_id'),
      entityName: row['entity_name'] ?? null,
      credits: credits(row, 'credits'),
    })),
    billed: billed.map((row) => ({
      serviceType: text(row, 'service_type'),
      computeCredits: credits(row, 'compute'),
      cloudServicesCredits: credits(row, 'services'),
      adjustmentCredits: credits(row, 'adjustment'),
      billedCredits: credits(row, 'billed'),
    })),
    storage: storage.map((row) => ({
      scope: scopeOf(text(row, 'scope')),
      entityId: text(row, 'entity_id'),
      entityName: row['entity_name'] ?? null,
      bytes: BigInt(text(row, 'bytes')),
    })),
    transfers: transfers.map((row) => ({
      route: text(row, 'route'),
      kind: text(row, 'kind'),
      bytes: BigInt(text(row, 'bytes')),
    })),
    ran: ran.map((row) => ({ teamId: text(row, 'team_id'), credits: credits(row, 'credits') })),
  };
}

function text(row: Row, column: string): string {
  return row[column] ?? '';
}

function credits(row: Row, column: string): ReturnType<typeof parseCredits> {
  return parseCredits(row[column] ?? '0');
}

function scopeOf(scope: string): 'account' | 'database' | 'stage' {
  return scope === 'account' || scope === 'database' ? scope : 'stage';
}

/** Statements that no ticket names are of whom the mapping names for their user and role, as in warehouse-hours. */
function byTeam(rows: readonly Row[], account: string, payerOf: PayerOf): ServiceDay['statements'] {
  const sums = new Map<string, ServiceDay['statements'][number]>();
  for (const row of rows) {
    const payer =
      row['team_id'] ??
      payerOf({
        account,
        snowflakeUser: text(row, 'snowflake_user'),
        role: row['role_name'] ?? null,
      })?.teamId ??
      null;
    const warehouseId = text(row, 'warehouse_id');
    const key = `${warehouseId} ${payer ?? ''}`;
    const known = sums.get(key);
    sums.set(key, {
      warehouseId,
      teamId: payer,
      cloudServicesCredits: addCredits(
        known?.cloudServicesCredits ?? NO_CREDITS,
        credits(row, 'services'),
      ),
      accelerationCredits: addCredits(
        known?.accelerationCredits ?? NO_CREDITS,
        credits(row, 'acceleration'),
      ),
    });
  }
  return [...sums.values()];
}

const DAY = (time: string): string =>
  `${time} >= $2::timestamptz AND ${time} < $2::timestamptz + interval '1 day'`;

const WAREHOUSES = `/* prepared: billing.service_warehouses */
SELECT warehouse_id AS id, max(warehouse) AS name, sum(metered_credits) AS compute, sum(cloud_services_credits) AS services
FROM usage_warehouse_hour WHERE account = $1 AND ${DAY('starts_at')} GROUP BY 1 ORDER BY 1`;

// A statement is of the day in which it began to execute. Of one that ran for days the end is at most a week later.
const STATEMENTS = `/* prepared: billing.service_statements */
SELECT q.warehouse_id, t.team_id, CASE WHEN t.team_id IS NULL THEN q.snowflake_user END AS snowflake_user,
  CASE WHEN t.team_id IS NULL THEN q.role_name END AS role_name, sum(q.cloud_services_credits) AS services,
  coalesce(sum(q.acceleration_credits), 0) AS acceleration
FROM (SELECT DISTINCT warehouse_id FROM usage_warehouse_hour WHERE account = $1 AND ${DAY('starts_at')}) w
JOIN usage_query q ON q.account = $1 AND q.warehouse_id = w.warehouse_id AND q.ended_at >= $2::timestamptz
  AND q.ended_at < $2::timestamptz + interval '9 days' AND ${DAY('q.executed_at')}
LEFT JOIN ${ticketOf('q.query_id', 'q.root_query_id')} ON true
WHERE q.cloud_services_credits > 0 OR q.acceleration_credits > 0
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;

const SERVICES = `/* prepared: billing.service_entities */
SELECT service_type, entity_id, max(entity_name) AS entity_name, sum(credits) AS credits FROM usage_service_hour
WHERE account = $1 AND ${DAY('starts_at')} AND service_type NOT IN ('WAREHOUSE_METERING', 'CLOUD_SERVICES')
GROUP BY 1, 2 ORDER BY 1, 2`;

const BILLED = `/* prepared: billing.service_billed */
SELECT service_type, compute_credits AS compute, cloud_services_credits AS services, adjustment_credits AS adjustment,
  billed_credits AS billed
FROM usage_day WHERE account = $1 AND day = $2::date ORDER BY 1`;

const STORAGE = `/* prepared: billing.service_storage */
SELECT scope, entity_id, entity_name, table_bytes + failsafe_bytes + stage_bytes AS bytes FROM usage_storage_day
WHERE account = $1 AND day = $2::date ORDER BY 1, 2`;

const TRANSFERS = `/* prepared: billing.service_transfers */
SELECT source_cloud || '/' || source_region || '>' || target_cloud || '/' || target_region AS route, transfer_kind AS kind,
  sum(bytes) AS bytes
FROM usage_transfer_hour WHERE account = $1 AND ${DAY('starts_at')} GROUP BY 1, 2 ORDER BY 1, 2`;

const RAN = `/* prepared: billing.service_ran */
SELECT team_id, sum(credits) AS credits FROM allocation_team_hour
WHERE account = $1 AND ${DAY('starts_at')} AND team_id IS NOT NULL GROUP BY 1 ORDER BY 1`;
