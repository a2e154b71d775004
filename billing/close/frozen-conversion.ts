/** What a frozen bill is in its team's own currency, as its row has it. */
import { must } from '#base/assert.js';
import { type Money, parseMoney } from '#base/units.js';
import type { BillConversion } from '../bills/billed-month.js';
import { conversionRounding } from '../bills/convert-bills.js';

/** The columns of `month_bill` that say it; NULL in all of them: the bill is in the currency of the invoice. */
export const CONVERSION_COLUMNS: string = `converted_currency, converted_amount, exchange_rate, exchange_source,
  to_char(exchange_day, 'YYYY-MM-DD') AS exchange_day`;

export interface ConversionRow {
  readonly total_amount: string;
  readonly converted_currency: string | null;
  readonly converted_amount: string | null;
  readonly exchange_rate: string | null;
  readonly exchange_source: string | null;
  readonly exchange_day: string | null;
}

/** Without its lines; null: the bill is in the currency of the invoice. */
export function conversionOf(row: ConversionRow): Omit<BillConversion, 'lineAmounts'> | null {
  const { converted_currency: currency, exchange_source: source, exchange_day: day } = row;
  if (currency === null) return null;
  const [rate, amount] = [row.exchange_rate, row.converted_amount].map((text) =>
    parseMoney(must(text, 'a converted bill has rate and amount')),
  ) as [Money, Money];
  return {
    currency,
    rate,
    source: source ?? '',
    day: day ?? '',
    amount,
    roundingMoney: conversionRounding(amount, parseMoney(row.total_amount), rate),
  };
}
