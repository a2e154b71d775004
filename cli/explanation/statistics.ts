/**
 * Table statistics without a database: the embedded demo's, or those of a file. They become what the worker's import
 * would have written (billing/import-table-statistics.ts), so that an estimate offline is the one of the live path.
 */
import { z } from 'zod';
import { columnShares, partitionsOf } from '../../billing/import-table-statistics.js';
import type { StatisticsView, TableStatistics } from '../../policies/estimate/table-statistics.js';
import type { Catalogue } from '../../policies/sql/facts.js';
import { readLimited } from '../read-limited.js';
import { VerbError } from '../verb-error.js';
import { DEMO_STATISTICS } from './demo-statistics.js';
import type { StatedTable } from './stated-table.js';

/** The word in place of a file that stands for the embedded demo account. */
export const DEMO = 'demo';
const FILE_BYTES_MAX = 16 * 1_048_576;
const TABLES_MAX = 50_000;
const COLUMNS_MAX = 10_000;
const PROBLEMS_SHOWN_MAX = 10;

const AMOUNT_RULE = 'must be a whole number from 0';
const amount = z.int(AMOUNT_RULE).min(0, AMOUNT_RULE);
const text = z.string().min(1).max(1_000);

const TABLE: z.ZodType<StatedTable> = z.strictObject({
  rows: amount,
  bytes: amount,
  clusteringColumn: text.optional(),
  clusteringMin: text.optional(),
  clusteringMax: text.optional(),
  columns: z.record(text, text).optional(),
});

/** Statistics and columns by table, and where they are from. */
export interface KnownTables {
  /** `the demo`, the name of a file, or null: there are none. */
  readonly source: string | null;
  readonly statistics: StatisticsView;
  readonly catalogue: Catalogue;
}

/** Nothing is known of any table. */
export const NO_TABLES: KnownTables = knownTables(null, {});

/**
 * The statistics of `file`, of the demo where it is the word {@link DEMO}.
 * @throws VerbError (usage) naming table and field when it cannot be read or is not as it should be.
 */
export async function readStatistics(file: string): Promise<KnownTables> {
  if (file === DEMO) return demoTables();
  const content = await readLimited(file, FILE_BYTES_MAX, 'statistics');
  return knownTables(file, accepted(file, content));
}

/** The tables of the embedded demo account. */
export function demoTables(): KnownTables {
  return knownTables('the demo', DEMO_STATISTICS);
}

function accepted(file: string, content: string): Readonly<Record<string, StatedTable>> {
  const refuse = (problems: readonly string[]): never => {
    throw new VerbError(
      [`--statistics: ${file} is not as it should be:`, ...problems, FORM].join('\n  '),
      2,
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return refuse(['it is not JSON']);
  }
  const read = z.record(z.string(), TABLE).safeParse(value);
  if (!read.success)
    return refuse(
      read.error.issues
        .slice(0, PROBLEMS_SHOWN_MAX)
        .map(({ path, message }) => `${path.length === 0 ? 'it' : path.join(': ')}: ${message}`),
    );
  const entries = Object.entries(read.data);
  if (entries.length > TABLES_MAX)
    return refuse([`it has ${entries.length} tables; at most ${TABLES_MAX} are read`]);
  const unnamed = entries.filter(([name]) => !/^[^.]+\.[^.]+\..+$/.test(name));
  if (unnamed.length > 0)
    return refuse(
      unnamed.slice(0, PROBLEMS_SHOWN_MAX).map(([name]) => `${name}: must be DB.SCHEMA.TABLE`),
    );
  const wide = entries.find(([, { columns = {} }]) => Object.keys(columns).length > COLUMNS_MAX);
  if (wide !== undefined) return refuse([`${wide[0]}: columns: at most ${COLUMNS_MAX}`]);
  return read.data;
}

const FORM =
  'write {"DB.SCHEMA.TABLE": {"rows": 1000, "bytes": 64000000, "clusteringColumn": "DAY", "clusteringMin": "2024-01-01", "clusteringMax": "2026-12-31", "columns": {"DAY": "DATE", "ID": "NUMBER"}}}; all but rows and bytes may be left out';

/** Unquoted names fold to capitals, so a table is found by its capitals too. */
function knownTables(
  source: string | null,
  stated: Readonly<Record<string, StatedTable>>,
): KnownTables {
  const tables = new Map<string, TableStatistics>();
  for (const [name, table] of Object.entries(stated))
    tables.set(name.toUpperCase(), toStatistics(table));
  for (const [name, table] of Object.entries(stated)) tables.set(name, toStatistics(table));
  return {
    source,
    statistics: { table: (name) => tables.get(name) },
    catalogue: {
      version: source ?? 'none',
      columnsOf(name) {
        const columns = Object.keys(tables.get(name)?.columns ?? {});
        return columns.length === 0 ? undefined : columns;
      },
    },
  };
}

function toStatistics(table: StatedTable): TableStatistics {
  const columns = Object.entries(table.columns ?? {});
  const type = table.columns?.[table.clusteringColumn ?? ''] ?? '';
  const bound = (text: string | undefined): string | null =>
    text === undefined ? null : /^(?:TIMESTAMP|DATETIME)/i.test(type) ? withTime(text) : text;
  return {
    rows: table.rows,
    bytes: table.bytes,
    partitions: partitionsOf(table.bytes),
    clusteringColumn: table.clusteringColumn ?? null,
    low: bound(table.clusteringMin),
    high: bound(table.clusteringMax),
    columns: columnShares(columns.map(([name, dataType]) => ({ name, dataType }))),
  };
}

/** A day alone would say that the column has no time. */
function withTime(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text.trim()) ? `${text.trim()} 00:00:00` : text;
}
