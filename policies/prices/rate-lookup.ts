/**
 * What one cluster of a warehouse uses an hour: by kind, generation, memory, size and cloud, at an instant. The document's
 * own rates come first, a published list that it names stands behind them. What neither knows has no rate: never a default.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, parseCredits } from '#base/units.js';
import type { ControlDocument, WarehouseDocument } from '../control/document.js';
import { tryParseInstant } from '../control/instant.js';
import { WAREHOUSE_SIZES, tryParseWarehouseSize } from '../control/sizes.js';
import { foldName } from '../rules/glob.js';
import { RATE_LISTS } from './rate-list.js';

/** What else decides a rate. */
export interface RatedMake {
  /** As RESOURCE_CONSTRAINT has it; null or absent: the kind's usual one. */
  readonly resourceConstraint?: string | null | undefined;
  /** Absent: not known, so that only rates of every cloud are found. */
  readonly cloud?: string | undefined;
}

/** Credits per hour of one cluster at that instant; undefined when no rate covers it: refuse, never assume. */
export type RateAt = (
  kind: string,
  generation: string,
  size: string,
  at: EpochMs,
  make?: RatedMake,
) => Credits | undefined;

interface DatedRate {
  readonly cloud: string | undefined;
  readonly from: EpochMs;
  readonly rate: Credits;
}

type Series = Map<string, DatedRate[]>;
type Rated = Pick<ControlDocument, 'rates'> & Partial<Pick<ControlDocument, 'lists'>>;

/** The rates of an accepted document. */
export function rateLookup(document: Rated): RateAt {
  const own: Series = new Map();
  for (const entry of document.rates) {
    const { kind, generation, size, resourceConstraint, cloud } = entry;
    const from = must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants');
    const rate = parseCredits(entry.creditsPerHour);
    add(own, rateKey(kind, generation, size, resourceConstraint), { cloud, from, rate });
  }
  const listed = listSeries(document);
  for (const series of [own, listed])
    for (const entries of series.values()) entries.sort(newestFirst);
  return (kind, generation, size, at, make = {}) => {
    const key = rateKey(kind, generation, size, make.resourceConstraint);
    return rateIn(own.get(key), at, make.cloud) ?? rateIn(listed.get(key), at, make.cloud);
  };
}

function rateIn(
  entries: readonly DatedRate[] | undefined,
  at: EpochMs,
  cloud: string | undefined,
): Credits | undefined {
  return entries?.find((each) => each.from <= at && (each.cloud ?? cloud) === cloud)?.rate;
}

/** A rate of one cloud stands before one of every cloud that began at once with it. */
function newestFirst(a: DatedRate, b: DatedRate): number {
  return b.from - a.from || Number(b.cloud !== undefined) - Number(a.cloud !== undefined);
}

function listSeries({ lists }: Rated): Series {
  const series: Series = new Map();
  for (const line of lists?.rates === undefined ? [] : RATE_LISTS[lists.rates]) {
    const from = must(tryParseInstant(line.effectiveFrom), 'lists have dates');
    const isEverywhere = line.clouds.length === 3;
    line.creditsPerHour.forEach((credits, index) => {
      const size = WAREHOUSE_SIZES[index];
      if (credits === null || size === undefined) return;
      const key = rateKey(line.kind, line.generation, size, line.resourceConstraint);
      for (const cloud of isEverywhere ? [undefined] : line.clouds)
        add(series, key, { cloud, from, rate: parseCredits(credits) });
    });
  }
  return series;
}

function add(series: Series, key: string, entry: DatedRate): void {
  const entries = series.get(key);
  if (entries === undefined) series.set(key, [entry]);
  else entries.push(entry);
}

/** Snowflake's default memory of Snowpark-optimized warehouses (CREATE WAREHOUSE, RESOURCE_CONSTRAINT). */
const USUAL_MEMORY = 'MEMORY_16X';

function rateKey(
  kind: string,
  generation: string,
  size: string,
  resourceConstraint: string | null | undefined,
): string {
  const memory =
    foldName(kind) === 'SNOWPARK-OPTIMIZED' ? foldName(resourceConstraint ?? USUAL_MEMORY) : '';
  return [foldName(kind), foldName(generation), tryParseWarehouseSize(size) ?? '', memory].join(
    '|',
  );
}

/** The rate of a warehouse of the document; where it names no cloud, that of the only account. */
export function rateOfEntry(
  rateAt: RateAt,
  { accounts }: Pick<ControlDocument, 'accounts'>,
  entry: Pick<WarehouseDocument, 'kind' | 'generation' | 'size' | 'resourceConstraint'> & {
    readonly cloud?: string;
  },
  at: EpochMs,
): Credits | undefined {
  const { kind, generation, size, resourceConstraint } = entry;
  const cloud = entry.cloud ?? (accounts.length === 1 ? accounts[0]?.cloud : undefined);
  return rateAt(kind, generation, size, at, { resourceConstraint, cloud });
}
