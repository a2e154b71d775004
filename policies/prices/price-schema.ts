/** Shape of the parts of the control document that say what credits and warehouses cost. */
import { z } from 'zod';
import {
  currency,
  id,
  instant,
  money,
  name,
  positiveCredits,
  warehouseSize,
} from '../control/schema-values.js';
import type { PriceDocument, PriceListsDocument, RateDocument } from './price-documents.js';
import { EDITIONS, PRICE_LIST_IDS } from './price-list.js';
import { CLOUDS, RATE_LIST_IDS } from './rate-list.js';

const RESOURCE_CONSTRAINT = /^[A-Z0-9_]{1,40}$/;
export const resourceConstraint: z.ZodString = z
  .string()
  .regex(RESOURCE_CONSTRAINT, 'must be as SHOW WAREHOUSES has it, such as "MEMORY_16X"');
export const cloud: z.ZodEnum<{ AWS: 'AWS'; AZURE: 'AZURE'; GCP: 'GCP' }> = z.enum(CLOUDS);

export const rate: z.ZodType<RateDocument> = z.strictObject({
  kind: name.describe('Kind of warehouse'),
  generation: name.describe('Generation of warehouse'),
  size: warehouseSize.describe('Size of warehouse'),
  resourceConstraint: resourceConstraint
    .exactOptional()
    .describe('Memory of Snowpark-optimized warehouses; absent: MEMORY_16X, as for Snowflake'),
  cloud: cloud.exactOptional().describe('Cloud where it holds; absent: everywhere'),
  creditsPerHour: positiveCredits.describe('Credits an hour of one cluster'),
  effectiveFrom: instant.describe('From when; a later rate of the same key ends it'),
});

export const price: z.ZodType<PriceDocument> = z.strictObject({
  creditKind: name.describe('Kind of credit; statements use compute'),
  account: id.exactOptional().describe('Account that it holds for; absent: every account'),
  serviceType: z
    .string()
    .regex(/^[A-Z0-9_]{1,60}$/, 'must be one of Snowflake\'s, such as "SERVERLESS_TASK"')
    .exactOptional()
    .describe('Service that it holds for, as SERVICE_TYPE has it; absent: every service'),
  currency: currency.describe('Currency of the price, ISO 4217'),
  pricePerCredit: money.describe('Price of one credit, a decimal in quotes'),
  listPricePerCredit: money
    .exactOptional()
    .describe('Price before the discount of the contract, to be shown beside it'),
  effectiveFrom: instant.describe('From when'),
  effectiveTo: instant.exactOptional().describe('Until when; absent: until a later price'),
});

export const lists: z.ZodType<PriceListsDocument> = z
  .strictObject({
    rates: z
      .enum(RATE_LIST_IDS)
      .exactOptional()
      .describe("Snowflake's published rates of that date, where rates say nothing"),
    prices: z
      .enum(PRICE_LIST_IDS)
      .exactOptional()
      .describe("Snowflake's published prices of that date, where nothing else says one"),
  })
  .describe('Published lists that stand behind rates and prices; each is named by its date');

/** What the lists need to know of an account. */
export const accountPricing: {
  readonly cloud: z.ZodExactOptional<typeof cloud>;
  readonly region: z.ZodExactOptional<z.ZodString>;
  readonly edition: z.ZodExactOptional<z.ZodEnum<{ [E in (typeof EDITIONS)[number]]: E }>>;
  readonly discountPercent: z.ZodExactOptional<z.ZodString>;
} = {
  cloud: cloud.exactOptional().describe('Cloud of the account; rates may differ by it'),
  region: z
    .string()
    .regex(/^[A-Z0-9_]{1,60}$/, 'must be as CURRENT_REGION() has it, such as "AWS_EU_CENTRAL_1"')
    .exactOptional()
    .describe('Region of the account; list prices differ by it'),
  edition: z.enum(EDITIONS).exactOptional().describe('Edition; list prices differ by it'),
  discountPercent: z
    .string()
    .regex(/^\d{1,2}(\.\d{1,6})?$/, 'must be a percentage below 100 in quotes, such as "12.5"')
    .exactOptional()
    .describe('Discount of the contract on list prices, a decimal in quotes'),
};
