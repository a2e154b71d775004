/** The lines of a month before rounding: parts by their key, each at the price of its day. Pure. */
import { createHash } from 'node:crypto';
import { canonicalBytes, type ChainField } from '#base/hash-chain.js';
import {
  type Money,
  NO_MONEY,
  addCredits,
  addMoney,
  addQuantities,
  priceCredits,
} from '#base/units.js';
import { type BillLine, UNALLOCATED } from './billed-month.js';
import { lineNote } from './line-notes.js';
import type { MonthPart } from './month-part.js';
import type { MonthPriceAt } from './month-terms.js';
import type { PrepaidOf } from './prepaid.js';

/** A line that nothing is owed for yet. */
export type ExactLine = Omit<BillLine, 'amount'> & { readonly teamId: string };

/** A day of a service that no price is in force for: the month cannot be closed before there is one. */
export interface MissingPrice {
  readonly account: string;
  readonly serviceType: string;
  readonly day: string;
  /** That the price is in, where there is one in another currency. */
  readonly currency: string | null;
}

export interface ExactMonth {
  readonly lines: readonly ExactLine[];
  readonly missingPrices: readonly MissingPrice[];
}

/** One line a team, kind, account, resource, service and day; parts that differ by their method alone are one line. */
export function exactLines(
  month: string,
  parts: readonly MonthPart[],
  prices: {
    readonly currency: string;
    readonly priceAt: MonthPriceAt;
    readonly prepaidOf: PrepaidOf;
  },
): ExactMonth {
  const missing = new Map<string, MissingPrice>();
  const pricesOf = priced(prices, missing);
  const lines = [...joined(month, parts)].flatMap(([id, part]): readonly ExactLine[] => {
    if (part.credits === 0n && (part.money ?? 0n) === 0n && part.statements === 0) return [];
    const { teamId, money, measured, ...rest } = part;
    const price = money === null ? pricesOf(part) : unitPrices(measured?.unitPrice ?? NO_MONEY);
    const effectiveMoney = money ?? priceCredits(part.credits, price.effectivePrice, 'half-even');
    return [
      {
        id,
        teamId: teamId ?? UNALLOCATED,
        ...rest,
        ...price,
        measured: measured === null ? null : { quantity: measured.quantity, unit: measured.unit },
        effectiveMoney,
        prepaidMoney: prices.prepaidOf(part, effectiveMoney),
        note: lineNote(part),
        corrects: null,
      },
    ];
  });
  return { lines, missingPrices: [...missing.values()] };
}

/** The id of a line: what it is of, so that it is the same in every run and every version. */
export function lineId(month: string, of: readonly ChainField[]): string {
  return createHash('sha256')
    .update(canonicalBytes([month, ...of]))
    .digest('hex')
    .slice(0, 24);
}

function joined(month: string, parts: readonly MonthPart[]): ReadonlyMap<string, MonthPart> {
  const byId = new Map<string, MonthPart>();
  for (const part of parts) {
    const { kind, account, resource, serviceType, chargeDay, teamId } = part;
    const id = lineId(month, [kind, account, resource, serviceType, chargeDay, teamId]);
    const known = byId.get(id);
    byId.set(id, known === undefined ? part : together(known, part));
  }
  return byId;
}

function together(a: MonthPart, b: MonthPart): MonthPart {
  const methods = new Set([...a.method.split(', '), b.method]);
  return {
    ...a,
    usedMs: a.usedMs + b.usedMs,
    statements: a.statements + b.statements,
    credits: addCredits(a.credits, b.credits),
    money:
      a.money === null && b.money === null
        ? null
        : addMoney(a.money ?? NO_MONEY, b.money ?? NO_MONEY),
    measured: measuredTogether(a.measured, b.measured),
    method: [...methods].sort().join(', '),
  };
}

/** Parts of one line are of one day and service, and so of one price. */
function measuredTogether(
  a: MonthPart['measured'],
  b: MonthPart['measured'],
): MonthPart['measured'] {
  if (a === null || b === null || a.unitPrice !== b.unitPrice) return null;
  return { ...a, quantity: addQuantities(a.quantity, b.quantity) };
}

type Prices = Pick<BillLine, 'listPrice' | 'contractedPrice' | 'effectivePrice'>;
/** One price is all that is known of it. */
function unitPrices(price: Money): Prices {
  return { listPrice: price, contractedPrice: price, effectivePrice: price };
}

/** By account, service and day, each looked up once; a price in another currency is none. */
function priced(
  { currency, priceAt }: { readonly currency: string; readonly priceAt: MonthPriceAt },
  missing: Map<string, MissingPrice>,
): (part: MonthPart) => Prices {
  const known = new Map<string, Prices>();
  return ({ account, serviceType, chargeDay: day }) => {
    const key = JSON.stringify([account, serviceType, day]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const price = priceAt({ account, serviceType }, Date.parse(`${day}T00:00:00Z`));
    const isKnown = price?.currency === currency;
    if (!isKnown)
      missing.set(key, { account, serviceType, day, currency: price?.currency ?? null });
    const prices = isKnown
      ? pricesAt(price.pricePerCredit, price.listPricePerCredit)
      : unitPrices(NO_MONEY);
    known.set(key, prices);
    return prices;
  };
}

function pricesAt(paid: Money, list: Money | null): Prices {
  return { listPrice: list ?? paid, contractedPrice: paid, effectivePrice: paid };
}
