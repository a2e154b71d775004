/** What the rows of `write_pandas` must be, for every way in which the case writes them. */
import { ok } from 'node:assert/strict';
import { at, list, plain, same, type Seen } from './case.js';

/** ID, I, F, T, B, D, C, TS and BY, as the program shows them. */
const ROWS: readonly (readonly (string | null)[])[] = [
  [
    '1',
    '1',
    '0.5',
    "it's",
    'True',
    '2026-03-01',
    '12:34:56.000789',
    '2026-03-01 12:34:56.789123',
    '00ff',
  ],
  ['2', '2', '-1.5e+300', 'say "hi"', 'False', null, null, null, null],
  ['3', null, null, null, null, '1901-02-03', '00:00:00', '1969-12-31 23:59:59.500000', '616263'],
  [
    '4',
    '-9007199254740993',
    '0.1',
    'grüße 😀\n\\x',
    'True',
    '9999-12-31',
    '01:02:03',
    '2026-01-01 00:00:00',
    '',
  ],
  [
    '5',
    '9223372036854775807',
    'inf',
    '',
    'False',
    '1969-12-31',
    '23:59:59.999999',
    '2000-02-29 01:02:03',
    '27',
  ],
];
const TYPES = [
  'NUMBER(38,0)',
  'NUMBER(38,0)',
  'FLOAT',
  'VARCHAR(16777216)',
  'BOOLEAN',
  'DATE',
  'TIME(9)',
  'TIMESTAMP_NTZ(9)',
  'BINARY(8388608)',
];

/** How many of the columns are written, into a table of how many, in how many files, and whether old rows stay. */
const WAYS: Readonly<
  Record<string, readonly [written: number, all: number, files: number, old: number]>
> = {
  plain: [8, 8, 1, 1],
  snappy: [8, 8, 1, 1],
  unquoted: [8, 8, 1, 1],
  'in chunks': [8, 8, 3, 1],
  'chunks at once': [8, 8, 3, 1],
  'in full': [8, 8, 1, 1],
  'another scanner': [8, 8, 1, 1],
  default: [6, 8, 1, 1],
  'not logical': [6, 8, 1, 1],
  overwritten: [9, 9, 1, 0],
  inferred: [9, 9, 1, 1],
  made: [9, 9, 1, 0],
  'made temporary': [9, 9, 1, 0],
  'made transient': [9, 9, 1, 0],
  'made anew': [9, 9, 1, 0],
  'odd names': [6, 6, 1, 0],
};

/** Without USE_LOGICAL_TYPE nanoseconds are whole numbers. */
const NANOSECONDS = [
  ['1', '1772368496789123000'],
  ['2', null],
  ['3', '-500000000'],
  ['4', '1767225600000000000'],
  ['5', '951786123000000000'],
];

/** Every way has written the rows as they were, and no other. */
export function checkWritten(seen: Seen): void {
  for (const [way, [written, all, files, old]] of Object.entries(WAYS)) {
    const found = at(seen, way);
    const cells = ROWS.map((row) => row.map((cell, index) => (index < written ? cell : null)));
    const wanted = {
      told: [true, files, ROWS.length],
      rows: cells.map((row) => row.slice(0, all)),
      old: [[String(old)]],
      types: TYPES.slice(0, all),
    };
    const shown = { ...told(found), rows: texts(at(found, 'rows')), old: plain(at(found, 'old')) };
    ok(
      JSON.stringify(shown) === JSON.stringify(wanted),
      `${way}: expected ${JSON.stringify(wanted)}`,
    );
  }
  same(told(at(seen, 'no rows')), {
    told: [true, 1, 0],
    rows: [],
    old: [['int 1']],
    types: TYPES.slice(0, 8),
  });
  const nanoseconds = at(seen, 'nanoseconds');
  same(plain(at(nanoseconds, 'rows')), NANOSECONDS);
  same(at(nanoseconds, 'types'), ['NUMBER(38,0)', 'NUMBER(38,0)']);
}

const told = (found: Seen): Readonly<Record<string, unknown>> => ({
  told: at(found, 'told'),
  rows: at(found, 'rows'),
  old: at(found, 'old'),
  types: at(found, 'types'),
});

/** As `plain`, for texts that are empty or begin with anything. */
function texts(rows: Seen): readonly (readonly (string | null)[])[] {
  return list(rows).map((row) =>
    list(row).map((value) => (typeof value === 'string' ? value.replace(/^\w+ /, '') : null)),
  );
}
