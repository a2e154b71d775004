import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import { startEngine, type EngineUnderTest } from '../engine/support.js';
import { find, is, type Finding, type Theme } from './behaviour.js';
import { AGGREGATES } from './cases/aggregates.js';
import { ARRAYS } from './cases/arrays.js';
import { CONDITIONALS } from './cases/conditionals.js';
import { FLATTEN } from './cases/flatten.js';
import { HASHES } from './cases/hashes.js';
import { OBJECTS } from './cases/objects.js';
import { REGEXES } from './cases/regexes.js';
import { STRINGS } from './cases/strings.js';
import { VARIANTS } from './cases/variants.js';
import { WINDOWS } from './cases/windows.js';
import { CASTS, TRY_CASTS } from './cases/casts.js';
import { ARITHMETIC, ROUNDING } from './cases/numbers.js';
import { DATE_ARITHMETIC, DATE_PARTS, FORMATS, ZONES } from './cases/times.js';
import { DEFINITIONS } from './cases/definitions.js';
import { JOINS_AND_SETS } from './cases/joins-and-sets.js';
import { NAMES_AND_ERRORS } from './cases/names-and-errors.js';
import { QUERY_CLAUSES } from './cases/query-clauses.js';
import { WRITES } from './cases/writes.js';
import { withTable } from './table.js';

/** In the order of the table in docs/warehouse.md. */
const THEMES: readonly Theme[] = [
  ARITHMETIC,
  ROUNDING,
  CASTS,
  TRY_CASTS,
  DATE_PARTS,
  DATE_ARITHMETIC,
  FORMATS,
  ZONES,
  CONDITIONALS,
  STRINGS,
  REGEXES,
  HASHES,
  VARIANTS,
  OBJECTS,
  ARRAYS,
  FLATTEN,
  AGGREGATES,
  WINDOWS,
  QUERY_CLAUSES,
  JOINS_AND_SETS,
  DEFINITIONS,
  WRITES,
  NAMES_AND_ERRORS,
];

const DOCUMENT = join(import.meta.dirname, '../../../docs/warehouse.md');
/** Of all behaviours this share is right; the rest is refused. */
const RIGHT_SHARE_MIN = 0.95;
const BEHAVIOURS_MIN = 200;

let running: EngineUnderTest;
let session: EngineSession;
const found = new Map<string, readonly Finding[]>();

beforeAll(async () => {
  running = await startEngine(true);
  session = await running.engine.openSession();
});
afterAll(async () => await running.stop());

test('a wrong answer, a wrong type and a wrong failure are found', async () => {
  expect((await find(session, is('1', '2'))).kind).toBe('wrong');
  expect((await find(session, is('1', '1', 'text'))).kind).toBe('wrong');
  expect((await find(session, is('1 / 0', '1'))).kind).toBe('wrong');
  expect((await find(session, is('NO_SUCH_FUNCTION(1)', '1'))).kind).toBe('refused');
  expect((await find(session, is('1', '1', 'fixed:0'))).kind).toBe('right');
});

test.each(THEMES)('$title: nothing is silently wrong', { timeout: 60_000 }, async (theme) => {
  const findings: Finding[] = [];
  const wrong: string[] = [];
  for (const behaviour of theme.behaviours) {
    const finding = await find(session, behaviour);
    findings.push(finding);
    if (finding.kind === 'wrong') wrong.push(`${behaviour.sql}: ${finding.seen}`);
  }
  found.set(theme.title, findings);
  expect(wrong).toEqual([]);
});

test('enough behaviours are right, and docs/warehouse.md tells of them (vitest -u writes it)', async () => {
  const all = [...found.values()].flat();
  expect(found.size).toBe(THEMES.length);
  expect(all.length).toBeGreaterThanOrEqual(BEHAVIOURS_MIN);
  const right = all.filter(({ kind }) => kind === 'right').length;
  expect(right / all.length).toBeGreaterThanOrEqual(RIGHT_SHARE_MIN);
  const written = withTable(readFileSync(DOCUMENT, 'utf8'), THEMES, found);
  await expect(written).toMatchFileSnapshot(DOCUMENT);
});
