/**
 * Lists in pages: `limit` and an opaque `cursor` in, `nextCursor` out. A cursor holds the key of the last row given, so
 * that rows which come or go between two pages neither repeat nor hide others.
 */
import { z } from 'zod';
import { badField } from './problems.js';

const PAGE_ROWS = 100;
const PAGE_ROWS_MAX = 500;
const CURSOR_CHARACTERS_MAX = 1000;
/** NUL in a text, and a date of a year 0: no row has them, and a query with them fails. */
const NOT_IN_POSTGRES = /\\u0000|"0000-\d\d-\d\d/;

/** The query parameters of every list; spread into its `z.strictObject`. */
export const pageFields: {
  readonly limit: z.ZodDefault<z.ZodCoercedNumber>;
  readonly cursor: z.ZodOptional<z.ZodString>;
} = {
  limit: z.coerce
    .number(`must be a whole number of 1 to ${PAGE_ROWS_MAX}`)
    .int()
    .min(1)
    .max(PAGE_ROWS_MAX)
    .default(PAGE_ROWS)
    .describe('Rows of a page'),
  cursor: z
    .string()
    .max(CURSOR_CHARACTERS_MAX)
    .optional()
    .describe('nextCursor of the page before; absent: the first page'),
};

/** The field that every list's reply has beside its rows. */
export const nextCursorSchema: z.ZodNullable<z.ZodString> = z
  .string()
  .nullable()
  .describe('cursor of the next page; null: this is the last');

export interface PageAsked {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | null;
}

/** The key after which the page begins, or undefined for the first. `list` ties a cursor to its list. @throws a 400 */
export function keyOfCursor<Key>(
  list: string,
  cursor: string | undefined,
  schema: z.ZodType<Key>,
): Key | undefined {
  if (cursor === undefined) return undefined;
  const key = decoded(cursor);
  const parsed = z.tuple([z.literal(list), schema]).safeParse(key);
  if (!parsed.success || NOT_IN_POSTGRES.test(JSON.stringify(key)))
    throw badField(
      'querystring.cursor',
      'must be the nextCursor of a page of this list',
      'leave it out to begin with the first page',
    );
  return parsed.data[1];
}

/**
 * Cuts what was read to a page.
 * @param rows in their order, read with a limit of one more than the page has.
 * @param keyOf what {@link keyOfCursor} gives back for the next page.
 */
export function pageOf<Row>(
  list: string,
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => unknown,
): Page<Row> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  if (last === undefined) return { rows, nextCursor: null };
  const text = JSON.stringify([list, keyOf(last)]);
  return { rows: rows.slice(0, limit), nextCursor: Buffer.from(text).toString('base64url') };
}

/** A page of what is in memory already, ordered by id. */
export function pageById<Row extends { readonly id: string }>(
  list: string,
  all: readonly Row[],
  asked: PageAsked,
): Page<Row> {
  const after = keyOfCursor(list, asked.cursor, z.string());
  const rows = all
    .filter((row) => after === undefined || row.id > after)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return pageOf(list, rows, asked.limit, (row) => row.id);
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
