/** What statements of a month were charged whose hours are not metered yet: parts that metering takes the place of. */
import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import { CHARGES_ADDED } from '../postgres/charges-added.js';
import { WAREHOUSES } from './month-parts.js';
import type { MonthPart } from './month-part.js';
import type { MonthTerms } from './month-terms.js';

// A warehouse is metered up to its newest allocated hour, whichever month that lies in: a statement that was accepted
// before then has run, and is allocated. Hours of charges name the warehouse alone, so its account is that of its hours.
const UNMETERED = `/* prepared: billing.month_unmetered */
WITH ${CHARGES_ADDED}, metered AS (
  SELECT DISTINCT ON (warehouse) warehouse, account, starts_at FROM usage_warehouse_hour
  WHERE allocated_at IS NOT NULL AND starts_at >= $2 ORDER BY warehouse, starts_at DESC
), summed AS (
  SELECT coalesce(m.account, $4) AS account, a.warehouse, a.team_id, (a.hour_at AT TIME ZONE 'UTC')::date AS day,
    sum(a.statements) AS statements, sum(a.credits) AS credits, sum(a.warehouse_ms) AS used_ms
  FROM added a LEFT JOIN metered m ON m.warehouse = a.warehouse
  WHERE m.starts_at IS NULL OR date_trunc('hour', a.hour_at, 'UTC') > m.starts_at
  GROUP BY 1, 2, 3, 4
)
SELECT account, warehouse, team_id, to_char(day, 'YYYY-MM-DD') AS day, statements, credits, used_ms
FROM summed ORDER BY account, warehouse NULLS LAST, team_id, day`;

/** Faults of Postgres propagate. */
export async function readUnmeteredParts(
  db: Queryable,
  period: Period,
  { currency, accounts }: Pick<MonthTerms, 'currency' | 'accounts'>,
): Promise<readonly MonthPart[]> {
  const { rows } = await db.query<{
    account: string;
    warehouse: string | null;
    team_id: string;
    day: string;
    statements: string;
    credits: string;
    used_ms: string;
  }>(UNMETERED, [
    currency,
    new Date(period.startsAt),
    new Date(period.endsAt),
    accounts[0]?.id ?? '',
  ]);
  return rows.map((row) => ({
    kind: 'direct',
    account: row.account,
    resource: row.warehouse,
    serviceType: WAREHOUSES,
    chargeDay: row.day,
    teamId: row.team_id,
    usedMs: Number(row.used_ms),
    statements: Number(row.statements),
    credits: parseCredits(row.credits),
    money: null,
    measured: null,
    method: 'provisional/1',
  }));
}
