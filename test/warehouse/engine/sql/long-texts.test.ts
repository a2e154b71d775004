/** Texts of clients that patterns of the engine could read in more than one way. */
import { expect, test } from 'vitest';
import { numberedIds } from '../../../../warehouse/engine/sql/earlier-queries.js';
import { intervalAt } from '../../../../warehouse/engine/sql/intervals.js';
import { toPieces } from '../../../../warehouse/engine/sql/pieces.js';
import { processorMs } from '../../../support/processor-time.js';

const BLANKS = ' '.repeat(300_000);
const IDS = { LAST_QUERY_IDS: JSON.stringify(['one', 'two', 'three']) };

test.each([
  ['last_query_id(-1)', ['three']],
  ['RESULT_SCAN ( - 2 )', ['two']],
  ['last_query_id( 1 )', ['one']],
  ['last_query_id(-x)', []],
])('%s', (sql, ids) => {
  expect(numberedIds(`select ${sql}`, IDS)).toEqual(ids);
});

test('blanks in a call by number are read once', () => {
  const sql = `select last_query_id(${BLANKS}x)`;
  expect(processorMs(() => expect(numberedIds(sql, IDS)).toEqual([]))).toBeLessThan(200);
});

test('blanks in an interval are read once', () => {
  const pieces = toPieces(`INTERVAL '1 day${BLANKS}!'`);
  if (!('length' in pieces)) throw new Error('unreadable');
  const ms = processorMs(() => expect(() => intervalAt(pieces, 0)).toThrow('the interval'));
  expect(ms).toBeLessThan(200);
});
