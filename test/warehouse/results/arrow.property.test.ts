import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { columnsOfPages, columnsOfRows } from '../../../warehouse/results/arrow/physical.js';
import { arrowStream } from '../../../warehouse/results/arrow/stream.js';
import { readArrow } from './arrow-reader.js';

const text = (value: bigint, scale: number): string => {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
};

const fixed = fc
  .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.integer({ min: 0, max: 37 }) })
  .filter(({ precision, scale }) => scale <= precision)
  .map(({ precision, scale }) => {
    const most = 10n ** BigInt(precision) - 1n;
    return {
      column: columnType('N', 'fixed', { precision, scale }),
      cell: fc.bigInt({ min: -most, max: most }).map((value) => text(value, scale)),
    };
  });

const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
const nanos = fc.bigInt({ min: 0n, max: 999_999_999n });
const instant = fc
  .tuple(seconds, nanos)
  .map(([whole, part]) => text(whole * 1_000_000_000n + part, 9));

const plain = (type: string, cell: fc.Arbitrary<string>): fc.Arbitrary<Typed> =>
  fc.constant({ column: columnType(type.toUpperCase(), type), cell });

interface Typed {
  readonly column: RowType;
  readonly cell: fc.Arbitrary<string>;
}

const typed: fc.Arbitrary<Typed> = fc.oneof(
  fixed,
  plain(
    'real',
    fc.oneof(
      fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => String(value + 0)),
      fc.constantFrom('NaN', 'inf', '-inf'),
    ),
  ),
  plain('text', fc.string({ unit: 'binary' })),
  plain('variant', fc.json()),
  plain('boolean', fc.constantFrom('0', '1')),
  plain('date', fc.integer({ min: -719_162, max: 2_932_896 }).map(String)),
  plain(
    'time',
    fc.bigInt({ min: 0n, max: 86_399_999_999_999n }).map((value) => text(value, 9)),
  ),
  plain('timestamp_ntz', instant),
  plain('timestamp_ltz', instant),
  plain(
    'timestamp_tz',
    fc.tuple(instant, fc.integer({ min: 0, max: 2880 })).map(([at, minutes]) => `${at} ${minutes}`),
  ),
  plain(
    'binary',
    fc
      .uint8Array({ maxLength: 20 })
      .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase()),
  ),
);

const table = fc.array(typed, { minLength: 1, maxLength: 8 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns.map(({ column }) => column)),
    rows: fc.array(fc.tuple(...columns.map(({ cell }) => fc.option(cell, { freq: 3 }))), {
      maxLength: 40,
    }),
  }),
);

/** Negative zero is the one double whose text differs. */
const withoutSign = (rows: readonly (readonly Cell[])[]): (string | null)[][] =>
  rows.map((row) => row.map((cell) => (cell === '-0' ? '0' : cell)));

describe('cells as Arrow', () => {
  test('read back, they are the same cells, for every type, null and extreme', () => {
    let rowsSeen = 0;
    fc.assert(
      fc.property(table, ({ columns, rows }) => {
        rowsSeen += rows.length;
        for (const arranged of [columnsOfRows(columns, rows), columnsOfPages(columns, undefined)]) {
          const read = readArrow(arrowStream(arranged, rows));
          expect(withoutSign(read.rows)).toEqual(withoutSign(rows));
          expect(read.fields.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
        }
      }),
      { numRuns: 150 },
    );
    expect(rowsSeen).toBeGreaterThan(100);
  });
});
