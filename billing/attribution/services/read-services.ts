/** What services cost in a period of whole days, beside the compute of warehouses. */
import type { Queryable } from '#base/postgres/pool.js';
import { ledgerCall } from '../../postgres/availability.js';

/** What service lines can be asked by. */
const DIMENSIONS = {
  team: 'l.team_id',
  service: 'l.service_type',
  kind: 'l.kind',
  entity: "coalesce(l.entity_name, nullif(l.entity_id, ''))",
  sharedCost: 'l.shared_by',
  day: "to_char(l.day, 'YYYY-MM-DD')",
} as const;
export type ServiceDimension = keyof typeof DIMENSIONS;
export const SERVICE_DIMENSIONS = Object.keys(DIMENSIONS) as readonly ServiceDimension[];

export interface ServiceQuestion {
  /** `YYYY-MM-DD`, UTC. */
  readonly firstDay: string;
  readonly lastDay: string;
  readonly by: ServiceDimension;
  /** Only what this team bears; null: everything. */
  readonly teamId: string | null;
  readonly rowsMax: number;
}

/** Amounts are decimal texts: credits, or whole bytes (average of a day, summed over days). */
export interface ServiceRow {
  readonly service: string;
  readonly kind: string;
  /** null: of nobody, or nothing is known. */
  readonly key: string | null;
  readonly unit: 'credits' | 'bytes';
  readonly amount: string;
}

export interface ServiceVariance {
  readonly day: string;
  readonly service: string;
  readonly part: string;
  readonly entity: string | null;
  readonly unit: 'credits' | 'bytes';
  readonly amount: string;
}

export interface Services {
  /** The largest first within each unit; what is beyond `rowsMax` is left out and counted. */
  readonly rows: readonly ServiceRow[];
  readonly rowsLeftOut: number;
  readonly totalCredits: string;
  /** null: who sees one team only. */
  readonly reconciliation: {
    /** Of services and days that the account has told of. */
    readonly billedCredits: string;
    /** Compute of warehouses and lines, of the same. */
    readonly allocatedCredits: string;
    readonly days: number;
    /** Days of which something changed since they were allocated. */
    readonly staleDays: number;
    readonly variances: readonly ServiceVariance[];
  } | null;
}

const VARIANCES_MAX = 100;

function rowsSql(by: ServiceDimension): string {
  return `/* prepared: billing.services_by_${by} */
SELECT l.service_type AS service, l.kind, ${DIMENSIONS[by]} AS key, l.unit, trim_scale(sum(l.amount))::text AS amount
FROM service_line l WHERE l.day >= $1::date AND l.day <= $2::date AND ($3::text IS NULL OR l.team_id = $3)
GROUP BY 1, 2, 3, 4 ORDER BY l.unit DESC, sum(l.amount) DESC, 1, 2, 3`;
}

/** Reads them. Fault `ledgerUnavailable` without the database. */
export async function readServices(db: Queryable, question: ServiceQuestion): Promise<Services> {
  const { firstDay, lastDay, by, teamId, rowsMax } = question;
  const span = [firstDay, lastDay];
  const { rows } = await ledgerCall(() => db.query<ServiceRow>(rowsSql(by), [...span, teamId]));
  const total = await ledgerCall(() => db.query<{ credits: string }>(TOTAL, [...span, teamId]));
  return {
    rows: rows.slice(0, rowsMax),
    rowsLeftOut: Math.max(0, rows.length - rowsMax),
    totalCredits: total.rows[0]?.credits ?? '0',
    reconciliation: teamId === null ? await readReconciliation(db, span) : null,
  };
}

async function readReconciliation(
  db: Queryable,
  span: readonly string[],
): Promise<Services['reconciliation']> {
  const { rows } = await ledgerCall(() =>
    db.query<{ billed: string; allocated: string; days: number; stale: number }>(RECONCILIATION, [
      ...span,
    ]),
  );
  const { rows: variances } = await ledgerCall(() =>
    db.query<ServiceVariance>(VARIANCES, [...span]),
  );
  const [row] = rows;
  return {
    billedCredits: row?.billed ?? '0',
    allocatedCredits: row?.allocated ?? '0',
    days: row?.days ?? 0,
    staleDays: row?.stale ?? 0,
    variances,
  };
}

const TOTAL = `/* prepared: billing.services_total */
SELECT coalesce(sum(amount), 0)::numeric(38, 12)::text AS credits FROM service_line
WHERE unit = 'credits' AND day >= $1::date AND day <= $2::date AND ($3::text IS NULL OR team_id = $3)`;

const RECONCILIATION = `/* prepared: billing.services_reconciliation */
SELECT coalesce(sum(billed_credits), 0)::numeric(38, 12)::text AS billed,
  coalesce(sum(allocated_credits), 0)::numeric(38, 12)::text AS allocated, count(DISTINCT (account, day))::integer AS days,
  (SELECT count(*)::integer FROM service_day WHERE is_stale AND day >= $1::date AND day <= $2::date) AS stale
FROM service_day_billed WHERE day >= $1::date AND day <= $2::date`;

const VARIANCES = `/* prepared: billing.services_variances */
SELECT to_char(day, 'YYYY-MM-DD') AS day, service_type AS service, coalesce(part, '') AS part,
  coalesce(entity_name, nullif(entity_id, '')) AS entity, unit, trim_scale(amount)::text AS amount
FROM service_line WHERE kind = 'variance' AND day >= $1::date AND day <= $2::date
ORDER BY abs(amount) DESC, 1, 2, 3, 4 LIMIT ${VARIANCES_MAX}`;
