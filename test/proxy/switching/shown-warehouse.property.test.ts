import fc from 'fast-check';
import { expect, test } from 'vitest';
import { showingWarehouse } from '../../../proxy/switching/shown-warehouse.js';

/** What comes out when the reply comes in pieces of these lengths. */
function inPieces(reply: string, lengths: readonly number[]): string {
  const rewrite = showingWarehouse('BATCH_WH', 'STANDARD_WH');
  const bytes = Buffer.from(reply);
  const out: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    out.push(rewrite(bytes.subarray(at, at + length), false));
    at += length;
  }
  out.push(rewrite(bytes.subarray(at), true));
  return Buffer.concat(out).toString('utf8');
}

const cell = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('finalWarehouseName', '"finalWarehouseName":"BATCH_WH"', 'BATCH_WH', '\\"', 'ü'),
);

test('the name of the session stands in the reply, and nothing else changes, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { maxLength: 3 }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }),
      fc.constantFrom('', ' ', '\n  '),
      (rowset, lengths, blank) => {
        const reply = (name: string): string =>
          `{"data":{"rowset":${JSON.stringify(rowset)},"finalWarehouseName"${blank}:${blank}${JSON.stringify(name)},"total":1}}`;
        expect(inPieces(reply('BATCH_WH'), lengths)).toBe(reply('STANDARD_WH'));
        expect(inPieces(reply('OTHER_WH'), lengths)).toBe(reply('OTHER_WH'));
      },
    ),
  );
});
