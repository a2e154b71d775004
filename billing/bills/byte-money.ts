/**
 * Money of what is not priced by the credit: storage and transfer. Snowflake tells it by account and day; it goes to whoever
 * bears the bytes of that day, in proportion. Pure.
 */
import {
  type Money,
  NO_CREDITS,
  NO_MONEY,
  type Quantity,
  mulDiv,
  splitByLargestRemainder,
  subtractMoney,
} from '#base/units.js';
import type { ChargeKind } from './billed-month.js';
import type { MonthPart } from './month-part.js';

export interface ByteMoney {
  readonly account: string;
  readonly day: string;
  /** RATING_TYPE: `STORAGE`, `DATA_TRANSFER`, or another. */
  readonly ratingType: string;
  readonly money: Money;
}

const KINDS: Readonly<Record<string, ChargeKind>> = {
  STORAGE: 'storage',
  DATA_TRANSFER: 'transfer',
};

/** Parts with money; a day whose bytes nobody bears, or a kind without bytes, is a part of nobody. */
export function splitByteMoney(
  money: readonly ByteMoney[],
  parts: readonly (MonthPart & { readonly bytes: bigint })[],
): readonly MonthPart[] {
  return money.flatMap((of): readonly MonthPart[] => {
    const bearing = parts
      .filter(
        ({ account, chargeDay, serviceType, bytes }) =>
          account === of.account &&
          chargeDay === of.day &&
          serviceType === of.ratingType &&
          bytes > 0n,
      )
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    if (bearing.length === 0) return [ofNobody(of)];
    const isCredit = of.money < NO_MONEY;
    const shares = splitByLargestRemainder(
      isCredit ? subtractMoney(NO_MONEY, of.money) : of.money,
      bearing.map(({ bytes }) => bytes),
      bearing.map(keyOf),
    );
    const unitPrice = perTerabyte(
      of.money,
      bearing.reduce((sum, { bytes }) => sum + bytes, 0n),
    );
    return bearing.map(({ bytes, ...part }, index) => {
      const share = shares[index] ?? NO_MONEY;
      const money = isCredit ? subtractMoney(NO_MONEY, share) : share;
      // What is given back has no price: it is money alone.
      const measured = isCredit ? null : { quantity: terabytes(bytes), unit: TERABYTES, unitPrice };
      return { ...part, money, measured };
    });
  });
}

const TERABYTES = 'Terabytes' as const;
const TERABYTE = 10n ** 12n;

/** A byte is the smallest unit of a quantity in terabytes. */
function terabytes(bytes: bigint): Quantity {
  return bytes as Quantity;
}

/**
 * Snowflake's price of the day, as its money and bytes make it; rounded half to even, so shares are the money to 1e-12
 * each.
 */
function perTerabyte(money: Money, bytes: bigint): Money {
  return mulDiv(money, TERABYTE, bytes, 'half-even') as Money;
}

function keyOf({ kind, resource, teamId, method }: MonthPart): string {
  return JSON.stringify([kind, resource, teamId, method]);
}

function ofNobody({ account, day, ratingType, money }: ByteMoney): MonthPart {
  return {
    kind: KINDS[ratingType] ?? 'service',
    account,
    resource: null,
    serviceType: ratingType,
    chargeDay: day,
    teamId: null,
    usedMs: 0,
    statements: 0,
    credits: NO_CREDITS,
    money,
    measured: null,
    method: 'invoice/1',
  };
}
