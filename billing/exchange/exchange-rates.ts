/**
 * Exchange rates that bills are converted at. Each is typed or imported by one person and in force once another has accepted
 * it; nothing of it is ever edited: a wrong one is declined, or a later one of the same days takes its place.
 */
import { isSamePerson } from '#base/actors.js';
import { must } from '#base/assert.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Money, formatAmount, parseMoney } from '#base/units.js';
import { storable } from '../postgres/ticket-row.js';

export interface EnteredRate {
  readonly fromCurrency: string;
  readonly toCurrency: string;
  /** Units of `toCurrency` for one of `fromCurrency`; more than zero. */
  readonly rate: Money;
  /** `YYYY-MM-DD`, both included. */
  readonly fromDay: string;
  readonly toDay: string;
  readonly source: string;
}

export interface ExchangeRate extends EnteredRate {
  readonly id: string;
  readonly enteredBy: string;
  readonly enteredAt: EpochMs;
  /** null: held, nobody has said a word on it. */
  readonly decision: {
    readonly decision: 'accepted' | 'declined';
    readonly by: string;
    readonly at: EpochMs;
    readonly reason: string;
  } | null;
}

interface RateRow {
  readonly id: string;
  readonly from_currency: string;
  readonly to_currency: string;
  readonly rate: string;
  readonly from_day: string;
  readonly to_day: string;
  readonly source: string;
  readonly entered_by: string;
  readonly entered_at: Date;
  readonly decision: 'accepted' | 'declined' | null;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly reason: string | null;
}

const RATES = `SELECT r.id, r.from_currency, r.to_currency, r.rate, to_char(r.from_day, 'YYYY-MM-DD') AS from_day,
  to_char(r.to_day, 'YYYY-MM-DD') AS to_day, r.source, r.entered_by, r.entered_at, d.decision, d.decided_by, d.decided_at,
  d.reason
FROM exchange_rate r LEFT JOIN exchange_rate_decision d ON d.rate_id = r.id`;

const ONE = `/* prepared: billing.exchange_rate */ ${RATES} WHERE r.id = $1`;

const LIST = `/* prepared: billing.exchange_rates */ ${RATES}
WHERE $1::bigint IS NULL OR r.id < $1 ORDER BY r.id DESC LIMIT $2`;

// Of several of a day the one that begins last, and of those the one entered last.
const IN_FORCE = `/* prepared: billing.exchange_in_force */
SELECT DISTINCT ON (q.to_currency) q.* FROM (${RATES}) q
WHERE q.from_currency = $1 AND q.from_day <= $2 AND q.to_day >= $2 AND q.decision = 'accepted'
ORDER BY q.to_currency, q.from_day DESC, q.id DESC`;

const ENTER = `/* prepared: billing.enter_exchange_rate */
INSERT INTO exchange_rate (from_currency, to_currency, rate, from_day, to_day, source, entered_by, entered_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`;

const DECIDE = `/* prepared: billing.decide_exchange_rate */
INSERT INTO exchange_rate_decision (rate_id, decision, decided_by, decided_at, reason)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`;

/** The newest first. @param range.beforeId null: from the newest on. Faults of Postgres propagate. */
export async function listExchangeRates(
  db: Queryable,
  range: { readonly beforeId: string | null; readonly limit: number },
): Promise<readonly ExchangeRate[]> {
  const { rows } = await db.query<RateRow & Record<string, unknown>>(LIST, [
    range.beforeId,
    range.limit,
  ]);
  return rows.map(rateOf);
}

/** What is in force on a day from one currency, by the currency that it converts into. Faults of Postgres propagate. */
export async function readExchangeRates(
  db: Queryable,
  fromCurrency: string,
  day: string,
): Promise<ReadonlyMap<string, ExchangeRate>> {
  const { rows } = await db.query<RateRow & Record<string, unknown>>(IN_FORCE, [fromCurrency, day]);
  return new Map(rows.map((row) => [row.to_currency, rateOf(row)]));
}

/** Writes a rate down, held until somebody else accepts it. Faults of Postgres propagate. */
export async function enterExchangeRate(
  tx: Transaction,
  rate: EnteredRate,
  { by, at }: { readonly by: string; readonly at: EpochMs },
): Promise<ExchangeRate> {
  const { rows } = await tx.query<{ id: string }>(ENTER, [
    rate.fromCurrency,
    rate.toCurrency,
    formatAmount(rate.rate),
    rate.fromDay,
    rate.toDay,
    storable(rate.source),
    storable(by),
    new Date(at),
  ]);
  return must(await find(tx, must(rows[0], 'an insert returns its row').id), 'it was just written');
}

export interface RateWord {
  readonly id: string;
  readonly decision: 'accepted' | 'declined';
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string;
}

export type RateDecided =
  | { readonly kind: 'decided'; readonly rate: ExchangeRate }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'decidedAlready'; readonly rate: ExchangeRate }
  /** They entered it themselves, and may only decline it. */
  | { readonly kind: 'samePerson' };

/** Keeps the word of a second person, once. Faults of Postgres propagate. */
export async function decideExchangeRate(tx: Transaction, word: RateWord): Promise<RateDecided> {
  const rate = await find(tx, word.id);
  if (rate === undefined) return { kind: 'unknown' };
  if (word.decision === 'accepted' && isSamePerson(rate.enteredBy, storable(word.by)))
    return { kind: 'samePerson' };
  const { rowCount } = await tx.query(DECIDE, [
    word.id,
    word.decision,
    storable(word.by),
    new Date(word.at),
    storable(word.reason),
  ]);
  const now = must(await find(tx, word.id), 'a rate is never deleted');
  return { kind: rowCount === 0 ? 'decidedAlready' : 'decided', rate: now };
}

async function find(db: Queryable, id: string): Promise<ExchangeRate | undefined> {
  const { rows } = await db.query<RateRow & Record<string, unknown>>(ONE, [id]);
  return rows[0] === undefined ? undefined : rateOf(rows[0]);
}

function rateOf(row: RateRow): ExchangeRate {
  return {
    id: row.id,
    fromCurrency: row.from_currency,
    toCurrency: row.to_currency,
    rate: parseMoney(row.rate),
    fromDay: row.from_day,
    toDay: row.to_day,
    source: row.source,
    enteredBy: row.entered_by,
    enteredAt: row.entered_at.getTime(),
    decision:
      row.decision === null
        ? null
        : {
            decision: row.decision,
            by: row.decided_by ?? '',
            at: row.decided_at?.getTime() ?? 0,
            reason: row.reason ?? '',
          },
  };
}
