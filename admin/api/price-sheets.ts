/** The prices of rate sheets that are in force, with the days from which they are: what decides offline as the proxy does. */
import { z } from 'zod';
import { type PriceInForce, readPricesInForce } from '#billing/prices/read-prices.js';
import { formatInstant } from '#base/time.js';
import { formatAmount } from '#base/units.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import type { ApiApp, ApiContext } from './api.js';

const sheetPriceSchema = z.object({
  account: z.string(),
  ratingType: z.string(),
  serviceType: z.string(),
  from: z.string().describe('The instant from which it is in force'),
  to: z.string().nullable().describe('null: until another one is'),
  currency: z.string(),
  pricePerCredit: z.string(),
});
type SheetPriceJson = z.infer<typeof sheetPriceSchema>;

/** `GET /prices/sheets`. */
export function addPriceSheetRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/prices/sheets',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'Every price of an imported rate sheet that is or was in force, by key and day',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ prices: z.array(sheetPriceSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const after = keyOfCursor('price-sheets', cursor, z.string());
      const found = (await readPricesInForce(context.db))
        .map(toJson)
        .map((price) => ({ price, key: keyOf(price) }))
        .filter(({ key }) => after === undefined || key > after)
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const { rows, nextCursor } = pageOf('price-sheets', found, limit, ({ key }) => key);
      return { prices: rows.map(({ price }) => price), nextCursor };
    },
  );
}

function keyOf({ account, ratingType, serviceType, from }: SheetPriceJson): string {
  return [account, ratingType, serviceType, from].join('\u001f');
}

function toJson(price: PriceInForce): SheetPriceJson {
  return {
    account: price.account,
    ratingType: price.ratingType,
    serviceType: price.serviceType,
    from: formatInstant(price.from),
    to: price.to === null ? null : formatInstant(price.to),
    currency: price.currency,
    pricePerCredit: formatAmount(price.pricePerCredit),
  };
}
