import { expect, test } from 'vitest';
import { createConditionCompiler } from '#policies/rules/condition.js';

const compiler = createConditionCompiler();
const problemOf = (text: string): string => {
  const result = compiler.compile(text);
  return result.ok ? '' : result.problem;
};

test.each([
  'true',
  'statement.class == "dml" && !statement.opaque',
  'statement.tablesRead.exists(t, glob(t, "PROD.PII.*"))',
  'estimate.highCredits > credits("1.5") && estimate.basis != "GUESS"',
  'now.getHours("Europe/Berlin") >= 22 || now.getDayOfWeek() == 0',
  'statement.functions.exists(f, glob(f, "SNOWFLAKE.CORTEX.*")) || statement.stages.size() > 0',
  'statement.innerClasses.exists(c, c == "administration") || statement.joins.size() > 8',
  'statement.aggregation && statement.window && !statement.timeTravel && !statement.sample',
  'caller.team in ["marketing", "sales"] && caller.client.contains("Tableau")',
])('a rule author may write %s', (text) => {
  expect(problemOf(text)).toBe('');
});

test.each([
  ['statement.nope == 1', 'nope'],
  ['nothing.at == 1', 'nothing'],
  ['1 + 1', 'not true or false'],
  ['statement.class ==', ''],
  ['statement.class.matches("(a+)+$")', 'matches'],
  ['estimate.highCredits > credits("5 USD")', 'credits("5 USD") is no decimal amount'],
  ['statement.opaque || credits("") < estimate.highCredits', 'credits("") is no decimal amount'],
  [`statement.tablesRead.all(a, ${'statement.columns.all(b, '.repeat(3)}true))))`, 'steps'],
  [`"${'x'.repeat(5_000)}" == ""`, 'longer than'],
  [`${'('.repeat(60)}true${')'.repeat(60)}`, ''],
  [Array.from({ length: 600 }, () => 'true').join(' && '), ''],
])('a condition that is wrong, unbounded or too large is refused: %#', (text, part) => {
  expect(problemOf(text)).not.toBe('');
  expect(problemOf(text)).toContain(part);
  expect(problemOf(text)).not.toContain('\n');
});

test.each([
  ['estimate.highCredits > 1', true],
  ['statement.opaque || 0.5 <= estimate.expectedCredits', true],
  ['credits("2") < 5', true],
  ['estimate.highCredits > 0', false],
  ['estimate.highCredits > credits("1") * 2', false],
  ['estimate.bytes > 1000 && estimate.expectedSeconds > 60.0', false],
])('%s compares credits with a plain number: %s', (text, is) => {
  const result = compiler.compile(text);
  expect(result.ok && result.condition.comparesPlainNumber).toBe(is);
});
