/** What spent most within each team's own statements, by what tools and people say of themselves. */
import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { formatAmount, parseCredits, parseMoney } from '#base/units.js';
import type { Driver } from './billed-month.js';
import { WAREHOUSES } from './month-parts.js';
import { DAYS_OF_SPAN, driverSums } from './day-sums.js';
import type { MonthTerms } from './month-terms.js';

const DRIVERS_MAX = 10;
const DAY_MS = 86_400_000;

// Products are exact and rounded once, at the end. Days that are summed by their sums, others by their lines.
const DRIVERS = `/* prepared: billing.month_drivers */
WITH priced AS MATERIALIZED (
  SELECT d.account, d.day, d.is_stale, coalesce(p.price, 0) AS price FROM allocation_summed_day d
  LEFT JOIN unnest($3::text[], $4::date[], $5::numeric[]) AS p (account, day, price) USING (account, day)
  WHERE ${DAYS_OF_SPAN}
), summed AS (
  SELECT s.team_id, s.kind, s.name, s.credits, s.statements, d.price
  FROM priced d JOIN allocation_driver_sum s USING (account, day) WHERE NOT d.is_stale AND ($6::text IS NULL OR s.team_id = $6)
  UNION ALL
  SELECT f.team_id, f.kind, f.name, f.credits, f.statements, d.price
  FROM (${driverSums(`d.is_stale AND ${DAYS_OF_SPAN}`)}) f JOIN priced d USING (account, day)
  WHERE $6::text IS NULL OR f.team_id = $6
), spent AS (
  SELECT team_id, kind, name, sum(credits) AS credits, round(sum(credits * price), 12) AS money, sum(statements) AS statements
  FROM summed GROUP BY 1, 2, 3
)
SELECT team_id, kind, name, credits, money, statements FROM (
  SELECT spent.*, row_number() OVER (PARTITION BY team_id ORDER BY money DESC, credits DESC, kind COLLATE "C", name COLLATE "C")
    AS place
  FROM spent
) placed WHERE place <= ${DRIVERS_MAX} ORDER BY team_id, place`;

interface Row {
  readonly team_id: string;
  readonly kind: Driver['kind'];
  readonly name: string;
  readonly credits: string;
  readonly money: string;
  readonly statements: string;
}

/** By team, or of one team only, at most ten each, dearest first. Faults of Postgres propagate. */
export async function readDrivers(
  db: Queryable,
  period: Period,
  { accounts, currency, priceAt }: Pick<MonthTerms, 'accounts' | 'currency' | 'priceAt'>,
  onlyTeamId: string | null,
): Promise<ReadonlyMap<string, readonly Driver[]>> {
  const prices: { account: string; day: string; price: string }[] = [];
  for (const { id: account } of accounts)
    for (let at = period.startsAt; at < period.endsAt; at += DAY_MS) {
      const price = priceAt({ account, serviceType: WAREHOUSES }, at);
      if (price?.currency !== currency) continue;
      const day = new Date(at).toISOString().slice(0, 10);
      prices.push({ account, day, price: formatAmount(price.pricePerCredit) });
    }
  const { rows } = await db.query<Row & Record<string, unknown>>(DRIVERS, [
    new Date(period.startsAt),
    new Date(period.endsAt),
    prices.map(({ account }) => account),
    prices.map(({ day }) => day),
    prices.map(({ price }) => price),
    onlyTeamId,
  ]);
  const byTeam = new Map<string, Driver[]>();
  for (const row of rows) {
    const driver: Driver = {
      kind: row.kind,
      name: row.name,
      statements: Number(row.statements),
      credits: parseCredits(row.credits),
      effectiveMoney: parseMoney(row.money),
    };
    const known = byTeam.get(row.team_id);
    if (known === undefined) byTeam.set(row.team_id, [driver]);
    else known.push(driver);
  }
  return byTeam;
}
