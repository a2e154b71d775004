/** Sizes of the tables that a statement reads, as conditions of rules see them. */
import type { StatisticsView } from '../estimate/table-statistics.js';
import type { StatementFacts } from '../sql/facts.js';

export interface TableSizes {
  /** Bytes of each table read; -1: not known. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Columns of each table read; -1: not known. */
  readonly columns: Readonly<Record<string, number>>;
  /**
   * Tables of which some reading has no filter on the column they are clustered by; where that column is not known, no
   * filter at all.
   */
  readonly fullScans: readonly string[];
}

/** Sizes by imported statistics; absent: none are known. */
export function tableSizes(facts: StatementFacts, statistics?: StatisticsView): TableSizes {
  const known = facts.tablesRead.map((table) => [table, statistics?.table(table)] as const);
  return {
    bytes: Object.fromEntries(known.map(([table, each]) => [table, each?.bytes ?? -1])),
    columns: Object.fromEntries(
      known.map(([table, each]) => {
        const count = each === undefined ? 0 : Object.keys(each.columns).length;
        return [table, count === 0 ? -1 : count];
      }),
    ),
    fullScans: known.flatMap(([table, each]) =>
      isReadInFull(facts, table, each?.clusteringColumn ?? null) ? [table] : [],
    ),
  };
}

function isReadInFull(facts: StatementFacts, table: string, column: string | null): boolean {
  const readings = facts.readings.filter((reading) => reading.table === table);
  if (readings.length === 0 || facts.unknown.includes('filters')) return true;
  return readings.some(
    ({ filters }) => !filters.some((each) => column === null || each.column === column),
  );
}
