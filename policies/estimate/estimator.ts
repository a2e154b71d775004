/**
 * Step 4 of the path of a statement: from facts to credits. The best source that knows something speaks: nothing to
 * run, history of the shape on this size, history of the shape, table statistics, the tier's guess.
 */
import {
  addCredits,
  type Credits,
  creditsForMillis,
  approximate,
  maxAmount,
  minAmount,
  NO_CREDITS,
} from '#base/units.js';
import type { StatementFacts } from '../sql/facts.js';
import { type Advice, BASES, type Basis, type Estimate } from './estimate.js';
import type { ExplainBound } from './explain-bound.js';
import {
  type HistoryEntry,
  type HistoryKind,
  historyKeys,
  type HistoryView,
  valueAt,
} from './history.js';
import { type Scan, scanOf, type StatisticsView } from './scan.js';

/** Amounts a tier assumes of a statement of which nothing is known. */
export interface GuessAmounts {
  readonly id: string;
  readonly guessExpectedCredits: Credits;
  readonly guessHoldCredits: Credits;
  readonly ceilingCredits: Credits;
}

export interface EstimateContext {
  readonly tier: GuessAmounts;
  readonly warehouseSize: string;
  /** Credits per hour of one cluster of that warehouse. */
  readonly creditsPerHour: Credits;
  readonly history: HistoryView;
  readonly statistics: StatisticsView;
  /** Bytes that a cluster costing one credit an hour scans in a second. */
  readonly bytesPerSecondPerCredit: number;
  /** What Snowflake's EXPLAIN says that the one statement reads, in place of what statistics say. */
  readonly bound?: ExplainBound | null;
}

/** Even an empty answer keeps a warehouse busy this long: compile, start, return. */
const HOLD_FLOOR_SECONDS = 0.5;
/** Opaque text may hold more than one statement's work. */
const OPAQUE_GUESS_FACTOR = 4n;
/** Longest run that is computed with; anything above is as good as unlimited. */
const SECONDS_MAX = 366 * 86_400;
/** Normal 10 % quantile: the low end of the range that is shown. */
const LOW_QUANTILE = -1.28;
/** Spread of estimates from statistics before any was measured. */
const STATISTICS_PRIOR: HistoryEntry = { count: 1, logMean: 0, logVariance: 0 };

/** Estimates one statement. Total and pure. */
export function estimateStatement(facts: StatementFacts, context: EstimateContext): Estimate {
  if (facts.isFree) return freeEstimate;
  const scan = boundedScan(scanOf(facts, context.statistics), context);
  const described = describe(scan, context);
  return (
    fromHistory(facts, scan, context, described) ??
    fromStatistics(scan, context, described) ??
    fromGuess(facts, context, described)
  );
}

/** A plan knows every table of the statement; what a filter would save, only statistics tell. */
function boundedScan(scan: Scan | undefined, { bound }: EstimateContext): Scan | undefined {
  if (bound === undefined || bound === null) return scan;
  return { ...bound, tablesUnknown: [], unfiltered: scan?.unfiltered ?? [] };
}

/** Estimates a text: the sum of its statements, with the weakest basis among those that cost anything. */
export function estimateText(
  statements: readonly StatementFacts[],
  context: EstimateContext,
): { readonly total: Estimate; readonly parts: readonly Estimate[] } {
  const parts = statements.map((facts) => estimateStatement(facts, context));
  return { total: sumEstimates(parts), parts };
}

/**
 * Seconds that statistics alone predict, uncorrected; what `HistoryStore.record` wants as `statisticsSeconds`. null
 * when they do not tell, and for scans too short to be measured: there compiling and starting are most of the time,
 * and a correction learnt from them would make a 50 TB scan look as cheap per byte as a lookup.
 */
export function statisticsSeconds(
  bytes: number | null,
  creditsPerHour: Credits,
  bytesPerSecondPerCredit: number,
): number | null {
  if (bytes === null) return null;
  const seconds = scanSeconds(bytes, creditsPerHour, bytesPerSecondPerCredit);
  return seconds < MEASURABLE_SECONDS ? null : seconds;
}

/** Shortest predicted scan whose measured time says something about throughput. */
const MEASURABLE_SECONDS = 2;

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
    lowCredits: addCredits(...paid.map((part) => part.lowCredits)),
    expectedCredits: addCredits(...paid.map((part) => part.expectedCredits)),
    highCredits: addCredits(...paid.map((part) => part.highCredits)),
    expectedSeconds: paid.reduce((sum, part) => sum + part.expectedSeconds, 0),
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
  };
}

const freeEstimate: Estimate = Object.freeze({
  basis: 'FREE',
  lowCredits: NO_CREDITS,
  expectedCredits: NO_CREDITS,
  highCredits: NO_CREDITS,
  expectedSeconds: 0,
  bytes: 0,
  partitions: null,
  advice: [],
});

/** What statistics say beside the amounts, whatever the basis is. */
type Described = Pick<Estimate, 'bytes' | 'partitions' | 'advice'>;

function describe(scan: Scan | undefined, context: EstimateContext): Described {
  if (scan === undefined) return { bytes: null, partitions: null, advice: [] };
  const corrected = correction(context);
  return {
    bytes: Math.round(scan.bytes),
    partitions: scan.partitions,
    advice: scan.unfiltered.map((missing): Advice => ({
      table: missing.table,
      column: missing.column,
      range: 'one day',
      creditsAfter: toCredits(
        secondsForBytes(missing.bytesAfter, context) * valueAt(corrected, 0),
        context,
      ),
    })),
  };
}

function fromHistory(
  facts: StatementFacts,
  scan: Scan | undefined,
  context: EstimateContext,
  described: Described,
): Estimate | undefined {
  const keys = historyKeys({
    fingerprint: facts.fingerprint,
    warehouseSize: context.warehouseSize,
    bytes: scan === undefined ? null : Math.round(scan.bytes),
  });
  const sized = context.history.lookup('shape-size', keys['shape-size']);
  if (sized !== undefined) return fromEntry('shape-size', sized, 1, context, described);
  const unsized = context.history.lookup('shape', keys.shape);
  if (unsized === undefined) return undefined;
  return fromEntry('shape', unsized, 1 / approximate(context.creditsPerHour), context, described);
}

function fromEntry(
  kind: HistoryKind,
  entry: HistoryEntry,
  secondsPerValue: number,
  context: EstimateContext,
  described: Described,
): Estimate {
  const quantile = context.history.quantile(kind, context.tier.id);
  return {
    basis: 'HISTORY',
    ...range(
      valueAt(entry, LOW_QUANTILE) * secondsPerValue,
      valueAt(entry, 0) * secondsPerValue,
      valueAt(entry, quantile) * secondsPerValue,
      context,
    ),
    ...described,
  };
}

function fromStatistics(
  scan: Scan | undefined,
  context: EstimateContext,
  described: Described,
): Estimate | undefined {
  if (scan === undefined) return undefined;
  const seconds = secondsForBytes(scan.bytes, context);
  const entry = correction(context);
  const quantile = context.history.quantile('statistics', context.tier.id);
  const amounts = range(
    seconds * valueAt(entry, LOW_QUANTILE),
    seconds * valueAt(entry, 0),
    seconds * valueAt(entry, quantile),
    context,
  );
  // Tables without statistics come on top, at the price of a guess.
  const missing = scan.tablesUnknown.length > 0;
  return {
    basis: (context.bound ?? null) === null ? 'TABLE_STATS' : 'EXPLAIN_BOUND',
    ...amounts,
    expectedCredits: missing
      ? addCredits(amounts.expectedCredits, context.tier.guessExpectedCredits)
      : amounts.expectedCredits,
    highCredits: missing
      ? addCredits(amounts.highCredits, context.tier.guessHoldCredits)
      : amounts.highCredits,
    ...described,
  };
}

function fromGuess(
  facts: StatementFacts,
  context: EstimateContext,
  described: Described,
): Estimate {
  const { tier } = context;
  const factor = facts.opaque ? OPAQUE_GUESS_FACTOR : 1n;
  const times = (amount: Credits): Credits =>
    addCredits(...Array.from({ length: Number(factor) }, () => amount));
  const expectedCredits = minAmount(times(tier.guessExpectedCredits), tier.ceilingCredits);
  return {
    basis: 'GUESS',
    lowCredits: NO_CREDITS,
    expectedCredits,
    highCredits: maxAmount(
      expectedCredits,
      minAmount(times(tier.guessHoldCredits), tier.ceilingCredits),
    ),
    expectedSeconds: (approximate(expectedCredits) * 3_600) / approximate(context.creditsPerHour),
    ...described,
  };
}

/** How far measured times lie from what statistics predict on this size. */
function correction(context: EstimateContext): HistoryEntry {
  const keys = historyKeys({ fingerprint: '', warehouseSize: context.warehouseSize, bytes: null });
  return context.history.lookup('statistics', keys.statistics) ?? STATISTICS_PRIOR;
}

function secondsForBytes(bytes: number, context: EstimateContext): number {
  const seconds = scanSeconds(bytes, context.creditsPerHour, context.bytesPerSecondPerCredit);
  return Math.max(HOLD_FLOOR_SECONDS, seconds);
}

function range(
  lowSeconds: number,
  expectedSeconds: number,
  highSeconds: number,
  context: EstimateContext,
): Pick<Estimate, 'lowCredits' | 'expectedCredits' | 'highCredits' | 'expectedSeconds'> {
  const expectedCredits = toCredits(expectedSeconds, context);
  return {
    lowCredits: minAmount(toCredits(lowSeconds, context), expectedCredits),
    expectedCredits,
    highCredits: maxAmount(
      toCredits(Math.max(highSeconds, HOLD_FLOOR_SECONDS), context),
      expectedCredits,
    ),
    expectedSeconds: Math.min(expectedSeconds, SECONDS_MAX),
  };
}

/** Rounded up twice, to the millisecond and to the pico-credit: an estimate never rounds to free. */
function toCredits(seconds: number, context: EstimateContext): Credits {
  const millis = Math.ceil(Math.min(seconds, SECONDS_MAX) * 1_000);
  return creditsForMillis(context.creditsPerHour, millis, 'up');
}
