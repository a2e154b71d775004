import { expect, test } from 'vitest';
import { cellOfFile } from '../../../billing/usage/file-cells.js';

const TEN = String(Date.UTC(2026, 9, 1, 10));

test.each([
  ['instant', '2026-10-01 10:00:00.000 Z', TEN],
  ['instant', '2026-10-01T10:00:00Z', TEN],
  ['instant', '2026-10-01 03:00:00.000 -0700', TEN],
  ['instant', '2026-10-01 03:00:00.000 -07:00', TEN],
  ['instant', '2026-10-01 12:00:00.000+02', TEN],
  ['instant', '2026-10-01 10:00:00.000000000', TEN],
  ['instant', '2026-10-01 10:00', TEN],
  ['instant', TEN, TEN],
  ['instant', TEN.slice(0, 10), TEN],
  ['instant', `${TEN}123`, TEN],
  ['instant', `${TEN.slice(0, 10)}.250000000`, `${TEN.slice(0, 10)}250`],
  ['instant', `${TEN.slice(0, 10)}.5`, `${TEN.slice(0, 10)}500`],
  ['instant', '01.10.2026', '01.10.2026'],
  ['instant', '2026-13-01 10:00:00', '2026-13-01 10:00:00'],
  ['instant', '2026-02-30 10:00:00', '2026-02-30 10:00:00'],
  ['day', '2026-10-01', '2026-10-01'],
  ['day', '2026-10-01 00:00:00.000', '2026-10-01'],
  ['day', '2026-10-01 10:00:00', '2026-10-01 10:00:00'],
  ['amount', ' 1.5 ', '1.5'],
  ['text', ' kept ', ' kept '],
  ['text', '\\N', null],
  ['amount', '', null],
  ['id', null, null],
  ['id', ' 7 ', '7'],
  ['id', '7.0', '7'],
  ['id', '9007199254740993.0', '9007199254740993.0'],
  ['id', '1.2E+17', '1.2E+17'],
] as const)('a cell of the form %s that reads %j is %j', (form, text, cell) => {
  expect(cellOfFile(form, text)).toBe(cell);
});
