/**
 * Step 4 of the path of a statement: from facts to credits. The best source that knows something speaks: nothing to
 * run, history of its shape, EXPLAIN or table statistics, what others of its kind took, the tier's guess.
 */
import type { EpochMs } from '#base/time.js';
import {
  addCredits,
  sumCredits,
  type Credits,
  creditsForMillis,
  approximate,
  compareAmounts,
  maxAmount,
  minAmount,
  NO_CREDITS,
} from '#base/units.js';
import type { StatementFacts, TextFacts } from '../sql/facts.js';
import { type Advice, BASES, type Basis, type Estimate } from './estimate.js';
import type { ExplainBound } from './explain-bound.js';
import { valueAt } from './history.js';
import type { HistoryView, LevelBelief } from './history-store.js';
import { type Beliefs, believe } from './levels.js';
import { type Scan, scanOf, type UnfilteredColumn } from './scan.js';
import type { StatisticsView } from './table-statistics.js';
import { formOf, type ShapeFacts, tablesOf } from './shape.js';

/** Amounts a tier assumes of a statement of which nothing is known. */
export interface GuessAmounts {
  readonly id: string;
  readonly guessExpectedCredits: Credits;
  readonly guessHoldCredits: Credits;
  readonly ceilingCredits: Credits;
}

export interface EstimateContext {
  readonly tier: GuessAmounts;
  /** Empty: none. */
  readonly warehouse: string;
  readonly warehouseSize: string;
  /** Credits per hour of one cluster of that warehouse. */
  readonly creditsPerHour: Credits;
  readonly history: HistoryView;
  readonly statistics: StatisticsView;
  /** What upstream's EXPLAIN says it scans, in place of statistics. */
  readonly bound?: ExplainBound | undefined;
  /** Bytes that a cluster costing one credit an hour scans in a second. */
  readonly bytesPerSecondPerCredit: number;
  /** When the statement comes. */
  readonly at: EpochMs;
  /** Name of the zone that its session's clock goes by; absent or null: not known. */
  readonly timeZone?: string | null;
}

/** Even an empty answer keeps a warehouse busy this long. */
const HOLD_FLOOR_SECONDS = 0.1;
/** Opaque text may hold more than one statement's work. */
const OPAQUE_GUESS_FACTOR = 4;
/** Longest run that is computed with; anything above is as good as unlimited. */
const SECONDS_MAX = 366 * 86_400;
/** Normal 10 % quantile: the low end of the range that is shown. */
const LOW_QUANTILE = -1.28;

/** Estimates one statement. Total and pure. */
export function estimateStatement(facts: StatementFacts, context: EstimateContext): Estimate {
  if (facts.isFree) return freeEstimate;
  const { bound } = context;
  const known = scanOf(facts, context.statistics, context.at, context.timeZone ?? null);
  const scan = bound === undefined ? known : boundedScan(bound, known);
  const described = describe(facts, scan, known, context);
  const beliefs = believe(
    context.history,
    described.shape,
    statisticsSeconds(described.bytes, context.creditsPerHour, context.bytesPerSecondPerCredit),
    approximate(context.creditsPerHour),
  );
  const { own, scanned, logElapsed } = beliefs;
  if (own !== null) return fromBelief('HISTORY', own, logElapsed, context, described);
  if (scan === undefined || scanned === null) return fromGuess(facts, beliefs, context, described);
  const basis = bound === undefined ? 'TABLE_STATS' : 'EXPLAIN_BOUND';
  const estimate = fromBelief(basis, scanned, logElapsed, context, described);
  return scan.tablesUnknown.length === 0 ? estimate : withGuess(estimate, context.tier);
}

/**
 * A plan knows every table and partition of the statement; how wide its columns are, and what a filter would save,
 * only statistics tell.
 */
function boundedScan(bound: ExplainBound, known: Scan | undefined): Scan {
  const { bytes, partitions } = bound;
  if (known === undefined) return { bytes, partitions, tablesUnknown: [], unfiltered: [] };
  const perPartition = known.bytes / Math.max(1, known.partitions.assigned);
  return {
    bytes:
      known.tablesUnknown.length > 0 ? bytes : Math.min(bytes, perPartition * partitions.assigned),
    partitions,
    tablesUnknown: [],
    unfiltered: known.unfiltered,
  };
}

/**
 * Estimates a text: the sum of its statements, with the weakest basis among those that cost anything. A text of several
 * that ran before is known as a whole.
 */
export function estimateText(
  text: TextFacts,
  context: EstimateContext,
): { readonly total: Estimate; readonly parts: readonly Estimate[] } {
  const { statements } = text;
  const parts = statements.map((facts) => estimateStatement(facts, context));
  const sum = sumEstimates(parts);
  if (statements.length < 2 || sum.basis === 'FREE') return { total: sum, parts };
  const shape: ShapeFacts = {
    fingerprint: text.fingerprint,
    literalsHash: '',
    form: 'script',
    tables: '',
    tier: context.tier.id,
    warehouse: context.warehouse,
    warehouseSize: context.warehouseSize,
    bytes: sum.bytes,
  };
  const rate = approximate(context.creditsPerHour);
  const { own, logElapsed } = believe(context.history, shape, null, rate);
  if (own === null) return { total: { ...sum, shape }, parts };
  const { bytes, partitions, advice } = sum;
  const described = { bytes, partitions, advice, shape };
  return { total: fromBelief('HISTORY', own, logElapsed, context, described), parts };
}

/** Seconds that statistics alone predict, uncorrected; null when they do not tell. */
export function statisticsSeconds(
  bytes: number | null,
  creditsPerHour: Credits,
  bytesPerSecondPerCredit: number,
): number | null {
  return bytes === null ? null : scanSeconds(bytes, creditsPerHour, bytesPerSecondPerCredit);
}

function scanSeconds(
  bytes: number,
  creditsPerHour: Credits,
  bytesPerSecondPerCredit: number,
): number {
  return bytes / (bytesPerSecondPerCredit * approximate(creditsPerHour));
}

function sumEstimates(parts: readonly Estimate[]): Estimate {
  const first = parts[0];
  if (parts.length === 1 && first !== undefined) return first;
  const paid = parts.filter((part) => part.basis !== 'FREE');
  if (paid.length === 0) return freeEstimate;
  const known = paid.flatMap((part) => (part.partitions === null ? [] : [part.partitions]));
  return {
    basis: paid.reduce<Basis>(
      (worst, part) => (BASES.indexOf(part.basis) > BASES.indexOf(worst) ? part.basis : worst),
      'FREE',
    ),
    lowCredits: sumCredits(paid.map((part) => part.lowCredits)),
    expectedCredits: sumCredits(paid.map((part) => part.expectedCredits)),
    highCredits: sumCredits(paid.map((part) => part.highCredits)),
    expectedSeconds: paid.reduce((sum, part) => sum + part.expectedSeconds, 0),
    expectedElapsedSeconds: paid.reduce((sum, part) => sum + part.expectedElapsedSeconds, 0),
    bytes: paid.some((part) => part.bytes === null)
      ? null
      : paid.reduce((sum, part) => sum + (part.bytes ?? 0), 0),
    partitions:
      known.length < paid.length
        ? null
        : {
            assigned: known.reduce((sum, each) => sum + each.assigned, 0),
            total: known.reduce((sum, each) => sum + each.total, 0),
          },
    advice: paid.flatMap((part) => part.advice),
    shape: null,
    believed: null,
  };
}

const freeEstimate: Estimate = Object.freeze({
  basis: 'FREE',
  lowCredits: NO_CREDITS,
  expectedCredits: NO_CREDITS,
  highCredits: NO_CREDITS,
  expectedSeconds: 0,
  expectedElapsedSeconds: 0,
  bytes: 0,
  partitions: null,
  advice: [],
  shape: null,
  believed: null,
});

/** What statistics say beside the amounts, and what the history is asked by; whatever the basis is. */
type Described = Pick<Estimate, 'bytes' | 'partitions' | 'advice' | 'shape'>;

function describe(
  facts: StatementFacts,
  scan: Scan | undefined,
  known: Scan | undefined,
  context: EstimateContext,
): Described & { readonly shape: ShapeFacts } {
  const bytes = scan === undefined ? null : Math.round(scan.bytes);
  const shape: ShapeFacts = {
    fingerprint: facts.fingerprint,
    literalsHash: facts.literalsHash,
    form: formOf(facts),
    tables: tablesOf(facts),
    tier: context.tier.id,
    warehouse: context.warehouse,
    warehouseSize: context.warehouseSize,
    // By statistics, also where a plan is known: a shape that ran once is asked for without one.
    bytes: known === undefined ? null : Math.round(known.bytes),
  };
  return {
    bytes,
    partitions: scan?.partitions ?? null,
    advice: (scan?.unfiltered ?? []).map((missing) => adviceOf(missing, shape, context)),
    shape,
  };
}

/** The price with one day of the column: that of a shape nobody has run yet. */
function adviceOf(missing: UnfilteredColumn, shape: ShapeFacts, context: EstimateContext): Advice {
  const { scanned } = believe(
    context.history,
    { ...shape, bytes: missing.bytesAfter },
    scanSeconds(missing.bytesAfter, context.creditsPerHour, context.bytesPerSecondPerCredit),
    approximate(context.creditsPerHour),
  );
  return {
    table: missing.table,
    column: missing.column,
    range: 'one day',
    creditsAfter: toCredits(scanned === null ? 0 : valueAt(scanned, 0), context),
  };
}

/** The amounts of a belief. */
function fromBelief(
  basis: Basis,
  believed: LevelBelief,
  logElapsed: number | null,
  context: EstimateContext,
  described: Described,
): Estimate {
  const quantile = context.history.quantile(believed.level, context.tier.id);
  const expectedSeconds = Math.min(valueAt(believed, 0), SECONDS_MAX);
  const expectedCredits = toCredits(expectedSeconds, context);
  return {
    basis,
    lowCredits: minAmount(toCredits(valueAt(believed, LOW_QUANTILE), context), expectedCredits),
    expectedCredits,
    highCredits: maxAmount(
      toCredits(Math.max(valueAt(believed, quantile), HOLD_FLOOR_SECONDS), context),
      expectedCredits,
    ),
    expectedSeconds,
    expectedElapsedSeconds:
      logElapsed === null ? expectedSeconds : Math.min(Math.exp(logElapsed), SECONDS_MAX),
    believed,
    ...described,
  };
}

/** Tables without statistics come on top, at the price of a guess. */
function withGuess(estimate: Estimate, tier: GuessAmounts): Estimate {
  return {
    ...estimate,
    expectedCredits: addCredits(estimate.expectedCredits, tier.guessExpectedCredits),
    highCredits: addCredits(estimate.highCredits, tier.guessHoldCredits),
  };
}

/**
 * The amounts of the tier; where others of its kind were seen, what those took. What is not understood is never
 * cheaper than the amounts of the tier.
 */
function fromGuess(
  facts: StatementFacts,
  { like, logElapsed }: Beliefs,
  context: EstimateContext,
  described: Described,
): Estimate {
  const guess = ofTier(facts, context, described);
  if (like === null || facts.opaque) return guess;
  const learnt = fromBelief('GUESS', like, logElapsed, context, described);
  if (facts.unknown.length === 0) return learnt;
  return compareAmounts(learnt.highCredits, guess.highCredits) < 0 ? guess : learnt;
}

function ofTier(facts: StatementFacts, context: EstimateContext, described: Described): Estimate {
  const { tier } = context;
  const factor = facts.opaque ? OPAQUE_GUESS_FACTOR : 1;
  const times = (amount: Credits): Credits =>
    minAmount(sumCredits(Array.from({ length: factor }, () => amount)), tier.ceilingCredits);
  const expectedCredits = times(tier.guessExpectedCredits);
  const expectedSeconds =
    (approximate(expectedCredits) * 3_600) / approximate(context.creditsPerHour);
  return {
    basis: 'GUESS',
    lowCredits: NO_CREDITS,
    expectedCredits,
    highCredits: maxAmount(expectedCredits, times(tier.guessHoldCredits)),
    expectedSeconds,
    expectedElapsedSeconds: expectedSeconds,
    believed: null,
    ...described,
  };
}

/** What the logarithms of a whole millisecond may be off by, in milliseconds: no reason for another one. */
const ROUNDING_MS = 1e-6;

/** Rounded up twice, to the millisecond and to the pico-credit: an estimate never rounds to free. */
function toCredits(seconds: number, context: EstimateContext): Credits {
  const exact = Math.min(seconds, SECONDS_MAX) * 1_000;
  const millis = exact > 0 ? Math.max(1, Math.ceil(exact - ROUNDING_MS)) : 0;
  return creditsForMillis(context.creditsPerHour, millis, 'up');
}
