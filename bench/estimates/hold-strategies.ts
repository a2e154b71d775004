/**
 * Holds that anybody would try first, for comparison: per shape a quantile of the last values, the greatest of them, a
 * log-normal's quantile, and a moving average of logarithms times one factor for all shapes that follows its own misses.
 * A statement enters history when it has ended.
 */
import { must } from '../../base/assert.js';
import { ascending, quantile } from '../statistics.js';
import { EWMA_WEIGHT } from './baselines.js';
import { liveThrough } from './truth.js';
import type { HistoryRow } from './truth.js';

export const HOLD_STRATEGIES = [
  'p90 of the last 50',
  'p95 of the last 50',
  'greatest of the last 20',
  'log-normal + 1.28 σ',
  'log-EWMA(0.3) × θ',
] as const;
export type HoldStrategy = (typeof HOLD_STRATEGIES)[number];

const LAST_MAX = 50;
const GREATEST_OF = 20;
/** The normal 90 % quantile, rounded as it is usually written. */
const DEVIATIONS = 1.28;
/** θ ← θ · exp(η (1[missed] − α)): a tenth of the statements may take more than is held. */
const FACTOR_GAIN = 0.05;
const MISSED_SHARE = 0.1;

/** What a strategy held of the statements whose shape had ended before. */
export interface HoldFigures {
  readonly statements: number;
  /** Statements that stayed within what was held. */
  readonly covered: number;
  readonly held: number;
  readonly actual: number;
}

export type HoldsByStrategy = Readonly<Record<HoldStrategy, HoldFigures>>;

interface ShapeHistory {
  /** The latest values, oldest first. */
  readonly last: number[];
  count: number;
  /** Mean of all logarithms, and the sum of squares around it (Welford 1962). */
  logMean: number;
  logSquares: number;
  logAverage: number;
}

/** What the strategies hold for `value`, walking over the rows as they were lived. */
export function runHoldStrategies(
  rows: readonly HistoryRow[],
  value: (row: HistoryRow) => number,
): HoldsByStrategy {
  const shapes = new Map<string, ShapeHistory>();
  const sums = new Map(HOLD_STRATEGIES.map((name) => [name, emptySum()]));
  /** Statements that run, with what θ held of them. */
  const heldByFactor = new Map<string, number>();
  let factor = 1;
  liveThrough(
    rows,
    (row) => {
      const known = row.isMeasured ? shapes.get(row.shape) : undefined;
      if (known === undefined) return;
      const holds = holdsOf(known, factor);
      heldByFactor.set(row.queryId, holds['log-EWMA(0.3) × θ']);
      for (const name of HOLD_STRATEGIES)
        count(must(sums.get(name), 'a sum per strategy'), holds[name], value(row));
    },
    (row) => {
      const actual = value(row);
      const held = heldByFactor.get(row.queryId);
      heldByFactor.delete(row.queryId);
      if (held !== undefined)
        factor *= Math.exp(FACTOR_GAIN * ((actual > held ? 1 : 0) - MISSED_SHARE));
      learn(shapes, row.shape, actual);
    },
  );
  return byStrategy((name) => must(sums.get(name), 'a sum per strategy'));
}

/** The figures of several files together. */
export function pooledHolds(all: readonly HoldsByStrategy[]): HoldsByStrategy {
  return byStrategy((name) => {
    const sum = emptySum();
    for (const { [name]: figures } of all) {
      sum.statements += figures.statements;
      sum.covered += figures.covered;
      sum.held += figures.held;
      sum.actual += figures.actual;
    }
    return sum;
  });
}

function byStrategy<T>(of: (name: HoldStrategy) => T): Readonly<Record<HoldStrategy, T>> {
  const [p90, p95, greatest, logNormal, average] = HOLD_STRATEGIES;
  return {
    [p90]: of(p90),
    [p95]: of(p95),
    [greatest]: of(greatest),
    [logNormal]: of(logNormal),
    [average]: of(average),
  };
}

function holdsOf(known: ShapeHistory, factor: number): Readonly<Record<HoldStrategy, number>> {
  const last = ascending(known.last);
  const sigma = Math.sqrt(known.logSquares / known.count);
  return {
    'p90 of the last 50': quantile(last, 0.9),
    'p95 of the last 50': quantile(last, 0.95),
    'greatest of the last 20': Math.max(...known.last.slice(-GREATEST_OF)),
    'log-normal + 1.28 σ': Math.exp(known.logMean + DEVIATIONS * sigma),
    'log-EWMA(0.3) × θ': factor * Math.exp(known.logAverage),
  };
}

function learn(shapes: Map<string, ShapeHistory>, shape: string, actual: number): void {
  const log = Math.log(actual);
  const known = shapes.get(shape);
  if (known === undefined) {
    const first = { last: [actual], count: 1, logMean: log, logSquares: 0, logAverage: log };
    shapes.set(shape, first);
    return;
  }
  known.last.push(actual);
  if (known.last.length > LAST_MAX) known.last.shift();
  known.count += 1;
  const distance = log - known.logMean;
  known.logMean += distance / known.count;
  known.logSquares += distance * (log - known.logMean);
  known.logAverage += EWMA_WEIGHT * (log - known.logAverage);
}

type Sum = { -readonly [K in keyof HoldFigures]: HoldFigures[K] };

function emptySum(): Sum {
  return { statements: 0, covered: 0, held: 0, actual: 0 };
}

function count(sum: Sum, held: number, actual: number): void {
  sum.statements += 1;
  sum.covered += actual <= held ? 1 : 0;
  sum.held += held;
  sum.actual += actual;
}
