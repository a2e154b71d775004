/**
 * Imports sizes, columns and clustering ranges of an account's tables, for estimates before the first run. Runs in
 * the worker under the service user: reads INFORMATION_SCHEMA and, per clustered table, MIN and MAX of the clustering
 * column, which Snowflake answers from metadata. Source: Snowflake, "TABLES view", "COLUMNS view".
 */
import type { Log } from '#base/log.js';
import { toError } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { ServiceConnection, ServiceRow } from '#base/snowflake/service-connection.js';

/** Snowflake aims at 16 MB compressed a micro-partition ("Micro-partitions & Data Clustering"). */
const PARTITION_BYTES = 16_000_000;
const TABLES_MAX = 50_000;
/** Clustered tables asked for their range in one import; the largest first. */
const RANGES_MAX = 500;

interface Column {
  readonly name: string;
  readonly dataType: string;
}

interface Table {
  readonly name: string;
  readonly quotedName: string;
  readonly bytes: number;
  readonly rows: number;
  readonly clusteringColumn: string | null;
  readonly columns: readonly Column[];
}

/** Imports every database the service user sees; the number of tables written. Faults of upstream propagate. */
export async function importTableStatistics(
  db: Database,
  connection: ServiceConnection,
  account: string,
  log: Log,
): Promise<number> {
  const tables: Table[] = [];
  for (const database of await databases(connection)) {
    tables.push(...(await tablesOf(connection, database)));
    if (tables.length >= TABLES_MAX) break;
  }
  const clustered = tables
    .filter((table) => table.clusteringColumn !== null)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, RANGES_MAX);
  const ranges = new Map<string, { low: string | null; high: string | null }>();
  for (const table of clustered) {
    try {
      ranges.set(table.name, await rangeOf(connection, table));
    } catch (thrown) {
      log.warn(
        { err: toError(thrown), table: table.name },
        'the clustering range of a table could not be read',
      );
    }
  }
  await write(db, account, tables.slice(0, TABLES_MAX), ranges);
  return tables.length;
}

async function databases(connection: ServiceConnection): Promise<readonly string[]> {
  const rows = await connection.query('SHOW DATABASES');
  return rows.flatMap((row) => {
    const name = row['NAME'];
    return name === undefined || name === null || name === 'SNOWFLAKE' ? [] : [name];
  });
}

async function tablesOf(
  connection: ServiceConnection,
  database: string,
): Promise<readonly Table[]> {
  const schema = `${quoted(database)}.INFORMATION_SCHEMA`;
  const tables = await connection.query(
    `SELECT TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, ROW_COUNT, BYTES, CLUSTERING_KEY FROM ${schema}.TABLES
      WHERE TABLE_TYPE = 'BASE TABLE' AND BYTES IS NOT NULL`,
  );
  const columns = await connection.query(
    `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM ${schema}.COLUMNS
      ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
  );
  const byTable = new Map<string, Column[]>();
  for (const row of columns) {
    const key = `${row['TABLE_SCHEMA']}.${row['TABLE_NAME']}`;
    const column = { name: row['COLUMN_NAME'] ?? '', dataType: row['DATA_TYPE'] ?? '' };
    byTable.set(key, [...(byTable.get(key) ?? []), column]);
  }
  return tables.map((row) => toTable(row, byTable));
}

function toTable(row: ServiceRow, columns: ReadonlyMap<string, readonly Column[]>): Table {
  const parts = [row['TABLE_CATALOG'] ?? '', row['TABLE_SCHEMA'] ?? '', row['TABLE_NAME'] ?? ''];
  const own = columns.get(`${parts[1]}.${parts[2]}`) ?? [];
  return {
    name: parts.join('.'),
    quotedName: parts.map(quoted).join('.'),
    bytes: wholeNumber(row['BYTES']),
    rows: wholeNumber(row['ROW_COUNT']),
    clusteringColumn: clusteringColumn(row['CLUSTERING_KEY'] ?? null, own),
    columns: own,
  };
}

/** The first column of `LINEAR(A, B)` when it is a plain column; expressions tell nothing of a column's range. */
function clusteringColumn(key: string | null, columns: readonly Column[]): string | null {
  const first =
    key === null
      ? undefined
      : /^(?:LINEAR\()?\s*"?([A-Za-z_][\w$]*)"?\s*(?:,|\)|$)/i.exec(key)?.[1];
  if (first === undefined) return null;
  return columns.find((column) => column.name.toUpperCase() === first.toUpperCase())?.name ?? null;
}

async function rangeOf(
  connection: ServiceConnection,
  table: Table,
): Promise<{ low: string | null; high: string | null }> {
  const column = quoted(table.clusteringColumn ?? '');
  const [row] = await connection.query(
    `SELECT TO_VARCHAR(MIN(${column})) AS LOW, TO_VARCHAR(MAX(${column})) AS HIGH FROM ${table.quotedName}`,
  );
  return { low: row?.['LOW'] ?? null, high: row?.['HIGH'] ?? null };
}

/** Relative compressed widths by type. Snowflake publishes no size per column; the history corrects what this misses. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/^(?:VARIANT|OBJECT|ARRAY|MAP|GEO)/, 400],
  [/^(?:TEXT|VARCHAR|STRING|CHAR|BINARY)/, 12],
  [/^(?:TIMESTAMP|DATETIME)/, 6],
  [/^(?:NUMBER|DECIMAL|INT|FLOAT|DOUBLE|REAL)/, 4],
  [/^(?:DATE|TIME|BOOLEAN)/, 1],
];
const WIDTH_OTHER = 8;

/** Micro-partitions of a table of that many bytes; at least one. */
export function partitionsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PARTITION_BYTES));
}

/** Share of a table's bytes per column; the shares sum to one. */
export function columnShares(
  columns: readonly { readonly name: string; readonly dataType: string }[],
): Record<string, number> {
  const widths = columns.map((column) => {
    const type = column.dataType.toUpperCase();
    return WIDTHS.find(([pattern]) => pattern.test(type))?.[1] ?? WIDTH_OTHER;
  });
  const total = widths.reduce((sum, width) => sum + width, 0);
  return Object.fromEntries(
    columns.map((column, index) => [column.name, (widths[index] ?? 0) / total]),
  );
}

async function write(
  db: Database,
  account: string,
  tables: readonly Table[],
  ranges: ReadonlyMap<string, { low: string | null; high: string | null }>,
): Promise<void> {
  const rows = tables.map((table) => ({
    name: table.name,
    bytes: table.bytes,
    rows: table.rows,
    partitions: partitionsOf(table.bytes),
    clustering: table.clusteringColumn,
    low: ranges.get(table.name)?.low ?? null,
    high: ranges.get(table.name)?.high ?? null,
    columns: columnShares(table.columns),
  }));
  await db.transaction(async (tx) => {
    await tx.query('DELETE FROM table_statistics WHERE account = $1 AND table_name <> ALL ($2)', [
      account,
      rows.map((row) => row.name),
    ]);
    await tx.query(
      `INSERT INTO table_statistics (account, table_name, bytes, rows, partitions, clustering_column, clustering_low,
         clustering_high, columns, imported_at)
       SELECT $1, name, bytes, rows, partitions, clustering, low, high, columns, now()
         FROM jsonb_to_recordset($2::jsonb) AS given (name text, bytes bigint, rows bigint, partitions bigint,
              clustering text, low text, high text, columns jsonb)
       ON CONFLICT (account, table_name) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows,
         partitions = excluded.partitions, clustering_column = excluded.clustering_column,
         clustering_low = excluded.clustering_low, clustering_high = excluded.clustering_high,
         columns = excluded.columns, imported_at = excluded.imported_at`,
      [account, JSON.stringify(rows)],
    );
  });
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function wholeNumber(text: string | null | undefined): number {
  const value = Number(text ?? '0');
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
