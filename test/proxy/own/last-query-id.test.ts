import { expect, test } from 'vitest';
import { clientsId } from '../../../proxy/own/hide.js';
import { queryCounts } from '../../../proxy/own/last-query-id.js';
import { processorMs } from '../../support/processor-time.js';

/** The text with each count as `<index>`, and the names of columns after it. */
function marked(text: string): string {
  const found = queryCounts(text);
  if (found.kind === 'unclear') return 'unclear';
  return found.counts.toReversed().reduce((sent, { start, end, index, columnName }) => {
    const name = columnName === null ? '' : ` AS "${columnName}"`;
    return `${sent.slice(0, start)}<${index}>${name}${sent.slice(end)}`;
  }, text);
}

test.each([
  ['SELECT LAST_QUERY_ID()', 'SELECT <-1> AS "LAST_QUERY_ID()"'],
  ['select last_query_id(-2), 1', 'select <-2> AS "LAST_QUERY_ID(-2)", 1'],
  ['select 1, last_query_id ( 3 ) from t', 'select 1, <3> AS "LAST_QUERY_ID ( 3 )" from t'],
  ['SELECT LAST_QUERY_ID() AS ID', 'SELECT <-1> AS ID'],
  ['SELECT LAST_QUERY_ID() ID', 'SELECT <-1> ID'],
  ['SELECT UPPER(LAST_QUERY_ID())', 'SELECT UPPER(<-1>)'],
  ['SELECT F(A FROM B), LAST_QUERY_ID()', 'SELECT F(A FROM B), <-1> AS "LAST_QUERY_ID()"'],
  ['SELECT A FROM T ORDER BY A, LAST_QUERY_ID()', 'SELECT A FROM T ORDER BY A, <-1>'],
  ['SELECT A), LAST_QUERY_ID()', 'SELECT A), <-1>'],
  ['SELECT NVL(1, LAST_QUERY_ID(), 2)', 'SELECT NVL(1, <-1>, 2)'],
  ["SELECT LAST_QUERY_ID() || 'x'", "SELECT <-1> || 'x'"],
  ['SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))', 'SELECT * FROM TABLE(RESULT_SCAN(<-1>))'],
  ['SELECT * FROM TABLE(RESULT_SCAN(-2))', 'SELECT * FROM TABLE(RESULT_SCAN(<-2>))'],
  [
    'SELECT * FROM TABLE(RESULT_SCAN(/* first */ 1))',
    'SELECT * FROM TABLE(RESULT_SCAN(/* first */ <1>))',
  ],
  ['SET ID = LAST_QUERY_ID()', 'SET ID = <-1>'],
  ['DESC RESULT LAST_QUERY_ID();', 'DESC RESULT <-1>;'],
  [
    'SELECT 1 FROM T BEFORE (STATEMENT => LAST_QUERY_ID()) B',
    'SELECT 1 FROM T BEFORE (STATEMENT => <-1>) B',
  ],
  [
    'CREATE TABLE T AS SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))',
    'CREATE TABLE T AS SELECT * FROM TABLE(RESULT_SCAN(<-1>))',
  ],
])('%s counts', (text, expected) => {
  expect(marked(text)).toBe(expected);
});

test.each([
  "SELECT * FROM TABLE(RESULT_SCAN('01b00000-0000-0000-0000-000000000000'))",
  'SELECT * FROM TABLE(RESULT_SCAN($ID))',
  "SELECT 'LAST_QUERY_ID()' -- LAST_QUERY_ID()",
  'SELECT "LAST_QUERY_ID"(), LAST_QUERY_ID FROM T',
  'SELECT MY.FUNCTIONS.LAST_QUERY_ID()',
  'CREATE VIEW V AS SELECT LAST_QUERY_ID() AS ID',
  'BEGIN SHOW TABLES; LET R RESULTSET := (SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))); END',
  'SHOW TABLES; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))',
  'SELECT 1; SELECT 2; SELECT LAST_QUERY_ID(-2)',
])('%s counts nothing before it', (text) => {
  expect(marked(text)).toBe(text);
});

test.each([
  'SELECT LAST_QUERY_ID(?)',
  'SELECT LAST_QUERY_ID(1 + 1)',
  'SELECT LAST_QUERY_ID($N)',
  'SELECT 1; SELECT LAST_QUERY_ID(-2)',
  'SELECT 1; SELECT LAST_QUERY_ID(1)',
  "EXECUTE IMMEDIATE 'SELECT LAST_QUERY_ID()'",
  'SELECT LAST_QUERY_ID() ->> SELECT * FROM $1',
])('%s cannot be replaced', (text) => {
  expect(marked(text)).toBe('unclear');
});

const ids = (from: 1 | -1, ...names: (string | null)[]): ReadonlyMap<number, string | null> =>
  new Map(names.map((name, at) => [from * (at + 1), name]));
const own = (isFull: boolean, ...names: string[]): { queryIds: Set<string>; isFull: boolean } => ({
  queryIds: new Set(names),
  isFull,
});

test("the client's own queries are counted, and none of ours", () => {
  const latest = ids(-1, 'ours-2', 'c', 'ours-1', 'b', 'a', null);
  const ours = own(false, 'ours-1', 'ours-2');
  expect([-1, -2, -3, -4].map((index) => clientsId(index, latest, ours))).toEqual([
    'c',
    'b',
    'a',
    null,
  ]);
  const first = ids(1, 'a', 'ours-1', 'b', null);
  expect([1, 2, 3].map((index) => clientsId(index, first, ours))).toEqual(['a', 'b', null]);
});

test('where older ids of ours are forgotten, only what lies before the known ones is told', () => {
  const latest = ids(-1, 'ours-2', 'c', 'ours-1', 'b');
  const ours = own(true, 'ours-1', 'ours-2');
  expect(clientsId(-1, latest, ours)).toBe('c');
  expect(clientsId(-2, latest, ours)).toBeUndefined();
  expect(clientsId(1, ids(1, 'a'), ours)).toBeUndefined();
});

test('a megabyte of counts is read once', () => {
  const text = `select a${', last_query_id()'.repeat(60_000)} from t`;
  const ms = processorMs(() => {
    const found = queryCounts(text);
    expect(found.kind === 'counts' && found.counts.length).toBe(60_000);
  });
  expect(ms).toBeLessThan(2_000);
});
