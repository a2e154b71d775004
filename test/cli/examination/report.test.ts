import { describe, expect, test } from 'vitest';
import { finderOf, sizeText, total, type Finding } from '../../../cli/examination/finding.js';
import { report, withoutSecrets } from '../../../cli/examination/report.js';

const { ok, note, failed, skipped } = finderOf('Upstream');
const FINDINGS: readonly Finding[] = [
  ok('upstream', 'https://myorg-prod.snowflakecomputing.com speaks Snowflake’s protocol (23 ms)'),
  note(
    'certificate',
    'of *.snowflakecomputing.com, trusted, 9 days left',
    'See that it is renewed.',
  ),
  failed('clock', `this machine is ${'very '.repeat(20)}late`, 'Set both by NTP.', [
    'GRANT MONITOR ON WAREHOUSE BATCH_WH TO ROLE TOLLGATE;',
  ]),
  skipped('a check whose name is longer than the column', 'not now'),
  finderOf('Configuration').ok('settings', 'every one is valid'),
];

describe('the report', () => {
  test('groups by section in their order, aligns, and ends with the sum', () => {
    const lines = report(FINDINGS, { columns: 80, hasColours: false }).split('\n');
    expect(lines[0]).toBe('Configuration');
    expect(lines).toContain('Upstream');
    expect(lines.at(-1)).toBe('2 fine · 1 to know · 1 not looked at · 1 failed');
    const at = (text: string): number =>
      lines.find((line) => line.includes(text))?.indexOf(text) ?? -1;
    expect(at('every one')).toBe(at('this machine'));
    expect(at('→ Set both')).toBe(at('this machine'));
  });

  test.each([[80], [60]])('stays within %d columns', (columns) => {
    const lines = report(FINDINGS, { columns, hasColours: false }).split('\n');
    for (const line of lines.filter((each) => !each.includes('GRANT') && !each.includes('https')))
      expect(line.length).toBeLessThanOrEqual(columns);
  });

  test('never breaks a statement that is meant to be copied', () => {
    expect(report(FINDINGS, { columns: 40, hasColours: false })).toContain(
      '\n      GRANT MONITOR ON WAREHOUSE BATCH_WH TO ROLE TOLLGATE;\n',
    );
  });

  test('has colours where the terminal has, and the same words without them', () => {
    const plain = report(FINDINGS, { columns: 80, hasColours: false });
    const painted = report(FINDINGS, { columns: 80, hasColours: true });
    expect(plain).not.toContain('\u001b');
    expect(painted).toContain('\u001b[31m✗\u001b[0m');
    // eslint-disable-next-line no-control-regex
    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });
});

test('secrets are taken out of findings, fixes and statements; short words are not mistaken for them', () => {
  const [clean] = withoutSecrets(
    [failed('x', 'the server said: hunter2 is wrong', 'try hunter2', ['SET P = hunter2'])],
    ['hunter2', '', 'is'],
  );
  expect(JSON.stringify(clean)).not.toContain('hunter2');
  expect(clean?.says).toBe('the server said: (secret) is wrong');
});

describe('a check', () => {
  test('that throws is a failed finding in words', async () => {
    const findings = await total('Database', 'rights', 1000, () =>
      Promise.reject(new Error('relation "x" does not exist')),
    );
    expect(findings).toEqual([
      expect.objectContaining({
        section: 'Database',
        check: 'rights',
        status: 'failed',
        says: 'could not be looked at: relation "x" does not exist',
      }),
    ]);
  });

  test('that is silent ends after its time', async () => {
    const [found] = await total('Upstream', 'silence', 5, () => new Promise(() => undefined));
    expect(found?.status).toBe('failed');
    expect(found?.says).toContain('no answer within 0.005 s');
  });
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [252 * 1024 ** 3, '252 GiB'],
])('%d bytes read %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
