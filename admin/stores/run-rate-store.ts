/** What the dearest shapes took in the last 30 days, with the ticket of their last run: what paces are judged by. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Money, parseCredits, parseMoney } from '#base/units.js';
import { MONTH_MS, type ShapeSpend, type SpendBucket } from '#policies/rules/run-rate.js';

/** Shapes that one look judges, dearest first; what is told of is among them. */
export const SHAPES_MAX = 2_000;

export interface SpendingShape {
  readonly teamId: string;
  readonly fingerprint: string;
  readonly spend: ShapeSpend;
  readonly lastTicketId: string;
  readonly lastAt: EpochMs;
  readonly principalId: string;
  readonly tier: string;
  readonly workload: string | null;
  readonly statementShape: string;
  readonly pricePerCredit: Money;
  readonly currency: string;
}

const READ = `WITH dearest AS (
  SELECT team_id, fingerprint, (array_agg(last_ticket_id ORDER BY starts_at DESC))[1] AS ticket_id
  FROM shape_spend WHERE grain = 'day' AND starts_at > $1 AND ($2::text IS NULL OR team_id = $2)
  GROUP BY team_id, fingerprint ORDER BY sum(credits) DESC, team_id, fingerprint LIMIT ${SHAPES_MAX}
)
SELECT d.team_id, d.fingerprint, d.ticket_id, t.occurred_at, t.principal_id, t.tier, t.workload, t.statement_shape,
  t.price_per_credit, t.currency,
  (SELECT jsonb_agg(jsonb_build_array(s.grain, extract(epoch FROM s.starts_at) * 1000, extract(epoch FROM s.first_at) * 1000,
     s.runs, s.credits::text)) FROM shape_spend s WHERE s.team_id = d.team_id AND s.fingerprint = d.fingerprint) AS buckets
FROM dearest d JOIN ticket t ON t.id = d.ticket_id`;

type Bucket = readonly [
  grain: string,
  startsAt: number,
  firstAt: number,
  runs: number,
  credits: string,
];

interface Row {
  readonly team_id: string;
  readonly fingerprint: string;
  readonly ticket_id: string;
  readonly occurred_at: Date;
  readonly principal_id: string;
  readonly tier: string;
  readonly workload: string | null;
  readonly statement_shape: string;
  readonly price_per_credit: string;
  readonly currency: string;
  readonly buckets: readonly Bucket[];
}

/** The dearest shapes of a team, or of all, as they are written down; replicas write once a second. */
export async function readSpendingShapes(
  db: Queryable,
  teamId: string | null,
  at: EpochMs,
): Promise<readonly SpendingShape[]> {
  const values = [new Date(at - MONTH_MS), teamId];
  const { rows } = await db.query<Row & Record<string, unknown>>(READ, values);
  return rows.map((row) => ({
    teamId: row.team_id,
    fingerprint: row.fingerprint,
    spend: spendOf(row.buckets),
    lastTicketId: row.ticket_id,
    lastAt: row.occurred_at.getTime(),
    principalId: row.principal_id,
    tier: row.tier,
    workload: row.workload,
    statementShape: row.statement_shape,
    pricePerCredit: parseMoney(row.price_per_credit),
    currency: row.currency,
  }));
}

function spendOf(buckets: readonly Bucket[]): ShapeSpend {
  const of = (grain: string): readonly SpendBucket[] =>
    buckets
      .filter(([each]) => each === grain)
      .map(([, startsAt, , runs, credits]) => ({ startsAt, runs, credits: parseCredits(credits) }));
  const firstAt = Math.min(...buckets.map(([, , first]) => first));
  return { firstAt, minutes: of('minute'), hours: of('hour'), days: of('day') };
}
