/**
 * The criteria of the billing domain that attribution, ledger, prices and bills answer for stand in the names of tests, so that
 * whoever breaks one reads which. Their texts are in docs/attribution.md.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
const CRITERIA = [1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 27, 28];

/** Names of tests and groups of a source; a skipped one has none. */
function namesIn(source: string): readonly string[] {
  const names = source.matchAll(
    /^\s*(?:test|describe|it)(?:\.each\([\s\S]*?\n?\s*\]\s*\))?\(\s*(['`"])(.*?)\1/gm,
  );
  return [...names].map((match) => match[2] ?? '');
}

function criteriaIn(name: string): readonly number[] {
  const told = /\bcriteri(?:on|a) (\d+(?:(?:, | and )\d+)*)/i.exec(name)?.[1] ?? '';
  return told
    .split(/, | and /)
    .filter(Boolean)
    .map(Number);
}

function sources(): readonly string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && path.basename(name) !== 'criteria.test.ts')
    .map((name) => readFileSync(path.join(FOLDER, name), 'utf8'));
}

test('each criterion stands in the name of a test', () => {
  const names = sources().flatMap(namesIn);
  // It has read the tests: thousands of names, of which few tell a criterion.
  expect(names.length).toBeGreaterThan(1000);
  const told = new Set(names.flatMap(criteriaIn));
  expect(CRITERIA.filter((criterion) => !told.has(criterion))).toEqual([]);
});

test.each<readonly [string, readonly number[]]>([
  ["test('criterion 5: vectors', () => {", [5]],
  ["  test(\n    'criteria 3 and 20: in %s',", [3, 20]],
  ["describe('what holds (criterion 27)', () => {", [27]],
  ["test.each([\n  ['a', 1],\n])('criteria 1, 2 and 4: %s', () => {", [1, 2, 4]],
  ["test.each(['journal', 'entry'])(\n  'criterion 16: %s only grows',", [16]],
  ["test.skip('criterion 6: left out', () => {", []],
  ["// test('criterion 6: as a comment', () => {", []],
  ["test('of twenty at the same time', () => {", []],
])('reads of %j what it tells', (source, expected) => {
  expect(namesIn(source).flatMap(criteriaIn)).toEqual(expected);
});
