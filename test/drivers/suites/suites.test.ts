/** What the runner makes of what suites print: no case may be lost, and none may pass that did not say so. */
import { describe, expect, test } from 'vitest';
import { suitesDocument, type SuiteResult } from './document.js';
import { GoOutput } from './go-output.js';
import { goTests } from './go-reach.js';
import { MochaOutput } from './mocha-output.js';
import { reasonOf } from './reasons.js';
import type { Seen } from './suite.js';

function go(lines: readonly string[]): GoOutput {
  const output = new GoOutput();
  for (const line of lines) output.read(line);
  return output;
}

const statuses = (seen: readonly Seen[]): readonly string[] =>
  seen.map(({ name, status }) => `${name} ${status}`);

describe('the output of a Go test program', () => {
  test('has a case for each test without tests below it, with what was printed under it', () => {
    const output = go([
      '=== RUN   TestSum',
      '=== RUN   TestSum/small',
      '    sum_test.go:7: small is wrong',
      '=== RUN   TestSum/large',
      '--- FAIL: TestSum (0.01s)',
      '    --- FAIL: TestSum/small (0.00s)',
      '    --- PASS: TestSum/large (0.00s)',
      '=== RUN   TestOther',
      '--- SKIP: TestOther (0.00s)',
    ]);
    expect(statuses(output.cases())).toEqual([
      'TestSum/small fail',
      'TestSum/large pass',
      'TestOther skipped',
    ]);
    expect(output.cases()[0]?.said).toContain('small is wrong');
  });

  test('has a case for a test that failed though nothing below it did', () => {
    const output = go([
      '=== RUN   TestSum',
      '=== RUN   TestSum/small',
      '--- PASS: TestSum/small (0.00s)',
      '--- FAIL: TestSum (0.01s)',
    ]);
    expect(statuses(output.cases())).toEqual(['TestSum fail', 'TestSum/small pass']);
  });

  test('tells of a test below what its parent said, where that failed in its place', () => {
    const output = go([
      '=== RUN   TestSum',
      '=== RUN   TestSum/small',
      '=== NAME  TestSum',
      '    sum_test.go:9: no table',
      '=== NAME  TestSum/small',
      '    testing.go:1: subtest may have called FailNow on a parent test',
      '--- FAIL: TestSum/small (0.00s)',
      '--- FAIL: TestSum (0.01s)',
    ]);
    expect(output.cases()[0]?.said).toContain('no table');
  });

  test('fails what was open when the program died', () => {
    const output = go(['=== RUN   TestOne', '--- PASS: TestOne (0.00s)', '=== RUN   TestTwo']);
    expect(output.open()).toEqual(['TestTwo']);
    output.abandon('the program died');
    expect(statuses(output.cases())).toEqual(['TestOne pass', 'TestTwo fail']);
    expect(output.cases()[1]?.said).toContain('the program died');
  });
});

describe('the tests of a Go package', () => {
  const file = [
    'func runDBTest(t *testing.T) {\n\tuse(dsn)\n}',
    'func helped(t *testing.T) {\n\trunDBTest(t)\n}',
    'func TestFar(t *testing.T) {\n\thelped(t)\n}',
    'func TestAlone(t *testing.T) {\n\tdsn := "a:b@c"\n\tParseDSN(dsn)\n}',
    'func TestDirect(t *testing.T) {\n\tsql.Open("snowflake", dsn)\n}',
    'func Testing(t *testing.T) {\n}',
    'func TestMain(m *testing.M) {\n\trunDBTest(nil)\n}',
  ].join('\n\n');

  test('reach the server when they open a connection themselves or by helpers', () => {
    expect(goTests(new Map([['a_test.go', file]]))).toEqual([
      { name: 'TestFar', file: 'a_test.go', reachesServer: true },
      { name: 'TestAlone', file: 'a_test.go', reachesServer: false },
      { name: 'TestDirect', file: 'a_test.go', reachesServer: true },
    ]);
  });
});

describe('the events of a mocha file', () => {
  const known = ['Sums small', 'Sums large', 'Other one'];

  test('give every case that was known an outcome, also one that nothing was said of', () => {
    const output = new MochaOutput();
    for (const name of known) output.read({ event: 'case', name });
    output.read({ event: 'end', name: 'Sums small', status: 'pass', said: '' });
    output.read({ event: 'start', name: 'Sums large' });
    const cases = output.cases('no end in time');
    expect(statuses(cases)).toEqual(['Sums small pass', 'Sums large fail', 'Other one fail']);
    expect(cases.map(({ said }) => said)).toEqual([
      '',
      'no end in time',
      'not reached: no end in time',
    ]);
  });

  test('fail the cases of a group whose preparation failed, and a tidying that failed', () => {
    const output = new MochaOutput();
    for (const name of known) output.read({ event: 'case', name });
    const hook = { event: 'hook', name: '"before all" hook' } as const;
    output.read({ ...hook, group: 'Sums', said: 'no table' });
    output.read({ event: 'end', name: 'Other one', status: 'pass', said: '' });
    output.read({ ...hook, name: '"after all" hook', group: 'Other', said: 'no table left' });
    const cases = output.cases('');
    expect(statuses(cases)).toEqual([
      'Sums small fail',
      'Sums large fail',
      'Other one pass',
      'Other "after all" hook fail',
    ]);
    expect(cases[0]?.said).toContain('no table');
  });
});

describe('the document', () => {
  const seen = (name: string, status: Seen['status'], said = ''): Seen => ({ name, status, said });
  const result: SuiteResult = {
    title: 'a-driver 1.0',
    apart: [{ why: 'mocks', cases: 12 }],
    direct: [seen('one', 'pass'), seen('two', 'fail', 'secret words'), seen('two', 'skipped')],
    proxied: [seen('one', 'fail', 'secret words'), seen('two', 'fail'), seen('two', 'skipped')],
  };

  test('lists what failed on a side and nothing that a suite said', () => {
    const text = suitesDocument([result]);
    expect(text).toContain('| a-driver 1.0 | direct | 2 | 1 | 1 | 1 | 12 |');
    expect(text).toContain('| a-driver 1.0 | proxied | 2 | 0 | 2 | 1 | 12 |');
    expect(text).toContain('| one | pass | fail |');
    expect(text).toContain('| two | fail | fail |');
    expect(text).not.toContain('two (2)');
    expect(text).not.toContain('secret');
  });

  test('has the words of the embedded warehouse for what it refuses', () => {
    const said = 'x: Unsupported feature in the embedded warehouse: folding of paper';
    expect(reasonOf('a case', said)).toBe('not in the embedded warehouse: folding of paper');
    expect(reasonOf('a case', 'something else')).toBe('not looked into');
  });
});
