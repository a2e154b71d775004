/**
 * Moves what nobody ran to the teams that bear it: shares of each line that sum to it, in sets of one warehouse and month.
 * Work is only what is not shared by the rule in force: hours that were allocated anew, hours whose rule is another now,
 * and, where direct credits came, hours that had to look further than themselves. So doing it again changes nothing.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import { lockUsage } from '../../usage/import-lock.js';
import { IDLE_POLICY_VERSION, idleRuleRows } from './idle-rule.js';
import type { IdleRuleRow, IdleRulesOf } from './idle-rule.js';

export interface SharingSummary {
  /** Hours whose lines were shared, or stopped being. */
  readonly hours: number;
}

interface Unit {
  readonly warehouse_id: string;
  readonly month: Date;
}

/** Shares what is not shared yet by the rules in force, in whatever was allocated. Faults of Postgres propagate. */
export async function shareIdleTime(
  db: Database,
  account: string,
  rulesOf: IdleRulesOf,
): Promise<SharingSummary> {
  const { rows: warehouses } = await db.query<{ warehouse: string }>(WAREHOUSES, [account]);
  const rules = warehouses.flatMap(({ warehouse }) => idleRuleRows(warehouse, rulesOf(warehouse)));
  const budgets = warehouses.flatMap(({ warehouse }) => rulesOf(warehouse)[0]?.budgets ?? []);
  const weights = new Map(budgets.map(({ teamId, weight }) => [teamId, String(weight)]));
  const { rows: units } = await db.query<Unit>(UNITS, [account, JSON.stringify(rules)]);
  let hours = 0;
  for (const unit of units)
    hours += await db.transaction(async (tx) => {
      await lockUsage(tx, account);
      return shareUnit(tx, account, unit, { rules, weights });
    });
  return { hours };
}

interface Given {
  readonly rules: readonly IdleRuleRow[];
  readonly weights: ReadonlyMap<string, string>;
}

/** How many hours of it were shared anew. */
async function shareUnit(
  tx: Transaction,
  account: string,
  unit: Unit,
  { rules, weights }: Given,
): Promise<number> {
  const key = [account, unit.warehouse_id, unit.month, JSON.stringify(rules)];
  const { rows: claimed } = await tx.query<{ starts_at: Date }>(CLAIM, [
    ...key,
    IDLE_POLICY_VERSION,
  ]);
  if (claimed.length === 0) return 0;
  const budgets = JSON.stringify([...weights].map(([team_id, weight]) => ({ team_id, weight })));
  const { rows } = await tx.query<{ month: string }>(RAN_IN_MONTH, key.slice(0, 3));
  const month = rows[0]?.month ?? '[]';
  for (const hours of byDay(claimed.map(({ starts_at: at }) => at))) {
    await tx.query(CLEAR_SHARES, [account, unit.warehouse_id, hours]);
    const day = new Date(Math.floor((hours[0]?.getTime() ?? 0) / DAY_MS) * DAY_MS);
    await tx.query(SHARE, [account, unit.warehouse_id, day, key[3], hours, budgets, month]);
  }
  return claimed.length;
}

const DAY_MS = 86_400_000;

/** A day at a time, so that no statement takes longer with the length of the month. */
function byDay(hours: readonly Date[]): readonly (readonly Date[])[] {
  const days = new Map<number, Date[]>();
  for (const hour of hours) {
    const day = Math.floor(hour.getTime() / DAY_MS);
    const own = days.get(day);
    if (own === undefined) days.set(day, [hour]);
    else own.push(hour);
  }
  return [...days.values()];
}

const WAREHOUSES = `/* prepared: billing.allocated_warehouses */
SELECT DISTINCT warehouse FROM usage_warehouse_hour WHERE account = $1 AND allocated_at IS NOT NULL ORDER BY 1`;

const RULES = (given: string): string => `rule AS (
  SELECT * FROM jsonb_to_recordset(${given}::jsonb) AS r (warehouse text, from_at timestamptz, to_at timestamptz, key text, entry text,
    policy text, idle text, resume_minute text, short_query text, owner_team text, platform_team text)
)`;

const UNITS = `
WITH ${RULES('$2')}
SELECT DISTINCT h.warehouse_id, date_trunc('month', h.starts_at, 'UTC') AS month
FROM usage_warehouse_hour h
JOIN rule r ON r.warehouse = h.warehouse AND h.starts_at >= r.from_at AND h.starts_at < r.to_at
WHERE h.account = $1 AND h.allocated_at IS NOT NULL AND h.idle_key IS DISTINCT FROM r.key
ORDER BY 1, 2`;

// Where an hour of the month was allocated anew, what others found beyond themselves may be another now.
const CLAIM = `
WITH ${RULES('$4')}, hour AS (
  SELECT h.warehouse_id, h.starts_at, h.warehouse, h.idle_key, h.idle_reach, bool_or(h.idle_key IS NULL) OVER () AS has_new
  FROM usage_warehouse_hour h
  WHERE h.account = $1 AND h.warehouse_id = $2 AND h.starts_at >= $3 AND h.starts_at < $3::timestamptz + interval '1 month'
    AND h.allocated_at IS NOT NULL
)
UPDATE usage_warehouse_hour u SET idle_key = r.key, idle_entry = r.entry, idle_policy = r.policy,
  idle_policy_version = CASE WHEN r.policy IS NOT NULL THEN $5::integer END, idle_reach = NULL
FROM hour h JOIN rule r ON r.warehouse = h.warehouse AND h.starts_at >= r.from_at AND h.starts_at < r.to_at
WHERE u.account = $1 AND u.warehouse_id = h.warehouse_id AND u.starts_at = h.starts_at
  AND (h.idle_key IS DISTINCT FROM r.key OR h.has_new AND h.idle_reach <> 'hour')
RETURNING u.starts_at`;

export const CLEAR_SHARES = `/* prepared: billing.clear_shares */
DELETE FROM allocation_share WHERE account = $1 AND warehouse_id = $2 AND starts_at = ANY($3::timestamptz[])`;

/** What each team ran in the whole month. */
const RAN_IN_MONTH = `
SELECT coalesce(jsonb_agg(m), '[]')::text AS month FROM (
  SELECT team_id, sum(credits)::text AS weight FROM allocation_team_hour
  WHERE account = $1 AND warehouse_id = $2 AND starts_at >= $3 AND starts_at < $3::timestamptz + interval '1 month'
  GROUP BY team_id
) m`;

// Amounts are whole pico-credits while they are split: floors first, then one unit each to the largest remainders, ties by
// team. What nobody is known for weighs like a team, so that its part stays of nobody.
const SHARE = `
WITH ${RULES('$4')}, budget AS (
  SELECT * FROM jsonb_to_recordset($6::jsonb) AS b (team_id text, weight numeric)
), ran AS MATERIALIZED (
  SELECT starts_at, team_id, credits AS weight FROM allocation_team_hour
  WHERE account = $1 AND warehouse_id = $2 AND starts_at >= $3 AND starts_at < $3::timestamptz + interval '1 day'
), day AS MATERIALIZED (
  SELECT team_id, sum(weight) AS weight FROM ran GROUP BY 1
), month AS (
  SELECT * FROM jsonb_to_recordset($7::jsonb) AS m (team_id text, weight numeric)
), hour AS MATERIALIZED (
  SELECT h.starts_at, r.*, CASE
      WHEN h.starts_at IN (SELECT starts_at FROM ran) THEN 'hour'
      WHEN EXISTS (SELECT FROM day) THEN 'day'
      WHEN EXISTS (SELECT FROM month) THEN 'month'
      ELSE 'none' END AS reach
  FROM usage_warehouse_hour h JOIN rule r ON r.warehouse = h.warehouse AND h.starts_at >= r.from_at AND h.starts_at < r.to_at
  WHERE h.account = $1 AND h.warehouse_id = $2 AND h.starts_at = ANY($5::timestamptz[])
), pro_rata AS MATERIALIZED (
  SELECT h.starts_at, 'hour' AS basis, r.team_id, r.weight FROM hour h JOIN ran r USING (starts_at) WHERE h.reach = 'hour'
  UNION ALL
  SELECT h.starts_at, 'day', d.team_id, d.weight FROM hour h CROSS JOIN day d WHERE h.reach = 'day'
  UNION ALL
  SELECT h.starts_at, 'month', m.team_id, m.weight FROM hour h CROSS JOIN month m WHERE h.reach = 'month'
  UNION ALL
  SELECT starts_at, CASE WHEN owner_team IS NULL THEN 'nobody' ELSE 'owner' END, owner_team, 1 FROM hour WHERE reach = 'none'
), line AS (
  SELECT l.starts_at, l.ordinal, l.query_id, l.statement_team_id, l.credits, h.owner_team, h.platform_team, l.bucket, l.reason,
    CASE l.bucket WHEN 'idle' THEN h.idle WHEN 'resumeMinute' THEN h.resume_minute ELSE h.short_query END AS policy
  FROM allocation_line l JOIN hour h USING (starts_at)
  WHERE l.account = $1 AND l.warehouse_id = $2 AND l.starts_at = ANY($5::timestamptz[])
    AND l.bucket IN ('idle', 'resumeMinute', 'shortQuery') AND h.policy IS NOT NULL
), meant AS (
  SELECT *, CASE
      WHEN policy = 'causer' AND query_id IS NOT NULL AND (bucket = 'resumeMinute' OR reason = 'beforeFirst') THEN 'statement'
      WHEN policy = 'tailOwner' AND query_id IS NOT NULL AND (bucket = 'resumeMinute' OR reason IN ('suspendTail', 'between'))
        THEN 'statement'
      WHEN policy IN ('causer', 'tailOwner') THEN 'proRata'
      WHEN policy = 'budgetShare' AND NOT EXISTS (SELECT FROM budget) THEN 'owner'
      ELSE policy END AS way
  FROM line
), part AS (
  SELECT m.starts_at, m.ordinal, m.credits, p.basis, p.team_id, p.weight,
    CASE WHEN p.team_id IS NULL THEN m.query_id END AS query_id
  FROM meant m JOIN pro_rata p USING (starts_at) WHERE m.way = 'proRata'
  UNION ALL
  SELECT m.starts_at, m.ordinal, m.credits, 'budgets', b.team_id, b.weight, NULL
  FROM meant m CROSS JOIN budget b WHERE m.way = 'budgetShare'
  UNION ALL
  SELECT m.starts_at, m.ordinal, m.credits, CASE WHEN t.team_id IS NULL THEN 'nobody' ELSE m.way END, t.team_id, 1,
    CASE WHEN m.way = 'statement' OR t.team_id IS NULL THEN m.query_id END
  FROM meant m CROSS JOIN LATERAL (SELECT CASE m.way
      WHEN 'statement' THEN m.statement_team_id WHEN 'owner' THEN m.owner_team ELSE m.platform_team END AS team_id) t
  WHERE m.way IN ('statement', 'owner', 'platform')
), whole AS (
  SELECT *, credits * 1000000000000 AS whole, sum(weight) OVER (PARTITION BY starts_at, ordinal) AS total FROM part
), floored AS (
  SELECT *, div(whole * weight, total) AS units FROM whole
), placed AS (
  SELECT *, whole - sum(units) OVER (PARTITION BY starts_at, ordinal) AS missing,
    row_number() OVER (PARTITION BY starts_at, ordinal ORDER BY whole * weight - units * total DESC, team_id COLLATE "C" NULLS LAST)
      AS place
  FROM floored
), shared AS (
  INSERT INTO allocation_share (starts_at, account, warehouse_id, ordinal, team_id, basis, query_id, credits)
  SELECT starts_at, $1, $2, ordinal, team_id, basis, query_id,
    (units + CASE WHEN place <= missing THEN 1 ELSE 0 END) * 0.000000000001
  FROM placed WHERE units > 0 OR place <= missing
)
UPDATE usage_warehouse_hour u SET idle_reach = h.reach FROM hour h
WHERE u.account = $1 AND u.warehouse_id = $2 AND u.starts_at = h.starts_at`;
