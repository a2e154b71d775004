/** Array literals as Postgres reads them: every text comes back, and none ends its array or its element. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainArray, textArray } from '../../billing/postgres/columns.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function texts(values: readonly (string | null)[]): Promise<readonly (string | null)[]> {
  const { rows } = await database.db.query<{ value: string | null }>(
    'SELECT value FROM unnest($1::text[]) AS value',
    [textArray(values)],
  );
  return rows.map(({ value }) => value);
}

test('a text that looks like a part of an array is a text', async () => {
  const values = [
    '',
    ' ',
    'NULL',
    'null',
    null,
    '{',
    '}',
    '{}',
    ',',
    '"',
    '\\',
    '\\"',
    'a\\nb',
    '\n',
    '\t',
    "'",
  ];
  expect(await texts(values)).toEqual(values);
});

test('what Postgres cannot store of a text is replaced', async () => {
  expect(await texts(['a\0b', '\0', 'x\ud800y'])).toEqual(['a\u{FFFD}b', '\u{FFFD}', 'x\u{FFFD}y']);
});

test('any texts come back, in order', async () => {
  const text = fc.oneof(
    fc.string({
      unit: fc.constantFrom('"', '\\', ',', '{', '}', ' ', 'N', 'U', 'L', '\n', 'é', '🚪'),
    }),
    fc.string({ unit: 'grapheme' }),
    fc.constant(null),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 50 }), async (values) => {
      const stored = values.map((value) => value?.replaceAll('\0', '\u{FFFD}') ?? null);
      expect(await texts(values)).toEqual(stored);
    }),
    { numRuns: 60 },
  );
});

test('numbers, decimals, ids and truth values come back, and nothing is null', async () => {
  const { rows } = await database.db.query(
    `SELECT n::text, d::text, b FROM unnest($1::bigint[], $2::numeric[], $3::boolean[]) AS x (n, d, b)`,
    [
      plainArray([Number.MAX_SAFE_INTEGER, -1, null]),
      plainArray(['0.000000000001', '-12345678901234567890123456.000000000001', null]),
      plainArray([true, false, null]),
    ],
  );
  expect(rows).toEqual([
    { n: '9007199254740991', d: '0.000000000001', b: true },
    { n: '-1', d: '-12345678901234567890123456.000000000001', b: false },
    { n: null, d: null, b: null },
  ]);
  const { rows: none } = await database.db.query('SELECT FROM unnest($1::uuid[])', [
    plainArray([]),
  ]);
  expect(none).toHaveLength(0);
});
