/**
 * Credits an hour of one cluster, as dated data keyed by kind, generation, resource constraint and cloud. Source:
 * Snowflake Service Consumption Table (tables of 2026-01-13, 2026-09-25 and 2026-10-02, which agree) and, for
 * generation 1, "Overview of warehouses". A row with a later date is in force from the start of that UTC day.
 * Rows for what is newer than generation 1 are dated 2025-01-01, before the oldest table that was read, so that a past
 * month can be metered. A size that a row lacks is not offered.
 */

/** Where the account is hosted; decides the rate of generation 2. */
export type Cloud = 'AWS' | 'AZURE' | 'GCP';

export interface RateRow {
  readonly kind: 'STANDARD' | 'SNOWPARK-OPTIMIZED' | 'INTERACTIVE';
  readonly generation: 1 | 2;
  /** Null for kinds without one. */
  readonly resourceConstraint: string | null;
  readonly clouds: readonly Cloud[];
  readonly effectiveFrom: string;
  /** XS, S, M, L, XL, 2XL, 3XL, 4XL, 5XL, 6XL; null where the size is not offered. */
  readonly creditsPerHour: readonly (string | null)[];
}

const EVERYWHERE: readonly Cloud[] = ['AWS', 'AZURE', 'GCP'];

const row = (
  kind: RateRow['kind'],
  generation: 1 | 2,
  resourceConstraint: string | null,
  clouds: readonly Cloud[],
  effectiveFrom: string,
  rates: string,
): RateRow => ({
  kind,
  generation,
  resourceConstraint,
  clouds,
  effectiveFrom,
  creditsPerHour: rates.split(' ').map((rate) => (rate === '-' ? null : rate)),
});

const snowpark = (constraint: string, rates: string): RateRow =>
  row('SNOWPARK-OPTIMIZED', 1, constraint, EVERYWHERE, '2025-01-01', rates);

export const RATE_ROWS: readonly RateRow[] = [
  row('STANDARD', 1, null, EVERYWHERE, '2014-01-01', '1 2 4 8 16 32 64 128 256 512'),
  row(
    'STANDARD',
    2,
    null,
    ['AWS', 'GCP'],
    '2025-01-01',
    '1.35 2.7 5.4 10.8 21.6 43.2 86.4 172.8 - -',
  ),
  row('STANDARD', 2, null, ['AZURE'], '2025-01-01', '1.25 2.5 5 10 20 40 80 160 - -'),
  snowpark('MEMORY_1X', '1 2 4 8 16 32 64 128 - -'),
  snowpark('MEMORY_1X_x86', '1.1 2.2 4.4 8.8 17.6 35.2 70.4 140.8 - -'),
  snowpark('MEMORY_16X', '- - 6 12 24 48 96 192 384 768'),
  snowpark('MEMORY_16X_x86', '- - 6.25 12.5 25 50 100 200 - -'),
  snowpark('MEMORY_64X', '- - - 15 30 60 120 240 - -'),
  snowpark('MEMORY_64X_x86', '- - - 16 32 64 128 256 - -'),
  row('INTERACTIVE', 1, null, EVERYWHERE, '2025-01-01', '0.6 1.2 2.4 4.8 9.6 19.2 38.4 76.8 - -'),
];
