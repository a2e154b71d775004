/**
 * What the history believes of a statement, from the general to the special: what its class takes in the tier, what
 * its tables take, what statistics predict, what its shape took, on this size, with these literals. Each level
 * sharpens the one before it. What a shape took is known in seconds and in units of what statistics predict of it; which
 * of them tells the next run is learnt from the errors of both.
 */
import { type Belief, choose, type HistoryEntry, type HistoryKind, refine } from './history.js';
import { centreOf } from './average.js';
import { type HistoryView, type LevelBelief, OVERHEAD_SECONDS } from './history-store.js';
import { historyKeys, type ShapeFacts } from './shape.js';

/** Spreads of estimates about groups, as holds are calibrated in them: of scans, and of statements alike. */
const SCAN_SIGMA = 0.6;
const LIKE_SIGMA = 1.2;
/** What is believed of the factor between measured and predicted before any was measured. */
const STATISTICS_PRIOR: Belief = { logMean: 0, sigma: SCAN_SIGMA };

/** Before a shape has shown otherwise, another scan of it takes as many times longer as it is larger. */
const STATISTICS_ODDS = 4;

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
  const scan = scanSeconds === null ? null : scanBelief(history, keys, scanSeconds);
  const alike = scan === null ? likeBelief(history, keys) : null;
  const [scanned, like] = [scan?.level ?? null, alike?.level ?? null];
  const general = (scan ?? alike)?.general ?? null;
  const sized = sizedBelief(history, keys, general, creditsPerHour);
  const chosen = chosenBelief(history, keys, general, sized, scanSeconds);
  const own = perSize(ownBelief(history, keys, general, chosen), shape);
  const elapsed = find(history, keys, 'values') ?? find(history, keys, 'shape-size');
  const work = own ?? scanned ?? like;
  return { own, scanned, like, logElapsed: elapsedOf(history, keys, work, elapsed) };
}

function find(history: HistoryView, keys: Keys, kind: HistoryKind): HistoryEntry | undefined {
  const key = keys[kind];
  return key === null ? undefined : history.lookup(kind, key);
}

/** A belief about many shapes together. */
interface GroupBelief {
  readonly level: LevelBelief;
  /** The same with the spread that was measured, for what is learnt of the shape itself. */
  readonly general: Belief;
}

/**
 * What statistics predict, corrected by how statements of this size, scale and form did against it. The hold is
 * calibrated per scale in ln of the factor itself: small scans err by little and large ones by much, more often
 * downwards, and a spread that moves would carry their holds to multiples of anything that ever ran.
 */
function scanBelief(history: HistoryView, keys: Keys, scanSeconds: number): GroupBelief {
  let ratio = STATISTICS_PRIOR;
  for (const kind of ['statistics', 'scale', 'first', 'form'] as const) {
    const entry = find(history, keys, kind);
    if (entry !== undefined) ratio = refine(ratio, entry);
  }
  const logMean = Math.log(scanSeconds + OVERHEAD_SECONDS) + ratio.logMean;
  return {
    level: { level: `scan ${keys.scale ?? ''}`, logMean, sigma: SCAN_SIGMA },
    general: { logMean, sigma: ratio.sigma },
  };
}

/** What statements of its class, and of its tables, took; the hold as in {@link scanBelief}. */
function likeBelief(history: HistoryView, keys: Keys): GroupBelief | null {
  let found: GroupBelief | null = null;
  for (const level of ['kind', 'tables'] as const) {
    const entry = find(history, keys, level);
    if (entry === undefined) continue;
    const general = refine(found?.general, entry);
    found = { level: { level, logMean: general.logMean, sigma: LIKE_SIGMA }, general };
  }
  return found;
}

/** What the shape took over as many bytes, in seconds. */
function sizedBelief(
  history: HistoryView,
  keys: Keys,
  general: Belief | null,
  creditsPerHour: number,
): LevelBelief | null {
  let sized: LevelBelief | null = null;
  for (const level of ['shape', 'shape-size'] as const) {
    const entry = find(history, keys, level);
    if (entry === undefined) continue;
    const shift = level === 'shape' ? -Math.log(creditsPerHour) : 0;
    sized = { level, ...refine(sized ?? general ?? undefined, entry, shift) };
  }
  return sized;
}

/**
 * The same, or, where it has only run over other bytes, what it took in units of what statistics predict, weighed against
 * what it took over any. Runs over as many bytes are not asked in those units too: where bytes do not follow the text the
 * units look surer than they are.
 */
function chosenBelief(
  history: HistoryView,
  keys: Keys,
  general: Belief | null,
  sized: LevelBelief | null,
  scanSeconds: number | null,
): LevelBelief | null {
  const ratio = find(history, keys, 'shape-statistics');
  if (sized !== null || ratio === undefined || scanSeconds === null) return sized;
  const scaled = refine(general ?? undefined, ratio, Math.log(scanSeconds + OVERHEAD_SECONDS));
  const all = find(history, keys, 'shape-all');
  const any = all === undefined ? scaled : refine(general ?? undefined, all);
  return { level: 'shape-statistics', ...choose(scaled, any, STATISTICS_ODDS) };
}

/** What it took with these literals, on top of what its shape is believed to take. */
function ownBelief(
  history: HistoryView,
  keys: Keys,
  general: Belief | null,
  shape: LevelBelief | null,
): LevelBelief | null {
  const entry = find(history, keys, 'values');
  if (entry === undefined) return shape;
  return { level: 'values', ...refine(shape ?? general ?? undefined, entry) };
}

/**
 * What a shape took is calibrated per size: warehouses differ in what is asked of them, and a quantile for all would hold too
 * little where runs lie far apart and too much elsewhere.
 */
function perSize(own: LevelBelief | null, { warehouseSize }: ShapeFacts): LevelBelief | null {
  return own === null ? null : { ...own, level: `${own.level} ${warehouseSize}` };
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
