import { expect, test } from 'vitest';
import { nameUses } from '../../../../warehouse/engine/sql/name-uses.js';
import { toPieces } from '../../../../warehouse/engine/sql/pieces.js';

/** Words of the grammar are read as names, too, which no table has: only names in quotes are looked at. */
function definedBy(sql: string): readonly string[] {
  const pieces = toPieces(sql);
  if (!('length' in pieces)) throw new Error(`${sql} is not readable`);
  return nameUses(pieces).flatMap(({ name, isQuoted, isDefinition }) =>
    isQuoted && isDefinition ? [name] : [],
  );
}

test.each([
  ['SELECT a AS "b" FROM t', ['b']],
  ['SELECT 1 FROM (SELECT 1) AS q ("x", "y")', ['x', 'y']],
  ['SELECT 1 FROM (SELECT 1) q ("x")', ['x']],
  ['WITH c ("x") AS (SELECT 1) SELECT 1 FROM c', ['x']],
])('%s defines %j', (sql, names) => {
  expect(definedBy(sql)).toEqual(names);
});

test.each([
  'SELECT 1 FROM t WHERE ("a" = 1) OR ("a" = 2)',
  'SELECT 1 FROM t WHERE ("a" = 1) AND ("b" = 2)',
  'SELECT 1 FROM (SELECT 1) JOIN (SELECT 2) USING ("a", "b")',
  'SELECT 1 FROM t WHERE ("a") IN ("b")',
  'SELECT 1 FROM (SELECT 1) WHERE ("a" = 1)',
  'SELECT 1 FROM (SELECT 1) ORDER BY ("a")',
])('%s defines nothing: what is in brackets after a word of the grammar is used', (sql) => {
  expect(definedBy(sql)).toEqual([]);
});
