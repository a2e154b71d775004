/** Decimal texts for people: never through a floating point number. */

/** With its thousands set apart: `-1,234.50` of `-1234.50`. */
export function grouped(decimal: string): string {
  const [whole = '', ...fraction] = decimal.split('.');
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.');
}

/**
 * Without zeros at the end that say nothing: `12.5` of `12.500`, `10` of `10.0`.
 * @param decimalsMin how many decimals stand at least, of those that there are.
 */
export function trimmed(decimal: string, decimalsMin = 0): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  const kept = fraction.slice(0, decimalsMin) + fraction.slice(decimalsMin).replace(/0+$/, '');
  return kept === '' ? whole : `${whole}.${kept}`;
}
