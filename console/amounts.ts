/** Decimal texts as the API gives them, for people: never through floating point, because cents must add up. */

const PLACES = 12;
const ONE = 10n ** BigInt(PLACES);

/** `1234.5` → 1234500000000000n, in units of 10⁻¹². Text that is no decimal is 0. */
export function unitsOf(text: string | null | undefined): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{0,12})\d*)?$/.exec(text ?? '');
  if (match === null) return 0n;
  const [, sign, whole = '0', part = ''] = match;
  const units = BigInt(whole) * ONE + BigInt(part.padEnd(PLACES, '0'));
  return sign === '-' ? -units : units;
}

/** Units as a decimal with `digits` places, half away from zero, thousands set apart: `1,234.50`. */
export function textOf(units: bigint, digits: number): string {
  const step = 10n ** BigInt(PLACES - digits);
  const size = units < 0n ? -units : units;
  const rounded = (size + step / 2n) / step;
  const scale = 10n ** BigInt(digits);
  const whole = String(rounded / scale).replace(/\B(?=(\d{3})+$)/g, ',');
  const part = digits === 0 ? '' : `.${String(rounded % scale).padStart(digits, '0')}`;
  return `${units < 0n && rounded !== 0n ? '−' : ''}${whole}${part}`;
}

/** Places that show a difference: two for what is large, up to six for what would look like nothing. */
export function digitsFor(units: bigint): number {
  const size = units < 0n ? -units : units;
  if (size === 0n || size >= ONE) return 2;
  if (size >= ONE / 100n) return 4;
  return 6;
}

/** Credits for a cell: `0.0042`, `1,234.50`. */
export function credits(text: string | null | undefined): string {
  const units = unitsOf(text);
  return textOf(units, digitsFor(units));
}

/** Money for a cell: `$0.0042` or `12.50 EUR`. */
export function money(text: string | null | undefined, currency: string): string {
  const units = unitsOf(text);
  return inCurrency(textOf(units, digitsFor(units)), currency);
}

function inCurrency(shown: string, currency: string): string {
  if (currency !== 'USD') return `${shown} ${currency}`;
  return shown.startsWith('−') ? `−$${shown.slice(1)}` : `$${shown}`;
}

/** What is owed, in the decimals of its currency, however small it is: `$0.28`, `897 JPY`. */
export function owed(text: string | null | undefined, currency: string): string {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  return inCurrency(textOf(unitsOf(text), maximumFractionDigits), currency);
}

/** What a bill is in its team's own currency, in the decimals that the API gives it: `897 JPY`, `3.379 KWD`. */
export function owedAs(conversion: { readonly amount: string; readonly currency: string }): string {
  const decimals = conversion.amount.split('.')[1]?.length ?? 0;
  return `${textOf(unitsOf(conversion.amount), decimals)} ${conversion.currency}`;
}

/** `part` of `whole` in percent for the width of a bar, 0 to 100. */
export function percent(part: bigint, whole: bigint): number {
  if (whole <= 0n) return part > 0n ? 100 : 0;
  const hundredths = Number((part * 10_000n) / whole) / 100;
  return Math.min(100, Math.max(0, hundredths));
}

/** Sum of decimal texts, as units. */
export function sum(texts: readonly (string | null | undefined)[]): bigint {
  return texts.reduce((total, text) => total + unitsOf(text), 0n);
}

/**
 * What a bill is beyond its budget: of an open month the forecast is held against it, else what is owed.
 * @returns units, below zero for what is left of it; null: there is no budget.
 */
export function againstBudget(bill: {
  readonly totalAmount: string;
  readonly budgetAmount: string | null;
  readonly forecastAmount?: string | null;
}): bigint | null {
  if (bill.budgetAmount === null) return null;
  return unitsOf(bill.forecastAmount ?? bill.totalAmount) - unitsOf(bill.budgetAmount);
}

/** `+12.50` above, `−3.00` below, `–` where there is nothing to tell. */
export function signed(units: bigint | null): string {
  if (units === null) return '–';
  return `${units > 0n ? '+' : ''}${textOf(units, 2)}`;
}
