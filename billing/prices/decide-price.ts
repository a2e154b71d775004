/** What a second person says of a price that is held. The one who imported it cannot say it. */
import { isSamePerson } from '#base/actors.js';
import type { Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { derivePrices } from './derive-prices.js';
import type { OtherPrice } from './derive-prices.js';

export interface PriceWord {
  readonly account: string;
  readonly ratingType: string;
  readonly serviceType: string;
  readonly fromDay: string;
  readonly decision: 'accepted' | 'declined';
  readonly decidedBy: string;
  readonly at: EpochMs;
  readonly reason: string;
}

export type PriceDecided =
  | { readonly kind: 'decided'; readonly price: string; readonly currency: string }
  /** No price of that key and day is held. */
  | { readonly kind: 'notHeld' }
  /** They imported it themselves. */
  | { readonly kind: 'samePerson' }
  /** The sheet has no price of that day, so there is nothing to accept. */
  | { readonly kind: 'noPrice' };

/** Keeps the word and works the prices out anew, in the caller's transaction. */
export async function decidePrice(
  tx: Transaction,
  word: PriceWord,
  other: OtherPrice,
): Promise<PriceDecided> {
  const key = [word.account, word.ratingType, word.serviceType, word.fromDay];
  const { rows } = await tx.query<{ currency: string; price: string; imported_by: string | null }>(
    `SELECT currency, price, imported_by FROM imported_price
     WHERE (account, rating_type, service_type, from_day) = ($1, $2, $3, $4) AND state = 'held' FOR UPDATE`,
    key,
  );
  const [held] = rows;
  if (held === undefined) return { kind: 'notHeld' };
  if (isSamePerson(held.imported_by, word.decidedBy)) return { kind: 'samePerson' };
  if (word.decision === 'accepted' && held.price === '') return { kind: 'noPrice' };
  await tx.query(
    `INSERT INTO price_decision (account, rating_type, service_type, from_day, currency, price, decision, decided_by,
       decided_at, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (account, rating_type, service_type, from_day, currency, price) DO UPDATE SET
       decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at,
       reason = excluded.reason`,
    [
      ...key,
      held.currency,
      held.price,
      word.decision,
      word.decidedBy,
      new Date(word.at),
      word.reason,
    ],
  );
  await derivePrices(tx, word.account, other);
  return { kind: 'decided', price: held.price, currency: held.currency };
}
