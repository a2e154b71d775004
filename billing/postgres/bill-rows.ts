import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { Credits, Money } from '#base/units.js';

/** Charges of one team on one UTC day, warehouse and tier. */
export interface BillRow {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  /** null: the statement named none. */
  readonly warehouse: string | null;
  readonly tier: string;
  readonly statements: number;
  readonly credits: Credits;
  readonly money: Money;
}

const ROWS = `/* prepared: billing.bill_rows */
SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, warehouse, tier, count(*)::integer AS statements,
  sum(credits) AS credits, sum(money) AS money
FROM charge
WHERE team_id = $1 AND currency = $2 AND occurred_at >= $3 AND occurred_at < $4
GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS LAST, 3`;

interface Row {
  readonly day: string;
  readonly warehouse: string | null;
  readonly tier: string;
  readonly statements: number;
  readonly credits: string;
  readonly money: string;
}

/** The charges of `teamId` that began in `period`, in the order of day, warehouse, tier. */
export async function billRows(
  db: Queryable,
  teamId: string,
  period: Period,
  currency: string,
): Promise<readonly BillRow[]> {
  const values = [teamId, currency, new Date(period.startsAt), new Date(period.endsAt)];
  const { rows } = await db.query<Row>(ROWS, values);
  return rows.map((row) => ({
    ...row,
    credits: parseCredits(row.credits),
    money: parseMoney(row.money),
  }));
}
