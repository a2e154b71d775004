/** gosnowflake's own tests: in Go's module zip, so the go command brings them; a folder of sources may be given instead. */
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { runProgram, tail } from '../programs.js';
import { GoOutput } from './go-output.js';
import { goTests, type GoTest } from './go-reach.js';
import { CASE_LIMIT_MS, SIDE_LIMIT_MS, surroundings } from './suite.js';
import type { AbsentSuite, Apart, PreparedSuite, Seen, Side, Suite } from './suite.js';
import { watched } from './watched.js';

const VERSION = '1.19.1';
const MODULE = `github.com/snowflakedb/gosnowflake@v${VERSION}`;
const TOOL_LIMIT_MS = 10 * 60_000;
const PROGRAM = 'suite.test';
// Some cases wait for 55 s by themselves.
const TEST_LIMIT_MS = 2 * CASE_LIMIT_MS;
// What was killed may keep the server busy for a while.
const IDLE_MAX = 3;

/** @param sources a folder with the driver's sources and tests, or null: then `go mod download` brings them */
export function goSuite(sources: string | null): Suite {
  return {
    name: 'go',
    title: `gosnowflake ${VERSION}`,
    prepare: (cache) => prepared(path.join(cache, `go-suite-${VERSION}`), sources),
  };
}

async function prepared(
  folder: string,
  given: string | null,
): Promise<PreparedSuite | AbsentSuite> {
  const sources = given ?? (await downloaded());
  if (typeof sources !== 'string') return sources;
  if (!existsSync(path.join(sources, 'go.mod'))) {
    return { kind: 'absent', why: `${sources} has no go.mod` };
  }
  rmSync(folder, { recursive: true, force: true });
  cpSync(sources, folder, { recursive: true });
  writable(folder);
  const built = await go(['test', '-c', '-o', PROGRAM, '.'], folder);
  if (typeof built !== 'string') return built;
  const names = readdirSync(folder).filter((name) => name.endsWith('_test.go'));
  const tests = goTests(
    new Map(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')])),
  );
  // Files for other systems hold tests that this program has not.
  const listed = new Set((await listedTests(folder)).split('\n'));
  const here = tests.filter(({ name }) => listed.has(name));
  return { kind: 'ready', apart: apart(here), run: (side) => ran(folder, here, side) };
}

async function downloaded(): Promise<string | AbsentSuite> {
  const reply = await go(['mod', 'download', '-json', MODULE], null);
  return typeof reply === 'string' ? (JSON.parse(reply) as { Dir: string }).Dir : reply;
}

async function go(args: readonly string[], cwd: string | null): Promise<string | AbsentSuite> {
  const ending = await runProgram(
    {
      command: 'go',
      args,
      environment: { GOWORK: 'off' },
      ...(cwd === null ? {} : { cwd }),
    },
    TOOL_LIMIT_MS,
  );
  if (ending.kind === 'absent') return { kind: 'absent', why: 'go is not installed' };
  if (ending.kind === 'ended' && ending.code === 0) return ending.stdout;
  return { kind: 'absent', why: `go ${args[0]}: ${tail(ending.stdout + ending.stderr, 3)}` };
}

// Go keeps its cache of modules read-only, and tests write beside their sources.
function writable(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const name = path.join(entry.parentPath, entry.name);
    chmodSync(name, statSync(name).mode | 0o200);
  }
  chmodSync(folder, 0o755);
}

async function listedTests(folder: string): Promise<string> {
  const environment = { SKIP_SETUP: '1', SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true' };
  const ending = await runProgram(
    { command: path.join(folder, PROGRAM), args: ['-test.list', '.'], cwd: folder, environment },
    CASE_LIMIT_MS,
  );
  return ending.kind === 'absent' ? '' : ending.stdout;
}

function apart(tests: readonly GoTest[]): readonly Apart[] {
  const unreached = tests.filter(({ reachesServer }) => !reachesServer);
  const network = unreached.filter(({ file }) => /ocsp/.test(file));
  return [
    {
      why: 'never reach the server: mocks, WireMock, functions of the driver alone',
      cases: unreached.length - network.length,
    },
    { why: 'ask servers of certificate authorities on the internet (OCSP)', cases: network.length },
  ];
}

/** One program for all tests; when it dies or hangs, the test it was at has failed and another program does the rest. */
async function ran(
  sources: string,
  tests: readonly GoTest[],
  side: Side,
): Promise<readonly Seen[]> {
  // Tests write beside their sources, and the other side runs at the same time.
  const folder = `${sources}-${side.name}`;
  rmSync(folder, { recursive: true, force: true });
  cpSync(sources, folder, { recursive: true });
  const wanted = tests.filter(({ reachesServer }) => reachesServer).map(({ name }) => name);
  const output = new GoOutput();
  const deadline = performance.now() + SIDE_LIMIT_MS;
  let idle = 0;
  for (;;) {
    const left = wanted.filter((name) => !output.has(name));
    const limitMs = deadline - performance.now();
    if (left.length === 0) break;
    if (limitMs < TEST_LIMIT_MS)
      return [...output.cases(), ...unreached(left, 'the side took too long')];
    const end = await watched(
      {
        command: path.join(folder, PROGRAM),
        args: ['-test.v=test2json', '-test.timeout=0', `-test.run=^(${left.join('|')})$`],
        cwd: folder,
        environment: surroundings(side, 'PUBLIC'),
        from: 1,
        quietLimitMs: TEST_LIMIT_MS,
        limitMs,
      },
      (line) => output.read(line),
    );
    const why = end.isLate ? `no end within ${TEST_LIMIT_MS / 1000} s` : 'the program died';
    output.abandon(`${why}\n${tail(end.printed, 40)}`);
    idle = left.every((name) => !output.has(name)) ? idle + 1 : 0;
    if (idle === IDLE_MAX) {
      return [...output.cases(), ...unreached(left, `${why}: ${tail(end.printed, 10)}`)];
    }
  }
  return output.cases();
}

function unreached(names: readonly string[], said: string): readonly Seen[] {
  return names.map((name) => ({ name, status: 'fail', said: `not reached: ${said}` }));
}
