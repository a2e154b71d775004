import { expect, test } from 'vitest';
import { columnType } from '#base/wire/row-type.js';
import type { TicketId } from '#base/ids.js';
import { surfaceReply, toCell } from '../../../proxy/surface/result.js';
import { literalOf } from '../../../proxy/surface/values.js';

const amount = columnType('A', 'fixed', { scale: 12 });
const instant = columnType('T', 'timestamp_ltz');

test.each([
  ['1.5', amount, '1.500000000000'],
  ['-0.000000000001', amount, '-0.000000000001'],
  ['12345678901234567890', columnType('N', 'fixed'), '12345678901234567890'],
  ['12.000', columnType('N', 'fixed'), '12'],
  ['1784109600.123456', instant, '1784109600.123456000'],
  ['-1', instant, '-1.000000000'],
  ['true', columnType('B', 'boolean'), '1'],
  ['false', columnType('B', 'boolean'), '0'],
  ['Infinity', columnType('R', 'real'), 'inf'],
  ['1.25e-07', columnType('R', 'real'), '1.25e-07'],
  ['1.50', columnType('S', 'text'), '1.50'],
])('%s becomes the cell %s', (text, type, cell) => {
  expect(toCell(text, type)).toBe(cell);
});

test('NULL stays NULL, and more decimals than the column has are a bug, never rounded', () => {
  expect(toCell(null, amount)).toBeNull();
  expect(() => toCell('1.5', columnType('N', 'fixed'))).toThrow('more decimals');
});

const reply = (isDescribe: boolean): ReturnType<typeof surfaceReply> =>
  surfaceReply({
    ticketId: '0197a000-0000-7000-8000-000000000001' as TicketId,
    result: { columns: [amount], rows: [['1.000000000000'], [null]] },
    names: {
      finalDatabaseName: 'D',
      finalSchemaName: null,
      finalWarehouseName: 'W',
      finalRoleName: 'R',
    },
    parameters: [{ name: 'TIMEZONE', value: 'Europe/Berlin' }],
    sentAtMs: 5,
    numberOfBinds: 0,
    isDescribe,
    twin: { a: 1 },
  });

test('the reply has what every driver needs, and the session’s own parameters win over the defaults', () => {
  const data = reply(false);
  expect(data).toMatchObject({
    queryId: '0197a000-0000-7000-8000-000000000001',
    rowset: [['1.000000000000'], [null]],
    total: 2,
    returned: 2,
    statementTypeId: 4096,
    version: 1,
    queryResultFormat: 'json',
    finalDatabaseName: 'D',
    finalSchemaName: null,
    finalWarehouseName: 'W',
    finalRoleName: 'R',
    tollgate: { a: 1 },
  });
  expect(data.parameters.filter((each) => each.name === 'TIMEZONE')).toEqual([
    { name: 'TIMEZONE', value: 'Europe/Berlin' },
  ]);
  expect(data.parameters.find((each) => each.name === 'BINARY_OUTPUT_FORMAT')).toEqual({
    name: 'BINARY_OUTPUT_FORMAT',
    value: 'HEX',
  });
});

test('a describe carries the columns and no rows', () => {
  expect(reply(true)).toMatchObject({
    rowset: [],
    total: 0,
    returned: 0,
    rowtype: [{ name: 'A' }],
  });
});

test.each([
  ['2026-11-23', '2026-11-23 00:00:00Z'],
  ['2026-11-23 05:44', '2026-11-23 05:44:00Z'],
  ['2026-11-23T05:44:00.123456789Z', '2026-11-23 05:44:00.123456789Z'],
  ['2026-11-23 05:44:00 +0530', '2026-11-23 05:44:00+05:30'],
  ['2026-11-23 05:44:00-07:00', '2026-11-23 05:44:00-07:00'],
])('the instant %s is read', (text, expected) => {
  expect(literalOf({ kind: 'text', text }, 'timestamp_ltz', 'X', [])).toBe(expected);
});

test.each([
  '2026-02-30',
  '2026-13-01',
  '2026-11-23 25:00',
  '2026-11-23 05:61',
  'now',
  'infinity',
  "2026-11-23'",
  'tomorrow',
  '',
])('the instant %s is refused', (text) => {
  expect(() => literalOf({ kind: 'text', text }, 'timestamp_ltz', 'X', [])).toThrow(
    'X cannot be compared',
  );
});

test.each(['NaN', 'Infinity', '1e5', '1,5', '0x10', '', ' 1', '1;'])(
  'the number %s is refused',
  (text) => {
    expect(() => literalOf({ kind: 'text', text }, 'fixed', 'X', [])).toThrow(
      'it needs a decimal number',
    );
  },
);

test('time binds of drivers are read as nanoseconds, dates as milliseconds, and absurd ones refused', () => {
  const bind = (type: string, value: string): unknown =>
    literalOf({ kind: 'bind', index: 0 }, 'timestamp_ltz', 'X', [{ type, value }]);
  expect(bind('TIMESTAMP_LTZ', '1784109600123000000')).toBe('2026-07-15T10:00:00.123Z');
  expect(bind('TIMESTAMP_TZ', '1784109600123000000 1440')).toBe('2026-07-15T10:00:00.123Z');
  expect(bind('DATE', '1784073600000')).toBe('2026-07-15T00:00:00.000Z');
  expect(() => bind('DATE', '99999999999999999999')).toThrow('X cannot be compared');
  expect(() => bind('TIMESTAMP_NTZ', '2026-01-01')).toThrow('X cannot be compared');
});
