/** Estimates without a control document: nothing is refused, and every warehouse is what the history says it is. */
import { LRUCache } from 'lru-cache';
import { must } from '../../base/assert.js';
import { type Credits, NO_MONEY, parseCredits } from '../../base/units.js';
import {
  tryParseWarehouseSize,
  WAREHOUSE_SIZES,
  type WarehouseSize,
} from '../../policies/control/sizes.js';
import { estimateText, type GuessAmounts } from '../../policies/estimate/estimator.js';
import { BYTES_PER_SECOND_PER_CREDIT, clockZone } from '../../proxy/estimate.js';
import type { Judge, JudgeParts } from './judged.js';
import type { ReplayRow } from './row.js';

/** Credits an hour of a first-generation standard warehouse by size. Source: Snowflake, Service Consumption Table. */
const STANDARD_RATES: ReadonlyMap<string, Credits> = new Map(
  WAREHOUSE_SIZES.map((size, index) => [size, parseCredits(String(2 ** index))]),
);

/** Warehouses whose last size is remembered. */
const WAREHOUSES_MAX = 10_000;

/** Where no control document gives amounts for statements of which nothing is known. */
const OPEN_TIER: GuessAmounts = {
  id: 'any',
  guessExpectedCredits: parseCredits('0.01'),
  guessHoldCredits: parseCredits('0.1'),
  ceilingCredits: parseCredits('1000000'),
};

/** Estimates only. */
export function observe(parts: JudgeParts): Judge {
  const sizes = new LRUCache<string, WarehouseSize>({ max: WAREHOUSES_MAX });
  return ({ row, facts, at, timeZone = null }) => {
    const { size, creditsPerHour } = standardWarehouse(row, sizes);
    const { total } = estimateText(facts, {
      tier: OPEN_TIER,
      warehouse: row.warehouse ?? '',
      warehouseSize: size,
      creditsPerHour,
      ...parts,
      bytesPerSecondPerCredit: BYTES_PER_SECOND_PER_CREDIT,
      at,
      timeZone: clockZone(facts, row.queryText ?? '', timeZone),
    });
    return {
      estimate: total,
      creditsPerHour,
      pricePerCredit: NO_MONEY,
      tier: OPEN_TIER.id,
      isWarned: false,
      answer: {
        kind: 'allowed',
        teamId: null,
        budgetIds: [],
        holdCredits: total.highCredits,
        ceilingCredits: null,
        warehouse: row.warehouse,
        laneTier: OPEN_TIER.id,
        lane: null,
        isKeptBack: false,
        paced: null,
        unapproved: null,
      },
    };
  };
}

/** Where a row has no size, the one that its warehouse had last; an X-Small before any is known. */
function standardWarehouse(
  { warehouse, warehouseSize }: ReplayRow,
  sizes: LRUCache<string, WarehouseSize>,
): { readonly size: WarehouseSize; readonly creditsPerHour: Credits } {
  const name = warehouse ?? '';
  const own = tryParseWarehouseSize(warehouseSize ?? '');
  if (own !== undefined) sizes.set(name, own);
  const size = own ?? sizes.get(name) ?? 'XSMALL';
  return { size, creditsPerHour: must(STANDARD_RATES.get(size), 'every size has a rate') };
}
