/**
 * What a closed month would be now, against what it was closed as and what was corrected of it since: lines for the open
 * month, each with the day that it is of. Credits are taken back at the price at which they were billed and booked anew at
 * the one in force, so that on every line credits × price is its money. Pure.
 */
import {
  type Credits,
  type Money,
  NO_CREDITS,
  NO_MONEY,
  addCredits,
  addMoney,
  priceCredits,
  subtractMoney,
} from '#base/units.js';
import { minorUnit } from '#base/currency.js';
import { formatInstant } from '#base/time.js';
import { type BillLine, UNALLOCATED, isOfEarlierMonth } from '../bills/billed-month.js';
import { ofGroup, serviceGroup } from '../bills/invoice.js';
import { type ExactLine, lineId } from '../bills/month-lines.js';
import type { MonthPrice, MonthPriceAt, MonthTerms } from '../bills/month-terms.js';
import { drawnAlike } from '../bills/prepaid.js';

export interface ClosedLine extends BillLine {
  readonly teamId: string;
}

export interface CorrectionInput {
  /** The closed month, and the open one that takes what is found of it. */
  readonly month: string;
  readonly openMonth: string;
  readonly lastDay: string;
  /** Lines that it was closed with. */
  readonly closed: readonly ClosedLine[];
  /** Corrections of it in months that are closed. */
  readonly corrected: readonly ClosedLine[];
  /** What it would be now, before rounding. */
  readonly now: readonly ExactLine[];
  /** What each service is invoiced now, rounded; services of accounts without an invoice are not among them. */
  readonly invoiced: ReadonlyMap<string, Money>;
  readonly currency: string;
  readonly roundingTeamId: string;
}

/** What was billed of one line so far: credits by their price, and money that has no price. */
interface Billed {
  readonly like: ExactLine;
  readonly byPrice: Map<Money, { credits: Credits; readonly prices: Prices }>;
  money: Money;
}

type Prices = Pick<BillLine, 'listPrice' | 'contractedPrice' | 'effectivePrice'>;

/** In no order; empty: nothing was found. */
export function correctionsOf(input: CorrectionInput): readonly ExactLine[] {
  const lines = new Map<string, Billed>();
  for (const line of input.closed) if (isUse(line)) book(lines, line.id, line, -1n);
  for (const line of input.corrected)
    if (line.corrects?.lineId !== null && line.corrects !== null)
      book(lines, line.corrects.lineId, line, -1n);
  for (const line of input.now) book(lines, line.id, line, 1n);
  const found = [...lines].flatMap(([id, billed]) => changesOf(input, id, billed));
  return [...found, ...residuesOf(input, found)];
}

/** Use that is metered; what only an invoice says is brought to it as a whole. */
function isUse({ kind, credits, effectiveMoney }: BillLine): boolean {
  if (kind === 'correction' || kind === 'adjustment' || kind === 'rounding') return false;
  return credits !== NO_CREDITS || effectiveMoney !== NO_MONEY;
}

function book(lines: Map<string, Billed>, id: string, line: ExactLine, sign: 1n | -1n): void {
  const known = lines.get(id) ?? { like: line, byPrice: new Map(), money: NO_MONEY };
  lines.set(id, known);
  const { listPrice, contractedPrice, effectivePrice } = line;
  if (line.credits === NO_CREDITS) {
    known.money = addMoney(known.money, (line.effectiveMoney * sign) as Money);
    return;
  }
  const priced = known.byPrice.get(effectivePrice) ?? {
    credits: NO_CREDITS,
    prices: { listPrice, contractedPrice, effectivePrice },
  };
  priced.credits = addCredits(priced.credits, (line.credits * sign) as Credits);
  known.byPrice.set(effectivePrice, priced);
}

function changesOf(
  { month, openMonth }: CorrectionInput,
  id: string,
  { like, byPrice, money }: Billed,
): readonly ExactLine[] {
  const base = {
    ...like,
    kind: 'correction' as const,
    usedMs: 0,
    statements: 0,
    measured: null,
    note: `Found after ${month} was closed. ${like.note.replace(/^Found after [\d-]+ was closed\. /, '')}`,
    corrects: { month, lineId: id },
  };
  const priced = [...byPrice.values()]
    .filter(({ credits }) => credits !== NO_CREDITS)
    .map(({ credits, prices }) => {
      const effectiveMoney = priceCredits(credits, prices.effectivePrice, 'half-even');
      return {
        ...base,
        ...prices,
        id: lineId(openMonth, ['correction', month, id, String(prices.effectivePrice)]),
        credits,
        effectiveMoney,
        prepaidMoney: drawnAlike(like, effectiveMoney),
      };
    });
  if (money === NO_MONEY) return priced;
  const none = { listPrice: NO_MONEY, contractedPrice: NO_MONEY, effectivePrice: NO_MONEY };
  const moneyId = lineId(openMonth, ['correction', month, id, 'money']);
  const prepaidMoney = drawnAlike(like, money);
  return [
    ...priced,
    { ...base, ...none, id: moneyId, credits: NO_CREDITS, effectiveMoney: money, prepaidMoney },
  ];
}

/** Brings each service of the closed month to what it is invoiced now, beyond what its lines have changed by. */
function residuesOf(input: CorrectionInput, found: readonly ExactLine[]): readonly ExactLine[] {
  const owed = sums(
    input.closed,
    ({ amount }) => amount,
    (line) => !isOfEarlierMonth(line),
  );
  const since = sums(input.corrected, ({ effectiveMoney }) => effectiveMoney);
  const changed = sums(found, ({ effectiveMoney }) => effectiveMoney);
  return [...input.invoiced].flatMap(([group, invoiced]) => {
    const billed = addMoney(
      owed.get(group) ?? NO_MONEY,
      since.get(group) ?? NO_MONEY,
      changed.get(group) ?? NO_MONEY,
    );
    const left = subtractMoney(invoiced, billed);
    return left === NO_MONEY ? [] : [residueLine(input, group, left)];
  });
}

function sums<Line extends ExactLine>(
  lines: readonly Line[],
  of: (line: Line) => Money,
  isOne: (line: Line) => boolean = () => true,
): ReadonlyMap<string, Money> {
  const byGroup = new Map<string, Money>();
  for (const line of lines.filter(isOne)) {
    const group = serviceGroup(line.account, line.serviceType);
    byGroup.set(group, addMoney(byGroup.get(group) ?? NO_MONEY, of(line)));
  }
  return byGroup;
}

/** As many smallest units as a month has days are rounding; more is of nobody, as what had a cause was. */
const ROUNDING_UNITS = 31n;

function residueLine(input: CorrectionInput, group: string, left: Money): ExactLine {
  const { month, openMonth, currency, roundingTeamId, lastDay, closed } = input;
  const of = ofGroup(group);
  const size = left < NO_MONEY ? subtractMoney(NO_MONEY, left) : left;
  const hadCause = closed.some(
    (line) => line.kind === 'variance' && serviceGroup(line.account, line.serviceType) === group,
  );
  const isRounding = !hadCause && size <= minorUnit(currency) * ROUNDING_UNITS;
  return {
    id: lineId(openMonth, ['correction', month, group]),
    teamId: isRounding ? roundingTeamId : UNALLOCATED,
    kind: 'correction',
    ...of,
    resource: null,
    chargeDay: lastDay,
    usedMs: 0,
    statements: 0,
    credits: NO_CREDITS,
    listPrice: NO_MONEY,
    contractedPrice: NO_MONEY,
    effectivePrice: NO_MONEY,
    effectiveMoney: left,
    measured: null,
    prepaidMoney: NO_MONEY,
    method: 'invoice/1',
    note: `Found after ${month} was closed. Between its lines and what Snowflake invoices for it now.`,
    corrects: { month, lineId: null },
  };
}

/** What lines of one price have in common. */
export function dayKey({
  account,
  serviceType,
  chargeDay,
}: Pick<BillLine, 'account' | 'serviceType' | 'chargeDay'>): string {
  return JSON.stringify([account, serviceType, chargeDay]);
}

/**
 * The price in force, and where none is any more that of the line that was billed last of the account, service and day:
 * `billed` in the order of its months. Undefined where neither is known.
 */
export function orAsBilled(
  billed: readonly ClosedLine[],
  { currency, priceAt }: Pick<MonthTerms, 'currency' | 'priceAt'>,
): MonthPriceAt {
  const byDay = new Map<string, MonthPrice>();
  for (const line of billed)
    // What a correction takes back has the price that it had before.
    if (line.kind === 'correction' ? line.credits > NO_CREDITS : line.credits !== NO_CREDITS)
      byDay.set(dayKey(line), {
        pricePerCredit: line.effectivePrice,
        listPricePerCredit: line.listPrice,
        currency,
      });
  return (of, at) => {
    const price = priceAt(of, at);
    if (price?.currency === currency) return price;
    const chargeDay = formatInstant(at).slice(0, 10);
    return byDay.get(dayKey({ ...of, chargeDay })) ?? price;
  };
}

/** Whether lines were billed at other prices than are in force for their days now. */
export function isRepriced(
  closed: readonly ClosedLine[],
  priceOf: (line: ClosedLine) => Money | undefined,
): boolean {
  const seen = new Map<string, boolean>();
  return closed.some((line) => {
    if (line.credits === NO_CREDITS || !isUse(line)) return false;
    const key = dayKey(line);
    const known = seen.get(key) ?? priceOf(line) !== line.effectivePrice;
    seen.set(key, known);
    return known;
  });
}
