/**
 * The tree checks itself. Every check is first shown a planted fault, and the tree it reads is shown to be the
 * whole one, so that a check that looks at nothing cannot pass.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../base/settings.js';
import { demoControlDocument } from '../policies/control/demo.js';
import { cycles, edgesOf, forbiddenEdges, unreached } from './tidy/imports.js';
import { longFiles, longFunctions } from './tidy/lengths.js';
import { scan } from './tidy/scan.js';
import * as switches from './tidy/switches.js';
import { consoleSourcesOf, ROOT, readTree, source, sourcesOf } from './tidy/tree.js';
import * as words from './tidy/words.js';

const tree = readTree();
const sources = sourcesOf(tree);
const edges = edgesOf(sources);
const consoleSources = consoleSourcesOf(tree);

/** What is started by name and so imported by nobody. */
const ENTRIES = [
  'cli/main.ts',
  'bench/run.ts',
  'dashboards/build.ts',
  'test/console/run.ts',
  'test/documents/first-five-minutes.ts',
  'test/documents/run.ts',
  'test/drivers/run.ts',
  'test/drivers/suites/run.ts',
  'test/focus/run.ts',
  'test/long/run.ts',
  'test/support/global-setup.ts',
  'test/topology/run.ts',
];

function planted(path: string, text: string): ReturnType<typeof source>[] {
  return [source(path, text)];
}

describe('the tree', () => {
  test('was read: a plausible number of files, folders and edges', () => {
    expect(sources.length).toBeGreaterThan(60);
    expect(edges.length).toBeGreaterThan(120);
    const folders = new Set(sources.map(({ folder }) => folder));
    for (const folder of [
      'base',
      'policies',
      'billing',
      'proxy',
      'admin',
      'warehouse',
      'cli',
      'test',
    ]) {
      expect(folders).toContain(folder);
    }
    const known = new Set([...sources, ...consoleSources].map(({ path }) => path));
    expect(edges.filter(({ to }) => to.endsWith('.ts') && !known.has(to))).toEqual([]);
  });

  test('is told apart into code, texts and comments', () => {
    const text =
      'const a = "// no"; // yes\nconst b = /"[/]/.test(`x${f({ q: 1 })} // no`); /* also\n yes */ c / d;';
    const { code, comments, withStrings } = scan(text);
    expect(comments.replace(/\s+/g, ' ').trim()).toBe('// yes /* also yes */');
    expect(code).not.toContain('no');
    expect(code).toContain('f(');
    expect(code).toContain('c / d;');
    expect(withStrings).toContain('"// no"');
    expect(code.split('\n')).toHaveLength(3);
  });
});

describe('imports', () => {
  test('stay within the house', () => {
    expect(forbiddenEdges(edges)).toEqual([]);
  });

  test.each([
    ['policies/a.ts', "import { x } from '#billing/ledger.js';"],
    ['billing/a.ts', "import type { x } from '#policies/b.js';"],
    ['base/a.ts', "import '#policies/b.js';"],
    ['warehouse/a.ts', "export * from '#billing/b.js';"],
    ['proxy/a.ts', "import { x } from '../admin/b.js';"],
    ['admin/a/b.ts', "const x = await import('../../proxy/b.js');"],
    ['proxy/a.ts', "import { x } from '../base/units.js';"],
    ['base/a.ts', "import { x } from '../cli/main.js';"],
    ['proxy/a.ts', "import { x } from './wire';"],
  ])('%s with %s is caught', (path, text) => {
    expect(forbiddenEdges(edgesOf(planted(path, text)))).not.toEqual([]);
  });

  test('form no cycle, and none of types', () => {
    expect(cycles(edges)).toEqual([]);
    const loop = [
      ...planted('base/a.ts', "import './b.js';"),
      ...planted('base/b.ts', "import './c.js';"),
      ...planted('base/c.ts', "import '#base/a.js';"),
    ];
    expect(cycles(edgesOf(loop))).toEqual(['base/a.ts → base/b.ts → base/c.ts → base/a.ts']);
    const ofTypes = [
      ...planted('base/a.ts', "import './b.js';"),
      ...planted('base/b.ts', "import type {\n  A,\n} from './a.js';"),
    ];
    expect(cycles(edgesOf(ofTypes))).toEqual(['base/a.ts → base/b.ts → base/a.ts']);
  });

  test('reach every source', () => {
    expect(unreached(sources, edges, ENTRIES)).toEqual([]);
    const three = [
      ...planted(
        'base/a.ts',
        "import './b.js';\nconst child = new URL('./child.js', import.meta.url);",
      ),
      ...planted('base/b.ts', ''),
      ...planted('base/child.ts', ''),
      ...planted('base/lost.ts', ''),
    ];
    expect(unreached(three, edgesOf(three), ['base/a.ts'])).toEqual(['base/lost.ts']);
  });
});

describe('the console', () => {
  test('was read, and imports nothing of the other folders', () => {
    expect(consoleSources.length).toBeGreaterThan(15);
    const found = edgesOf(consoleSources);
    expect(found.length).toBeGreaterThan(30);
    expect(cycles(found)).toEqual([]);
    expect(forbiddenEdges(found)).toEqual([]);
    for (const text of [
      "import { x } from '../base/units.js';",
      "import type { x } from '#base/units.js';",
      "import { x } from '../admin/actor.js';",
    ])
      expect(forbiddenEdges(edgesOf(planted('console/a.ts', text))), text).not.toEqual([]);
  });

  test('keeps the lengths and the words of the house', () => {
    expect(longFiles(consoleSources)).toEqual([]);
    expect(longFunctions(consoleSources)).toEqual([]);
    expect(words.bannedWords(consoleSources)).toEqual([]);
    expect(words.leftoverMarkers(consoleSources)).toEqual([]);
  });
});

describe('lengths', () => {
  test('of files stay within 400 lines', () => {
    expect(longFiles(sources)).toEqual([]);
    expect(longFiles(planted('base/a.ts', 'a;\n'.repeat(400)))).toEqual([]);
    expect(longFiles(planted('base/a.ts', 'a;\n'.repeat(401)))).toHaveLength(1);
  });

  test('of functions stay within 70 lines', () => {
    expect(longFunctions(sources)).toEqual([]);
    const body = 'a;\n'.repeat(70);
    expect(longFunctions(planted('base/a.ts', `function f(): void {\n${body}}`))).toHaveLength(1);
    expect(longFunctions(planted('base/a.ts', `const f = (): void => {\n${body}};`))).toHaveLength(
      1,
    );
    expect(longFunctions(planted('base/a.ts', `class C { m(a = g()) {\n${body}} }`))).toHaveLength(
      1,
    );
    expect(longFunctions(planted('base/a.ts', `export const a = {\n${body}};`))).toEqual([]);
    expect(
      longFunctions(planted('base/a.ts', `function f() {\n${'// a\n\n'.repeat(70)}}`)),
    ).toEqual([]);
  });
});

describe('words', () => {
  test('are those of the glossary', () => {
    expect(words.bannedWords(sources)).toEqual([]);
    expect(words.bannedWords(planted('base/a.ts', 'const theVerdict = 1;'))).toHaveLength(1);
    expect(words.bannedWords(planted('base/a.ts', '/** The overage of it. */'))).toHaveLength(1);
    expect(words.bannedWords(planted('base/a.ts', "const a = 'quota';"))).toEqual([]);
    expect(words.bannedWords(planted('base/a.ts', '// It previously did.'))).toHaveLength(1);
  });

  test('of file names say something', () => {
    expect(words.emptyNames(tree)).toEqual([]);
    expect(words.emptyNames([{ path: 'base/utils.ts', text: '' }])).toHaveLength(1);
  });

  test('leave no marker behind', () => {
    expect(words.leftoverMarkers(sources)).toEqual([]);
    expect(words.leftoverMarkers(planted('base/a.ts', `// TO${'DO'} later`))).toHaveLength(1);
  });

  test('name no machine and no registry', () => {
    expect(words.machineTraces(tree)).toEqual([]);
    for (const trace of [
      ['cd ', 'work', 'main'].join('/'),
      ['"', 'root', 'x"'].join('/'),
      `https://registry.${'npmjs'}.org/a`,
      ['', 'home', 'someone', 'x'].join('/'),
    ]) {
      expect(words.machineTraces([{ path: 'docs/a.md', text: trace }])).toHaveLength(1);
    }
    expect(
      words.machineTraces([{ path: 'docs/a.md', text: ['admin', 'root', 'network'].join('/') }]),
    ).toEqual([]);
  });
});

describe('habits', () => {
  test('the environment is read in one place', () => {
    expect(words.environmentReads(sources)).toEqual([]);
    expect(words.environmentReads(planted('proxy/a.ts', 'const a = process.env;'))).toHaveLength(1);
    const own = sources.find(({ path }) => path === 'base/config.ts');
    expect(own?.code).toContain('process.env');
  });

  test('criterion 19: amounts never pass through floating point', () => {
    expect(words.floatingMoney(sources)).toEqual([]);
    expect(words.floatingMoney(planted('billing/a.ts', 'const a = parseFloat(b);'))).toHaveLength(
      1,
    );
    expect(
      words.floatingMoney(planted('proxy/a.ts', 'const a = Number(row.heldCredits);')),
    ).toHaveLength(1);
    expect(words.floatingMoney(planted('proxy/a.ts', "Number(row['held_credits'])"))).toHaveLength(
      1,
    );
    expect(words.floatingMoney(planted('proxy/a.ts', 'const a = Number(row.port);'))).toEqual([]);
  });

  test('no test is switched off, by a word of today or of tomorrow', () => {
    expect(switches.switchedOffTests(sources)).toEqual([]);
    const run = (code: string, names = 'test'): readonly string[] =>
      switches.switchedOffTests(
        planted('test/a.test.ts', `import { ${names} } from 'vitest';\n${code}`),
      );
    const calls =
      "test.only test.skip describe.skip test.todo test.skipIf(a) test['skip'] test.concurrent.skip test?.skip describe.each([1]).skip test.fresh suite.skip";
    for (const call of calls.split(' ')) expect(run(`${call}('a', f);`), call).not.toEqual([]);
    for (const options of ['{ skip: true }', '{ fails: true }', '{ retry: 2 }'])
      expect(run(`test('a', ${options}, f);`), options).toHaveLength(1);
    expect(run("test('a', ({ skip }) => skip());").length).toBeGreaterThan(0);
    for (const names of ['test as skip', 'it', 'onTestFailed', 'test, bench'])
      expect(run("test('a', f);", names), names).not.toEqual([]);
    for (const code of [
      "const a = longRun('a', 0);",
      "test.each(run.isLong ? ['killed'] : [])('a', f);",
      'const cases = run.isLong ? [1] : [];',
      'const cases = !isLong ? [] : CASES.slice(1);',
      "test.each(wanted(a) ? ['b'] : [])('a', f);",
      'if (!run.isLong) return;',
      'if (run.isLong === false) { return; }',
    ])
      expect(run(code), code).not.toEqual([]);
    for (const code of [
      "const a = longRun('a', 10), [b] = [];",
      "test.each(run.isLong ? ALL : ALL.slice(0, 1))('a', f);",
      'if (!isLong) return { ...scenario, count: 1 };',
      "test('a', { timeout: run.isLong ? 2 : 1 }, f); const a = [];",
    ])
      expect(run(code), code).toEqual([]);
    expect(run("test.concurrent.each([1])('a skip, only', { timeout: 1 }, f);")).toEqual([]);
    const files = sources.filter(({ path }) => path.endsWith('.test.ts'));
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter(({ withStrings }) => !/from 'vitest'/.test(withStrings))).toEqual([]);
  });

  test('the environment switches nothing in tests but what is listed', () => {
    // Files written anew, a server to use, long runs, and places of suites that are not ours.
    const listed = ['?', 'PATH', 'TEST_DATABASE_URL', 'TOLLGATE_LONG_OUT', 'TOLLGATE_LONG_RUN'];
    expect(switches.environmentSwitches(sources)).toEqual([...listed, 'UPDATE_SCHEMA']);
    const read = (code: string): readonly string[] =>
      switches.environmentSwitches(planted('test/a.test.ts', code));
    expect(read("if (process.env['QUICK'] === '1') return;")).toEqual(['QUICK']);
    expect(read('const a = process.env.QUICK ?? process.env[b];')).toEqual(['?', 'QUICK']);
    expect(read("process.env['A'] = 'b'; process.env['A'] ??= 'b';")).toEqual([]);
  });

  test('every migration says who may run on its schema', () => {
    const migrations = tree.filter(({ path }) => /^migrations\/\d{4}_/.test(path));
    expect(migrations.length).toBeGreaterThan(0);
    expect(words.migrationsWithoutHeader(tree)).toEqual([]);
    expect(
      words.migrationsWithoutHeader([{ path: 'migrations/0009_a.sql', text: 'SELECT 1;' }]),
    ).toHaveLength(1);
  });

  test('every document has one title', () => {
    expect(words.documentTitles(tree)).toEqual([]);
    expect(words.documentTitles([{ path: 'a.md', text: 'Text\n# A\n' }])).toHaveLength(1);
    expect(words.documentTitles([{ path: 'a.md', text: '# A\n# B\n' }])).toHaveLength(1);
  });

  test('documents link to, name and set what exists', () => {
    const exists = (path: string): boolean => existsSync(join(ROOT, path));
    // The last are Snowflake users of the demo.
    const settings = [
      ...Object.values(SETTINGS).map(({ environment }) => environment),
      'TOLLGATE_SERVICE',
      ...demoControlDocument().accounts.flatMap(({ serviceUsers = [] }) =>
        serviceUsers.map(({ snowflakeUser }) => snowflakeUser),
      ),
    ];
    expect(words.brokenLinks(tree, exists)).toEqual([]);
    expect(words.missingFiles(tree, exists)).toEqual([]);
    expect(words.unknownSettings(tree, settings)).toEqual([]);
    const text = '# A\n[a](b/none.md) and `base/none.ts` and TOLLGATE_NONE';
    const document = [{ path: 'docs/a.md', text }];
    expect(words.brokenLinks(document, exists)).toEqual(['docs/a.md links to docs/b/none.md']);
    expect(words.missingFiles(document, exists)).toEqual(['docs/a.md names base/none.ts']);
    expect(words.unknownSettings(document, settings)).toEqual(['docs/a.md:2: TOLLGATE_NONE']);
  });
});
