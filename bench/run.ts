/**
 * `npm run bench [-- <id> …] [--rounds n] [--seconds n] [--rate n] [--seed n] [--statements n] [--charges n] [--no-write]`: runs the benchmarks named
 * (default: all), prints their tables and writes them to docs/benchmarks.md; `estimates` to docs/estimates.md.
 *
 * `npm run bench -- estimates --out <file> --profile <name> --seed <n> --rows <n> [--no-credits]` only writes a
 * history, and beside it `<file>.statistics.json`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runAllocate } from './allocate.js';
import { billsText, runBills } from './bills.js';
import { JUDGED_PROFILES, REPLAY, runEstimates } from './estimates.js';
import { writeGenerated } from './estimates/generate.js';
import { estimatesText, predictionText } from './estimates/page.js';
import { runPredictions } from './estimates/prediction-time.js';
import { PROFILE_NAMES } from './estimates/profile.js';
import { JUDGING_SEEDS, TUNING_SEEDS } from './estimates/seeds.js';
import { runLatency } from './latency.js';
import { runLoop } from './loop.js';
import { allocateText } from './allocate-text.js';
import {
  latencyText,
  loopText,
  reserveText,
  sqlText,
  startText,
  streamText,
  throughputText,
  writeSection,
} from './report.js';
import { closeText, runClose } from './close.js';
import { monthText, runMonth } from './month.js';
import { panelsText, runPanels } from './panels.js';
import { runReserve } from './reserve.js';
import { runSeal, sealText } from './seal.js';
import { runSql } from './sql.js';
import { runStart } from './start.js';
import { runStream } from './stream.js';
import { runThroughput } from './throughput.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const ESTIMATES = fileURLToPath(new URL('../../docs/estimates.md', import.meta.url));
/** Two hours of the embedded warehouse. */
const LIVE_SECONDS = 120;
/** Distinct statements whose prediction is timed. */
const TIMED_STATEMENTS = 5_000;
const BENCHMARKS = [
  'latency',
  'throughput',
  'stream',
  'sql',
  'loop',
  'start',
  'reserve',
  'seal',
  'allocate',
  'report',
  'close',
  'bills',
  'panels',
  'estimates',
] as const;
type Benchmark = (typeof BENCHMARKS)[number];

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly seed: number;
  readonly rows: number;
  /** Of `allocate` and `close`: statements of the month. */
  readonly statements: number;
  /** Of `report`: charges of the month. */
  readonly charges: number;
  /** Of `estimates`: the tuning seeds in place of the judging ones; nothing is written then. */
  readonly isTuning: boolean;
  /** Of `estimates`: also times a replay of a million rows. */
  readonly hasMillion: boolean;
  /** Of `estimates`: only the time of one prediction; nothing is written then. */
  readonly isTimingOnly: boolean;
  readonly log: (line: string) => void;
}

const log = (line: string): void => console.error(line);

async function run(
  id: Benchmark,
  options: Options,
): Promise<{ readonly title: string; readonly text: string }> {
  switch (id) {
    case 'latency':
      return {
        title: 'Added latency and CPU of a statement',
        text: latencyText(await runLatency(options)),
      };
    case 'throughput':
      return { title: 'Throughput of a core', text: throughputText(await runThroughput(options)) };
    case 'stream':
      return { title: 'Streamed results', text: streamText(await runStream(options)) };
    case 'sql':
      return { title: 'Reading SQL', text: sqlText(await runSql(options)) };
    case 'loop':
      return {
        title: 'The event loop under bad input',
        text: loopText(await runLoop(options)),
      };
    case 'start':
      return { title: 'Start and memory', text: startText(await runStart(options)) };
    case 'reserve':
      return {
        title: 'One hot team on four replicas',
        text: reserveText(await runReserve(options)),
      };
    case 'seal':
      return { title: 'What sealing costs writers', text: sealText(await runSeal(options)) };
    case 'allocate':
      return {
        title: 'Switching the idle policy of a month',
        text: allocateText(await runAllocate({ rows: options.statements, log })),
      };
    case 'close':
      return {
        title: 'A month closed',
        text: closeText(await runClose(options)),
      };
    case 'report':
      return {
        title: 'The month report over many charges',
        text: monthText(await runMonth(options)),
      };
    case 'bills':
      return { title: 'The bills of a month', text: billsText(await runBills(log)) };
    case 'panels':
      return {
        title: 'Panels over many charges',
        text: panelsText(await runPanels(options)),
      };
    case 'estimates':
      if (options.isTimingOnly)
        return {
          title: 'Time of one prediction',
          text: predictionText(await runPredictions(TIMED_STATEMENTS)),
        };
      return {
        title: 'Estimates beside what happened',
        text: estimatesText(
          await runEstimates({
            profiles: JUDGED_PROFILES,
            seeds: options.isTuning ? TUNING_SEEDS : JUDGING_SEEDS,
            rows: options.rows,
            liveSeconds: LIVE_SECONDS,
            hasMillion: options.hasMillion,
            replay: REPLAY,
            timedStatements: TIMED_STATEMENTS,
            log,
          }),
        ),
      };
  }
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} takes a number above 0`);
  return value;
}

/** A history for somebody who wants to look at it. */
function writeOnly(file: string, name: string, hasCredits: boolean, options: Options): number {
  const profile = PROFILE_NAMES.find((known) => known === name);
  if (profile === undefined) {
    console.error(`there is no profile "${name}"; there are ${PROFILE_NAMES.join(', ')}`);
    return 2;
  }
  const statistics = `${file}.statistics.json`;
  const { seed, rows } = options;
  const made = writeGenerated({ profile, seed, rows, hasCredits }, file, statistics);
  log(`${file}: ${made.rows} statements of ${made.days} days; ${statistics}`);
  return 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rows: { type: 'string', default: '30000' },
      statements: { type: 'string', default: '10000000' },
      charges: { type: 'string', default: '10000000' },
      tuning: { type: 'boolean', default: false },
      million: { type: 'boolean', default: false },
      timing: { type: 'boolean', default: false },
      out: { type: 'string' },
      profile: { type: 'string', default: 'shared' },
      'no-credits': { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((id) => !BENCHMARKS.some((known) => known === id));
  if (unknown !== undefined) {
    console.error(`there is no benchmark "${unknown}"; there are ${BENCHMARKS.join(', ')}`);
    return 2;
  }
  const options: Options = {
    rounds: positive(values.rounds, 'rounds'),
    seconds: positive(values.seconds, 'seconds'),
    rate: positive(values.rate, 'rate'),
    seed: positive(values.seed, 'seed'),
    rows: positive(values.rows, 'rows'),
    statements: positive(values.statements, 'statements'),
    charges: positive(values.charges, 'charges'),
    isTuning: values.tuning,
    hasMillion: values.million,
    isTimingOnly: values.timing,
    log,
  };
  if (values.out !== undefined)
    return writeOnly(values.out, values.profile, !values['no-credits'], options);
  for (const id of BENCHMARKS.filter(
    (each) => positionals.length === 0 || positionals.includes(each),
  )) {
    const { title, text } = await run(id, options);
    console.log(`\n${title}\n\n${text}`);
    const isShownOnly =
      values['no-write'] || (id === 'estimates' && (options.isTuning || options.isTimingOnly));
    const page = id === 'estimates' ? ESTIMATES : DOCUMENT;
    if (!isShownOnly) writeSection(page, `bench:${id}`, title, text);
  }
  return 0;
}

process.exitCode = await main();
