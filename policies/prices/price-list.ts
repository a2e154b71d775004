/**
 * On-demand prices of a compute credit in US dollars as Snowflake publishes them, for documents that name the list in
 * `lists.prices` and say edition and region of their accounts. Source: Snowflake, pricing tables as transcribed with
 * the Service Consumption Table effective 2026-10-02.
 */

export const PRICE_LIST_IDS = ['2026-10-02'] as const;
export type PriceListId = (typeof PRICE_LIST_IDS)[number];

export const EDITIONS = ['STANDARD', 'ENTERPRISE', 'BUSINESS_CRITICAL', 'VPS'] as const;
export type Edition = (typeof EDITIONS)[number];

/** Prices by edition, in the order of {@link EDITIONS}, of some of Snowflake's region ids. */
export interface PriceLine {
  readonly regions: readonly string[];
  readonly effectiveFrom: string;
  readonly pricesPerCredit: readonly string[];
}

export const PRICE_LIST_CURRENCY = 'USD';
const FROM = '2026-01-13';

export const PRICE_LISTS: Readonly<Record<PriceListId, readonly PriceLine[]>> = {
  '2026-10-02': [
    line('2.00 3.00 4.00 6.00', [
      'AWS_US_EAST_1',
      'AWS_US_EAST_2',
      'AWS_US_WEST_2',
      'AWS_AP_SOUTH_1',
      'AZURE_EASTUS2',
      'AZURE_WESTUS2',
      'GCP_US_CENTRAL1',
      'GCP_US_EAST4',
    ]),
    line('2.25 3.50 4.50 6.75', ['AWS_CA_CENTRAL_1', 'AZURE_CANADACENTRAL']),
    line('2.50 3.70 5.00 7.50', ['AWS_AP_SOUTHEAST_1', 'AZURE_SOUTHEASTASIA']),
    line('2.60 3.90 5.20 7.80', [
      'AWS_EU_WEST_1',
      'AWS_EU_CENTRAL_1',
      'AZURE_WESTEUROPE',
      'AZURE_NORTHEUROPE',
      'GCP_EUROPE_WEST4',
      'GCP_EUROPE_WEST3',
    ]),
    line('2.70 4.00 5.40 8.10', ['AWS_EU_WEST_2', 'AZURE_UKSOUTH', 'GCP_EUROPE_WEST2']),
    line('2.75 4.05 5.50 8.25', [
      'AWS_AP_SOUTHEAST_2',
      'AZURE_AUSTRALIAEAST',
      'AWS_AP_NORTHEAST_2',
    ]),
    line('2.85 4.30 5.70 8.55', ['AWS_AP_NORTHEAST_1', 'AZURE_JAPANEAST']),
  ],
};

function line(prices: string, regions: readonly string[]): PriceLine {
  return { regions, effectiveFrom: FROM, pricesPerCredit: prices.split(' ') };
}
