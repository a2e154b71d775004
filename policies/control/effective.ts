/** Prices and rates of a document by their dates. */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import { foldName } from '../rules/glob.js';
import type { ControlDocument } from './document.js';
import { tryParseInstant } from './instant.js';
import { tryParseWarehouseSize } from './sizes.js';

export interface Price {
  readonly pricePerCredit: Money;
  readonly currency: string;
}

/** Price of one credit of a kind (`compute`); undefined when none is in force. */
export type PriceAt = (creditKind: string, at: EpochMs) => Price | undefined;

/** Credits per hour of one cluster at that instant; undefined when no rate covers it: refuse, never assume. */
export type RateAt = (
  kind: string,
  generation: string,
  size: string,
  at: EpochMs,
) => Credits | undefined;

/** The prices of an accepted document. */
export function priceLookup(document: Pick<ControlDocument, 'prices'>): PriceAt {
  const prices = document.prices
    .map((entry) => ({
      creditKind: entry.creditKind,
      from: must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants'),
      to: entry.effectiveTo === undefined ? Infinity : (tryParseInstant(entry.effectiveTo) ?? 0),
      price: Object.freeze({
        pricePerCredit: parseMoney(entry.pricePerCredit),
        currency: entry.currency,
      }),
    }))
    .sort((a, b) => b.from - a.from);
  return (creditKind, at) => {
    // The latest price that has begun decides; when it has ended there is none, not the one before it.
    const latest = prices.find((entry) => entry.creditKind === creditKind && entry.from <= at);
    return latest !== undefined && at < latest.to ? latest.price : undefined;
  };
}

/** The rates of an accepted document. */
export function rateLookup(document: Pick<ControlDocument, 'rates'>): RateAt {
  const series = new Map<string, { readonly from: EpochMs; readonly rate: Credits }[]>();
  for (const entry of document.rates) {
    const key = rateKey(entry.kind, entry.generation, entry.size);
    const from = must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants');
    const entries = series.get(key) ?? [];
    entries.push({ from, rate: parseCredits(entry.creditsPerHour) });
    series.set(key, entries);
  }
  for (const entries of series.values()) entries.sort((a, b) => b.from - a.from);
  return (kind, generation, size, at) =>
    series.get(rateKey(kind, generation, size))?.find((entry) => entry.from <= at)?.rate;
}

function rateKey(kind: string, generation: string, size: string): string {
  return [foldName(kind), foldName(generation), tryParseWarehouseSize(size) ?? ''].join('|');
}
