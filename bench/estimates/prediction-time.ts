/**
 * How long one prediction takes: facts to credits, in this process, over many distinct statements of a generated history
 * and with a history that knows half of them. What comes before, lexing and facts, is in docs/benchmarks.md.
 */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { approximate, parseCredits } from '../../base/units.js';
import { readStatistics } from '../../cli/explanation/statistics.js';
import { tryParseWarehouseSize } from '../../policies/control/sizes.js';
import type { Basis } from '../../policies/estimate/estimate.js';
import {
  type EstimateContext,
  estimateText,
  statisticsSeconds,
} from '../../policies/estimate/estimator.js';
import { HistoryStore } from '../../policies/estimate/history-store.js';
import { createAnalyser } from '../../policies/sql/analyser.js';
import type { TextFacts } from '../../policies/sql/facts.js';
import { BYTES_PER_SECOND_PER_CREDIT } from '../../proxy/estimate.js';
import { writeGenerated } from './generate.js';
import { WAREHOUSES } from './profile.js';
import { readCsv } from './read-csv.js';
import { TUNING_SEEDS } from './seeds.js';
import { instantOf } from './truth.js';

/** A statement, ready to be predicted. */
export interface Predictable {
  readonly facts: TextFacts;
  readonly context: EstimateContext;
}

export interface PredictionTimes {
  readonly statements: number;
  /** `all` first, then by basis. */
  readonly groups: readonly {
    readonly basis: Basis | 'all';
    readonly calls: number;
    readonly p50Micros: number;
    readonly p99Micros: number;
    readonly maxMicros: number;
  }[];
}

/** Each statement some twenty times: p99 then stands on a thousand calls and more. */
const ROUNDS = 20;

/** Times `count` distinct statements of a generated history: one of a tuning seed, because nothing of it is judged. */
export async function runPredictions(count: number): Promise<PredictionTimes> {
  return await timePredictions(await predictables(TUNING_SEEDS[0], count), ROUNDS);
}

/** Rounds before any call is timed: the compiler has seen everything by then. */
const WARM_UP_ROUNDS = 5;
/** Calls between which others have the event loop. */
const STRETCH = 500;

/** Times every statement `rounds` times, in turn, so that no call finds the caches of the one before. */
export async function timePredictions(
  all: readonly Predictable[],
  rounds: number,
): Promise<PredictionTimes> {
  const times = new Map<Basis | 'all', RecordableHistogram>([['all', createHistogram()]]);
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
    for (const [at, { facts, context }] of all.entries()) {
      if (at % STRETCH === 0) await setImmediate();
      const before = performance.now();
      const { total } = estimateText(facts, context);
      const nanos = Math.max(1, Math.round((performance.now() - before) * 1e6));
      if (round < WARM_UP_ROUNDS) continue;
      const own = times.get(total.basis) ?? createHistogram();
      times.set(total.basis, own);
      own.record(nanos);
      times.get('all')?.record(nanos);
    }
  }
  return {
    statements: all.length,
    groups: [...times].map(([basis, histogram]) => ({
      basis,
      calls: histogram.count,
      p50Micros: histogram.percentile(50) / 1_000,
      p99Micros: histogram.percentile(99) / 1_000,
      maxMicros: histogram.max / 1_000,
    })),
  };
}

const TIER = {
  id: 'any',
  guessExpectedCredits: parseCredits('0.01'),
  guessHoldCredits: parseCredits('0.1'),
  ceilingCredits: parseCredits('1000000'),
};

/** Distinct statements of the generated history with new shapes; every second one has run before. */
async function predictables(seed: number, count: number): Promise<readonly Predictable[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-predictions-'));
  const analyser = createAnalyser({ parser: { waitMsMax: 30_000 } });
  try {
    const [file, statisticsFile] = [join(folder, 'history.csv'), join(folder, 'statistics.json')];
    const options = { profile: 'unseen', seed, rows: count * 2, hasCredits: true } as const;
    writeGenerated(options, file, statisticsFile);
    const tables = await readStatistics(statisticsFile);
    const sent = await sentIn(file);
    const history = new HistoryStore(100_000);
    const found = new Map<string, Predictable>();
    for (const { text, warehouse, startedAt, credits } of sent) {
      if (found.has(text) || found.size >= count) continue;
      const model = WAREHOUSES.find(({ name }) => name === warehouse);
      const names = { database: null, schema: null };
      const facts = await analyser.analyse(text, names, tables.catalogue);
      const context: EstimateContext = {
        tier: TIER,
        warehouse,
        warehouseSize: tryParseWarehouseSize(model?.label ?? '') ?? '',
        creditsPerHour: parseCredits(String(model?.creditsPerHour ?? 1)),
        history,
        statistics: tables.statistics,
        bytesPerSecondPerCredit: BYTES_PER_SECOND_PER_CREDIT,
        at: startedAt,
      };
      if (found.size % 2 === 0) learn(history, facts, context, credits);
      found.set(text, { facts, context });
    }
    return [...found.values()];
  } finally {
    await analyser.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Sent {
  readonly text: string;
  readonly warehouse: string;
  readonly startedAt: number;
  readonly credits: number;
}

/** What ran on a warehouse, in the order of the file. */
async function sentIn(file: string): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  await readCsv(file, (cell) => {
    const credits = Number(cell('CREDITS_ATTRIBUTED_COMPUTE'));
    if (cell('WAREHOUSE_SIZE') === '' || !(credits > 0)) return;
    const startedAt = instantOf(cell('START_TIME'));
    const [text, warehouse] = [cell('QUERY_TEXT'), cell('WAREHOUSE_NAME')];
    sent.push({ text, warehouse, startedAt, credits });
  });
  return sent;
}

function learn(
  history: HistoryStore,
  facts: TextFacts,
  context: EstimateContext,
  credits: number,
): void {
  const { shape, believed, bytes } = estimateText(facts, context).total;
  if (shape === null) return;
  const { creditsPerHour, bytesPerSecondPerCredit } = context;
  const rate = approximate(creditsPerHour);
  const seconds = (credits * 3_600) / rate;
  history.record({
    shape,
    believed,
    creditsPerHour: rate,
    seconds,
    elapsedSeconds: seconds,
    statisticsSeconds: statisticsSeconds(bytes, creditsPerHour, bytesPerSecondPerCredit),
  });
}
