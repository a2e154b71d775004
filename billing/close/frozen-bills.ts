/** What frozen months and their bills come to, without their lines: a list of many of them is read at once. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import type { BillConversion } from '../bills/billed-month.js';
import type { ConvertedTotal } from '../bills/convert-bills.js';
import { CONVERSION_COLUMNS, type ConversionRow, conversionOf } from './frozen-conversion.js';
import type { CloseVersion } from './read-close.js';

export interface FrozenTotals {
  readonly currency: string;
  readonly totalCredits: Credits;
  readonly totalAmount: Money;
  /** Of bills in other currencies, by their currency. */
  readonly convertedTotals: readonly ConvertedTotal[];
  /** Figures that do not agree. */
  readonly openCount: number;
}

interface ConvertedRow {
  readonly freeze_id: string;
  readonly currency: string;
  readonly amount: string;
  readonly invoiced: string;
}

interface TotalsRow {
  readonly id: string;
  readonly currency: string;
  readonly total_credits: string;
  readonly total_amount: string;
  readonly open_count: number;
}

const TOTALS = `/* prepared: billing.listed_totals */
SELECT id, currency, total_credits, total_amount, jsonb_array_length(reconciliation -> 'open') AS open_count
FROM month_freeze WHERE id = ANY($1::bigint[])`;

const CONVERTED = `/* prepared: billing.listed_conversions */
SELECT freeze_id, converted_currency AS currency, sum(converted_amount) AS amount, sum(total_amount) AS invoiced
FROM month_bill WHERE freeze_id = ANY($1::bigint[]) AND converted_currency IS NOT NULL
GROUP BY 1, 2 ORDER BY 2`;

/** By the id of the freeze. Faults of Postgres propagate. */
export async function readFrozenTotals(
  db: Queryable,
  freezeIds: readonly string[],
): Promise<ReadonlyMap<string, FrozenTotals>> {
  const { rows } = await db.query<TotalsRow & Record<string, unknown>>(TOTALS, [freezeIds]);
  const converted = await db.query<ConvertedRow & Record<string, unknown>>(CONVERTED, [freezeIds]);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        currency: row.currency,
        totalCredits: parseCredits(row.total_credits),
        totalAmount: parseMoney(row.total_amount),
        convertedTotals: converted.rows
          .filter(({ freeze_id: freezeId }) => freezeId === row.id)
          .map(({ currency, amount, invoiced }) => ({
            currency,
            amount: parseMoney(amount),
            invoiced: parseMoney(invoiced),
          })),
        openCount: row.open_count,
      },
    ]),
  );
}

/** A bill of a frozen month, of the version in force. */
export interface FrozenBill {
  readonly month: string;
  readonly version: number;
  readonly state: CloseVersion['state'];
  readonly closedAt: EpochMs | null;
  readonly teamId: string;
  readonly teamName: string;
  readonly currency: string;
  readonly totalCredits: Credits;
  readonly totalAmount: Money;
  /** null: it is in the currency of the invoice. */
  readonly conversion: Omit<BillConversion, 'lineAmounts'> | null;
  readonly budgetMoney: Money | null;
  readonly previousMoney: Money | null;
}

interface BillRow extends ConversionRow {
  readonly month: string;
  readonly version: number;
  readonly state: CloseVersion['state'];
  readonly closed_at: Date | null;
  readonly team_id: string;
  readonly team_name: string;
  readonly currency: string;
  readonly total_credits: string;
  readonly budget_money: string | null;
  readonly previous_money: string | null;
}

// In force is the closed version, else the one on its way, as `versionInForce` says.
const BILLS = `/* prepared: billing.listed_bills */
SELECT c.month, c.version, c.state, c.closed_at, b.team_id, b.team_name, f.currency, b.total_credits, b.total_amount,
  b.budget_money, b.previous_money, ${CONVERSION_COLUMNS}
FROM month_close c JOIN month_freeze f ON f.id = c.freeze_id JOIN month_bill b ON b.freeze_id = c.freeze_id
WHERE (c.state = 'closed' OR c.state <> 'superseded'
    AND NOT EXISTS (SELECT FROM month_close o WHERE o.month = c.month AND o.state = 'closed'))
  AND ($1::text IS NULL OR b.team_id = $1)
  AND ($2::text IS NULL OR c.month < $2 OR c.month = $2 AND b.team_id COLLATE "C" > $3)
ORDER BY c.month DESC, b.team_id COLLATE "C" LIMIT $4`;

/**
 * The newest month first, within it by team.
 * @param asked.teamId null: of every team. @param asked.after the last row of the page before.
 * Faults of Postgres propagate.
 */
export async function listFrozenBills(
  db: Queryable,
  asked: {
    readonly teamId: string | null;
    readonly after: { readonly month: string; readonly teamId: string } | null;
    readonly limit: number;
  },
): Promise<readonly FrozenBill[]> {
  const { rows } = await db.query<BillRow & Record<string, unknown>>(BILLS, [
    asked.teamId,
    asked.after?.month ?? null,
    asked.after?.teamId ?? null,
    asked.limit,
  ]);
  return rows.map((row) => ({
    month: row.month,
    version: row.version,
    state: row.state,
    closedAt: row.closed_at === null ? null : row.closed_at.getTime(),
    teamId: row.team_id,
    teamName: row.team_name,
    currency: row.currency,
    totalCredits: parseCredits(row.total_credits),
    totalAmount: parseMoney(row.total_amount),
    conversion: conversionOf(row),
    budgetMoney: row.budget_money === null ? null : parseMoney(row.budget_money),
    previousMoney: row.previous_money === null ? null : parseMoney(row.previous_money),
  }));
}
