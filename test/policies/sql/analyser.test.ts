import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAnalyser, type CountingAnalyser } from '../../../policies/sql/analyser.js';
import type { Catalogue, TextFacts } from '../../../policies/sql/facts.js';
import { ParserHost } from '../../../policies/sql/parser/parser-host.js';

const EMPTY: Catalogue = { version: 'empty', columnsOf: () => undefined };
const SESSION = { database: 'DB', schema: 'S' };
const PATIENT = { deadlineMs: 10_000, waitMsMax: 60_000 };

let analyser: CountingAnalyser;
/** Shares nothing between texts of one shape. */
let cold: CountingAnalyser;
beforeAll(async () => {
  analyser = createAnalyser({ parser: PATIENT });
  cold = createAnalyser({ parser: PATIENT, shapeBytesMax: 1 });
  await Promise.all([analyse('select a from t'), cold.analyse('select a from t', SESSION, EMPTY)]);
});
afterAll(async () => {
  await Promise.all([analyser.stop(), cold.stop()]);
});

function analyse(sql: string): Promise<TextFacts> {
  return analyser.analyse(sql, SESSION, EMPTY);
}

test('the first statement waits for the parser to be warm and does not come back opaque', async () => {
  const fresh = createAnalyser({ parser: PATIENT });
  const facts = await fresh.analyse('select a from t', SESSION, EMPTY);
  await fresh.stop();
  expect(facts.statements[0]).toMatchObject({ opaque: false, tablesRead: ['DB.S.T'] });
});

test('the same text is parsed once, also when it comes twice at the same time', async () => {
  const before = analyser.counts().parser.parsed;
  await Promise.all([analyse('select once from t'), analyse('select once from t')]);
  await analyse('select once from t');
  expect(analyser.counts().parser.parsed).toBe(before + 1);
});

test('what it keeps is counted in bytes, within limits that are there', async () => {
  const small = createAnalyser({
    factsBytesMax: 20_000,
    outcomeBytesMax: 20_000,
    shapeBytesMax: 20_000,
  });
  try {
    expect(small.occupancies.facts).toEqual({ used: 0, max: 20_000 });
    for (let n = 0; n < 60; n += 1)
      await small.analyse(`SELECT a${n} FROM t${n} WHERE b = ${n}`, SESSION, EMPTY);
    const { facts, outcomes, shapes, shapeFacts, parser } = small.occupancies;
    for (const { used, max } of [facts, outcomes, shapes, shapeFacts])
      expect(used).toBeLessThanOrEqual(max);
    expect(facts.used).toBeGreaterThan(10_000);
    expect(parser).toEqual({ used: 0, max: 1_000 });
  } finally {
    await small.stop();
  }
});

test('other sessions share the parse, not the names', async () => {
  const before = analyser.counts().parser.parsed;
  await analyse('select shared from t');
  const other = await analyser.analyse(
    'select shared from t',
    { database: 'X', schema: 'Y' },
    EMPTY,
  );
  expect(other.statements[0]?.tablesRead).toEqual(['X.Y.T']);
  expect(analyser.counts().parser.parsed).toBe(before + 1);
});

test('a shape whose literals are no facts is parsed once for all its literals', async () => {
  const before = analyser.counts().parser.parsed;
  await analyse("select f(a, 'x') from t");
  await analyse("select f(a, 'y') from t");
  expect(analyser.counts().parser.parsed).toBe(before + 1);
});

const SHARED: readonly (readonly [first: string, second: string])[] = [
  ['select a from t where d = 1 limit 2', 'select a from t where d = 3 limit 4'],
  [
    "select a from t where d between '2024-01-01' and '2024-02-01'",
    "select a from t where d between '2025' and '2026'",
  ],
  ["select a from t where d in ('b', 'a')", "select a from t where d in ('z', 'x', 'y')"],
  ['select a from t where n > 5 and m in (1, 2)', 'select a from t where n > -7 and m in (-3, 9)'],
  ['select a, 5 from t where n = 6 and s = true', 'select a, 7 from t where n = 8 and s = true'],
  [
    "select a from t where d >= '2024-01-01'::date",
    "select a from t where d >= '2025-01-01'::date",
  ],
  ["update t set a = 'x' where d = 'it''s'", "update t set a = 'y' where d = '\\'q'"],
  ["select a from t where s like '%x'", "select a from t where s like 'x%'"],
  [
    "select a from t where s like 'x' and u ilike 'y%'",
    "select a from t where s like '' and u ilike 'y'",
  ],
  [
    'select a from t where gone = 0 and hidden = 0 and d = 1 limit 10',
    'select a from t where gone = 0 and hidden = 0 and d = 2 limit 10',
  ],
  [
    "select a from t where d = to_date('20240102', 'YYYY-MM-DD')",
    "select a from t where d = to_date('20250102', 'YYYY-MM-DD')",
  ],
  ["insert into t values ('a')", "insert into t values ('s3://b/c')"],
  ['select a from t where ſ = 1', 'select a from t where s = 1'],
  [
    "select a from t where d >= dateadd('day', -7, current_date())",
    "select a from t where d >= dateadd('day', -30, current_date())",
  ],
  [
    "select a from t where d < dateadd('day', -7, sysdate())",
    "select a from t where d < dateadd('month', -7, sysdate())",
  ],
  [
    "select a from t where d > dateadd('day', -6, getdate())",
    "select a from t where d > dateadd('day', 6, getdate())",
  ],
  [
    "select a from t where d > dateadd('day', -5, current_timestamp)",
    "select a from t where d > dateadd('aeon', -5, current_timestamp)",
  ],
  [
    'select a from t where d >= current_date - 7 and n = 3',
    'select a from t where d >= current_date - 30 and n = 4',
  ],
  [
    'select a from t where d between current_date() - 14 and current_date() - 1',
    'select a from t where d between current_date() - 30 and current_date() - 2',
  ],
  [
    "select a from t where d >= date_trunc('month', current_date)",
    "select a from t where d >= date_trunc('year', current_date)",
  ],
  [
    "select a from t where date_trunc('month', d) = '2024-05-01'",
    "select a from t where date_trunc('year', d) = '2023-01-01'",
  ],
  [
    "select a from t where date_trunc('month', d) < to_date('2024-05-01')",
    "select a from t where date_trunc('day', d) < to_date('2023-05-01')",
  ],
  [
    "select a from t where d >= current_date - interval '3 months'",
    "select a from t where d >= current_date - interval '2 weeks, 1 day'",
  ],
  [
    'select a from t where d in (current_date, current_date - 1)',
    'select a from t where d in (current_date, current_date - 40)',
  ],
  [
    "select a from t where d < '2024-01-31'::date + 1",
    "select a from t where d < '2023-02-28'::date + 2",
  ],
  ["select a from t where d < date '2024-01-31' + 1", "select a from t where d < date 'soon' + 1"],
  [
    'select a from t where d > add_months(current_date, -3)',
    'select a from t where d > add_months(current_date, -4)',
  ],
];

const UNSHARED: readonly (readonly [first: string, second: string])[] = [
  ['select a from t where n = 5 and m = 5', 'select a from t where n = 6 and m = 7'],
  ['select a from t where n = 1 or n = 9', 'select a from t where n = 9 or n = 1'],
  [
    "select a from t where e = to_date('20240102', 'YYYY-MM-DD')",
    "select a from t where e = to_date('02/01/2024', 'DD/MM/YYYY')",
  ],
  ["select a from t where s like 'a%'", "select a from t where s like 'a!%' escape '!'"],
  [
    "select a from t where s like 'a!%' escape '!'",
    "select a from t where s like 'a!%' escape '?'",
  ],
  [
    "select a from t where s like 'a%' and s like 'a_'",
    "select a from t where s like 'b%' and s like 'c_'",
  ],
  [
    'select a from t where n = 1 fetch first row only',
    'select a from t where n = 7 fetch first row only',
  ],
  ['select a from t limit 1.5', 'select a from t limit 2'],
  ["select $1 from 'a'", "select $1 from 'b'"],
  ['select a from t where n = 1', "select a from t where n = '1"],
  [
    "select a from t where s like '%x' or s like '%y'",
    "select a from t where s like 'x%' or s like 'y%'",
  ],
  ['select a from t where n in (1, 2)', 'select a from t where n in (1, null)'],
  ['select a from t where n in (1, null)', 'select a from t where n in (1, 2)'],
  [
    'select a from t where n in (1, 2) and m in (1, 2)',
    'select a from t where n in (3) and m in (4)',
  ],
  [
    'select a from t where d between current_date - 7 and current_date - 7',
    'select a from t where d between current_date - 7 and current_date - 1',
  ],
  [
    "select a from t where d <= last_day(current_date, 'month')",
    "select a from t where d <= last_day(current_date, 'year')",
  ],
  [
    'select a from t where d > dateadd(day, -(7), current_date)',
    'select a from t where d > dateadd(day, -(8), current_date)',
  ],
  [
    'select a from t where d = current_date - 1 or d = current_date - 2',
    'select a from t where d = current_date - 3 or d = current_date - 9',
  ],
];

test.each([...SHARED, ...UNSHARED])(
  'facts of one shape follow the literals: %s, then %s',
  async (first, second) => {
    const fresh = await cold.analyse(second, SESSION, EMPTY);
    await analyse(first);
    const before = analyser.counts().fingerprintHits;
    expect(await analyse(second)).toEqual(fresh);
    expect(analyser.counts().fingerprintHits - before).toBe(
      SHARED.some((pair) => pair[0] === first) ? 1 : 0,
    );
  },
);

test('a changed catalogue is not answered from facts made with another', async () => {
  const sql = 'select fresh from t join u on t.id = u.id';
  expect((await analyse(sql)).statements[0]?.unknown).toEqual(['columns']);
  const catalogue: Catalogue = {
    version: 'next',
    columnsOf: (table) => (table === 'DB.S.T' ? ['FRESH', 'ID'] : ['ID']),
  };
  expect((await analyser.analyse(sql, SESSION, catalogue)).statements[0]?.unknown).toEqual([]);
});

test('a text above the cap keeps the class of its beginning and is opaque, too large', async () => {
  const facts = await analyse(`select a from t where b in (${'1,'.repeat(600_000)}1)`);
  expect(facts.statements[0]).toMatchObject({ class: 'query', opaque: true });
  expect(facts.statements[0]?.unknown).toContain('too-large');
});

const deep = (open: string, close: string, depth: number): string =>
  `select ${open.repeat(depth)}1${close.repeat(depth)} from t`;

const HOSTILE: readonly (readonly [name: string, sql: string])[] = [
  ['a list of ten thousand values', `select a from t where b in (${'1, '.repeat(10_000)}2)`],
  ['a megabyte of unterminated string', `select '${'x'.repeat(1_000_000)}`],
  ['a megabyte of unterminated comment', `select a /*${'x'.repeat(1_000_000)}`],
  ['deep brackets', deep('(', ')', 20_000)],
  ['deep calls', deep('f(', ')', 20_000)],
  ['deep CASE', deep('case when a then ', ' end', 5_000)],
  ['deep casts', deep('cast(', ' as int)', 5_000)],
  ['deep subqueries', `${'select * from ('.repeat(3_000)}select 1${')'.repeat(3_000)}`],
  ['a chain of 718 AND', `select a from t where ${'a = 1 and '.repeat(718)}b = 2`],
  ['a chain of 718 plus', `select ${'1 + '.repeat(718)}a from t`],
  ['a chain of 5,000 OR', `select a from t where ${'a = 1 or '.repeat(5_000)}b = 2`],
  [
    '500 joins',
    `select t.a from t ${Array.from({ length: 500 }, (_, at) => `join u${at} on t.a = u${at}.a`).join(' ')}`,
  ],
  [
    '500 branches of UNION',
    Array.from({ length: 500 }, (_, at) => `select a from t${at}`).join(' union all '),
  ],
  [
    '200 chained CTEs, each joining the last to itself',
    `with c0 as (select * from t) ${Array.from({ length: 200 }, (_, at) => `, c${at + 1} as (select x.* from c${at} x join c${at} y on x.a = y.a)`).join('')} select z from c200 where d = 1`,
  ],
  ['5,000 statements', 'select a from t; '.repeat(5_000)],
  ['open blocks', 'begin '.repeat(20_000)],
  ['NUL characters', 'select \0 from t\0'],
  ['lone surrogates', 'select "\ud800" from t\udfff'],
  ['nested EXECUTE IMMEDIATE', `execute immediate ${"$$ execute immediate '' $$".repeat(3)}`],
  ['nothing', ''],
  ['only separators', ';;;'],
];

test.each(HOSTILE)('%s comes back in time', { timeout: 60_000 }, async (_name, sql) => {
  const startedAt = performance.now();
  const facts = await analyse(sql);
  expect(facts.fingerprint).toMatch(/^[0-9a-f]{32}$/);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  expect((await analyse('select sane from t')).statements[0]).toMatchObject({
    opaque: false,
    tablesRead: ['DB.S.T'],
  });
});

test('what the parser guards against is opaque and too complex, and its tables are still named', async () => {
  const facts = await analyse(deep('(', ')', 100));
  expect(facts.statements[0]).toMatchObject({
    class: 'query',
    opaque: true,
    tablesRead: ['DB.S.T'],
  });
  expect(facts.statements[0]?.unknown).toContain('too-complex');
});

test(
  'a worker that misses its deadline is replaced, and the next statement is analysed',
  { timeout: 60_000 },
  async () => {
    const host = new ParserHost({ deadlineMs: 600, waitMsMax: 30_000 });
    const heavy = `select a from t where b in (${'1, '.repeat(300_000)}2)`;
    const [slow, next] = await Promise.all([host.parse(heavy), host.parse('select a from u')]);
    expect(slow).toEqual({ kind: 'refused', isTooComplex: true });
    expect(next).toMatchObject({ kind: 'parsed', facts: { tables: [{ parts: ['U'] }] } });
    expect(host.counts).toMatchObject({ deadlines: 1, parsed: 1 });
    await host.stop();
  },
);

test('a stopped analyser answers opaque and remembers nothing of it', async () => {
  const stopped = createAnalyser({ parser: PATIENT });
  await stopped.stop();
  const facts = await stopped.analyse('select a from t', SESSION, EMPTY);
  expect(facts.statements[0]).toMatchObject({
    class: 'query',
    opaque: true,
    tablesRead: ['DB.S.T'],
  });
});

test('the caches stay within their bytes', async () => {
  const small = createAnalyser({
    parser: PATIENT,
    factsBytesMax: 20_000,
    outcomeBytesMax: 20_000,
    shapeBytesMax: 20_000,
  });
  for (let at = 0; at < 200; at += 1) await small.analyse(`select c${at} from t`, SESSION, EMPTY);
  const before = small.counts().parser.parsed;
  await small.analyse('select c0 from t', SESSION, EMPTY);
  expect(small.counts().parser.parsed).toBe(before + 1);
  await small.analyse('select c199 from t', SESSION, EMPTY);
  expect(small.counts().parser.parsed).toBe(before + 1);
  await small.stop();
});
