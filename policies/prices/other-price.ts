/** What stands behind a rate sheet: the price of a key that the document's book or a list says. */
import type { ControlDocument } from '../control/document.js';
import { tryParseInstant } from '../control/instant.js';
import { foldName } from '../rules/glob.js';
import { type Price, priceLookup } from './price-lookup.js';

/** The price on a day; null: neither says one. Kinds of credit are compared without case: a sheet writes COMPUTE. */
export function otherPrice(
  document: ControlDocument,
): (
  key: { readonly account: string; readonly ratingType: string; readonly serviceType: string },
  day: string,
) => { readonly price: Price['pricePerCredit']; readonly currency: string } | null {
  const priceAt = priceLookup(document);
  const kinds = ['compute', ...document.prices.map(({ creditKind }) => creditKind)];
  return ({ account, ratingType, serviceType }, day) => {
    const kind = kinds.find((each) => foldName(each) === foldName(ratingType));
    const at = tryParseInstant(day);
    if (kind === undefined || at === undefined) return null;
    const price = priceAt(kind, at, { account, serviceType });
    return price === undefined ? null : { price: price.pricePerCredit, currency: price.currency };
  };
}
