/** Sums over the lines of bills that outputs share: by any key, in all, by price. */
import {
  NO_CREDITS,
  NO_MONEY,
  type Credits,
  type Money,
  addCredits,
  addMoney,
  compareAmounts,
  formatAmountTo,
  mulDiv,
  parseCredits,
  parseMoney,
  priceCredits,
  subtractMoney,
} from '#base/units.js';
import type { BillLine, MonthHead, TeamBill } from './billed-month.js';

/** What every output states of itself, to be compared with what was received. */
export interface ControlTotals {
  readonly lines: number;
  readonly statements: number;
  readonly credits: Credits;
  readonly effectiveMoney: Money;
  readonly amount: Money;
}

export interface LineSum extends ControlTotals {
  readonly usedMs: number;
  /** Lines whose money is not that of credits: storage, rounding. */
  readonly otherLines: number;
  /** The same credits at the published and at the contracted price. */
  readonly listMoney: Money;
  readonly contractedMoney: Money;
}

const NOTHING: LineSum = {
  lines: 0,
  statements: 0,
  usedMs: 0,
  otherLines: 0,
  credits: NO_CREDITS,
  listMoney: NO_MONEY,
  contractedMoney: NO_MONEY,
  effectiveMoney: NO_MONEY,
  amount: NO_MONEY,
};

/** The sum of the lines; credits are priced line by line, as each day has its own prices. */
export function sumOf(lines: Iterable<BillLine>): LineSum {
  let sum = NOTHING;
  for (const line of lines) sum = plus(sum, line);
  return sum;
}

/** Sums by `keyOf`, in the order in which the keys first appear. */
export function sumBy(
  lines: Iterable<BillLine>,
  keyOf: (line: BillLine) => string,
): ReadonlyMap<string, LineSum> {
  const sums = new Map<string, LineSum>();
  for (const line of lines) {
    const key = keyOf(line);
    sums.set(key, plus(sums.get(key) ?? NOTHING, line));
  }
  return sums;
}

function plus(sum: LineSum, line: BillLine): LineSum {
  const { credits } = line;
  const priced = line.measured?.quantity ?? credits;
  return {
    lines: sum.lines + 1,
    statements: sum.statements + line.statements,
    usedMs: sum.usedMs + line.usedMs,
    otherLines: sum.otherLines + (isOfCredits(line) ? 0 : 1),
    credits: addCredits(sum.credits, credits),
    listMoney: addMoney(sum.listMoney, priceCredits(priced, line.listPrice, 'half-even')),
    contractedMoney: addMoney(
      sum.contractedMoney,
      priceCredits(priced, line.contractedPrice, 'half-even'),
    ),
    effectiveMoney: addMoney(sum.effectiveMoney, line.effectiveMoney),
    amount: addMoney(sum.amount, line.amount),
  };
}

/** Whether the money of a line is that of its credits. */
export function isOfCredits({ credits, effectiveMoney }: BillLine): boolean {
  return (
    compareAmounts(credits, NO_CREDITS) !== 0 || compareAmounts(effectiveMoney, NO_MONEY) === 0
  );
}

/** Control totals of several bills together. */
export function controlTotals(bills: readonly Pick<TeamBill, 'lines'>[]): ControlTotals {
  const { lines, statements, credits, effectiveMoney, amount } = sumOf(
    (function* all() {
      for (const bill of bills) yield* bill.lines;
    })(),
  );
  return { lines, statements, credits, effectiveMoney, amount };
}

/** What each day of the month comes to; lines of earlier months, such as corrections, are of none of them. */
export function dayAmounts(
  { month }: MonthHead,
  bill: TeamBill,
): readonly { readonly day: string; readonly amount: Money; readonly sum: LineSum }[] {
  const sums = sumBy(bill.lines, (line) => line.chargeDay);
  const [year = '', number = ''] = month.split('-');
  const days = new Date(Date.UTC(Number(year), Number(number), 0)).getUTCDate();
  return Array.from({ length: days }, (_, index) => {
    const day = `${month}-${String(index + 1).padStart(2, '0')}`;
    const sum = sums.get(day) ?? NOTHING;
    return { day, amount: sum.amount, sum };
  });
}

const HUNDRED = parseMoney('100');
const ONE: Credits = parseCredits('1');

/** `part` of `whole` in percent, half to even; null where there is nothing to be a part of, or a debt. */
export function percentOf(part: Money, whole: Money, decimals = 1): string | null {
  if (compareAmounts(whole, NO_MONEY) <= 0) return null;
  return formatAmountTo(mulDiv(part, HUNDRED, whole, 'half-even') as Money, decimals);
}

/** What a bill is held against, and by how much it differs: above zero is more than that. */
export interface Compared {
  readonly against: Money;
  readonly difference: Money;
  /** Of `against`, in percent. */
  readonly differencePercent: string | null;
}

/** Null where the other figure is not known. */
export function compared(amount: Money, against: Money | null): Compared | null {
  if (against === null) return null;
  const difference = subtractMoney(amount, against);
  return { against, difference, differencePercent: percentOf(difference, against) };
}

/**
 * What one credit came to, at twelve decimals half to even; null where there are none or fewer, or where the money is not
 * that of credits alone.
 */
export function pricePerCredit(
  money: Money,
  { credits, otherLines }: Pick<LineSum, 'credits' | 'otherLines'>,
): Money | null {
  if (otherLines > 0 || compareAmounts(credits, NO_CREDITS) <= 0) return null;
  return mulDiv(money, ONE, credits, 'half-even') as Money;
}
