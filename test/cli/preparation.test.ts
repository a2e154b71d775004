/** The programs under bin on a small checkout of their own: no dependencies, and a compiler that counts its runs. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const BIN = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin');
const COMPILER = `
  const fs = require('node:fs');
  if (fs.existsSync('broken')) { console.log('a.ts(1,1): error TS1: wrong'); process.exit(2); }
  fs.appendFileSync('dist/runs', 'x');
  fs.mkdirSync('dist/cli', { recursive: true });
  const started = Date.now(); while (Date.now() - started < 150);
  fs.writeFileSync('dist/cli/main.js', 'export const main = (args) => { console.log(args.join("+")); return 3; };');
`;

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tollgate-bin-'));
  cpSync(BIN, path.join(root, 'bin'), { recursive: true });
  mkdirSync(path.join(root, 'node_modules', 'typescript', 'bin'), { recursive: true });
  writeFileSync(path.join(root, 'package.json'), '{"name":"x","version":"1.0.0","type":"module"}');
  writeFileSync(
    path.join(root, 'package-lock.json'),
    '{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}',
  );
  writeFileSync(path.join(root, 'tsconfig.build.json'), '{}');
  writeFileSync(
    path.join(root, 'node_modules', 'typescript', 'package.json'),
    '{"type":"commonjs"}',
  );
  writeFileSync(path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), COMPILER);
  writeFileSync(path.join(root, 'node_modules', '.package-lock.json'), '{}');
  writeFileSync(path.join(root, 'a.ts'), '');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(program: string, ...args: string[]): Promise<Run> {
  return runWith([], program, ...args);
}

function runWith(flags: readonly string[], program: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const command = [...flags, path.join(root, 'bin', program), ...args];
    const child = spawn(process.execPath, command, { cwd: root });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const builds = (): number => readFileSync(path.join(root, 'dist', 'runs'), 'utf8').length;

test('the first run builds, the second finds everything done, a changed source builds again', async () => {
  expect(await run('tollgate.js', 'bill', 'x')).toMatchObject({
    code: 3,
    out: 'bill+x\n',
    err: expect.stringMatching(/^tollgate: built in [\d.]+ s\n$/),
  });
  expect(await run('tollgate.js')).toMatchObject({ code: 3, err: '' });
  expect(builds()).toBe(1);
  const later = Date.now() / 1000 + 5;
  utimesSync(path.join(root, 'a.ts'), later, later);
  await run('prepare.js');
  expect(builds()).toBe(2);
});

test('the console is built beside it, and again when one of its sources changes', async () => {
  const bundler = path.join(root, 'node_modules', 'vite', 'bin');
  mkdirSync(path.join(root, 'console'));
  writeFileSync(path.join(root, 'console', 'vite.config.ts'), '');
  writeFileSync(path.join(root, 'console', 'styles.css'), '');
  mkdirSync(bundler, { recursive: true });
  writeFileSync(
    path.join(bundler, 'vite.js'),
    `const fs = require('node:fs');
     if (process.argv.slice(2).join(' ') !== 'build --config ${path.join('console', 'vite.config.ts')}') process.exit(2);
     fs.mkdirSync('dist/console', { recursive: true });
     fs.appendFileSync('dist/console/runs', 'x');`,
  );
  writeFileSync(path.join(root, 'node_modules', 'vite', 'package.json'), '{"type":"commonjs"}');
  const bundled = (): number =>
    readFileSync(path.join(root, 'dist', 'console', 'runs'), 'utf8').length;
  expect((await run('prepare.js')).err).toMatch(/built the console in [\d.]+ s\n$/);
  expect(await run('prepare.js')).toMatchObject({ code: 0, err: '' });
  expect([builds(), bundled()]).toEqual([1, 1]);
  const later = Date.now() / 1000 + 5;
  utimesSync(path.join(root, 'console', 'styles.css'), later, later);
  await run('prepare.js');
  expect([builds(), bundled()]).toEqual([1, 2]);
});

test('sources below a folder of another kind are sources all the same', async () => {
  await run('prepare.js');
  const later = Date.now() / 1000 + 5;
  const change = (...folders: readonly string[]): void => {
    const folder = path.join(root, ...folders);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'b.ts'), '');
    utimesSync(path.join(folder, 'b.ts'), later, later);
  };
  for (const folder of ['bin', 'docs']) change(folder);
  await run('prepare.js');
  expect(builds()).toBe(1);
  change('admin', 'console');
  await run('prepare.js');
  expect(builds()).toBe(2);
});

test('two at once build once', async () => {
  const runs = await Promise.all([run('prepare.js'), run('prepare.js')]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  expect(builds()).toBe(1);
  expect(existsSync(path.join(root, 'dist', '.build.lock'))).toBe(false);
});

test('the lock of a process that is gone is taken over', async () => {
  mkdirSync(path.join(root, 'dist'));
  const gone = await new Promise<number>((resolve) => {
    const child = spawn(process.execPath, ['--version']);
    child.on('close', () => resolve(child.pid ?? 0));
  });
  writeFileSync(
    path.join(root, 'dist', '.build.lock'),
    JSON.stringify({ pid: gone, startTime: '1' }),
  );
  expect(await run('prepare.js')).toMatchObject({ code: 0 });
  expect(builds()).toBe(1);
});

test('errors of the compiler are shown and end with 1, and nothing is taken for built', async () => {
  writeFileSync(path.join(root, 'broken'), '');
  const { code, err } = await run('tollgate.js');
  expect(code).toBe(1);
  expect(err).toContain('the build ended with 2:\na.ts(1,1): error TS1: wrong');
  rmSync(path.join(root, 'broken'));
  expect(await run('prepare.js')).toMatchObject({ code: 0 });
});

test('missing dependencies are installed first', async () => {
  const compiler = path.join(root, 'compiler');
  mkdirSync(path.join(compiler, 'bin'), { recursive: true });
  writeFileSync(path.join(compiler, 'package.json'), '{"name":"typescript","version":"1.0.0"}');
  writeFileSync(path.join(compiler, 'bin', 'tsc'), COMPILER);
  const packages = {
    '': { name: 'x', version: '1.0.0', dependencies: { typescript: 'file:compiler' } },
    compiler: { name: 'typescript', version: '1.0.0' },
    'node_modules/typescript': { resolved: 'compiler', link: true },
  };
  writeFileSync(
    path.join(root, 'package.json'),
    JSON.stringify({ ...packages[''], type: 'module' }),
  );
  writeFileSync(
    path.join(root, 'package-lock.json'),
    JSON.stringify({ name: 'x', version: '1.0.0', lockfileVersion: 3, packages }),
  );
  rmSync(path.join(root, 'node_modules'), { recursive: true });
  const { code, err } = await run('prepare.js');
  expect(err).toMatch(/installing dependencies[^\n]*\n.*installed in [\d.]+ s\n.*built in/);
  expect(code).toBe(0);
  expect((await run('prepare.js')).err).toBe('');
});

test('a deployed tree without sources is left alone', async () => {
  rmSync(path.join(root, 'tsconfig.build.json'));
  expect(await run('prepare.js')).toEqual({ code: 0, out: '', err: '' });
  expect(existsSync(path.join(root, 'dist'))).toBe(false);
});

test('a checkout that may not be written is explained', async () => {
  chmodSync(root, 0o555);
  // Root may write everywhere, so the program gives root away first.
  const giveUpRoot = 'data:text/javascript,process.setgid(65534);process.setuid(65534)';
  const flags = process.getuid?.() === 0 ? ['--import', giveUpRoot] : [];
  const { code, err } = await runWith(flags, 'prepare.js');
  chmodSync(root, 0o755);
  expect(code).toBe(1);
  expect(err).toMatch(/^tollgate: dependencies or the build .* this user may not write to/);
  expect(err).toContain('Run `npm ci && npm run build` there once as its owner');
});

test('a Node that is too old is told in one sentence', async () => {
  const { nodeTooOld } = (await import(path.join(BIN, 'node-version.js'))) as {
    nodeTooOld: (version: string) => string | undefined;
  };
  expect(nodeTooOld('18.20.4')).toBe(
    'Tollgate needs Node 20.19 or newer and this is 18.20.4; Node 24 is a good choice.',
  );
  expect(nodeTooOld('20.18.9')).toBeDefined();
  expect(nodeTooOld('20.19.0')).toBeUndefined();
  expect(nodeTooOld('24.0.0')).toBeUndefined();
});
