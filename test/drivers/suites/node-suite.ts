/**
 * The Node driver's own tests, run on the driver that this program ships with. Its package holds none, so a folder with
 * its repository is given: a checkout, or a git directory without one.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../places.js';
import { runProgram, tail } from '../programs.js';
import type { MochaEvent } from './mocha-cases.js';
import { MochaOutput } from './mocha-output.js';
import { createSchema } from './schema.js';
import { CASE_LIMIT_MS, SIDE_LIMIT_MS, surroundings } from './suite.js';
import type { AbsentSuite, Apart, PreparedSuite, Seen, Side, Suite } from './suite.js';
import { watched, type WatchedEnd } from './watched.js';

const TOOLS = {
  mocha: '11.8.0',
  'ts-node': '10.9.2',
  typescript: '5.9.3',
  sinon: '20.0.0',
  async: '3.2.6',
  'mock-require': '3.0.3',
  rewiremock: '3.14.6',
  'test-console': '2.0.0',
  'wiremock-rest-client': '1.11.0',
};
const TOOL_LIMIT_MS = 5 * 60_000;
const FILE_LIMIT_MS = 4 * 60_000;
const SCHEMA = 'NODE_SUITE';
const PROGRAM = fileURLToPath(new URL('./mocha-cases.js', import.meta.url));
const DRIVER = path.join(ROOT, 'node_modules', 'snowflake-sdk');

/** Which files are counted and not run. */
const APART: readonly { readonly why: string; readonly files: RegExp }[] = [
  {
    why: 'never reach the server: mocks, WireMock, functions of the driver alone',
    files:
      /^(?:unit\/|integration\/wiremock\/|integration\/test(?:Encrypt|Cache|LoginRequestBody|InbandTelemetry|HttpClient)\.)/,
  },
  {
    why: 'ask servers on the internet: certificates, OCSP, revocation lists',
    files: /^integration\/(?:ocsp_mock\/|test(?:ConnectionWithOCSP|Ocsp|Crl)\.)/,
  },
  {
    why: 'another way to sign in: a browser, an identity provider, a second factor, a cloud’s identity',
    files: /^(?:authentication\/|auth-workload|integration\/testManualConnection\.)/,
  },
];
// A file with cases: others beside it are helpers.
const CASES = /(?:^|\/)(?:test(?!Util\.)\w+|\w+_test|result_test\w*|auth-workload[\w-]+)\.[jt]s$/;

/** @param sources the repository of the driver: a checkout or a git directory; null: the suite is absent */
export function nodeSuite(sources: string | null): Suite {
  const { version } = manifest(DRIVER);
  return {
    name: 'node',
    title: `snowflake-sdk ${version}`,
    prepare: (cache) => prepared(path.join(cache, 'node-suite'), sources),
  };
}

function manifest(folder: string): { readonly version: string } {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
}

async function prepared(
  folder: string,
  sources: string | null,
): Promise<PreparedSuite | AbsentSuite> {
  if (sources === null) {
    return { kind: 'absent', why: 'the package has no tests: name a folder with its repository' };
  }
  const absent = (await tools(`${folder}-tools`)) ?? (await copied(folder, sources));
  if (absent !== null) return absent;
  symlinkSync(path.join(DRIVER, 'dist', 'lib'), path.join(folder, 'lib'));
  symlinkSync(path.join(`${folder}-tools`, 'node_modules'), path.join(folder, 'node_modules'));
  const files = readdirSync(path.join(folder, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => CASES.test(name))
    .sort();
  const apart: Apart[] = [];
  for (const { why, files: pattern } of APART) {
    const own = files.filter((name) => pattern.test(name));
    apart.push({ why, cases: (await listed(folder, own)).count });
  }
  const wanted = files.filter((name) => APART.every((each) => !each.files.test(name)));
  return { kind: 'ready', apart, run: (side) => ran(folder, wanted, side) };
}

async function tools(folder: string): Promise<AbsentSuite | null> {
  const wanted = JSON.stringify({ private: true, dependencies: TOOLS });
  const file = path.join(folder, 'package.json');
  const lock = path.join(folder, 'node_modules', '.package-lock.json');
  if (existsSync(lock) && readFileSync(file, 'utf8') === wanted) return null;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, wanted);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  return step('npm', args, folder);
}

async function copied(folder: string, sources: string): Promise<AbsentSuite | null> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (existsSync(path.join(sources, 'test', 'integration'))) {
    cpSync(path.join(sources, 'test'), path.join(folder, 'test'), { recursive: true });
    cpSync(path.join(sources, 'package.json'), path.join(folder, 'package.json'));
  } else {
    const archive = path.join(folder, 'sources.tar');
    const absent =
      (await step(
        'git',
        ['--git-dir', sources, 'archive', '-o', archive, 'HEAD', 'test', 'package.json'],
        folder,
      )) ?? (await step('tar', ['-xf', archive], folder));
    if (absent !== null) return absent;
  }
  // Its own settings check types against the sources of the driver, which are not here.
  const options = { module: 'node16', target: 'ES2022', allowJs: true, esModuleInterop: true };
  const settings = { compilerOptions: { ...options, resolveJsonModule: true } };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(settings));
  return null;
}

async function step(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<AbsentSuite | null> {
  const ending = await runProgram({ command, args, cwd }, TOOL_LIMIT_MS);
  if (ending.kind === 'ended' && ending.code === 0) return null;
  const why =
    ending.kind === 'absent'
      ? `${command} is not installed`
      : `${command} ${args[0]}: ${tail(ending.stderr, 3)}`;
  return { kind: 'absent', why };
}

async function listed(folder: string, files: readonly string[]): Promise<MochaOutput> {
  const output = new MochaOutput();
  const nowhere: Side = { name: 'direct', port: 9, home: folder };
  await watchedFiles(folder, 'list', files, nowhere, FILE_LIMIT_MS, output);
  return output;
}

/** One program a file, so that what a file leaves behind, or dies of, is its own. */
async function ran(folder: string, files: readonly string[], side: Side): Promise<readonly Seen[]> {
  await createSchema(side.port, SCHEMA);
  const all: Seen[] = [];
  const deadline = performance.now() + SIDE_LIMIT_MS;
  for (const file of files) {
    const limitMs = Math.min(FILE_LIMIT_MS, deadline - performance.now());
    const output = new MochaOutput();
    const end = await watchedFiles(folder, 'run', [file], side, Math.max(limitMs, 1), output);
    const why = end.isLate ? 'no end in time' : `the program died\n${tail(end.printed, 20)}`;
    const cases = output.cases(why);
    const name = path.basename(file).replace(/\.[jt]s$/, '');
    if (cases.length === 0 && end.code !== 0) {
      all.push({ name, status: 'fail', said: `not loaded: ${why}` });
    }
    all.push(...cases.map((each) => ({ ...each, name: `${name}: ${each.name}` })));
  }
  return all;
}

function watchedFiles(
  folder: string,
  verb: 'list' | 'run',
  files: readonly string[],
  side: Side,
  limitMs: number,
  output: MochaOutput,
): Promise<WatchedEnd> {
  return watched(
    {
      command: process.execPath,
      args: [PROGRAM, verb, String(CASE_LIMIT_MS), ...files.map((file) => path.join('test', file))],
      cwd: folder,
      environment: {
        ...surroundings(side, SCHEMA),
        // Packages that the tests name and the driver brings.
        NODE_PATH: path.join(ROOT, 'node_modules'),
      },
      from: 3,
      quietLimitMs: verb === 'list' ? limitMs : 2 * CASE_LIMIT_MS,
      limitMs,
    },
    (line) => line !== '' && output.read(JSON.parse(line) as MochaEvent),
  );
}
