/**
 * `npm run test:long [-- <name> …]`: tests at their full counts, in seeded chunks. Prints each chunk's figures and
 * writes docs/long-runs.md. A run that was broken off goes on after its last whole chunk; `--again` starts anew.
 * Exit code 1 when a chunk failed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LONG_RUNS, type LongRunEntry } from './runs.js';
import { addFigures, type Figures, longRunsDocument, type RunResult } from './report.js';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const STATE = path.join(ROOT, 'node_modules', '.cache', 'tollgate-long');
const DOCUMENT = path.join(ROOT, 'docs', 'long-runs.md');

function main(parameters: readonly string[]): number {
  const names = parameters.filter((each) => each !== '--again');
  const unknown = names.filter((name) => !LONG_RUNS.some((run) => run.name === name));
  if (unknown.length > 0) {
    console.error(
      `no such run: ${unknown.join(', ')}; there are ${LONG_RUNS.map((run) => run.name).join(', ')}`,
    );
    return 2;
  }
  mkdirSync(STATE, { recursive: true });
  const chosen = LONG_RUNS.filter((run) => names.length === 0 || names.includes(run.name));
  let failures = 0;
  for (const run of chosen) {
    if (parameters.includes('--again')) rmSync(stateFile(run), { force: true });
    if (!runChunks(run)) failures += 1;
  }
  const results = LONG_RUNS.flatMap((run) => {
    const done = readState(run);
    return done === undefined ? [] : [{ run, ...done }];
  });
  writeFileSync(
    DOCUMENT,
    longRunsDocument(results, existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : ''),
  );
  return failures === 0 ? 0 : 1;
}

type State = Omit<RunResult, 'run'>;

function runChunks(run: LongRunEntry): boolean {
  let state: State = readState(run) ?? { chunks: 0, seconds: 0, figures: {} };
  if (state.chunks === run.chunks) console.log(`${run.name}: done before; --again repeats it`);
  while (state.chunks < run.chunks) {
    const startedAt = performance.now();
    const figures = runChunk(run, state.chunks);
    if (figures === undefined) {
      console.log(`${run.name}: chunk ${state.chunks + 1} of ${run.chunks} failed`);
      return false;
    }
    state = {
      chunks: state.chunks + 1,
      seconds: state.seconds + (performance.now() - startedAt) / 1000,
      figures: addFigures(state.figures, figures),
    };
    writeFileSync(stateFile(run), JSON.stringify(state));
    console.log(`${run.name}: chunk ${state.chunks} of ${run.chunks}: ${JSON.stringify(figures)}`);
  }
  return true;
}

/** The figures of one chunk; undefined when its test failed or reported nothing: then it did not look. */
function runChunk(run: LongRunEntry, chunk: number): Figures | undefined {
  const out = path.join(STATE, `${run.name}-out.jsonl`);
  rmSync(out, { force: true });
  const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', run.file, '-t', run.test, '--testTimeout=1800000', '--reporter=dot'],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        TOLLGATE_LONG_RUN: `${run.name}:${run.countPerChunk}:${chunk}`,
        TOLLGATE_LONG_OUT: out,
      },
    },
  );
  if (status !== 0 || !existsSync(out)) return undefined;
  return readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Figures)
    .reduce(addFigures, {});
}

function stateFile(run: LongRunEntry): string {
  return path.join(STATE, `${run.name}-${run.chunks}x${run.countPerChunk}.json`);
}

function readState(run: LongRunEntry): State | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(run), 'utf8')) as State;
  } catch {
    return undefined;
  }
}

process.exitCode = main(process.argv.slice(2));
