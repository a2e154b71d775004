/**
 * What a credit costs at an instant: the one look-up that holds, surfaces, costs and bills take their price through. The
 * first source that says something decides: the account's own rate sheet, the price book of the control document, a
 * published list. No source: no price, and the caller refuses.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { type Money, mulDiv, parseMoney, subtractMoney, tryParseMoney } from '#base/units.js';
import type { ControlDocument } from '../control/document.js';
import { tryParseInstant } from '../control/instant.js';
import { foldName } from '../rules/glob.js';
import type { PriceDocument } from './price-documents.js';
import { EDITIONS, PRICE_LISTS, PRICE_LIST_CURRENCY } from './price-list.js';

export type PriceSource = 'rateSheet' | 'book' | 'list';

export interface Price {
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly source: PriceSource;
  /** From when its source says so. */
  readonly since: EpochMs;
  /** Before the contract's discount; null: its source does not say. */
  readonly listPricePerCredit: Money | null;
}

/** A price of an account's rate sheet in force from an instant until the next one of its key. */
export interface ImportedPrice {
  readonly account: string;
  /** Kind of credit, as RATING_TYPE has it. */
  readonly ratingType: string;
  readonly serviceType: string;
  readonly from: EpochMs;
  readonly to: EpochMs | null;
  readonly currency: string;
  readonly pricePerCredit: Money;
}

/** What a price is asked for beside the kind of credit. */
export interface PricedThing {
  /** Absent: the only account of the document. */
  readonly account?: string | undefined;
  /** As SERVICE_TYPE has it; absent: warehouses. */
  readonly serviceType?: string;
}

/** Price of one credit of a kind (`compute`); undefined when none is in force. */
export type PriceAt = (creditKind: string, at: EpochMs, of?: PricedThing) => Price | undefined;

const WAREHOUSES = 'WAREHOUSE_METERING';

type Priced = Pick<ControlDocument, 'prices'> &
  Partial<Pick<ControlDocument, 'accounts' | 'lists'>>;

/**
 * The prices of an accepted document, behind those that were imported.
 * @param imported those in force of rate sheets; none where nothing was imported or somebody looks at a document alone.
 */
export function priceLookup(document: Priced, imported: readonly ImportedPrice[] = []): PriceAt {
  const sheets = bySheetKey(imported);
  const book = document.prices.map(toBooked).sort((a, b) => b.from - a.from);
  const list = listLookup(document);
  const { accounts = [] } = document;
  const only = accounts.length === 1 ? accounts[0]?.id : undefined;
  return (creditKind, at, of = {}) => {
    const account = foldName(of.account ?? only ?? '');
    const serviceType = of.serviceType ?? WAREHOUSES;
    const key = sheetKey({ account, ratingType: creditKind, serviceType });
    return (
      atOf(sheets.get(key) ?? [], at) ??
      bookedAt(book, { creditKind, account, serviceType }, at) ??
      (creditKind === 'compute' ? list(account, at) : undefined)
    );
  };
}

interface Dated {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly price: Price;
}

/** The latest that has begun decides; when it has ended there is none, not the one before it. */
function atOf(latestFirst: readonly Dated[], at: EpochMs): Price | undefined {
  const latest = latestFirst.find(({ from }) => from <= at);
  return latest !== undefined && at < latest.to ? latest.price : undefined;
}

function sheetKey(of: Pick<ImportedPrice, 'account' | 'ratingType' | 'serviceType'>): string {
  return [of.account, of.ratingType, of.serviceType].map(foldName).join('|');
}

function bySheetKey(imported: readonly ImportedPrice[]): ReadonlyMap<string, readonly Dated[]> {
  const sheets = new Map<string, Dated[]>();
  for (const { from, to, currency, pricePerCredit, ...of } of imported) {
    const dated = sheets.get(sheetKey(of)) ?? [];
    sheets.set(sheetKey(of), dated);
    const price = { pricePerCredit, currency, since: from, listPricePerCredit: null } as const;
    dated.push({
      from,
      to: to ?? Infinity,
      price: Object.freeze({ ...price, source: 'rateSheet' }),
    });
  }
  for (const dated of sheets.values()) dated.sort((a, b) => b.from - a.from);
  return sheets;
}

interface Booked extends Dated {
  readonly entry: PriceDocument;
}

function toBooked(entry: PriceDocument): Booked {
  const from = must(tryParseInstant(entry.effectiveFrom), 'an accepted document has instants');
  return {
    entry,
    from,
    to: entry.effectiveTo === undefined ? Infinity : (tryParseInstant(entry.effectiveTo) ?? 0),
    price: Object.freeze({
      pricePerCredit: parseMoney(entry.pricePerCredit),
      currency: entry.currency,
      source: 'book',
      since: from,
      listPricePerCredit: tryParseMoney(entry.listPricePerCredit ?? '') ?? null,
    }),
  };
}

/** By the most special key that has one in force: account and service, account, service, neither. */
function bookedAt(
  latestFirst: readonly Booked[],
  of: { readonly creditKind: string; readonly account: string; readonly serviceType: string },
  at: EpochMs,
): Price | undefined {
  const fitting = latestFirst.filter(
    ({ entry }) =>
      entry.creditKind === of.creditKind &&
      (entry.account === undefined || foldName(entry.account) === of.account) &&
      (entry.serviceType === undefined || entry.serviceType === of.serviceType),
  );
  const rank = ({ entry }: Booked): number =>
    (entry.account === undefined ? 0 : 2) + (entry.serviceType === undefined ? 0 : 1);
  for (const level of [3, 2, 1, 0]) {
    const price = atOf(
      fitting.filter((each) => rank(each) === level),
      at,
    );
    if (price !== undefined) return price;
  }
  return undefined;
}

const PERCENT = parseMoney('100');

/** Published prices, less the contract's discount, of accounts that say edition and region. */
function listLookup({
  accounts = [],
  lists,
}: Priced): (account: string, at: EpochMs) => Price | undefined {
  const lines = lists?.prices === undefined ? [] : PRICE_LISTS[lists.prices];
  return (id, at) => {
    const account = accounts.find((each) => foldName(each.id) === id);
    const { region, edition, discountPercent = '0' } = account ?? {};
    if (region === undefined || edition === undefined) return undefined;
    const line = lines.find(({ regions }) => regions.includes(region));
    const text = line?.pricesPerCredit[EDITIONS.indexOf(edition)];
    const since = must(tryParseInstant(line?.effectiveFrom ?? '1970-01-01'), 'lists have dates');
    if (text === undefined || since > at) return undefined;
    const listed = parseMoney(text);
    const paid = subtractMoney(PERCENT, parseMoney(discountPercent));
    const pricePerCredit = mulDiv(listed, paid, PERCENT, 'half-even') as Money;
    const currency = PRICE_LIST_CURRENCY;
    return { pricePerCredit, currency, source: 'list', since, listPricePerCredit: listed };
  };
}
