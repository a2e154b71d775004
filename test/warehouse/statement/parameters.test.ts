import { expect, test } from 'vitest';
import { DEFAULT_CLIENT_PARAMETERS } from '#base/wire/client-parameters.js';
import { ENGINE_HONOURED } from '../../../warehouse/engine/session-parameters.js';
import { PARAMETERS } from '../../../warehouse/statement/parameter-table.js';
import {
  checkedParameter,
  clientParameters,
  engineParameters,
  readParameters,
  unhonouredIn,
} from '../../../warehouse/statement/parameters.js';

const ZONED = 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM';

test('what replies carry by default is the default of the table', () => {
  expect(DEFAULT_CLIENT_PARAMETERS.length).toBeGreaterThan(20);
  for (const { name, value } of DEFAULT_CLIENT_PARAMETERS)
    expect([name, PARAMETERS.get(name)?.default]).toEqual([name, value]);
});

test('every default is legal, and honoured where the engine is told', () => {
  expect(PARAMETERS.size).toBeGreaterThan(80);
  for (const { name, default: value, object } of PARAMETERS.values())
    if (object === undefined)
      expect([name, checkedParameter(name, value)]).toEqual([name, { kind: 'value', value }]);
  expect(Object.keys(ENGINE_HONOURED).filter((name) => !PARAMETERS.has(name))).toEqual([]);
});

test.each([
  ['AUTOCOMMIT', 'off', false],
  ['AUTOCOMMIT', 'TRUE', true],
  ['STATEMENT_TIMEOUT_IN_SECONDS', '60', 60],
  ['CLIENT_TIMESTAMP_TYPE_MAPPING', 'timestamp_ntz', 'TIMESTAMP_NTZ'],
  ['QUERY_TAG', 5, '5'],
  ['TIMEZONE', 'UTC', 'UTC'],
  ['TIMEZONE', 'Europe/Vienna', 'Europe/Vienna'],
  // Says what the empty value says.
  ['TIMESTAMP_LTZ_OUTPUT_FORMAT', ZONED, ZONED],
  ['TIMESTAMP_TZ_OUTPUT_FORMAT', ZONED, ZONED],
])('%s = %s is kept as %s', (name, value, kept) => {
  expect(checkedParameter(name, value)).toEqual({ kind: 'value', value: kept });
});

test.each([
  ['NO_SUCH_PARAMETER', 'x', '001420', "invalid property 'NO_SUCH_PARAMETER' for 'SESSION'"],
  ['MAX_CONCURRENCY_LEVEL', 8, '001420', 'invalid property'],
  ['AUTOCOMMIT', 'maybe', '001008', "invalid value [maybe] for parameter 'AUTOCOMMIT'"],
  ['STATEMENT_TIMEOUT_IN_SECONDS', -1, '001008', 'invalid value'],
  ['STATEMENT_TIMEOUT_IN_SECONDS', '', '001008', 'invalid value'],
  ['CLIENT_PREFETCH_THREADS', 2.5, '001008', 'invalid value'],
  ['WEEK_START', 8, '001008', 'invalid value'],
  ['TIMEZONE', 'Mars/Base', '001008', 'invalid value'],
  ['QUERY_TAG', 'x'.repeat(2001), '001008', 'invalid value'],
  ['WEEK_START', 1, '000002', 'WEEK_START = 1; the only value with effect is 0'],
  ['DATE_OUTPUT_FORMAT', 'DD.MM.YYYY', '000002', 'YYYY-MM-DD'],
  ['TIMESTAMP_TZ_OUTPUT_FORMAT', 'YYYY', '000002', "'' or YYYY-MM-DD"],
  ['constructor', 'x', '001420', 'invalid property'],
])('%s = %s fails with %s %s %s', (name, value, code, words) => {
  const answer = checkedParameter(name, value);
  expect(answer).toMatchObject({ kind: 'failed', code });
  expect(answer.kind === 'failed' && answer.message).toContain(words);
});

test('parameters of a statement: names in upper case, illegal values and what is no scalar left out', () => {
  const set = readParameters({
    query_tag: 'x'.repeat(3000),
    multi_statement_count: '0',
    AUTOCOMMIT: 'maybe',
    LIST: [],
    OF_A_DRIVER: 1,
  });
  expect([...set.keys()]).toEqual(['QUERY_TAG', 'MULTI_STATEMENT_COUNT', 'OF_A_DRIVER']);
  expect(set.get('MULTI_STATEMENT_COUNT')).toBe(0);
  expect(String(set.get('QUERY_TAG'))).toHaveLength(2000);
});

test('the engine is told every parameter that changes meanings, a statement going before its session', () => {
  const told = engineParameters(new Map([['TIMEZONE', 'UTC']]), new Map([['TIMEZONE', 'Etc/GMT']]));
  expect(told['TIMEZONE']).toBe('Etc/GMT');
  expect(told['WEEK_START']).toBe(0);
  expect(Object.keys(told).sort()).toEqual(
    [...Object.keys(ENGINE_HONOURED), 'ROWS_PER_RESULTSET'].sort(),
  );
  expect(unhonouredIn(new Map([['WEEK_START', 3]]))).toMatchObject({ code: '000002' });
  expect(unhonouredIn(new Map([['QUERY_TAG', 'x']]))).toBeUndefined();
});

test('replies carry what a session has set beyond the usual, but nothing that nobody knows', () => {
  const set = new Map<string, string | boolean>([
    ['JS_TREAT_INTEGER_AS_BIGINT', true],
    ['TIMEZONE', 'UTC'],
    ['OF_A_DRIVER', 'x'],
  ]);
  const carried = new Map(clientParameters(set).map(({ name, value }) => [name, value]));
  expect(carried.get('JS_TREAT_INTEGER_AS_BIGINT')).toBe(true);
  expect(carried.get('TIMEZONE')).toBe('UTC');
  expect(carried.has('OF_A_DRIVER')).toBe(false);
});
