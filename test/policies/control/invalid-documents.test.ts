/**
 * Documents that are not valid, one or more a rule, under test/fixtures/control. Each begins with the problems it must
 * have, `# <line>:<column> <path> <rule>; <way out>`, and no others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { demoControlDocument } from '#policies/control/demo.js';
import { ENTRIES_MAX } from '#policies/control/schema-values.js';
import { CONTROL_TEXT_BYTES_MAX, parseControlText, problemText } from '#policies/control/text.js';

const FOLDER = 'test/fixtures/control';
const files = readdirSync(FOLDER).sort();

/** Texts that are too large to be kept as files. */
const LARGE: readonly (readonly [string, () => string, readonly string[]])[] = [
  [
    'more entries than a list may have',
    () =>
      stringify({
        ...demoControlDocument(),
        departments: Array.from({ length: ENTRIES_MAX + 1 }, (_, index) => ({
          id: ['commercial', 'corporate', 'service', 'technology'][index] ?? `d${index}`,
          name: 'x',
        })),
      }),
    [`12:3 departments must have at most ${ENTRIES_MAX} entries; correct the value`],
  ],
  [
    'more bytes than a document may have',
    () => `# ${'x'.repeat(CONTROL_TEXT_BYTES_MAX)}`,
    ['1:1 (document) is longer than 16 MiB; split the organisation'],
  ],
  [
    'lists within lists without end',
    () => '['.repeat(100_000),
    ['1:1 (document) nests too deep; nest less'],
  ],
];

function problemsOf(text: string): readonly string[] {
  const parsed = parseControlText(text);
  return parsed.ok
    ? []
    : parsed.problems.map((problem) => `${problem.line}:${problem.column} ${problemText(problem)}`);
}

function expectedOf(text: string): readonly string[] {
  const head = /^(?:# .*\n)*/.exec(text)?.[0] ?? '';
  return head.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(2)]));
}

const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

test('there are at least 50 of them, numbered without a gap', () => {
  expect(files.length).toBeGreaterThanOrEqual(50);
  expect(files.map((file) => Number(/^(\d\d)-[a-z-]+\.yaml$/.exec(file)?.[1]))).toEqual(
    files.map((_file, index) => index + 1),
  );
});

test.each(files)('%s has exactly the problems it names', (file) => {
  const text = read(file);
  const expected = expectedOf(text);
  expect(expected).not.toEqual([]);
  expect(problemsOf(text)).toEqual(expected);
});

test.each(LARGE)('%s: refused', (_name, text, problems) => {
  expect(problemsOf(text())).toEqual(problems);
});

test('every rule that the sources can state is stated by one of them', () => {
  const stated = [
    ...files.flatMap((file) => expectedOf(read(file))),
    ...LARGE.flatMap(([, , all]) => all),
  ];
  const rules = ruleTexts();
  expect(rules.length).toBeGreaterThanOrEqual(40);
  expect(rules.filter((rule) => !stated.some((line) => rule.test(line))).map(String)).toEqual([]);
});

/** The rules as they stand in the sources: texts that begin as rules do, with anything where a value is put in. */
function ruleTexts(): readonly RegExp[] {
  const sources = [
    'schema-values',
    'schema',
    'problem',
    'references',
    'consistency',
    'budget-consistency',
    'text',
    'yaml-values',
  ];
  const beginnings = 'must|is|has|means|begins|nests|stands|makes|\\$\\{signIn\\} needs|"\\$\\{';
  const literal = new RegExp(`(['\`])((?:${beginnings})[^'\`\n]*)\\1`, 'g');
  return sources.flatMap((source) => {
    const text = readFileSync(`policies/control/${source}.ts`, 'utf8').replaceAll(
      /^ *(\/\/|\/?\*).*$/gm,
      '',
    );
    return [...text.matchAll(literal)]
      .map((match) => match[2] ?? '')
      .filter((rule) => rule.includes(' ') && rule !== 'must')
      .map((rule) => {
        const parts = rule.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/);
        return new RegExp(
          parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*'),
        );
      });
  });
}
