/**
 * A billed month as charges of FOCUS's Cost and Usage, one after another, before they are written as columns.
 *
 * FOCUS wants unit price × quantity = cost on every row, finance wants whole cents that sum to the invoice; both cannot
 * hold on one row. So a priced row has the exact product, and behind the rows of a bill stands one *rounding row* an
 * account and service with what lies between their products and what is owed: costs sum to the bill, to the last digit.
 */
import { must } from '#base/assert.js';
import {
  type Exact,
  NOTHING_EXACT,
  addExact,
  exactProduct,
  subtractExact,
  toExact,
} from '#base/exact.js';
import { roundToMinor } from '#base/currency.js';
import {
  type Credits,
  type Money,
  NO_MONEY,
  type Quantity,
  addCredits,
  addMoney,
  compareAmounts,
  parseQuantity,
  priceCredits,
  subtractMoney,
} from '#base/units.js';
import type { BillLine, BilledMonth, MeasuredUnit, TeamBill } from '../billed-month.js';
import { type FocusService, serviceOf } from './services.js';

export type ChargeCategory = 'Usage' | 'Credit' | 'Adjustment';

/** What a row is priced by, and at what each. */
export interface Pricing extends Pick<
  BillLine,
  'listPrice' | 'contractedPrice' | 'effectivePrice'
> {
  readonly quantity: Credits | Quantity;
  /** `Units`: a sum of money for the day, of which nothing was counted. */
  readonly unit: 'Credits' | MeasuredUnit | 'Units';
}

export interface FocusCharge {
  readonly bill: TeamBill;
  /** Of a rounding row the first line of its group. */
  readonly line: BillLine;
  /** The adjustment of cloud services that is within this row's quantity. */
  readonly adjustment: BillLine | null;
  readonly service: FocusService;
  readonly category: ChargeCategory;
  /** Mends a month that was closed before. */
  readonly isCorrection: boolean;
  readonly isRounding: boolean;
  /** null: an amount of money and no priced use. */
  readonly pricing: Pricing | null;
  readonly listCost: Exact;
  readonly contractedCost: Exact;
  readonly effectiveCost: Exact;
  readonly billedCost: Exact;
  /** What the team owes for it, in whole smallest units; what lies between is in the rounding rows. */
  readonly amount: Money;
  /** The metered thing that the row is a share of; null: of none. */
  readonly originId: string | null;
}

/** What is between the rows of one account and service of a bill, and what is owed for them. */
interface Residue {
  readonly line: BillLine;
  readonly service: FocusService;
  effective: Exact;
  billed: Exact;
}

/** Every charge of one bill: its lines in their order, then the rounding rows by account and service. */
export function* chargesOf(bill: TeamBill, month: BilledMonth): Generator<FocusCharge> {
  const residues = new Map<string, Residue>();
  const merged = mergedAdjustments(bill);
  for (const line of bill.lines) {
    if (merged.within.has(line.id)) continue;
    const charge = chargeOf(bill, line, merged.byService.get(line.id) ?? null, month);
    leaveResidue(residues, charge, month.currency);
    yield charge;
  }
  for (const [, residue] of [...residues].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (residue.effective !== NOTHING_EXACT || residue.billed !== NOTHING_EXACT)
      yield roundingRow(bill, residue);
}

function chargeOf(
  bill: TeamBill,
  line: BillLine,
  adjustment: BillLine | null,
  month: BilledMonth,
): FocusCharge {
  const isCorrection = line.corrects !== null && line.corrects.month !== month.month;
  const amount = addMoney(line.amount, adjustment?.amount ?? NO_MONEY);
  const effectiveMoney = addMoney(line.effectiveMoney, adjustment?.effectiveMoney ?? NO_MONEY);
  const prepaid = addMoney(line.prepaidMoney, adjustment?.prepaidMoney ?? NO_MONEY);
  const pricing = pricingOf(line, adjustment);
  const cost = (price: 'listPrice' | 'contractedPrice' | 'effectivePrice'): Exact =>
    pricing === null ? toExact(amount) : exactProduct(pricing.quantity, pricing[price]);
  const effectiveCost = cost('effectivePrice');
  return {
    bill,
    line,
    adjustment,
    service: serviceOf(line),
    category: categoryOf(line, pricing),
    isCorrection,
    isRounding: line.kind === 'rounding',
    pricing,
    listCost: cost('listPrice'),
    contractedCost: cost('contractedPrice'),
    effectiveCost,
    billedCost: billedPart(effectiveCost, effectiveMoney, prepaid),
    amount,
    originId: originOf(line, pricing, isCorrection),
  };
}

/** Nothing of what was paid before is invoiced again; a day on which the balance ran out is in between. */
function billedPart(effectiveCost: Exact, effectiveMoney: Money, prepaid: Money): Exact {
  if (prepaid === NO_MONEY) return effectiveCost;
  return prepaid === effectiveMoney
    ? NOTHING_EXACT
    : toExact(subtractMoney(effectiveMoney, prepaid));
}

/**
 * By the credit, or by its own unit; money that neither makes is one unit of its own. null for what is no use: what a
 * person wrote down, what is given back, and corrections, which may be the difference of two prices.
 */
function pricingOf(line: BillLine, adjustment: BillLine | null): Pricing | null {
  const { kind, measured, credits, effectiveMoney } = line;
  const { listPrice, contractedPrice, effectivePrice } = line;
  if (kind === 'rounding' || kind === 'adjustment') return null;
  if (measured !== null) return { ...measured, listPrice, contractedPrice, effectivePrice };
  if (priceCredits(credits, effectivePrice, 'half-even') === effectiveMoney)
    return {
      quantity: adjustment === null ? credits : addCredits(credits, adjustment.credits),
      unit: 'Credits',
      listPrice,
      contractedPrice,
      effectivePrice,
    };
  if (kind === 'correction' || compareAmounts(effectiveMoney, NO_MONEY) < 0) return null;
  const price = effectiveMoney;
  return {
    quantity: ONE_UNIT,
    unit: 'Units',
    listPrice: price,
    contractedPrice: price,
    effectivePrice: price,
  };
}

const ONE_UNIT = parseQuantity('1');

/**
 * FOCUS: what a person wrote down is an Adjustment, below zero a Credit; money that is given back, and the daily adjustment
 * of cloud services that no row of theirs takes in, is a Credit; everything that was metered is Usage.
 */
function categoryOf({ kind, amount, corrects }: BillLine, pricing: Pricing | null): ChargeCategory {
  if (kind === 'rounding' || kind === 'variance') return 'Adjustment';
  if (kind === 'adjustment') return compareAmounts(amount, NO_MONEY) < 0 ? 'Credit' : 'Adjustment';
  if (kind === 'cloudServicesAdjustment') return 'Credit';
  return pricing === null && corrects === null ? 'Credit' : 'Usage';
}

/** The charge as Snowflake metered it: one meter of one resource on one day, before it was split over teams. */
function originOf(line: BillLine, pricing: Pricing | null, isCorrection: boolean): string | null {
  if (pricing === null || isCorrection || categoryOf(line, pricing) !== 'Usage') return null;
  const { account, resource, serviceType, chargeDay } = line;
  // With its prices: an origin has one of each, as everything that is no sum must be equal in all its shares.
  return JSON.stringify([
    account,
    resource,
    serviceType,
    serviceOf(line).meter,
    chargeDay,
    pricing.unit,
    String(pricing.listPrice),
    String(pricing.contractedPrice),
    String(pricing.effectivePrice),
  ]);
}

/**
 * FOCUS wants a discount in the rows that it is given on: the daily adjustment of cloud services is taken into the row of
 * the services themselves where a bill has exactly one for that resource and day at the same prices.
 */
function mergedAdjustments(bill: TeamBill): {
  readonly within: ReadonlySet<string>;
  readonly byService: ReadonlyMap<string, BillLine>;
} {
  const services = new Map<string, BillLine | null>();
  for (const line of bill.lines)
    if (line.kind === 'cloudServices')
      services.set(adjustedKey(line), services.has(adjustedKey(line)) ? null : line);
  const within = new Set<string>();
  const byService = new Map<string, BillLine>();
  for (const line of bill.lines) {
    if (line.kind !== 'cloudServicesAdjustment') continue;
    const service = services.get(adjustedKey(line)) ?? null;
    if (service === null || byService.has(service.id)) continue;
    within.add(line.id);
    byService.set(service.id, line);
  }
  return { within, byService };
}

function adjustedKey(line: BillLine): string {
  const { account, resource, chargeDay, listPrice, contractedPrice, effectivePrice } = line;
  const prices = [listPrice, contractedPrice, effectivePrice].map(String);
  return JSON.stringify([account, resource, chargeDay, ...prices]);
}

function leaveResidue(residues: Map<string, Residue>, charge: FocusCharge, currency: string): void {
  const { line, adjustment, service, amount } = charge;
  const key = JSON.stringify([line.account, service.name]);
  if (!residues.has(key))
    residues.set(key, { line, service, effective: NOTHING_EXACT, billed: NOTHING_EXACT });
  const residue = must(residues.get(key), 'it was set');
  const billed = payable(line, currency);
  const alsoBilled = adjustment === null ? NO_MONEY : payable(adjustment, currency);
  residue.effective = leftOver(residue.effective, amount, charge.effectiveCost);
  residue.billed = leftOver(residue.billed, addMoney(billed, alsoBilled), charge.billedCost);
}

function leftOver(before: Exact, owed: Money, cost: Exact): Exact {
  return addExact(before, subtractExact(toExact(owed), cost));
}

/** What of the amount of a line is invoiced: nothing of what was paid before. */
export function payable(line: BillLine, currency: string): Money {
  if (line.prepaidMoney === NO_MONEY) return line.amount;
  if (line.prepaidMoney === line.effectiveMoney) return NO_MONEY;
  return subtractMoney(line.amount, roundToMinor(line.prepaidMoney, currency));
}

function roundingRow(bill: TeamBill, { line, service, effective, billed }: Residue): FocusCharge {
  return {
    bill,
    line,
    adjustment: null,
    service,
    category: 'Adjustment',
    isCorrection: false,
    isRounding: true,
    pricing: null,
    listCost: effective,
    contractedCost: effective,
    effectiveCost: effective,
    billedCost: billed,
    amount: NO_MONEY,
    originId: null,
  };
}
