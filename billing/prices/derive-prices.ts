/**
 * Works out the prices of an account anew from its rate sheet, and says so where they changed. The sheet stays as it was
 * imported; what somebody decided of held prices is kept beside it.
 */
import { CONTROL_CHANNEL } from '#base/postgres/channels.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import { type Money, parseMoney } from '#base/units.js';
import { lockUsage } from '../usage/import-lock.js';
import { priceSeries } from './price-series.js';
import type { NamedPrice, PriceDecision, PriceStep, SheetDay } from './price-series.js';

/** What other sources say of a key on a day: the price book or a list. */
export type OtherPrice = (
  key: { readonly account: string; readonly ratingType: string; readonly serviceType: string },
  day: string,
) => NamedPrice | null;

interface SheetRow {
  readonly rating_type: string;
  readonly service_type: string;
  readonly day: string;
  readonly currency: string;
  readonly price: string | null;
  readonly prices: string;
  readonly imported_by: string | null;
}

// One price a day and key: that beyond the contract while nothing of its balance is left, else the usual one.
// Adjustments, rebates and support are no prices of use.
const DAYS = `
WITH balance AS (
  SELECT day, sum(balance) AS balance, lead(day) OVER (ORDER BY day) AS next_day
  FROM usage_balance_day WHERE account = $1 GROUP BY day
), sheet AS (
  SELECT r.*, r.usage_type ILIKE 'overage%' AS is_beyond, coalesce(b.balance < 0, false) AS is_used_up
  FROM usage_rate_day r LEFT JOIN balance b ON r.day >= b.day AND (b.next_day IS NULL OR r.day < b.next_day)
  WHERE r.account = $1 AND NOT r.is_adjustment AND r.billing_type IN ('CONSUMPTION', '')
), chosen AS (
  SELECT s.*, rank() OVER (PARTITION BY rating_type, service_type, day
    ORDER BY CASE WHEN is_beyond = is_used_up THEN 0 ELSE 1 END) AS place FROM sheet s
)
SELECT rating_type, service_type, to_char(day, 'YYYY-MM-DD') AS day,
  (array_agg(currency ORDER BY usage_type))[1] AS currency, (array_agg(effective_rate ORDER BY usage_type))[1]::text AS price,
  count(DISTINCT (currency, effective_rate))::text AS prices, (array_agg(imported_by ORDER BY usage_type))[1] AS imported_by
FROM chosen WHERE place = 1 GROUP BY rating_type, service_type, day ORDER BY rating_type, service_type, day`;

/** Writes the prices that follow from what is imported; whether any changed. Takes the account's turn. */
export async function derivePrices(
  tx: Transaction,
  account: string,
  other: OtherPrice,
): Promise<boolean> {
  await lockUsage(tx, account);
  const { rows } = await tx.query<SheetRow>(DAYS, [account]);
  const decisions = await readDecisions(tx, account);
  const steps = [...byKey(rows)].flatMap(([key, days]) => {
    const [ratingType = '', serviceType = ''] = key.split('|');
    const first = days[0];
    const before =
      first === undefined ? null : other({ account, ratingType, serviceType }, first.day);
    return priceSeries(days, decisions.get(key) ?? [], before).map((step) => ({
      rating_type: ratingType,
      service_type: serviceType,
      ...rowOf(step),
    }));
  });
  const { rows: changed } = await tx.query<{ changed: boolean }>(REPLACE, [
    account,
    JSON.stringify(steps),
  ]);
  if (changed[0]?.changed !== true) return false;
  await tx.query('UPDATE imported_price_version SET version = version + 1');
  await tx.query('SELECT pg_notify($1, $2)', [CONTROL_CHANNEL, 'prices']);
  return true;
}

const COLUMNS =
  'rating_type, service_type, from_day, to_day, currency, price, state, why, former, imported_by';
const REPLACE = `
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (rating_type text, service_type text, from_day date, to_day date,
    currency text, price text, state text, why text, former text, imported_by text)
), gone AS (
  DELETE FROM imported_price p WHERE account = $1
    AND NOT EXISTS (SELECT FROM given g WHERE (g.rating_type, g.service_type, g.from_day) = (p.rating_type, p.service_type, p.from_day))
  RETURNING 1
), written AS (
  INSERT INTO imported_price AS p (account, ${COLUMNS}) SELECT $1, ${COLUMNS} FROM given
  ON CONFLICT (account, rating_type, service_type, from_day) DO UPDATE SET to_day = excluded.to_day,
    currency = excluded.currency, price = excluded.price, state = excluded.state, why = excluded.why,
    former = excluded.former, imported_by = excluded.imported_by
  WHERE (p.to_day, p.currency, p.price, p.state, p.why, p.former, p.imported_by) IS DISTINCT FROM (excluded.to_day,
    excluded.currency, excluded.price, excluded.state, excluded.why, excluded.former, excluded.imported_by)
  RETURNING 1
)
SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM written) AS changed`;

function rowOf(step: PriceStep): Readonly<Record<string, string | null>> {
  const { fromDay, toDay, currency, price, state, why, former, importedBy } = step;
  return {
    from_day: fromDay,
    to_day: toDay,
    currency,
    price,
    state,
    why,
    former,
    imported_by: importedBy,
  };
}

function byKey(rows: readonly SheetRow[]): ReadonlyMap<string, readonly SheetDay[]> {
  const keys = new Map<string, SheetDay[]>();
  for (const row of rows) {
    const key = `${row.rating_type}|${row.service_type}`;
    const days = keys.get(key) ?? [];
    keys.set(key, days);
    days.push({
      day: row.day,
      currency: row.currency,
      price: moneyOrNull(row.price),
      isContradicted: row.prices !== '1',
      importedBy: row.imported_by,
    });
  }
  return keys;
}

function moneyOrNull(text: string | null): Money | null {
  return text === null ? null : parseMoney(text);
}

async function readDecisions(
  db: Queryable,
  account: string,
): Promise<ReadonlyMap<string, readonly PriceDecision[]>> {
  const { rows } = await db.query<{
    rating_type: string;
    service_type: string;
    from_day: string;
    currency: string;
    price: string;
    decision: 'accepted' | 'declined';
  }>(
    `SELECT rating_type, service_type, to_char(from_day, 'YYYY-MM-DD') AS from_day, currency, price, decision
     FROM price_decision WHERE account = $1`,
    [account],
  );
  const keys = new Map<string, PriceDecision[]>();
  for (const row of rows) {
    const key = `${row.rating_type}|${row.service_type}`;
    const { from_day: fromDay, currency, price, decision } = row;
    keys.set(key, [...(keys.get(key) ?? []), { fromDay, currency, price, decision }]);
  }
  return keys;
}
