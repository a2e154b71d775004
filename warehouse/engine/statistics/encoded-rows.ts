/**
 * Rows as one text on their way to DuckDB. Splitting at control characters is three times as fast there as reading JSON,
 * and a column whose cells are all equal is not sent at all; JSON is for rows that hold one of those characters.
 */
import type { Cell } from '#base/wire/row-type.js';

/** ASCII's unit, record and group separators: between cells, between rows, and for NULL. */
export const CELL_CODE = 31;
export const LINE_CODE = 30;
export const NULL_CODE = 29;

const CELL_END = String.fromCodePoint(CELL_CODE);
const LINE_END = String.fromCodePoint(LINE_CODE);
const NULL_MARK = String.fromCodePoint(NULL_CODE);
// oxlint-disable-next-line no-control-regex
const SEPARATORS = /[\u0000\u001d-\u001f]/;

export interface EncodedRows {
  readonly form: 'split' | 'json';
  readonly count: number;
  /** By column: the cell that every row has there; undefined for a column whose cells are in `text`. */
  readonly constants: readonly (Cell | undefined)[];
  /** The other columns, in order. */
  readonly text: string;
}

/** Encodes rows of equal length. */
export function encodeRows(rows: readonly (readonly Cell[])[]): EncodedRows {
  const [first] = rows;
  if (first === undefined) return { form: 'split', count: 0, constants: [], text: '' };
  // One column is always sent, because splitting needs something between the rows.
  const constants = first.map((cell, index) =>
    index > 0 && rows.every((row) => row[index] === cell) ? cell : undefined,
  );
  const sent = first.flatMap((_, index) => (constants[index] === undefined ? [index] : []));
  const cells = rows.map((row) => sent.map((index) => row[index] ?? null));
  const isPlain = cells.every((row) =>
    row.every((cell) => cell === null || !SEPARATORS.test(cell)),
  );
  const text = isPlain
    ? cells.map((row) => row.map((cell) => cell ?? NULL_MARK).join(CELL_END)).join(LINE_END)
    : jsonText(cells);
  return { form: isPlain ? 'split' : 'json', count: rows.length, constants, text };
}

/** The rows as JSON that DuckDB reads whatever is in them: it refuses the whole text at an escaped lone surrogate. */
function jsonText(rows: readonly (readonly Cell[])[]): string {
  const json = JSON.stringify(rows);
  if (!/\\ud[89a-f]/.test(json)) return json;
  // Every escape is matched, so that a backslash that is itself escaped does not start one.
  return json.replaceAll(/\\(?:u(d[89a-f][0-9a-f]{2})|[^])/g, (escape, lone?: string) =>
    lone === undefined ? escape : '\ufffd',
  );
}
