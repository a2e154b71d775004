/** What a cluster costs, by its size and make, and how strong it is. */
import { assert } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import { parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';

import { RATE_ROWS } from './rate-table.js';
import type { Cloud } from './rate-table.js';

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

/** What decides the rate of a warehouse beside its size. */
export interface WarehouseMake {
  readonly kind: 'STANDARD' | 'SNOWPARK-OPTIMIZED' | 'INTERACTIVE';
  /** Of standard warehouses; 1 for the others. */
  readonly generation: 1 | 2;
  /** `MEMORY_16X`, …, as RESOURCE_CONSTRAINT prints it; null for standard warehouses. */
  readonly resourceConstraint: string | null;
}

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

/** Where the embedded account is hosted. */
export const ACCOUNT_CLOUD: Cloud = 'AWS';

/**
 * Servers in a cluster of each size; one more doubling per step, like the rate of generation 1. Every make counts the
 * same: no documentation page puts a figure on how much faster generation 2 is.
 */
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

/** The make of a warehouse whose events say nothing of it. */
export const STANDARD_MAKE: WarehouseMake = {
  kind: 'STANDARD',
  generation: 1,
  resourceConstraint: null,
};

interface DatedRates {
  readonly effectiveFrom: EpochMs;
  /** By size, as in {@link WAREHOUSE_SIZES}. */
  readonly creditsPerHour: readonly (Credits | undefined)[];
}

/** Rows of one kind and cloud, newest first, by generation or constraint. */
type RatesOfKind = ReadonlyMap<string | number, readonly DatedRates[]>;

const RATES: ReadonlyMap<Cloud, ReadonlyMap<WarehouseMake['kind'], RatesOfKind>> = indexRates();
const SIZE_INDEX: ReadonlyMap<WarehouseSize, number> = new Map(
  WAREHOUSE_SIZES.map((size, index) => [size, index]),
);

function indexRates(): ReadonlyMap<Cloud, ReadonlyMap<WarehouseMake['kind'], RatesOfKind>> {
  const clouds = new Map<
    Cloud,
    Map<WarehouseMake['kind'], Map<string | number, readonly DatedRates[]>>
  >();
  for (const row of RATE_ROWS) {
    assert(row.creditsPerHour.length === WAREHOUSE_SIZES.length, 'a rate row has every size');
    const dated: DatedRates = {
      effectiveFrom: Date.parse(row.effectiveFrom),
      creditsPerHour: row.creditsPerHour.map((text) =>
        text === null ? undefined : parseCredits(text),
      ),
    };
    for (const cloud of row.clouds) {
      const kinds =
        clouds.get(cloud) ??
        new Map<WarehouseMake['kind'], Map<string | number, readonly DatedRates[]>>();
      clouds.set(cloud, kinds);
      const own = kinds.get(row.kind) ?? new Map<string | number, readonly DatedRates[]>();
      kinds.set(row.kind, own);
      const variant = row.resourceConstraint ?? row.generation;
      const rows = [...(own.get(variant) ?? []), dated];
      own.set(
        variant,
        rows.sort((a, b) => b.effectiveFrom - a.effectiveFrom),
      );
    }
  }
  return clouds;
}

/**
 * Credits an hour of one cluster, or undefined where the make is not offered in this size on that day.
 * Source: Snowflake Service Consumption Table.
 */
export function tryCreditsPerHour(
  size: WarehouseSize,
  at: EpochMs,
  make: WarehouseMake = STANDARD_MAKE,
  cloud: Cloud = ACCOUNT_CLOUD,
): Credits | undefined {
  const rows = RATES.get(cloud)
    ?.get(make.kind)
    ?.get(make.resourceConstraint ?? make.generation);
  const row = rows?.find((candidate) => candidate.effectiveFrom <= at);
  return row?.creditsPerHour[SIZE_INDEX.get(size) ?? -1];
}

/**
 * Credits an hour of one cluster at instant `at`.
 *
 * @param make standard of generation 1 when left out.
 * @param cloud where the account is hosted; decides the rate of generation 2.
 * @throws Fault `internal` for what no dated row covers, so that nothing is ever metered at a guessed rate.
 */
export function creditsPerHour(
  size: WarehouseSize,
  at: EpochMs,
  make: WarehouseMake = STANDARD_MAKE,
  cloud: Cloud = ACCOUNT_CLOUD,
): Credits {
  const rate = tryCreditsPerHour(size, at, make, cloud);
  if (rate === undefined)
    throw new Fault(
      'internal',
      `no rate for ${SIZE_LABELS[size]}, ${make.kind} ${make.resourceConstraint ?? make.generation} on ${cloud}, ` +
        `is dated before ${new Date(at).toISOString()}`,
    );
  return rate;
}

/** −1, 0 or 1 as the first size is smaller, the same or larger. */
export function compareSizes(a: WarehouseSize, b: WarehouseSize): -1 | 0 | 1 {
  const difference = (SIZE_INDEX.get(a) ?? 0) - (SIZE_INDEX.get(b) ?? 0);
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

const SPELLINGS: ReadonlyMap<string, WarehouseSize> = new Map(
  WAREHOUSE_SIZES.flatMap((size) => [
    [size, size] as const,
    [SIZE_LABELS[size].toUpperCase().replaceAll('-', ''), size] as const,
  ]).concat([
    ['X2LARGE', 'XXLARGE'],
    ['X3LARGE', 'XXXLARGE'],
  ]),
);

/** Reads `X-Small`, `XSMALL`, `2X-LARGE`, `XXLARGE`, …; undefined for anything else. Source: CREATE WAREHOUSE. */
export function tryParseSize(text: string): WarehouseSize | undefined {
  return SPELLINGS.get(text.toUpperCase().replaceAll('-', ''));
}
