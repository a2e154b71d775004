/** The commands of README and tutorial against what is said of them; `npm run test:documents` runs them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXPECTED, expectedOf } from './expected.js';
import { scriptOf, stepsOf } from './steps.js';

test('commands lose their comments, and blocks of Python with nothing between them are one program', () => {
  const text = [
    '# Title',
    '```sh',
    'npm start',
    '# only a comment',
    "tollgate explain 'a # b'   # the price",
    '```',
    '```python',
    'a = 1',
    '```',
    'prose',
    '```python',
    'b = a  # stays',
    '```',
    '```sql',
    'SELECT 1',
    '```',
  ].join('\n');
  expect(stepsOf('x.md', `${text}\n`)).toEqual([
    { where: 'x.md:3', language: 'sh', text: 'npm start' },
    { where: 'x.md:5', language: 'sh', text: "tollgate explain 'a # b'" },
    { where: 'x.md:8', language: 'python', text: 'a = 1\nb = a  # stays\n' },
  ]);
});

test('a script goes on in the same shell after a step that fails', () => {
  expect(scriptOf(['export A=1', 'false'])).toBe(
    [
      '{\nexport A=1\n} >0.said 2>&1 </dev/null\necho $? >0.code',
      '{\nfalse\n} >1.said 2>&1 </dev/null\necho $? >1.code',
    ].join('\n'),
  );
});

test.each(Object.entries(EXPECTED))(
  '%s: every command has what its reader sees, and nothing is said of one that it does not have',
  (document, expected) => {
    const steps = stepsOf(document, readFileSync(document, 'utf8'));
    expect(steps.length).toBeGreaterThan(4);
    expect(steps.filter(({ text }) => expectedOf(document, text) === undefined)).toEqual([]);
    const matched = new Set(steps.map(({ text }) => expectedOf(document, text)));
    expect(expected.filter((each) => !matched.has(each))).toEqual([]);
  },
);
