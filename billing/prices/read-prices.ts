/** Prices of rate sheets as they stand: those in force, for whoever prices, and those that are held, for who decides. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Money, parseMoney } from '#base/units.js';

export interface PriceInForce {
  readonly account: string;
  readonly ratingType: string;
  readonly serviceType: string;
  readonly from: EpochMs;
  readonly to: EpochMs | null;
  readonly currency: string;
  readonly pricePerCredit: Money;
}

/** Keys × changes; far beyond what contracts have. */
const PRICES_MAX = 50_000;

/** Every price in force of every account, at most fifty thousand; they come from rate sheets. */
export async function readPricesInForce(db: Queryable): Promise<readonly PriceInForce[]> {
  const { rows } = await db.query<{
    account: string;
    rating_type: string;
    service_type: string;
    from_day: string;
    to_day: string | null;
    currency: string;
    price: string;
  }>(
    `SELECT account, rating_type, service_type, to_char(from_day, 'YYYY-MM-DD') AS from_day,
       to_char(to_day, 'YYYY-MM-DD') AS to_day, currency, price
     FROM imported_price WHERE state = 'inForce' AND price <> '' ORDER BY from_day DESC LIMIT ${PRICES_MAX}`,
  );
  return rows.map((row) => ({
    account: row.account,
    ratingType: row.rating_type,
    serviceType: row.service_type,
    from: startOf(row.from_day),
    to: row.to_day === null ? null : startOf(row.to_day),
    currency: row.currency,
    pricePerCredit: parseMoney(row.price),
  }));
}

/** Rises whenever {@link readPricesInForce} says something else. */
export async function readPriceVersion(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ version: string }>(
    'SELECT version FROM imported_price_version',
  );
  return rows[0]?.version ?? '0';
}

export interface HeldPrice {
  readonly account: string;
  readonly ratingType: string;
  readonly serviceType: string;
  readonly fromDay: string;
  readonly toDay: string | null;
  readonly currency: string;
  /** Empty: the sheet has none. */
  readonly price: string;
  readonly state: 'held' | 'declined' | 'inForce';
  readonly why: string | null;
  readonly former: string | null;
  readonly importedBy: string | null;
}

const HELD_MAX = 1_000;

/** Prices that are held, oldest first. */
export async function readHeldPrices(db: Queryable): Promise<readonly HeldPrice[]> {
  const { rows } = await db.query<Record<string, string | null>>(
    `SELECT account, rating_type, service_type, to_char(from_day, 'YYYY-MM-DD') AS from_day,
       to_char(to_day, 'YYYY-MM-DD') AS to_day, currency, price, state, why, former, imported_by
     FROM imported_price WHERE state = 'held' ORDER BY from_day, account, rating_type, service_type LIMIT ${HELD_MAX}`,
  );
  return rows.map(heldOf);
}

function heldOf(row: Readonly<Record<string, string | null>>): HeldPrice {
  const state = row['state'];
  return {
    account: row['account'] ?? '',
    ratingType: row['rating_type'] ?? '',
    serviceType: row['service_type'] ?? '',
    fromDay: row['from_day'] ?? '',
    toDay: row['to_day'] ?? null,
    currency: row['currency'] ?? '',
    price: row['price'] ?? '',
    state: state === 'declined' || state === 'inForce' ? state : 'held',
    why: row['why'] ?? null,
    former: row['former'] ?? null,
    importedBy: row['imported_by'] ?? null,
  };
}

function startOf(day: string): EpochMs {
  return Date.parse(`${day}T00:00:00Z`);
}
