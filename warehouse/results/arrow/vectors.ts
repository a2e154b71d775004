/** From the cells of one column to the buffers of an Arrow record batch. */
import { assert } from '#base/assert.js';
import type { Cell } from '#base/wire/row-type.js';
import type { ArrowColumn } from './physical.js';

type Rows = readonly (readonly Cell[])[];

/** One node of a record batch with its buffers; children follow their struct. */
export interface Vector {
  readonly nullCount: number;
  readonly buffers: readonly Uint8Array[];
}

const NANOS_DIGITS = 9;
const NANOS = 1_000_000_000;
/** Decimal128 is two 64-bit words. */
const WORD = 64n;

/** The vectors of column `index` in the order of the batch. Asserts that cells are of their column's type. */
export function vectorsOf(
  { column, physical }: ArrowColumn,
  rows: Rows,
  index: number,
): readonly Vector[] {
  const { nullCount, validity } = validityOf(rows, index);
  const flat = (...buffers: readonly Uint8Array[]): readonly Vector[] => [
    { nullCount, buffers: [validity, ...buffers] },
  ];
  const scale = column.scale ?? 0;
  switch (physical.kind) {
    case 'int':
      return flat(integers(rows, index, scale, physical.bits));
    case 'decimal':
      return flat(decimals(rows, index, scale));
    case 'real':
      return flat(reals(rows, index));
    case 'bool':
      return flat(bits(rows.length, (row) => isTrue(rows[row]?.[index])));
    case 'date': {
      const days = new Int32Array(rows.length);
      each(rows, index, (cell, row) => (days[row] = Number(cell)));
      return flat(bytesOf(days));
    }
    case 'time': {
      const nanos = new BigInt64Array(rows.length);
      each(rows, index, (cell, row) => (nanos[row] = unscaled(cell, NANOS_DIGITS)));
      return flat(bytesOf(nanos));
    }
    case 'text':
      return flat(...variable(rows, index, (cell) => Buffer.from(cell, 'utf8')));
    case 'binary':
      return flat(...variable(rows, index, (cell) => Buffer.from(cell, 'hex')));
    case 'instant': {
      const parts = instants(rows, index, physical.isZoned);
      // The children of a null have a value of no meaning; they are null with it.
      const child = (data: Uint8Array): Vector => ({ nullCount, buffers: [validity, data] });
      return [{ nullCount, buffers: [validity] }, ...parts.map(child)];
    }
  }
}

function each(rows: Rows, index: number, use: (cell: string, row: number) => void): void {
  for (let row = 0; row < rows.length; row += 1) {
    const cell = rows[row]?.[index];
    if (cell !== null && cell !== undefined) use(cell, row);
  }
}

function validityOf(
  rows: Rows,
  index: number,
): { readonly nullCount: number; readonly validity: Uint8Array } {
  let nullCount = 0;
  for (const row of rows) if (row[index] === null || row[index] === undefined) nullCount += 1;
  // Without nulls the bitmap may be empty.
  if (nullCount === 0) return { nullCount, validity: new Uint8Array(0) };
  const validity = bits(rows.length, (row) => {
    const cell = rows[row]?.[index];
    return cell !== null && cell !== undefined;
  });
  return { nullCount, validity };
}

function bits(length: number, isSet: (row: number) => boolean): Uint8Array {
  const bitmap = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row += 1)
    if (isSet(row)) bitmap[row >> 3] = (bitmap[row >> 3] ?? 0) | (1 << (row & 7));
  return bitmap;
}

function isTrue(cell: Cell | undefined): boolean {
  return cell === '1' || (cell ?? '').toUpperCase() === 'TRUE';
}

function integers(rows: Rows, index: number, scale: number, size: 8 | 16 | 32 | 64): Uint8Array {
  if (size === 64) {
    const values = new BigInt64Array(rows.length);
    each(rows, index, (cell, row) => (values[row] = unscaled(cell, scale)));
    return bytesOf(values);
  }
  const values =
    size === 8
      ? new Int8Array(rows.length)
      : size === 16
        ? new Int16Array(rows.length)
        : new Int32Array(rows.length);
  each(rows, index, (cell, row) => (values[row] = Number(unscaled(cell, scale))));
  return bytesOf(values);
}

function decimals(rows: Rows, index: number, scale: number): Uint8Array {
  const words = new BigInt64Array(rows.length * 2);
  each(rows, index, (cell, row) => {
    const value = unscaled(cell, scale);
    assert(BigInt.asIntN(128, value) === value, 'a number of more than 128 bits');
    words[row * 2] = BigInt.asIntN(64, value);
    words[row * 2 + 1] = value >> WORD;
  });
  return bytesOf(words);
}

function reals(rows: Rows, index: number): Uint8Array {
  const values = new Float64Array(rows.length);
  each(rows, index, (cell, row) => {
    values[row] =
      cell === 'inf'
        ? Number.POSITIVE_INFINITY
        : cell === '-inf'
          ? Number.NEGATIVE_INFINITY
          : Number(cell);
  });
  return bytesOf(values);
}

/** Offsets and data. */
function variable(
  rows: Rows,
  index: number,
  encode: (cell: string) => Buffer,
): readonly [Uint8Array, Uint8Array] {
  const offsets = new Int32Array(rows.length + 1);
  const parts: Buffer[] = [];
  let end = 0;
  for (let row = 0; row < rows.length; row += 1) {
    const cell = rows[row]?.[index];
    if (cell !== null && cell !== undefined) {
      const part = encode(cell);
      parts.push(part);
      end += part.length;
    }
    offsets[row + 1] = end;
  }
  return [bytesOf(offsets), Buffer.concat(parts, end)];
}

/** Whole seconds, nanoseconds after them, and for zoned ones the minutes as the cell has them (UTC is 1440). */
function instants(rows: Rows, index: number, isZoned: boolean): readonly Uint8Array[] {
  const seconds = new BigInt64Array(rows.length);
  const nanos = new Int32Array(rows.length);
  const minutes = new Int32Array(isZoned ? rows.length : 0);
  each(rows, index, (cell, row) => {
    const blank = cell.indexOf(' ');
    const instant = blank < 0 ? cell : cell.slice(0, blank);
    const dot = instant.indexOf('.');
    const whole = Math.abs(Number(dot < 0 ? instant : instant.slice(0, dot)));
    const fraction =
      dot < 0 ? 0 : Number(instant.slice(dot + 1, dot + 10).padEnd(NANOS_DIGITS, '0'));
    const isBefore = instant.startsWith('-');
    // Half a second before the epoch is the second before it and half a second more.
    const isBorrowed = isBefore && fraction > 0;
    seconds[row] = BigInt((isBefore ? -whole : whole) - (isBorrowed ? 1 : 0));
    nanos[row] = isBorrowed ? NANOS - fraction : fraction;
    if (isZoned) minutes[row] = Number(cell.slice(blank + 1));
  });
  const parts = [bytesOf(seconds), bytesOf(nanos)];
  return isZoned ? [...parts, bytesOf(minutes)] : parts;
}

/** The number × 10^scale. */
function unscaled(cell: string, scale: number): bigint {
  const dot = cell.indexOf('.');
  if (dot < 0) return scale === 0 ? BigInt(cell) : BigInt(cell + '0'.repeat(scale));
  const fraction = cell.slice(dot + 1);
  assert(fraction.length <= scale, 'a cell with more decimals than its column');
  return BigInt(cell.slice(0, dot) + fraction.padEnd(scale, '0'));
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
