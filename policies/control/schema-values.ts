/** The kinds of values a control document is made of. Each says its rule in the words of a problem. */
import { z } from 'zod';
import { tryParseCredits, tryParseMoney } from '#base/units.js';
import { tryParseInstant } from './instant.js';
import { tryParseWarehouseSize } from './sizes.js';

/** Most entries of any one list. */
export const ENTRIES_MAX = 20_000;

const ID_RULE =
  'must be 1–63 of a–z, 0–9, ".", "_", "-", beginning with a letter or digit, in quotes if it is a number';
const CREDITS_RULE =
  'must be a decimal amount in quotes, not negative, at most 12 decimals, such as "40" or "0.05"';
const MONEY_RULE =
  'must be a decimal amount in quotes, not negative, at most 12 decimals, such as "3.00"';
const INSTANT_RULE =
  'must be a UTC date or instant, such as "2026-01-01" or "2026-01-01T00:00:00Z"';
const PERCENTS_RULE = 'must be at most 10 percents that rise, such as [50, 80, 100]';
const DAY_RULE = 'must be a day such as "2026-01-31"';
const SIZE_RULE = 'must be a warehouse size such as "XSMALL" or "2X-Large"';
const CURRENCY_RULE = 'must be an ISO 4217 code such as "USD"';
const DECIMAL_PATTERN = '^\\d{1,26}(\\.\\d{1,12}0*)?$';
const INSTANT_PATTERN = '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z)?$';

export const id: z.ZodString = z.string(ID_RULE).regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, ID_RULE);
export const name: z.ZodString = textUpTo(200);
/** Name of a Snowflake object. */
export const objectName: z.ZodString = textUpTo(255);
export const credits: z.ZodType<string> = z
  .string(CREDITS_RULE)
  .refine((text) => (tryParseCredits(text) ?? -1n) >= 0n, CREDITS_RULE)
  .meta({ pattern: DECIMAL_PATTERN, examples: ['40', '0.05'] });
export const positiveCredits: z.ZodType<string> = z
  .string(CREDITS_RULE)
  .refine((text) => (tryParseCredits(text) ?? -1n) >= 0n, CREDITS_RULE)
  .refine((text) => tryParseCredits(text) !== 0n, 'must be more than 0')
  .meta({ pattern: DECIMAL_PATTERN, examples: ['40', '0.05'] });
export const limitCredits: z.ZodType<string> = z
  .string(`${CREDITS_RULE}, or unlimited`)
  .refine(
    (text) => text === 'unlimited' || (tryParseCredits(text) ?? -1n) >= 0n,
    `${CREDITS_RULE}, or unlimited`,
  )
  .meta({ pattern: `^unlimited$|${DECIMAL_PATTERN}`, examples: ['40', 'unlimited'] });
export const money: z.ZodType<string> = z
  .string(MONEY_RULE)
  .refine((text) => (tryParseMoney(text) ?? -1n) >= 0n, MONEY_RULE)
  .meta({ pattern: DECIMAL_PATTERN, examples: ['3.00'] });
export const instant: z.ZodType<string> = z
  .string(INSTANT_RULE)
  .refine((text) => tryParseInstant(text) !== undefined, INSTANT_RULE)
  .meta({ pattern: INSTANT_PATTERN, examples: ['2026-01-01'] });
/** A day of the calendar, in whatever zone its owner says. */
export const calendarDay: z.ZodType<string> = z
  .string(DAY_RULE)
  .refine((text) => text.length === 10 && tryParseInstant(text) !== undefined, DAY_RULE)
  .meta({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', examples: ['2026-01-01'] });
/** Percents to tell at, each once, in rising order. */
export const percents: z.ZodType<readonly number[]> = z
  .array(whole(1, 1000))
  .max(10, PERCENTS_RULE)
  .refine(
    (values) => values.every((value, index) => value > (values[index - 1] ?? 0)),
    PERCENTS_RULE,
  );
export const warehouseSize: z.ZodType<string> = z
  .string(SIZE_RULE)
  .refine((text) => tryParseWarehouseSize(text) !== undefined, SIZE_RULE)
  .meta({ examples: ['XSMALL', 'MEDIUM', '2X-Large'] });
export const currency: z.ZodString = z.string(CURRENCY_RULE).regex(/^[A-Z]{3}$/, CURRENCY_RULE);

/** A text of 1 to `lengthMax` characters. */
export function textUpTo(lengthMax: number): z.ZodString {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(lengthMax, `must be at most ${lengthMax} characters`);
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): z.ZodNumber {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.int(rule).min(min, rule).max(max, rule);
}

export function list<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  return z.array(item).max(ENTRIES_MAX, `must have at most ${ENTRIES_MAX} entries`);
}
