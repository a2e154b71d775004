/**
 * A month with one line of everything that a bill may have: two accounts, storage, serverless and AI services, what is
 * below zero, corrections of an earlier month, credit notes, and days that were drawn from a prepaid balance. Prices,
 * amounts and who is billed come from the seed; every sum of it holds.
 */
import { must } from '#base/assert.js';
import { roundToMinor } from '#base/currency.js';
import {
  NO_CREDITS,
  NO_MONEY,
  type Money,
  type Quantity,
  addCredits,
  addMoney,
  mulDiv,
  parseCredits,
  parseMoney,
  parseQuantity,
  priceCredits,
  subtractMoney,
} from '#base/units.js';
import {
  type BillLine,
  type BilledMonth,
  type TeamBill,
  UNALLOCATED,
} from '#billing/bills/billed-month.js';
import { madeUpMonth } from './billed-month.js';

export interface VariedMonth {
  readonly currency?: string;
  readonly seed?: number;
  readonly teams?: readonly string[];
  readonly state?: BilledMonth['state'];
  /** How much of each day's money was drawn from a prepaid balance. */
  readonly prepaid?: 'none' | 'all' | 'some';
}

/** What a line is without its id and amount. */
type Draft = Partial<BillLine> & Pick<BillLine, 'kind'>;

const PER_TERABYTE = parseMoney('23');

export function variedMonth({
  currency = 'USD',
  seed = 1,
  teams = ['growth', 'marketing', 'platform', UNALLOCATED],
  state = 'closed',
  prepaid = 'none',
}: VariedMonth = {}): BilledMonth {
  const month = madeUpMonth({ currency, days: 1, state });
  const bills = month.bills
    .filter(({ teamId }) => teams.includes(teamId))
    .map((bill, index) => billOf(bill, index, { currency, seed, prepaid }));
  const computed = addMoney(
    ...bills.flatMap(({ lines }) => lines.map((line) => line.effectiveMoney)),
  );
  const residue = subtractMoney(
    roundToMinor(computed, currency),
    addMoney(...bills.map((bill) => bill.totalAmount)),
  );
  const whole = bills.map((bill, index) => (index === 0 ? rounded(bill, residue) : bill));
  return {
    ...month,
    accounts: [...month.accounts, { id: 'second', cloud: null, region: null, edition: null }],
    bills: whole,
    totalCredits: addCredits(...whole.map((bill) => bill.totalCredits)),
    totalAmount: addMoney(...whole.map((bill) => bill.totalAmount)),
  };
}

interface Drawn {
  readonly currency: string;
  readonly seed: number;
  readonly prepaid: NonNullable<VariedMonth['prepaid']>;
}

function billOf(bill: TeamBill, index: number, drawn: Drawn): TeamBill {
  const next = draws(drawn.seed * 31 + index);
  const template = must(bill.lines[0], 'a made-up bill has lines');
  let [sum, owed] = [NO_MONEY, NO_MONEY];
  const prices = pricesOf(draws(drawn.seed));
  const lines = drafts(next, prices).map((draft, ordinal): BillLine => {
    const line = { ...template, ...draft, id: `${bill.teamId}-${ordinal}` };
    const effectiveMoney = draft.effectiveMoney ?? moneyOf(line);
    sum = addMoney(sum, effectiveMoney);
    const amount = subtractMoney(roundToMinor(sum, drawn.currency), owed);
    owed = addMoney(owed, amount);
    return {
      ...line,
      effectiveMoney,
      amount,
      prepaidMoney: prepaidOf(effectiveMoney, drawn, next),
    };
  });
  return {
    ...bill,
    lines,
    totalCredits: addCredits(...lines.map((line) => line.credits)),
    totalAmount: owed,
  };
}

type Prices = Pick<BillLine, 'listPrice' | 'contractedPrice' | 'effectivePrice'>;

/** Alike for every team, as what they share was metered at one price. */
function pricesOf(next: () => number): Prices {
  return {
    listPrice: parseMoney('3'),
    contractedPrice: parseMoney(`2.${digits(next).slice(0, 4)}`),
    effectivePrice: parseMoney(`2.${digits(next).slice(0, 6)}`),
  };
}

function drafts(next: () => number, prices: Prices): readonly Draft[] {
  const credits = (): BillLine['credits'] => parseCredits(`${next() % 50}.${digits(next)}`);
  const services = credits();
  const second = { account: 'second', resource: 'LOAD_WH' } as const;
  return [
    { kind: 'direct', credits: credits(), usedMs: 61_500, statements: 7 },
    { kind: 'direct', credits: credits(), ...prices, ...second, statements: 3 },
    { kind: 'idle', credits: credits(), ...prices, ...second },
    { kind: 'unexplained', credits: parseCredits(`-0.${digits(next)}`) },
    { kind: 'cloudServices', credits: services, ...prices },
    {
      kind: 'cloudServicesAdjustment',
      credits: mulDiv(services, -1n, 3n, 'down') as BillLine['credits'],
      ...prices,
    },
    // No row of cloud services to be taken into.
    { kind: 'cloudServicesAdjustment', credits: parseCredits(`-0.${digits(next)}`), ...second },
    { kind: 'service', serviceType: 'AUTO_CLUSTERING', resource: 'EVENTS', credits: credits() },
    { kind: 'service', serviceType: 'AI_SERVICES', resource: null, credits: credits(), ...prices },
    {
      kind: 'storage',
      serviceType: 'STORAGE',
      resource: 'ANALYTICS',
      credits: NO_CREDITS,
      measured: { quantity: parseQuantity(`0.${digits(next)}`), unit: 'Terabytes' },
      listPrice: PER_TERABYTE,
      contractedPrice: PER_TERABYTE,
      effectivePrice: PER_TERABYTE,
    },
    {
      // Only its money is known.
      kind: 'service',
      serviceType: 'MARKETPLACE',
      resource: null,
      credits: NO_CREDITS,
      effectiveMoney: parseMoney(`2.${digits(next)}`),
    },
    {
      // Given back.
      kind: 'transfer',
      serviceType: 'DATA_TRANSFER',
      resource: null,
      credits: NO_CREDITS,
      effectiveMoney: parseMoney(`-0.${digits(next)}`),
    },
    { kind: 'variance', resource: null, credits: parseCredits(`-0.00${digits(next).slice(0, 9)}`) },
    {
      kind: 'correction',
      credits: parseCredits(`-1.${digits(next)}`),
      chargeDay: '2026-09-17',
      corrects: { month: '2026-09', lineId: 'old-line' },
    },
    {
      // A price that changed: no credits, and still money.
      kind: 'correction',
      credits: NO_CREDITS,
      effectiveMoney: parseMoney(`4.${digits(next)}`),
      chargeDay: '2026-09-18',
      corrects: { month: '2026-09', lineId: 'older-line' },
    },
    {
      kind: 'adjustment',
      resource: null,
      credits: NO_CREDITS,
      effectiveMoney: parseMoney(`-${next() % 90}`),
      note: '=HYPERLINK("http://x","goodwill")',
      chargeDay: '2026-09-30',
      corrects: { month: '2026-09', lineId: null },
    },
  ];
}

function moneyOf(line: BillLine): Money {
  return line.measured === null
    ? priceCredits(line.credits, line.effectivePrice, 'half-even')
    : (mulDiv(
        line.measured.quantity satisfies Quantity,
        line.effectivePrice,
        10n ** 12n,
        'half-even',
      ) as Money);
}

function prepaidOf(money: Money, { prepaid }: Drawn, next: () => number): Money {
  if (prepaid === 'none') return NO_MONEY;
  if (prepaid === 'all' || next() % 3 === 0) return money;
  return next() % 2 === 0 ? NO_MONEY : (mulDiv(money, 2n, 5n, 'half-even') as Money);
}

function rounded(bill: TeamBill, residue: Money): TeamBill {
  const first = must(bill.lines[0], 'a bill has lines');
  const line: BillLine = {
    ...first,
    id: `${bill.teamId}-rounding`,
    kind: 'rounding',
    resource: null,
    credits: NO_CREDITS,
    usedMs: 0,
    statements: 0,
    effectiveMoney: NO_MONEY,
    prepaidMoney: NO_MONEY,
    amount: residue,
  };
  const lines = [...bill.lines, line];
  return { ...bill, lines, totalAmount: addMoney(bill.totalAmount, residue) };
}

function digits(next: () => number): string {
  return String(next()).padStart(12, '7').slice(0, 12);
}

function draws(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
}
