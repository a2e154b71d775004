/**
 * Executions on governed warehouses that did not come through Tollgate: how many beside those that did, by warehouse and
 * day, and whose. An execution counts once, in the hour in which it began; one that took no credits is in neither.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { mulDiv, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { ledgerCall } from '../postgres/availability.js';

export interface BypassQuestion {
  readonly period: Period;
  /** Names of the warehouses that are governed; case does not matter. */
  readonly warehouses: readonly string[];
  readonly callersMax: number;
}

export interface Coverage {
  readonly warehouse: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly governedStatements: number;
  readonly bypassStatements: number;
  readonly governedCredits: Credits;
  readonly bypassCredits: Credits;
}

export interface BypassCaller {
  /** What the application calls itself; null: sessions are not imported. */
  readonly application: string | null;
  readonly snowflakeUser: string | null;
  readonly roleName: string | null;
  /** Whom the mapping names; null: nobody. */
  readonly teamId: string | null;
  readonly statements: number;
  readonly credits: Credits;
  readonly warehouses: readonly string[];
  readonly lastAt: EpochMs;
}

export interface Bypass {
  readonly coverage: readonly Coverage[];
  /** The dearest first. */
  readonly callers: readonly BypassCaller[];
  readonly callersLeftOut: number;
}

interface CoverageRow {
  readonly warehouse: string;
  readonly day: string;
  readonly governed_statements: number;
  readonly bypass_statements: number;
  readonly governed_credits: string;
  readonly bypass_credits: string;
}

interface CallerRow {
  readonly application: string | null;
  readonly snowflake_user: string | null;
  readonly role_name: string | null;
  readonly team_id: string | null;
  readonly statements: number;
  readonly credits: string;
  readonly warehouses: readonly string[];
  readonly last_at: Date;
}

/** Reads both. Fault `ledgerUnavailable` without the database. */
export async function readBypass(db: Queryable, question: BypassQuestion): Promise<Bypass> {
  const { period, callersMax } = question;
  const asked = [
    new Date(period.startsAt),
    new Date(period.endsAt),
    question.warehouses.map((name) => name.toUpperCase()),
  ];
  const coverage = await ledgerCall(() => db.query<CoverageRow>(COVERAGE, asked));
  const callers = await ledgerCall(() => db.query<CallerRow>(CALLERS, asked));
  return {
    coverage: coverage.rows.map((row) => ({
      warehouse: row.warehouse,
      day: row.day,
      governedStatements: row.governed_statements,
      bypassStatements: row.bypass_statements,
      governedCredits: parseCredits(row.governed_credits),
      bypassCredits: parseCredits(row.bypass_credits),
    })),
    callers: callers.rows.slice(0, callersMax).map((row) => ({
      application: row.application,
      snowflakeUser: row.snowflake_user,
      roleName: row.role_name,
      teamId: row.team_id,
      statements: row.statements,
      credits: parseCredits(row.credits),
      warehouses: row.warehouses,
      lastAt: row.last_at.getTime(),
    })),
    callersLeftOut: Math.max(0, callers.rows.length - callersMax),
  };
}

/** `97.50`: percent of credits that came through Tollgate, rounded down; `100.00` only where all did. null: nothing ran. */
export function coveragePercent(
  of: readonly Pick<Coverage, 'governedCredits' | 'bypassCredits'>[],
): string | null {
  const governed = of.reduce((sum, { governedCredits }) => sum + governedCredits, 0n);
  const all = of.reduce((sum, { bypassCredits }) => sum + bypassCredits, governed);
  if (all === 0n) return null;
  const hundredths = String(mulDiv(governed, 10_000n, all, 'down')).padStart(3, '0');
  return `${hundredths.slice(0, -2)}.${hundredths.slice(-2)}`;
}

const RAN = `FROM allocation_line l
JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at)
LEFT JOIN usage_query q ON q.account = l.account AND q.query_id = l.query_id
LEFT JOIN usage_session s ON s.account = q.account AND s.session_id = q.session_id
WHERE l.starts_at >= $1 AND l.starts_at < $2 AND upper(h.warehouse) = ANY($3::text[])`;
const BEGAN = "coalesce(l.starts_at = date_trunc('hour', q.executed_at, 'UTC'), false)";

const COVERAGE = `/* prepared: billing.coverage */
SELECT h.warehouse, to_char(l.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
  (count(*) FILTER (WHERE l.bucket = 'direct' AND ${BEGAN}))::integer AS governed_statements,
  (count(*) FILTER (WHERE l.bucket = 'bypass' AND ${BEGAN}))::integer AS bypass_statements,
  coalesce(sum(l.credits) FILTER (WHERE l.bucket = 'direct'), 0) AS governed_credits,
  coalesce(sum(l.credits) FILTER (WHERE l.bucket = 'bypass'), 0) AS bypass_credits
${RAN} AND l.bucket IN ('direct', 'bypass')
GROUP BY 1, 2 ORDER BY 1, 2`;

const CALLERS = `/* prepared: billing.bypass_callers */
SELECT s.client AS application, q.snowflake_user, q.role_name, l.team_id, (count(*) FILTER (WHERE ${BEGAN}))::integer AS statements,
  sum(l.credits) AS credits, array_agg(DISTINCT h.warehouse ORDER BY h.warehouse) AS warehouses,
  max(coalesce(q.ended_at, l.starts_at)) AS last_at
${RAN} AND l.bucket = 'bypass'
GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 2, 3, 1, 4`;
