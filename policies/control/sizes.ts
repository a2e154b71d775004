import { foldName } from '../rules/glob.js';

/** Sizes of a classic warehouse, smallest first. Source: Snowflake, CREATE WAREHOUSE. */
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

const SPELLINGS: ReadonlyMap<string, WarehouseSize> = new Map<string, WarehouseSize>([
  ...WAREHOUSE_SIZES.map((size) => [size, size] as const),
  ['X2LARGE', 'XXLARGE'],
  ['2XLARGE', 'XXLARGE'],
  ['X3LARGE', 'XXXLARGE'],
  ['3XLARGE', 'XXXLARGE'],
  ['4XLARGE', 'X4LARGE'],
  ['5XLARGE', 'X5LARGE'],
  ['6XLARGE', 'X6LARGE'],
]);

/**
 * The size in the spelling of CREATE WAREHOUSE. Views and SHOW write `X-Small` and `2X-Large` for the same;
 * undefined for anything that is not a size (an adaptive warehouse has none).
 */
export function tryParseWarehouseSize(text: string): WarehouseSize | undefined {
  return SPELLINGS.get(foldName(text).replaceAll('-', ''));
}
