/** What bills come to in their teams' own currencies, in answers of the API. */
import { z } from 'zod';
import type { ConversionJson } from '#billing/bills/bill-json.js';
import type { ConvertedTotal } from '#billing/bills/convert-bills.js';
import { formatMoney } from '#base/currency.js';
import { formatAmount } from '#base/units.js';

export const conversionSchema: z.ZodType<ConversionJson | null> = z
  .object({
    currency: z.string(),
    amount: z.string().describe('What is owed, in the decimals of `currency`'),
    rate: z.string().describe('Units of `currency` for one of the invoice’s'),
    source: z.string(),
    day: z.string().describe('The first on which the rate holds'),
    roundingAmount: z.string().describe('What `amount` has more than its own product'),
  })
  .nullable()
  .describe('What it is in the currency of its team; null: it is in that of the invoice');

export interface ConvertedTotalJson {
  readonly currency: string;
  readonly amount: string;
  readonly invoicedAmount: string;
}

export const convertedTotalsSchema: z.ZodType<readonly ConvertedTotalJson[]> = z
  .array(
    z.object({
      currency: z.string(),
      amount: z.string().describe('In the decimals of `currency`'),
      invoicedAmount: z
        .string()
        .describe('The same bills in the currency of the invoice; part of `totalAmount`'),
    }),
  )
  .describe('Bills in other currencies than the invoice’s, by their currency');

/** Amounts in the decimals of their currency; what they were invoiced as exactly. */
export function convertedTotalsJson(
  totals: readonly ConvertedTotal[],
): readonly ConvertedTotalJson[] {
  return totals.map(({ currency, amount, invoiced }) => ({
    currency,
    amount: formatMoney(amount, currency),
    invoicedAmount: formatAmount(invoiced),
  }));
}
