/**
 * What share of a table the filters of its clustering column leave, by the least and the greatest value that statistics
 * know of it. Values are taken as even.
 */
import type { EpochMs } from '#base/time.js';
import type { Filter } from '../sql/facts.js';
import { instantOf, type RelativeBound } from '../sql/relative-bound.js';
import type { TableStatistics } from './table-statistics.js';
import { offsetOf } from './session-clock.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** What clocks are ahead of UTC at the least and at the most: between them they show every date that it can be now. */
const OFFSETS_MS = [-12 * HOUR_MS, 0, 14 * HOUR_MS] as const;
/** A table whose newest day is not older than this is taken to have grown until today. */
const GROWING_MS = 7 * DAY_MS;

/** The instants that a share depends on. */
export interface ScanClock {
  /** When the statement comes. */
  readonly at: EpochMs;
  /** When the statistics were taken, if later. */
  readonly takenAt: EpochMs;
  /** Name of the zone that the session's clock goes by; null: not known. */
  readonly timeZone: string | null;
}

/** Range of the clustering column as numbers; `unit` is one day for dates and 0 for numbers. */
export interface Domain {
  readonly column: string;
  readonly low: number;
  readonly high: number;
  readonly unit: number;
  readonly length: number;
  readonly isDate: boolean;
  /** Its values are days without a time. */
  readonly isWholeDays: boolean;
}

/** The domain of the clustering column; undefined: there is none, or its range is not known. */
export function domainOf(known: TableStatistics): Domain | undefined {
  if (known.clusteringColumn === null || known.low === null || known.high === null)
    return undefined;
  const low = tryReadPoint(known.low);
  const high = tryReadPoint(known.high);
  if (low === undefined || high === undefined || low.isDate !== high.isDate) return undefined;
  if (low.value > high.value) return undefined;
  const unit = low.isDate ? DAY_MS : 0;
  return {
    column: known.clusteringColumn,
    low: low.value,
    high: high.value,
    unit,
    length: high.value - low.value + unit,
    isDate: low.isDate,
    isWholeDays: WHOLE_DAY.test(known.low) && WHOLE_DAY.test(known.high),
  };
}

const WHOLE_DAY = /^\s*\d{4}-\d{2}-\d{2}\s*$/;

/** The share that one value takes: a day of a date. */
export function unitShare(domain: Domain): number {
  return domain.unit / domain.length;
}

interface Point {
  readonly value: number;
  readonly isDate: boolean;
}

/** A number, or a date or timestamp as epoch milliseconds (UTC); undefined for other text. */
function tryReadPoint(text: string): Point | undefined {
  const date = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?/.exec(text.trim());
  if (date !== null) {
    const value = Date.parse(`${date[1] ?? ''}T${date[2] ?? '00:00'}Z`);
    return Number.isNaN(value) ? undefined : { value, isDate: true };
  }
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? { value, isDate: false } : undefined;
}

/**
 * Share of the domain that the filters of its column leave, or null when none narrows it. An equality keeps one value
 * whichever it is, so with a value known only at run time it leaves what a known one would at most. Where the clock decides
 * a bound, it is that of the session; where nobody knows its zone, the largest share counts of those anywhere on Earth.
 */
export function keptShare(
  filters: readonly Filter[],
  domain: Domain,
  clock: ScanClock,
): number | null {
  if (domain.length <= 0 || filters.length === 0) return null;
  const isRelative = filters.some(
    ({ relativeLow, relativeHigh }) => relativeLow !== undefined || relativeHigh !== undefined,
  );
  let most = 0;
  for (const offsetMs of isRelative ? offsetsOf(clock) : [0]) {
    const share = shareAt(filters, domain, clock, offsetMs);
    if (share === null) return null;
    most = Math.max(most, share);
  }
  return most;
}

/** What the session's clock is ahead of UTC, or may be. */
function offsetsOf({ at, timeZone }: ScanClock): readonly number[] {
  const own = timeZone === null ? null : offsetOf(timeZone, at);
  return own === null ? OFFSETS_MS : [own];
}

function shareAt(
  filters: readonly Filter[],
  domain: Domain,
  clock: ScanClock,
  offsetMs: number,
): number | null {
  const newest = newestOf(domain, clock, offsetMs);
  let low = -Infinity;
  let high = Infinity;
  let hasUnknownPoint = false;
  for (const filter of filters) {
    const range = rangeOf(filter, domain, clock.at, offsetMs);
    low = Math.max(low, range.low);
    high = Math.min(high, range.high);
    hasUnknownPoint ||= filter.operator === '=' && isOpen(filter);
  }
  const point = hasUnknownPoint ? unitShare(domain) : null;
  if (low <= domain.low && high >= newest) return point;
  const from = Math.max(low, domain.low);
  const to = Math.min(high, newest);
  const share = from > to ? 0 : Math.min(1, (to - from + domain.unit) / domain.length);
  return point === null ? share : Math.min(share, point);
}

function isOpen({ low, high, relativeLow }: Filter): boolean {
  return low === null && high === null && relativeLow === undefined;
}

/**
 * The greatest value that the table has when the statement comes. Statistics are a few hours old, so a table that grows by
 * the day has a little more than they say; where they were taken later, it has not yet what came in between. A table with
 * dates that lie ahead keeps them.
 */
function newestOf({ high, isDate }: Domain, { at, takenAt }: ScanClock, offsetMs: number): number {
  if (!isDate) return high;
  const today = dayOf(at + offsetMs);
  if (takenAt > at) return high > dayOf(takenAt) + GROWING_MS ? high : Math.min(high, today);
  return today - high <= GROWING_MS ? Math.max(high, today) : high;
}

function rangeOf(
  filter: Filter,
  domain: Domain,
  at: EpochMs,
  offsetMs: number,
): { readonly low: number; readonly high: number } {
  switch (filter.operator) {
    case '<>':
    case 'like':
    case 'is':
      return { low: -Infinity, high: Infinity };
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'between':
    case 'in': {
      const { operator, low, high, relativeLow, relativeHigh } = filter;
      const instants = (bounds: readonly RelativeBound[]): readonly (number | null)[] =>
        bounds.map((bound) => instantOf(bound, at, offsetMs));
      const least =
        relativeLow === undefined
          ? literalPoint(low, domain)
          : ofAll(instants(relativeLow), Math.min, domain);
      const greatest =
        relativeHigh === undefined
          ? literalPoint(high, domain)
          : ofAll(instants(relativeHigh), Math.max, domain);
      return {
        low: lowEnd(least, operator === '>', domain),
        high: highEnd(greatest, operator === '<', domain),
      };
    }
  }
}

/** A literal of the domain's kind; text that is no value of it narrows nothing. */
function literalPoint(text: string | null, domain: Domain): number | undefined {
  const point = text === null ? undefined : tryReadPoint(text);
  return point === undefined || point.isDate !== domain.isDate ? undefined : point.value;
}

/** The least or the greatest of some instants; undefined when one of them is not known, or the domain is of numbers. */
function ofAll(
  instants: readonly (number | null)[],
  choose: (...values: readonly number[]) => number,
  { isDate }: Domain,
): number | undefined {
  const known = instants.filter((instant) => instant !== null);
  return !isDate || known.length < instants.length ? undefined : choose(...known);
}

/** A timestamp within a day keeps that day's partitions; a day after another begins with the next. */
function lowEnd(point: number | undefined, isAbove: boolean, domain: Domain): number {
  if (point === undefined) return -Infinity;
  if (!domain.isDate) return point;
  return isAbove && domain.isWholeDays ? dayOf(point) + DAY_MS : dayOf(point);
}

/** What is before midnight is of the day before. */
function highEnd(point: number | undefined, isBelow: boolean, domain: Domain): number {
  if (point === undefined) return Infinity;
  if (!domain.isDate) return point;
  return dayOf(isBelow ? point - 1 : point);
}

function dayOf(instant: number): number {
  return Math.floor(instant / DAY_MS) * DAY_MS;
}
