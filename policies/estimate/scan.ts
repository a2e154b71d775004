/**
 * How much of its tables a statement will scan, from table statistics: bytes of the columns touched × share of the
 * partitions that filters on the clustering column leave. Where something is not known the answer is larger.
 */
import type { Filter, StatementFacts } from '../sql/facts.js';

/** Statistics of one table. */
export interface TableStatistics {
  readonly bytes: number;
  readonly rows: number;
  readonly partitions: number;
  /** Column the table is ordered by; null: none. */
  readonly clusteringColumn: string | null;
  /** Least and greatest value of the clustering column, as text; null: not known. */
  readonly low: string | null;
  readonly high: string | null;
  /** Share of the bytes per column, 0–1; undefined: not known. */
  readonly columns: Readonly<Record<string, number | undefined>>;
}

/** Statistics per `DB.SCHEMA.TABLE`; undefined: none. */
export interface StatisticsView {
  table(name: string): TableStatistics | undefined;
}

export interface Scan {
  readonly bytes: number;
  readonly partitions: { readonly assigned: number; readonly total: number };
  /** Tables without statistics: the scan is then only a lower bound. */
  readonly tablesUnknown: readonly string[];
  /** Clustering columns that no filter narrows, and the bytes the statement would scan with one day of them. */
  readonly unfiltered: readonly UnfilteredColumn[];
}

export interface UnfilteredColumn {
  readonly table: string;
  readonly column: string;
  readonly bytesAfter: number;
}

const DAY_MS = 86_400_000;

/** The scan of a statement; undefined when its tables are not known or none of them has statistics. */
export function scanOf(facts: StatementFacts, statistics: StatisticsView): Scan | undefined {
  if (facts.opaque || facts.unknown.includes('tables') || facts.unknown.includes('dynamic-name'))
    return undefined;
  const tablesUnknown: string[] = [];
  const scans: TableScan[] = [];
  const tables = new Set([...facts.tablesRead, ...facts.readings.map(({ table }) => table)]);
  for (const table of tables) {
    const known = statistics.table(table);
    if (known === undefined) tablesUnknown.push(table);
    else
      for (const filters of readingsOf(facts, table))
        scans.push(scanTable(facts, table, filters, known));
  }
  if (scans.length === 0) return undefined;
  const bytes = scans.reduce((sum, scan) => sum + scan.bytes, 0);
  return {
    bytes,
    partitions: {
      assigned: scans.reduce((sum, scan) => sum + scan.assigned, 0),
      total: scans.reduce((sum, scan) => sum + scan.total, 0),
    },
    tablesUnknown,
    unfiltered: scans.flatMap((scan) =>
      scan.unfiltered === null
        ? []
        : [
            {
              table: scan.unfiltered.table,
              column: scan.unfiltered.column,
              bytesAfter: bytes - scan.bytes + scan.unfiltered.bytesAfter,
            },
          ],
    ),
  };
}

interface TableScan {
  readonly bytes: number;
  readonly assigned: number;
  readonly total: number;
  readonly unfiltered: UnfilteredColumn | null;
}

/** The filters of every reading of the table; one without any when the facts know of none. */
function readingsOf(facts: StatementFacts, table: string): readonly (readonly Filter[])[] {
  const own = facts.readings.filter((reading) => reading.table === table);
  const areKnown = !facts.unknown.includes('filters');
  return own.length === 0 ? [[]] : own.map(({ filters }) => (areKnown ? filters : []));
}

function scanTable(
  facts: StatementFacts,
  table: string,
  filters: readonly Filter[],
  known: TableStatistics,
): TableScan {
  const width = known.bytes * columnShare(facts, table, known);
  const domain = domainOf(known);
  const kept = domain === undefined ? null : keptShare(filters, table, domain);
  const share = kept ?? 1;
  const assigned = partitionsOf(known, share);
  const column = known.clusteringColumn;
  return {
    bytes: (width * assigned) / Math.max(1, known.partitions),
    assigned,
    total: known.partitions,
    unfiltered:
      kept !== null || column === null || domain?.isDate !== true
        ? null
        : {
            table,
            column,
            bytesAfter:
              (width * partitionsOf(known, domain.unit / domain.length)) /
              Math.max(1, known.partitions),
          },
  };
}

/** Whole partitions, at least one of a table that has any. */
function partitionsOf(known: TableStatistics, share: number): number {
  return Math.min(known.partitions, Math.max(1, Math.ceil(known.partitions * share)));
}

/** Share of the table's bytes in the columns touched; what is not known counts in full. */
function columnShare(facts: StatementFacts, table: string, known: TableStatistics): number {
  const touched = facts.columns[table];
  if (touched === undefined || touched.includes('*') || facts.unknown.includes('columns')) return 1;
  const all = Object.values(known.columns).reduce<number>((sum, share) => sum + (share ?? 0), 0);
  const listed = touched.reduce((sum, column) => sum + (known.columns[column] ?? 0), 0);
  const missing = touched.filter((column) => known.columns[column] === undefined).length;
  // What no share covers, and at least an even part each: statistics may be older than a column.
  const unlisted =
    missing === 0 ? 0 : Math.max(1 - all, missing / (Object.keys(known.columns).length + missing));
  return Math.min(1, listed + unlisted);
}

/** Range of the clustering column as numbers; `unit` is one day for dates and 0 for numbers. */
interface Domain {
  readonly column: string;
  readonly low: number;
  readonly high: number;
  readonly unit: number;
  readonly length: number;
  readonly isDate: boolean;
}

function domainOf(known: TableStatistics): Domain | undefined {
  if (known.clusteringColumn === null || known.low === null || known.high === null)
    return undefined;
  const low = tryReadPoint(known.low);
  const high = tryReadPoint(known.high);
  if (low === undefined || high === undefined || low.isDate !== high.isDate) return undefined;
  if (low.value > high.value) return undefined;
  const unit = low.isDate ? DAY_MS : 0;
  const length = high.value - low.value + unit;
  return {
    column: known.clusteringColumn,
    low: low.value,
    high: high.value,
    unit,
    length,
    isDate: low.isDate,
  };
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
 * Share of the domain that the filters leave, or null when no filter narrows it. Values are taken as even. An equality
 * keeps one value whichever it is, so with a value known only at run time it leaves what a known one would at most.
 */
function keptShare(filters: readonly Filter[], table: string, domain: Domain): number | null {
  if (domain.length <= 0) return null;
  let low = -Infinity;
  let high = Infinity;
  let hasUnknownPoint = false;
  for (const filter of filters) {
    if (filter.table !== table || filter.column !== domain.column) continue;
    const range = rangeOf(filter, domain);
    low = Math.max(low, range.low);
    high = Math.min(high, range.high);
    hasUnknownPoint ||= filter.operator === '=' && filter.low === null && filter.high === null;
  }
  const point = hasUnknownPoint ? domain.unit / domain.length : null;
  if (low <= domain.low && high >= domain.high) return point;
  const from = Math.max(low, domain.low);
  const to = Math.min(high, domain.high);
  const share = from > to ? 0 : Math.min(1, (to - from + domain.unit) / domain.length);
  return point === null ? share : Math.min(share, point);
}

function rangeOf(filter: Filter, domain: Domain): { readonly low: number; readonly high: number } {
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
    case 'in':
      return {
        low: endOf(filter.low, domain, -Infinity),
        high: endOf(filter.high, domain, Infinity),
      };
  }
}

/** One end of a range; text that is no value of the domain's kind narrows nothing. */
function endOf(text: string | null, domain: Domain, open: number): number {
  const point = text === null ? undefined : tryReadPoint(text);
  if (point === undefined || point.isDate !== domain.isDate) return open;
  // A timestamp within a day keeps that day's partitions.
  return domain.isDate ? Math.floor(point.value / DAY_MS) * DAY_MS : point.value;
}
