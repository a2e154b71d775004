/**
 * What the history believes of a statement, from the general to the special: what its class takes in the tier, what
 * its tables take, what statistics predict, what its shape took, on this size, with these literals. Each level
 * sharpens the one before it.
 */
import { type Belief, type HistoryEntry, type HistoryKind, refine, sigmaOf } from './history.js';
import { centreOf } from './average.js';
import { type HistoryView, type LevelBelief, OVERHEAD_SECONDS } from './history-store.js';
import { historyKeys, type ShapeFacts } from './shape.js';

/** Spread of estimates from statistics before any was measured. */
const STATISTICS_PRIOR: Belief = { logMean: 0, sigma: 0.6 };
const OVERHEAD_SIGMA = 0.5;

/** Beliefs about one statement, in ln of warehouse-seconds. */
export interface Beliefs {
  /** Of its own shape; null: it was not seen. */
  readonly own: LevelBelief | null;
  /** From statistics; null: they do not tell. */
  readonly scanned: LevelBelief | null;
  /** Of statements like it; null: none was seen. */
  readonly like: LevelBelief | null;
  /** ln of seconds from dispatch to end, where something of it is known. */
  readonly logElapsed: number | null;
}

type Keys = Readonly<Record<HistoryKind, string | null>>;

/**
 * @param scanSeconds seconds that statistics predict, uncorrected; null when they do not tell.
 * @param creditsPerHour of one cluster of the warehouse.
 */
export function believe(
  history: HistoryView,
  shape: ShapeFacts,
  scanSeconds: number | null,
  creditsPerHour: number,
): Beliefs {
  const keys = historyKeys(shape);
  const scanned = scanSeconds === null ? null : scanBelief(history, keys, scanSeconds);
  const like = scanned === null ? likeBelief(history, keys) : null;
  const { own, elapsed } = ownBelief(history, keys, scanned ?? like, creditsPerHour);
  const work = own ?? scanned ?? like;
  return { own, scanned, like, logElapsed: elapsedOf(history, keys, work, elapsed) };
}

function find(history: HistoryView, keys: Keys, kind: HistoryKind): HistoryEntry | undefined {
  const key = keys[kind];
  return key === null ? undefined : history.lookup(kind, key);
}

/** How statements of this make do against what statistics predict, on top of what every statement takes. */
function scanBelief(history: HistoryView, keys: Keys, scanSeconds: number): LevelBelief {
  let ratio = STATISTICS_PRIOR;
  for (const kind of ['statistics', 'make'] as const) {
    const entry = find(history, keys, kind);
    if (entry !== undefined) ratio = refine(ratio, entry);
  }
  const overhead = find(history, keys, 'overhead');
  const overheadSeconds =
    overhead === undefined ? OVERHEAD_SECONDS : Math.exp(centreOf(overhead.work));
  const overheadSigma = overhead === undefined ? OVERHEAD_SIGMA : sigmaOf(overhead);
  const scanning = scanSeconds * Math.exp(ratio.logMean);
  const seconds = scanning + overheadSeconds;
  return {
    level: 'statistics',
    logMean: Math.log(seconds),
    sigma: (scanning * ratio.sigma + overheadSeconds * overheadSigma) / seconds,
  };
}

function likeBelief(history: HistoryView, keys: Keys): LevelBelief | null {
  let belief: LevelBelief | null = null;
  for (const level of ['kind', 'tables'] as const) {
    const entry = find(history, keys, level);
    if (entry !== undefined) belief = { level, ...refine(belief ?? undefined, entry) };
  }
  return belief;
}

function ownBelief(
  history: HistoryView,
  keys: Keys,
  general: Belief | null,
  creditsPerHour: number,
): { readonly own: LevelBelief | null; readonly elapsed: HistoryEntry | undefined } {
  let own: LevelBelief | null = null;
  let elapsed: HistoryEntry | undefined;
  for (const level of ['shape', 'shape-size', 'values'] as const) {
    const entry = find(history, keys, level);
    if (entry === undefined) continue;
    const shift = level === 'shape' ? -Math.log(creditsPerHour) : 0;
    own = { level, ...refine(own ?? general ?? undefined, entry, shift) };
    if (level !== 'shape') elapsed = entry;
  }
  return { own, elapsed };
}

/** Half what the shape took, half what its work takes as the warehouse is shared now. */
function elapsedOf(
  history: HistoryView,
  keys: Keys,
  work: Belief | null,
  entry: HistoryEntry | undefined,
): number | null {
  const own = entry === undefined ? null : centreOf(entry.elapsed);
  if (work === null) return own;
  const stretch = find(history, keys, 'stretch');
  const shared = stretch === undefined ? work.logMean : work.logMean + centreOf(stretch.work);
  return own === null ? shared : (own + shared) / 2;
}
