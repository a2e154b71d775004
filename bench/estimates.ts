/**
 * The estimator on generated histories: writes each profile with the judging seeds, runs the real `tollgate replay` over
 * the files and compares what it predicted with what happened. Baselines are computed here from the same files.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { judge, readPredictions } from './estimates/accuracy.js';
import type { Judged } from './estimates/accuracy.js';
import { BASELINES, runBaselines } from './estimates/baselines.js';
import type { Baseline } from './estimates/baselines.js';
import { writeSeededMonth } from './estimates/seeded-month.js';
import { writeGenerated } from './estimates/generate.js';
import { writeLiveHistory } from './estimates/live.js';
import { DEMO } from '../cli/explanation/statistics.js';
import { pooledHolds, runHoldStrategies } from './estimates/hold-strategies.js';
import type { HoldsByStrategy } from './estimates/hold-strategies.js';
import type { Oracle } from './estimates/oracle.js';
import { runPredictions, type PredictionTimes } from './estimates/prediction-time.js';
import { PROFILE_NAMES } from './estimates/profile.js';
import type { ProfileName } from './estimates/profile.js';
import { readHistory } from './estimates/truth.js';
import type { HistoryRow } from './estimates/truth.js';

const TOLLGATE = fileURLToPath(new URL('../../bin/tollgate.js', import.meta.url));
/** What follows `tollgate`: the program of this build. */
export const REPLAY: readonly string[] = [process.execPath, TOLLGATE, 'replay'];
const OUTPUT_LENGTH_MAX = 4_000_000;
const MILLION = 1_000_000;

/** The shape that scripts rely on: design, section 3. */
export interface ReplaySummary {
  readonly rows: number;
  readonly byBasis: readonly BasisSummary[];
  readonly decisions: Readonly<Record<'allowed' | 'queued' | 'refused' | 'stopped', number>>;
}

export interface BasisSummary {
  readonly basis: string;
  readonly rows: number;
  readonly qErrorP50: number | null;
  readonly qErrorP90: number | null;
  readonly qErrorP99: number | null;
  readonly coverage: number | null;
  readonly heldOverActual: number | null;
}

const figure = z.number().nullable();
const SUMMARY: z.ZodType<ReplaySummary> = z.object({
  rows: z.number(),
  byBasis: z.array(
    z.object({
      basis: z.string(),
      rows: z.number(),
      qErrorP50: figure,
      qErrorP90: figure,
      qErrorP99: figure,
      coverage: figure,
      heldOverActual: figure,
    }),
  ),
  decisions: z.object({
    allowed: z.number(),
    queued: z.number(),
    refused: z.number(),
    stopped: z.number(),
  }),
});

/** Generated ones; work on the running embedded warehouse; the month that it is seeded with. */
export type JudgedProfile = ProfileName | 'embedded' | 'seeded month';
export const JUDGED_PROFILES: readonly JudgedProfile[] = [
  ...PROFILE_NAMES,
  'embedded',
  'seeded month',
];

export interface EstimatesOptions {
  readonly profiles: readonly JudgedProfile[];
  readonly seeds: readonly number[];
  /** Of each file. */
  readonly rows: number;
  /** Real seconds of work on the embedded warehouse. */
  readonly liveSeconds: number;
  /** Also times a replay of a million rows. */
  readonly hasMillion: boolean;
  readonly replay: readonly string[];
  /** Distinct statements whose prediction is timed; 0: none is. */
  readonly timedStatements: number;
  readonly log: (line: string) => void;
}

/** All files of one profile. */
export interface ProfileRun {
  readonly profile: JudgedProfile;
  readonly files: number;
  readonly rows: number;
  readonly measured: number;
  readonly judged: readonly Judged[];
  /** Measured statements of which nothing was predicted. */
  readonly missing: number;
  readonly summaries: readonly ReplaySummary[];
  /** Of generated files. */
  readonly oracles: readonly Oracle[];
  readonly replaySeconds: number;
  /** q-errors of the baselines: of the wall time, of the credits. */
  readonly wall: Readonly<Record<Baseline, readonly number[]>>;
  readonly credits: Readonly<Record<Baseline, readonly number[]>>;
  /** What simple strategies would have held, in credits. */
  readonly holds: HoldsByStrategy;
}

export interface EstimatesReport {
  readonly options: EstimatesOptions;
  readonly runs: readonly ProfileRun[];
  readonly million: { readonly rows: number; readonly seconds: number } | null;
  /** null: not timed. */
  readonly predictions: PredictionTimes | null;
}

/** Runs every profile with every seed. */
export async function runEstimates(options: EstimatesOptions): Promise<EstimatesReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-estimates-'));
  try {
    const runs: ProfileRun[] = [];
    for (const profile of options.profiles) {
      const files = await writeFiles(profile, folder, options);
      runs.push(await runProfile(profile, files, options));
    }
    const million = options.hasMillion ? await replayMillion(folder, options) : null;
    const { timedStatements } = options;
    const predictions = timedStatements > 0 ? await runPredictions(timedStatements) : null;
    return { options, runs, million, predictions };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface HistoryFile {
  readonly file: string;
  /** A file, or the word for the demo's. */
  readonly statistics: string;
  readonly oracle: Oracle | null;
}

function writeProfile(
  profile: ProfileName,
  seed: number,
  folder: string,
  { rows, log }: EstimatesOptions,
): HistoryFile {
  const file = join(folder, `${profile}-${seed}.csv`);
  const statistics = join(folder, `${profile}-${seed}.json`);
  const made = writeGenerated({ profile, seed, rows, hasCredits: true }, file, statistics);
  log(`${profile}, seed ${seed}: ${made.rows} statements of ${made.days} days`);
  return { file, statistics, oracle: made.oracle };
}

async function writeFiles(
  profile: JudgedProfile,
  folder: string,
  options: EstimatesOptions,
): Promise<readonly HistoryFile[]> {
  const { seeds, liveSeconds, log } = options;
  const file = join(folder, `${profile.replaceAll(' ', '-')}.csv`);
  switch (profile) {
    case 'embedded': {
      const rows = await writeLiveHistory({ seed: seeds[0] ?? 0, seconds: liveSeconds }, file);
      log(`embedded: ${rows} statements on the running warehouse`);
      return [{ file, statistics: DEMO, oracle: null }];
    }
    case 'seeded month':
      log(`seeded month: ${writeSeededMonth(file)} statements`);
      return [{ file, statistics: DEMO, oracle: null }];
    case 'uncontended':
    case 'shared':
    case 'unseen':
    case 'drift':
    case 'individual':
      return seeds.map((seed) => writeProfile(profile, seed, folder, options));
  }
}

async function runProfile(
  profile: JudgedProfile,
  files: readonly HistoryFile[],
  options: EstimatesOptions,
): Promise<ProfileRun> {
  const histories: (readonly HistoryRow[])[] = [];
  const summaries: ReplaySummary[] = [];
  const judged: Judged[] = [];
  let missing = 0;
  let replaySeconds = 0;
  for (const { file, statistics } of files) {
    const predictions = `${file}.predictions`;
    const replayed = await replay(file, statistics, predictions, options.replay);
    summaries.push(replayed.summary);
    replaySeconds += replayed.seconds;
    const rows = await readHistory(file);
    histories.push(rows);
    const compared = judge(rows, await readPredictions(predictions));
    judged.push(...compared.judged);
    missing += compared.missing;
  }
  options.log(`${profile}: replayed in ${replaySeconds.toFixed(1)} s`);
  return {
    profile,
    files: files.length,
    rows: histories.reduce((sum, { length }) => sum + length, 0),
    measured: judged.length + missing,
    judged,
    missing,
    summaries,
    oracles: files.flatMap(({ oracle }) => (oracle === null ? [] : [oracle])),
    replaySeconds,
    wall: pooledErrors(histories, (row) => row.wallSeconds),
    credits: pooledErrors(histories, (row) => row.credits),
    holds: pooledHolds(histories.map((rows) => runHoldStrategies(rows, (row) => row.credits))),
  };
}

function pooledErrors(
  histories: readonly (readonly HistoryRow[])[],
  value: (row: HistoryRow) => number,
): Readonly<Record<Baseline, readonly number[]>> {
  const each = histories.map((rows) => runBaselines(rows, value).errors);
  const pooled = (name: Baseline): readonly number[] => each.flatMap((errors) => errors[name]);
  const [last, average, running, global] = BASELINES;
  return {
    [last]: pooled(last),
    [average]: pooled(average),
    [running]: pooled(running),
    [global]: pooled(global),
  };
}

async function replayMillion(
  folder: string,
  options: EstimatesOptions,
): Promise<{ readonly rows: number; readonly seconds: number }> {
  const [seed = 0] = options.seeds;
  const { file, statistics } = writeProfile('shared', seed, folder, { ...options, rows: MILLION });
  const { summary, seconds } = await replay(file, statistics, null, options.replay);
  options.log(`a million: replayed in ${seconds.toFixed(1)} s`);
  return { rows: summary.rows, seconds };
}

/**
 * Runs the command over a file.
 * @throws Error with the end of its error output when it fails or does not answer in the agreed shape.
 */
async function replay(
  file: string,
  statistics: string,
  predictions: string | null,
  [program = '', ...leading]: readonly string[],
): Promise<{ readonly summary: ReplaySummary; readonly seconds: number }> {
  const args = [
    ...leading,
    file,
    '--json',
    '--statistics',
    statistics,
    ...(predictions === null ? [] : ['--predictions', predictions]),
  ];
  const startedAt = performance.now();
  const output = await outputOf(program, args);
  const seconds = (performance.now() - startedAt) / 1000;
  const parsed = SUMMARY.safeParse(JSON.parse(output));
  if (!parsed.success)
    throw new Error(`replay answered in another shape than agreed: ${parsed.error.message}`);
  return { summary: parsed.data, seconds };
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > OUTPUT_LENGTH_MAX) child.kill();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`replay ended with ${code ?? 'a signal'}: ${errors}`));
    });
  });
}
