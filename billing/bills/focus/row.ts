/** One row of Cost and Usage, and the values of its columns that take more than a field. */
import { formatExact, formatPlain } from '#base/exact.js';
import { NO_CREDITS, NO_MONEY, type Quantity, parseCredits } from '#base/units.js';
import type { BilledAccount, BilledMonth } from '../billed-month.js';
import { dayAfter, firstDayAfter, firstDayOf } from '../days.js';
import type { FocusCharge, Pricing } from './charges.js';
import { midnightOf } from './column.js';
import type { FocusService } from './services.js';
import type { FocusVersion } from './versions.js';

export interface FocusRow extends FocusCharge {
  readonly month: BilledMonth;
  readonly account: BilledAccount | null;
  /** Of its origin charge; null: it is no share of one. */
  readonly ratio: Quantity | null;
  readonly version: FocusVersion;
  readonly billingPeriod: Span;
  readonly chargePeriod: Span;
}

/** Instants, the end exclusive. */
export interface Span {
  readonly start: string;
  readonly end: string;
}

/** Who sells, meters and invoices, in FOCUS's words. */
export const ISSUER = 'Snowflake';

export const PRICING_CURRENCY = 'Snowflake Credits';

const ONE_CREDIT = parseCredits('1');

const HOSTS = {
  AWS: 'Amazon Web Services',
  AZURE: 'Microsoft Azure',
  GCP: 'Google Cloud',
} as const;

/** Storage is priced by what lay there over a day. */
function unitOf(unit: Pricing['unit'], { meter }: FocusService): string {
  if (unit !== 'Terabytes') return unit;
  return meter === 'Storage' ? 'TB-Days' : 'TB';
}

/** Bounds of the billing period, and of a charge of the whole month. */
export function periodOf({ month }: Pick<BilledMonth, 'month'>): Span {
  return { start: midnightOf(firstDayOf(month)), end: midnightOf(firstDayAfter(month)) };
}

/** Bounds of a UTC day. */
export function dayOf(day: string): Span {
  return { start: midnightOf(day), end: midnightOf(dayAfter(day)) };
}

/** Snowflake's invoice of the month, as we name it: its number is in none of the views; null until the month is closed. */
export function invoiceIdOf(month: BilledMonth): string | null {
  return isInvoiced(month) ? invoiceName(month) : null;
}

/** Whether nothing of the month changes any more. */
export function isInvoiced({ state }: Pick<BilledMonth, 'state'>): boolean {
  return state === 'closed' || state === 'superseded';
}

/** What the invoice of a month is called, also before it is final. */
export function invoiceName({
  organisation,
  month,
}: Pick<BilledMonth, 'organisation' | 'month'>): string {
  return `${organisation.id}-${month}`;
}

/** The record of Invoice Detail that the charge is part of; a correction's is by the month that it mends. */
export function invoiceDetailIdOf(
  month: BilledMonth,
  charge: Pick<FocusCharge, 'line' | 'service' | 'category' | 'isCorrection'>,
): string {
  const { line, service, category, isCorrection } = charge;
  const mended = isCorrection && line.corrects !== null ? [line.corrects.month] : [];
  return [invoiceName(month), line.account, service.name, category, ...mended].join('/');
}

/** Alike in all shares of one origin, as FOCUS wants every dimension. */
export function descriptionOf(row: FocusRow): string {
  const { service, line, isRounding } = row;
  const of = `${service.name}: ${service.meter}`;
  if (isRounding) return `Rounding to what is owed, ${service.name}`;
  if (line.kind === 'adjustment') return line.note;
  return resourceOf(row) === null ? of : `${of} of ${line.resource}`;
}

/** Whose cloud the account runs in; where that is not known, {@link ISSUER}. */
export function hostOf({ account }: FocusRow): string {
  const cloud = account?.cloud ?? null;
  return cloud === null ? ISSUER : HOSTS[cloud];
}

/** null: of rounding, or where the control document names none. */
export function regionOf({ account, isRounding }: FocusRow): string | null {
  return isRounding ? null : (account?.region ?? null);
}

/** Warehouse or entity; null: of rounding, or of the account as a whole. */
export function resourceOf({ line, isRounding }: FocusRow): string | null {
  return isRounding ? null : line.resource;
}

/** Names of resources are unique within an account only. */
export function resourceIdOf(row: FocusRow): string | null {
  const resource = resourceOf(row);
  return resource === null ? null : `${row.line.account}/${resource}`;
}

/** null where there is no resource. */
export function resourceTypeOf(row: FocusRow): string | null {
  return resourceOf(row) === null ? null : row.service.resourceType;
}

/** Ours, not Snowflake's, which publishes none. */
export function skuIdOf({ pricing, service, line }: FocusRow): string | null {
  return pricing === null ? null : `${line.serviceType}/${service.meter}`;
}

/** Ours as the SKU is: what it is priced by, with edition and region; null where nothing is priced. */
export function skuPriceIdOf(row: FocusRow): string | null {
  const sku = skuIdOf(row);
  const { edition = null, region = null } = row.account ?? {};
  return sku === null ? null : [sku, edition, region].filter((part) => part !== null).join('/');
}

/** JSON with the edition; null where none is known or nothing is priced. */
export function skuDetailsOf(row: FocusRow): string | null {
  const edition = row.account?.edition ?? null;
  return edition === null || skuIdOf(row) === null ? null : JSON.stringify({ x_Edition: edition });
}

/** Credits are a currency of their own (FOCUS, "virtual currency"); other units are priced in money. */
export function pricingCurrencyOf({ pricing, month }: FocusRow): string {
  return pricing === null || pricing.unit === 'Credits' ? PRICING_CURRENCY : month.currency;
}

/** A credit costs one credit; other units are priced in money. */
export function pricingUnitPrice(
  { pricing }: FocusRow,
  price: 'listPrice' | 'contractedPrice',
): string | null {
  if (pricing === null) return null;
  return formatPlain(pricing.unit === 'Credits' ? ONE_CREDIT : pricing[price]);
}

/** What it is in the currency that it is priced in: credits, or money; nothing of what has no credits. */
export function pricingCurrencyCost(row: FocusRow): string {
  const { pricing } = row;
  if (pricing === null) return formatPlain(NO_MONEY);
  return pricing.unit === 'Credits'
    ? formatPlain(pricing.quantity)
    : formatExact(row.effectiveCost);
}

/** null where nothing is priced. */
export function pricingUnitOf({ pricing, service }: FocusRow): string | null {
  return pricing === null ? null : unitOf(pricing.unit, service);
}

/** What Snowflake metered, before its daily adjustment; FOCUS: of usage only. A mended price is nothing metered. */
export function consumedOf({ category, pricing, line }: FocusRow): string | null {
  if (category !== 'Usage') return null;
  if (pricing === null) return formatPlain(NO_CREDITS);
  // Before the adjustment that is within the priced quantity.
  return formatPlain(pricing.unit === 'Credits' ? line.credits : pricing.quantity);
}

/** null of all but usage, as {@link consumedOf}. */
export function consumedUnitOf({ category, pricing, service }: FocusRow): string | null {
  return category === 'Usage' ? unitOf(pricing?.unit ?? 'Credits', service) : null;
}

/** The team of the row; null where it is nobody's, or no share of what was metered. */
export function allocatedTo({ bill, ratio }: FocusRow, nobody: string): string | null {
  return ratio === null || bill.teamId === nobody ? null : bill.teamId;
}

/** Our own keys have a prefix, which FOCUS asks of what no user of Snowflake wrote. */
export function teamTagsOf({ bill }: FocusRow): string {
  return JSON.stringify({
    'tollgate/team': bill.teamId,
    'tollgate/department': bill.departmentName,
    'tollgate/costCentre': bill.booking.costCentre,
  });
}

/** How the share was found; its ratios over all shares of one origin sum to 1. */
export function methodDetailsOf(row: FocusRow): string | null {
  const { ratio, pricing } = row;
  if (ratio === null || pricing === null) return null;
  const unit = JSON.stringify(unitOf(pricing.unit, row.service));
  // Numbers of JSON written by ourselves: as doubles they would not sum to 1.
  return `{"Elements":[{"AllocatedRatio":${formatPlain(ratio)},"UsageUnit":${unit},"UsageQuantity":${formatPlain(pricing.quantity)}}]}`;
}
