/**
 * Which share of its origin charge each row is. FOCUS: the ratios of all rows of one origin sum to 1. Ratios are rounded
 * where they are cumulated, in the order of the rows, so that they sum to it exactly and nothing is kept but three sums
 * an origin.
 */
import { type Quantity, mulDiv } from '#base/units.js';
import type { BilledMonth } from '../billed-month.js';
import { type FocusCharge, chargesOf } from './charges.js';

/** 1, at the twelve decimals of every quantity. */
const ONE = 10n ** 12n;

/** Charges that are read at once: some milliseconds. */
const STEP = 500;

/**
 * `AllocatedRatio`, asked for every charge of the month once, in the month's order; null: the charge
 * is no share of anything, or shares that cancel to nothing have no ratios.
 */
export type RatioOf = (charge: FocusCharge) => Quantity | null;

interface Origin {
  total: bigint;
  soFar: bigint;
  ratioSoFar: bigint;
}

/** Reads the whole month once for the sums, and stops now and then, so that who runs it can do something else. */
export function* ratiosOf(month: BilledMonth): Generator<undefined, RatioOf> {
  const origins = new Map<string, Origin>();
  let read = 0;
  for (const bill of month.bills) {
    for (const { originId, pricing } of chargesOf(bill, month)) {
      read += 1;
      if (read % STEP === 0) yield undefined;
      if (originId === null || pricing === null) continue;
      const origin = origins.get(originId) ?? { total: 0n, soFar: 0n, ratioSoFar: 0n };
      origin.total += pricing.quantity;
      origins.set(originId, origin);
    }
  }
  return ({ originId, pricing }) => {
    const origin = originId === null ? undefined : origins.get(originId);
    if (origin === undefined || pricing === null || origin.total === 0n) return null;
    origin.soFar += pricing.quantity;
    const reached = ratioOf(origin.soFar, origin.total);
    const ratio = reached - origin.ratioSoFar;
    origin.ratioSoFar = reached;
    return ratio as Quantity;
  };
}

function ratioOf(part: bigint, total: bigint): bigint {
  return total > 0n
    ? mulDiv(part, ONE, total, 'half-even')
    : mulDiv(-part, ONE, -total, 'half-even');
}
