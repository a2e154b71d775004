/**
 * The corpus of statements with their facts, and the rates that `docs/sql.md` states. What differs from a case is
 * named in the document; a rate below its bar, or a document that says something else, fails.
 * `UPDATE_SCHEMA=1 npx vitest run test/policies/sql/corpus` writes the measured table into the document.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { linesOf, readCorpus, type CorpusCase } from '../../support/sql-corpus.js';
import { ratesTable, scoreOf, type Score } from '../../support/sql-rates.js';

const DOCUMENT = new URL('../../../docs/sql.md', import.meta.url);
const BEGIN = '<!-- rates: begin -->\n';
const END = '<!-- rates: end -->';

let corpus: readonly CorpusCase[];
let scores: readonly Score[];

beforeAll(async () => {
  const analyser = sharedAnalyser();
  corpus = readCorpus();
  const found: Score[] = [];
  for (const one of corpus) {
    const { statements } = await analyser.analyse(
      one.sql,
      { database: 'DB', schema: 'S' },
      { version: 'none', columnsOf: () => undefined },
    );
    found.push(scoreOf(one, statements.map(linesOf)));
  }
  scores = found;
}, 120_000);

test('the corpus holds two thousand statements and more, none of them twice', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(2_000);
  expect(new Set(corpus.map(({ sql }) => sql)).size).toBe(corpus.length);
});

test('every class is right, and tables, columns and filters above their bars', () => {
  const share = (kind: keyof Score['right']): number =>
    scores.filter((score) => score.right[kind]).length / scores.length;
  expect(scores.filter((score) => !score.right.class).map(({ place }) => place)).toEqual([]);
  expect(share('tables')).toBeGreaterThanOrEqual(0.99);
  expect(share('columns')).toBeGreaterThanOrEqual(0.97);
  expect(share('filters')).toBeGreaterThanOrEqual(0.97);
});

test('a wrong expectation is seen', () => {
  const [first] = corpus;
  expect(first).toBeDefined();
  if (first === undefined) return;
  const other: CorpusCase = { ...first, expected: [['dml', 'written: DB.S.NOWHERE']] };
  expect(scoreOf(other, first.expected).right).toMatchObject({ class: false, tables: false });
});

test('the document states what was measured', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before = '', rest = ''] = text.split(BEGIN);
  const after = rest.slice(rest.indexOf(END));
  const measured = `${before}${BEGIN}${ratesTable(scores)}${after}`;
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(DOCUMENT, measured);
  else expect(text).toBe(measured);
});
