/** Answers of the warehouse beside those of DuckDB asked directly: numbers by value, FLOATs within a stated tolerance. */

/** Two doubles are the same when they differ by no more than this share: sums are added in another order. */
export const FLOAT_TOLERANCE = 1e-9;

export type Comparable = string | number | null;

/**
 * Whether `ours` and `theirs` are the same value. Exact decimals are compared as texts without trailing zeros; where
 * DuckDB answers with a double (AVG, division), half a unit of our last decimal is allowed on top.
 */
export function isSame(ours: Comparable, theirs: Comparable): boolean {
  if (ours === null || theirs === null) return ours === theirs;
  if (typeof theirs === 'string') return normal(String(ours)) === normal(theirs);
  const decimals = String(ours).split('.')[1]?.length ?? 0;
  const allowed = FLOAT_TOLERANCE * Math.max(1, Math.abs(theirs)) + 0.5 * 10 ** -decimals;
  return Math.abs(Number(ours) - theirs) <= allowed;
}

/** A decimal without trailing zeros of its fraction; another text as it is. */
export function normal(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text;
}
