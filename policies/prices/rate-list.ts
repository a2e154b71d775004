/**
 * Credits an hour of one cluster as Snowflake publishes them: data with dates, for documents that name the list in
 * `lists.rates`. Source: Snowflake Service Consumption Table, effective 2026-10-02 (transcribed; the tables effective
 * 2026-01-13 and 2026-09-25 say the same of these rows). Before the date of a row nothing is known of it here.
 * Adaptive warehouses have no published rate: they are metered by the query.
 */

export const RATE_LIST_IDS = ['2026-10-02'] as const;
export type RateListId = (typeof RATE_LIST_IDS)[number];

export const CLOUDS = ['AWS', 'AZURE', 'GCP'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** One line of the table: credits by size, smallest first; null: the size is not offered. */
export interface RateLine {
  readonly kind: string;
  readonly generation: string;
  /** As RESOURCE_CONSTRAINT has it; null: the kind has none. */
  readonly resourceConstraint: string | null;
  /** Where it holds. */
  readonly clouds: readonly Cloud[];
  readonly effectiveFrom: string;
  /** From X-Small to 6X-Large, as decimals. */
  readonly creditsPerHour: readonly (string | null)[];
}

const SNOWPARK = 'SNOWPARK-OPTIMIZED';
const FROM = '2026-01-13';

export const RATE_LISTS: Readonly<Record<RateListId, readonly RateLine[]>> = {
  '2026-10-02': [
    // Gen 1 is also in "Overview of warehouses", which has said the same since there are warehouses.
    line('STANDARD', '1', null, CLOUDS, '1 2 4 8 16 32 64 128 256 512', '2014-10-01'),
    line('STANDARD', '2', null, ['AWS', 'GCP'], '1.35 2.7 5.4 10.8 21.6 43.2 86.4 172.8 - -'),
    line('STANDARD', '2', null, ['AZURE'], '1.25 2.5 5 10 20 40 80 160 - -'),
    line(SNOWPARK, '1', 'MEMORY_1X', CLOUDS, '1 2 4 8 16 32 64 128 - -'),
    line(SNOWPARK, '1', 'MEMORY_1X_X86', CLOUDS, '1.1 2.2 4.4 8.8 17.6 35.2 70.4 140.8 - -'),
    line(SNOWPARK, '1', 'MEMORY_16X', CLOUDS, '- - 6 12 24 48 96 192 384 768'),
    line(SNOWPARK, '1', 'MEMORY_16X_X86', CLOUDS, '- - 6.25 12.5 25 50 100 200 - -'),
    line(SNOWPARK, '1', 'MEMORY_64X', CLOUDS, '- - - 15 30 60 120 240 - -'),
    line(SNOWPARK, '1', 'MEMORY_64X_X86', CLOUDS, '- - - 16 32 64 128 256 - -'),
    // The line changed during 2026; only its newest date is sure.
    line('INTERACTIVE', '1', null, CLOUDS, '0.6 1.2 2.4 4.8 9.6 19.2 38.4 76.8 - -', '2026-10-02'),
  ],
};

function line(
  kind: string,
  generation: string,
  resourceConstraint: string | null,
  clouds: readonly Cloud[],
  credits: string,
  effectiveFrom: string = FROM,
): RateLine {
  const creditsPerHour = credits.split(' ').map((each) => (each === '-' ? null : each));
  return { kind, generation, resourceConstraint, clouds, effectiveFrom, creditsPerHour };
}
