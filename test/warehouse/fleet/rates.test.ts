import { describe, expect, test } from 'vitest';
import { approximate } from '#base/units.js';
import type { WarehouseMake } from '../../../warehouse/fleet/rates.js';
import {
  WAREHOUSE_SIZES,
  creditsPerHour,
  tryCreditsPerHour,
  tryParseSize,
} from '../../../warehouse/fleet/rates.js';
import type { WarehouseSize } from '../../../warehouse/fleet/rates.js';

const AT = Date.UTC(2026, 10, 2);

const standard = (generation: 1 | 2): WarehouseMake => ({
  kind: 'STANDARD',
  generation,
  resourceConstraint: null,
});
const snowpark = (resourceConstraint: string): WarehouseMake => ({
  kind: 'SNOWPARK-OPTIMIZED',
  generation: 1,
  resourceConstraint,
});
const INTERACTIVE: WarehouseMake = {
  kind: 'INTERACTIVE',
  generation: 1,
  resourceConstraint: null,
};

const rate = (size: WarehouseSize, make: WarehouseMake, cloud: 'AWS' | 'AZURE' | 'GCP'): string => {
  const credits = tryCreditsPerHour(size, AT, make, cloud);
  return credits === undefined ? '–' : String(approximate(credits));
};

describe('credits an hour', () => {
  test.each([
    [standard(1), 'AWS', '1 2 4 8 16 32 64 128 256 512'],
    [standard(2), 'AWS', '1.35 2.7 5.4 10.8 21.6 43.2 86.4 172.8 – –'],
    [standard(2), 'GCP', '1.35 2.7 5.4 10.8 21.6 43.2 86.4 172.8 – –'],
    [standard(2), 'AZURE', '1.25 2.5 5 10 20 40 80 160 – –'],
    [snowpark('MEMORY_1X'), 'AWS', '1 2 4 8 16 32 64 128 – –'],
    [snowpark('MEMORY_1X_x86'), 'AWS', '1.1 2.2 4.4 8.8 17.6 35.2 70.4 140.8 – –'],
    [snowpark('MEMORY_16X'), 'AWS', '– – 6 12 24 48 96 192 384 768'],
    [snowpark('MEMORY_16X_x86'), 'AWS', '– – 6.25 12.5 25 50 100 200 – –'],
    [snowpark('MEMORY_64X'), 'AWS', '– – – 15 30 60 120 240 – –'],
    [snowpark('MEMORY_64X_x86'), 'AWS', '– – – 16 32 64 128 256 – –'],
    [INTERACTIVE, 'AWS', '0.6 1.2 2.4 4.8 9.6 19.2 38.4 76.8 – –'],
  ] as const)('%j on %s', (make, cloud, rates) => {
    expect(WAREHOUSE_SIZES.map((size) => rate(size, make, cloud)).join(' ')).toBe(rates);
  });

  test('are those of generation 1 where nothing else is said', () => {
    expect(creditsPerHour('MEDIUM', AT)).toBe(creditsPerHour('MEDIUM', AT, standard(1)));
  });

  test('are a fault where there are none', () => {
    expect(() => creditsPerHour('X6LARGE', AT, standard(2))).toThrow(/6X-Large.*STANDARD 2/);
    expect(() => creditsPerHour('XSMALL', Date.UTC(2010, 0, 1))).toThrow(/2010-01-01/);
    expect(() => creditsPerHour('LARGE', AT, snowpark('MEMORY_2X'))).toThrow(/no rate/);
  });
});

test.each([
  ['X-Small', 'XSMALL'],
  ['xsmall', 'XSMALL'],
  ['2X-LARGE', 'XXLARGE'],
  ['X2LARGE', 'XXLARGE'],
  ['XXLARGE', 'XXLARGE'],
  ['3x-large', 'XXXLARGE'],
  ['X3LARGE', 'XXXLARGE'],
  ['4XLARGE', 'X4LARGE'],
  ['X6LARGE', 'X6LARGE'],
  ['7X-LARGE', undefined],
  ['', undefined],
])('the size %s is %s', (text, size) => {
  expect(tryParseSize(text)).toBe(size);
});
