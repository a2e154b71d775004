import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { demoControlDocument } from '#policies/control/demo.js';
import { parseControlText, parsePath, placed, readYaml } from '#policies/control/text.js';
import { problemAt } from '#policies/control/problem.js';

const demo = demoControlDocument();

/** `line:column` of each path in a text. */
function places(text: string, ...paths: readonly string[]): readonly string[] {
  const read = readYaml(text);
  if (!read.ok) throw new Error('the text is YAML');
  return paths.map((path) => {
    const [problem] = placed([problemAt(parsePath(path), '', '')], read.locate);
    return `${problem?.line}:${problem?.column}`;
  });
}

test('a document comes back the same from YAML and from JSON', () => {
  expect(parseControlText(stringify(demo))).toEqual({ ok: true, document: demo });
  expect(parseControlText(JSON.stringify(demo))).toEqual({ ok: true, document: demo });
});

test('one anchor may stand for as many values as there are entries', () => {
  const text = stringify(demo, { aliasDuplicateObjects: false }).replaceAll(
    '    period:\n      kind: month\n      timeZone: UTC\n',
    '    period: *month\n',
  );
  const anchored = text.replace('period: *month', 'period: &month { kind: month, timeZone: UTC }');
  expect(anchored.match(/\*month/g)?.length).toBe(15);
  expect(parseControlText(anchored)).toEqual({ ok: true, document: demo });
});

test('a path leads to its value, in block and flow, through aliases, or to what is nearest', () => {
  const block = 'a:\n  - &x\n    b: 1\n    c: { d: [2, 3] }\n  - *x\n';
  expect(
    places(
      block,
      'a[0].b',
      'a[0].c.d[1]',
      'a[1].c.d[0]',
      'a[0].none',
      'a[7]',
      'none.deep',
      '(document)',
    ),
  ).toEqual(['3:8', '4:17', '4:14', '3:5', '2:3', '1:1', '1:1']);
});

test('keys that mean something to the language never reach a value', () => {
  const parsed = readYaml('a: { __proto__: { b: 1 }, constructor: 2 }\n');
  expect(parsed).toMatchObject({
    ok: false,
    problems: [
      { path: 'a.__proto__', column: 6 },
      { path: 'a.constructor', column: 27 },
    ],
  });
});

test.each(['', '# nothing\n', '~', '7', '- a', '"text"'])(
  'a text that is no document is refused: %j',
  (text) => {
    expect(parseControlText(text)).toMatchObject({
      ok: false,
      problems: [{ path: '(document)', rule: 'must be an object with keys' }],
    });
  },
);
