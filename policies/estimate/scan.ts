/**
 * How much of its tables a statement will scan, from table statistics: bytes of the columns touched × share of the
 * partitions that filters on the clustering column leave. Where something is not known the answer is larger.
 */
import type { StatisticsView, TableStatistics } from './table-statistics.js';
import type { EpochMs } from '#base/time.js';
import type { Filter, StatementFacts } from '../sql/facts.js';
import { type Domain, domainOf, keptShare, type ScanClock, unitShare } from './kept-share.js';

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

/**
 * The scan of a statement; undefined when its tables are not known or none of them has statistics.
 * @param at when it comes: what bounds like `CURRENT_DATE - 7` are worked out by.
 * @param timeZone name of the zone that its session's clock goes by; null: not known.
 */
export function scanOf(
  facts: StatementFacts,
  statistics: StatisticsView,
  at: EpochMs,
  timeZone: string | null = null,
): Scan | undefined {
  if (facts.opaque || facts.unknown.includes('tables') || facts.unknown.includes('dynamic-name'))
    return undefined;
  const clock: ScanClock = { at, takenAt: statistics.takenAt ?? at, timeZone };
  const tablesUnknown: string[] = [];
  const scans: TableScan[] = [];
  const tables = new Set([...facts.tablesRead, ...facts.readings.map(({ table }) => table)]);
  for (const table of tables) {
    const known = statistics.table(table);
    if (known === undefined) tablesUnknown.push(table);
    else
      for (const filters of readingsOf(facts, table))
        scans.push(scanTable(facts, table, filters, known, clock));
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
              bytesAfter: Math.round(bytes - scan.bytes + scan.unfiltered.bytesAfter),
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
  clock: ScanClock,
): TableScan {
  if (facts.isRowCount) return { bytes: 0, assigned: 0, total: known.partitions, unfiltered: null };
  const domain = domainOf(known);
  const kept =
    domain === undefined ? null : keptShare(filters.filter(isOf(table, domain)), domain, clock);
  const read = (touched: readonly string[] | undefined, assigned: number): number =>
    (known.bytes * columnShare(facts, touched, known) * assigned) / Math.max(1, known.partitions);
  const touched = facts.columns[table];
  const assigned = partitionsOf(known, kept ?? 1);
  return {
    bytes: read(touched, assigned),
    assigned,
    total: known.partitions,
    unfiltered:
      kept !== null || domain?.isDate !== true
        ? null
        : {
            table,
            column: domain.column,
            // Whoever filters by a column reads it.
            bytesAfter: read(
              touched === undefined ? undefined : [...new Set([...touched, domain.column])],
              partitionsOf(known, unitShare(domain)),
            ),
          },
  };
}

function isOf(table: string, domain: Domain): (filter: Filter) => boolean {
  return (filter) => filter.table === table && filter.column === domain.column;
}

/** Whole partitions, at least one of a table that has any. */
function partitionsOf(known: TableStatistics, share: number): number {
  return Math.min(known.partitions, Math.max(1, Math.ceil(known.partitions * share)));
}

/** Share of the table's bytes in the columns touched; what is not known counts in full. */
function columnShare(
  facts: StatementFacts,
  touched: readonly string[] | undefined,
  known: TableStatistics,
): number {
  if (touched === undefined || touched.includes('*') || facts.unknown.includes('columns')) return 1;
  const all = Object.values(known.columns).reduce<number>((sum, share) => sum + (share ?? 0), 0);
  const listed = touched.reduce((sum, column) => sum + (known.columns[column] ?? 0), 0);
  const missing = touched.filter((column) => known.columns[column] === undefined).length;
  // What no share covers, and at least an even part each: statistics may be older than a column.
  const unlisted =
    missing === 0 ? 0 : Math.max(1 - all, missing / (Object.keys(known.columns).length + missing));
  return Math.min(1, listed + unlisted);
}
