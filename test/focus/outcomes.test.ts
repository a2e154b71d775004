import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Reviewed, differences, readJunit, review } from './outcomes.js';

const REPORT = `<?xml version='1.0' encoding='utf-8'?>
<testsuites name="FOCUS Validations" tests="4" failures="1" errors="1" skipped="1" assertions="None" time="0">
  <testsuite name="Base-Unknown" time="0">
    <testcase name="D-001-M :: None" time="0">
      <error message="a column is not there" />
    </testcase>
  </testsuite>
  <testsuite name="A-C-001" time="0">
    <testcase name="A-C-001-M :: Type" time="0" />
    <testcase name="B-C-002-C :: Nullability" time="0">
      <failure name="B-C-002-C" message="x &lt; y" type="AssertionError">Failed</failure>
    </testcase>
    <testcase name="C-C-003-M :: Format" time="0">
      <skipped message="dynamic" />
    </testcase>
  </testsuite>
</testsuites>`;

const REVIEWED: Reviewed = {
  version: '1.2',
  validator: '2.2.1',
  passed: ['A-C-001-M'],
  skipped: ['C-C-003-M'],
  failed: { 'B-C-002-C': 'because', 'D-001-M': 'because' },
};

test('criterion 21: a report is read rule by rule, and its errors are no successes', () => {
  expect([...readJunit(REPORT)]).toEqual([
    ['D-001-M', 'errored'],
    ['A-C-001-M', 'passed'],
    ['B-C-002-C', 'failed'],
    ['C-C-003-M', 'skipped'],
  ]);
});

test('a report with another number of rules than it says is not believed', () => {
  expect(() => readJunit(REPORT.replace('tests="4"', 'tests="5"'))).toThrow(
    'says 5 rules and has 4',
  );
  expect(() => readJunit('<testsuites tests="0"></testsuites>')).toThrow('has 0');
});

test('what came out otherwise, is not in the list, was not run or has no reason is told', () => {
  const outcomes = readJunit(REPORT);
  expect(differences(outcomes, REVIEWED)).toEqual([]);
  const other: Reviewed = {
    ...REVIEWED,
    passed: ['B-C-002-C', 'Z-C-001-M'],
    failed: { 'D-001-M': ' ' },
  };
  expect(differences(outcomes, other)).toEqual([
    'A-C-001-M passed, reviewed as nothing',
    'B-C-002-C failed, reviewed as passed',
    'Z-C-001-M was not run',
    'D-001-M fails and the list does not say why that is right',
  ]);
});

test('a list that is written anew keeps the reasons of a person', () => {
  expect(review(readJunit(REPORT), { ...REVIEWED, failed: { 'B-C-002-C': 'because' } })).toEqual({
    ...REVIEWED,
    failed: { 'B-C-002-C': 'because', 'D-001-M': '' },
  });
});

test('criterion 21: the committed list has every rule once, and a reason for each failure', () => {
  const file = new URL('../fixtures/focus/validator-1.2.json', import.meta.url);
  const list = JSON.parse(readFileSync(file, 'utf8')) as Reviewed;
  const rules = [...list.passed, ...list.skipped, ...Object.keys(list.failed)];
  expect(rules.length).toBe(578);
  expect(new Set(rules).size).toBe(rules.length);
  expect(list.passed.length).toBeGreaterThan(280);
  expect(Object.values(list.failed).every((why) => why.length > 20)).toBe(true);
});
