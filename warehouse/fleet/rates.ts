/**
 * What a cluster costs and how strong it is, as dated data. Source: Snowflake Service Consumption Table, standard
 * warehouses of generation 1. An added row with a later date changes the rate from that day on.
 */
import { Fault } from '#base/errors.js';
import { parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';

export const WAREHOUSE_SIZES = [
  'XSMALL',
  'SMALL',
  'MEDIUM',
  'LARGE',
  'XLARGE',
  'XXLARGE',
  'XXXLARGE',
  'X4LARGE',
  'X5LARGE',
  'X6LARGE',
] as const;
export type WarehouseSize = (typeof WAREHOUSE_SIZES)[number];

/** How Snowflake prints a size in QUERY_HISTORY and SHOW WAREHOUSES. */
export const SIZE_LABELS: Readonly<Record<WarehouseSize, string>> = {
  XSMALL: 'X-Small',
  SMALL: 'Small',
  MEDIUM: 'Medium',
  LARGE: 'Large',
  XLARGE: 'X-Large',
  XXLARGE: '2X-Large',
  XXXLARGE: '3X-Large',
  X4LARGE: '4X-Large',
  X5LARGE: '5X-Large',
  X6LARGE: '6X-Large',
};

/** The label of a size, or null where no warehouse was used. */
export function sizeLabel(size: WarehouseSize | null | undefined): string | null {
  return size === null || size === undefined ? null : SIZE_LABELS[size];
}

interface RateRow {
  readonly effectiveFrom: string;
  readonly creditsPerHour: Readonly<Record<WarehouseSize, string>>;
}

const STANDARD_GEN1: readonly RateRow[] = [
  {
    effectiveFrom: '2014-01-01',
    creditsPerHour: {
      XSMALL: '1',
      SMALL: '2',
      MEDIUM: '4',
      LARGE: '8',
      XLARGE: '16',
      XXLARGE: '32',
      XXXLARGE: '64',
      X4LARGE: '128',
      X5LARGE: '256',
      X6LARGE: '512',
    },
  },
];

/** Servers in a cluster of each size; one more doubling per step, like the rate of generation 1. */
export const NODES: Readonly<Record<WarehouseSize, number>> = {
  XSMALL: 1,
  SMALL: 2,
  MEDIUM: 4,
  LARGE: 8,
  XLARGE: 16,
  XXLARGE: 32,
  XXXLARGE: 64,
  X4LARGE: 128,
  X5LARGE: 256,
  X6LARGE: 512,
};

/** Cloud services are metered by compile time at this many credits an hour; a figure of this model. */
export const CLOUD_SERVICES_PER_HOUR: Credits = parseCredits('0.5');

/** Currency of the embedded account's contract. */
export const PRICE_CURRENCY = 'USD';

const PRICES: readonly { readonly effectiveFrom: string; readonly perCredit: string }[] = [
  { effectiveFrom: '2014-01-01', perCredit: '3.00' },
];

/** Price of one credit on the day of `at`, as the rate sheet prints it; a Fault before the first dated row. */
export function pricePerCredit(at: EpochMs): string {
  const row = PRICES.findLast((candidate) => Date.parse(candidate.effectiveFrom) <= at);
  if (row === undefined)
    throw new Fault('internal', `no price is dated before ${new Date(at).toISOString()}`);
  return row.perCredit;
}

const parsed = new Map<string, Credits>();

/** Credits an hour of one cluster of `size` at instant `at`; a Fault before the first dated row. */
export function creditsPerHour(size: WarehouseSize, at: EpochMs): Credits {
  const row = STANDARD_GEN1.findLast((candidate) => Date.parse(candidate.effectiveFrom) <= at);
  if (row === undefined)
    throw new Fault('internal', `no warehouse rate is dated before ${new Date(at).toISOString()}`);
  const text = row.creditsPerHour[size];
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const credits = parseCredits(text);
  parsed.set(text, credits);
  return credits;
}

const SPELLINGS: ReadonlyMap<string, WarehouseSize> = new Map(
  WAREHOUSE_SIZES.flatMap((size) => [
    [size, size] as const,
    [SIZE_LABELS[size].toUpperCase().replaceAll('-', ''), size] as const,
  ]),
);

/** Reads `X-Small`, `XSMALL`, `2X-LARGE`, `XXLARGE`, …; undefined for anything else. */
export function tryParseSize(text: string): WarehouseSize | undefined {
  return SPELLINGS.get(text.toUpperCase().replaceAll('-', ''));
}
