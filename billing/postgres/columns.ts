/**
 * Many rows as one array a column, for `unnest`: neither end builds an object a row, as JSON would have it. Array literals of
 * Postgres (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO), written here because the driver escapes
 * each element, also those that cannot need it.
 */

/** Values whose text has no comma, brace, quote, backslash or space, and is not empty: numbers, decimals, ids, booleans. */
export function plainArray(values: readonly (string | number | boolean | null)[]): string {
  // `join` writes nothing for null, and Postgres takes nothing for an error.
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

const QUOTED = /["\\]/;
const QUOTED_ALL = /["\\]/g;

/** Any texts. What Postgres cannot store of one (NUL) is replaced; halves of surrogate pairs are by the driver, in UTF-8. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map(quoted).join(',')}}`;
}

function quoted(value: string | null): string {
  if (value === null) return 'NULL';
  const text = value.includes('\0') ? value.replaceAll('\0', '\u{FFFD}') : value;
  return QUOTED.test(text) ? `"${text.replace(QUOTED_ALL, '\\$&')}"` : `"${text}"`;
}
